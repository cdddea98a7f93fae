//! Matrix products whose left rows lie anywhere in memory.
//!
//! A convolution is such a product: for each pixel the sum over the taps of a row of the input, as long as there are
//! channels, times the tap's matrix. So [`multiply`] takes a list of places instead of one row distance, and a
//! start for each of several *terms* that are summed. A plain product has one term.

use pulp::{Simd, WithSimd};

use super::Instructions;

/// Columns that one register tile may cover, the widest first.
const WIDTHS: [usize; 3] = [48, 32, 16];

/// Right-hand matrices, one a term, in the order in which [`multiply`] reads them.
///
/// Groups of 48, 32 or 16 columns, the last filled up with zeros; in a group all rows of all terms follow one another.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    terms: usize,
    depth: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Packed {
    /// Packs `terms` matrices of `depth` rows and `columns` columns; `row(term, k, from, to)` writes row `k` of one,
    /// its columns `from..from + to.len()`, to `to`. Reuses the memory of what was packed before.
    pub fn pack(
        &mut self,
        terms: usize,
        depth: usize,
        columns: usize,
        mut row: impl FnMut(usize, usize, usize, &mut [f32]),
    ) {
        (self.terms, self.depth, self.columns) = (terms, depth, columns);
        self.values.resize(terms * depth * columns.next_multiple_of(16), 0.0);
        let mut rest = &mut self.values[..];
        for (from, width) in groups(columns) {
            let (group, behind) = rest.split_at_mut(terms * depth * width);
            rest = behind;
            let given = width.min(columns - from);
            for (number, to) in group.chunks_exact_mut(width).enumerate() {
                row(number / depth, number % depth, from, &mut to[..given]);
                to[given..].fill(0.0);
            }
        }
    }

    /// A matrix `[depth, columns]`, row by row.
    pub fn pack_rows(&mut self, matrix: &[f32], depth: usize, columns: usize) {
        self.pack(1, depth, columns, |_, k, from, to| {
            to.copy_from_slice(&matrix[k * columns + from..][..to.len()]);
        });
    }

    /// The transpose of a matrix `[columns, depth]`, row by row.
    pub fn pack_transposed(&mut self, matrix: &[f32], depth: usize, columns: usize) {
        self.pack(1, depth, columns, |_, k, from, to| {
            for (to, row) in to.iter_mut().zip(matrix[from * depth..].chunks_exact(depth)) {
                *to = row[k];
            }
        });
    }

    /// How many matrices.
    #[must_use]
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Columns of each.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// The groups of columns: where each begins, and its width.
fn groups(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let left = columns.checked_sub(from).filter(|left| *left > 0)?;
        let padded = left.next_multiple_of(16);
        let width = WIDTHS.into_iter().find(|width| *width <= padded).unwrap_or(16);
        from += width;
        Some((from - width, width))
    })
}

/// One row of a product: where its left row begins, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first number of the left row, before a term's start is added.
    pub from: usize,
    /// The first number of the result.
    pub to: usize,
}

/// What a sum begins with.
#[derive(Debug, Clone, Copy)]
pub enum Begin<'a> {
    /// Zero.
    Zero,
    /// A number a column.
    Bias(&'a [f32]),
    /// What stands where the result goes.
    There,
}

/// What is done with a sum before it is stored.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// Nothing.
    Plain,
    /// Negative ones become zero.
    Relu,
    /// It becomes zero where the number at the same place of this list is not above zero: the gradient of a ReLU.
    Where(&'a [f32]),
}

/// `out[place.to + n] = Σ over terms and k of left[place.from + starts[term] + k] · right[term][k, n]`, term by term
/// and k by k, for every place.
///
/// # Panics
///
/// Where a row reaches behind the end of a list.
pub fn multiply(
    instructions: Instructions,
    left: &[f32],
    starts: &[usize],
    right: &Packed,
    places: &[Place],
    out: &mut [f32],
    (begin, end): (Begin<'_>, End<'_>),
) {
    debug_assert_eq!(starts.len(), right.terms);
    instructions.run(Multiply { left, starts, right, places, out, begin, end });
}

