//! The sizes of a chorale Transformer.

use serde::{Deserialize, Serialize};

use super::history::{INPUT_ROWS, voice_rows};
use super::voice::{CELLS, relations};
use crate::error::ModelError;

/// The sizes of a [`ChoraleTransformer`](super::ChoraleTransformer), checked when a network is made from them.
///
/// ```
/// use deepcompose_models::chorale::ChoraleConfig;
///
/// let config = ChoraleConfig { layers: 2, ..ChoraleConfig::default() };
/// assert!(config.validate().is_ok());
/// assert!(ChoraleConfig { heads: 3, ..config }.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChoraleConfig {
    /// Layers of attention over the steps, 1..=64.
    pub layers: usize,
    /// Attention heads a layer, 1..=64; they divide `d_model`.
    pub heads: usize,
    /// Width of the state of a step, 1..=4096.
    pub d_model: usize,
    /// Inner width of the gated feed-forward networks, 1..=16384.
    pub d_inner: usize,
    /// Width of the network that predicts a voice from the state and the voices above it, 1..=4096.
    pub d_voice: usize,
    /// Distances in steps with an attention bias of their own, 1..=65536; what is farther away has the last one's.
    pub distances: usize,
    /// Rows of the table of the tunes that are known from training, 0..=4194304, 0 for none. It takes up to seven rows a beat of
    /// the corpus; tunes that are like others take fewer.
    pub tunes: usize,
    /// Share of activations dropped in the layers while training, 0 up to 1.
    pub dropout: f64,
    /// Share of activations dropped in the voices' networks while training, 0 up to 1.
    pub voice_dropout: f64,
}

impl Default for ChoraleConfig {
    /// Three layers of width 128, 1.6 million parameters, and 80,000 rows of tunes.
    fn default() -> Self {
        Self {
            layers: 3,
            heads: 4,
            d_model: 128,
            d_inner: 256,
            d_voice: 192,
            distances: 1024,
            tunes: 80_000,
            dropout: 0.15,
            voice_dropout: 0.3,
        }
    }
}

impl ChoraleConfig {
    /// The most parameters that a network may have: 2³⁰, 4 GiB of them.
    pub const MAX_PARAMETERS: usize = 1 << 30;

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] names the first field that is out of its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (field, value, most) in [
            ("layers", self.layers, 64),
            ("heads", self.heads, 64),
            ("d_model", self.d_model, 4096),
            ("d_inner", self.d_inner, 16_384),
            ("d_voice", self.d_voice, 4096),
            ("distances", self.distances, 65_536),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ModelError::range(field, value, format!("1..={most}")));
            }
        }
        if self.tunes > 1 << 22 {
            return Err(ModelError::range("tunes", self.tunes, "0..=4194304"));
        }
        if !self.d_model.is_multiple_of(self.heads) {
            let accepted = format!("a divisor of d_model, which is {},", self.d_model);
            return Err(ModelError::range("heads", self.heads, accepted));
        }
        for (field, value) in [("dropout", self.dropout), ("voice_dropout", self.voice_dropout)] {
            if !(0.0..1.0).contains(&value) {
                return Err(ModelError::range(field, value, "0 up to 1"));
            }
        }
        let parameters = self.parameters();
        if parameters > Self::MAX_PARAMETERS {
            let accepted = format!("up to {}", Self::MAX_PARAMETERS);
            return Err(ModelError::range("the number of parameters", parameters, accepted));
        }
        Ok(())
    }

    /// Number of parameters; [`validate`](Self::validate) has accepted the sizes.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let (d, inner, h) = (self.d_model, self.d_inner, self.d_voice);
        let layer = 4 * d * d + self.heads * self.distances + 4 * d + (d + 1) * 2 * inner + (inner + 1) * d;
        let voice = |voice: usize| {
            let inside = voice_rows(voice) * h + (d + 1) * h + (h + 1) * h;
            inside + (h + 1) * (CELLS + relations(voice))
        };
        3 * self.tunes + INPUT_ROWS * d + self.layers * layer + 2 * d + (0..4).map(voice).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn each_bad_size_is_named() {
        let good = ChoraleConfig::default;
        let bad = [
            (ChoraleConfig { layers: 0, ..good() }, "layers 0 is out of range: 1..=64"),
            (
                ChoraleConfig { heads: 3, ..good() },
                "heads 3 is out of range: a divisor of d_model, which is 128,",
            ),
            (ChoraleConfig { d_inner: 0, ..good() }, "d_inner 0"),
            (ChoraleConfig { d_voice: 5000, ..good() }, "d_voice 5000"),
            (ChoraleConfig { tunes: 4_194_305, ..good() }, "tunes 4194305 is out of range: 0..=4194304"),
            (ChoraleConfig { dropout: 1.0, ..good() }, "dropout 1"),
            (ChoraleConfig { voice_dropout: f64::NAN, ..good() }, "voice_dropout NaN"),
        ];
        for (config, expected) in bad {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
