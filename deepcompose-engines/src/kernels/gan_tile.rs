//! The innermost loop of the generator's convolutions.
//!
//! A tile of some positions keeps its sums, 16 outputs a position, in registers while all weights go by once. The sum
//! of an output runs over the maps, their blocks of channels, the rows and columns of the taps and the channels of the
//! block, in this order, whatever the tile.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::gan_conv::{Extent, Finish};
use super::gan_map::{LANES, Lanes, MapView};
use super::gan_pack::Pass;

/// Some lines of positions of one pass.
pub(crate) struct Sweep<'a> {
    pub(crate) pass: &'a Pass,
    /// Rows, and columns, of the inputs from a position to the next.
    pub(crate) step: usize,
    pub(crate) inputs: &'a [MapView<'a>],
    pub(crate) extent: Extent,
    /// Lines of positions, the rows of one window after those of another.
    pub(crate) lines: Range<usize>,
    /// What the sums of these lines begin with instead of the biases.
    pub(crate) start: Option<&'a [Lanes]>,
    pub(crate) write: Write<'a>,
}

/// Where the sums go.
pub(crate) enum Write<'a> {
    /// As they are, one after the other.
    Sums { out: &'a mut [Lanes] },
    /// Finished, to the rows of a map, in the cells of their phases.
    Map {
        out: &'a mut [Lanes],
        pitch: usize,
        grow: usize,
        phases: &'a [[usize; 2]],
        finish: Finish<'a>,
        block: usize,
    },
}

/// Rows and columns of a tile for 32 registers of 16 lanes.
const fn wide_tile(lines: usize, columns: usize) -> [usize; 2] {
    let side = match columns {
        1 => 1,
        2..=3 => 2,
        c if c.is_multiple_of(8) => 8,
        c if c.is_multiple_of(5) => 5,
        c if c.is_multiple_of(7) => 7,
        c if c.is_multiple_of(6) => 6,
        _ => 4,
    };
    let high = match lines {
        1 => 1,
        4.. if side <= 5 => 4,
        _ => 2,
    };
    [high, side]
}

/// Columns of a tile, of one row, for 16 registers of 8 lanes, or 32 of 4.
const fn narrow_tile(columns: usize) -> usize {
    match columns {
        1 => 1,
        2..=3 => 2,
        c if c.is_multiple_of(6) => 6,
        c if c.is_multiple_of(5) => 5,
        _ => 4,
    }
}

/// Most cells of a tile.
const MOST_CELLS: usize = 24;

impl WithSimd for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // 16 lanes are so many vectors.
        match (S::F32_LANES, self.step) {
            (16, 1) => self.tiles::<S, 1, 1>(simd),
            (16, _) => self.tiles::<S, 1, 2>(simd),
            (8, 1) => self.tiles::<S, 2, 1>(simd),
            (8, _) => self.tiles::<S, 2, 2>(simd),
            (4, 1) => self.tiles::<S, 4, 1>(simd),
            (4, _) => self.tiles::<S, 4, 2>(simd),
            (_, 1) => self.tiles::<S, LANES, 1>(simd),
            (_, _) => self.tiles::<S, LANES, 2>(simd),
        }
    }
}

