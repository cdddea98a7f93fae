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
    /// piano, so that it can be trained on two CPU cores; about 2.0 million parameters.
    #[must_use]
    pub const fn compact() -> Self {
        Self { steps: 128, lowest_pitch: 16, pitches: 96, filters: 16, levels: 4, dropout: 0.1 }
    }

    /// How many numbers the network has, running statistics included; in closed form. Sizes that no network may have
    /// saturate.
    #[must_use]
    pub fn numbers(&self) -> usize {
        if !(1..=7).contains(&self.levels) {
            return usize::MAX;
        }
        let filters = |level: usize| self.filters.saturating_mul(1 << level);
        let conv = |from: usize, to: usize| from.saturating_mul(to).saturating_mul(9).saturating_add(to);
        let two = |from, to| conv(from, to).saturating_add(conv(to, to));
        let last = self.levels - 1;
        let mut sum = two(filters(last), filters(self.levels)).saturating_add(self.filters).saturating_add(1);
        for level in 0..self.levels {
            let entering = if level == 0 { 1 } else { filters(level - 1) };
            let joined = filters(level + 1).saturating_add(filters(level));
            // Scale, offset, running mean and variance.
            let norms =
                if level < last { 4 * filters(level) } else { 0 } + if level > 0 { 4 * joined } else { 0 };
            for part in [two(entering, filters(level)), two(joined, filters(level)), norms] {
                sum = sum.saturating_add(part);
            }
        }
        sum
    }

    /// The most numbers that a network may have: 2³⁰, 4 GiB of them.
    pub const MAX_NUMBERS: usize = 1 << 30;

    /// The most numbers of a map of the first level, `steps × pitches × filters`: 2²⁵, of which a session of the engine keeps several.
    /// The published network has 2¹⁹.
    pub const MAX_MAP: usize = 1 << 25;

    /// Checks every field, and the size of the whole.
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
        if self.lowest_pitch > 128_usize.saturating_sub(self.pitches) {
            let accepted = format!("0..={} with {} pitches", 128 - self.pitches, self.pitches);
            return Err(ModelError::range("lowest_pitch", self.lowest_pitch, accepted));
        }
        if !(1..=256).contains(&self.filters) {
            return Err(ModelError::range("filters", self.filters, "1..=256"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(ModelError::range("dropout", self.dropout, "0 <= dropout < 1"));
        }
        let map = self.steps * self.pitches * self.filters;
        if map > Self::MAX_MAP {
            let accepted = format!("up to {}", Self::MAX_MAP);
            return Err(ModelError::range("steps × pitches × filters", map, accepted));
        }
        let numbers = self.numbers();
        if numbers > Self::MAX_NUMBERS {
            let accepted = format!("up to {}: fewer filters or levels", Self::MAX_NUMBERS);
            return Err(ModelError::range("the network's parameters", numbers, accepted));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use burn::module::Module;
    use burn::tensor::Device;

    use super::*;
    use crate::ar_cnn::ArCnn;
    use crate::weights::Model;

    #[test]
    fn the_closed_form_counts_what_the_network_has() {
        for (filters, levels) in [(4, 1), (3, 2), (2, 4)] {
            let config = ArCnnConfig { steps: 16, pitches: 16, filters, levels, ..ArCnnConfig::compact() };
            let network = ArCnn::build(&config, &Device::default()).unwrap();
            assert_eq!(config.numbers(), network.num_params(), "{filters} filters, {levels} levels");
        }
        // The published network has about 31 million.
        assert!((31.0..32.0).contains(&(ArCnnConfig::reference().numbers() as f64 / 1e6)));
    }

    #[test]
    fn pitches_end_at_127() {
        for lowest_pitch in [33, usize::MAX] {
            let message =
                ArCnnConfig { lowest_pitch, ..ArCnnConfig::compact() }.validate().unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("lowest_pitch {lowest_pitch} is out of range")),
                "{message}"
            );
        }
        ArCnnConfig { lowest_pitch: 32, ..ArCnnConfig::compact() }.validate().unwrap();
    }

    #[test]
    fn networks_that_no_memory_holds_are_refused() {
        let config =
            ArCnnConfig { filters: 256, levels: 7, pitches: 128, lowest_pitch: 0, ..ArCnnConfig::compact() };
        let message = config.validate().unwrap_err().to_string();
        assert!(
            message.starts_with("the network's parameters ") && message.contains("fewer filters"),
            "{message}"
        );
    }
}
