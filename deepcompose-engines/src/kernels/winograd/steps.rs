//! The three steps of a [`Winograd`](super::Winograd) convolution.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::epilogue::Epilogue;
use super::super::halves::Halves;
use super::super::map::{Map, MapMut, Rect};
use super::super::panels::Panels;
use super::super::tile::{self, BLOCK, MOST_ROWS, Sums, Terms, Weights};
use super::Addend;
use super::algorithm::{Algorithm, MOST};

/// Patches of the input to their points: `[patch][point][channel]`, `stride` numbers from a patch to the next.
pub(super) struct Inputs<'a, A> {
    pub(super) input: Map<'a>,
    pub(super) zeros: &'a [f32],
    pub(super) patches: Rect,
    pub(super) stride: usize,
    pub(super) to: &'a mut [f32],
    pub(super) algorithm: PhantomData<A>,
}

impl<A: Algorithm> WithSimd for Inputs<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.input.channels();
        for ((row, column), to) in self.patches.pixels().zip(self.to.chunks_exact_mut(self.stride)) {
            let mut pixels = [[self.zeros; MOST]; MOST];
            for (y, pixels) in pixels[..A::POINTS].iter_mut().enumerate() {
                for (x, pixel) in pixels[..A::POINTS].iter_mut().enumerate() {
                    let (y, x) = ((row * A::STEP + y) as isize - 1, (column * A::STEP + x) as isize - 1);
                    *pixel = self.input.pixel(y, x).unwrap_or(self.zeros);
                }
            }
            for channel in (0..channels).step_by(S::F32_LANES) {
                patch::<S, A>(simd, &pixels, channel, channels, to);
            }
        }
    }
}

/// A vector of channels of a patch.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "rows and columns of arrays change their places")]
fn patch<S: Simd, A: Algorithm>(
    simd: S,
    pixels: &[[&[f32]; MOST]; MOST],
    channel: usize,
    channels: usize,
    to: &mut [f32],
) {
    let zero = simd.splat_f32s(0.0);
    let mut between = [[zero; MOST]; MOST];
    for x in 0..A::POINTS {
        let mut column = [zero; MOST];
        for y in 0..A::POINTS {
            column[y] = load::<S>(pixels[y][x], channel);
        }
        let column = A::inputs(simd, column);
        for y in 0..A::POINTS {
            between[y][x] = column[y];
        }
    }
    for y in 0..A::POINTS {
        let row = A::inputs(simd, between[y]);
        for x in 0..A::POINTS {
            store::<S>(to, (y * A::POINTS + x) * channels + channel, row[x]);
        }
    }
}

/// Products at some points for some blocks of outputs: `[point][block][patch][16]`, of which `range` counts
/// `[point][block]`.
pub(super) struct Products<'a, W> {
    pub(super) weights: &'a W,
    /// Channels in.
    pub(super) depth: usize,
    /// Blocks of channels out.
    pub(super) blocks: usize,
    pub(super) points: &'a [f32],
    pub(super) stride: usize,
    pub(super) patches: usize,
    pub(super) range: Range<usize>,
    pub(super) to: &'a mut [f32],
}

/// Weights with a scale for what they are multiplied to, or none.
pub(super) trait Scaled: Weights {
    fn scales(&self, point: usize, block: usize) -> Option<&[f32]>;
}

impl Scaled for Panels {
    #[inline(always)]
    fn scales(&self, _point: usize, _block: usize) -> Option<&[f32]> {
        None
    }
}

impl Scaled for Halves {
    #[inline(always)]
    fn scales(&self, point: usize, block: usize) -> Option<&[f32]> {
        Some(self.scales(point, block))
    }
}

impl<W: Scaled> WithSimd for Products<'_, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (blocks, size) = (self.blocks, self.patches * BLOCK);
        let mut next = self.range.start;
        while next < self.range.end {
            let (point, block) = (next / blocks, next % blocks);
            // Two blocks at a time, where they are of the same point.
            let count = if block + 1 < blocks && next + 1 < self.range.end { 2 } else { 1 };
            let to = &mut self.to[(next - self.range.start) * size..][..count * size];
            let mut first = 0;
            while first < self.patches {
                let rows = tile::rows_of_tile::<S>(self.patches - first);
                let mut starts = [0; MOST_ROWS];
                for (row, start) in starts[..rows].iter_mut().enumerate() {
                    *start = (first + row) * BLOCK;
                }
                let points = &self.points[first * self.stride + point * self.depth..];
                let terms = AtPoint { weights: self.weights, points, stride: self.stride, point, block };
                let mut sums = Sums { data: to, rows: &starts[..rows], block_stride: size, fresh: true };
                tile::accumulate(simd, &terms, &mut sums, count);
                first += rows;
            }
            for (block, to) in (block..).zip(to.chunks_exact_mut(size)) {
                let Some(scales) = self.weights.scales(point, block) else { continue };
                for products in to.as_chunks_mut::<BLOCK>().0 {
                    products.iter_mut().zip(scales).for_each(|(product, scale)| *product *= scale);
                }
            }
            next += count;
        }
    }
}