impl Sweep<'_> {
    /// Covers all positions with tiles. The last ones may overlap those before: what is written twice is the same.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize, const STEP: usize>(mut self, simd: S) {
        let (lines, columns) = (self.lines.len(), self.extent.columns);
        let [high, side] = if V == 1 { wide_tile(lines, columns) } else { [1, narrow_tile(columns)] };
        let mut sums = [Lanes::ZERO; MOST_CELLS];
        for line in (0..lines).step_by(high) {
            let line = line.min(lines - high);
            for column in (0..columns).step_by(side) {
                let column = column.min(columns - side);
                let at = [line, column];
                if V == 1 {
                    self.wide::<S, V, STEP>(simd, [high, side], at, &mut sums);
                } else {
                    self.narrow::<S, V, STEP>(simd, side, at, &mut sums);
                }
                for (cells, line) in sums.chunks_exact(side).zip(line..line + high) {
                    for (sum, column) in cells.iter().zip(column..) {
                        self.write.cell(columns, line, column, sum);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn wide<S: Simd, const V: usize, const STEP: usize>(
        &self,
        simd: S,
        size: [usize; 2],
        at: [usize; 2],
        sums: &mut [Lanes; MOST_CELLS],
    ) {
        match size {
            [4, 5] => self.tile::<S, V, STEP, 4, 5>(simd, at, sums),
            [4, 4] => self.tile::<S, V, STEP, 4, 4>(simd, at, sums),
            [4, 2] => self.tile::<S, V, STEP, 4, 2>(simd, at, sums),
            [4, 1] => self.tile::<S, V, STEP, 4, 1>(simd, at, sums),
            [2, 8] => self.tile::<S, V, STEP, 2, 8>(simd, at, sums),
            [2, 7] => self.tile::<S, V, STEP, 2, 7>(simd, at, sums),
            [2, 6] => self.tile::<S, V, STEP, 2, 6>(simd, at, sums),
            [2, 5] => self.tile::<S, V, STEP, 2, 5>(simd, at, sums),
            [2, 4] => self.tile::<S, V, STEP, 2, 4>(simd, at, sums),
            [2, 2] => self.tile::<S, V, STEP, 2, 2>(simd, at, sums),
            [2, 1] => self.tile::<S, V, STEP, 2, 1>(simd, at, sums),
            [_, 8] => self.tile::<S, V, STEP, 1, 8>(simd, at, sums),
            [_, 7] => self.tile::<S, V, STEP, 1, 7>(simd, at, sums),
            [_, 6] => self.tile::<S, V, STEP, 1, 6>(simd, at, sums),
            [_, 5] => self.tile::<S, V, STEP, 1, 5>(simd, at, sums),
            [_, 4] => self.tile::<S, V, STEP, 1, 4>(simd, at, sums),
            [_, 2] => self.tile::<S, V, STEP, 1, 2>(simd, at, sums),
            _ => self.tile::<S, V, STEP, 1, 1>(simd, at, sums),
        }
    }

    #[inline(always)]
    fn narrow<S: Simd, const V: usize, const STEP: usize>(
        &self,
        simd: S,
        side: usize,
        at: [usize; 2],
        sums: &mut [Lanes; MOST_CELLS],
    ) {
        match side {
            6 => self.tile::<S, V, STEP, 1, 6>(simd, at, sums),
            5 => self.tile::<S, V, STEP, 1, 5>(simd, at, sums),
            4 => self.tile::<S, V, STEP, 1, 4>(simd, at, sums),
            2 => self.tile::<S, V, STEP, 1, 2>(simd, at, sums),
            _ => self.tile::<S, V, STEP, 1, 1>(simd, at, sums),
        }
    }

    /// The sums of `R` lines by `C` columns.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const STEP: usize, const R: usize, const C: usize>(
        &self,
        simd: S,
        [line, column]: [usize; 2],
        sums: &mut [Lanes; MOST_CELLS],
    ) {
        let mut acc = [[[simd.splat_f32s(0.0); V]; C]; R];
        for (r, acc) in acc.iter_mut().enumerate() {
            for (c, acc) in acc.iter_mut().enumerate() {
                let first = match self.start {
                    None => &self.pass.bias,
                    Some(start) => &start[(line + r) * self.extent.columns + column + c],
                };
                *acc = load::<S, V>(first);
            }
        }
        // Window and row of each line.
        let places: [[usize; 2]; R] = std::array::from_fn(|r| {
            let line = self.lines.start + line + r;
            [line / self.extent.rows, line % self.extent.rows * STEP]
        });
        let mut weights = self.pass.weights.as_slice();
        for map in self.inputs {
            for (block, channels) in map.blocks() {
                for row in self.pass.taps.rows.clone() {
                    let rows: [&[Lanes]; R] =
                        std::array::from_fn(|r| map.row(block, places[r][0], places[r][1] + row));
                    for tap in self.pass.taps.columns.clone() {
                        let from = column * STEP + tap;
                        let cells: [&[Lanes]; R] =
                            std::array::from_fn(|r| &rows[r][from..from + const { (C - 1) * STEP + 1 }]);
                        let (now, later) = weights.split_at(channels);
                        weights = later;
                        for (k, weight) in now.iter().enumerate() {
                            let weight = load::<S, V>(weight);
                            for (acc, cells) in acc.iter_mut().zip(cells) {
                                for (c, acc) in acc.iter_mut().enumerate() {
                                    let x = simd.splat_f32s(cells[c * STEP].0[k % LANES]);
                                    for (acc, weight) in acc.iter_mut().zip(weight) {
                                        *acc = simd.mul_add_f32s(x, weight, *acc);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        // Plain loops: the sums leave the registers only here.
        for r in 0..R {
            for c in 0..C {
                S::as_mut_simd_f32s(&mut sums[r * C + c].0).0.copy_from_slice(&acc[r][c]);
            }
        }
    }
}

#[inline(always)]
fn load<S: Simd, const V: usize>(lanes: &Lanes) -> [S::f32s; V] {
    let vectors = S::as_simd_f32s(&lanes.0).0;
    std::array::from_fn(|v| vectors[v])
}

impl Write<'_> {
    #[inline(always)]
    fn cell(&mut self, columns: usize, line: usize, column: usize, sum: &Lanes) {
        match self {
            Write::Sums { out } => out[line * columns + column] = *sum,
            Write::Map { out, pitch, grow, phases, finish, block } => {
                let done = finish.apply(*block, sum);
                if let [[row, beside]] = phases {
                    out[(line * *grow + row) * *pitch + column * *grow + beside + 1] = done;
                    return;
                }
                let width = LANES / phases.len();
                for ([row, beside], part) in phases.iter().zip(done.0.chunks_exact(width)) {
                    let at = (line * *grow + row) * *pitch + column * *grow + beside + 1;
                    out[at].0[..width].copy_from_slice(part);
                }
            }
        }
    }
}
