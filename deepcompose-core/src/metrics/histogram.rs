//! Note lengths, and how alike two histograms are.

use crate::roll::PianoRoll;
use crate::score::{Note, Score};
use crate::units::StepsPerBeat;

/// How many places [`note_length_histogram`] has: 0 to 31 steps, and 32 or more.
pub const NOTE_LENGTHS: usize = 33;

/// Note lengths in steps of a grid, as shares of the notes: place `n` holds notes of `n` steps, the last one all of
/// [`NOTE_LENGTHS`] − 1 or more. Onsets and ends are rounded to the grid as in a [`PianoRoll`], so a note is at least
/// one step long and place 0 is empty. The shares sum to 1. `None` without notes.
#[must_use]
pub fn note_length_histogram(
    score: &Score,
    notes: &[Note],
    steps_per_beat: StepsPerBeat,
) -> Option<[f64; NOTE_LENGTHS]> {
    let mut counts = [0_u64; NOTE_LENGTHS];
    for note in notes {
        let length = PianoRoll::note_steps(note, score.ticks_per_quarter(), steps_per_beat).len();
        counts[length.min(NOTE_LENGTHS - 1)] += 1;
    }
    super::shares(counts)
}

/// How much of two histograms of shares is common: Σ min(aᵢ, bᵢ), 1 for the same and 0 for disjoint ones. It is 1
/// minus their total variation distance, and the overlapping area of Yang and Lerch 2020 (*On the evaluation of
/// generative models in music*, section 3.2.3), taken over the places instead of over smoothed densities.
///
/// ```
/// use deepcompose_core::metrics::histogram_overlap;
///
/// assert_eq!(histogram_overlap(&[0.5, 0.5, 0.0], &[0.25, 0.25, 0.5]), 0.5);
/// ```
#[must_use]
pub fn histogram_overlap<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.min(*b)).sum()
}

/// The mean place of a histogram of shares: Σ i·aᵢ, with what is in its last place taken as being there.
#[must_use]
pub fn histogram_mean<const N: usize>(shares: &[f64; N]) -> f64 {
    shares.iter().enumerate().map(|(place, share)| place as f64 * share).sum()
}