/// One point of patches, the blocks of outputs counted from `block` on.
struct AtPoint<'a, W> {
    weights: &'a W,
    /// From the first patch's on.
    points: &'a [f32],
    stride: usize,
    point: usize,
    block: usize,
}

impl<W: Weights> Terms for AtPoint<'_, W> {
    type Weights = W;

    #[inline(always)]
    fn count(&self) -> usize {
        1
    }

    #[inline(always)]
    fn row(&self, _term: usize, row: usize) -> &[f32] {
        &self.points[row * self.stride..]
    }

    #[inline(always)]
    fn weights(&self, _term: usize) -> (&W, usize, usize) {
        (self.weights, self.point, self.block)
    }
}

/// Products to patches of the output. `products` are those of the patches in `all`.
pub(super) struct Outputs<'a, A> {
    pub(super) products: &'a [f32],
    pub(super) all: Rect,
    pub(super) patches: Rect,
    pub(super) addend: Addend<'a>,
    pub(super) epilogue: Epilogue<'a>,
    pub(super) to: MapMut<'a>,
    pub(super) algorithm: PhantomData<A>,
}

impl<A: Algorithm> WithSimd for Outputs<'_, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let count = self.all.height * self.all.width;
        let blocks = self.to.channels / BLOCK;
        for (row, column) in self.patches.pixels() {
            let patch = (row - self.all.top) * self.all.width + column - self.all.left;
            for channel in (0..self.to.channels).step_by(S::F32_LANES) {
                let (block, within) = (channel / BLOCK, channel % BLOCK);
                let start = (block * count + patch) * BLOCK + within;
                let outputs =
                    products_to_outputs::<S, A>(simd, &self.products[start..], blocks * count * BLOCK);
                self.write(simd, row * A::OUTPUTS, column * A::OUTPUTS, channel, &outputs);
            }
        }
    }
}

/// A vector of channels of a patch of outputs.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "rows and columns of arrays change their places")]
fn products_to_outputs<S: Simd, A: Algorithm>(
    simd: S,
    products: &[f32],
    stride: usize,
) -> [[S::f32s; MOST]; MOST] {
    let zero = simd.splat_f32s(0.0);
    let mut between = [[zero; MOST]; MOST];
    for x in 0..A::POINTS {
        let mut column = [zero; MOST];
        for y in 0..A::POINTS {
            column[y] = load::<S>(products, (y * A::POINTS + x) * stride);
        }
        let column = A::outputs(simd, column);
        for y in 0..A::OUTPUTS {
            between[y][x] = column[y];
        }
    }
    let mut outputs = [[zero; MOST]; MOST];
    for y in 0..A::OUTPUTS {
        outputs[y] = A::outputs(simd, between[y]);
    }
    outputs
}

impl<A: Algorithm> Outputs<'_, A> {
    #[inline(always)]
    fn write<S: Simd>(
        &mut self,
        simd: S,
        top: usize,
        left: usize,
        channel: usize,
        outputs: &[[S::f32s; MOST]; MOST],
    ) {
        for (y, outputs) in outputs[..A::OUTPUTS].iter().enumerate() {
            for (x, output) in outputs[..A::OUTPUTS].iter().enumerate() {
                if top + y >= self.to.height || left + x >= self.to.width {
                    continue;
                }
                let added = match self.addend {
                    Addend::Bias(bias) => load::<S>(bias, channel),
                    Addend::Map(map) => {
                        load::<S>(map, ((top + y) * self.to.width + left + x) * self.to.channels + channel)
                    }
                };
                let sum = simd.add_f32s(added, *output);
                let start = self.to.start_of(top + y, left + x) + channel;
                store::<S>(self.to.data, start, self.epilogue.of_vector(simd, sum, channel));
            }
        }
    }
}

#[inline(always)]
fn load<S: Simd>(numbers: &[f32], start: usize) -> S::f32s {
    S::as_simd_f32s(&numbers[start..start + S::F32_LANES]).0[0]
}

#[inline(always)]
fn store<S: Simd>(numbers: &mut [f32], start: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut numbers[start..start + S::F32_LANES]).0[0] = vector;
}
