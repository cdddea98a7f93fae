//! Direct convolution by taps, channels innermost.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Instructions;
use super::epilogue::{Epilogue, Start};
use super::map::{Map, MapMut, Rect, check_length};
use super::panels::Panels;
use super::tile::{self, BLOCK, MOST_ROWS, Sums, Terms};
use crate::EngineError;

/// Blocks that are worked on together: two vectors where a block is one.
const GROUP: usize = 2;

/// Bytes of weights that are used for all pixels before the next are read: they stay in the second-level cache.
const PANEL_BYTES: usize = 512 << 10;

/// Which input pixel a term of a convolution reads: for output `(y, x)` that at row `y × stride + dy` and column
/// `x × stride + dx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// Rows down.
    pub dy: isize,
    /// Columns to the right.
    pub dx: isize,
}

impl Tap {
    /// The nine taps of a 3×3 convolution that keeps the size, row by row.
    pub const SQUARE: [Self; 9] = Self::grid();

    const fn grid() -> [Self; 9] {
        let mut taps = [Self { dy: 0, dx: 0 }; 9];
        let mut i = 0;
        while i < 9 {
            taps[i] = Self { dy: i as isize / 3 - 1, dx: i as isize % 3 - 1 };
            i += 1;
        }
        taps
    }
}

/// A direct convolution: for every output pixel, the sum over taps of an input pixel's channels times a matrix.
///
/// Inputs and outputs are [`Map`]s, `[height, width, channels]`; what a tap reads outside of the input is zero. Each
/// output is one sum, in the order of the taps and in each tap in the order of the channels.
///
/// ```
/// use deepcompose_engines::kernels::{Conv, Epilogue, Instructions, Map, MapMut, Rect, Start, Tap};
///
/// # fn main() -> Result<(), deepcompose_engines::EngineError> {
/// // The sum of the pixels left and right of each, in a map of one row, four columns and one channel.
/// let taps = [Tap { dy: 0, dx: -1 }, Tap { dy: 0, dx: 1 }];
/// let conv = Conv::new(&taps, 1, 1, 1, |_tap, _channel_in, _channel_out| 1.0)?;
/// let mut sums = [0.0; 4];
/// conv.run(
///     Instructions::detect(),
///     Map::new(&[1.0, 2.0, 4.0, 8.0], 1, 4, 1)?,
///     Start::Zero,
///     Epilogue::None,
///     MapMut::new(&mut sums, 1, 4, 1)?,
///     Rect::whole(1, 4),
/// )?;
/// assert_eq!(sums, [2.0, 5.0, 10.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Conv {
    taps: Vec<Tap>,
    stride: isize,
    panels: Panels,
    /// What a tap reads outside of the input.
    zeros: Vec<f32>,
}

