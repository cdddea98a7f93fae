//! [`evaluate_chords`]: the chords that a generator expects against those that were played.

use deepcompose_core::Chord;
use serde::{Deserialize, Serialize};

use super::super::Generator;
use super::super::data::GanDataset;

/// How well a generator's [`ChordModel`](super::super::ChordModel) foretells the chords that were played, each
/// after those played before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChordEvaluation {
    /// Half bars in which the band sounds.
    pub half_bars: usize,
    /// Cross-entropy in nats a half bar; ln 24 = 3.18 is that of a guess.
    pub loss: f64,
    /// Of the chords that were played, how many the generator holds to be the most probable, 0..=1.
    pub accuracy: f64,
    /// How many have the root of the chord that it holds to be the most probable, 0..=1.
    pub root_accuracy: f64,
    /// How many are the chord of the half bar before, 0..=1.
    pub same_as_before: f64,
}

/// Foretells the chord of every half bar of `dataset` in which a band sounds, from the melody and the chords that
/// were **played** before. `None` for a generator that chooses no chords, and for a dataset of drums alone.
#[must_use]
pub fn evaluate_chords(generator: &Generator, dataset: &GanDataset) -> Option<ChordEvaluation> {
    let model = generator.chord_model()?;
    let (mut half_bars, mut loss, mut right, mut root, mut same) = (0, 0.0, 0, 0, 0);
    for (piece, known) in dataset.pieces().iter().zip(dataset.chords()) {
        for (at, heard) in known.heard.iter().enumerate() {
            let Some(heard) = heard else { continue };
            let logits = model.logits(&known.tune, at, |at| known.known(at), piece.genre());
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let whole: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
            let best = logits.iter().position(|logit| *logit == most).and_then(Chord::from_index);
            half_bars += 1;
            loss += f64::from(most + whole.ln() - logits[heard.index()]);
            right += usize::from(best == Some(*heard));
            root += usize::from(best.is_some_and(|best| best.root() == heard.root()));
            same += usize::from(at.checked_sub(1).and_then(|before| known.known(before)) == Some(*heard));
        }
    }
    if half_bars == 0 {
        return None;
    }
    let mean = |sum: f64| sum / half_bars as f64;
    Some(ChordEvaluation {
        half_bars,
        loss: mean(loss),
        accuracy: mean(right as f64),
        root_accuracy: mean(root as f64),
        same_as_before: mean(same as f64),
    })
}
