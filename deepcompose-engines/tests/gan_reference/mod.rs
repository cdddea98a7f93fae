//! The generator as it is described, layer by layer in f64, and random weights for it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_engines::gan::{ConvWeights, GeneratorSizes, GeneratorWeights, NormWeights};
use rand::{Rng, RngExt};

/// One channel: rows of cells.
type Plane = Vec<Vec<f64>>;

/// Logits `[tracks, steps, pitches]` of one window; the rolls are the melody, the chords and the previous tracks.
pub(crate) fn logits(
    sizes: &GeneratorSizes,
    weights: &GeneratorWeights,
    rolls: &[f32],
    latent: &[f32],
    attributes: &[f32],
) -> Vec<f64> {
    let mut x = planes(rolls, sizes.steps, sizes.pitches);
    let mut skips = Vec::new();
    for level in 0..4 {
        x = convolve(&padded(&x, 1, 1), &weights.down[level], 2);
        each(&mut x, |_, v| if v > 0.0 { v } else { 0.2 * v });
        if level > 0 {
            normalise(&mut x, &weights.down_norms[level - 1]);
        }
        skips.push(x.clone());
    }
    skips.pop();
    let (rows, columns) = (sizes.steps / 16, sizes.pitches / 16);
    x.extend(planes(latent, rows, columns));
    if sizes.attributes > 0 {
        let outputs = sizes.attribute_channels * rows * columns;
        x.extend(planes(&linear(attributes, &weights.attributes, outputs), rows, columns));
    }
    for (conv, norm) in weights.up.iter().zip(&weights.up_norms) {
        x = convolve(&padded(&doubled(&x), 1, 2), conv, 1);
        normalise(&mut x, norm);
        each(&mut x, |_, v| v.max(0.0));
        x.extend(skips.pop().unwrap());
    }
    x = convolve(&padded(&doubled(&x), 1, 2), &weights.head, 1);
    let mut logits: Vec<f64> = x.into_iter().flatten().flatten().collect();
    if sizes.output_map {
        for (logit, more) in
            logits.iter_mut().zip(linear(attributes, &weights.output_map, sizes.tracks_len()))
        {
            *logit += more;
        }
    }
    logits
}

fn planes<T: Copy + Into<f64>>(list: &[T], rows: usize, columns: usize) -> Vec<Plane> {
    list.chunks(rows * columns)
        .map(|plane| plane.chunks(columns).map(|row| row.iter().map(|v| (*v).into()).collect()).collect())
        .collect()
}

fn each(x: &mut [Plane], f: impl Fn(usize, f64) -> f64) {
    for (channel, plane) in x.iter_mut().enumerate() {
        plane.iter_mut().flatten().for_each(|v| *v = f(channel, *v));
    }
}

fn normalise(x: &mut [Plane], norm: &NormWeights) {
    each(x, |c, v| {
        let standard = (v - f64::from(norm.mean[c])) / (f64::from(norm.variance[c]) + norm.epsilon).sqrt();
        standard * f64::from(norm.gamma[c]) + f64::from(norm.beta[c])
    });
}

fn doubled(x: &[Plane]) -> Vec<Plane> {
    let twice = |row: &Vec<f64>| row.iter().flat_map(|v| [*v, *v]).collect::<Vec<_>>();
    x.iter().map(|plane| plane.iter().flat_map(|row| [twice(row), twice(row)]).collect()).collect()
}

fn padded(x: &[Plane], before: usize, after: usize) -> Vec<Plane> {
    let pad_plane = |plane: &Plane| {
        let width = plane[0].len() + before + after;
        let mut rows = vec![vec![0.0; width]; plane.len() + before + after];
        for (to, from) in rows[before..].iter_mut().zip(plane) {
            to[before..before + from.len()].copy_from_slice(from);
        }
        rows
    };
    x.iter().map(pad_plane).collect()
}

fn convolve(x: &[Plane], conv: &ConvWeights, stride: usize) -> Vec<Plane> {
    let (rows, columns) = ((x[0].len() - 4) / stride + 1, (x[0][0].len() - 4) / stride + 1);
    let kernels = conv.weight.chunks(x.len() * 16);
    let one = |(kernel, bias): (&[f32], &f32)| -> Plane {
        let cell = |r: usize, c: usize| {
            let mut sum = f64::from(*bias);
            for (plane, taps) in x.iter().zip(kernel.chunks(16)) {
                for (tap, weight) in taps.iter().enumerate() {
                    sum += plane[r * stride + tap / 4][c * stride + tap % 4] * f64::from(*weight);
                }
            }
            sum
        };
        (0..rows).map(|r| (0..columns).map(|c| cell(r, c)).collect()).collect()
    };
    kernels.zip(&conv.bias).map(one).collect()
}

fn linear(vector: &[f32], matrix: &[f32], outputs: usize) -> Vec<f64> {
    (0..outputs)
        .map(|o| {
            vector.iter().enumerate().map(|(i, x)| f64::from(*x) * f64::from(matrix[i * outputs + o])).sum()
        })
        .collect()
}

/// Weights that keep activations near 1 in size, with norms that change much.
pub(crate) fn random_weights<R: Rng>(sizes: &GeneratorSizes, rng: &mut R) -> GeneratorWeights {
    let f = sizes.filters;
    let rolls = 1 + if sizes.chords { 2 } else { 0 } + if sizes.previous { sizes.tracks } else { 0 };
    let embedded = if sizes.attributes > 0 { sizes.attribute_channels } else { 0 };
    let cells = sizes.steps / 16 * (sizes.pitches / 16);
    let map = if sizes.output_map { sizes.tracks_len() } else { 0 };
    GeneratorWeights {
        down: [[rolls, f], [f, 2 * f], [2 * f, 4 * f], [4 * f, 8 * f]].map(|shape| conv(shape, rng)),
        down_norms: [2, 4, 8].map(|times| norm(times * f, rng)),
        up: [[8 * f + sizes.latent_channels + embedded, 4 * f], [8 * f, 2 * f], [4 * f, f]]
            .map(|shape| conv(shape, rng)),
        up_norms: [4, 2, 1].map(|times| norm(times * f, rng)),
        head: conv([2 * f, sizes.tracks], rng),
        attributes: numbers(sizes.attributes * embedded * cells, -0.5, 0.5, rng),
        output_map: numbers(sizes.attributes * map, -0.5, 0.5, rng),
    }
}

pub(crate) fn numbers<R: Rng>(count: usize, from: f32, to: f32, rng: &mut R) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(from..to)).collect()
}

/// Cells of +1, one in five, and −1.
pub(crate) fn roll<R: Rng>(count: usize, rng: &mut R) -> Vec<f32> {
    (0..count).map(|_| if rng.random_ratio(1, 5) { 1.0 } else { -1.0 }).collect()
}

fn conv<R: Rng>([inputs, outputs]: [usize; 2], rng: &mut R) -> ConvWeights {
    let bound = (3.0 / (16 * inputs) as f32).sqrt();
    ConvWeights {
        weight: numbers(outputs * inputs * 16, -bound, bound, rng),
        bias: numbers(outputs, -0.3, 0.3, rng),
    }
}

fn norm<R: Rng>(channels: usize, rng: &mut R) -> NormWeights {
    NormWeights {
        gamma: numbers(channels, -1.5, 1.5, rng),
        beta: numbers(channels, -0.5, 0.5, rng),
        mean: numbers(channels, -0.5, 0.5, rng),
        variance: numbers(channels, 0.0, 2.0, rng),
        epsilon: 1e-2,
    }
}
