//! Decoding token by token.

use std::fmt;
use std::sync::Arc;

use burn::module::Module;
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{Int, Tensor, TensorData};

use super::config::TransformerXlConfig;
use super::error::TransformerError;
use super::network::{Memory, TransformerXl};
use super::positions::sinusoids;
use super::rows::{EPSILON, add, dot, softmax, sum};

/// From so many tokens pushed at once on, the network's matrix products are faster than single steps.
const PREFILL: usize = 16;

/// Runs a [`TransformerXl`] token by token, keeping keys and values of what it has read.
///
/// Like the network it attends to the last [`memory`](TransformerXlConfig::memory) positions besides the
/// newest, so its logits are those of [`TransformerXl::forward`] on the whole sequence, however long and
/// however it was pushed, within rounding (1e-4). The time of a step does not grow with the sequence beyond
/// `memory` positions.
///
/// Single steps run on the calling thread of the CPU, whatever the network's device: a step is a handful of
/// matrix-vector products, which no device does faster than they can be sent there. Longer prompts go
/// through the network in segments. Clones share the weights.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::transformer::{Decoder, TransformerXl, TransformerXlConfig};
///
/// let config = TransformerXlConfig { layers: 1, heads: 2, d_model: 8, d_head: 4, d_inner: 16,
///     ..TransformerXlConfig::reference() };
/// let network = TransformerXl::new(&config, 7, &Device::default())?;
/// let mut decoder = Decoder::new(&network);
/// let after_start = decoder.push(&[308])?;
/// let after_two_more = decoder.push(&[60, 180])?;
/// assert_eq!((after_start.len(), after_two_more.len(), decoder.positions()), (310, 310, 3));
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
#[derive(Clone)]
pub struct Decoder {
    weights: Arc<Weights>,
    layers: Vec<Cache>,
    positions: usize,
    /// Those of the last push through [`TokenModel`](deepcompose_samplers::TokenModel).
    logits: Vec<f32>,
}

/// The network, and copies of its weights in plain lists, matrices row by row `[inputs, outputs]`.
struct Weights {
    network: TransformerXl,
    embedding: Vec<f32>,
    output_bias: Vec<f32>,
    content_bias: Vec<f32>,
    position_bias: Vec<f32>,
    layers: Vec<LayerWeights>,
    last_norm: Option<Norm>,
}

struct LayerWeights {
    qkv: Vec<f32>,
    output: Vec<f32>,
    attention_norm: Norm,
    expand: Vec<f32>,
    expand_bias: Vec<f32>,
    contract: Vec<f32>,
    contract_bias: Vec<f32>,
    feed_forward_norm: Norm,
    /// The projected encodings of distances 0..=memory, `[memory + 1, heads * d_head]`.
    positions: Vec<f32>,
}

struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

/// One layer's past, a ring of `memory + 1` rows: position `p` is in row `p % (memory + 1)`.
#[derive(Clone)]
struct Cache {
    /// Keys and values side by side, `2 * heads * d_head` a row.
    key_values: Vec<f32>,
    /// States that entered the layer, from which segments go on, `d_model` a row.
    entered: Vec<f32>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("config", self.config())
            .field("positions", &self.positions)
            .finish_non_exhaustive()
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

impl Norm {
    fn of(norm: &LayerNorm) -> Self {
        let gamma = numbers(norm.gamma.val());
        let beta = norm.beta.as_ref().map_or_else(|| vec![0.0; gamma.len()], |beta| numbers(beta.val()));
        Self { gamma, beta }
    }

    fn apply(&self, row: &mut [f32]) {
        let width = row.len() as f32;
        let mean = sum(row) / width;
        row.iter_mut().for_each(|value| *value -= mean);
        let scale = (dot(row, row) / width + EPSILON).sqrt().recip();
        for ((value, gamma), beta) in row.iter_mut().zip(&self.gamma).zip(&self.beta) {
            *value = *value * scale * gamma + beta;
        }
    }
}

fn bias(linear: &Linear) -> Vec<f32> {
    let columns = linear.weight.dims()[1];
    linear.bias.as_ref().map_or_else(|| vec![0.0; columns], |bias| numbers(bias.val()))
}

/// `out += x * matrix`, four rows of the matrix at a time.
fn multiply_into(out: &mut [f32], x: &[f32], matrix: &[f32]) {
    let columns = out.len();
    let (quads, rest) = x.as_chunks::<4>();
    let (quad_rows, rest_rows) = matrix.split_at(quads.len() * 4 * columns);
    for (x, rows) in quads.iter().zip(quad_rows.chunks_exact(4 * columns)) {
        let (first, second) = rows.split_at(2 * columns);
        let ((a, b), (c, d)) = (first.split_at(columns), second.split_at(columns));
        for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *out += (x[0] * a + x[1] * b) + (x[2] * c + x[3] * d);
        }
    }
    for (x, row) in rest.iter().zip(rest_rows.chunks_exact(columns)) {
        out.iter_mut().zip(row).for_each(|(out, weight)| *out += x * weight);
    }
}

