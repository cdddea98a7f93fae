//! Convolutions of small maps with many channels, a batch of windows at a time.
//!
//! The work is shared among threads by blocks of outputs first, so that each reads its own weights, all of them once
//! for the whole batch, and by lines of positions where there are few blocks.

use std::ops::Range;

use rayon::prelude::*;

use super::Instructions;
use super::gan_map::{Lanes, MapView};
use super::gan_pack::Packed;
use super::gan_tile::{Sweep, Write};

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
                let lines = from..from + part;
                let start = start.of(number, extent, &lines);
                instructions.run(Sweep { pass, step: self.step, inputs, extent, lines, start, write });
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
            let (pass, lines, write) = (&self.passes[pass], from..from + part, Write::Sums { out });
            instructions.run(Sweep { pass, step: self.step, inputs, extent, lines, start: None, write });
        });
    }
}

impl<'a> Start<'a> {
    /// What the sums of some lines of a pass begin with instead of the biases.
    fn of(self, pass: usize, extent: Extent, lines: &Range<usize>) -> Option<&'a [Lanes]> {
        match self {
            Start::Bias => None,
            Start::Sums { sums, first, windows } => {
                let from = (pass * windows + first) * extent.rows + lines.start;
                Some(&sums[from * extent.columns..][..lines.len() * extent.columns])
            }
        }
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

impl Finish<'_> {
    #[inline(always)]
    pub(crate) fn apply(self, block: usize, sum: &Lanes) -> Lanes {
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
