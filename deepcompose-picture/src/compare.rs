//! [`compare`]: which notes two scores share.

use std::collections::HashMap;

use deepcompose_core::{Note, Score};

use crate::error::PictureError;

/// The notes of two scores, each with the index of its track.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Notes of the output that the input has too, in the output's tracks.
    pub kept: Vec<(usize, Note)>,
    /// Notes that only the output has, in its tracks.
    pub added: Vec<(usize, Note)>,
    /// Notes that only the input has, in its tracks.
    pub removed: Vec<(usize, Note)>,
}

/// Compares notes as multisets over all tracks: one is kept if the other score has an equal one, in whatever track. The
/// input is brought to the output's ticks a quarter first.
///
/// ```
/// use deepcompose_core::InputTrack;
/// use deepcompose_picture::compare;
///
/// let input = InputTrack::OdeToJoy.score();
/// let mut output = input.clone();
/// let mut notes = input.tracks()[0].notes().to_vec();
/// notes.pop();
/// output.tracks_mut()[0].set_notes(notes);
/// let comparison = compare(&input, &output)?;
/// assert_eq!((comparison.added.len(), comparison.removed.len()), (0, 1));
/// # Ok::<(), deepcompose_picture::PictureError>(())
/// ```
///
/// # Errors
///
/// [`PictureError::Input`] if the input has no place in the output's ticks.
pub fn compare(input: &Score, output: &Score) -> Result<Comparison, PictureError> {
    let resampled;
    let input = if input.ticks_per_quarter() == output.ticks_per_quarter() {
        input
    } else {
        resampled = input.resample(output.ticks_per_quarter())?;
        &resampled
    };
    let mut left: HashMap<Note, usize> = HashMap::new();
    for (_, note) in notes(input) {
        *left.entry(note).or_default() += 1;
    }
    let mut comparison = Comparison::default();
    for (track, note) in notes(output) {
        match left.get_mut(&note).filter(|count| **count > 0) {
            Some(count) => {
                *count -= 1;
                comparison.kept.push((track, note));
            }
            None => comparison.added.push((track, note)),
        }
    }
    // Of several equal ones the last are those that went.
    let all: Vec<_> = notes(input).collect();
    for (track, note) in all.into_iter().rev() {
        if let Some(count) = left.get_mut(&note).filter(|count| **count > 0) {
            *count -= 1;
            comparison.removed.push((track, note));
        }
    }
    comparison.removed.reverse();
    Ok(comparison)
}

fn notes(score: &Score) -> impl Iterator<Item = (usize, Note)> + '_ {
    let tracks = score.tracks().iter().enumerate();
    tracks.flat_map(|(index, track)| track.notes().iter().map(move |note| (index, *note)))
}
