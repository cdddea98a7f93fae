//! A direct convolution with the threads sharing the output channels, for small maps of many channels.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::conv::Pixels;
use super::tile::{self, BLOCK, MOST_ROWS, Sums};
use super::{Conv, Epilogue, Instructions, Map, MapMut, Rect, Start};
use crate::EngineError;

impl Conv {
    /// [`run`](Self::run), the channels of the outputs shared among the threads of the current rayon pool: each weight
    /// is read once, and taps that lie outside of the input cost nothing. Right for few pixels with many channels.
    ///
    /// `scratch` is made longer where it must be; with the same one for every call nothing is allocated after the
    /// first. The results are to the bit those of [`run`](Self::run), save that a zero may have the other sign.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    #[allow(clippy::too_many_arguments)]
    pub fn run_by_channels(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        start: Start<'_>,
        epilogue: Epilogue<'_>,
        to: MapMut<'_>,
        outputs: Rect,
        scratch: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        self.check(input, start, epilogue, &to, outputs)?;
        let count = outputs.height * outputs.width;
        if count == 0 {
            return Ok(());
        }
        let blocks = self.channels_out().div_ceil(BLOCK);
        let length = blocks * count * BLOCK;
        if scratch.len() < length {
            scratch.resize(length, 0.0);
        }
        let target = &to;
        scratch[..length].par_chunks_mut(2 * count * BLOCK).enumerate().for_each(|(index, sums)| {
            let blocks = 2 * index..blocks.min(2 * index + 2);
            for (block, sums) in blocks.clone().zip(sums.chunks_exact_mut(count * BLOCK)) {
                for (sums, (y, x)) in sums.chunks_exact_mut(BLOCK).zip(outputs.pixels()) {
                    let channels = block * BLOCK..self.channels_out().min((block + 1) * BLOCK);
                    let sums = &mut sums[..channels.len()];
                    match start {
                        Start::Zero => sums.fill(0.0),
                        Start::Bias(bias) => sums.copy_from_slice(&bias[channels]),
                        Start::Sums => {
                            let first = target.start_of(y, x);
                            sums.copy_from_slice(&target.data[first + channels.start..first + channels.end]);
                        }
                    }
                }
            }
            instructions.run(Blocks { conv: self, input, outputs, blocks, sums });
        });
        for (pixel, (y, x)) in outputs.pixels().enumerate() {
            let first = to.start_of(y, x);
            let pixel_sums = scratch[pixel * BLOCK..].chunks(count * BLOCK);
            for (block, sums) in pixel_sums.take(blocks).enumerate() {
                let channels = block * BLOCK..self.channels_out().min((block + 1) * BLOCK);
                let data = &mut to.data[first + channels.start..first + channels.end];
                data.copy_from_slice(&sums[..channels.len()]);
                epilogue.apply(data, channels.start);
            }
        }
        Ok(())
    }
}

/// Two blocks of the outputs, or one: `[block][pixel][16]`.
struct Blocks<'a> {
    conv: &'a Conv,
    input: Map<'a>,
    outputs: Rect,
    blocks: Range<usize>,
    sums: &'a mut [f32],
}

impl WithSimd for Blocks<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for tap in 0..self.conv.taps().len() {
            // The pixels for which the tap is inside of the input, some at a time.
            let (mut at, mut starts, mut held) = ([(0, 0); MOST_ROWS], [0; MOST_ROWS], 0);
            for (index, (y, x)) in self.outputs.pixels().enumerate() {
                if !self.conv.is_inside(self.input, tap, (y, x)) {
                    continue;
                }
                (at[held], starts[held]) = ((y, x), index * BLOCK);
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

impl Blocks<'_> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, tap: usize, pixels: &[(usize, usize)], starts: &[usize]) {
        let first = self.blocks.start * BLOCK;
        let terms = Pixels { conv: self.conv, input: self.input, pixels, first_tap: tap, taps: 1, first };
        let block_stride = self.outputs.height * self.outputs.width * BLOCK;
        let mut sums = Sums { data: self.sums, rows: starts, block_stride, fresh: false };
        tile::accumulate(simd, &terms, &mut sums, 0, self.blocks.len());
    }
}
