//! [`GanTrainer`]: the adversarial training loop.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::condition::check_accompaniment;
use super::data::{Augmentation, GanBatch, GanDataset};
use super::evaluate::{GanEvaluation, evaluate};
use super::latent::latent;
use super::loss::{critic_loss, generator_loss, reconstruction_loss};
use super::{Critic, GanConfig, GanError, GanTraining, Generator};

/// What one generator step, with the critic steps before it, came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GanStep {
    /// Generator steps done, this one counted.
    pub step: usize,
    /// The critic's loss at its last step.
    pub critic_loss: f64,
    /// E[D(real)] − E[D(fake)] at the critic's last step: the estimate of the Wasserstein distance.
    pub distance: f64,
    /// The gradient penalty at the critic's last step, before its weight.
    pub penalty: f64,
    /// −E[D(fake)] after the critic's last step.
    pub generator_loss: f64,
    /// The reconstruction loss in nats a cell, before its weight; `None` if it is left out.
    pub reconstruction_loss: Option<f64>,
    /// The learning rate used.
    pub learning_rate: f64,
    /// Time taken.
    pub elapsed: Duration,
}

/// Trains a generator against a critic with WGAN-GP (Gulrajani et al. 2017, algorithm 1), and
/// optionally a reconstruction term.
///
/// Each generator step is preceded by [`critic_steps`](GanTraining::critic_steps) critic steps on
/// batches of their own; the generator's step uses the last of these batches again. With the same
/// seed, data and device the course is the same; one that is saved and resumed goes on as if it had
/// not been interrupted.
pub struct GanTrainer {
    pub(super) config: GanConfig,
    pub(super) train: GanTraining,
    pub(super) generator: Generator,
    pub(super) critic: Critic,
    pub(super) generator_optimizer: ModuleOptimizer,
    pub(super) critic_optimizer: ModuleOptimizer,
    pub(super) rng: ChaCha8Rng,
    pub(super) step: usize,
    pub(super) dataset: GanDataset,
    pub(super) device: Device,
}

impl std::fmt::Debug for GanTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GanTrainer")
            .field("config", &self.config)
            .field("train", &self.train)
            .field("step", &self.step)
            .field("windows", &self.dataset.len())
            .finish_non_exhaustive()
    }
}

impl GanTrainer {
    /// A trainer of new networks. `device` is a plain device; training enables autodiff on it.
    ///
    /// # Errors
    ///
    /// [`GanError::OutOfRange`] for a training config outside its ranges or networks that do not have
    /// the layout of the data (32 steps, four tracks), [`GanError::TooLittleData`] for an empty
    /// dataset.
    pub fn new(
        config: GanConfig,
        train: GanTraining,
        dataset: GanDataset,
        device: &Device,
    ) -> Result<Self, GanError> {
        train.validate()?;
        check_accompaniment(&config)?;
        if dataset.is_empty() {
            return Err(GanError::TooLittleData { windows: 0, needed: 1 });
        }
        let device = device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(train.seed);
        Ok(Self {
            generator: Generator::new(&config, &mut rng, &device),
            critic: Critic::new(&config, &mut rng, &device),
            generator_optimizer: adam(&train),
            critic_optimizer: adam(&train),
            config,
            train,
            rng,
            step: 0,
            dataset,
            device,
        })
    }

    /// The sizes of the networks.
    #[must_use]
    pub const fn config(&self) -> &GanConfig {
        &self.config
    }

    /// How they are trained.
    #[must_use]
    pub const fn training(&self) -> &GanTraining {
        &self.train
    }

    /// Generator steps done.
    #[must_use]
    pub const fn steps_done(&self) -> usize {
        self.step
    }

    /// The dataset trained on.
    #[must_use]
    pub const fn dataset(&self) -> &GanDataset {
        &self.dataset
    }

    /// The generator as it is now, for inference.
    #[must_use]
    pub fn generator(&self) -> Generator {
        self.generator.valid()
    }

    /// The critic as it is now, for inference.
    #[must_use]
    pub fn critic(&self) -> Critic {
        self.critic.valid()
    }

