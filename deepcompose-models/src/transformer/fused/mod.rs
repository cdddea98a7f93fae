//! Loss and gradient of one segment in a hand-written forward and backward pass.
//!
//! Recorded differentiation spends most of its time on a CPU in single-threaded element-wise operations
//! over the attention scores. Here the matrix products are the device's, without recording, and what lies
//! between them is one pass over memory each. The result is that of
//! [`TransformerXl::run`](super::network::TransformerXl) and `backward`, which the tests hold it to.

mod attention;
mod steps;
mod tensors;
mod weights;

use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use self::attention::{Geometry, Heads};
use self::steps::Normed;
use self::tensors::{data, edit, numbers, read, tensor};
pub(crate) use self::weights::{Gradient, Weights};
use self::weights::{LayerGradient, LayerWeights, Norm};
use super::positions::sinusoids;
use super::rows;
use super::visibility::Visibility;

/// What lanes remember of earlier segments: for each layer the states that entered it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LaneMemory {
    /// `[lanes, positions, d_model]` a layer; no layer before the first segment.
    pub(crate) layers: Vec<Vec<f32>>,
    /// Remembered positions.
    pub(crate) positions: usize,
    /// For each lane, how many of the newest positions belong to the piece in progress.
    pub(crate) visible: Vec<usize>,
}

/// Part of a batch: some lanes' tokens, and what is to follow each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Segment {
    /// Tokens, lane by lane.
    pub(crate) tokens: Vec<u32>,
    /// The token after each, or `None` where it does not count.
    pub(crate) targets: Vec<Option<u32>>,
    /// Where pieces start in each lane, rising.
    pub(crate) starts: Vec<Vec<usize>>,
    /// Tokens a lane.
    pub(crate) time: usize,
}

/// What the backward pass needs of one layer.
struct Saved {
    attention_norm: Normed,
    /// What entered the projection to queries, keys and values.
    entering_attention: Tensor<2>,
    /// The memory: normalised without scale and offset where pre-norm, plain where not.
    memory: Option<Tensor<2>>,
    heads: Heads,
    context: Tensor<2>,
    attention_mask: Option<Vec<f32>>,
    feed_forward_norm: Normed,
    entering_feed_forward: Tensor<2>,
    inner: Tensor<2>,
    feed_forward_mask: Option<Vec<f32>>,
}

/// A pass over one segment.
struct Pass<'a> {
    weights: &'a Weights,
    geometry: Geometry<'a>,
    /// Present while training: draws what is dropped.
    rng: Option<&'a mut ChaCha8Rng>,
}

/// Told each target that counts and the logits it was judged by.
type Observer<'a> = dyn FnMut(u32, &[f32]) + 'a;

/// Sum of the loss over the targets that count, in nats, without a gradient.
pub(crate) fn loss(weights: &Weights, segment: &Segment, memory: &mut LaneMemory) -> f64 {
    pass(weights, segment, memory, None, 0.0, None).0
}

/// The loss as [`loss`]; `observer` is told each target that counts and the logits it was judged by.
pub(crate) fn loss_with(
    weights: &Weights,
    segment: &Segment,
    memory: &mut LaneMemory,
    observer: &mut Observer<'_>,
) -> f64 {
    pass(weights, segment, memory, None, 0.0, Some(observer)).0
}

/// Sum of the loss as [`loss`], with dropout, and the gradient of `factor` times the sum.
pub(crate) fn loss_and_gradient(
    weights: &Weights,
    segment: &Segment,
    memory: &mut LaneMemory,
    factor: f32,
    rng: &mut ChaCha8Rng,
) -> (f64, Gradient) {
    let (loss, gradient) = pass(weights, segment, memory, Some(rng), factor, None);
    (loss, gradient.unwrap_or_else(|| Gradient::new(&weights.config)))
}

