//! Layer normalisation of rows.

use pulp::{Simd, WithSimd};

use super::Instructions;
use super::product_strip::QUARTER;
use super::product_tile::in_halves;

/// The small number under the square root, as in burn and PyTorch.
const EPSILON: f32 = 1e-5;

/// Normalises a row to mean 0 and variance 1, then scales by `gamma` and adds `beta`; all of one length.
///
/// Sums run in 16 interleaved parts, which are then added in halves.
pub(crate) fn layer_norm(
    instructions: Instructions,
    row: &[f32],
    gamma: &[f32],
    beta: &[f32],
    out: &mut [f32],
) {
    instructions.run(LayerNorm { row, gamma, beta, out });
}

struct LayerNorm<'a> {
    row: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.row.len() as f32;
        let mean = sum(self.row) / width;
        let variance = squares(self.row, mean) / width;
        let scale = (variance + EPSILON).sqrt().recip();
        let parameters = self.gamma.iter().zip(self.beta);
        for ((out, value), (gamma, beta)) in self.out.iter_mut().zip(self.row).zip(parameters) {
            *out = ((value - mean) * scale).mul_add(*gamma, *beta);
        }
    }
}

/// The sum of a row.
#[inline(always)]
pub(crate) fn sum(row: &[f32]) -> f32 {
    let mut lanes = [0f32; QUARTER];
    let (chunks, rest) = row.as_chunks::<QUARTER>();
    for chunk in chunks {
        for lane in 0..QUARTER {
            lanes[lane] += chunk[lane];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    in_halves(&lanes)
}

/// The sum of the squares of the distances from `mean`.
#[inline(always)]
fn squares(row: &[f32], mean: f32) -> f32 {
    let mut lanes = [0f32; QUARTER];
    let (chunks, rest) = row.as_chunks::<QUARTER>();
    for chunk in chunks {
        for lane in 0..QUARTER {
            let distance = chunk[lane] - mean;
            lanes[lane] = distance.mul_add(distance, lanes[lane]);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        let distance = value - mean;
        *lane = distance.mul_add(distance, *lane);
    }
    in_halves(&lanes)
}
