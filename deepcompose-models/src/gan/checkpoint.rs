//! Saving a trainer and going on from where it was.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::train::adam;
use super::{Critic, GanConfig, GanDataset, GanError, GanTrainer, GanTraining, Generator};
use crate::checkpoint::Checkpoint;

const KIND: &str = "gan";
const GENERATOR: &str = "generator";
const CRITIC: &str = "critic";
const GENERATOR_OPTIMIZER: &str = "generator optimizer";
const CRITIC_OPTIMIZER: &str = "critic optimizer";

#[derive(Serialize, Deserialize)]
struct State {
    config: GanConfig,
    train: GanTraining,
    step: usize,
    /// Position of the random stream that `train.seed` starts, in 32-bit words.
    rng_words: u64,
}

impl GanTrainer {
    /// Saves networks, optimisers, configs and the random stream to one file, which
    /// [`GanTrainer::resume`] reads: a [`Checkpoint`], written whole or not at all.
    ///
    /// # Errors
    ///
    /// [`GanError::Weights`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), GanError> {
        let state = State {
            config: self.config.clone(),
            train: self.train.clone(),
            step: self.step,
            rng_words: self.rng.get_word_pos() as u64,
        };
        // `valid` also brings batch norm's running averages up to date.
        Checkpoint::new()
            .with_module(GENERATOR, &self.generator.valid())?
            .with_module(CRITIC, &self.critic.valid())?
            .with_optimizer(GENERATOR_OPTIMIZER, &self.generator_optimizer)?
            .with_optimizer(CRITIC_OPTIMIZER, &self.critic_optimizer)?
            .write(path, KIND, &state)?;
        Ok(())
    }

    /// Goes on from a checkpoint, with the same data: the steps that follow are those that would have
    /// followed without the interruption.
    ///
    /// # Errors
    ///
    /// [`GanError::Weights`] for a file that cannot be read or is no whole checkpoint of a GAN, and
    /// what [`GanTrainer::new`] says.
    pub fn resume(path: impl AsRef<Path>, dataset: GanDataset, device: &Device) -> Result<Self, GanError> {
        let (checkpoint, state) = Checkpoint::read::<State>(path, KIND)?;
        let mut trainer = Self::new(state.config, state.train, dataset, device)?;
        let (config, device) = (&trainer.config, &trainer.device);
        trainer.generator = checkpoint.module(GENERATOR, Generator::zeros(config, device))?;
        trainer.critic = checkpoint.module(CRITIC, Critic::zeros(config, device))?;
        trainer.generator_optimizer = checkpoint.optimizer(GENERATOR_OPTIMIZER, adam(&trainer.train))?;
        trainer.critic_optimizer = checkpoint.optimizer(CRITIC_OPTIMIZER, adam(&trainer.train))?;
        trainer.rng = ChaCha8Rng::seed_from_u64(trainer.train.seed);
        trainer.rng.set_word_pos(state.rng_words.into());
        trainer.step = state.step;
        Ok(trainer)
    }
}
