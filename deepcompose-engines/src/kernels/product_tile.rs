//! The inner loops of products: a few rows times 64 columns, and weighted sums along strips.
//!
//! In [`tile`] every number of the result is one chain of fused multiply-adds over the inputs, in order,
//! begun with what takes a format's offset away. In [`along`] it is 64 such chains, one a column of a strip, added in halves.

use std::ops::Range;

use pulp::Simd;

use super::product_packed::{BLOCK, Block, BlockNumbers};
use super::product_strip::{QUARTER, STRIP, Strip, StripF32};

/// Products of a block of rows with a panel, which has a strip of 64 outputs for each input.
///
/// `out[r][c]` becomes the sum over inputs `i` of `rows[i][r] * panel[i][c]`. Numbers behind the block's room are
/// left as they are.
#[inline(always)]
pub(crate) fn tile<S: Simd, T: Strip>(
    simd: S,
    panel: &[T],
    block: Block<'_>,
    out: &mut [[f32; STRIP]; BLOCK],
) {
    let mut initial = [0f32; BLOCK];
    if T::OFFSET != 0.0 {
        for (initial, sum) in initial.iter_mut().zip(block.sums) {
            *initial = -T::OFFSET * sum;
        }
    }
    match block.numbers {
        BlockNumbers::One(rows) => choose::<S, T, 1>(simd, panel, rows, &initial, out),
        BlockNumbers::Two(rows) => choose::<S, T, 2>(simd, panel, rows, &initial, out),
        BlockNumbers::Four(rows) => choose::<S, T, 4>(simd, panel, rows, &initial, out),
        BlockNumbers::Six(rows) => choose::<S, T, 6>(simd, panel, rows, &initial, out),
    }
}

/// As many sums at a time as the registers hold, and enough of them to hide how long a multiply-add takes.
#[inline(always)]
fn choose<S: Simd, T: Strip, const ROOM: usize>(
    simd: S,
    panel: &[T],
    rows: &[[f32; ROOM]],
    initial: &[f32; BLOCK],
    out: &mut [[f32; STRIP]; BLOCK],
) {
    match (S::F32_LANES, ROOM) {
        (16, _) => sweep::<S, T, ROOM, ROOM, 1>(simd, panel, rows, initial, out),
        (8, 1) => sweep::<S, T, ROOM, ROOM, 2>(simd, panel, rows, initial, out),
        (8, _) => sweep::<S, T, ROOM, 2, 1>(simd, panel, rows, initial, out),
        (4, 1) => sweep::<S, T, ROOM, ROOM, 4>(simd, panel, rows, initial, out),
        _ => sweep::<S, T, ROOM, ROOM, 1>(simd, panel, rows, initial, out),
    }
}

/// `ROWS` rows and `VECTORS` vectors of each quarter at a time.
#[inline(always)]
fn sweep<S: Simd, T: Strip, const ROOM: usize, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    panel: &[T],
    rows: &[[f32; ROOM]],
    initial: &[f32; BLOCK],
    out: &mut [[f32; STRIP]; BLOCK],
) {
    let quarter = QUARTER / S::F32_LANES;
    for first in (0..ROOM).step_by(ROWS) {
        for at in (0..quarter).step_by(VECTORS) {
            let mut sums = [[[simd.splat_f32s(0.0); 4]; VECTORS]; ROWS];
            for row in 0..ROWS {
                sums[row] = [[simd.splat_f32s(initial[first + row]); 4]; VECTORS];
            }
            for (strip, numbers) in panel.iter().zip(rows) {
                for (vector, at) in (at..at + VECTORS).enumerate() {
                    let weights = strip.load(simd, at);
                    for row in 0..ROWS {
                        let number = simd.splat_f32s(numbers[first + row]);
                        for part in 0..4 {
                            let sum = &mut sums[row][vector][part];
                            *sum = simd.mul_add_f32s(number, weights[part], *sum);
                        }
                    }
                }
            }
            for row in 0..ROWS {
                let (vectors, _) = S::as_mut_simd_f32s(&mut out[first + row]);
                for vector in 0..VECTORS {
                    for part in 0..4 {
                        vectors[at + vector + part * quarter] = sums[row][vector][part];
                    }
                }
            }
        }
    }
}