impl Conv {
    /// Packs the weights: `weight(tap, channel in, channel out)`.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for no tap, no channel, a tap more than 2^20 pixels away, or a `stride` that is
    /// not in 1..=2^20.
    pub fn new(
        taps: &[Tap],
        stride: usize,
        channels_in: usize,
        channels_out: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Result<Self, EngineError> {
        const FAR: usize = 1 << 20;
        let out_of_range = |field, value: String, accepted: &str| {
            Err(EngineError::OutOfRange { field, value, accepted: accepted.to_owned() })
        };
        if taps.is_empty() {
            return out_of_range("taps", "0".to_owned(), "1 or more");
        }
        if let Some(tap) = taps.iter().find(|tap| tap.dy.unsigned_abs() > FAR || tap.dx.unsigned_abs() > FAR)
        {
            return out_of_range("tap", format!("({}, {})", tap.dy, tap.dx), "at most 2^20 pixels away");
        }
        let stride = match isize::try_from(stride) {
            Ok(signed) if (1..=FAR).contains(&stride) => signed,
            _ => return out_of_range("stride", stride.to_string(), "1..=2^20"),
        };
        for (field, value) in [("channels_in", channels_in), ("channels_out", channels_out)] {
            if value == 0 {
                return out_of_range(field, "0".to_owned(), "1 or more");
            }
        }
        let panels = Panels::pack(taps.len(), channels_in, channels_out, weight);
        Ok(Self { taps: taps.to_vec(), stride, panels, zeros: vec![0.0; channels_in] })
    }

    /// A 3×3 convolution of stride 1 that keeps the size, from weights as burn and PyTorch have them:
    /// `[out, in, 3, 3]`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Length`] if there are not as many weights as that, and as [`new`](Self::new).
    pub fn square(weights: &[f32], channels_in: usize, channels_out: usize) -> Result<Self, EngineError> {
        check_length("the convolution's weights", weights.len(), &[channels_out, channels_in, 9])?;
        Self::new(&Tap::SQUARE, 1, channels_in, channels_out, |tap, from, to| {
            weights[(to * channels_in + from) * 9 + tap]
        })
    }

    /// Channels of the input.
    #[must_use]
    pub const fn channels_in(&self) -> usize {
        self.panels.depth()
    }

    /// Channels of the output.
    #[must_use]
    pub const fn channels_out(&self) -> usize {
        self.panels.channels()
    }

    /// Computes the outputs in `outputs` on this thread and writes them to their places in `to`.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the input has other channels, if `start` or `epilogue` hold lists of another length than
    /// the output's channels, or if an output has no place in `to`.
    pub fn run(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        start: Start<'_>,
        epilogue: Epilogue<'_>,
        to: MapMut<'_>,
        outputs: Rect,
    ) -> Result<(), EngineError> {
        self.check(input, start, epilogue, &to, outputs)?;
        self.run_unchecked(instructions, input, start, epilogue, to, outputs);
        Ok(())
    }

    /// [`run`](Self::run), the rows of the outputs shared among the threads of the current rayon pool.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_parallel(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        start: Start<'_>,
        epilogue: Epilogue<'_>,
        to: MapMut<'_>,
        outputs: Rect,
    ) -> Result<(), EngineError> {
        self.check(input, start, epilogue, &to, outputs)?;
        self.split(instructions, input, start, epilogue, to, outputs, rayon::current_num_threads());
        Ok(())
    }

    pub(super) fn taps(&self) -> &[Tap] {
        &self.taps
    }

    /// Whether a tap reads inside of the input for an output.
    #[inline(always)]
    pub(super) fn is_inside(&self, input: Map<'_>, tap: usize, output: (usize, usize)) -> bool {
        let (y, x) = self.read(tap, output);
        input.pixel(y, x).is_some()
    }

    /// The pixel that a tap reads for an output.
    #[inline(always)]
    fn read(&self, tap: usize, (y, x): (usize, usize)) -> (isize, isize) {
        let Tap { dy, dx } = self.taps[tap];
        (y as isize * self.stride + dy, x as isize * self.stride + dx)
    }

    pub(super) fn check(
        &self,
        input: Map<'_>,
        start: Start<'_>,
        epilogue: Epilogue<'_>,
        to: &MapMut<'_>,
        outputs: Rect,
    ) -> Result<(), EngineError> {
        if input.channels() != self.channels_in() {
            return Err(EngineError::OutOfRange {
                field: "input channels",
                value: input.channels().to_string(),
                accepted: self.channels_in().to_string(),
            });
        }
        start.check(self.channels_out())?;
        epilogue.check(self.channels_out())?;
        if outputs.is_empty() { Ok(()) } else { to.check(outputs, self.channels_out()) }
    }

    #[allow(clippy::too_many_arguments)]
    fn split(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        start: Start<'_>,
        epilogue: Epilogue<'_>,
        to: MapMut<'_>,
        outputs: Rect,
        parts: usize,
    ) {
        if parts <= 1 || outputs.height <= 1 {
            self.run_unchecked(instructions, input, start, epilogue, to, outputs);
            return;
        }
        let (parts_above, above) = (parts / 2, outputs.height * (parts / 2) / parts);
        let above = above.max(1);
        let (mut upper, mut lower) = (outputs, outputs);
        upper.height = above;
        lower.top += above;
        lower.height -= above;
        let (to_upper, to_lower) = to.split(lower.top);
        rayon::join(
            || self.split(instructions, input, start, epilogue, to_upper, upper, parts_above),
            || self.split(instructions, input, start, epilogue, to_lower, lower, parts - parts_above),
        );
    }

    fn run_unchecked(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        start: Start<'_>,
        epilogue: Epilogue<'_>,
        to: MapMut<'_>,
        outputs: Rect,
    ) {
        if !outputs.is_empty() {
            instructions.run(Run { conv: self, input, start, epilogue, to, outputs });
        }
    }
}

