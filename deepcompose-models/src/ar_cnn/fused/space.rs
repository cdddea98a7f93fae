//! The maps of a forward and a backward pass, kept between steps.

use super::conv::{Doubled, Kernel, Plain, Sums};
use super::map::Map;
use super::weights::{Conv, Weights};
use deepcompose_engines::training::Packed;
use rayon::prelude::*;

/// Maps by level from the outermost on; where there is one more, it is the bottleneck's.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// Batch, steps, pitches.
    shape: [usize; 3],
    pub(super) input: Map,
    /// What left the encoder's first and second convolution.
    pub(super) first: Vec<Map>,
    pub(super) second: Vec<Map>,
    /// The second halved, and some of it dropped.
    pub(super) halved: Vec<Map>,
    /// The same normalised, where it is.
    pub(super) normed: Vec<Option<Map>>,
    /// What a decoder level joins, normalised, where it is: that from below (before it is doubled) and the encoder's.
    pub(super) joined: Vec<Option<[Map; 2]>>,
    /// What left the first and the second convolution of the decoder, and of the bottleneck; of the second, some is dropped.
    pub(super) decoded_first: Vec<Map>,
    pub(super) decoded: Vec<Map>,
    pub(super) logits: Map,
    /// Gradients of what entered the ReLU of the decoder's second and of its first convolution.
    pub(super) d_second: Vec<Map>,
    pub(super) d_first: Vec<Map>,
    /// Gradients of what left the encoder's second convolution.
    pub(super) d_skip: Vec<Map>,
    /// Gradients of what was halved.
    pub(super) d_halved: Vec<Map>,
    pub(super) sums: Sums,
}

impl Space {
    /// Maps for a batch of this shape; those that are there, if they are.
    pub(super) fn fit(&mut self, weights: &Weights, shape: [usize; 3]) {
        if self.shape == shape && self.d_skip.len() == weights.levels() {
            return;
        }
        let [batch, steps, pitches] = shape;
        let levels = weights.levels();
        let map = |level: usize, channels: usize| Map::new(batch, steps >> level, pitches >> level, channels);
        let own = |level: usize| map(level, weights.channels(level));
        let below = |level: usize| map(level + 1, weights.channels(level));
        let each = |make: &dyn Fn(usize) -> Map, count: usize| (0..count).map(make).collect::<Vec<_>>();
        let joined = |level: usize| [map(level + 1, weights.channels(level + 1)), own(level)];
        *self = Self {
            shape,
            input: map(0, 1),
            first: each(&own, levels),
            second: each(&own, levels),
            halved: each(&below, levels),
            normed: weights
                .encoder_norms
                .iter()
                .enumerate()
                .map(|(l, n)| n.as_ref().map(|_| below(l)))
                .collect(),
            joined: weights
                .decoder_norms
                .iter()
                .enumerate()
                .map(|(l, n)| n.as_ref().map(|_| joined(l)))
                .collect(),
            decoded_first: each(&own, levels + 1),
            decoded: each(&own, levels + 1),
            logits: map(0, 1),
            d_second: each(&own, levels + 1),
            d_first: each(&own, levels + 1),
            d_skip: each(&own, levels),
            d_halved: each(&below, levels),
            sums: Sums::default(),
        };
    }

    /// What enters a level of the encoder, or the bottleneck.
    pub(super) fn entering(&self, level: usize) -> &Map {
        match level.checked_sub(1) {
            None => &self.input,
            Some(above) => self.normed[above].as_ref().unwrap_or(&self.halved[above]),
        }
    }
}

/// Weights packed for the passes of one step, read by all parts of the batch.
#[derive(Debug, Default)]
pub(super) struct Packs {
    /// Both convolutions of every level of the encoder and of the bottleneck.
    pub(super) encoder: Vec<[Plain; 2]>,
    pub(super) decoder: Vec<DecoderPacks>,
    pub(super) head: Packed,
    pub(super) head_back: Packed,
}

/// The convolutions of a level of the decoder.
#[derive(Debug, Default)]
pub(super) struct DecoderPacks {
    /// The part of the first for what comes from below, and that for what comes from the encoder.
    pub(super) doubled: Doubled,
    pub(super) skip: Plain,
    pub(super) second: Plain,
}

/// The parts of a decoder level's first kernel.
pub(super) fn parts<'a>(weights: &Weights, level: usize, conv: &'a Conv) -> [Kernel<'a>; 2] {
    let (below, own) = (weights.channels(level + 1), weights.channels(level));
    let whole = conv.kernel(below + own);
    [whole.part(0, below), whole.part(below, own)]
}

/// Inputs of the first convolution of a level of the encoder, or of the bottleneck.
pub(super) fn inputs(weights: &Weights, level: usize) -> usize {
    if level == 0 { 1 } else { weights.channels(level - 1) }
}

impl Packs {
    /// Packs the weights as they are now, on all threads.
    pub(super) fn pack(&mut self, weights: &Weights) {
        let parameters = &weights.parameters;
        self.encoder.resize_with(parameters.encoder.len(), Default::default);
        self.decoder.resize_with(parameters.decoder.len(), Default::default);
        let encoder = self.encoder.par_iter_mut().zip(&parameters.encoder).enumerate();
        let decoder = self.decoder.par_iter_mut().zip(&parameters.decoder).enumerate();
        rayon::join(
            || {
                encoder.for_each(|(level, ([first, second], from))| {
                    first.pack(from.first.kernel(inputs(weights, level)), level > 0);
                    second.pack(from.second.kernel(weights.channels(level)), true);
                });
            },
            || {
                decoder.for_each(|(level, (to, from))| {
                    let [below, own] = parts(weights, level, &from.first);
                    to.doubled.pack(below);
                    to.skip.pack(own, true);
                    to.second.pack(from.second.kernel(weights.channels(level)), true);
                });
            },
        );
        let (head, channels) = (&parameters.head.weight, weights.filters);
        self.head.pack_rows(head, channels, 1);
        self.head_back.pack_rows(head, 1, channels);
    }
}