/// Weighted sums along strips: `out[r][d]` becomes the sum over panels `p` and columns `c` of
/// `weights[r][p][c] * panels[p * depth + d][c]`, for `d < depth`.
///
/// All rows must have the same number of strips; `out` has `depth` numbers a row.
#[inline(always)]
pub(crate) fn along<S: Simd, T: Strip>(
    simd: S,
    panels: &[T],
    depth: usize,
    weights: &[&[StripF32]],
    out: &mut [f32],
) {
    const { assert!(T::OFFSET == 0.0, "offsets are not taken away here") };
    match *weights {
        [a, b, c, d, e, f] if S::F32_LANES == 16 => {
            deep::<S, T, 6, 1>(simd, panels, depth, 0..depth, [a, b, c, d, e, f], out);
        }
        _ => {
            for (row, out) in weights.iter().zip(out.chunks_exact_mut(depth)) {
                let whole = depth - depth % 4;
                deep::<S, T, 1, 4>(simd, panels, depth, 0..whole, [row], out);
                deep::<S, T, 1, 1>(simd, panels, depth, whole..depth, [row], out);
            }
        }
    }
}

#[inline(always)]
fn deep<S: Simd, T: Strip, const ROWS: usize, const DEEP: usize>(
    simd: S,
    panels: &[T],
    depth: usize,
    range: Range<usize>,
    weights: [&[StripF32]; ROWS],
    out: &mut [f32],
) {
    for at in range.step_by(DEEP) {
        let sums = weighted::<S, T, ROWS, DEEP>(simd, &panels[at..], depth, weights);
        for (row, sums) in sums.iter().enumerate() {
            out[row * depth + at..][..DEEP].copy_from_slice(sums);
        }
    }
}

#[inline(always)]
fn weighted<S: Simd, T: Strip, const ROWS: usize, const DEEP: usize>(
    simd: S,
    panels: &[T],
    depth: usize,
    weights: [&[StripF32]; ROWS],
) -> [[f32; DEEP]; ROWS] {
    let mut lanes = [[[0f32; QUARTER]; DEEP]; ROWS];
    for at in 0..QUARTER / S::F32_LANES {
        let mut sums = [[[simd.splat_f32s(0.0); 4]; DEEP]; ROWS];
        let strips = panels.chunks(depth);
        for (panel, strips) in strips.enumerate().take(weights[0].len()) {
            let strips = &strips[..DEEP];
            let mut values = [[simd.splat_f32s(0.0); 4]; DEEP];
            for deep in 0..DEEP {
                values[deep] = strips[deep].load(simd, at);
            }
            for row in 0..ROWS {
                let weights = weights[row][panel].load(simd, at);
                for deep in 0..DEEP {
                    for part in 0..4 {
                        let sum = &mut sums[row][deep][part];
                        *sum = simd.mul_add_f32s(weights[part], values[deep][part], *sum);
                    }
                }
            }
        }
        for row in 0..ROWS {
            for deep in 0..DEEP {
                let [a, b, c, d] = sums[row][deep];
                let (vectors, _) = S::as_mut_simd_f32s(&mut lanes[row][deep]);
                vectors[at] = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
            }
        }
    }
    let mut sums = [[0f32; DEEP]; ROWS];
    for row in 0..ROWS {
        for deep in 0..DEEP {
            sums[row][deep] = in_halves(&lanes[row][deep]);
        }
    }
    sums
}

/// The sum of 16 numbers: the upper half is added to the lower until one is left.
#[inline(always)]
pub(crate) fn in_halves(lanes: &[f32; QUARTER]) -> f32 {
    let (mut eight, mut four) = ([0f32; 8], [0f32; 4]);
    for lane in 0..8 {
        eight[lane] = lanes[lane] + lanes[lane + 8];
    }
    for lane in 0..4 {
        four[lane] = eight[lane] + eight[lane + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}