fn pass(
    weights: &Weights,
    segment: &Segment,
    memory: &mut LaneMemory,
    rng: Option<&mut ChaCha8Rng>,
    factor: f32,
    observer: Option<&mut Observer<'_>>,
) -> (f64, Option<Gradient>) {
    let config = &weights.config;
    let (lanes, time, d) = (segment.starts.len(), segment.time, config.d_model);
    memory.visible.resize(lanes, 0);
    let remembered = memory.positions;
    let visibility = Visibility::packed(remembered, time, config.memory, &memory.visible, &segment.starts);
    let distances = config.memory.min(remembered + time - 1) + 1;
    let encoded = sinusoids((0..distances).rev(), d);
    let training = rng.is_some();
    let mut pass = Pass {
        weights,
        geometry: Geometry {
            lanes,
            heads: config.heads,
            d_head: config.d_head,
            visibility: &visibility,
            distances: tensor(encoded, [distances, d], &weights.device),
        },
        rng,
    };

    let scale = (d as f32).sqrt();
    let mut x = Vec::with_capacity(lanes * time * d);
    for token in &segment.tokens {
        let row = &weights.embedding_rows[*token as usize * d..][..d];
        x.extend(row.iter().map(|value| value * scale));
    }
    let embedding_mask = pass.dropout(x.len());
    apply(&mut x, embedding_mask.as_deref());

    let mut saved = Vec::new();
    let mut kept = Vec::with_capacity(config.layers);
    for (index, layer) in weights.layers.iter().enumerate() {
        let old = memory.layers.get(index).map_or(&[][..], Vec::as_slice);
        kept.push(newest(old, &x, lanes, d, config.memory));
        let state = pass.layer(layer, &mut x, old);
        if training {
            saved.push(state);
        }
    }
    memory.positions = (remembered + time).min(config.memory);
    memory.layers = kept;
    for (visible, starts) in memory.visible.iter_mut().zip(&segment.starts) {
        let seen = starts.last().map_or(*visible + time, |start| time - start);
        *visible = seen.min(memory.positions);
    }

    let last = weights.last_norm.as_ref().map(|norm| {
        let (normed, state) = steps::norm(&x, &norm.gamma, &norm.beta);
        x = normed;
        state
    });
    let last_mask = pass.dropout(x.len());
    apply(&mut x, last_mask.as_deref());
    let count = lanes * time;
    let x = tensor(x, [count, d], &weights.device);
    let mut logits = data(x.clone().matmul(weights.embedding.clone().transpose()));
    steps::add_bias(edit(&mut logits), &weights.output_bias);
    if let Some(observer) = observer {
        for (row, target) in read(&logits).chunks_exact(config.vocabulary).zip(&segment.targets) {
            if let Some(target) = target {
                observer(*target, row);
            }
        }
    }
    let loss = steps::cross_entropy(edit(&mut logits), config.vocabulary, &segment.targets, factor);
    if !training {
        return (loss, None);
    }

    let mut gradient = Gradient::new(config);
    steps::add_rows(&mut gradient.output_bias, read(&logits));
    let d_logits = Tensor::<2>::from_data(logits, &weights.device);
    gradient.embedding = numbers(d_logits.clone().transpose().matmul(x));
    let mut d_x = numbers(d_logits.matmul(weights.embedding.clone()));
    apply(&mut d_x, last_mask.as_deref());
    if let (Some(state), Some(norm), Some(to)) = (&last, &weights.last_norm, &mut gradient.last_norm) {
        state.backward(&mut d_x, &norm.gamma, &mut to.gamma, &mut to.beta);
    }
    let Gradient { layers, content_bias, position_bias, .. } = &mut gradient;
    for ((layer, state), to) in weights.layers.iter().zip(saved).zip(layers).rev() {
        pass.layer_backward(layer, state, &mut d_x, to, content_bias, position_bias);
    }
    apply(&mut d_x, embedding_mask.as_deref());
    for (token, d_x) in segment.tokens.iter().zip(d_x.chunks_exact(d)) {
        let row = &mut gradient.embedding[*token as usize * d..][..d];
        row.iter_mut().zip(d_x).for_each(|(row, d_x)| *row += d_x * scale);
    }
    (loss, Some(gradient))
}

