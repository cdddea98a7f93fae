//! A network prepared for decoding.

use std::fmt;

use super::attention::AttentionWeights;
use super::attention_head::Shape;
use super::feed_forward::FeedForwardWeights;
use super::sizes::TransformerSizes;
use super::threads::{part, parts};
use super::weights::{NormWeights, TransformerLayerWeights, TransformerWeights};
use crate::EngineError;
use crate::kernels::{Instructions, Matrix, NumberFormat, STRIP};

/// In how many bits an engine keeps a network's matrices. Sums run in `f32` always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DecodePrecision {
    /// All numbers in `f32`.
    #[default]
    Single,
    /// Matrices, embedding, position encodings, keys and values in bfloat16.
    Bfloat16,
    /// The layers' matrices in 8-bit whole numbers with a scale for each output, the largest weight of an output
    /// being ±127; embedding, position encodings, keys and values in bfloat16.
    Eight,
}

impl DecodePrecision {
    const fn matrices(self) -> NumberFormat {
        match self {
            Self::Single => NumberFormat::F32,
            Self::Bfloat16 => NumberFormat::Bf16,
            Self::Eight => NumberFormat::I8,
        }
    }

    const fn others(self) -> NumberFormat {
        match self {
            Self::Single => NumberFormat::F32,
            Self::Bfloat16 | Self::Eight => NumberFormat::Bf16,
        }
    }
}

/// A Transformer-XL (Dai et al. 2019) with its weights packed for decoding token by token on a CPU.
///
/// A position attends to itself and to the [`memory`](TransformerSizes::memory) positions before it; the score of
/// a query and a key is `(q + u) · k + (q + v) · r`, over √`d_head`, where `r` is the projected encoding of their
/// distance (§3.3). Those are projected once, here.
///
/// An engine does not change. A [`Decoder`](super::Decoder) or [`BatchDecoder`](super::BatchDecoder) holds what
/// does, so many of them may share an engine.
///
/// ```
/// use std::sync::Arc;
/// use deepcompose_engines::transformer::{
///     Decoder, NormWeights, DecodePrecision, TransformerEngine, TransformerLayerWeights, TransformerSizes,
///     TransformerWeights,
/// };
///
/// let sizes = TransformerSizes { layers: 1, heads: 2, d_model: 4, d_head: 2, d_inner: 3, vocabulary: 5,
///     memory: 8, pre_norm: false };
/// let numbers = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<f32>>();
/// let norm = || NormWeights { gamma: vec![1.0; 4], beta: vec![0.0; 4] };
/// let layer = TransformerLayerWeights { qkv: numbers(48), positions: numbers(16), output: numbers(16),
///     attention_norm: norm(), expand: numbers(12), expand_bias: numbers(3), contract: numbers(12),
///     contract_bias: numbers(4), feed_forward_norm: norm() };
/// let weights = TransformerWeights { embedding: numbers(20), output_bias: numbers(5),
///     content_bias: numbers(4), position_bias: numbers(4), layers: vec![layer], last_norm: None };
///
/// let engine = Arc::new(TransformerEngine::new(sizes, &weights, DecodePrecision::Single)?);
/// let mut decoder = Decoder::new(&engine);
/// decoder.push_all(&[0, 3, 1])?;
/// assert_eq!(decoder.push(4)?.len(), 5);
/// assert_eq!(decoder.positions(), 4);
/// # Ok::<(), deepcompose_engines::EngineError>(())
/// ```
pub struct TransformerEngine {
    pub(super) sizes: TransformerSizes,
    pub(super) precision: DecodePrecision,
    pub(super) instructions: Instructions,
    pub(super) shape: Shape,
    /// From states to logits; its columns are the tokens' embeddings.
    pub(super) embedding: Matrix,
    pub(super) output_bias: Vec<f32>,
    pub(super) layers: Vec<Layer>,
    pub(super) last_norm: Option<NormWeights>,
}

