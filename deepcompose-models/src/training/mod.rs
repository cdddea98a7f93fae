//! What the trainers share: learning-rate schedules, seeds, events, errors, and what fine-tuning freezes.

mod freeze;
mod schedule;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::error::{ModelError, WeightsError};

pub use freeze::{Freeze, Frozen};
pub use schedule::{Decay, Schedule};

/// Why a training run could not begin or go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The network's or the run's configuration is not valid.
    #[error(transparent)]
    Config(#[from] ModelError),
    /// There is nothing to train on.
    #[error("the {split} split holds no training example")]
    NoData {
        /// `train` or `valid`.
        split: &'static str,
    },
    /// The loss is no longer a number.
    #[error("the loss of step {step} is {loss}: lower the learning rate or go on from a checkpoint")]
    Diverged {
        /// The step.
        step: usize,
        /// The loss.
        loss: f64,
    },
    /// A checkpoint or a weights file could not be written or read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// What a trainer tells its observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TrainEvent {
    /// A step was taken.
    Step {
        /// Steps taken so far, this one included.
        step: usize,
        /// The training loss of this step.
        loss: f64,
        /// The learning rate of this step.
        learning_rate: f64,
    },
    /// The validation split was measured.
    Validation {
        /// Steps taken so far.
        step: usize,
        /// Its mean loss.
        loss: f64,
        /// Whether it is the lowest of the run.
        best: bool,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps taken so far.
        step: usize,
    },
}

/// The random numbers of one step: a run that is resumed at a step draws what it would have drawn.
pub(crate) fn step_rng(seed: u64, stream: u64, step: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((stream << 48) | step as u64);
    rng
}