impl Pass<'_> {
    fn device(&self) -> &Device {
        &self.weights.device
    }

    fn dropout(&mut self, count: usize) -> Option<Vec<f32>> {
        let rate = self.weights.config.dropout;
        self.rng.as_mut().and_then(|rng| steps::dropout(count, rate, rng))
    }

    /// One layer: `x` becomes what leaves it.
    fn layer(&mut self, layer: &LayerWeights, x: &mut Vec<f32>, old: &[f32]) -> Saved {
        let config = &self.weights.config;
        let (d, width, pre_norm) = (config.d_model, config.d_attention(), config.pre_norm);
        let count = x.len() / d;
        let normalise = |x: &[f32], norm: &Norm| steps::norm(x, &norm.gamma, &norm.beta);

        let mut attention_norm = Normed { unit: Vec::new(), scale: Vec::new() };
        let entering = if pre_norm {
            let (normed, state) = normalise(x, &layer.attention_norm);
            attention_norm = state;
            normed
        } else {
            x.clone()
        };
        let entering_attention = tensor(entering, [count, d], self.device());
        let qkv = data(entering_attention.clone().matmul(layer.qkv.clone()));
        let mut memory = None;
        let mut remembered = None;
        if !old.is_empty() {
            let kv = layer.qkv.clone().slice([0..d, width..3 * width]);
            let rows = [old.len() / d, d];
            let (normed, kept) = if pre_norm {
                let (normed, state) = normalise(old, &layer.attention_norm);
                (normed, Some(state.unit))
            } else {
                (old.to_vec(), None)
            };
            let normed = tensor(normed, rows, self.device());
            remembered = Some(data(normed.clone().matmul(kv)));
            memory = Some(kept.map_or(normed, |unit| tensor(unit, rows, self.device())));
        }
        let position = data(self.geometry.distances.clone().matmul(layer.positions.clone()));
        let (context, heads) = self.geometry.forward(
            read(&qkv),
            remembered.as_ref().map_or(&[], read),
            read(&position),
            &self.weights.content_bias,
            &self.weights.position_bias,
            self.device(),
        );
        let context = tensor(context, [count, width], self.device());
        let mut attended = data(context.clone().matmul(layer.output.clone()));
        let attention_mask = self.dropout(x.len());
        apply(edit(&mut attended), attention_mask.as_deref());
        rows::add(x, read(&attended));
        if !pre_norm {
            (*x, attention_norm) = normalise(x, &layer.attention_norm);
        }

        let mut feed_forward_norm = Normed { unit: Vec::new(), scale: Vec::new() };
        let entering = if pre_norm {
            let (normed, state) = normalise(x, &layer.feed_forward_norm);
            feed_forward_norm = state;
            normed
        } else {
            x.clone()
        };
        let entering_feed_forward = tensor(entering, [count, d], self.device());
        let mut inner = data(entering_feed_forward.clone().matmul(layer.expand.clone()));
        let inner_mask = self.dropout(count * config.d_inner);
        steps::biased_relu(edit(&mut inner), &layer.expand_bias, inner_mask.as_deref());
        let inner = Tensor::from_data(inner, self.device());
        let mut forwarded = data(inner.clone().matmul(layer.contract.clone()));
        steps::add_bias(edit(&mut forwarded), &layer.contract_bias);
        let feed_forward_mask = self.dropout(x.len());
        apply(edit(&mut forwarded), feed_forward_mask.as_deref());
        rows::add(x, read(&forwarded));
        if !pre_norm {
            (*x, feed_forward_norm) = normalise(x, &layer.feed_forward_norm);
        }
        Saved {
            attention_norm,
            entering_attention,
            memory,
            heads,
            context,
            attention_mask,
            feed_forward_norm,
            entering_feed_forward,
            inner,
            feed_forward_mask,
        }
    }

    /// The gradient of [`layer`](Self::layer): `d_x`, that of what left, becomes that of what entered.
    fn layer_backward(
        &self,
        layer: &LayerWeights,
        saved: Saved,
        d_x: &mut [f32],
        to: &mut LayerGradient,
        d_content_bias: &mut [f32],
        d_position_bias: &mut [f32],
    ) {
        let config = &self.weights.config;
        let (d, width, pre_norm) = (config.d_model, config.d_attention(), config.pre_norm);
        let (count, device) = (d_x.len() / d, self.device());
        let denormalise = |gradient: &mut [f32], state: &Normed, norm: &Norm, to: &mut Norm| {
            state.backward(gradient, &norm.gamma, &mut to.gamma, &mut to.beta);
        };

        if !pre_norm {
            let (state, norm) = (&saved.feed_forward_norm, &layer.feed_forward_norm);
            denormalise(d_x, state, norm, &mut to.feed_forward_norm);
        }
        let mut leaving = d_x.to_vec();
        apply(&mut leaving, saved.feed_forward_mask.as_deref());
        steps::add_rows(&mut to.contract_bias, &leaving);
        let leaving = tensor(leaving, [count, d], device);
        to.contract = numbers(saved.inner.clone().transpose().matmul(leaving.clone()));
        let mut d_inner = data(leaving.matmul(layer.contract.clone().transpose()));
        let keep = (1.0 - config.dropout).recip() as f32;
        steps::relu_backward(edit(&mut d_inner), read(&data(saved.inner)), keep);
        steps::add_rows(&mut to.expand_bias, read(&d_inner));
        let d_inner = Tensor::<2>::from_data(d_inner, device);
        to.expand = numbers(saved.entering_feed_forward.transpose().matmul(d_inner.clone()));
        let mut entering = data(d_inner.matmul(layer.expand.clone().transpose()));
        if pre_norm {
            let (state, norm) = (&saved.feed_forward_norm, &layer.feed_forward_norm);
            denormalise(edit(&mut entering), state, norm, &mut to.feed_forward_norm);
        }
        rows::add(d_x, read(&entering));

        if !pre_norm {
            denormalise(d_x, &saved.attention_norm, &layer.attention_norm, &mut to.attention_norm);
        }
        let mut leaving = d_x.to_vec();
        apply(&mut leaving, saved.attention_mask.as_deref());
        let leaving = tensor(leaving, [count, d], device);
        to.output = numbers(saved.context.transpose().matmul(leaving.clone()));
        let d_context = data(leaving.matmul(layer.output.clone().transpose()));
        let heads =
            self.geometry.backward(saved.heads, read(&d_context), d_content_bias, d_position_bias, device);
        let d_position = tensor(heads.position, [self.geometry.distances.dims()[0], width], device);
        to.positions = numbers(self.geometry.distances.clone().transpose().matmul(d_position));
        let d_qkv = tensor(heads.qkv, [count, 3 * width], device);
        to.qkv = numbers(saved.entering_attention.transpose().matmul(d_qkv.clone()));
        if let Some(memory) = saved.memory {
            let norm = pre_norm.then_some((&layer.attention_norm, &mut to.attention_norm));
            remember_backward(memory, heads.memory, layer, norm, &mut to.qkv, width);
        }
        let mut entering = data(d_qkv.matmul(layer.qkv.clone().transpose()));
        if pre_norm {
            let (state, norm) = (&saved.attention_norm, &layer.attention_norm);
            denormalise(edit(&mut entering), state, norm, &mut to.attention_norm);
        }
        rows::add(d_x, read(&entering));
    }
}

