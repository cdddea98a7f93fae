//! The forward pass, and the backward pass.

use crate::dropout;
use deepcompose_engines::training::{Begin, End, Instructions, gate, halve, halve_backward};
use rand_chacha::ChaCha8Rng;

use super::conv::{bias_gradient, pointwise};
use super::loss::edit_loss;
use super::map::Map;
use super::norm::Normed;
use super::space::{Packs, Space, inputs, parts};
use super::weights::{Affine, Conv, Gradient, Level, Parameters, Statistics, Weights, norm};

/// A pass of a part of a batch.
pub(super) struct Pass<'a> {
    pub(super) instructions: Instructions,
    pub(super) weights: &'a Weights,
    pub(super) packs: &'a Packs,
    pub(super) space: &'a mut Space,
}

/// What a dropout multiplies by what it keeps.
fn kept(probability: f64) -> f32 {
    (1.0 / (1.0 - probability)) as f32
}

impl Pass<'_> {
    /// Logits of rolls `[batch, steps, pitches]`, to the space's.
    pub(super) fn forward(&mut self, rolls: &[f32], rng: &mut ChaCha8Rng) -> Statistics {
        let Self { instructions, weights, packs, space } = self;
        let (instructions, levels) = (*instructions, weights.levels());
        let width = space.input.width;
        space.input.each_row(|row, to| to.copy_from_slice(&rolls[row * width..][..width]));
        let mut statistics = Statistics::default();
        for level in 0..=levels {
            let from = &weights.parameters.encoder[level];
            let [first, second] = &packs.encoder[level];
            // The bottleneck's maps are the decoder's last.
            let (mut a, mut b) = match level < levels {
                true => (std::mem::take(&mut space.first[level]), std::mem::take(&mut space.second[level])),
                false => (
                    std::mem::take(&mut space.decoded_first[level]),
                    std::mem::take(&mut space.decoded[level]),
                ),
            };
            first.forward(
                instructions,
                space.entering(level),
                &mut a,
                Begin::Bias(&from.first.bias),
                End::Relu,
            );
            second.forward(instructions, &a, &mut b, Begin::Bias(&from.second.bias), End::Relu);
            if level == levels {
                (space.decoded_first[level], space.decoded[level]) = (a, b);
                break;
            }
            (space.first[level], space.second[level]) = (a, b);
            let (x, halved) = (&space.second[level], &mut space.halved[level]);
            halve_map(instructions, x, halved);
            drop_some(halved, weights.encoder_dropout[level], rng);
            let normed = norm(from, weights.encoder_norms[level].as_ref());
            statistics.encoder.push(match (normed, &mut space.normed[level]) {
                (Some(norm), Some(to)) => Some(norm.forward(instructions, halved, to)),
                _ => None,
            });
        }
        for level in (0..levels).rev() {
            let from = &weights.parameters.decoder[level];
            let pack = &packs.decoder[level];
            let (decoded, below) = space.decoded.split_at_mut(level + 1);
            let (decoded, below) = (&mut decoded[level], &below[0]);
            let skip = &space.second[level];
            let normed = norm(from, weights.decoder_norms[level].as_ref());
            let (below, skip, seen) = match (normed, &mut space.joined[level]) {
                (Some(norm), Some([to_below, to_skip])) => {
                    let (at, all) = (below.channels, below.channels + skip.channels);
                    let seen = [
                        norm.part(0..at).forward(instructions, below, to_below),
                        norm.part(at..all).forward(instructions, skip, to_skip),
                    ];
                    (&*to_below, &*to_skip, Some(seen))
                }
                _ => (below, skip, None),
            };
            statistics.decoder.push(seen);
            let first = &mut space.decoded_first[level];
            pack.doubled.forward(instructions, below, first, &from.first.bias);
            pack.skip.forward(instructions, skip, first, Begin::There, End::Relu);
            pack.second.forward(instructions, first, decoded, Begin::Bias(&from.second.bias), End::Relu);
            drop_some(decoded, weights.decoder_dropout[level], rng);
        }
        statistics.decoder.reverse();
        let bias = Begin::Bias(&weights.parameters.head.bias);
        pointwise(instructions, &packs.head, &space.decoded[0], &mut space.logits, bias, End::Plain);
        statistics
    }

    /// Sum of the loss over the samples, the logits being there, and the gradient of `factor` times it.
    pub(super) fn backward(&mut self, difference: &[f32], factor: f64, seen: &Statistics) -> (f64, Gradient) {
        let loss = edit_loss(&mut self.space.logits, difference, factor);
        let levels = self.weights.levels();
        let head = {
            let Self { instructions, packs, space, .. } = self;
            let weight = space.sums.head(*instructions, &space.decoded[0], &space.logits);
            let (to, end) = (&mut space.d_second[0], End::Where(&space.decoded[0].values));
            pointwise(*instructions, &packs.head_back, &space.logits, to, Begin::Zero, end);
            Conv { weight, bias: bias_gradient(*instructions, &space.logits) }
        };
        if self.weights.decoder_dropout[0] > 0.0 {
            self.gate_decoded(0);
        }
        let decoder = (0..levels).map(|level| self.decoder(level, seen.decoder[level].as_ref())).collect();
        let bottleneck = self.encoder(levels);
        let mut encoder = vec![bottleneck];
        for level in (0..levels).rev() {
            let norm = self.halved(level, seen.encoder[level].as_ref());
            encoder.push(Level { norm, ..self.encoder(level) });
        }
        encoder.reverse();
        (loss, Gradient(Parameters { encoder, decoder, head }))
    }

    /// Through the dropout behind a level of the decoder, where that was not done with what is behind it.
    fn gate_decoded(&mut self, level: usize) {
        let Self { instructions, weights, space, .. } = self;
        let probability = weights.decoder_dropout.get(level).copied().unwrap_or(0.0);
        let result = &space.decoded[level];
        let factor = kept(probability);
        space.d_second[level]
            .each_row(|row, gradient| gate(*instructions, gradient, result.row(row), factor));
    }

    /// A level of the decoder: from the gradient of its second convolution to that of the level below, and that of
    /// the encoder's part.
    fn decoder(&mut self, level: usize, seen: Option<&[Normed; 2]>) -> Level {
        let Self { instructions, weights, packs, space } = self;
        let instructions = *instructions;
        let (from, pack) = (&weights.parameters.decoder[level], &packs.decoder[level]);
        let second = {
            let (x, gradient) = (&space.decoded_first[level], &space.d_second[level]);
            let mut weight = vec![0.0; from.second.weight.len()];
            let kernel = from.second.kernel(weights.channels(level));
            space.sums.plain(instructions, (x, gradient), kernel, &mut weight);
            pack.second.backward(instructions, gradient, &mut space.d_first[level], Some(x));
            Conv { weight, bias: bias_gradient(instructions, gradient) }
        };
        let gradient = &space.d_first[level];
        let (below, skip) = match &space.joined[level] {
            Some([below, skip]) => (below, skip),
            None => (&space.decoded[level + 1], &space.second[level]),
        };
        let mut weight = vec![0.0; from.first.weight.len()];
        let [kernel_below, kernel_skip] = parts(weights, level, &from.first);
        space.sums.doubled(instructions, (below, gradient), kernel_below, &mut weight);
        space.sums.plain(instructions, (skip, gradient), kernel_skip, &mut weight);
        let first = Conv { weight, bias: bias_gradient(instructions, gradient) };
        pack.doubled.backward(instructions, gradient, &mut space.d_second[level + 1]);
        pack.skip.backward(instructions, gradient, &mut space.d_skip[level], None);

        let Some((norm, seen)) = norm(from, weights.decoder_norms[level].as_ref()).zip(seen) else {
            self.gate_decoded(level + 1);
            return Level { first, second, norm: None };
        };
        let probability = weights.decoder_dropout.get(level + 1).copied().unwrap_or(0.0);
        let (below, skip) = (&space.decoded[level + 1], &space.second[level]);
        let (at, all) = (below.channels, below.channels + skip.channels);
        let mut affine = Affine { gamma: vec![0.0; all], beta: vec![0.0; all] };
        let (gamma_below, gamma_skip) = affine.gamma.split_at_mut(at);
        let (beta_below, beta_skip) = affine.beta.split_at_mut(at);
        let (d_below, d_skip) = (&mut space.d_second[level + 1], &mut space.d_skip[level]);
        let through = Some(kept(probability));
        norm.part(0..at).backward(instructions, &seen[0], below, d_below, through, (gamma_below, beta_below));
        norm.part(at..all).backward(instructions, &seen[1], skip, d_skip, None, (gamma_skip, beta_skip));
        Level { first, second, norm: Some(affine) }
    }

    /// A level of the encoder, or the bottleneck: from the gradient of its second convolution to that of what entered.
    fn encoder(&mut self, level: usize) -> Level {
        let Self { instructions, weights, packs, space } = self;
        let instructions = *instructions;
        let from = &weights.parameters.encoder[level];
        let [pack_first, pack_second] = &packs.encoder[level];
        let bottleneck = level == weights.levels();
        let (x, gradient) = match bottleneck {
            true => (&space.decoded_first[level], &space.d_second[level]),
            false => (&space.first[level], &space.d_skip[level]),
        };
        let mut weight = vec![0.0; from.second.weight.len()];
        space.sums.plain(
            instructions,
            (x, gradient),
            from.second.kernel(weights.channels(level)),
            &mut weight,
        );
        let second = Conv { weight, bias: bias_gradient(instructions, gradient) };
        pack_second.backward(instructions, gradient, &mut space.d_first[level], Some(x));

        let mut sums = std::mem::take(&mut space.sums);
        let (x, gradient) = (space.entering(level), &space.d_first[level]);
        let mut weight = vec![0.0; from.first.weight.len()];
        sums.plain(instructions, (x, gradient), from.first.kernel(inputs(weights, level)), &mut weight);
        space.sums = sums;
        let first = Conv { weight, bias: bias_gradient(instructions, gradient) };
        if let Some(above) = level.checked_sub(1) {
            pack_first.backward(instructions, gradient, &mut space.d_halved[above], None);
        }
        Level { first, second, norm: None }
    }

    /// Between two levels of the encoder: from the gradient of what entered the lower to that of the upper's second convolution.
    fn halved(&mut self, level: usize, seen: Option<&Normed>) -> Option<Affine> {
        let Self { instructions, weights, space, .. } = self;
        let instructions = *instructions;
        let factor = kept(weights.encoder_dropout[level]);
        let (x, gradient) = (&space.halved[level], &mut space.d_halved[level]);
        let from = &weights.parameters.encoder[level];
        let affine = match norm(from, weights.encoder_norms[level].as_ref()).zip(seen) {
            Some((norm, seen)) => {
                let mut affine = Affine { gamma: vec![0.0; x.channels], beta: vec![0.0; x.channels] };
                let to = (&mut affine.gamma[..], &mut affine.beta[..]);
                norm.backward(instructions, seen, x, gradient, Some(factor), to);
                Some(affine)
            }
            None => {
                gradient.each_row(|row, gradient| gate(instructions, gradient, x.row(row), factor));
                None
            }
        };
        halve_map_backward(
            instructions,
            &space.second[level],
            &space.d_halved[level],
            &mut space.d_skip[level],
        );
        affine
    }
}

