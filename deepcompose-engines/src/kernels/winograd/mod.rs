//! 3×3 convolutions with fewer multiplications: patches of the input are mapped to points, multiplied there, and the
//! products mapped to patches of the output.

mod algorithm;
mod steps;

use rayon::prelude::*;

use self::algorithm::{Algorithm, Doubled, Four, MOST, Two};
use self::steps::{Inputs, Outputs, Products};
use super::Instructions;
use super::epilogue::Epilogue;
use super::map::{Map, MapMut, Rect, check_length};
use super::panels::Panels;
use super::tile::BLOCK;
use crate::EngineError;

/// Which minimal filtering algorithm a [`Winograd`] convolution uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filtering {
    /// F(2×2, 3×3): 16 multiplications for 36.
    Two,
    /// F(4×4, 3×3): 36 multiplications for 144.
    Four,
    /// Of the input with every row and every column doubled (nearest upsampling by 2): 9 multiplications for 36.
    Doubled,
}

impl Filtering {
    /// Products of a patch.
    const fn points(self) -> usize {
        match self {
            Self::Two => Two::POINTS * Two::POINTS,
            Self::Four => Four::POINTS * Four::POINTS,
            Self::Doubled => Doubled::POINTS * Doubled::POINTS,
        }
    }

    /// Rows, and columns, of a patch of outputs.
    const fn outputs(self) -> usize {
        match self {
            Self::Two => Two::OUTPUTS,
            Self::Four => Four::OUTPUTS,
            Self::Doubled => Doubled::OUTPUTS,
        }
    }

    /// How many times as high and as wide the output is.
    const fn growth(self) -> usize {
        match self {
            Self::Two | Self::Four => 1,
            Self::Doubled => 2,
        }
    }

    fn weights(self, taps: [f64; 3]) -> [f64; MOST] {
        match self {
            Self::Two => Two::weights(taps),
            Self::Four => Four::weights(taps),
            Self::Doubled => Doubled::weights(taps),
        }
    }
}

