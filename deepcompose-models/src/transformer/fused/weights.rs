//! The network's weights as the fused pass reads them, and their gradients as it writes them.

use burn::module::Param;
use burn::nn::{LayerNorm, Linear};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::tensors::{numbers, tensor};
use crate::transformer::config::TransformerXlConfig;
use crate::transformer::network::{Layer, TransformerXl};
use crate::transformer::rows;

/// Scale and offset of a layer normalisation.
#[derive(Debug, Clone)]
pub(super) struct Norm {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// One layer's weights: matrices `[inputs, outputs]` share the network's memory.
#[derive(Debug, Clone)]
pub(super) struct LayerWeights {
    pub(super) qkv: Tensor<2>,
    pub(super) positions: Tensor<2>,
    pub(super) output: Tensor<2>,
    pub(super) attention_norm: Norm,
    pub(super) expand: Tensor<2>,
    pub(super) expand_bias: Vec<f32>,
    pub(super) contract: Tensor<2>,
    pub(super) contract_bias: Vec<f32>,
    pub(super) feed_forward_norm: Norm,
}

/// A network's weights at one moment, to be read by several threads.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    pub(super) embedding: Tensor<2>,
    pub(super) embedding_rows: Vec<f32>,
    pub(super) output_bias: Vec<f32>,
    pub(super) content_bias: Vec<f32>,
    pub(super) position_bias: Vec<f32>,
    pub(super) layers: Vec<LayerWeights>,
    pub(super) last_norm: Option<Norm>,
    pub(super) config: TransformerXlConfig,
    pub(super) device: Device,
}

fn matrix(param: &Param<Tensor<2>>) -> Tensor<2> {
    param.val().inner()
}

fn vector<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    numbers(param.val().inner())
}

fn bias(linear: &Linear) -> Vec<f32> {
    match &linear.bias {
        Some(bias) => vector(bias),
        None => vec![0.0; linear.weight.dims()[1]],
    }
}

fn norm(norm: &LayerNorm) -> Norm {
    let gamma = vector(&norm.gamma);
    let beta = norm.beta.as_ref().map_or_else(|| vec![0.0; gamma.len()], vector);
    Norm { gamma, beta }
}

impl Weights {
    /// The weights of `network` as they are now.
    pub(crate) fn of(network: &TransformerXl) -> Self {
        let layer = |layer: &Layer| LayerWeights {
            qkv: matrix(&layer.attention.qkv.weight),
            positions: matrix(&layer.attention.positions.weight),
            output: matrix(&layer.attention.output.weight),
            attention_norm: norm(&layer.attention_norm),
            expand: matrix(&layer.expand.weight),
            expand_bias: bias(&layer.expand),
            contract: matrix(&layer.contract.weight),
            contract_bias: bias(&layer.contract),
            feed_forward_norm: norm(&layer.feed_forward_norm),
        };
        let embedding = matrix(&network.embedding);
        Self {
            embedding_rows: numbers(embedding.clone()),
            device: embedding.device(),
            embedding,
            output_bias: vector(&network.output_bias),
            content_bias: vector(&network.content_bias),
            position_bias: vector(&network.position_bias),
            layers: network.layers.iter().map(layer).collect(),
            last_norm: network.last_norm.as_ref().map(norm),
            config: network.config.clone(),
        }
    }
}

/// Gradients of one layer's weights.
#[derive(Debug, Clone)]
pub(super) struct LayerGradient {
    pub(super) qkv: Vec<f32>,
    pub(super) positions: Vec<f32>,
    pub(super) output: Vec<f32>,
    pub(super) attention_norm: Norm,
    pub(super) expand: Vec<f32>,
    pub(super) expand_bias: Vec<f32>,
    pub(super) contract: Vec<f32>,
    pub(super) contract_bias: Vec<f32>,
    pub(super) feed_forward_norm: Norm,
}

/// Gradients of every weight.
#[derive(Debug, Clone)]
pub(crate) struct Gradient {
    pub(super) embedding: Vec<f32>,
    pub(super) output_bias: Vec<f32>,
    pub(super) content_bias: Vec<f32>,
    pub(super) position_bias: Vec<f32>,
    pub(super) layers: Vec<LayerGradient>,
    pub(super) last_norm: Option<Norm>,
}