/// A layer's weights. The parts of a sublayer are summed in order, so they do not depend on the threads.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) attention: Vec<AttentionWeights>,
    pub(super) attention_norm: NormWeights,
    pub(super) feed_forward: Vec<FeedForwardWeights>,
    pub(super) contract_bias: Vec<f32>,
    pub(super) feed_forward_norm: NormWeights,
}

impl fmt::Debug for TransformerEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransformerEngine")
            .field("sizes", &self.sizes)
            .field("precision", &self.precision)
            .field("instructions", &self.instructions)
            .finish_non_exhaustive()
    }
}

impl TransformerEngine {
    /// Checks and packs a network.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for a size outside its range, sizes that together ask for more than 2³²
    /// weights or more than 2²⁸ keys and values a sequence, or a weight that is not finite;
    /// [`EngineError::Length`] for a list of weights of another length than the sizes ask for.
    pub fn new(
        sizes: TransformerSizes,
        weights: &TransformerWeights,
        precision: DecodePrecision,
    ) -> Result<Self, EngineError> {
        sizes.check()?;
        weights.check(&sizes)?;
        let d = sizes.d_model;
        let embedding = Matrix::pack(precision.others(), d, sizes.vocabulary, |input, token| {
            weights.embedding[token * d + input]
        });
        let layers =
            weights.layers.iter().map(|layer| Layer::pack(&sizes, weights, layer, precision)).collect();
        Ok(Self {
            sizes,
            precision,
            instructions: Instructions::detect(),
            shape: Shape::new(&sizes),
            embedding,
            output_bias: weights.output_bias.clone(),
            layers,
            last_norm: weights.last_norm.clone(),
        })
    }

    /// The same engine run with other vector instructions than the widest; results are the same to the bit.
    #[must_use]
    pub fn with_instructions(self, instructions: Instructions) -> Self {
        Self { instructions, ..self }
    }

    /// The sizes of the network.
    #[must_use]
    pub const fn sizes(&self) -> &TransformerSizes {
        &self.sizes
    }

    /// How its numbers are kept.
    #[must_use]
    pub const fn precision(&self) -> DecodePrecision {
        self.precision
    }

    /// Writes a token's embedding, scaled by √`d_model`.
    pub(super) fn embed(&self, token: u32, out: &mut [f32]) {
        let scale = (self.sizes.d_model as f32).sqrt();
        for (input, out) in out.iter_mut().enumerate() {
            *out = self.embedding.get(input, token as usize) * scale;
        }
    }

    /// Strips that a row of the model's width takes.
    pub(super) fn row_strips(&self) -> usize {
        self.sizes.d_model.div_ceil(STRIP)
    }
}

impl Layer {
    fn pack(
        sizes: &TransformerSizes,
        weights: &TransformerWeights,
        layer: &TransformerLayerWeights,
        precision: DecodePrecision,
    ) -> Self {
        let formats = [precision.matrices(), precision.others()];
        let count = parts(sizes.d_attention(), sizes.heads);
        let attention = (0..count)
            .map(|index| {
                let heads = part(sizes.heads, count, index);
                AttentionWeights::pack(sizes, weights, layer, heads, formats)
            })
            .collect();
        // Whole strips of inner numbers, so that parts need no more of them than the whole does.
        let strips = sizes.d_inner.div_ceil(STRIP);
        let count = parts(sizes.d_inner, strips);
        let feed_forward = (0..count)
            .map(|index| {
                let strips = part(strips, count, index);
                let inner = strips.start * STRIP..sizes.d_inner.min(strips.end * STRIP);
                FeedForwardWeights::pack(sizes, layer, inner, precision.matrices())
            })
            .collect();
        Self {
            attention,
            attention_norm: layer.attention_norm.clone(),
            feed_forward,
            contract_bias: layer.contract_bias.clone(),
            feed_forward_norm: layer.feed_forward_norm.clone(),
        }
    }
}
