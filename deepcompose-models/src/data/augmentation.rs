//! [`TokenAugmentation`]: further renditions of a piece.

use deepcompose_core::Score;
use deepcompose_core::augment::{scale_velocity, stretch_ticks};
use serde::{Deserialize, Serialize};

use super::CorpusError;
use crate::transformer::Vocabulary;

/// Further renditions of every training piece, of which each visit takes one at random: each combination of a time
/// stretch and a velocity factor, 1 included.
///
/// They are made when the tokens are, so a prepared corpus grows with their number. Held-out pieces are left as they
/// are. Transposition is apart from this: the trainers draw one for every visit
/// ([`TransformerTraining`](crate::transformer::TransformerTraining)).
///
/// Stretching takes the notes off the metric clock's grid, as the reference's training does; weights that are to write
/// on the grid are better trained without.
///
/// ```
/// use deepcompose_models::data::TokenAugmentation;
///
/// assert_eq!(TokenAugmentation::reference().renditions().len(), 5);
/// let louder = TokenAugmentation { velocity: vec![0.8, 1.25], ..TokenAugmentation::reference() };
/// assert_eq!(louder.renditions().len(), 15);
/// assert_eq!(louder.renditions()[0], (1.0, 1.0)); // the piece as it is comes first
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenAugmentation {
    /// Factors of all times, each 0.5 to 2: over 1 is slower. Default none.
    pub stretch: Vec<f64>,
    /// Factors of all velocities, each 0.25 to 4. Default none.
    pub velocity: Vec<f64>,
}

impl TokenAugmentation {
    /// The most renditions of a piece.
    pub const MAX_RENDITIONS: usize = 32;

    /// The reference's: times stretched by 0.95, 0.975, 1.025 and 1.05.
    #[must_use]
    pub fn reference() -> Self {
        Self { stretch: vec![0.95, 0.975, 1.025, 1.05], velocity: Vec::new() }
    }

    /// Stretch and velocity factor of every rendition, the piece as it is first.
    #[must_use]
    pub fn renditions(&self) -> Vec<(f64, f64)> {
        let with_one = |factors: &[f64]| -> Vec<f64> {
            std::iter::once(1.0).chain(factors.iter().copied().filter(|f| *f != 1.0)).collect()
        };
        let velocities = with_one(&self.velocity);
        let stretches = with_one(&self.stretch).into_iter();
        stretches.flat_map(|s| velocities.iter().map(move |v| (s, *v))).collect()
    }

    /// Checks the factors.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Option`] for a factor out of range, more than [`TokenAugmentation::MAX_RENDITIONS`] renditions, or
    /// any for [`Vocabulary::Satb`], whose tokens know neither velocity nor times off the grid.
    pub fn validate(&self, vocabulary: Vocabulary) -> Result<(), CorpusError> {
        let wrong = |field, value: String, accepted| Err(CorpusError::Option { field, value, accepted });
        for (field, factors, range, accepted) in [
            ("stretch", &self.stretch, 0.5..=2.0, "0.5 to 2"),
            ("velocity", &self.velocity, 0.25..=4.0, "0.25 to 4"),
        ] {
            if let Some(factor) = factors.iter().find(|factor| !range.contains(*factor)) {
                return wrong(field, factor.to_string(), accepted);
            }
            if vocabulary == Vocabulary::Satb && !factors.is_empty() {
                return wrong(field, format!("{factors:?}"), "none for the tokenizer satb");
            }
        }
        let others = |factors: &[f64]| 1 + factors.iter().filter(|factor| **factor != 1.0).count();
        match others(&self.stretch).saturating_mul(others(&self.velocity)) {
            count if count > Self::MAX_RENDITIONS => wrong("renditions", count.to_string(), "1 to 32"),
            _ => Ok(()),
        }
    }

    /// Every rendition of a score. One that would pass the last tick is left out.
    pub(super) fn scores(&self, score: &Score) -> Vec<Score> {
        let render = |(stretch, velocity): (f64, f64)| {
            let stretched =
                if stretch == 1.0 { score.clone() } else { stretch_ticks(score, stretch).ok()? };
            if velocity == 1.0 { Some(stretched) } else { scale_velocity(&stretched, velocity).ok() }
        };
        self.renditions().into_iter().filter_map(render).collect()
    }
}
