//! The shape of an AR-CNN.

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// The shape of an AR-CNN.
///
/// `steps` and `pitches` are the size of the roll that is edited at once; each must be divisible
/// by 2^`levels`. Level `l` of the encoder has `filters`·2^`l` channels and the bottleneck
/// `filters`·2^`levels`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArCnnConfig {
    /// Length of the window in sixteenth steps.
    pub steps: usize,
    /// The MIDI pitch of the roll's first column.
    pub lowest_pitch: usize,
    /// How many pitches the roll has; `lowest_pitch + pitches` is at most 128.
    pub pitches: usize,
    /// Channels of the first level.
    pub filters: usize,
    /// Levels of the encoder and of the decoder, 1..=7.
    pub levels: usize,
    /// Dropout after every level but the outermost, 0..1.
    pub dropout: f64,
}

impl ArCnnConfig {
    /// The published network: 128 steps by 128 pitches, 5 levels of 32·2^l filters, dropout 0.5;
    /// about 31 million parameters.
    #[must_use]
    pub const fn reference() -> Self {
        Self { steps: 128, lowest_pitch: 0, pitches: 128, filters: 32, levels: 5, dropout: 0.5 }
    }

    /// The network that is shipped: half the filters, four levels, and only the pitches of the
    /// piano, so that it can be trained on two CPU cores; about 1.9 million parameters.
    #[must_use]
    pub const fn compact() -> Self {
        Self { steps: 128, lowest_pitch: 16, pitches: 96, filters: 16, levels: 4, dropout: 0.1 }
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] naming the field, its value and what is accepted.
    pub fn validate(&self) -> Result<(), ModelError> {
        if !(1..=7).contains(&self.levels) {
            return Err(ModelError::range("levels", self.levels, "1..=7"));
        }
        let factor = 1 << self.levels;
        let divisible = |v: usize, max: usize| v > 0 && v <= max && v.is_multiple_of(factor);
        if !divisible(self.steps, 4096) {
            let accepted = format!("a multiple of {factor} (2^levels) in {factor}..=4096");
            return Err(ModelError::range("steps", self.steps, accepted));
        }
        if !divisible(self.pitches, 128) {
            let accepted = format!("a multiple of {factor} (2^levels) in {factor}..=128");
            return Err(ModelError::range("pitches", self.pitches, accepted));
        }
        if self.lowest_pitch + self.pitches > 128 {
            let accepted = format!("0..={} with {} pitches", 128 - self.pitches, self.pitches);
            return Err(ModelError::range("lowest_pitch", self.lowest_pitch, accepted));
        }
        if !(1..=256).contains(&self.filters) {
            return Err(ModelError::range("filters", self.filters, "1..=256"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(ModelError::range("dropout", self.dropout, "0 <= dropout < 1"));
        }
        Ok(())
    }
}

impl Default for ArCnnConfig {
    /// [`ArCnnConfig::compact`].
    fn default() -> Self {
        Self::compact()
    }
}
