//! A network's weights, handed to the engine that decodes with them.

use std::sync::Arc;

use burn::module::Module;
use burn::nn::{LayerNorm, Linear};
use deepcompose_engines::transformer::{
    DecodePrecision, NormWeights, TransformerEngine, TransformerLayerWeights, TransformerSizes,
    TransformerWeights,
};

use super::config::TransformerXlConfig;
use super::decode::{BatchDecoder, Decoder};
use super::error::TransformerError;
use super::network::{Layer, TransformerXl};
use crate::lists::numbers;

/// A [`TransformerXl`] prepared for decoding on the CPU: its weights packed once, in the precision asked for.
///
/// It does not change, and clones share the weights. The network that it was made of stays the reference, trains,
/// and runs on other devices.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::transformer::{DecodePrecision, TransformerXl, TransformerXlConfig};
///
/// let config = TransformerXlConfig { layers: 1, heads: 2, d_model: 8, d_head: 4, d_inner: 16,
///     ..TransformerXlConfig::reference() };
/// let network = TransformerXl::new(&config, 7, &Device::default())?;
/// let prepared = network.prepare(DecodePrecision::Eight)?;
/// let mut decoder = prepared.decoder();
/// assert_eq!(decoder.push(&[308, 60, 180])?.len(), 310);
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PreparedTransformer {
    engine: Arc<TransformerEngine>,
    config: Arc<TransformerXlConfig>,
}

impl TransformerXl {
    /// Copies the weights into an engine that decodes with them on the CPU.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Engine`] where the engine does not take them, as a network that this library made never
    /// leads to.
    pub fn prepare(&self, precision: DecodePrecision) -> Result<PreparedTransformer, TransformerError> {
        let network = self.valid();
        let config = network.config().clone();
        let sizes = TransformerSizes {
            layers: config.layers,
            heads: config.heads,
            d_model: config.d_model,
            d_head: config.d_head,
            d_inner: config.d_inner,
            vocabulary: config.vocabulary,
            memory: config.memory,
            pre_norm: config.pre_norm,
        };
        let weights = TransformerWeights {
            embedding: numbers(network.embedding.val()),
            output_bias: numbers(network.output_bias.val()),
            content_bias: numbers(network.content_bias.val()),
            position_bias: numbers(network.position_bias.val()),
            layers: network.layers.iter().map(layer).collect(),
            last_norm: network.last_norm.as_ref().map(norm),
        };
        let engine = TransformerEngine::new(sizes, &weights, precision)?;
        Ok(PreparedTransformer { engine: Arc::new(engine), config: Arc::new(config) })
    }
}

impl PreparedTransformer {
    /// The sizes of the network.
    #[must_use]
    pub fn config(&self) -> &TransformerXlConfig {
        &self.config
    }

    /// How its numbers are kept.
    #[must_use]
    pub fn precision(&self) -> DecodePrecision {
        self.engine.precision()
    }

    /// A sequence of which nothing has been read.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        Decoder::of(&self.engine, &self.config)
    }

    /// So many sequences side by side, of which nothing has been read.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Engine`] for more sequences than their keys and values have room for.
    pub fn batch_decoder(&self, sequences: usize) -> Result<BatchDecoder, TransformerError> {
        BatchDecoder::of(&self.engine, &self.config, sequences)
    }
}

fn layer(layer: &Layer) -> TransformerLayerWeights {
    TransformerLayerWeights {
        qkv: numbers(layer.attention.qkv.weight.val()),
        positions: numbers(layer.attention.positions.weight.val()),
        output: numbers(layer.attention.output.weight.val()),
        attention_norm: norm(&layer.attention_norm),
        expand: numbers(layer.expand.weight.val()),
        expand_bias: bias(&layer.expand),
        contract: numbers(layer.contract.weight.val()),
        contract_bias: bias(&layer.contract),
        feed_forward_norm: norm(&layer.feed_forward_norm),
    }
}

fn norm(norm: &LayerNorm) -> NormWeights {
    let gamma = numbers(norm.gamma.val());
    let beta = norm.beta.as_ref().map_or_else(|| vec![0.0; gamma.len()], |beta| numbers(beta.val()));
    NormWeights { gamma, beta }
}

fn bias(linear: &Linear) -> Vec<f32> {
    let columns = linear.weight.dims()[1];
    linear.bias.as_ref().map_or_else(|| vec![0.0; columns], |bias| numbers(bias.val()))
}
