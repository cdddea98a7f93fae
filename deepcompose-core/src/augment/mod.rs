//! Variations of a score that are as good music as the score itself: more training data from the
//! same pieces.
//!
//! The reference Transformer is trained on transpositions by −3..=3 semitones and on times
//! stretched by 0.95, 0.975, 1, 1.025 and 1.05.

use std::ops::RangeInclusive;

use crate::error::ScoreError;
use crate::ops::PitchOverflow;
use crate::ops::remap::remap;
use crate::score::{Note, Score};
use crate::tempo::{Tempo, TempoMap};
use crate::units::{Pitch, Velocity};

/// The score `semitones` higher, drums and all else as they are; `None` if a note would leave
/// `range`. Key pressure goes along with its key. Key signatures go along, spelt with at most six
/// sharps or five flats; a transposition by whole octaves leaves them as they are.
///
/// ```
/// use deepcompose_core::augment::transpose;
/// use deepcompose_core::{InputTrack, Pitch};
///
/// let score = InputTrack::TwinkleTwinkle.score(); // C4 to A4
/// let piano = Pitch::new(21)?..=Pitch::new(108)?;
/// let higher = transpose(&score, 3, piano.clone());
/// assert_eq!(higher.map(|s| s.tracks()[0].notes()[0].pitch.get()), Some(63));
/// assert_eq!(transpose(&score, -40, piano), None);
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[must_use]
pub fn transpose(score: &Score, semitones: i32, range: RangeInclusive<Pitch>) -> Option<Score> {
    score.transpose(semitones, range, PitchOverflow::Refuse).ok().map(|(score, _)| score)
}

/// The score with every tick multiplied by `ratio`: over 1 is slower. Onsets and ends are rounded
/// one by one, so that notes that met still meet; but a note that had a length keeps at least one tick.
/// Tempo, signatures, controls and all else move along,
/// so bars no longer agree with the time signature unless the ratio makes them: to keep the metre
/// use [`stretch_tempo`].
///
/// # Errors
///
/// [`ScoreError::Factor`] if the ratio is no finite number over 0; [`ScoreError::Limit`] if
/// something would come past [`Tick::MAX`](crate::Tick::MAX).
pub fn stretch_ticks(score: &Score, ratio: f64) -> Result<Score, ScoreError> {
    check("time stretch ratio", ratio)?;
    // The conversion saturates, and what saturates is past the last tick.
    remap(score, |tick| (f64::from(tick.get()) * ratio).round() as u64)
}

/// The score with every duration in seconds multiplied by `ratio`, by its tempo alone: over 1 is
/// slower. Ticks and metre stay as they are.
///
/// # Errors
///
/// [`ScoreError::Factor`] if the ratio is no finite number over 0; [`ScoreError::OutOfRange`] if a
/// tempo would leave its range.
pub fn stretch_tempo(score: &Score, ratio: f64) -> Result<Score, ScoreError> {
    check("time stretch ratio", ratio)?;
    let mut changes = score.tempo_map().changes().to_vec();
    for change in &mut changes {
        // The conversion saturates, and what saturates is out of range.
        change.value = Tempo::from_micros((f64::from(change.value.micros()) * ratio).round() as u32)?;
    }
    let mut out = score.clone();
    out.set_tempo_map(TempoMap::new(changes));
    Ok(out)
}

/// The score with every velocity multiplied by `factor`, rounded, and kept within 1..=127.
///
/// # Errors
///
/// [`ScoreError::Factor`] if the factor is no finite number over 0.
pub fn scale_velocity(score: &Score, factor: f64) -> Result<Score, ScoreError> {
    check("velocity factor", factor)?;
    let mut out = score.clone();
    for track in out.tracks_mut() {
        let scaled = |note: &Note| {
            let velocity = (f64::from(note.velocity.get()) * factor).round();
            Note { velocity: Velocity::saturating(velocity as i64), ..*note }
        };
        track.set_notes(track.notes_as_given().map(scaled).collect());
    }
    Ok(out)
}

fn check(field: &'static str, value: f64) -> Result<(), ScoreError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(ScoreError::Factor { field, value: value.to_string() })
    }
}

#[cfg(test)]
mod tests;
