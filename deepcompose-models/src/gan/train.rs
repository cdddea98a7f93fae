//! [`GanTrainer`]: the adversarial steps of a training run.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::condition::check_accompaniment;
use super::data::{Augmentation, GanBatch, GanDataset};
use super::evaluate::evaluate;
use super::latent::latent;
use super::loss::{critic_loss, generator_loss, reconstruction_loss};
use super::{Critic, GanConfig, GanError, GanTrainConfig, GanTraining, Generator};
use crate::checkpoint::Checkpoint;
use crate::training::{Frozen, StepReport, TrainError, Trainer};

/// Trains a generator against a critic with WGAN-GP (Gulrajani et al. 2017, algorithm 1), and
/// optionally a reconstruction term; see [`Run`](crate::training::Run) for the folder around it.
///
/// Each generator step is preceded by [`critic_steps`](GanTraining::critic_steps) critic steps on
/// batches of their own; the generator's step uses the last of these batches again. With the same
/// seed, data and device the course is the same; one that is saved and restored goes on as if it had
/// not been interrupted.
///
/// A [`StepReport`]'s loss is the reconstruction loss in nats a cell, before its weight, or, where it is left out, the
/// generator's adversarial loss. Its measures:
///
/// | name | what |
/// |---|---|
/// | `critic_loss` | the critic's loss at its last step |
/// | `distance` | E\[D(real)\] − E\[D(fake)\] at the critic's last step: the estimate of the Wasserstein distance |
/// | `penalty` | the gradient penalty at the critic's last step, before its weight |
/// | `generator_loss` | −E\[D(fake)\] after the critic's last step |
/// | `reconstruction_loss` | as above; only where it is not left out |
pub struct GanTrainer {
    training: GanTraining,
    generator: Generator,
    frozen: Frozen,
    critic: Critic,
    generator_optimizer: ModuleOptimizer,
    critic_optimizer: ModuleOptimizer,
    rng: ChaCha8Rng,
    step: usize,
    train: GanDataset,
    valid: GanDataset,
    /// Fingerprint of the training windows.
    data: String,
    device: Device,
}

/// What a checkpoint says besides the tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GanState {
    model: GanConfig,
    training: GanTraining,
    step: usize,
    /// Fingerprint of the training windows.
    data: String,
    /// Position of the random stream that the seed starts, in 32-bit words.
    rng_words: u64,
}

impl std::fmt::Debug for GanTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GanTrainer")
            .field("model", self.generator.config())
            .field("training", &self.training)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

impl GanTrainer {
    /// Windows of the validation split that are measured.
    pub const VALIDATION_WINDOWS: usize = 256;

    /// A trainer of new networks. `device` is a plain device; training enables autodiff on it.
    ///
    /// # Errors
    ///
    /// [`GanError::OutOfRange`] for a training config outside its ranges or networks that do not have
    /// the layout of the data (32 steps, four tracks), [`TrainError::NoData`] for an empty split.
    pub fn new(
        config: &GanTrainConfig,
        train: GanDataset,
        valid: GanDataset,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut rng = ChaCha8Rng::seed_from_u64(config.training.seed);
        let device = device.clone().autodiff();
        let generator = Generator::new(&config.model, &mut rng, &device);
        Self::with_generator(generator, rng, &config.training, train, valid, device)
    }

    /// A trainer that goes on from the weights of `generator`, on its device, against a new critic: to fine-tune it.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn fine_tune(
        generator: Generator,
        training: &GanTraining,
        train: GanDataset,
        valid: GanDataset,
    ) -> Result<Self, TrainError> {
        let rng = ChaCha8Rng::seed_from_u64(training.seed);
        let device = generator.devices().into_iter().next().unwrap_or_default().autodiff();
        Self::with_generator(generator.train(), rng, training, train, valid, device)
    }

    fn with_generator(
        generator: Generator,
        mut rng: ChaCha8Rng,
        training: &GanTraining,
        train: GanDataset,
        valid: GanDataset,
        device: Device,
    ) -> Result<Self, TrainError> {
        training.validate()?;
        check_accompaniment(generator.config())?;
        for (split, data) in [("train", &train), ("valid", &valid)] {
            if data.is_empty() {
                return Err(TrainError::NoData { split });
            }
        }
        let frozen = training.freeze.of(&generator)?;
        Ok(Self {
            critic: Critic::new(generator.config(), &mut rng, &device),
            generator: frozen.freeze(generator),
            frozen,
            generator_optimizer: adam(training),
            critic_optimizer: adam(training),
            training: training.clone(),
            rng,
            step: 0,
            data: train.fingerprint(),
            train,
            valid,
            device,
        })
    }

    /// How the networks are trained.
    #[must_use]
    pub const fn training(&self) -> &GanTraining {
        &self.training
    }

    /// The critic as it is now, for inference.
    #[must_use]
    pub fn critic(&self) -> Critic {
        self.critic.valid()
    }

    /// A batch, and the generator's logits for it.
    fn generate(&mut self) -> Result<(GanBatch, Tensor<4>), GanError> {
        let training = &self.training;
        let windows = self.train.draw(training.batch_size, &mut self.rng);
        let augmentation =
            Augmentation { transpose: training.transpose, previous_dropout: training.previous_dropout };
        let config = self.generator.config();
        let batch = self.train.batch(&windows, config, augmentation, &mut self.rng, &self.device);
        let latent = latent(config, windows.len(), &mut self.rng, &self.device);
        let logits = self.generator.logits(&batch.condition, latent)?;
        Ok((batch, logits))
    }

    fn critic_step(
        &mut self,
        batch: &GanBatch,
        fake: Tensor<4>,
        learning_rate: f64,
    ) -> Result<[f64; 3], TrainError> {
        let mix: Vec<f32> = (0..fake.dims()[0]).map(|_| self.rng.random()).collect();
        let mix = Tensor::from_data(TensorData::from(mix.as_slice()), &self.device);
        let weight = self.training.penalty_weight;
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

    fn finite(&self, what: &'static str, loss: &Tensor<1>) -> Result<f64, TrainError> {
        let value = loss.clone().try_into_scalar::<f32>().map_err(|e| GanError::Device(e.to_string()))?;
        let value = f64::from(value);
        TrainError::unless_finite(what, self.step + 1, value).map(|()| value)
    }
}