fn multiply(x: &[f32], matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; columns];
    multiply_into(&mut out, x, matrix);
    out
}

impl Decoder {
    /// A decoder of `network`, which has read nothing.
    pub fn new(network: &TransformerXl) -> Self {
        let network = network.valid();
        let config = network.config().clone();
        let device = network.embedding.val().device();
        let encoded = sinusoids(0..=config.memory, config.d_model);
        let encoded =
            Tensor::from_data(TensorData::new(encoded, [config.memory + 1, config.d_model]), &device);
        let layers = network.layers.iter().map(|layer| LayerWeights {
            qkv: numbers(layer.attention.qkv.weight.val()),
            output: numbers(layer.attention.output.weight.val()),
            attention_norm: Norm::of(&layer.attention_norm),
            expand: numbers(layer.expand.weight.val()),
            expand_bias: bias(&layer.expand),
            contract: numbers(layer.contract.weight.val()),
            contract_bias: bias(&layer.contract),
            feed_forward_norm: Norm::of(&layer.feed_forward_norm),
            positions: numbers(layer.attention.positions.forward::<2>(encoded.clone())),
        });
        let rows = config.memory + 1;
        let cache = Cache {
            key_values: vec![0.0; rows * 2 * config.d_attention()],
            entered: vec![0.0; rows * config.d_model],
        };
        Self {
            layers: vec![cache; config.layers],
            positions: 0,
            logits: Vec::new(),
            weights: Arc::new(Weights {
                embedding: numbers(network.embedding.val()),
                output_bias: numbers(network.output_bias.val()),
                content_bias: numbers(network.content_bias.val()),
                position_bias: numbers(network.position_bias.val()),
                layers: layers.collect(),
                last_norm: network.last_norm.as_ref().map(Norm::of),
                network,
            }),
        }
    }

    /// The sizes of the network.
    pub fn config(&self) -> &TransformerXlConfig {
        self.weights.network.config()
    }

    /// Number of tokens in the vocabulary, which is the number of logits.
    pub fn vocabulary_size(&self) -> usize {
        self.config().vocabulary
    }

    /// Number of tokens read since the start or the last reset.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// Forgets what was read.
    pub fn reset(&mut self) {
        self.positions = 0;
    }

    /// Reads `tokens` and returns the logits of the token after them.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Shape`] where `tokens` is empty, [`TransformerError::Token`] for one outside the
    /// vocabulary; nothing has then been read.
    pub fn push(&mut self, tokens: &[u32]) -> Result<Vec<f32>, TransformerError> {
        let vocabulary = self.vocabulary_size();
        if let Some(token) = tokens.iter().find(|token| **token as usize >= vocabulary) {
            return Err(TransformerError::Token { token: i64::from(*token), vocabulary });
        }
        let Some((last, before)) = tokens.split_last() else {
            return Err(super::network::shape_error("tokens", "at least one", 0));
        };
        if before.len() >= PREFILL {
            self.prefill(before)?;
        } else {
            before.iter().for_each(|token| {
                self.step(*token);
            });
        }
        let state = self.step(*last);
        let width = state.len();
        let rows = self.weights.embedding.chunks_exact(width);
        Ok(rows.zip(&self.weights.output_bias).map(|(row, bias)| dot(row, &state) + bias).collect())
    }

    /// Reads one token; returns the state from which the logits follow.
    fn step(&mut self, token: u32) -> Vec<f32> {
        let weights = &*self.weights;
        let config = weights.network.config();
        let (d, width, rows) = (config.d_model, config.d_attention(), config.memory + 1);
        let position = self.positions;
        let row = position % rows;
        let scale = (d as f32).sqrt();
        let embedded = &weights.embedding[token as usize * d..][..d];
        let mut x: Vec<f32> = embedded.iter().map(|value| value * scale).collect();
        for (layer, cache) in weights.layers.iter().zip(&mut self.layers) {
            cache.entered[row * d..][..d].copy_from_slice(&x);
            let mut entering = x.clone();
            if config.pre_norm {
                layer.attention_norm.apply(&mut entering);
            }
            let qkv = multiply(&entering, &layer.qkv, 3 * width);
            cache.key_values[row * 2 * width..][..2 * width].copy_from_slice(&qkv[width..]);
            let context = weights.attend(layer, cache, &qkv[..width], position);
            multiply_into(&mut x, &context, &layer.output);
            if !config.pre_norm {
                layer.attention_norm.apply(&mut x);
            }
            let mut entering = x.clone();
            if config.pre_norm {
                layer.feed_forward_norm.apply(&mut entering);
            }
            let mut inner = layer.expand_bias.clone();
            multiply_into(&mut inner, &entering, &layer.expand);
            inner.iter_mut().for_each(|value| *value = if *value > 0.0 { *value } else { 0.0 });
            add(&mut x, &layer.contract_bias);
            multiply_into(&mut x, &inner, &layer.contract);
            if !config.pre_norm {
                layer.feed_forward_norm.apply(&mut x);
            }
        }
        if let Some(norm) = &weights.last_norm {
            norm.apply(&mut x);
        }
        self.positions += 1;
        x
    }