struct Run<'a> {
    conv: &'a Conv,
    input: Map<'a>,
    start: Start<'a>,
    epilogue: Epilogue<'a>,
    to: MapMut<'a>,
    outputs: Rect,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let panels = &self.conv.panels;
        let at_once = (PANEL_BYTES / (panels.depth() * BLOCK * GROUP * size_of::<f32>())).max(1);
        for first in (0..panels.blocks()).step_by(GROUP) {
            let blocks = first..panels.blocks().min(first + GROUP);
            for first_tap in (0..panels.terms()).step_by(at_once) {
                let taps = first_tap..panels.terms().min(first_tap + at_once);
                self.sweep(simd, blocks.clone(), taps);
            }
        }
    }
}

impl Run<'_> {
    /// Adds some taps to some blocks of all outputs.
    #[inline(always)]
    fn sweep<S: Simd>(&mut self, simd: S, blocks: Range<usize>, taps: Range<usize>) {
        let mut pixels = self.outputs.pixels();
        let mut left = self.outputs.height * self.outputs.width;
        while left > 0 {
            let rows = tile::rows_of_tile::<S>(left);
            let mut at = [(0, 0); MOST_ROWS];
            for (pixel, next) in at[..rows].iter_mut().zip(&mut pixels) {
                *pixel = next;
            }
            self.tile(simd, &at[..rows], blocks.clone(), taps.clone());
            left -= rows;
        }
    }

    /// The same for a tile of them.
    #[inline(always)]
    fn tile<S: Simd>(
        &mut self,
        simd: S,
        pixels: &[(usize, usize)],
        blocks: Range<usize>,
        taps: Range<usize>,
    ) {
        let conv = self.conv;
        let (first, end) = (blocks.start * BLOCK, conv.channels_out().min(blocks.end * BLOCK));
        let length = end - first;
        let mut targets = [0; MOST_ROWS];
        for (target, &(y, x)) in targets.iter_mut().zip(pixels) {
            *target = self.to.start_of(y, x) + first;
        }
        let targets = &targets[..pixels.len()];
        let (is_start, is_end) = (taps.start == 0, taps.end == conv.taps.len());
        if let (true, Start::Bias(bias)) = (is_start, self.start) {
            for &target in targets {
                self.to.data[target..target + length].copy_from_slice(&bias[first..end]);
            }
        }
        let fresh = is_start && matches!(self.start, Start::Zero);
        let terms =
            Pixels { conv, input: self.input, pixels, first_tap: taps.start, taps: taps.len(), first };
        if length.is_multiple_of(BLOCK) {
            let mut sums = Sums { data: self.to.data, rows: targets, block_stride: BLOCK, fresh };
            tile::accumulate(simd, &terms, &mut sums, 0, blocks.len());
        } else {
            // The last block is not full: its sums are kept aside, so that no neighbour is written over.
            const ROW: usize = GROUP * BLOCK;
            let mut aside = [0.0; MOST_ROWS * ROW];
            for (sums, &target) in aside.chunks_exact_mut(ROW).zip(targets) {
                sums[..length].copy_from_slice(&self.to.data[target..target + length]);
            }
            let rows: [usize; MOST_ROWS] = std::array::from_fn(|row| row * ROW);
            let rows = &rows[..pixels.len()];
            let mut sums = Sums { data: &mut aside, rows, block_stride: BLOCK, fresh };
            tile::accumulate(simd, &terms, &mut sums, 0, blocks.len());
            for (sums, &target) in aside.chunks_exact(ROW).zip(targets) {
                self.to.data[target..target + length].copy_from_slice(&sums[..length]);
            }
        }
        if is_end {
            for &target in targets {
                self.epilogue.apply(&mut self.to.data[target..target + length], first);
            }
        }
    }
}

/// Some taps at some pixels, the output channels counted from `first` on.
pub(super) struct Pixels<'a> {
    pub(super) conv: &'a Conv,
    pub(super) input: Map<'a>,
    pub(super) pixels: &'a [(usize, usize)],
    pub(super) first_tap: usize,
    pub(super) taps: usize,
    pub(super) first: usize,
}

impl Terms for Pixels<'_> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.taps
    }

    #[inline(always)]
    fn row(&self, term: usize, row: usize) -> &[f32] {
        let (y, x) = self.conv.read(self.first_tap + term, self.pixels[row]);
        self.input.pixel(y, x).unwrap_or(&self.conv.zeros)
    }

    #[inline(always)]
    fn panel(&self, term: usize, block: usize) -> &[f32] {
        self.conv.panels.panel(self.first_tap + term, self.first / BLOCK + block)
    }
}
