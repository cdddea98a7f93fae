//! The shape of the network.

use crate::EngineError;

/// Most cells of a roll.
const MOST_CELLS: usize = 1 << 20;

/// The shape of an AR-CNN. A roll has at most 2^20 cells.
///
/// Level `l` of the encoder has `filters · 2^l` channels and maps of `steps / 2^l` by `pitches / 2^l`; the bottleneck
/// has `filters · 2^levels` channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArCnnSizes {
    /// Steps of a roll: a multiple of 2^`levels`, at most 65 536.
    pub steps: usize,
    /// Pitches of a roll: a multiple of 2^`levels`, at most 65 536.
    pub pitches: usize,
    /// Channels of the first level, 1..=256.
    pub filters: usize,
    /// Levels of the encoder and of the decoder, 1..=7.
    pub levels: usize,
}

impl ArCnnSizes {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] naming the field, its value and what is accepted.
    pub fn validate(&self) -> Result<(), EngineError> {
        let out_of_range = |field, value: usize, accepted: String| {
            Err(EngineError::OutOfRange { field, value: value.to_string(), accepted })
        };
        if !(1..=7).contains(&self.levels) {
            return out_of_range("levels", self.levels, "1..=7".to_owned());
        }
        if !(1..=256).contains(&self.filters) {
            return out_of_range("filters", self.filters, "1..=256".to_owned());
        }
        let factor = 1 << self.levels;
        for (field, value) in [("steps", self.steps), ("pitches", self.pitches)] {
            if value == 0 || value > 1 << 16 || !value.is_multiple_of(factor) {
                let accepted = format!("a multiple of {factor} (2^levels) in {factor}..=65536");
                return out_of_range(field, value, accepted);
            }
        }
        if self.steps * self.pitches > MOST_CELLS {
            let accepted = format!("up to {MOST_CELLS}");
            return out_of_range("steps × pitches", self.steps * self.pitches, accepted);
        }
        Ok(())
    }

    /// Channels of a level; of the bottleneck with `level` = `levels`.
    pub(crate) const fn channels(&self, level: usize) -> usize {
        self.filters << level
    }

    /// Channels that enter a level of the encoder.
    pub(crate) const fn entering(&self, level: usize) -> usize {
        if level == 0 { 1 } else { self.channels(level - 1) }
    }

    /// Rows and columns of a level's maps.
    pub(crate) const fn map(&self, level: usize) -> [usize; 2] {
        [self.steps >> level, self.pitches >> level]
    }
}