/// What the sums of a [`Winograd`] convolution are added to.
#[derive(Debug, Clone, Copy)]
pub enum Addend<'a> {
    /// A number a channel.
    Bias(&'a [f32]),
    /// A map of the output's shape.
    Map(&'a [f32]),
}

/// A 3×3 convolution of stride 1 that keeps the size, outside of the input zero, by a [`Filtering`] algorithm.
///
/// Patches of outputs lie on a fixed grid, and each output is one sum in one order: so a part of the outputs,
/// computed alone, is to the bit what it is among all of them. Channels in and out are multiples of 16.
#[derive(Debug, Clone)]
pub struct Winograd {
    filtering: Filtering,
    panels: Panels,
    zeros: Vec<f32>,
}

/// Numbers of a batch of patches at their points and of their products: half of a second-level cache.
const BATCH: usize = (512 << 10) / size_of::<f32>();

/// Bytes of weights above which they are shared among the threads, and not the patches.
const SHARED_WEIGHTS: usize = 1 << 20;

impl Winograd {
    /// Packs the weights, `[out, in, 3, 3]` as burn and PyTorch have them.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for channels that are not multiples of 16 above zero, [`EngineError::Length`] for
    /// another number of weights.
    pub fn new(
        filtering: Filtering,
        weights: &[f32],
        channels_in: usize,
        channels_out: usize,
    ) -> Result<Self, EngineError> {
        for (field, value) in [("channels_in", channels_in), ("channels_out", channels_out)] {
            if value == 0 || !value.is_multiple_of(BLOCK) {
                let accepted = "a multiple of 16 above zero".to_owned();
                return Err(EngineError::OutOfRange { field, value: value.to_string(), accepted });
            }
        }
        check_length("the convolution's weights", weights.len(), &[channels_out, channels_in, 9])?;
        let side = filtering.points().isqrt();
        let panels = Panels::pack(filtering.points(), channels_in, channels_out, |point, from, to| {
            let taps = &weights[(to * channels_in + from) * 9..][..9];
            let row = |row: usize| std::array::from_fn(|column| f64::from(taps[row * 3 + column]));
            let rows: [f64; 3] = std::array::from_fn(|index| filtering.weights(row(index))[point % side]);
            filtering.weights(rows)[point / side] as f32
        });
        Ok(Self { filtering, panels, zeros: vec![0.0; channels_in] })
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

    /// Computes the outputs in `outputs`, and those that share a patch with one of them, and writes them to `to`, on
    /// the threads of the current rayon pool. Gives back what it wrote.
    ///
    /// `scratch` is made longer where it must be; with the same one for every call nothing is allocated after the
    /// first.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the channels of `input` or `to` are others, if `to` has not the size of the input (twice
    /// that with [`Filtering::Doubled`]) or is placed, if `outputs` is not inside, or for lists of another length
    /// in `addend` and `epilogue`.
    #[allow(clippy::too_many_arguments)]
    pub fn run(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        addend: Addend<'_>,
        epilogue: Epilogue<'_>,
        to: MapMut<'_>,
        outputs: Rect,
        scratch: &mut Vec<f32>,
    ) -> Result<Rect, EngineError> {
        self.check(input, addend, epilogue, &to, outputs)?;
        if outputs.is_empty() {
            return Ok(outputs);
        }
        let side = self.filtering.outputs();
        let patches = Rect::between(
            [outputs.top / side, outputs.left / side],
            [outputs.bottom().div_ceil(side), outputs.right().div_ceil(side)],
        );
        let written = Rect::between(
            [patches.top * side, patches.left * side],
            [to.height.min(patches.bottom() * side), to.width.min(patches.right() * side)],
        );
        let call = Call { conv: self, instructions, input, addend, epilogue };
        match self.filtering {
            Filtering::Two => call.run::<Two>(to, patches, scratch),
            Filtering::Four => call.run::<Four>(to, patches, scratch),
            Filtering::Doubled => call.run::<Doubled>(to, patches, scratch),
        }
        Ok(written)
    }

    fn check(
        &self,
        input: Map<'_>,
        addend: Addend<'_>,
        epilogue: Epilogue<'_>,
        to: &MapMut<'_>,
        outputs: Rect,
    ) -> Result<(), EngineError> {
        let growth = self.filtering.growth();
        let [height, width] = [input.height() * growth, input.width() * growth];
        for (field, value, accepted) in [
            ("input channels", input.channels(), self.channels_in()),
            ("output channels", to.channels, self.channels_out()),
            ("output rows", to.height, height),
            ("output columns", to.width, width),
        ] {
            if value != accepted {
                let (value, accepted) = (value.to_string(), accepted.to_string());
                return Err(EngineError::OutOfRange { field, value, accepted });
            }
        }
        if to.place != super::Placement::default() {
            let (value, accepted) = (format!("{:?}", to.place), "every output at its own place".to_owned());
            return Err(EngineError::OutOfRange { field: "placement", value, accepted });
        }
        match addend {
            Addend::Bias(bias) => check_length("the bias", bias.len(), &[self.channels_out()])?,
            Addend::Map(map) => check_length("the addend", map.len(), &[height, width, self.channels_out()])?,
        }
        epilogue.check(self.channels_out())?;
        if outputs.is_empty() { Ok(()) } else { to.check(outputs, self.channels_out()) }
    }
}

#[derive(Clone, Copy)]
struct Call<'a> {
    conv: &'a Winograd,
    instructions: Instructions,
    input: Map<'a>,
    addend: Addend<'a>,
    epilogue: Epilogue<'a>,
}

impl Call<'_> {
    fn run<A: Algorithm>(self, to: MapMut<'_>, patches: Rect, scratch: &mut Vec<f32>) {
        let panels = &self.conv.panels;
        let weights = panels.terms() * panels.depth() * panels.channels() * size_of::<f32>();
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
        patches * (self.patch_stride() + self.conv.panels.terms() * self.conv.channels_out())
    }

    /// Numbers from a patch's points to the next's: a cache line more than there are, so that rows of a tile do not
    /// all fall into the same set of a cache.
    fn patch_stride(&self) -> usize {
        self.conv.panels.terms() * self.conv.channels_in() + BLOCK
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
            self.instructions.run(self.inputs::<A>(batch, points));
            let blocks = self.conv.panels.blocks();
            let all = 0..self.conv.panels.terms() * blocks;
            self.instructions.run(self.products(points, count, all, products));
            self.instructions.run(self.outputs::<A>(products, batch, batch, to.reborrow()));
            left = rest;
        }
    }

    /// Every thread takes some points of all patches, so that each weight is read once.
    fn share_weights<A: Algorithm>(self, to: MapMut<'_>, patches: Rect, scratch: &mut [f32]) {
        let count = patches.height * patches.width;
        let (points, products) = scratch.split_at_mut(count * self.patch_stride());
        points.par_chunks_mut(patches.width * self.patch_stride()).enumerate().for_each(|(row, points)| {
            let row = Rect { top: patches.top + row, height: 1, ..patches };
            self.instructions.run(self.inputs::<A>(row, points));
        });
        let blocks = self.conv.panels.blocks();
        let at_once = if blocks.is_multiple_of(2) { 2 } else { 1 };
        let points = &*points;
        products.par_chunks_mut(at_once * count * BLOCK).enumerate().for_each(|(index, products)| {
            let range = index * at_once..(index + 1) * at_once;
            self.instructions.run(self.products(points, count, range, products));
        });
        self.share_outputs::<A>(products, patches, patches, to);
    }

    fn share_outputs<A: Algorithm>(self, products: &[f32], all: Rect, patches: Rect, to: MapMut<'_>) {
        if patches.height <= 1 {
            self.instructions.run(self.outputs::<A>(products, all, patches, to));
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
        let (input, zeros) = (self.input, &self.conv.zeros[..]);
        Inputs { input, zeros, patches, stride: self.patch_stride(), to, algorithm: std::marker::PhantomData }
    }

    fn products<'b>(
        &'b self,
        points: &'b [f32],
        patches: usize,
        range: std::ops::Range<usize>,
        to: &'b mut [f32],
    ) -> Products<'b> {
        Products { panels: &self.conv.panels, points, stride: self.patch_stride(), patches, range, to }
    }

    fn outputs<'b, A: Algorithm>(
        &'b self,
        products: &'b [f32],
        all: Rect,
        patches: Rect,
        to: MapMut<'b>,
    ) -> Outputs<'b, A> {
        let (addend, epilogue) = (self.addend, self.epilogue);
        Outputs { products, all, patches, addend, epilogue, to, algorithm: std::marker::PhantomData }
    }
}

/// The first `length` numbers, after making room for them.
fn longer(scratch: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    &mut scratch[..length]
}