impl Gradient {
    /// Zeros, with no space yet for the matrices, which are written whole.
    pub(crate) fn new(config: &TransformerXlConfig) -> Self {
        let zero_norm = || Norm { gamma: vec![0.0; config.d_model], beta: vec![0.0; config.d_model] };
        let layer = || LayerGradient {
            qkv: Vec::new(),
            positions: Vec::new(),
            output: Vec::new(),
            attention_norm: zero_norm(),
            expand: Vec::new(),
            expand_bias: vec![0.0; config.d_inner],
            contract: Vec::new(),
            contract_bias: vec![0.0; config.d_model],
            feed_forward_norm: zero_norm(),
        };
        Self {
            embedding: Vec::new(),
            output_bias: vec![0.0; config.vocabulary],
            content_bias: vec![0.0; config.d_attention()],
            position_bias: vec![0.0; config.d_attention()],
            layers: (0..config.layers).map(|_| layer()).collect(),
            last_norm: config.pre_norm.then(zero_norm),
        }
    }

    /// All lists of numbers, in a fixed order.
    fn lists(&mut self) -> Vec<&mut Vec<f32>> {
        let mut lists =
            vec![&mut self.embedding, &mut self.output_bias, &mut self.content_bias, &mut self.position_bias];
        for layer in &mut self.layers {
            lists.extend([
                &mut layer.qkv,
                &mut layer.positions,
                &mut layer.output,
                &mut layer.attention_norm.gamma,
                &mut layer.attention_norm.beta,
                &mut layer.expand,
                &mut layer.expand_bias,
                &mut layer.contract,
                &mut layer.contract_bias,
                &mut layer.feed_forward_norm.gamma,
                &mut layer.feed_forward_norm.beta,
            ]);
        }
        if let Some(norm) = &mut self.last_norm {
            lists.extend([&mut norm.gamma, &mut norm.beta]);
        }
        lists
    }

    /// Adds the gradient of another part of the batch.
    pub(crate) fn add(&mut self, mut other: Self) {
        for (mine, theirs) in self.lists().into_iter().zip(other.lists()) {
            rows::add(mine, theirs);
        }
    }

    /// Square root of the sum of the squares.
    pub(crate) fn norm(&mut self) -> f64 {
        let squares = |list: &mut Vec<f32>| {
            // Chunks keep the single-precision sums short.
            list.chunks(4096).map(|chunk| f64::from(rows::dot(chunk, chunk))).sum::<f64>()
        };
        self.lists().into_iter().map(squares).sum::<f64>().sqrt()
    }

    /// Multiplies by a factor.
    pub(crate) fn scale(&mut self, factor: f32) {
        self.lists().into_iter().flatten().for_each(|value| *value *= factor);
    }

    /// As burn's optimisers take gradients, for the parameters of `network`.
    pub(crate) fn into_params(self, network: &TransformerXl) -> GradientsParams {
        let device = &network.embedding.val().inner().device();
        let mut params = GradientsParams::new();
        let config = &network.config;
        let (d, width) = (config.d_model, config.d_attention());
        register(&mut params, &network.embedding, self.embedding, [config.vocabulary, d], device);
        register(&mut params, &network.output_bias, self.output_bias, [config.vocabulary], device);
        let heads = [config.heads, config.d_head];
        register(&mut params, &network.content_bias, self.content_bias, heads, device);
        register(&mut params, &network.position_bias, self.position_bias, heads, device);
        for (layer, gradient) in network.layers.iter().zip(self.layers) {
            let attention = &layer.attention;
            register(&mut params, &attention.qkv.weight, gradient.qkv, [d, 3 * width], device);
            register(&mut params, &attention.positions.weight, gradient.positions, [d, width], device);
            register(&mut params, &attention.output.weight, gradient.output, [width, d], device);
            register_norm(&mut params, &layer.attention_norm, gradient.attention_norm, device);
            register(&mut params, &layer.expand.weight, gradient.expand, [d, config.d_inner], device);
            if let Some(bias) = &layer.expand.bias {
                register(&mut params, bias, gradient.expand_bias, [config.d_inner], device);
            }
            register(&mut params, &layer.contract.weight, gradient.contract, [config.d_inner, d], device);
            if let Some(bias) = &layer.contract.bias {
                register(&mut params, bias, gradient.contract_bias, [d], device);
            }
            register_norm(&mut params, &layer.feed_forward_norm, gradient.feed_forward_norm, device);
        }
        if let (Some(norm), Some(gradient)) = (&network.last_norm, self.last_norm) {
            register_norm(&mut params, norm, gradient, device);
        }
        params
    }
}

fn register<const D: usize>(
    params: &mut GradientsParams,
    param: &Param<Tensor<D>>,
    gradient: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) {
    params.register(param.id, tensor(gradient, shape, device));
}

fn register_norm(params: &mut GradientsParams, norm: &LayerNorm, gradient: Norm, device: &Device) {
    let width = gradient.gamma.len();
    register(params, &norm.gamma, gradient.gamma, [width], device);
    if let Some(beta) = &norm.beta {
        register(params, beta, gradient.beta, [width], device);
    }
}
