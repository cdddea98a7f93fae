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
    /// How many terms.
    fn count(&self) -> usize;

    /// The channels of row `row` of the tile in term `term`: at least as many as the panels are deep.
    fn row(&self, term: usize, row: usize) -> &[f32];

    /// The weights of block `block` in term `term`: [`BLOCK`] numbers a channel.
    fn panel(&self, term: usize, block: usize) -> &[f32];
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

/// Adds the terms onto the sums, for the blocks `first..end`.
#[inline(always)]
pub(crate) fn accumulate<S: Simd, T: Terms>(
    simd: S,
    terms: &T,
    sums: &mut Sums<'_>,
    first: usize,
    end: usize,
) {
    let per_block = BLOCK / S::F32_LANES;
    let (mut vector, last) = (first * per_block, end * per_block);
    while vector < last {
        if vector + 2 <= last {
            pick_rows::<S, T, 2>(simd, terms, sums, vector);
            vector += 2;
        } else {
            pick_rows::<S, T, 1>(simd, terms, sums, vector);
            vector += 1;
        }
    }
}

#[inline(always)]
fn pick_rows<S: Simd, T: Terms, const VECTORS: usize>(
    simd: S,
    terms: &T,
    sums: &mut Sums<'_>,
    vector: usize,
) {
    match sums.rows.len() {
        8 if const { has_many_registers::<S>() } => {
            simd.vectorize(Tile::<T, 8, VECTORS> { terms, sums, vector })
        }
        6 => simd.vectorize(Tile::<T, 6, VECTORS> { terms, sums, vector }),
        4 => simd.vectorize(Tile::<T, 4, VECTORS> { terms, sums, vector }),
        2 => simd.vectorize(Tile::<T, 2, VECTORS> { terms, sums, vector }),
        1 => simd.vectorize(Tile::<T, 1, VECTORS> { terms, sums, vector }),
        _ => debug_assert!(false, "rows_of_tile says how many rows a tile has"),
    }
}

/// The sums of `ROWS` rows and `VECTORS` vectors of channels from vector `vector` on. Not inlined, so that it is
/// compiled once.
struct Tile<'a, 'b, T, const ROWS: usize, const VECTORS: usize> {
    terms: &'a T,
    sums: &'a mut Sums<'b>,
    vector: usize,
}

impl<T: Terms, const ROWS: usize, const VECTORS: usize> WithSimd for Tile<'_, '_, T, ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        tile::<S, T, ROWS, VECTORS>(simd, self.terms, self.sums, self.vector);
    }
}

#[inline(always)]
#[allow(clippy::needless_range_loop)] // Rows and vectors index several arrays.
fn tile<S: Simd, T: Terms, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    terms: &T,
    sums: &mut Sums<'_>,
    vector: usize,
) {
    let mut blocks = [0; VECTORS];
    let mut within = [0; VECTORS];
    for v in 0..VECTORS {
        let channel = (vector + v) * S::F32_LANES;
        (blocks[v], within[v]) = (channel / BLOCK, channel % BLOCK);
    }
    let mut acc = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    if !sums.fresh {
        for m in 0..ROWS {
            for v in 0..VECTORS {
                let start = sums.rows[m] + blocks[v] * sums.block_stride + within[v];
                acc[m][v] = S::as_simd_f32s(&sums.data[start..start + S::F32_LANES]).0[0];
            }
        }
    }
    for term in 0..terms.count() {
        let mut panels: [&[[f32; BLOCK]]; VECTORS] = [&[]; VECTORS];
        for v in 0..VECTORS {
            panels[v] = terms.panel(term, blocks[v]).as_chunks().0;
        }
        let depth = panels[0].len();
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        for (m, row) in rows.iter_mut().enumerate() {
            *row = terms.row(term, m);
        }
        // Some channels at a time as arrays: the inner loop has no bounds to check, and keeps the sums in registers.
        for chunk in 0..depth / DEPTH {
            acc = steps::<S, DEPTH, ROWS, VECTORS>(simd, rows, panels, within, chunk * DEPTH, acc);
        }
        for k in depth / DEPTH * DEPTH..depth {
            acc = steps::<S, 1, ROWS, VECTORS>(simd, rows, panels, within, k, acc);
        }
    }
    for m in 0..ROWS {
        for v in 0..VECTORS {
            let start = sums.rows[m] + blocks[v] * sums.block_stride + within[v];
            S::as_mut_simd_f32s(&mut sums.data[start..start + S::F32_LANES]).0[0] = acc[m][v];
        }
    }
}

/// Adds the products of `COUNT` channels from `from` on.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // As above.
fn steps<S: Simd, const COUNT: usize, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    rows: [&[f32]; ROWS],
    panels: [&[[f32; BLOCK]]; VECTORS],
    within: [usize; VECTORS],
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
    let mut weights = [&[[0.0; BLOCK]; COUNT]; VECTORS];
    for v in 0..VECTORS {
        match panels[v][from..].first_chunk() {
            Some(chunk) => weights[v] = chunk,
            None => return acc,
        }
    }
    for k in 0..COUNT {
        let mut vectors = [simd.splat_f32s(0.0); VECTORS];
        for v in 0..VECTORS {
            // The whole block where a vector is one: no bound to check then.
            let start = if S::F32_LANES == BLOCK { 0 } else { within[v] };
            vectors[v] = S::as_simd_f32s(&weights[v][k][start..start + S::F32_LANES]).0[0];
        }
        for m in 0..ROWS {
            let input = simd.splat_f32s(inputs[m][k]);
            for v in 0..VECTORS {
                acc[m][v] = simd.mul_add_f32s(input, vectors[v], acc[m][v]);
            }
        }
    }
    acc
}
