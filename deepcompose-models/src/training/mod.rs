//! What the trainers share: runs and their folders, configuration files, learning-rate schedules, errors.
//!
//! A trainer ([`ArCnnTrainer`](crate::ar_cnn::ArCnnTrainer), [`TransformerTrainer`](crate::transformer::TransformerTrainer),
//! [`GanTrainer`](crate::gan::GanTrainer)) is a [`Trainer`]: it knows how to take a step. A [`Run`] drives it in a
//! folder: it validates, logs, writes checkpoints, keeps the best weights, and takes a killed run up again.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use deepcompose_models::Device;
//! use deepcompose_models::ar_cnn::{ArCnnConfig, ArCnnTrainConfig, ArCnnTrainer, ArCnnTraining};
//! use deepcompose_models::ar_cnn::RollWindows;
//! use deepcompose_models::training::{Run, RunSettings, TrainEvent};
//! use deepcompose_core::InputTrack;
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let scores = [InputTrack::OdeToJoy, InputTrack::FrereJacques].map(InputTrack::score);
//! let windows = RollWindows::from_scores(&scores, 32, 16)?;
//! let config = ArCnnTrainConfig {
//!     model: ArCnnConfig { steps: 32, filters: 2, levels: 2, ..ArCnnConfig::compact() },
//!     training: ArCnnTraining { steps: 2, batch_size: 2, ..ArCnnTraining::default() },
//!     run: RunSettings::default(),
//! };
//! let mut run = Run::create(folder, &config.run)?;
//! let mut trainer = ArCnnTrainer::new(&config, windows.clone(), windows, &Device::default())?;
//! let outcome = run.train(&mut trainer, &mut |_, event| {
//!     if let TrainEvent::Validation { step, loss, .. } = event {
//!         println!("step {step}: {loss}");
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(outcome.step, 2);
//! assert!(run.best_weights().exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod average;
mod config_file;
pub(crate) mod devices;
mod engine;
mod freeze;
pub(crate) mod gradients;
mod log;
mod loss_output;
pub(crate) mod replicas;
mod run;
mod schedule;
mod session;
mod settings;
pub(crate) mod shuffle;
mod silent;
pub(crate) mod statistics;
mod supervised;
mod trainer;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::error::{ModelError, WeightsError};
use crate::gan::GanError;
use crate::transformer::TransformerError;

pub use config_file::{ConfigError, TrainConfig};
pub use devices::Sharing;
pub use engine::GradientEngine;
pub use freeze::{Freeze, Frozen};
pub use loss_output::LossOutput;
pub use run::{Best, Run};
pub use schedule::{Decay, Schedule};
pub use session::{Ending, Outcome, TrainEvent, TrainObserver};
pub use settings::RunSettings;
pub use supervised::dashboard;
pub use trainer::{StepReport, Trainer};

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
    /// The loss or a gradient is no longer a number.
    #[error("{what} of step {step} is {value}: lower the learning rate or go on from a checkpoint")]
    Diverged {
        /// Which number.
        what: &'static str,
        /// The step, from 1.
        step: usize,
        /// Its value.
        value: f64,
    },
    /// A checkpoint that belongs to another run.
    #[error("the checkpoint was made with another {what}: it has {found}, this run {expected}")]
    Checkpoint {
        /// What differs: the network, the seed, the batch size or the data.
        what: &'static str,
        /// What the checkpoint has.
        found: String,
        /// What the run has.
        expected: String,
    },
    /// The folder of a new run already holds one.
    #[error("{folder} already holds a run: resume it, or choose another folder")]
    RunExists {
        /// The folder.
        folder: String,
    },
    /// The folder of a run that is to be resumed holds none.
    #[error("{folder} holds no run to resume")]
    NoRun {
        /// The folder.
        folder: String,
    },
    /// Another process works in the folder.
    #[error("another process is training in {folder}")]
    Busy {
        /// The folder.
        folder: String,
    },
    /// burn-train failed around a run.
    #[error("burn-train stopped the run: {0}")]
    Supervision(String),
    /// A checkpoint or a weights file could not be written or read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The Transformer's configuration or data.
    #[error(transparent)]
    Transformer(#[from] TransformerError),
    /// The GAN's configuration or data.
    #[error(transparent)]
    Gan(#[from] GanError),
}

impl TrainError {
    /// [`TrainError::Diverged`] unless a number is finite.
    pub(crate) fn unless_finite(what: &'static str, step: usize, value: f64) -> Result<(), Self> {
        if value.is_finite() { Ok(()) } else { Err(Self::Diverged { what, step, value }) }
    }

    /// [`TrainError::Checkpoint`] unless what a checkpoint has is what the run has.
    pub(crate) fn unless_same<T: PartialEq + std::fmt::Debug>(
        what: &'static str,
        found: &T,
        expected: &T,
    ) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::Checkpoint { what, found: format!("{found:?}"), expected: format!("{expected:?}") })
    }
}

/// The random numbers of one step: a run that is resumed at a step draws what it would have drawn.
pub(crate) fn step_rng(seed: u64, stream: u64, step: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((stream << 48) | step as u64);
    rng
}
