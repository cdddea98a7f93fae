//! Moving everything in time.

use crate::error::ScoreError;
use crate::score::{Note, Score};
use crate::units::{Tick, TicksPerQuarter};

/// Moves what is at a tick to `to(tick)`, in every list. A note that had a length keeps at least
/// one tick; one that had none keeps none.
pub(crate) fn remap(score: &Score, mut to: impl FnMut(Tick) -> u64) -> Result<Score, ScoreError> {
    let limit = u64::from(Tick::MAX.get());
    let mut last = 0;
    let mut tick = |at: Tick| {
        let moved = to(at);
        last = last.max(moved);
        Tick::saturating(moved.min(limit) as i64)
    };
    let mut out = score.clone();
    for track in out.tracks_mut() {
        let moved = track.notes_as_given().map(|note| {
            let (start, end) = (tick(note.start), tick(note.end()));
            let shortest = u32::from(note.duration > Tick::ZERO);
            let duration = Tick::saturating(end.saturating_sub(start).get().max(shortest).into());
            Note { start, duration, ..*note }
        });
        let moved = moved.collect();
        // The events alone.
        track.set_notes(Vec::new());
        track.map_ticks(&mut tick);
        track.set_notes(moved);
    }
    let tracks = std::mem::take(out.tracks_mut());
    out.map_ticks(&mut tick);
    *out.tracks_mut() = tracks;
    if last > limit {
        return Err(ScoreError::Limit { what: "ticks of the score", value: last, limit });
    }
    Ok(out)
}

/// The same ticks, read at another resolution.
pub(super) fn with_resolution(mut score: Score, ticks_per_quarter: TicksPerQuarter) -> Score {
    let mut out = Score::new(ticks_per_quarter);
    out.set_tempo_map(score.tempo_map().clone());
    out.set_time_signatures(score.time_signatures().to_vec());
    out.set_key_signatures(score.key_signatures().to_vec());
    out.set_texts(score.texts().to_vec());
    out.set_raw_events(score.raw_events().to_vec());
    *out.tracks_mut() = std::mem::take(score.tracks_mut());
    out
}
