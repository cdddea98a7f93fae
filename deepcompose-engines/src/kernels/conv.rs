//! Direct convolution by taps, channels innermost.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::conv_call::ConvCall;
use super::epilogue::Start;
use super::map::{MapMut, check_length};
use super::panels::Panels;
use super::taps::{Pixels, Tap, Taps};
use super::tile::{self, BLOCK, MOST_ROWS, Sums};
use crate::EngineError;

/// Blocks that are worked on together: two vectors where a block is one.
const GROUP: usize = 2;

/// Bytes of weights that are used for all pixels before the next are read: they stay in the second-level cache.
const PANEL_BYTES: usize = 512 << 10;

/// A direct convolution: for every output pixel, the sum over taps of an input pixel's channels times a matrix.
///
/// Inputs and outputs are [`Map`](super::Map)s, `[height, width, channels]`; what a tap reads outside of the input is zero. Each
/// output is one sum, in the order of the taps and in each tap in the order of the channels.
///
/// ```
/// use deepcompose_engines::kernels::{Conv, ConvCall, Epilogue, Instructions, Map, MapMut, Rect, Start, Tap};
///
/// # fn main() -> Result<(), deepcompose_engines::EngineError> {
/// // The sum of the pixels left and right of each, in a map of one row, four columns and one channel.
/// let taps = [Tap { dy: 0, dx: -1 }, Tap { dy: 0, dx: 1 }];
/// let conv = Conv::new(&taps, 1, 1, 1, |_tap, _channel_in, _channel_out| 1.0)?;
/// let mut sums = [0.0; 4];
/// let call = ConvCall {
///     instructions: Instructions::detect(),
///     input: Map::new(&[1.0, 2.0, 4.0, 8.0], 1, 4, 1)?,
///     begin: Start::Zero,
///     epilogue: Epilogue::None,
///     outputs: Rect::whole(1, 4),
/// };
/// conv.run(call, MapMut::new(&mut sums, 1, 4, 1)?)?;
/// assert_eq!(sums, [2.0, 5.0, 10.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Conv {
    pub(super) taps: Taps,
    pub(super) panels: Panels,
}

impl Conv {
    /// Packs the weights: `weight(tap, channel in, channel out)`.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for no tap, channels that are not in 1..=2^16, a tap more than 2^20 pixels away, or a
    /// `stride` that is not in 1..=2^20.
    pub fn new(
        taps: &[Tap],
        stride: usize,
        channels_in: usize,
        channels_out: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Result<Self, EngineError> {
        check_channels(channels_in, channels_out)?;
        let taps = Taps::new(taps, stride, channels_in)?;
        let panels = Panels::pack(taps.count(), channels_in, channels_out, weight);
        Ok(Self { taps, panels })
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

    /// Computes the call's outputs on this thread and writes them to their places in `to`.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the input has other channels, if `begin` or `epilogue` hold lists of another length than
    /// the output's channels, or if an output has no place in `to`.
    pub fn run(&self, call: ConvCall<'_>, to: MapMut<'_>) -> Result<(), EngineError> {
        call.check(self.sizes(), &to)?;
        self.run_unchecked(call, to);
        Ok(())
    }

    /// [`run`](Self::run), the rows of the outputs shared among the threads of the current rayon pool.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_parallel(&self, call: ConvCall<'_>, to: MapMut<'_>) -> Result<(), EngineError> {
        call.check(self.sizes(), &to)?;
        // Of no pixels, a rectangle may lie anywhere and be of any height.
        if !call.outputs.is_empty() {
            self.split(call, to, rayon::current_num_threads());
        }
        Ok(())
    }

    pub(super) const fn sizes(&self) -> [usize; 2] {
        [self.channels_in(), self.channels_out()]
    }

    fn split(&self, call: ConvCall<'_>, to: MapMut<'_>, parts: usize) {
        let outputs = call.outputs;
        if parts <= 1 || outputs.height <= 1 {
            self.run_unchecked(call, to);
            return;
        }
        let parts_above = parts / 2;
        let (upper, lower) = outputs.split_rows((outputs.height * parts_above / parts).max(1));
        let (to_upper, to_lower) = to.split(lower.top);
        rayon::join(
            || self.split(ConvCall { outputs: upper, ..call }, to_upper, parts_above),
            || self.split(ConvCall { outputs: lower, ..call }, to_lower, parts - parts_above),
        );
    }

    fn run_unchecked(&self, call: ConvCall<'_>, to: MapMut<'_>) {
        if !call.outputs.is_empty() {
            call.instructions.run(Run { conv: self, call, to });
        }
    }
}

struct Run<'a> {
    conv: &'a Conv,
    call: ConvCall<'a>,
    to: MapMut<'a>,
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
        let mut pixels = self.call.outputs.pixels();
        let mut left = self.call.outputs.height * self.call.outputs.width;
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
        let (is_start, is_end) = (taps.start == 0, taps.end == conv.taps.count());
        if let (true, Start::Bias(bias)) = (is_start, self.call.begin) {
            for &target in targets {
                self.to.data[target..target + length].copy_from_slice(&bias[first..end]);
            }
        }
        let fresh = is_start && matches!(self.call.begin, Start::Zero);
        let terms = Pixels {
            taps: &conv.taps,
            weights: &conv.panels,
            input: self.call.input,
            outputs: pixels,
            first_tap: taps.start,
            count: taps.len(),
            block: blocks.start,
        };
        if length.is_multiple_of(BLOCK) {
            let mut sums = Sums { data: self.to.data, rows: targets, block_stride: BLOCK, fresh };
            tile::accumulate(simd, &terms, &mut sums, blocks.len());
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
            tile::accumulate(simd, &terms, &mut sums, blocks.len());
            for (sums, &target) in aside.chunks_exact(ROW).zip(targets) {
                self.to.data[target..target + length].copy_from_slice(&sums[..length]);
            }
        }
        if is_end {
            for &target in targets {
                self.call.epilogue.apply(&mut self.to.data[target..target + length], first);
            }
        }
    }
}

/// Checks the channels that go in and out.
pub(super) fn check_channels(channels_in: usize, channels_out: usize) -> Result<(), EngineError> {
    for (field, value) in [("channels_in", channels_in), ("channels_out", channels_out)] {
        if !(1..=1 << 16).contains(&value) {
            let (value, accepted) = (value.to_string(), "1..=65536".to_owned());
            return Err(EngineError::OutOfRange { field, value, accepted });
        }
    }
    Ok(())
}