/// The gradients that come through the keys and values of the memory: of their projection, and of the
/// normalisation before it.
///
/// The memory itself gets none. With `unit` its rows normalised to mean 0 and deviation 1, what was
/// projected is `unit * gamma + beta`, so one product `unit^T * d_kv` yields all three gradients.
fn remember_backward(
    memory: Tensor<2>,
    d_kv: Vec<f32>,
    layer: &LayerWeights,
    norm: Option<(&Norm, &mut Norm)>,
    d_qkv: &mut [f32],
    width: usize,
) {
    let [rows, d] = memory.dims();
    let mut total = vec![0.0; 2 * width];
    steps::add_rows(&mut total, &d_kv);
    let d_kv = tensor(d_kv, [rows, 2 * width], &memory.device());
    let product = data(memory.transpose().matmul(d_kv));
    let product = read(&product);
    let targets = d_qkv.chunks_exact_mut(3 * width).map(|row| &mut row[width..]);
    match norm {
        None => targets.zip(product.chunks_exact(2 * width)).for_each(|(to, row)| rows::add(to, row)),
        Some((norm, d_norm)) => {
            let kv = numbers(layer.qkv.clone().slice([0..d, width..3 * width]));
            let rows = targets.zip(product.chunks_exact(2 * width)).zip(kv.chunks_exact(2 * width));
            for (k, ((to, row), weights)) in rows.enumerate() {
                for ((to, product), total) in to.iter_mut().zip(row).zip(&total) {
                    *to += product * norm.gamma[k] + total * norm.beta[k];
                }
                d_norm.gamma[k] += rows::dot(weights, row);
                d_norm.beta[k] += rows::dot(weights, &total);
            }
        }
    }
}

fn apply(values: &mut [f32], mask: Option<&[f32]>) {
    if let Some(mask) = mask {
        steps::multiply(values, mask);
    }
}

/// The newest `limit` positions of `old` followed by `new`, lane by lane.
fn newest(old: &[f32], new: &[f32], lanes: usize, width: usize, limit: usize) -> Vec<f32> {
    let (old_each, new_each) = (old.len() / lanes, new.len() / lanes);
    let limit = limit * width;
    let mut kept = Vec::with_capacity(lanes * (old_each + new_each).min(limit));
    for (lane, new) in new.chunks_exact(new_each).enumerate() {
        let old = &old[lane * old_each..][..old_each];
        let from_old = limit.saturating_sub(new_each).min(old_each);
        kept.extend_from_slice(&old[old_each - from_old..]);
        kept.extend_from_slice(&new[new_each - new_each.min(limit)..]);
    }
    kept
}

#[cfg(test)]
mod tests;
