//! The sizes of a Transformer-XL.

use serde::{Deserialize, Serialize};

use super::error::TransformerError;
use super::vocabulary::Vocabulary;

/// The sizes and options of a [`TransformerXl`](super::TransformerXl).
///
/// The fields are plain so that a configuration is easy to write and to store; they are checked once, when
/// a network is made from them ([`validate`](Self::validate) says which ranges hold).
///
/// ```
/// use deepcompose_models::transformer::TransformerXlConfig;
///
/// let config = TransformerXlConfig { layers: 2, ..TransformerXlConfig::reference() };
/// assert!(config.validate().is_ok());
/// assert!(TransformerXlConfig { heads: 0, ..config }.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerXlConfig {
    /// Number of layers, 1..=64.
    pub layers: usize,
    /// Attention heads a layer, 1..=64.
    pub heads: usize,
    /// Width of the hidden states and of the embedding, even, 2..=8192.
    pub d_model: usize,
    /// Width of one head's queries, keys and values, 1..=1024. `heads * d_head` may differ from `d_model`.
    pub d_head: usize,
    /// Width of the feed-forward layer, 1..=32768.
    pub d_inner: usize,
    /// Number of tokens, 2..=1 000 000.
    pub vocabulary: usize,
    /// What the tokens mean; `vocabulary` is then its size. `None` for tokens of a tokenizer that this library
    /// does not have, which a file says as `"none"`.
    #[serde(with = "super::vocabulary::or_none")]
    pub tokenizer: Option<Vocabulary>,
    /// Tokens in one training segment, and the most that a prompt is fed at once, 1..=65 536.
    pub segment: usize,
    /// Earlier positions that a position attends to besides itself, 1..=65 536.
    pub memory: usize,
    /// Probability that training drops an activation, 0 up to but not including 1.
    pub dropout: f64,
    /// Layer normalisation before each sublayer and once at the end (`true`), or after each sublayer's
    /// residual sum as in the paper (`false`).
    pub pre_norm: bool,
}

impl TransformerXlConfig {
    /// The network of the reference: 4 layers, 10 heads of 50, width 500, feed-forward 1000, segment 128,
    /// memory 512, the 310 performance tokens, dropout 0.1, post-norm.
    pub fn reference() -> Self {
        Self {
            layers: 4,
            heads: 10,
            d_model: 500,
            d_head: 50,
            d_inner: 1000,
            vocabulary: 310,
            tokenizer: Some(Vocabulary::Performance),
            segment: 128,
            memory: 512,
            dropout: 0.1,
            pre_norm: false,
        }
    }

    /// The network that is shipped: 5 layers of width 192 with 3 heads of 32 that remember 256 tokens,
    /// normalised before each part, so that CPU cores can train it; about 2.0 million parameters.
    #[must_use]
    pub fn compact() -> Self {
        Self {
            layers: 5,
            heads: 3,
            d_model: 192,
            d_head: 32,
            d_inner: 768,
            segment: 128,
            memory: 256,
            dropout: 0.1,
            pre_norm: true,
            ..Self::reference()
        }
    }

    /// The same sizes for another tokenizer.
    #[must_use]
    pub fn with_tokenizer(self, tokenizer: Vocabulary) -> Self {
        Self { vocabulary: tokenizer.size(), tokenizer: Some(tokenizer), ..self }
    }

    /// Width of all heads together, `heads * d_head`.
    pub fn d_attention(&self) -> usize {
        self.heads.saturating_mul(self.d_head)
    }

    /// The most trainable numbers that a network may have: 2³⁰, 4 GiB of them.
    pub const MAX_PARAMETERS: usize = 1 << 30;

    /// The most keys and values that a decoder may keep of a sequence, `2 · layers · heads · d_head` for each of `memory + 1`
    /// positions, which the engine rounds up to 64 with 31 or more to spare: 2²⁸, 1 GiB of them.
    pub const MAX_KEPT: u64 = 1 << 28;

