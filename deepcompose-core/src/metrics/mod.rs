//! Objective measures of symbolic music.
//!
//! Each function takes the notes it measures (a track's, or [`pitched_notes`] of a score) and,
//! where time matters, the score they belong to. [`Metrics::of`] gives all of them at once.
//! Drums have no pitch in this sense: leave them out of the pitch measures.
//!
//! | measure | range | definition | with nothing to measure |
//! |---|---|---|---|
//! | [`pitch_class_histogram`] | shares, sum 1 | notes by pitch class | `None` |
//! | [`pitch_class_entropy`] | 0 to log₂ 12 bits | Wu and Yang 2020, section 4.1 | `None` |
//! | [`pitch_count`], [`pitch_class_count`] | 0 to 128, 0 to 12 | MusPy's `n_pitches_used`, `n_pitch_classes_used` | 0 |
//! | [`pitches_per_bar`], [`pitch_classes_per_bar`] | means | MuseGAN's UPC, over bars with notes | `None` |
//! | [`in_scale_rate`], [`best_key`] | 0 to 1 | MusPy's `pitch_in_scale_rate`, `scale_consistency` | `None` |
//! | [`estimate_key`], [`key_of_chroma`] | −1 to 1 | Krumhansl and Schmuckler's correlation | `None` |
//! | [`cadence`] | | how the last note ends | `None` |
//! | [`empty_bar_rate`] | 0 to 1 | MuseGAN's EB | `None` |
//! | [`polyphony_rate`] | 0 to 1 | Dong and Yang 2018's polyphonicity, from as many pitches as are asked for | `None` |
//! | [`qualified_note_rate`] | 0 to 1 | MuseGAN's QN | `None` |
//! | [`groove_consistency`] | 0 to 1 | Wu and Yang 2020, between neighbouring bars as in MusPy | `None` |
//! | [`note_density`], [`note_density_per_beat`] | notes a second, a quarter note | notes over length | `None` |
//! | [`dissonance_rate`] | 0 to 1 | seconds, sevenths, tritones and fourths above the bass on the beats | `None` |
//! | [`voice_spacing`], [`voice_count`] | shares, sum 1 | semitones between neighbouring pitches, pitches at once, by time | `None` |
//! | [`note_length_histogram`] | shares, sum 1 | notes by steps of a grid | `None` |
//! | [`histogram_overlap`] | 0 to 1 | Yang and Lerch 2020's overlapping area, over the places | |
//! | [`tonal_distance`] | 0 and up | Harte et al. 2006, between two tracks as in MuseGAN | `None` |
//! | [`chord_tone_rate`] | 0 to 1 | melody time whose pitch class sounds in the accompaniment | `None` |
//! | [`chroma_correlation`] | −1 to 1 | of melody and accompaniment, segment by segment | `None` |
//! | [`on_grid_rate`] | 0 to 1 | after MuseGAN's DP, on the grid that is asked for | `None` |
//! | [`self_similarity`] | 0 to 1 | bars so and so far apart | `None` |
//!
//! Of two sets of music, [`overlapping_area`] (Yang and Lerch 2020) tells how alike a measure is distributed in them,
//! and [`two_sample_accuracy`] (Lopez-Paz and Oquab 2017) how well a classifier tells them apart.
//!
//! Sources: Dong, Hsiao, Yang and Yang 2018, *MuseGAN*, section 5; Dong and Yang 2018, *Convolutional
//! Generative Adversarial Networks with Binary Neurons for Polyphonic Music Generation*; Wu and Yang
//! 2020, *The Jazz Transformer on the Front Line*; Dong et al. 2020, *MusPy*; Harte, Sandler and Gasser 2006,
//! *Detecting Harmonic Change in Musical Audio*; Yang and Lerch 2020, *On the evaluation of generative models in
//! music*.
//!
//! Time is measured in ticks, exactly, rather than in steps of a grid, unless a grid is asked for.

mod bars;
mod distribution;
mod form;
mod harmony;
mod histogram;
mod key;
mod pitch;
mod texture;
mod time;
mod tonal;
mod two_sample;

use serde::Serialize;

use crate::meter::KeySignature;
use crate::score::{Note, Score, Track};
use crate::units::StepsPerBeat;

