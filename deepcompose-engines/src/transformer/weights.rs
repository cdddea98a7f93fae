//! A network's weights in plain lists.

use super::sizes::TransformerSizes;
use crate::EngineError;
use crate::weights::expect_finite;

/// The weights of a Transformer-XL, in plain lists.
///
/// Matrices are written row by row, `[inputs, outputs]`: burn's layout of a linear layer, the transpose of
/// PyTorch's. `width` stands for [`d_attention`](TransformerSizes::d_attention).
#[derive(Debug, Clone, PartialEq)]
pub struct TransformerWeights {
    /// A row a token, `[vocabulary, d_model]`; also the output projection.
    pub embedding: Vec<f32>,
    /// Added to the logits, `[vocabulary]`.
    pub output_bias: Vec<f32>,
    /// The bias *u* of the content term, `[heads, d_head]`.
    pub content_bias: Vec<f32>,
    /// The bias *v* of the position term, `[heads, d_head]`.
    pub position_bias: Vec<f32>,
    /// The layers, from the input on.
    pub layers: Vec<TransformerLayerWeights>,
    /// A normalisation before the output projection, if there is one.
    pub last_norm: Option<NormWeights>,
}

/// The weights of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformerLayerWeights {
    /// Queries, keys and values side by side, `[d_model, 3 * width]`.
    pub qkv: Vec<f32>,
    /// The projection of the encoded distances, `[d_model, width]`.
    pub positions: Vec<f32>,
    /// The heads' outputs back to the model's width, `[width, d_model]`.
    pub output: Vec<f32>,
    /// The normalisation before the attention, or after its residual sum.
    pub attention_norm: NormWeights,
    /// Into the feed-forward layer, `[d_model, d_inner]`.
    pub expand: Vec<f32>,
    /// Added before the ReLU, `[d_inner]`.
    pub expand_bias: Vec<f32>,
    /// Out of the feed-forward layer, `[d_inner, d_model]`.
    pub contract: Vec<f32>,
    /// Added to that, `[d_model]`.
    pub contract_bias: Vec<f32>,
    /// The normalisation before the feed-forward layer, or after its residual sum.
    pub feed_forward_norm: NormWeights,
}

/// A layer normalisation with ε = 1e-5.
#[derive(Debug, Clone, PartialEq)]
pub struct NormWeights {
    /// What the normalised numbers are multiplied by, `[d_model]`.
    pub gamma: Vec<f32>,
    /// What is added to them, `[d_model]`.
    pub beta: Vec<f32>,
}

impl TransformerWeights {
    /// Checks every length, and that all numbers are finite.
    pub(super) fn check(&self, sizes: &TransformerSizes) -> Result<(), EngineError> {
        let width = sizes.d_attention();
        has("embedding", &self.embedding, sizes.vocabulary * sizes.d_model)?;
        has("output_bias", &self.output_bias, sizes.vocabulary)?;
        has("content_bias", &self.content_bias, width)?;
        has("position_bias", &self.position_bias, width)?;
        if let Some(norm) = &self.last_norm {
            norm.check("last_norm", sizes.d_model)?;
        }
        if self.layers.len() != sizes.layers {
            let (found, expected) = (self.layers.len(), sizes.layers);
            return Err(EngineError::Length { what: "layers".into(), found, expected });
        }
        self.layers.iter().enumerate().try_for_each(|(index, layer)| layer.check(index, sizes))
    }
}

impl TransformerLayerWeights {
    fn check(&self, index: usize, sizes: &TransformerSizes) -> Result<(), EngineError> {
        let (d, width, inner) = (sizes.d_model, sizes.d_attention(), sizes.d_inner);
        let name = |field| format!("layers[{index}].{field}");
        has(name("qkv"), &self.qkv, d * 3 * width)?;
        has(name("positions"), &self.positions, d * width)?;
        has(name("output"), &self.output, width * d)?;
        self.attention_norm.check(name("attention_norm"), d)?;
        has(name("expand"), &self.expand, d * inner)?;
        has(name("expand_bias"), &self.expand_bias, inner)?;
        has(name("contract"), &self.contract, inner * d)?;
        has(name("contract_bias"), &self.contract_bias, d)?;
        self.feed_forward_norm.check(name("feed_forward_norm"), d)
    }
}

impl NormWeights {
    fn check(&self, name: impl std::fmt::Display, width: usize) -> Result<(), EngineError> {
        has(format!("{name}.gamma"), &self.gamma, width)?;
        has(format!("{name}.beta"), &self.beta, width)
    }
}

fn has(what: impl Into<String>, numbers: &[f32], expected: usize) -> Result<(), EngineError> {
    let what = what.into();
    expect_finite(|| what.clone(), numbers, expected)
}
