//! A direct convolution with the threads sharing the output channels, for small maps of many channels.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::conv::check_channels;
use super::halves::Halves;
use super::map::check_length;
use super::taps::{Pixels, Taps};
use super::tile::{self, BLOCK, MOST_ROWS, Sums, Weights};
use super::{Conv, ConvCall, Map, MapMut, Rect, Start, Tap};
use crate::EngineError;

impl Conv {
    /// [`run`](Self::run), the channels of the outputs shared among the threads of the current rayon pool: each weight
    /// is read once, and taps that lie outside of the input cost nothing. Right for few pixels with many channels.
    ///
    /// `scratch` is made longer where it must be; a call of no more outputs than one before allocates nothing. What the
    /// sums start from is added last, so that the results are not to the bit those of [`run`](Self::run); they are the
    /// same with all instructions and any number of threads.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_by_channels(
        &self,
        call: ConvCall<'_>,
        to: MapMut<'_>,
        scratch: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        call.check(self.sizes(), &to)?;
        if call.outputs.is_empty() {
            return Ok(());
        }
        Sum { call, taps: &self.taps, weights: &self.panels }.run(self.channels_out(), scratch);
        finish(call, to, self.channels_out(), scratch, |sum, _| sum);
        Ok(())
    }
}

/// A 3×3 convolution of stride 1 that keeps the size, outside of the input zero, with weights of 16 bits: for few
/// pixels with many channels, where it takes longest to read the weights.
///
/// Each weight is rounded to a step of a scale of its output channel, 1/32 767 of that channel's largest weight. The
/// threads share the channels as in [`Conv::run_by_channels`].
#[derive(Debug, Clone)]
pub struct CompactConv {
    taps: Taps,
    halves: Halves,
}

impl CompactConv {
    /// Packs the weights, `[out, in, 3, 3]` as burn and PyTorch have them.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for channels that are not in 1..=2^16, [`EngineError::Length`] for another number of weights.
    pub fn square(weights: &[f32], channels_in: usize, channels_out: usize) -> Result<Self, EngineError> {
        check_length("the convolution's weights", weights.len(), &[channels_out, channels_in, 9])?;
        check_channels(channels_in, channels_out)?;
        let halves = Halves::pack(9, channels_in, channels_out, true, |tap, from, to| {
            weights[(to * channels_in + from) * 9 + tap]
        });
        Ok(Self { taps: Taps::new(&Tap::SQUARE, 1, channels_in)?, halves })
    }

    /// Computes the call's outputs and writes them to their places in `to`.
    ///
    /// # Errors
    ///
    /// As [`Conv::run`].
    pub fn run(&self, call: ConvCall<'_>, to: MapMut<'_>, scratch: &mut Vec<f32>) -> Result<(), EngineError> {
        let channels = self.halves.channels();
        call.check([self.halves.depth(), channels], &to)?;
        if call.outputs.is_empty() {
            return Ok(());
        }
        Sum { call, taps: &self.taps, weights: &self.halves }.run(channels, scratch);
        let scaled = |sum: f32, channel: usize| sum * self.halves.scales(0, channel / BLOCK)[channel % BLOCK];
        finish(call, to, channels, scratch, scaled);
        Ok(())
    }
}

/// The sums of all terms of one pixel or more, the threads sharing the channels.
struct Sum<'a, W> {
    call: ConvCall<'a>,
    taps: &'a Taps,
    weights: &'a W,
}

impl<W: Weights + Sync> Sum<'_, W> {
    /// Writes them to `scratch`: `[block][pixel][16]`.
    fn run(&self, channels: usize, scratch: &mut Vec<f32>) {
        let ConvCall { instructions, input, outputs, .. } = self.call;
        let (blocks, count) = (channels.div_ceil(BLOCK), outputs.height * outputs.width);
        let length = blocks * count * BLOCK;
        if scratch.len() < length {
            scratch.resize(length, 0.0);
        }
        scratch[..length].par_chunks_mut(2 * count * BLOCK).enumerate().for_each(|(index, sums)| {
            sums.fill(0.0);
            let blocks = 2 * index..blocks.min(2 * index + 2);
            let Self { taps, weights, .. } = *self;
            instructions.run(Blocks { taps, weights, input, outputs, blocks, sums });
        });
    }
}

/// Writes sums, each with what it starts from, to their places.
fn finish(
    call: ConvCall<'_>,
    to: MapMut<'_>,
    channels: usize,
    sums: &[f32],
    scaled: impl Fn(f32, usize) -> f32,
) {
    let ConvCall { begin, epilogue, outputs, .. } = call;
    let count = outputs.height * outputs.width;
    for (pixel, (y, x)) in outputs.pixels().enumerate() {
        let first = to.start_of(y, x);
        for block in 0..channels.div_ceil(BLOCK) {
            let range = block * BLOCK..channels.min((block + 1) * BLOCK);
            let data = &mut to.data[first + range.start..first + range.end];
            let sums = &sums[(block * count + pixel) * BLOCK..];
            for ((to, &sum), channel) in data.iter_mut().zip(sums).zip(range.clone()) {
                let sum = scaled(sum, channel);
                *to = match begin {
                    Start::Zero => sum,
                    Start::Bias(bias) => bias[channel] + sum,
                    Start::Sums => *to + sum,
                };
            }
            epilogue.apply(data, range.start);
        }
    }
}

/// Two blocks of the outputs, or one: `[block][pixel][16]`.
struct Blocks<'a, W> {
    taps: &'a Taps,
    weights: &'a W,
    input: Map<'a>,
    outputs: Rect,
    blocks: Range<usize>,
    sums: &'a mut [f32],
}

impl<W: Weights> WithSimd for Blocks<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for tap in 0..self.taps.count() {
            // The pixels for which the tap is inside of the input, some at a time.
            let (mut at, mut starts, mut held) = ([(0, 0); MOST_ROWS], [0; MOST_ROWS], 0);
            for (index, output) in self.outputs.pixels().enumerate() {
                if self.taps.read(self.input, tap, output).is_none() {
                    continue;
                }
                (at[held], starts[held]) = (output, index * BLOCK);
                held += 1;
                if held == tile::rows_of_tile::<S>(MOST_ROWS) {
                    self.add(simd, tap, &at[..held], &starts[..held]);
                    held = 0;
                }
            }
            let mut first = 0;
            while first < held {
                let end = first + tile::rows_of_tile::<S>(held - first);
                self.add(simd, tap, &at[first..end], &starts[first..end]);
                first = end;
            }
        }
    }
}

impl<W: Weights> Blocks<'_, W> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, tap: usize, outputs: &[(usize, usize)], starts: &[usize]) {
        let Self { taps, weights, input, .. } = *self;
        let block = self.blocks.start;
        let terms = Pixels { taps, weights, input, outputs, first_tap: tap, count: 1, block };
        let block_stride = self.outputs.height * self.outputs.width * BLOCK;
        let mut sums = Sums { data: self.sums, rows: starts, block_stride, fresh: false };
        tile::accumulate(simd, &terms, &mut sums, self.blocks.len());
    }
}