/// 2×2 max pooling.
fn halve_map(instructions: Instructions, x: &Map, out: &mut Map) {
    let channels = x.channels;
    // A picture has twice as many rows above.
    out.each_row(|row, out| halve(instructions, x.row(2 * row), x.row(2 * row + 1), channels, out));
}

/// The gradient of [`halve_map`], added to what is in `out`, through the ReLU that made `x`.
fn halve_map_backward(instructions: Instructions, x: &Map, gradient: &Map, out: &mut Map) {
    let (line, channels, width) = (out.line(), out.channels, out.width * out.channels);
    out.each_picture(|picture, values| {
        // Without the border above.
        let pairs = values[line..].chunks_exact_mut(2 * line).take(gradient.height);
        for (y, pair) in pairs.enumerate() {
            let row = picture * gradient.height + y;
            let (upper, lower) = pair.split_at_mut(line);
            let (upper, lower) = (&mut upper[channels..][..width], &mut lower[channels..][..width]);
            let (x_upper, x_lower) = (x.row(2 * row), x.row(2 * row + 1));
            halve_backward(instructions, x_upper, x_lower, channels, gradient.row(row), upper, lower);
        }
    });
}

/// Drops values, in the order of `[batch, channels, height, width]`.
fn drop_some(map: &mut Map, probability: f64, rng: &mut ChaCha8Rng) {
    if probability == 0.0 {
        return;
    }
    let (height, width, channels) = (map.height, map.width, map.channels);
    let mask = dropout::mask(map.pixels() * channels, probability, rng);
    map.each_row(|row, values| {
        let (picture, y) = (row / height, row % height);
        for c in 0..channels {
            let mask = &mask[((picture * channels + c) * height + y) * width..][..width];
            for (value, mask) in values[c..].iter_mut().step_by(channels).zip(mask) {
                *value *= mask;
            }
        }
    });
}
