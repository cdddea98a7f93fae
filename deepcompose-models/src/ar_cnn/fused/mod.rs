//! Loss and gradient of a batch in a hand-written forward and backward pass, for the CPU.
//!
//! Recorded differentiation on a CPU spends most of a step in the gradients of the kernels, and in copies between the
//! order that tensors have and the order that convolutions want. Here maps have their channels innermost from the
//! first to the last convolution, and stay where they are between steps; the doubled maps and the concatenations are
//! never made. The result is that of [`ArCnn::forward_training`](super::ArCnn), [`edit_loss`](super::edit_loss) and
//! `backward`, which the tests hold it to, with what is dropped drawn from the same numbers in the same order.
//!
//! | file | what |
//! |---|---|
//! | `pass` | the two passes |
//! | `space` | the maps, and the packed weights |
//! | `map` | a map with its border, work on its rows, sums over them |
//! | `conv` | convolutions and their gradients |
//! | `norm` | batch normalisation and its gradient |
//! | `loss` | the loss and its gradient |
//! | `weights` | from burn's parameters, and back to its gradients and running statistics |
//!
//! No result depends on the number of threads: each number is summed in an order that the sizes alone give.

mod conv;
#[cfg(test)]
mod differences;
mod loss;
mod map;
mod norm;
mod pass;
mod space;
#[cfg(test)]
mod tests;
mod weights;

use std::sync::{Mutex, PoisonError};

use burn::tensor::Tensor;
use deepcompose_engines::training::Instructions;
use rand_chacha::ChaCha8Rng;

use self::pass::Pass;
use self::space::{Packs, Space};
pub(crate) use self::weights::{Gradient, Statistics, Weights};
use super::{ArCnn, EditBatch};

/// What is kept from step to step: room for each part of a batch, and for packed weights.
#[derive(Debug)]
pub(crate) struct Fused {
    instructions: Instructions,
    packs: Mutex<(Weights, Packs)>,
    spaces: Vec<Mutex<Space>>,
}

/// A part of a batch on the host.
#[derive(Debug)]
pub(crate) struct Rolls {
    /// Batch, steps and pitches, the last two multiples of 2^levels.
    pub(crate) shape: [usize; 3],
    /// The spoilt windows.
    pub(crate) input: Vec<f32>,
    /// Where they differ from the clean ones.
    pub(crate) difference: Vec<f32>,
}

/// What comes of a part of a batch.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Sum of the loss over the samples.
    pub(crate) loss: f64,
    pub(crate) gradient: Gradient,
    pub(crate) statistics: Statistics,
}

impl Fused {
    /// Room for batches of so many parts.
    pub(crate) fn new(parts: usize) -> Self {
        Self {
            instructions: Instructions::detect(),
            packs: Mutex::default(),
            spaces: (0..parts).map(|_| Mutex::default()).collect(),
        }
    }

    /// Calls `f` with the weights that `network` has now, packed.
    pub(crate) fn with<T>(&self, network: &ArCnn, f: impl FnOnce(&Step<'_>) -> T) -> T {
        let mut guard = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        let (weights, packs) = &mut *guard;
        *weights = Weights::of(network);
        packs.pack(weights);
        f(&Step { fused: self, weights, packs })
    }
}

/// A step's weights.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    fused: &'a Fused,
    weights: &'a Weights,
    packs: &'a Packs,
}

impl Step<'_> {
    /// Part `part` of a batch: the loss, and the gradient of `factor` times it.
    pub(crate) fn run(&self, part: usize, rolls: &Rolls, factor: f64, rng: &mut ChaCha8Rng) -> Outcome {
        let mut fresh = Space::default();
        let mut kept = self.fused.spaces.get(part).map(|s| s.lock().unwrap_or_else(PoisonError::into_inner));
        let space = kept.as_deref_mut().unwrap_or(&mut fresh);
        space.fit(self.weights, rolls.shape);
        let mut pass =
            Pass { instructions: self.fused.instructions, weights: self.weights, packs: self.packs, space };
        let statistics = pass.forward(&rolls.input, rng);
        let (loss, gradient) = pass.backward(&rolls.difference, factor, &statistics);
        Outcome { loss, gradient, statistics }
    }
}

impl Rolls {
    /// The numbers of a batch.
    pub(crate) fn of(batch: EditBatch) -> Self {
        let numbers =
            |tensor: Tensor<3>| tensor.into_data().convert::<f32>().try_into_vec().unwrap_or_default();
        let shape = batch.input.dims();
        Self { shape, input: numbers(batch.input), difference: numbers(batch.difference) }
    }
}
