//! One call of a [`Winograd`] convolution: its steps, and how the threads share them.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::super::conv_call::ConvCall;
use super::super::map::{MapMut, Rect};
use super::super::tile::BLOCK;
use super::algorithm::Algorithm;
use super::steps::{Inputs, Outputs, Products, Scaled};
use super::{Addend, Stored, Winograd};

/// Numbers of a batch of patches at their points and of their products: half of a second-level cache.
const BATCH: usize = (512 << 10) / size_of::<f32>();

/// Bytes of weights above which they are shared among the threads, and not the patches.
const SHARED_WEIGHTS: usize = 1 << 20;

/// What it is called with.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) conv: &'a Winograd,
    pub(super) with: ConvCall<'a, Addend<'a>>,
}

impl Call<'_> {
    pub(super) fn run<A: Algorithm>(self, to: MapMut<'_>, patches: Rect, scratch: &mut Vec<f32>) {
        let conv = self.conv;
        let weights = conv.filtering.points() * conv.channels_in() * conv.channels_out() * size_of::<f32>();
        let threads = rayon::current_num_threads();
        if weights > SHARED_WEIGHTS && threads > 1 {
            let length = self.numbers(patches.height * patches.width);
            self.share_weights::<A>(to, patches, longer(scratch, length));
        } else {
            let parts = threads.min(patches.height);
            let rows = self.rows_at_once(patches).min(patches.height.div_ceil(parts));
            let each = self.numbers(rows * patches.width);
            self.share_patches::<A>(to, patches, rows, longer(scratch, parts * each), parts);
        }
    }

    /// Numbers at the points, and products, of so many patches.
    fn numbers(&self, patches: usize) -> usize {
        patches * (self.patch_stride() + self.conv.filtering.points() * self.conv.channels_out())
    }

    /// Numbers from a patch's points to the next's: a cache line more than there are, so that rows of a tile do not
    /// all fall into the same set of a cache.
    fn patch_stride(&self) -> usize {
        self.conv.filtering.points() * self.conv.channels_in() + BLOCK
    }

    fn rows_at_once(&self, patches: Rect) -> usize {
        (BATCH / self.numbers(patches.width)).max(1)
    }

    /// Every thread takes some rows of patches through all steps, some rows at a time.
    fn share_patches<A: Algorithm>(
        self,
        to: MapMut<'_>,
        patches: Rect,
        rows: usize,
        scratch: &mut [f32],
        parts: usize,
    ) {
        if parts > 1 {
            let above = patches.height * (parts / 2) / parts;
            let (upper, lower) = patches.split_rows(above);
            let (to_upper, to_lower) = to.split(lower.top * A::OUTPUTS);
            let (scratch_upper, scratch_lower) = scratch.split_at_mut(scratch.len() / parts * (parts / 2));
            rayon::join(
                || self.share_patches::<A>(to_upper, upper, rows, scratch_upper, parts / 2),
                || self.share_patches::<A>(to_lower, lower, rows, scratch_lower, parts - parts / 2),
            );
            return;
        }
        let (mut left, mut to) = (patches, to);
        while left.height > 0 {
            let (batch, rest) = left.split_rows(rows.min(left.height));
            let count = batch.height * batch.width;
            let (points, products) = scratch[..self.numbers(count)].split_at_mut(count * self.patch_stride());
            self.with.instructions.run(self.inputs::<A>(batch, points));
            let all = 0..self.conv.filtering.points() * self.conv.blocks();
            self.products(points, count, all, products);
            self.with.instructions.run(self.outputs::<A>(products, batch, batch, to.reborrow()));
            left = rest;
        }
    }

    /// Every thread takes some points of all patches, so that each weight is read once.
    fn share_weights<A: Algorithm>(self, to: MapMut<'_>, patches: Rect, scratch: &mut [f32]) {
        let count = patches.height * patches.width;
        let (points, products) = scratch.split_at_mut(count * self.patch_stride());
        points.par_chunks_mut(patches.width * self.patch_stride()).enumerate().for_each(|(row, points)| {
            let row = Rect { top: patches.top + row, height: 1, ..patches };
            self.with.instructions.run(self.inputs::<A>(row, points));
        });
        let at_once = if self.conv.blocks().is_multiple_of(2) { 2 } else { 1 };
        let points = &*points;
        products.par_chunks_mut(at_once * count * BLOCK).enumerate().for_each(|(index, products)| {
            let range = index * at_once..(index + 1) * at_once;
            self.products(points, count, range, products);
        });
        self.share_outputs::<A>(products, patches, patches, to);
    }

    fn share_outputs<A: Algorithm>(self, products: &[f32], all: Rect, patches: Rect, to: MapMut<'_>) {
        if patches.height <= 1 {
            self.with.instructions.run(self.outputs::<A>(products, all, patches, to));
            return;
        }
        let (upper, lower) = patches.split_rows(patches.height / 2);
        let (to_upper, to_lower) = to.split(lower.top * A::OUTPUTS);
        rayon::join(
            || self.share_outputs::<A>(products, all, upper, to_upper),
            || self.share_outputs::<A>(products, all, lower, to_lower),
        );
    }

    fn inputs<'b, A: Algorithm>(&'b self, patches: Rect, to: &'b mut [f32]) -> Inputs<'b, A> {
        let (input, zeros) = (self.with.input, &self.conv.zeros[..]);
        Inputs { input, zeros, patches, stride: self.patch_stride(), to, algorithm: PhantomData }
    }

    fn products(self, points: &[f32], patches: usize, range: Range<usize>, to: &mut [f32]) {
        match &self.conv.stored {
            Stored::Floats(weights) => self.products_with(weights, points, patches, range, to),
            Stored::Halves(weights) => self.products_with(weights, points, patches, range, to),
        }
    }

    fn products_with<W: Scaled>(
        self,
        weights: &W,
        points: &[f32],
        patches: usize,
        range: Range<usize>,
        to: &mut [f32],
    ) {
        let (stride, depth, blocks) = (self.patch_stride(), self.conv.channels_in(), self.conv.blocks());
        self.with.instructions.run(Products { weights, depth, blocks, points, stride, patches, range, to });
    }

    fn outputs<'b, A: Algorithm>(
        &'b self,
        products: &'b [f32],
        all: Rect,
        patches: Rect,
        to: MapMut<'b>,
    ) -> Outputs<'b, A> {
        let (addend, epilogue) = (self.with.begin, self.with.epilogue);
        Outputs { products, all, patches, addend, epilogue, to, algorithm: PhantomData }
    }
}

/// The first `length` numbers, after making room for them.
fn longer(scratch: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    &mut scratch[..length]
}
