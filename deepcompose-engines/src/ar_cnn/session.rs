//! Activations that are kept from roll to roll.

use std::sync::Arc;

use super::dirty::{grown, halved, merge};
use super::engine::Prepared;
use super::layers::{Layer, filled};
use super::pointwise::{Normalize, Pool};
use crate::EngineError;
use crate::kernels::{Addend, ConvCall, Epilogue, Instructions, Map, MapMut, Rect, check_length};

/// One roll's activations, for asking again after an edit.
///
/// It takes 24 MB with the reference sizes and two threads ([`bytes`](Self::bytes) tells how much), a third of it for work
/// in between. A clone goes its own way from the same
/// roll on.
#[derive(Debug, Clone)]
pub struct ArCnnSession {
    prepared: Arc<Prepared>,
    /// The last roll, a number a cell.
    roll: Vec<f32>,
    levels: Vec<Kept>,
    bottleneck: [Vec<f32>; 2],
    logits: Vec<f32>,
    work: Work,
    /// Whether the activations are those of `roll`.
    is_valid: bool,
}

/// What is kept of a level of the encoder: maps of its size, `pooled` of the next.
#[derive(Debug, Clone)]
struct Kept {
    hidden: Vec<f32>,
    activation: Vec<f32>,
    /// The activation as the decoder's convolution takes it; empty where that is the activation itself.
    joined: Vec<f32>,
    /// Half of the sums of the decoder's first convolution.
    sums: Vec<f32>,
    pooled: Vec<f32>,
}

/// What is written before it is read in every pass.
#[derive(Debug, Clone)]
struct Work {
    /// Two maps, of the largest size.
    maps: [Vec<f32>; 2],
    /// The kernels'.
    scratch: Vec<f32>,
}

impl ArCnnSession {
    pub(super) fn new(prepared: Arc<Prepared>) -> Self {
        let sizes = prepared.sizes;
        let numbers = |level: usize, channels: usize| {
            let [height, width] = sizes.map(level);
            height * width * filled(channels)
        };
        let levels = prepared.layers.levels.iter().enumerate().map(|(level, layers)| {
            let map = || vec![0.0; numbers(level, sizes.channels(level))];
            Kept {
                hidden: map(),
                activation: map(),
                joined: if layers.joined.is_some() { map() } else { Vec::new() },
                sums: map(),
                pooled: vec![0.0; numbers(level + 1, sizes.channels(level))],
            }
        });
        let levels: Vec<Kept> = levels.collect();
        let bottleneck = || vec![0.0; numbers(sizes.levels, sizes.channels(sizes.levels))];
        let largest =
            (0..=sizes.levels).map(|level| numbers(level, sizes.channels(level))).max().unwrap_or(0);
        Self {
            roll: vec![0.0; sizes.steps * sizes.pitches],
            levels,
            bottleneck: [bottleneck(), bottleneck()],
            logits: vec![0.0; sizes.steps * sizes.pitches],
            work: Work { maps: [vec![0.0; largest], vec![0.0; largest]], scratch: Vec::new() },
            is_valid: false,
            prepared,
        }
    }

    /// The logits of a roll, `[steps, pitches]` both.
    ///
    /// # Errors
    ///
    /// [`EngineError::Length`] if `roll` has not `steps × pitches` cells.
    pub fn logits(&mut self, roll: &[bool]) -> Result<&[f32], EngineError> {
        let sizes = self.prepared.sizes;
        check_length("the roll", roll.len(), &[sizes.steps, sizes.pitches])?;
        let changed = self.take(roll);
        let whole = Rect::whole(sizes.steps, sizes.pitches);
        let is_first = !self.is_valid;
        let dirty = if is_first { whole } else { changed };
        if !dirty.is_empty() {
            // Until the pass is through, what is kept is of no roll.
            self.is_valid = false;
            if self.encode(dirty, is_first)? {
                self.decode()?;
            }
            self.is_valid = true;
        }
        Ok(&self.logits)
    }