    /// Reads many tokens in segments of the network.
    fn prefill(&mut self, tokens: &[u32]) -> Result<(), TransformerError> {
        let weights = Arc::clone(&self.weights);
        let network = &weights.network;
        let config = network.config();
        let device = network.embedding.val().device();
        let mut memory = self.memory();
        for segment in tokens.chunks(config.segment) {
            let ids: Vec<i64> = segment.iter().map(|token| i64::from(*token)).collect();
            let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [1, segment.len()]), &device);
            memory = Some(network.forward(ids, memory)?.1);
        }
        self.positions += tokens.len();
        if let Some(memory) = memory {
            self.remember(memory);
        }
        Ok(())
    }

    /// What the layers read, as the network remembers it.
    fn memory(&self) -> Option<Memory> {
        let config = self.config();
        let (d, rows) = (config.d_model, config.memory + 1);
        let device = self.weights.network.embedding.val().device();
        let kept = self.positions.min(config.memory);
        let newest = self.positions - kept..self.positions;
        let layer = |cache: &Cache| {
            let states: Vec<f32> = newest
                .clone()
                .flat_map(|position| &cache.entered[position % rows * d..][..d])
                .copied()
                .collect();
            Tensor::from_data(TensorData::new(states, [1, kept, d]), &device)
        };
        (kept > 0).then(|| Memory { layers: self.layers.iter().map(layer).collect(), visible: vec![kept] })
    }

    /// Fills the rings with what the network remembers up to the newest position.
    fn remember(&mut self, memory: Memory) {
        let weights = Arc::clone(&self.weights);
        let config = weights.network.config();
        let (d, width, rows) = (config.d_model, config.d_attention(), config.memory + 1);
        let kept = memory.positions();
        let layers = weights.network.layers.iter().zip(memory.layers).zip(&mut self.layers);
        for ((layer, states), cache) in layers {
            let normed = match config.pre_norm {
                true => layer.attention_norm.forward(states.clone()),
                false => states.clone(),
            };
            let matrix = layer.attention.qkv.weight.val().slice([0..d, width..3 * width]);
            let key_values = numbers(burn::tensor::module::linear(normed, matrix, None));
            let states = numbers(states);
            for index in 0..kept {
                let row = (self.positions - kept + index) % rows;
                cache.entered[row * d..][..d].copy_from_slice(&states[index * d..][..d]);
                let from = &key_values[index * 2 * width..][..2 * width];
                cache.key_values[row * 2 * width..][..2 * width].copy_from_slice(from);
            }
        }
    }
}

impl Weights {
    /// The heads' outputs for the query at `position`, whose key and value are in the ring.
    fn attend(&self, layer: &LayerWeights, cache: &Cache, query: &[f32], position: usize) -> Vec<f32> {
        let config = self.network.config();
        let (d_head, width, rows) = (config.d_head, config.d_attention(), config.memory + 1);
        let seen = position.min(config.memory) + 1;
        let scale = (d_head as f32).sqrt().recip();
        let biased = |bias: &[f32]| -> Vec<f32> {
            query.iter().zip(bias).map(|(query, bias)| (query + bias) * scale).collect()
        };
        let (content, place) = (biased(&self.content_bias), biased(&self.position_bias));
        let mut context = vec![0.0; width];
        let mut scores = vec![0.0; seen];
        for head in 0..config.heads {
            let at = head * d_head..(head + 1) * d_head;
            let (content, place) = (&content[at.clone()], &place[at.clone()]);
            for (distance, score) in scores.iter_mut().enumerate() {
                let key = &cache.key_values[(position - distance) % rows * 2 * width..][at.clone()];
                *score = dot(content, key) + dot(place, &layer.positions[distance * width..][at.clone()]);
            }
            softmax(&mut scores);
            let context = &mut context[at.clone()];
            for (distance, weight) in scores.iter().enumerate() {
                let row = &cache.key_values[(position - distance) % rows * 2 * width + width..];
                for (context, value) in context.iter_mut().zip(&row[at.clone()]) {
                    *context += weight * value;
                }
            }
        }
        context
    }
}

impl deepcompose_samplers::TokenModel for Decoder {
    type Error = TransformerError;

    fn vocabulary_size(&self) -> usize {
        Self::vocabulary_size(self)
    }

    fn reset(&mut self) -> Result<(), TransformerError> {
        Self::reset(self);
        Ok(())
    }

    fn push(&mut self, tokens: &[u32]) -> Result<&[f32], TransformerError> {
        self.logits = Self::push(self, tokens)?;
        Ok(&self.logits)
    }
}