pub use bars::{empty_bar_rate, groove_consistency, pitch_classes_per_bar, pitches_per_bar};
pub use distribution::overlapping_area;
pub use form::{Cadence, cadence, on_grid_rate, self_similarity};
pub use harmony::{chord_tone_rate, chroma_correlation};
pub use histogram::{NOTE_LENGTHS, histogram_mean, histogram_overlap, note_length_histogram};
pub use key::{estimate_key, key_of_chroma};
pub use pitch::{
    best_key, in_scale_rate, pitch_class_count, pitch_class_entropy, pitch_class_histogram, pitch_count,
};
pub use texture::{SPACINGS, VOICES, dissonance_rate, voice_count, voice_spacing};
pub use time::{note_density, note_density_per_beat, polyphony_rate, qualified_note_rate};
pub use tonal::{Segment, tonal_centroid, tonal_distance};
pub use two_sample::{Sample, two_sample_accuracy};

/// The notes of all tracks but the drums, sorted.
#[must_use]
pub fn pitched_notes(score: &Score) -> Vec<Note> {
    let mut notes: Vec<Note> =
        score.tracks().iter().filter(|t| !t.is_drum()).flat_map(Track::notes).copied().collect();
    notes.sort_unstable();
    notes
}

/// All the measures of one set of notes; see the module's table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Metrics {
    /// How many notes there are.
    pub notes: usize,
    /// [`pitch_class_histogram`].
    pub pitch_class_histogram: Option<[f64; 12]>,
    /// [`pitch_class_entropy`], bits.
    pub pitch_class_entropy: Option<f64>,
    /// [`pitch_count`].
    pub pitches: usize,
    /// [`pitch_class_count`].
    pub pitch_classes: usize,
    /// [`pitches_per_bar`].
    pub pitches_per_bar: Option<f64>,
    /// [`pitch_classes_per_bar`].
    pub pitch_classes_per_bar: Option<f64>,
    /// The key of [`best_key`].
    pub best_key: Option<KeySignature>,
    /// The in-scale rate of [`best_key`].
    pub best_key_in_scale_rate: Option<f64>,
    /// [`in_scale_rate`] in the score's first key signature, if it has one.
    pub in_scale_rate: Option<f64>,
    /// [`empty_bar_rate`].
    pub empty_bar_rate: Option<f64>,
    /// [`polyphony_rate`] of two pitches or more.
    pub polyphony_rate: Option<f64>,
    /// [`qualified_note_rate`].
    pub qualified_note_rate: Option<f64>,
    /// [`groove_consistency`] on the sixteenth grid.
    pub groove_consistency: Option<f64>,
    /// [`note_density`], notes a second.
    pub note_density: Option<f64>,
    /// [`note_density_per_beat`], notes a quarter note.
    pub note_density_per_beat: Option<f64>,
}

impl Metrics {
    /// The measures of a score's pitched notes, all tracks together.
    ///
    /// ```
    /// use deepcompose_core::InputTrack;
    /// use deepcompose_core::metrics::Metrics;
    ///
    /// let metrics = Metrics::of(&InputTrack::TwinkleTwinkle.score());
    /// assert_eq!((metrics.notes, metrics.pitches), (42, 6));
    /// assert_eq!(metrics.in_scale_rate, Some(1.0));
    /// assert_eq!(metrics.empty_bar_rate, Some(0.0));
    /// ```
    #[must_use]
    pub fn of(score: &Score) -> Self {
        Self::of_notes(score, &pitched_notes(score))
    }

    /// The measures of some of a score's notes, such as one track's.
    #[must_use]
    pub fn of_notes(score: &Score, notes: &[Note]) -> Self {
        let best = best_key(notes);
        let given = score.key_signatures().first();
        Self {
            notes: notes.len(),
            pitch_class_histogram: pitch_class_histogram(notes),
            pitch_class_entropy: pitch_class_entropy(notes),
            pitches: pitch_count(notes),
            pitch_classes: pitch_class_count(notes),
            pitches_per_bar: pitches_per_bar(score, notes),
            pitch_classes_per_bar: pitch_classes_per_bar(score, notes),
            best_key: best.map(|(key, _)| key),
            best_key_in_scale_rate: best.map(|(_, rate)| rate),
            in_scale_rate: given.and_then(|key| in_scale_rate(notes, key.value)),
            empty_bar_rate: empty_bar_rate(score, notes),
            polyphony_rate: polyphony_rate(score, notes, 2),
            qualified_note_rate: qualified_note_rate(score, notes),
            groove_consistency: groove_consistency(score, notes, StepsPerBeat::DEFAULT),
            note_density: note_density(score, notes),
            note_density_per_beat: note_density_per_beat(score, notes),
        }
    }
}

/// `part / whole`, or `None` of nothing.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Counts as shares of their sum, or `None` of nothing.
fn shares<const N: usize>(counts: [u64; N]) -> Option<[f64; N]> {
    let sum: u64 = counts.iter().sum();
    (sum > 0).then(|| counts.map(|count| count as f64 / sum as f64))
}

#[cfg(test)]
mod comparison_tests;
#[cfg(test)]
mod tests;