impl Trainer for GanTrainer {
    type Model = Generator;

    type State = GanState;

    const KIND: &'static str = "gan";

    fn step(&self) -> usize {
        self.step
    }

    fn total_steps(&self) -> usize {
        self.training.steps
    }

    fn is_done(&self) -> bool {
        self.step >= self.training.steps
    }

    /// One generator step, with the critic steps before it.
    fn train_step(&mut self) -> Result<StepReport, TrainError> {
        let learning_rate = self.training.learning_rate_at(self.step);
        for _ in 1..self.training.critic_steps {
            let (batch, logits) = self.generate()?;
            self.critic_step(&batch, logits.tanh(), learning_rate)?;
        }
        let (batch, logits) = self.generate()?;
        let fake = logits.clone().tanh();
        let [critic, distance, penalty] = self.critic_step(&batch, fake.clone(), learning_rate)?;

        // The critic as a constant: its own gradients are not wanted here.
        let adversarial = generator_loss(&self.critic.valid(), fake, &batch.condition)?;
        let mut total = adversarial.clone().mul_scalar(self.training.adversarial_weight);
        let generator_value = self.finite("the generator's loss", &adversarial)?;
        let mut report = StepReport::new(generator_value, learning_rate)
            .with("critic_loss", critic)
            .with("distance", distance)
            .with("penalty", penalty)
            .with("generator_loss", generator_value);
        if self.training.reconstruction_weight > 0.0 {
            let loss = reconstruction_loss(logits, batch.tracks, self.training.positive_weight)?;
            total = total + loss.clone().mul_scalar(self.training.reconstruction_weight);
            report.loss = self.finite("the reconstruction loss", &loss)?;
            report = report.clone().with("reconstruction_loss", report.loss);
        }
        let mut gradients = GradientsParams::from_grads(total.backward(), &self.generator);
        self.frozen.apply(&mut gradients, &self.generator);
        let generator = self.generator_optimizer.step(learning_rate, self.generator.clone(), gradients);
        self.generator = self.frozen.restore(generator);
        self.step += 1;
        Ok(report)
    }

    /// The reconstruction loss in nats a cell over [`VALIDATION_WINDOWS`](GanTrainer::VALIDATION_WINDOWS) windows,
    /// always the same.
    fn validate(&self) -> Result<f64, TrainError> {
        let batch = self.training.batch_size;
        Ok(evaluate(&self.model(), &self.valid, Self::VALIDATION_WINDOWS, batch, 1)?.reconstruction_loss)
    }

    fn model(&self) -> Generator {
        self.generator.valid()
    }

    fn save(&self) -> Result<(Checkpoint, GanState), TrainError> {
        // `valid` also brings batch norm's running averages up to date.
        let checkpoint = Checkpoint::new()
            .with_module(GENERATOR, &self.generator.valid())?
            .with_module(CRITIC, &self.critic.valid())?
            .with_optimizer(GENERATOR_OPTIMIZER, &self.generator_optimizer)?
            .with_optimizer(CRITIC_OPTIMIZER, &self.critic_optimizer)?;
        let state = GanState {
            model: self.generator.config().clone(),
            training: self.training.clone(),
            step: self.step,
            data: self.data.clone(),
            rng_words: self.rng.get_word_pos() as u64,
        };
        Ok((checkpoint, state))
    }

    fn restore(&mut self, checkpoint: &Checkpoint, state: GanState) -> Result<(), TrainError> {
        TrainError::unless_same("network", &state.model, self.generator.config())?;
        TrainError::unless_same("seed", &state.training.seed, &self.training.seed)?;
        TrainError::unless_same("training corpus", &state.data, &self.data)?;
        let generator = checkpoint.module(GENERATOR, self.generator.clone())?;
        self.frozen = self.training.freeze.of(&generator)?;
        self.generator = self.frozen.freeze(generator);
        self.critic = checkpoint.module(CRITIC, self.critic.clone())?;
        self.generator_optimizer = checkpoint.optimizer(GENERATOR_OPTIMIZER, adam(&self.training))?;
        self.critic_optimizer = checkpoint.optimizer(CRITIC_OPTIMIZER, adam(&self.training))?;
        self.rng = ChaCha8Rng::seed_from_u64(self.training.seed);
        self.rng.set_word_pos(state.rng_words.into());
        self.step = state.step;
        Ok(())
    }
}

/// The parts of a checkpoint.
const GENERATOR: &str = "generator";
const CRITIC: &str = "critic";
const GENERATOR_OPTIMIZER: &str = "generator optimizer";
const CRITIC_OPTIMIZER: &str = "critic optimizer";

fn adam(train: &GanTraining) -> ModuleOptimizer {
    AdamConfig::new().with_beta_1(train.beta_1).with_beta_2(train.beta_2).with_epsilon(1e-8).init()
}
