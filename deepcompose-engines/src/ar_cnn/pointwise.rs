//! What is done pixel by pixel: batch norms, pooling, the head.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::layers::{Affine, Head};
use crate::kernels::{Instructions, Rect};

/// Channels of a block; all maps have whole ones.
const BLOCK: usize = 16;

/// Applies a factor and an offset a channel to a rectangle of a map.
pub(super) struct Normalize<'a> {
    pub(super) from: &'a [f32],
    pub(super) affine: &'a Affine,
    pub(super) rect: Rect,
    pub(super) width: usize,
    pub(super) to: &'a mut [f32],
}

impl WithSimd for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Affine { scale, shift } = self.affine;
        let channels = scale.len();
        for (row, column) in self.rect.pixels() {
            let pixel = (row * self.width + column) * channels..(row * self.width + column + 1) * channels;
            let numbers = self.to[pixel.clone()].iter_mut().zip(&self.from[pixel]);
            for ((to, from), (scale, shift)) in numbers.zip(scale.iter().zip(shift)) {
                *to = from.mul_add(*scale, *shift);
            }
        }
    }
}

/// 2×2 max pooling and what follows it, for a rectangle of the result.
pub(super) struct Pool<'a> {
    pub(super) from: &'a [f32],
    pub(super) affine: Option<&'a Affine>,
    pub(super) rect: Rect,
    /// Of the result.
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) to: &'a mut [f32],
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let channels = self.channels;
        for (row, column) in self.rect.pixels() {
            let start = (2 * row * 2 * self.width + 2 * column) * channels;
            let (upper, lower) = (&self.from[start..], &self.from[start + 2 * self.width * channels..]);
            let to = &mut self.to[(row * self.width + column) * channels..][..channels];
            let sides = [&upper[..channels], &upper[channels..2 * channels]];
            let below = [&lower[..channels], &lower[channels..2 * channels]];
            for (index, to) in to.iter_mut().enumerate() {
                *to = larger(
                    larger(sides[0][index], sides[1][index]),
                    larger(below[0][index], below[1][index]),
                );
            }
            if let Some(Affine { scale, shift }) = self.affine {
                for ((to, scale), shift) in to.iter_mut().zip(scale).zip(shift) {
                    *to = to.mul_add(*scale, *shift);
                }
            }
        }
    }
}

/// The larger; which of two zeros is told, unlike by `max`.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

impl Head {
    /// A logit a pixel.
    pub(super) fn run(&self, instructions: Instructions, from: &[f32], to: &mut [f32]) {
        let at_once = to.len().div_ceil(rayon::current_num_threads());
        to.par_chunks_mut(at_once).zip(from.par_chunks(at_once * self.weight.len())).for_each(
            |(to, from)| {
                instructions.run(Logits { head: self, from, to });
            },
        );
    }
}

struct Logits<'a> {
    head: &'a Head,
    from: &'a [f32],
    to: &'a mut [f32],
}

impl WithSimd for Logits<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let (weights, _) = self.head.weight.as_chunks::<BLOCK>();
        for (to, pixel) in self.to.iter_mut().zip(self.from.chunks_exact(self.head.weight.len())) {
            // As many sums as a block has channels, then those in pairs.
            let mut sums = [0.0_f32; BLOCK];
            for (numbers, weights) in pixel.as_chunks::<BLOCK>().0.iter().zip(weights) {
                for ((sum, number), weight) in sums.iter_mut().zip(numbers).zip(weights) {
                    *sum = number.mul_add(*weight, *sum);
                }
            }
            let mut half = BLOCK / 2;
            while half > 0 {
                for index in 0..half {
                    sums[index] += sums[index + half];
                }
                half /= 2;
            }
            *to = sums[0] + self.head.bias;
        }
    }
}
