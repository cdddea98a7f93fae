//! The sizes of a network.

use super::attention_head::Shape;
use crate::EngineError;

/// The sizes and options of a Transformer-XL.
///
/// The fields are plain; they are checked when an engine is made from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransformerSizes {
    /// Number of layers, 1..=64.
    pub layers: usize,
    /// Attention heads a layer, 1..=64.
    pub heads: usize,
    /// Width of the hidden states and of the embedding, even, 2..=8192.
    pub d_model: usize,
    /// Width of one head's queries, keys and values, 1..=1024. `heads * d_head` may differ from `d_model`.
    pub d_head: usize,
    /// Width of the feed-forward layer, 1..=32 768.
    pub d_inner: usize,
    /// Number of tokens, 2..=1 000 000.
    pub vocabulary: usize,
    /// Earlier positions that a position attends to besides itself, 1..=65 536.
    pub memory: usize,
    /// Layer normalisation before each sublayer (`true`), or after each sublayer's residual sum (`false`).
    pub pre_norm: bool,
}

/// The most numbers of weights, or of what all sequences of a batch need together.
pub(super) const MAX_NUMBERS: u64 = 1 << 32;
/// The most numbers of keys and values of one sequence. Of projected position encodings there are half as many, whatever the size of the weights file.
const MAX_KEPT: u64 = 1 << 28;

impl TransformerSizes {
    /// The network of the reference: 4 layers, 10 heads of 50, width 500, feed-forward 1000, memory 512, the
    /// 310 performance tokens, post-norm.
    #[must_use]
    pub const fn reference() -> Self {
        Self {
            layers: 4,
            heads: 10,
            d_model: 500,
            d_head: 50,
            d_inner: 1000,
            vocabulary: 310,
            memory: 512,
            pre_norm: false,
        }
    }

    /// Width of all heads together, `heads * d_head`, saturating.
    #[must_use]
    pub const fn d_attention(&self) -> usize {
        self.heads.saturating_mul(self.d_head)
    }

    pub(super) fn check(&self) -> Result<(), EngineError> {
        in_range("layers", self.layers, 64, 1)?;
        in_range("heads", self.heads, 64, 1)?;
        in_range("d_model", self.d_model, 8192, 2)?;
        if !self.d_model.is_multiple_of(2) {
            return Err(out_of_range("d_model", self.d_model, "an even number"));
        }
        in_range("d_head", self.d_head, 1024, 1)?;
        in_range("d_inner", self.d_inner, 32_768, 1)?;
        in_range("vocabulary", self.vocabulary, 1_000_000, 2)?;
        in_range("memory", self.memory, 65_536, 1)?;
        let layer = self.d_model as u64 * (4 * self.d_attention() + 2 * self.d_inner) as u64;
        let weights = self.layers as u64 * layer + (self.vocabulary * self.d_model) as u64;
        if weights > MAX_NUMBERS {
            return Err(out_of_range("the number of weights", weights, format!("up to {MAX_NUMBERS}")));
        }
        let kept = self.numbers_a_sequence();
        if kept > MAX_KEPT {
            return Err(out_of_range("the number of keys and values", kept, format!("up to {MAX_KEPT}")));
        }
        Ok(())
    }

    /// Numbers of keys and values for which a sequence has room, in sizes within their ranges.
    pub(super) fn numbers_a_sequence(&self) -> u64 {
        2 * self.layers as u64 * self.d_attention() as u64 * Shape::new(self).slots as u64
    }
}

/// An error for a size or an argument.
pub(super) fn out_of_range(
    field: &'static str,
    value: impl ToString,
    accepted: impl Into<String>,
) -> EngineError {
    EngineError::OutOfRange { field, value: value.to_string(), accepted: accepted.into() }
}

fn in_range(field: &'static str, value: usize, most: usize, least: usize) -> Result<(), EngineError> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(out_of_range(field, value, format!("{least}..={most}"))),
    }
}
