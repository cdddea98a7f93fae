//! What a request may ask for.

use std::time::Duration;

use deepcompose::core::Score;
use deepcompose::midi::Limits;

use crate::reply::Refusal;

/// Most bytes of a request that holds one score.
pub const SCORE_BODY: usize = 32 << 20;

/// Most bytes of a saved session.
pub const SESSION_BODY: usize = 64 << 20;

/// Most results in a saved session.
pub const SESSION_RESULTS: usize = 200;

/// Limits of an uploaded MIDI file, and of every score.
#[must_use]
pub fn limits() -> Limits {
    Limits::default()
        .with_bytes(8 << 20)
        .with_events(500_000)
        .with_notes(50_000)
        .with_tracks(128)
        .with_text_bytes(1 << 20)
        .with_duration(Duration::from_secs(30 * 60))
}

/// Most bars of a score: minutes of music have thousands at most, and figures are made of each.
const BARS: usize = 100_000;

/// Refuses a score past [`limits`], which a MIDI file could not have brought in.
///
/// # Errors
///
/// [`Refusal`] names what there is too much of.
pub fn check(score: &Score) -> Result<(), Refusal> {
    check_times(score, 1)
}

/// Refuses a score that is past twice the [`limits`]: what was made of one within them is not.
///
/// # Errors
///
/// As [`check`].
pub fn check_made(score: &Score) -> Result<(), Refusal> {
    check_times(score, 2)
}

fn check_times(score: &Score, times: u64) -> Result<(), Refusal> {
    let limits = limits();
    let at_most = |what: &str, value: u64, limit: u64| {
        let limit = times * limit;
        if value <= limit {
            return Ok(());
        }
        Err(Refusal::unprocessable(format!("the score has {value} {what}: at most {limit} are accepted")))
    };
    at_most("tracks", score.tracks().len() as u64, limits.tracks)?;
    at_most("notes", score.note_count() as u64, limits.notes)?;
    at_most("seconds", score.duration_seconds().ceil() as u64, limits.duration.as_secs())?;
    let end = score.end();
    match score.bars().take_while(|bar| bar.start < end).nth(BARS) {
        Some(_) => Err(Refusal::unprocessable(format!("the score has over {BARS} bars"))),
        None => Ok(()),
    }
}
