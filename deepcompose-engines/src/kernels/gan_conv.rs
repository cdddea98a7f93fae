//! Convolutions of small maps with many channels, a batch of windows at a time.
//!
//! A tile of some cells keeps its sums, 16 outputs a cell, in registers while all weights go by once. The sum of an
//! output runs over the maps, their blocks of channels, the rows and columns of the taps and the channels of the block,
//! in this order, whatever the tile.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::Instructions;
use super::gan_map::{LANES, Lanes, MapView};
use super::gan_pack::{Packed, Pass};

/// What the sums begin with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The biases.
    Bias,
    /// What [`Packed::sums`] wrote for `windows` windows, from the window `first` on.
    Sums { sums: &'a [Lanes], first: usize, windows: usize },
}

/// What is done to a sum before it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finish<'a> {
    /// ReLU.
    Relu,
    /// A leaky ReLU of this slope.
    Leaky(f32),
    /// A leaky ReLU, then by block and lane a factor and a summand.
    LeakyAffine(f32, &'a [[Lanes; 2]]),
}

/// Sizes of a convolution's work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) windows: usize,
    /// Rows and columns of positions; a convolution that doubles writes four cells a position.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Extent {
    const fn lines(&self) -> usize {
        self.windows * self.rows
    }
}

impl Packed {
    /// Convolves `inputs` and writes the maps of the output.
    pub(crate) fn maps(
        &self,
        instructions: Instructions,
        inputs: &[MapView<'_>],
        extent: Extent,
        start: Start<'_>,
        finish: Finish<'_>,
        out: &mut [Lanes],
    ) {
        let pitch = extent.columns * self.grow + 2;
        let lines = extent.lines();
        let parts = parts(self.blocks.len(), lines);
        let (part, block_len) = (lines / parts, lines * self.grow * pitch);
        let out = &mut out[..self.blocks.len() * block_len];
        out.par_chunks_mut(block_len / parts).enumerate().for_each(|(index, out)| {
            let (block, from) = (index / parts, index % parts * part);
            for number in self.blocks[block].clone() {
                let pass = &self.passes[number];
                let write = Write::Map { out, pitch, grow: self.grow, phases: &pass.phases, finish, block };
                self.sweep(instructions, number, inputs, extent, from..from + part, start, write);
            }
        });
    }

    /// Convolves `inputs` and writes the sums as they are: passes × windows × rows × columns of positions.
    pub(crate) fn sums(
        &self,
        instructions: Instructions,
        inputs: &[MapView<'_>],
        extent: Extent,
        out: &mut [Lanes],
    ) {
        let lines = extent.lines();
        let parts = parts(self.passes.len(), lines);
        let part = lines / parts;
        let out = &mut out[..self.passes.len() * lines * extent.columns];
        out.par_chunks_mut(part * extent.columns).enumerate().for_each(|(index, out)| {
            let (pass, from) = (index / parts, index % parts * part);
            let write = Write::Sums { out };
            self.sweep(instructions, pass, inputs, extent, from..from + part, Start::Bias, write);
        });
    }

    #[allow(clippy::too_many_arguments)]
    fn sweep(
        &self,
        instructions: Instructions,
        pass: usize,
        inputs: &[MapView<'_>],
        extent: Extent,
        lines: Range<usize>,
        start: Start<'_>,
        write: Write<'_>,
    ) {
        let start = match start {
            Start::Bias => None,
            Start::Sums { sums, first, windows } => {
                let from = (pass * windows + first) * extent.rows + lines.start;
                Some(&sums[from * extent.columns..][..lines.len() * extent.columns])
            }
        };
        let pass = &self.passes[pass];
        instructions.run(Sweep { pass, step: self.step, inputs, extent, lines, start, write });
    }
}

/// Into how many parts the lines of each of `blocks` blocks are divided, so that threads have about the same to do.
fn parts(blocks: usize, lines: usize) -> usize {
    let tasks = 3 * rayon::current_num_threads();
    let mut parts = 1;
    while blocks * parts < tasks && lines.is_multiple_of(2 * parts) {
        parts *= 2;
    }
    parts
}

/// Some lines of positions of one pass.
pub(crate) struct Sweep<'a> {
    pass: &'a Pass,
    step: usize,
    inputs: &'a [MapView<'a>],
    extent: Extent,
    /// Lines of positions, the rows of one window after those of another.
    lines: Range<usize>,
    start: Option<&'a [Lanes]>,
    write: Write<'a>,
}

enum Write<'a> {
    Sums {
        out: &'a mut [Lanes],
    },
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

impl Finish<'_> {
    #[inline(always)]
    fn apply(self, block: usize, sum: &Lanes) -> Lanes {
        let mut done = *sum;
        match self {
            Finish::Relu => done.0.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
            Finish::Leaky(slope) => done.0.iter_mut().for_each(|x| *x = leaky(*x, slope)),
            Finish::LeakyAffine(slope, blocks) => {
                let [factors, summands] = &blocks[block];
                for ((x, factor), summand) in done.0.iter_mut().zip(factors.0).zip(summands.0) {
                    *x = leaky(*x, slope).mul_add(factor, summand);
                }
            }
        }
        done
    }
}

#[inline(always)]
fn leaky(x: f32, slope: f32) -> f32 {
    if x < 0.0 { slope * x } else { x }
}