    /// Number of trainable numbers of the network, in closed form; [`usize::MAX`] where it is more.
    pub fn parameters(&self) -> usize {
        let times = |a: usize, b: usize| a as u128 * b as u128;
        let (d, attention) = (self.d_model, self.d_attention());
        let sum = |parts: &[u128]| parts.iter().fold(0, |sum: u128, part| sum.saturating_add(*part));
        let layer = sum(&[
            times(d, attention).saturating_mul(5),
            times(d, self.d_inner).saturating_mul(2),
            times(5, d),
            self.d_inner as u128,
        ]);
        let last_norm = if self.pre_norm { times(2, d) } else { 0 };
        let ends = [times(self.vocabulary, d), self.vocabulary as u128, times(2, attention)];
        let all = sum(&[layer.saturating_mul(self.layers as u128), last_norm, sum(&ends)]);
        usize::try_from(all).unwrap_or(usize::MAX)
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Config`] names the first field that is out of its range.
    pub fn validate(&self) -> Result<(), TransformerError> {
        in_range("layers", self.layers, 1, 64)?;
        in_range("heads", self.heads, 1, 64)?;
        in_range("d_model", self.d_model, 2, 8192)?;
        if !self.d_model.is_multiple_of(2) {
            return Err(config_error("d_model", self.d_model, "an even number"));
        }
        in_range("d_head", self.d_head, 1, 1024)?;
        in_range("d_inner", self.d_inner, 1, 32_768)?;
        in_range("vocabulary", self.vocabulary, 2, 1_000_000)?;
        if let Some(tokenizer) = self.tokenizer
            && tokenizer.size() != self.vocabulary
        {
            let accepted = format!("{} with the tokenizer {tokenizer}", tokenizer.size());
            return Err(config_error("vocabulary", self.vocabulary, accepted));
        }
        in_range("segment", self.segment, 1, 65_536)?;
        in_range("memory", self.memory, 1, 65_536)?;
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(config_error("dropout", self.dropout, "0 up to but not including 1"));
        }
        let parameters = self.parameters();
        if parameters > Self::MAX_PARAMETERS {
            let accepted = format!("up to {}", Self::MAX_PARAMETERS);
            return Err(config_error("the number of parameters", parameters, accepted));
        }
        // What a decoder keeps has no part in the size of a weights file.
        let kept = 2
            * self.layers as u64
            * (self.heads * self.d_head) as u64
            * (self.memory as u64 + 32).next_multiple_of(64);
        if kept > Self::MAX_KEPT {
            let accepted = format!("up to {}", Self::MAX_KEPT);
            return Err(config_error("the number of keys and values", kept, accepted));
        }
        Ok(())
    }
}

impl Default for TransformerXlConfig {
    /// [`TransformerXlConfig::compact`].
    fn default() -> Self {
        Self::compact()
    }
}

/// An error that names a configuration field.
pub(crate) fn config_error(
    field: &'static str,
    value: impl ToString,
    accepted: impl ToString,
) -> TransformerError {
    TransformerError::Config { field, value: value.to_string(), accepted: accepted.to_string() }
}

/// Checks that a whole number lies in `min..=max`.
pub(crate) fn in_range(
    field: &'static str,
    value: usize,
    min: usize,
    max: usize,
) -> Result<(), TransformerError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(config_error(field, value, format!("{min}..={max}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_reference_is_valid_and_survives_json() {
        let config = TransformerXlConfig::reference();
        config.validate().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TransformerXlConfig>(&json).unwrap(), config);
        assert!(serde_json::from_str::<TransformerXlConfig>(&json.replace("layers", "layer")).is_err());
    }

    #[test]
    fn each_bad_field_is_named_with_its_value_and_range() {
        let good = TransformerXlConfig::reference();
        let bad = [
            (TransformerXlConfig { layers: 0, ..good.clone() }, "layers is 0: 1..=64"),
            (TransformerXlConfig { heads: 65, ..good.clone() }, "heads is 65: 1..=64"),
            (TransformerXlConfig { d_model: 501, ..good.clone() }, "d_model is 501: an even number"),
            (TransformerXlConfig { d_head: 0, ..good.clone() }, "d_head is 0: 1..=1024"),
            (TransformerXlConfig { d_inner: 0, ..good.clone() }, "d_inner is 0: 1..=32768"),
            (TransformerXlConfig { vocabulary: 1, ..good.clone() }, "vocabulary is 1: 2..=1000000"),
            (
                TransformerXlConfig { vocabulary: 131, ..good.clone() },
                "vocabulary is 131: 310 with the tokenizer performance is accepted",
            ),
            (
                TransformerXlConfig { layers: 64, d_model: 8192, d_inner: 32_768, ..good.clone() },
                "the number of parameters is 35",
            ),
            (TransformerXlConfig { segment: 0, ..good.clone() }, "segment is 0: 1..=65536"),
            (TransformerXlConfig { memory: 0, ..good.clone() }, "memory is 0: 1..=65536"),
            (
                TransformerXlConfig {
                    heads: 64,
                    d_head: 1024,
                    memory: 2047,
                    layers: 2,
                    d_model: 2,
                    d_inner: 1,
                    ..good.clone()
                },
                "the number of keys and values is 553648128: up to 268435456",
            ),
            (TransformerXlConfig { dropout: 1.0, ..good.clone() }, "dropout is 1: 0 up to"),
            (TransformerXlConfig { dropout: f64::NAN, ..good }, "dropout is NaN: 0 up to"),
        ];
        for (config, expected) in bad {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