    /// Trains until all steps are done or `observer` breaks. It is called after every step, and may
    /// save or evaluate the trainer it is given.
    ///
    /// # Errors
    ///
    /// As [`GanTrainer::step`].
    pub fn run(
        &mut self,
        observer: &mut dyn FnMut(&Self, &GanStep) -> ControlFlow<()>,
    ) -> Result<(), GanError> {
        while self.step < self.train.steps {
            let report = self.step()?;
            if observer(self, &report).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// One generator step, with the critic steps before it.
    ///
    /// # Errors
    ///
    /// [`GanError::Diverged`] if a loss is not finite, [`GanError::Device`] if the device fails.
    pub fn step(&mut self) -> Result<GanStep, GanError> {
        let start = Instant::now();
        let learning_rate = self.train.learning_rate_at(self.step);
        for _ in 1..self.train.critic_steps {
            let (batch, logits) = self.generate()?;
            self.critic_step(&batch, logits.tanh(), learning_rate)?;
        }
        let (batch, logits) = self.generate()?;
        let fake = logits.clone().tanh();
        let [critic, distance, penalty] = self.critic_step(&batch, fake.clone(), learning_rate)?;

        // The critic as a constant: its own gradients are not wanted here.
        let adversarial = generator_loss(&self.critic.valid(), fake, &batch.condition)?;
        let mut total = adversarial.clone().mul_scalar(self.train.adversarial_weight);
        let mut reconstruction = None;
        if self.train.reconstruction_weight > 0.0 {
            let loss = reconstruction_loss(logits, batch.tracks, self.train.positive_weight)?;
            total = total + loss.clone().mul_scalar(self.train.reconstruction_weight);
            reconstruction = Some(loss);
        }
        let generator_value = self.finite("the generator's loss", &adversarial)?;
        let reconstruction_value =
            reconstruction.map(|loss| self.finite("the reconstruction loss", &loss)).transpose()?;
        let gradients = GradientsParams::from_grads(total.backward(), &self.generator);
        self.generator = self.generator_optimizer.step(learning_rate, self.generator.clone(), gradients);
        self.step += 1;
        Ok(GanStep {
            step: self.step,
            critic_loss: critic,
            distance,
            penalty,
            generator_loss: generator_value,
            reconstruction_loss: reconstruction_value,
            learning_rate,
            elapsed: start.elapsed(),
        })
    }

    /// A batch, and the generator's logits for it.
    fn generate(&mut self) -> Result<(GanBatch, Tensor<4>), GanError> {
        let windows = self.dataset.draw(self.train.batch_size, &mut self.rng);
        let augmentation =
            Augmentation { transpose: self.train.transpose, previous_dropout: self.train.previous_dropout };
        let batch = self.dataset.batch(&windows, &self.config, augmentation, &mut self.rng, &self.device);
        let latent = latent(&self.config, windows.len(), &mut self.rng, &self.device);
        let logits = self.generator.logits(&batch.condition, latent)?;
        Ok((batch, logits))
    }

    fn critic_step(
        &mut self,
        batch: &GanBatch,
        fake: Tensor<4>,
        learning_rate: f64,
    ) -> Result<[f64; 3], GanError> {
        let mix: Vec<f32> = (0..fake.dims()[0]).map(|_| self.rng.random()).collect();
        let mix = Tensor::from_data(TensorData::from(mix.as_slice()), &self.device);
        let weight = self.train.penalty_weight;
        let real = batch.tracks.clone();
        let loss = critic_loss(&self.critic, real, fake, mix, &batch.condition, weight)?;
        let values = [
            self.finite("the critic's loss", &loss.total)?,
            self.finite("the Wasserstein distance", &loss.distance)?,
            self.finite("the gradient penalty", &loss.penalty)?,
        ];
        let gradients = GradientsParams::from_grads(loss.total.backward(), &self.critic);
        self.critic = self.critic_optimizer.step(learning_rate, self.critic.clone(), gradients);
        Ok(values)
    }

    fn finite(&self, what: &'static str, loss: &Tensor<1>) -> Result<f64, GanError> {
        let value = loss.clone().try_into_scalar::<f32>().map_err(|e| GanError::Device(e.to_string()))?;
        if value.is_finite() { Ok(value.into()) } else { Err(GanError::Diverged { what, step: self.step }) }
    }

    /// [`evaluate`] of the generator as it is now, with the run's batch size.
    ///
    /// # Errors
    ///
    /// As [`evaluate`].
    pub fn evaluate(
        &self,
        dataset: &GanDataset,
        windows: usize,
        seed: u64,
    ) -> Result<GanEvaluation, GanError> {
        evaluate(&self.generator(), dataset, windows, self.train.batch_size, seed)
    }
}

pub(super) fn adam(train: &GanTraining) -> ModuleOptimizer {
    AdamConfig::new().with_beta_1(train.beta_1).with_beta_2(train.beta_2).with_epsilon(1e-8).init()
}
