//! Sums of outer products: the gradient of the matrices of [`multiply`](super::multiply).

use pulp::{Simd, WithSimd};

use super::Instructions;
use super::gemm::{load, store};

/// Rows of a pair of lists that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Where the left row begins, before a term's start is added.
    pub left: usize,
    /// Where the right row begins, before a term's start is added.
    pub right: usize,
}

/// A term of a sum of outer products: what is added to both places of every [`Pair`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Added to the left row's place.
    pub left: usize,
    /// Added to the right row's place.
    pub right: usize,
}

/// Rows of pairs that are read before the next tile of the result is taken up: they stay in the first cache.
const BAND: usize = 256;

/// Adds to `out[term][k, n]`, for every term, the sum over the pairs, in order, of
/// `left[pair.left + shift.left + k] · right[pair.right + shift.right + n]`.
///
/// `out` is one `[depth, columns]` a term.
///
/// # Panics
///
/// Where a row reaches behind the end of a list.
pub fn outer_products(
    instructions: Instructions,
    left: &[f32],
    right: &[f32],
    shifts: &[Shift],
    pairs: &[Pair],
    (depth, columns): (usize, usize),
    out: &mut [f32],
) {
    debug_assert_eq!(out.len(), shifts.len() * depth * columns);
    instructions.run(OuterProducts { left, right, shifts, pairs, depth, columns, out });
}

struct OuterProducts<'a> {
    left: &'a [f32],
    right: &'a [f32],
    shifts: &'a [Shift],
    pairs: &'a [Pair],
    depth: usize,
    columns: usize,
    out: &'a mut [f32],
}

impl WithSimd for OuterProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let all = self.pairs;
        for pairs in all.chunks(BAND) {
            self.pairs = pairs;
            for term in 0..self.shifts.len() {
                let mut from = 0;
                while from < self.columns {
                    let padded = (self.columns - from).next_multiple_of(16);
                    // Rows and vectors of a tile by what the registers hold.
                    from += match (S::F32_LANES, padded) {
                        (16, 48..) => self.columns_of::<S, 8, 3>(simd, term, from),
                        (16, 32) => self.columns_of::<S, 8, 2>(simd, term, from),
                        (16, _) => self.columns_of::<S, 16, 1>(simd, term, from),
                        (8, 32..) => self.columns_of::<S, 2, 4>(simd, term, from),
                        (8, _) => self.columns_of::<S, 4, 2>(simd, term, from),
                        (4, _) => self.columns_of::<S, 4, 4>(simd, term, from),
                        _ => self.columns_of::<S, 2, 4>(simd, term, from),
                    };
                }
            }
        }
    }
}

impl OuterProducts<'_> {
    /// All rows of one term, for some columns; returns how many.
    #[inline(always)]
    fn columns_of<S: Simd, const K: usize, const W: usize>(
        &mut self,
        simd: S,
        term: usize,
        from: usize,
    ) -> usize {
        let width = (W * S::F32_LANES).min(self.columns - from);
        let mut k = 0;
        while k + K <= self.depth {
            self.tile::<S, K, W>(simd, (term, k, from), width);
            k += K;
        }
        while k < self.depth {
            self.tile::<S, 1, W>(simd, (term, k, from), width);
            k += 1;
        }
        width
    }

    #[inline(always)]
    fn tile<S: Simd, const K: usize, const W: usize>(
        &mut self,
        simd: S,
        (term, k, from): (usize, usize, usize),
        width: usize,
    ) {
        let place = |row: usize| (term * self.depth + k + row) * self.columns + from;
        let mut sums = [[simd.splat_f32s(0.0); W]; K];
        for (row, sums) in sums.iter_mut().enumerate() {
            *sums = load::<S, W>(simd, &self.out[place(row)..][..width]);
        }
        let shift = self.shifts[term];
        let (left, right) = (shift.left + k, shift.right + from);
        if width == W * S::F32_LANES {
            for pair in self.pairs {
                let (vectors, _) = S::as_simd_f32s(&self.right[pair.right + right..][..width]);
                let mut b = [simd.splat_f32s(0.0); W];
                b.copy_from_slice(&vectors[..W]);
                add_outer(simd, &mut sums, &self.left[pair.left + left..], b);
            }
        } else {
            for pair in self.pairs {
                let b = load::<S, W>(simd, &self.right[pair.right + right..][..width]);
                add_outer(simd, &mut sums, &self.left[pair.left + left..], b);
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            store::<S, W>(simd, &mut self.out[place(row)..][..width], sums);
        }
    }
}

#[inline(always)]
fn add_outer<S: Simd, const K: usize, const W: usize>(
    simd: S,
    sums: &mut [[S::f32s; W]; K],
    left: &[f32],
    b: [S::f32s; W],
) {
    let left = &left[..K];
    for row in 0..K {
        let x = simd.splat_f32s(left[row]);
        for w in 0..W {
            sums[row][w] = simd.mul_add_f32s(x, b[w], sums[row][w]);
        }
    }
}

#[cfg(test)]
#[path = "gradients_tests.rs"]
mod tests;
