//! The hand-written gradient against central differences of a network written plainly, in double precision.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::tests::{config, network_of, rolls, values};
use super::{Fused, Rolls};
use crate::training::gradients;

type Numbers = BTreeMap<String, Vec<f64>>;

/// Channels of `[height, width]`.
type Picture = Vec<Vec<Vec<f64>>>;

fn conv(x: &Picture, numbers: &Numbers, path: &str) -> Picture {
    let (weight, bias) = (&numbers[&format!("{path}.weight")], &numbers[&format!("{path}.bias")]);
    let (height, width) = (x[0].len() as i32, x[0][0].len() as i32);
    let reach = if weight.len() == bias.len() * x.len() { 0 } else { 1 };
    let side = 2 * reach + 1;
    let at = |c: usize, y: i32, z: i32| {
        let inside = (0..height).contains(&y) && (0..width).contains(&z);
        if inside { x[c][y as usize][z as usize] } else { 0.0 }
    };
    let value = |o: usize, y: i32, z: i32| {
        let mut sum = bias[o];
        for c in 0..x.len() {
            for (dy, dz) in (0..side).flat_map(|dy| (0..side).map(move |dz| (dy, dz))) {
                let tap = ((o * x.len() + c) as i32 * side + dy) * side + dz;
                sum += weight[tap as usize] * at(c, y + dy - reach, z + dz - reach);
            }
        }
        sum
    };
    let row = |o, y| (0..width).map(|z| value(o, y, z)).collect();
    (0..bias.len()).map(|o| (0..height).map(|y| row(o, y)).collect()).collect()
}

fn relu(mut x: Picture) -> Picture {
    x.iter_mut().flatten().flatten().for_each(|x| *x = x.max(0.0));
    x
}

fn two(x: &Picture, numbers: &Numbers, path: &str) -> Picture {
    relu(conv(&relu(conv(x, numbers, &format!("{path}.conv1"))), numbers, &format!("{path}.conv2")))
}

fn sized(
    x: &Picture,
    size: impl Fn(usize) -> usize,
    value: impl Fn(&[Vec<f64>], usize, usize) -> f64,
) -> Picture {
    let (height, width) = (size(x[0].len()), size(x[0][0].len()));
    let channel =
        |c: &Vec<Vec<f64>>| (0..height).map(|y| (0..width).map(|z| value(c, y, z)).collect()).collect();
    x.iter().map(channel).collect()
}

fn normalise(batch: &mut [Picture], numbers: &Numbers, path: &str) {
    let Some(gamma) = numbers.get(&format!("{path}.gamma")) else { return };
    let beta = &numbers[&format!("{path}.beta")];
    for c in 0..gamma.len() {
        let all: Vec<f64> = batch.iter().flat_map(|x| x[c].concat()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        for x in batch.iter_mut().flat_map(|x| x[c].iter_mut().flatten()) {
            *x = (*x - mean) / (variance + 1e-5).sqrt() * gamma[c] + beta[c];
        }
    }
}

/// Sum of the loss over the samples of a batch, without dropout.
fn loss(numbers: &Numbers, rolls: &Rolls, levels: usize) -> f64 {
    let [_, steps, pitches] = rolls.shape;
    let picture = |cells: &[f32]| -> Picture {
        vec![cells.chunks(pitches).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect()]
    };
    let mut batch: Vec<Picture> = rolls.input.chunks(steps * pitches).map(picture).collect();
    let mut skips = Vec::new();
    for level in 0..levels {
        let deep: Vec<Picture> =
            batch.iter().map(|x| two(x, numbers, &format!("encoder.{level}.convs"))).collect();
        let largest = |x: &[Vec<f64>], y: usize, z: usize| {
            [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(a, b)| x[2 * y + a][2 * z + b])
                .into_iter()
                .fold(0.0, f64::max)
        };
        batch = deep.iter().map(|x| sized(x, |n| n / 2, largest)).collect();
        normalise(&mut batch, numbers, &format!("encoder.{level}.norm"));
        skips.push(deep);
    }
    batch = batch.iter().map(|x| two(x, numbers, "bottleneck")).collect();
    for index in 0..levels {
        let join =
            |(x, skip): (&Picture, Picture)| [sized(x, |n| 2 * n, |x, y, z| x[y / 2][z / 2]), skip].concat();
        batch = batch.iter().zip(skips.pop().unwrap()).map(join).collect();
        normalise(&mut batch, numbers, &format!("decoder.{index}.norm"));
        batch = batch.iter().map(|x| two(x, numbers, &format!("decoder.{index}.convs"))).collect();
    }
    let differences = rolls.difference.chunks(steps * pitches);
    let samples = batch.iter().zip(differences).map(|(x, difference)| {
        let logits = conv(x, numbers, "head")[0].concat();
        let count = f64::from(difference.iter().sum::<f32>());
        let total = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
        let chosen: f64 = logits.iter().zip(difference).map(|(x, d)| (x - total) * f64::from(*d)).sum();
        if count > 0.0 { -chosen / count - count.ln() } else { 0.0 }
    });
    samples.sum()
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let (levels, device) = (2, Device::default().autodiff());
    let network = network_of(&config(levels, 3, 0.0), 21, 2.0, &device);
    let rolls = rolls([3, 16, 8], 4);
    let mut numbers: Numbers = values(&network)
        .into_iter()
        .map(|(path, list)| (path, list.into_iter().map(f64::from).collect()))
        .collect();
    let outcome =
        Fused::new(1).with(&network, |step| step.run(0, &rolls, 1.0, &mut ChaCha8Rng::seed_from_u64(0)));
    let exact = loss(&numbers, &rolls, levels);
    assert!((outcome.loss - exact).abs() < 1e-5 * exact, "{} {exact}", outcome.loss);
    let gradient = gradients::by_path(&outcome.gradient.into_params(&network), &network);
    let mut largest = 0f64;
    for (path, gradient) in gradient {
        // Some of every parameter.
        for at in (0..gradient.len()).step_by(gradient.len() / 12 + 1) {
            let mut shifted = |shift: f64| {
                numbers.get_mut(&path).unwrap()[at] += shift;
                let loss = loss(&numbers, &rolls, levels);
                numbers.get_mut(&path).unwrap()[at] -= shift;
                loss
            };
            let slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            largest = largest.max(slope.abs());
            let error = (f64::from(gradient[at]) - slope).abs();
            assert!(error <= 1e-4 * slope.abs().max(0.02), "{path}[{at}]: {} {slope}", gradient[at]);
        }
    }
    assert!(largest > 0.02, "nothing to compare: {largest}");
}