    /// Bytes that the session holds beside the shared weights. The first pass makes room to work on a whole roll; a later
    /// one, over a part of it or with more threads, may make somewhat more.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let kept = self.levels.iter().flat_map(|Kept { hidden, activation, joined, sums, pooled }| {
            [hidden, activation, joined, sums, pooled]
        });
        let others = [&self.roll, &self.logits, &self.work.scratch];
        let lists = kept.chain(&self.bottleneck).chain(&self.work.maps).chain(others);
        lists.map(|list| list.capacity() * size_of::<f32>()).sum()
    }

    /// Keeps the roll. Gives back the rectangle that holds all cells that changed.
    fn take(&mut self, roll: &[bool]) -> Rect {
        let width = self.prepared.sizes.pitches;
        let (mut first, mut end) = ([usize::MAX; 2], [0; 2]);
        for (row, (kept, given)) in
            self.roll.chunks_exact_mut(width).zip(roll.chunks_exact(width)).enumerate()
        {
            for (column, (kept, &is_on)) in kept.iter_mut().zip(given).enumerate() {
                let number = if is_on { 1.0 } else { 0.0 };
                if *kept != number {
                    *kept = number;
                    first = [first[0].min(row), first[1].min(column)];
                    end = [row + 1, end[1].max(column + 1)];
                }
            }
        }
        if end[0] == 0 { Rect::whole(0, 0) } else { Rect::between(first, end) }
    }

    /// Brings the encoder and the bottleneck up to date. Gives back whether anything changed that the decoder sees.
    fn encode(&mut self, mut dirty: Rect, is_first: bool) -> Result<bool, EngineError> {
        let Self { prepared, roll, levels, bottleneck, work, .. } = self;
        let Prepared { sizes, layers, instructions } = &**prepared;
        let mut is_changed = false;
        let mut update = Update { instructions: *instructions, work, is_first };
        let mut input: (&[f32], usize) = (roll, 1);
        for (level, (kept, layers)) in levels.iter_mut().zip(&layers.levels).enumerate() {
            let (map, channels) = (sizes.map(level), filled(sizes.channels(level)));
            let entering = Map::new(input.0, map[0], map[1], input.1)?;
            dirty = update.layer(&layers.conv1, entering, &mut kept.hidden, grown(dirty, map))?;
            let hidden = Map::new(&kept.hidden, map[0], map[1], channels)?;
            dirty = update.layer(&layers.conv2, hidden, &mut kept.activation, grown(dirty, map))?;
            if !dirty.is_empty() {
                is_changed = true;
                let joined = match &layers.joined {
                    Some(affine) => {
                        let (from, to) = (&kept.activation[..], &mut kept.joined[..]);
                        instructions.run(Normalize { from, affine, rect: dirty, width: map[1], to });
                        &kept.joined
                    }
                    None => &kept.activation,
                };
                let joined = Map::new(joined, map[0], map[1], channels)?;
                let to = MapMut::new(&mut kept.sums, map[0], map[1], channels)?;
                layers.skip.run(*instructions, joined, to, grown(dirty, map), &mut update.work.scratch)?;
            }
            let rect = halved(dirty);
            let width = map[1] / 2;
            let fresh = &mut update.work.maps[0];
            let affine = layers.pooled.as_ref();
            instructions.run(Pool { from: &kept.activation, affine, rect, width, channels, to: fresh });
            dirty = update.merge(&mut kept.pooled, rect, width, channels);
            input = (&kept.pooled, channels);
        }
        let map = sizes.map(sizes.levels);
        let [hidden, last] = bottleneck;
        let entering = Map::new(input.0, map[0], map[1], input.1)?;
        dirty = update.layer(&layers.bottleneck[0], entering, hidden, grown(dirty, map))?;
        let hidden = Map::new(hidden, map[0], map[1], filled(sizes.channels(sizes.levels)))?;
        dirty = update.layer(&layers.bottleneck[1], hidden, last, grown(dirty, map))?;
        Ok(is_changed || !dirty.is_empty())
    }

    fn decode(&mut self) -> Result<(), EngineError> {
        let Self { prepared, levels, bottleneck, logits, work, .. } = self;
        let Prepared { sizes, layers, instructions } = &**prepared;
        let Work { maps: [sums, result], scratch } = work;
        let mut is_inner = true;
        for (level, (kept, layers)) in levels.iter().zip(&layers.levels).enumerate().rev() {
            let ([height, width], channels) = (sizes.map(level), filled(sizes.channels(level)));
            let below = filled(sizes.channels(level + 1));
            let inner: &[f32] = if is_inner { &bottleneck[1] } else { &result[..height * width / 4 * below] };
            is_inner = false;
            let (whole, numbers) = (Rect::whole(height, width), height * width * channels);
            let to = MapMut::new(&mut sums[..numbers], height, width, channels)?;
            let inner = Map::new(inner, height / 2, width / 2, below)?;
            let call = ConvCall {
                instructions: *instructions,
                input: inner,
                begin: Addend::Map(&kept.sums),
                epilogue: Epilogue::Relu,
                outputs: whole,
            };
            layers.up.run(call, to, scratch)?;
            let to = MapMut::new(&mut result[..numbers], height, width, channels)?;
            let from = Map::new(&sums[..numbers], height, width, channels)?;
            layers.last.run(*instructions, from, to, whole, scratch)?;
        }
        let numbers = logits.len() * layers.head.weight.len();
        layers.head.run(*instructions, &result[..numbers], logits);
        Ok(())
    }
}

/// Layers of the encoder, brought up to date.
struct Update<'a> {
    instructions: Instructions,
    work: &'a mut Work,
    /// Nothing is kept yet.
    is_first: bool,
}

impl Update<'_> {
    /// Computes a rectangle of a layer's result. Gives back what of it changed.
    fn layer(
        &mut self,
        layer: &Layer,
        input: Map<'_>,
        kept: &mut [f32],
        rect: Rect,
    ) -> Result<Rect, EngineError> {
        let (height, width) = (input.height(), input.width());
        let channels = kept.len() / (height * width);
        let Work { maps: [fresh, _], scratch } = &mut *self.work;
        let to = MapMut::new(&mut fresh[..kept.len()], height, width, channels)?;
        let rect = layer.run(self.instructions, input, to, rect, scratch)?;
        Ok(self.merge(kept, rect, width, channels))
    }

    fn merge(&mut self, kept: &mut [f32], rect: Rect, width: usize, channels: usize) -> Rect {
        let changed = merge(kept, &self.work.maps[0], rect, width, channels);
        if self.is_first { rect } else { changed }
    }
}
