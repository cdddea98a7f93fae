//! The innermost loop: a tile of sums, some rows by one or two vectors of channels, kept in registers.
//!
//! Weights lie in panels of [`BLOCK`] output channels: for every term of the sum (a tap of a convolution, say), for
//! every channel that goes in, [`BLOCK`] numbers. The width of the block is the same whatever the instructions, so
//! that weights are packed the same way on every machine.

use pulp::{Simd, WithSimd};

/// Output channels of a panel.
pub(crate) const BLOCK: usize = 16;

/// Channels that the inner loop takes at a time.
const DEPTH: usize = 4;

/// The most rows of a tile, with any instructions.
pub(crate) const MOST_ROWS: usize = 8;

/// How many of `left` rows the next tile takes.
///
/// Rows by two vectors hide the latency of the multiplications; more rows than these would take more pointers than
/// there are registers (12 rows with AVX-512 measured a quarter slower).
#[inline(always)]
pub(crate) fn rows_of_tile<S: Simd>(left: usize) -> usize {
    match left {
        8.. if has_many_registers::<S>() => 8,
        6.. => 6,
        4.. => 4,
        2.. => 2,
        _ => left,
    }
}

/// 32 with AVX-512 and NEON, 16 else.
#[inline(always)]
const fn has_many_registers<S: Simd>() -> bool {
    S::F32_LANES == 16 || cfg!(target_arch = "aarch64")
}

/// What a tile is the product of: terms, each a matrix of rows by channels, times a panel of weights.
pub(crate) trait Terms {
    /// The weights' kind.
    type Weights: Weights;

    /// How many terms.
    fn count(&self) -> usize;

    /// The channels of row `row` of the tile in term `term`: as many as the panels are deep.
    fn row(&self, term: usize, row: usize) -> &[f32];

    /// The weights, the term's number in them, and that of the first block.
    fn weights(&self, term: usize) -> (&Self::Weights, usize, usize);
}

/// Packed weights.
pub(crate) trait Weights {
    /// Whether a vector of one block comes with that of the next, and with no other of its own.
    const ARE_PAIRED: bool;

    /// The weights of some vectors of output channels in one term.
    fn lines<S: Simd, const VECTORS: usize>(
        &self,
        term: usize,
        places: [Place; VECTORS],
    ) -> impl Lines<S, VECTORS>;
}

/// Where a vector of output channels is: in which block, and where in it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) block: usize,
    pub(crate) within: usize,
}

/// The weights of some vectors of output channels, a line a channel that goes in.
pub(crate) trait Lines<S: Simd, const VECTORS: usize>: Copy {
    /// How many lines.
    fn depth(self) -> usize;

    /// Some of them.
    fn part(self, from: usize, count: usize) -> Self;

    /// One of them.
    fn line(self, simd: S, index: usize) -> [S::f32s; VECTORS];
}

/// Where the sums of a tile are.
#[derive(Debug)]
pub(crate) struct Sums<'a> {
    pub(crate) data: &'a mut [f32],
    /// Where the first block of each row starts; as many as the tile has rows.
    pub(crate) rows: &'a [usize],
    /// From a block to the next.
    pub(crate) block_stride: usize,
    /// Start from zero, whatever is there.
    pub(crate) fresh: bool,
}

/// Adds the terms onto the sums of two blocks, or of one.
#[inline(always)]
pub(crate) fn accumulate<S: Simd, T: Terms>(simd: S, terms: &T, sums: &mut Sums<'_>, blocks: usize) {
    let lanes = S::F32_LANES;
    if blocks == 2 {
        for within in (0..BLOCK).step_by(lanes) {
            pick_rows::<S, T, 2>(simd, terms, sums, [Place { block: 0, within }, Place { block: 1, within }]);
        }
    } else if const { S::F32_LANES < BLOCK && !T::Weights::ARE_PAIRED } {
        for within in (0..BLOCK).step_by(2 * lanes) {
            let next = Place { block: 0, within: within + lanes };
            pick_rows::<S, T, 2>(simd, terms, sums, [Place { block: 0, within }, next]);
        }
    } else {
        for within in (0..BLOCK).step_by(lanes) {
            pick_rows::<S, T, 1>(simd, terms, sums, [Place { block: 0, within }]);
        }
    }
}

