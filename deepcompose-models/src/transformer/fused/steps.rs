//! Steps between the matrix products, and their gradients, each in one pass over memory.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::transformer::rows::{EPSILON, add, dot, exp_shifted, max, sum};

/// `target *= source`.
pub(super) fn multiply(target: &mut [f32], source: &[f32]) {
    for (target, source) in target.iter_mut().zip(source) {
        *target *= source;
    }
}

/// What the gradient of a layer normalisation needs of its forward pass.
#[derive(Debug)]
pub(super) struct Normed {
    /// Rows less their mean, over their deviation.
    pub(super) unit: Vec<f32>,
    /// One over the deviation of each row.
    pub(super) scale: Vec<f32>,
}

/// Layer normalisation of rows of `gamma.len()`; returns the result too.
pub(super) fn norm(x: &[f32], gamma: &[f32], beta: &[f32]) -> (Vec<f32>, Normed) {
    let width = gamma.len();
    let mut out = vec![0.0; x.len()];
    let mut unit = vec![0.0; x.len()];
    let mut scales = Vec::with_capacity(x.len() / width);
    let rows = x.chunks_exact(width).zip(unit.chunks_exact_mut(width)).zip(out.chunks_exact_mut(width));
    for ((x, unit), out) in rows {
        let mean = sum(x) / width as f32;
        for (unit, x) in unit.iter_mut().zip(x) {
            *unit = x - mean;
        }
        let scale = (dot(unit, unit) / width as f32 + EPSILON).sqrt().recip();
        for (((unit, out), gamma), beta) in unit.iter_mut().zip(out).zip(gamma).zip(beta) {
            *unit *= scale;
            *out = *unit * gamma + beta;
        }
        scales.push(scale);
    }
    (out, Normed { unit, scale: scales })
}

impl Normed {
    /// Turns the gradient of the result, in `gradient`, into that of the input, and adds to those of
    /// `gamma` and `beta`.
    pub(super) fn backward(
        &self,
        gradient: &mut [f32],
        gamma: &[f32],
        d_gamma: &mut [f32],
        d_beta: &mut [f32],
    ) {
        let width = gamma.len();
        let rows = gradient.chunks_exact_mut(width).zip(self.unit.chunks_exact(width)).zip(&self.scale);
        for ((gradient, unit), scale) in rows {
            for k in 0..width {
                d_gamma[k] += gradient[k] * unit[k];
                d_beta[k] += gradient[k];
                gradient[k] *= gamma[k];
            }
            let mean = sum(gradient) / width as f32;
            let along = dot(gradient, unit) / width as f32;
            for (gradient, unit) in gradient.iter_mut().zip(unit) {
                *gradient = (*gradient - mean - unit * along) * scale;
            }
        }
    }
}

/// Adds a bias to every row.
pub(super) fn add_bias(rows: &mut [f32], bias: &[f32]) {
    rows.chunks_exact_mut(bias.len()).for_each(|row| add(row, bias));
}

/// Adds every row to `total`.
pub(super) fn add_rows(total: &mut [f32], rows: &[f32]) {
    rows.chunks_exact(total.len()).for_each(|row| add(total, row));
}

/// Factors that drop values with probability `rate` and scale the others up to keep the mean.
pub(super) fn dropout(count: usize, rate: f64, rng: &mut ChaCha8Rng) -> Option<Vec<f32>> {
    if rate == 0.0 {
        return None;
    }
    // A byte pair a value: the probability is met to 1 / 65 536.
    let threshold = (rate * 65_536.0).round() as u16;
    let keep = (1.0 - rate).recip() as f32;
    let mut bytes = vec![0u8; 2 * count];
    rng.fill_bytes(&mut bytes);
    let pairs = bytes.as_chunks::<2>().0;
    Some(pairs.iter().map(|pair| if u16::from_le_bytes(*pair) < threshold { 0.0 } else { keep }).collect())
}

/// Adds the bias, cuts negative values and drops some.
pub(super) fn biased_relu(rows: &mut [f32], bias: &[f32], mask: Option<&[f32]>) {
    for row in rows.chunks_exact_mut(bias.len()) {
        for (value, bias) in row.iter_mut().zip(bias) {
            let sum = *value + bias;
            *value = if sum > 0.0 { sum } else { 0.0 };
        }
    }
    if let Some(mask) = mask {
        multiply(rows, mask);
    }
}

/// The gradient of [`biased_relu`]: `factor` where its result is above zero, else zero.
pub(super) fn relu_backward(gradient: &mut [f32], result: &[f32], factor: f32) {
    for (gradient, result) in gradient.iter_mut().zip(result) {
        *gradient *= if *result > 0.0 { factor } else { 0.0 };
    }
}

/// Turns rows of logits into the gradient of the cross-entropy times `factor`, and returns the sum over
/// the rows that count of minus the logarithm of the target's probability. Rows whose target is `None` do
/// not count and get no gradient.
pub(super) fn cross_entropy(
    logits: &mut [f32],
    vocabulary: usize,
    targets: &[Option<u32>],
    factor: f32,
) -> f64 {
    let mut loss = 0.0;
    for (row, target) in logits.chunks_exact_mut(vocabulary).zip(targets) {
        let Some(target) = target else {
            row.fill(0.0);
            continue;
        };
        let most = max(row);
        let chosen = row[*target as usize] - most;
        exp_shifted(row, most);
        let total = sum(row);
        loss += f64::from(total.ln() - chosen);
        let scale = factor / total;
        row.iter_mut().for_each(|value| *value *= scale);
        row[*target as usize] -= factor;
    }
    loss
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn dropout_keeps_the_mean() {
        let mask = dropout(100_000, 0.3, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
        let dropped = mask.iter().filter(|factor| **factor == 0.0).count() as f64;
        // Five standard deviations of a binomial.
        assert!((dropped - 30_000.0).abs() < 5.0 * (100_000.0f64 * 0.3 * 0.7).sqrt());
        assert!(mask.iter().all(|factor| *factor == 0.0 || (*factor - 1.0 / 0.7).abs() < 1e-6));
        assert!(dropout(10, 0.0, &mut ChaCha8Rng::seed_from_u64(1)).is_none());
    }
}
