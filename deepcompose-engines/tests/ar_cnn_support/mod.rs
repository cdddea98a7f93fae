//! Random weights, and the network by its definition: channels outermost, in `f64`, nothing folded or kept.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use deepcompose_engines::ar_cnn::{
    ArCnnSizes, ArCnnWeights, ConvWeights, DecoderWeights, EncoderWeights, NormWeights,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn numbers(rng: &mut impl Rng, count: usize, low: f32, high: f32) -> Vec<f32> {
    (0..count).map(|_| low + (high - low) * rng.random::<f32>()).collect()
}

/// Weights of the size that training starts from, with biases, and norms that negate some channels.
pub(crate) fn random_weights(sizes: &ArCnnSizes, seed: u64) -> ArCnnWeights {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let channels = |level: usize| sizes.filters << level;
    let conv = |rng: &mut ChaCha8Rng, from: usize, to: usize, taps: usize| {
        let bound = (6.0 / (from * taps) as f32).sqrt();
        ConvWeights {
            weight: numbers(rng, to * from * taps, -bound, bound),
            bias: numbers(rng, to, -0.1, 0.2),
        }
    };
    let norm = |rng: &mut ChaCha8Rng, channels: usize| NormWeights {
        gamma: numbers(rng, channels, -0.5, 1.5),
        beta: numbers(rng, channels, -0.5, 0.5),
        mean: numbers(rng, channels, -0.5, 0.5),
        variance: numbers(rng, channels, 0.5, 2.0),
        epsilon: 1e-5,
    };
    let mut encoder = Vec::new();
    for level in 0..sizes.levels {
        let entering = if level == 0 { 1 } else { channels(level - 1) };
        encoder.push(EncoderWeights {
            conv1: conv(rng, entering, channels(level), 9),
            conv2: conv(rng, channels(level), channels(level), 9),
            norm: (level + 1 < sizes.levels).then(|| norm(rng, channels(level))),
        });
    }
    let (inner, bottleneck) = (channels(sizes.levels - 1), channels(sizes.levels));
    let bottleneck = [conv(rng, inner, bottleneck, 9), conv(rng, bottleneck, bottleneck, 9)];
    let mut decoder = Vec::new();
    for level in (0..sizes.levels).rev() {
        let joined = channels(level) + channels(level + 1);
        decoder.push(DecoderWeights {
            norm: (level > 0).then(|| norm(rng, joined)),
            conv1: conv(rng, joined, channels(level), 9),
            conv2: conv(rng, channels(level), channels(level), 9),
        });
    }
    ArCnnWeights { encoder, bottleneck, decoder, head: conv(rng, sizes.filters, 1, 1) }
}

/// `[channel][row][column]`.
type Maps = Vec<Vec<Vec<f64>>>;

fn convolve(maps: &Maps, weights: &ConvWeights) -> Maps {
    let (height, width, from) = (maps[0].len(), maps[0][0].len(), maps.len());
    let side = (weights.weight.len() / weights.bias.len() / from).isqrt();
    let padding = side / 2;
    let one = |to: usize, y: usize, x: usize| {
        let mut sum = f64::from(weights.bias[to]);
        for (channel, map) in maps.iter().enumerate() {
            for dy in 0..side {
                for dx in 0..side {
                    let row = (y + dy).checked_sub(padding).and_then(|row| map.get(row));
                    let cell = (x + dx).checked_sub(padding).and_then(|column| row?.get(column));
                    let weight = weights.weight[((to * from + channel) * side + dy) * side + dx];
                    sum += cell.unwrap_or(&0.0) * f64::from(weight);
                }
            }
        }
        sum
    };
    let row = |to, y| (0..width).map(|x| one(to, y, x)).collect();
    let map = |to| (0..height).map(|y| row(to, y)).collect();
    (0..weights.bias.len()).map(map).collect()
}

fn relu(mut maps: Maps) -> Maps {
    maps.iter_mut().flatten().flatten().for_each(|x| *x = x.max(0.0));
    maps
}

fn normalize(mut maps: Maps, norm: Option<&NormWeights>) -> Maps {
    let Some(norm) = norm else { return maps };
    for (channel, map) in maps.iter_mut().enumerate() {
        let [gamma, beta, mean, variance] =
            [&norm.gamma, &norm.beta, &norm.mean, &norm.variance].map(|list| f64::from(list[channel]));
        let deviation = (variance + norm.epsilon).sqrt();
        map.iter_mut().flatten().for_each(|x| *x = (*x - mean) / deviation * gamma + beta);
    }
    maps
}

fn halve(maps: &Maps) -> Maps {
    let pair = |upper: &Vec<f64>, lower: &Vec<f64>| {
        let both = upper.chunks(2).zip(lower.chunks(2));
        both.map(|(a, b)| a[0].max(a[1]).max(b[0]).max(b[1])).collect::<Vec<_>>()
    };
    maps.iter().map(|map| map.chunks(2).map(|rows| pair(&rows[0], &rows[1])).collect()).collect()
}

fn double(maps: &Maps) -> Maps {
    let row = |row: &Vec<f64>| row.iter().flat_map(|x| [*x, *x]).collect::<Vec<_>>();
    maps.iter().map(|map| map.iter().flat_map(|r| [row(r), row(r)]).collect()).collect()
}

/// The logits, and nothing of the engine.
pub(crate) fn plain_logits(sizes: &ArCnnSizes, weights: &ArCnnWeights, roll: &[bool]) -> Vec<f64> {
    let row = |row: &[bool]| row.iter().map(|&is_on| f64::from(u8::from(is_on))).collect::<Vec<_>>();
    let mut x: Maps = vec![roll.chunks(sizes.pitches).map(row).collect()];
    let mut skips = Vec::new();
    for level in &weights.encoder {
        let activation = relu(convolve(&relu(convolve(&x, &level.conv1)), &level.conv2));
        x = normalize(halve(&activation), level.norm.as_ref());
        skips.push(activation);
    }
    for conv in &weights.bottleneck {
        x = relu(convolve(&x, conv));
    }
    for level in &weights.decoder {
        let joined = double(&x).into_iter().chain(skips.pop().unwrap()).collect();
        let joined = normalize(joined, level.norm.as_ref());
        x = relu(convolve(&relu(convolve(&joined, &level.conv1)), &level.conv2));
    }
    convolve(&x, &weights.head).into_iter().flatten().flatten().collect()
}