struct Multiply<'a> {
    left: &'a [f32],
    starts: &'a [usize],
    right: &'a Packed,
    places: &'a [Place],
    out: &'a mut [f32],
    begin: Begin<'a>,
    end: End<'a>,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut rest = &self.right.values[..];
        for (from, width) in groups(self.right.columns) {
            let (group, behind) = rest.split_at(self.right.terms * self.right.depth * width);
            rest = behind;
            // Rows a tile by what the registers hold.
            match (S::F32_LANES, width) {
                (16, 48) => self.group::<S, 8, 3>(simd, group, from),
                (16, 32) => self.group::<S, 8, 2>(simd, group, from),
                (16, _) => self.group::<S, 8, 1>(simd, group, from),
                (8, 48) => self.group::<S, 2, 6>(simd, group, from),
                (8, 32) => self.group::<S, 3, 4>(simd, group, from),
                (8, _) => self.group::<S, 6, 2>(simd, group, from),
                (4, 48) => self.group::<S, 2, 12>(simd, group, from),
                (4, 32) => self.group::<S, 3, 8>(simd, group, from),
                (4, _) => self.group::<S, 6, 4>(simd, group, from),
                (_, 48) => self.group::<S, 1, 48>(simd, group, from),
                (_, 32) => self.group::<S, 1, 32>(simd, group, from),
                _ => self.group::<S, 1, 16>(simd, group, from),
            }
        }
    }
}

impl Multiply<'_> {
    /// All places, for one group of columns: `P` places and `W` vectors of columns at once.
    #[inline(always)]
    fn group<S: Simd, const P: usize, const W: usize>(&mut self, simd: S, group: &[f32], from: usize) {
        let (b, _) = S::as_simd_f32s(group);
        let (b, _) = b.as_chunks::<W>();
        let width = (W * S::F32_LANES).min(self.right.columns - from);
        let zero = simd.splat_f32s(0.0);
        let bias = match self.begin {
            Begin::Bias(bias) => load::<S, W>(simd, &bias[from..][..width]),
            _ => [zero; W],
        };
        for places in self.places.chunks(P) {
            let place = |p: usize| places[p.min(places.len() - 1)];
            let mut sums = [bias; P];
            if let Begin::There = self.begin {
                for (p, sums) in sums.iter_mut().enumerate() {
                    *sums = load::<S, W>(simd, &self.out[place(p).to + from..][..width]);
                }
            }
            let mut rows = [0; P];
            for (p, row) in rows.iter_mut().enumerate() {
                *row = place(p).from;
            }
            let sums = self.tile(simd, rows, b, sums);
            for (place, mut sums) in places.iter().zip(sums) {
                let at = place.to + from..place.to + from + width;
                match self.end {
                    End::Plain => {}
                    End::Relu => {
                        for sum in &mut sums {
                            *sum = simd.max_f32s(*sum, zero);
                        }
                    }
                    End::Where(list) => {
                        let gates = load::<S, W>(simd, &list[at.clone()]);
                        for (sum, gate) in sums.iter_mut().zip(gates) {
                            *sum = simd.select_f32s(simd.greater_than_f32s(gate, zero), *sum, zero);
                        }
                    }
                }
                store::<S, W>(simd, &mut self.out[at], sums);
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const P: usize, const W: usize>(
        &self,
        simd: S,
        rows: [usize; P],
        b: &[[S::f32s; W]],
        mut sums: [[S::f32s; W]; P],
    ) -> [[S::f32s; W]; P] {
        let depth = self.right.depth;
        for (start, b) in self.starts.iter().zip(b.chunks_exact(depth)) {
            let mut a: [&[f32]; P] = [&[]; P];
            for p in 0..P {
                a[p] = &self.left[rows[p] + start..][..depth];
            }
            for k in 0..depth {
                for p in 0..P {
                    let x = simd.splat_f32s(a[p][k]);
                    for w in 0..W {
                        sums[p][w] = simd.mul_add_f32s(x, b[k][w], sums[p][w]);
                    }
                }
            }
        }
        sums
    }
}

/// `W` vectors of a list that may be shorter; what is missing is zero.
#[inline(always)]
pub(super) fn load<S: Simd, const W: usize>(simd: S, list: &[f32]) -> [S::f32s; W] {
    let (whole, rest) = S::as_simd_f32s(list);
    // A loop rather than `from_fn`, whose closure may end up compiled without these instructions.
    let mut vectors = [simd.splat_f32s(0.0); W];
    for (w, vector) in vectors.iter_mut().enumerate() {
        if let Some(there) = whole.get(w) {
            *vector = *there;
        } else if w == whole.len() {
            *vector = simd.partial_load_f32s(rest);
        }
    }
    vectors
}

/// As many numbers of `W` vectors as there is room for.
#[inline(always)]
pub(super) fn store<S: Simd, const W: usize>(simd: S, list: &mut [f32], vectors: [S::f32s; W]) {
    let (whole, rest) = S::as_mut_simd_f32s(list);
    let count = whole.len();
    for (to, vector) in whole.iter_mut().zip(vectors) {
        *to = vector;
    }
    if !rest.is_empty()
        && let Some(vector) = vectors.get(count)
    {
        simd.partial_store_f32s(rest, *vector);
    }
}

#[cfg(test)]
#[path = "gemm_tests.rs"]
mod tests;