#[inline(always)]
fn pick_rows<S: Simd, T: Terms, const VECTORS: usize>(
    simd: S,
    terms: &T,
    sums: &mut Sums<'_>,
    places: [Place; VECTORS],
) {
    match sums.rows.len() {
        8 if const { has_many_registers::<S>() } => {
            simd.vectorize(Tile::<T, 8, VECTORS> { terms, sums, places })
        }
        6 => simd.vectorize(Tile::<T, 6, VECTORS> { terms, sums, places }),
        4 => simd.vectorize(Tile::<T, 4, VECTORS> { terms, sums, places }),
        2 => simd.vectorize(Tile::<T, 2, VECTORS> { terms, sums, places }),
        1 => simd.vectorize(Tile::<T, 1, VECTORS> { terms, sums, places }),
        _ => debug_assert!(false, "rows_of_tile says how many rows a tile has"),
    }
}

/// The sums of `ROWS` rows and `VECTORS` vectors of channels. Not inlined, so that it is
/// compiled once.
struct Tile<'a, 'b, T, const ROWS: usize, const VECTORS: usize> {
    terms: &'a T,
    sums: &'a mut Sums<'b>,
    places: [Place; VECTORS],
}

impl<T: Terms, const ROWS: usize, const VECTORS: usize> WithSimd for Tile<'_, '_, T, ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        tile::<S, T, ROWS, VECTORS>(simd, self.terms, self.sums, self.places);
    }
}

#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "rows and vectors index several arrays, which stay in registers"
)]
fn tile<S: Simd, T: Terms, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    terms: &T,
    sums: &mut Sums<'_>,
    places: [Place; VECTORS],
) {
    let start = |sums: &Sums<'_>, m: usize, Place { block, within }: Place| {
        sums.rows[m] + block * sums.block_stride + within
    };
    let mut acc = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    if !sums.fresh {
        for m in 0..ROWS {
            for v in 0..VECTORS {
                let start = start(sums, m, places[v]);
                acc[m][v] = S::as_simd_f32s(&sums.data[start..start + S::F32_LANES]).0[0];
            }
        }
    }
    for term in 0..terms.count() {
        let (weights, index, first) = terms.weights(term);
        let mut blocks = places;
        for place in &mut blocks {
            place.block += first;
        }
        let lines = weights.lines::<S, VECTORS>(index, blocks);
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        for (m, row) in rows.iter_mut().enumerate() {
            *row = terms.row(term, m);
        }
        // Some channels at a time as arrays: the inner loop has no bounds to check, and keeps the sums in registers.
        let depth = lines.depth();
        for chunk in 0..depth / DEPTH {
            acc = steps::<S, _, DEPTH, ROWS, VECTORS>(simd, rows, lines, chunk * DEPTH, acc);
        }
        for k in depth / DEPTH * DEPTH..depth {
            acc = steps::<S, _, 1, ROWS, VECTORS>(simd, rows, lines, k, acc);
        }
    }
    for m in 0..ROWS {
        for v in 0..VECTORS {
            let start = start(sums, m, places[v]);
            S::as_mut_simd_f32s(&mut sums.data[start..start + S::F32_LANES]).0[0] = acc[m][v];
        }
    }
}

/// Adds the products of `COUNT` channels from `from` on.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "rows and vectors index several arrays, which stay in registers"
)]
fn steps<S: Simd, L: Lines<S, VECTORS>, const COUNT: usize, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    rows: [&[f32]; ROWS],
    lines: L,
    from: usize,
    mut acc: [[S::f32s; VECTORS]; ROWS],
) -> [[S::f32s; VECTORS]; ROWS] {
    let mut inputs = [&[0.0; COUNT]; ROWS];
    for m in 0..ROWS {
        match rows[m][from..].first_chunk() {
            Some(chunk) => inputs[m] = chunk,
            None => return acc,
        }
    }
    let lines = lines.part(from, COUNT);
    for k in 0..COUNT {
        let weights = lines.line(simd, k);
        for m in 0..ROWS {
            let input = simd.splat_f32s(inputs[m][k]);
            for v in 0..VECTORS {
                acc[m][v] = simd.mul_add_f32s(input, weights[v], acc[m][v]);
            }
        }
    }
    acc
}
