//! Weights of the generator's convolutions in the order in which [`Sweep`](super::gan_conv::Sweep) reads them.

use std::ops::Range;

use super::gan_map::{LANES, Lanes};

/// A convolution, packed.
///
/// Its outputs are in blocks of 16 channels as in [`Maps`](super::gan_map::Maps). A convolution that doubles has
/// four phases: the cells of even and odd rows and columns, each a convolution of the small map with taps of
/// its own. A block with 8 channels or less shares its 16 lanes among two phases, one with 4 or less among all.
#[derive(Debug)]
pub(crate) struct Packed {
    /// Columns, and rows, from a cell to the next.
    pub(crate) step: usize,
    /// Cells of the output a side for one position of the convolution: 2 for one that doubles.
    pub(crate) grow: usize,
    pub(crate) passes: Vec<Pass>,
    /// The passes of each block of outputs.
    pub(crate) blocks: Vec<Range<usize>>,
}

/// Sixteen sums a position, side by side: of one phase, two or four.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) taps: Taps,
    /// For each map, block of its channels, row and column of the taps: 16 weights for each channel of the block.
    pub(crate) weights: Vec<Lanes>,
    pub(crate) bias: Lanes,
    /// Row and column of each phase that the lanes are shared among.
    pub(crate) phases: Vec<[usize; 2]>,
}

/// The rows and columns around a position that are read, counted from the zeros before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Taps {
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
}

/// What is to be packed.
pub(crate) struct Plain<'a> {
    pub(crate) step: usize,
    /// Channels of each map that is read.
    pub(crate) inputs: &'a [usize],
    pub(crate) outputs: usize,
    /// Phases: one that reads all taps, or the four of a convolution that doubles.
    pub(crate) phases: &'a [Phase],
    /// By phase, output, input channel (those of the maps counted on), row and column of the tap.
    pub(crate) weight: &'a dyn Fn(usize, usize, usize, [usize; 2]) -> f64,
    pub(crate) bias: &'a dyn Fn(usize) -> f64,
}

/// A part of the output's cells.
pub(crate) struct Phase {
    /// Row and column of the first of them.
    pub(crate) place: [usize; 2],
    pub(crate) taps: Taps,
}

impl Packed {
    pub(crate) fn new(plain: &Plain<'_>) -> Self {
        let grow = if plain.phases.len() > 1 { 2 } else { 1 };
        let (mut passes, mut blocks) = (Vec::new(), Vec::new());
        for first in (0..plain.outputs).step_by(LANES) {
            let shared = share(plain.outputs - first, plain.phases.len());
            let from = passes.len();
            for start in (0..plain.phases.len()).step_by(shared) {
                passes.push(Pass::new(plain, first, start..start + shared));
            }
            blocks.push(from..passes.len());
        }
        Self { step: plain.step, grow, passes, blocks }
    }

    /// Of a position's sums, where that of an output and a phase is: the pass and the lane.
    pub(crate) fn locate(&self, output: usize, phase: usize) -> (usize, usize) {
        let passes = &self.blocks[output / LANES];
        let shared = self.passes[passes.start].phases.len();
        (passes.start + phase / shared, phase % shared * (LANES / shared) + output % LANES)
    }
}

/// How many phases share a pass, with so many outputs left.
fn share(outputs: usize, phases: usize) -> usize {
    match outputs {
        0..=4 => phases.min(4),
        5..=8 => phases.min(2),
        _ => 1,
    }
}

impl Pass {
    fn new(plain: &Plain<'_>, first: usize, phases: Range<usize>) -> Self {
        let parts = &plain.phases[phases.clone()];
        let taps = Taps {
            rows: hull(parts.iter().map(|p| &p.taps.rows)),
            columns: hull(parts.iter().map(|p| &p.taps.columns)),
        };
        let width = LANES / parts.len();
        let lanes = |value: &dyn Fn(usize, usize) -> f64| {
            Lanes(std::array::from_fn(|lane| {
                let output = first + lane % width;
                if output < plain.outputs { value(phases.start + lane / width, output) as f32 } else { 0.0 }
            }))
        };
        let mut weights = Vec::new();
        let mut before = 0;
        for &channels in plain.inputs {
            for block in (0..channels).step_by(LANES) {
                for row in taps.rows.clone() {
                    for column in taps.columns.clone() {
                        weights.extend((block..channels.min(block + LANES)).map(|channel| {
                            lanes(&|phase, output| {
                                (plain.weight)(phase, output, before + channel, [row, column])
                            })
                        }));
                    }
                }
            }
            before += channels;
        }
        let bias = lanes(&|_, output| (plain.bias)(output));
        Self { taps, weights, bias, phases: parts.iter().map(|p| p.place).collect() }
    }
}

/// The least range that has all of them.
fn hull<'a>(ranges: impl Iterator<Item = &'a Range<usize>>) -> Range<usize> {
    ranges.cloned().reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}
