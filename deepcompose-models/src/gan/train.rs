//! [`GanTrainer`]: the adversarial steps of a training run.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::condition::check_accompaniment;
use super::data::{Augmentation, ChordBatch, GanBatch, GanDataset, Placed, Previous, WindowIndex};
use super::encoder::{Encoder, Posterior};
use super::evaluate::{evaluate, sounding_sets};
use super::genre::TrackRole;
use super::latent::latents;
use super::loss::{chord_loss, critic_loss, generator_loss, reconstruction_loss};
use super::rolls::{Window, onset_roll};
use super::statistics::with_statistics_of_training;
use super::styles::{StyleBank, of_the_same};
use super::{Critic, GanConfig, GanError, GanTrainConfig, GanTraining, Generator, Styles};
use crate::WeightsError;
use crate::checkpoint::Checkpoint;
use crate::lists::numbers;
use crate::training::average::{decay_at, towards};
use crate::training::statistics::Measured;
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
/// | `chord_loss` | of the chord model, nats a half bar; only where there is one |
/// | `divergence` | of the encoder's latents from the prior's, nats a window; only where there is an encoder |
pub struct GanTrainer {
    training: GanTraining,
    generator: Generator,
    frozen: Frozen,
    critic: Critic,
    generator_optimizer: ModuleOptimizer,
    critic_optimizer: ModuleOptimizer,
    /// What reads latents out of played tracks, and its optimiser.
    encoder: Option<(Encoder, ModuleOptimizer)>,
    /// The styles so far, if the generator has any; those in its weights are older.
    styles: Option<StyleBank>,
    /// The styles that latents are drawn near, if the generator has any that stay as they are.
    fixed_styles: Option<Styles>,
    /// The average of the generator's weights.
    average: Option<Generator>,
    measured: Measured<Generator>,
    /// The windows generated last, if the next batch may go on from them.
    lanes: Vec<Lane>,
    rng: ChaCha8Rng,
    step: usize,
    train: GanDataset,
    valid: GanDataset,
    /// Fingerprints of the training windows and of the validation windows.
    data: String,
    valid_data: String,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<Lane>,
}

/// A window that was generated.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lane {
    window: WindowIndex,
    shift: i32,
    made: Box<Window>,
}

/// A batch, and what the generator made of it.
struct Generated {
    batch: GanBatch,
    placed: Vec<Placed>,
    logits: Tensor<4>,
    /// What the encoder read, and 1 for the windows whose latents were drawn from it.
    encoded: Option<(Posterior, Tensor<1>)>,
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
        let critic = Critic::new(generator.config(), &mut rng, &device);
        let encoder = (training.encoded > 0.0)
            .then(|| (Encoder::new(generator.config(), &mut rng, &device), adam(training)));
        let styles = match (&encoder, &generator.styles) {
            (Some(_), Some(styles)) if !training.freeze.matches("styles") => {
                Some(StyleBank::new(numbers(styles.val()), generator.config()))
            }
            _ => None,
        };
        // Styles that no encoder reads, or that are frozen, stay as they are.
        let fixed_styles = if styles.is_none() { generator.styles() } else { None };
        Ok(Self {
            critic,
            encoder,
            styles,
            fixed_styles,
            average: (training.weight_average > 0.0).then(|| generator.valid()),
            measured: Measured::default(),
            lanes: Vec::new(),
            generator: frozen.freeze(generator),
            frozen,
            generator_optimizer: adam(training),
            critic_optimizer: adam(training),
            training: training.clone(),
            rng,
            step: 0,
            data: train.fingerprint(),
            valid_data: valid.fingerprint(),
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

    /// The windows of the next batch: each drawn anew, or going on from one of the last batch.
    fn next_windows(&mut self) -> Vec<Placed> {
        let training = &self.training;
        let windows = self.train.draw(training.batch_size, &mut self.rng);
        let augmentation =
            Augmentation { transpose: training.transpose, previous_dropout: training.previous_dropout };
        let mut placed = GanDataset::vary(&windows, augmentation, &mut self.rng);
        if training.own_previous > 0.0 {
            let share = training.own_previous_at(self.step);
            let lanes = std::mem::take(&mut self.lanes);
            for (place, lane) in placed.iter_mut().zip(lanes) {
                let goes_on = self.rng.random::<f32>() < share;
                if let (true, Some(window)) = (goes_on, self.train.after(lane.window)) {
                    *place = Placed { window, shift: lane.shift, previous: Previous::Made(lane.made) };
                }
            }
        }
        placed
    }

    /// A generator outside autodiff, with the styles of this moment.
    fn with_styles(&self, mut generator: Generator) -> Generator {
        if let (Some(styles), Some(shape)) = (&self.styles, generator.styles.as_ref().map(|s| s.dims())) {
            let device = generator.devices().into_iter().next().unwrap_or_default();
            generator.set_styles(styles.values().to_vec(), shape, &device);
        }
        generator
    }

    /// A batch, and the generator's logits for it.
    fn generate(&mut self) -> Result<Generated, GanError> {
        let placed = self.next_windows();
        let size = placed.len();
        let config = self.generator.config();
        let batch = self.train.batch(&placed, config, &self.device);
        let [channels, rows, columns] = config.latent_shape();
        let genres: Vec<_> = placed.iter().map(|place| self.train.genre_of(place.window)).collect();
        let drawn = latents(self.fixed_styles.as_ref(), config, &genres, &mut self.rng);
        let mut latent =
            Tensor::from_data(TensorData::new(drawn, [size, channels, rows, columns]), &self.device);
        let mut encoded = None;
        if let Some((encoder, _)) = &self.encoder {
            // The next so many windows from one on, in a circle.
            let count = ((size as f32 * self.training.encoded).round() as usize).clamp(1, size);
            let first = self.rng.random_range(0..size);
            let is = |window: usize| f32::from(u8::from((window + size - first) % size < count));
            let mask: Vec<f32> = (0..size).map(is).collect();
            let mask = Tensor::<1>::from_data(TensorData::from(mask.as_slice()), &self.device);
            let heard = match self.training.hidden_roots {
                true => self.train.rootless(&placed, config, &self.device),
                false => batch.tracks.clone(),
            };
            let posterior = encoder.forward(heard, batch.condition.attributes.as_ref());
            latent = match &mut self.styles {
                Some(styles) => {
                    let means: Vec<f32> =
                        posterior.mean().try_into_vec_as().map_err(|e| GanError::Device(e.to_string()))?;
                    let windows = placed.iter().map(|place| place.window);
                    for ((window, genre), mean) in
                        windows.zip(&genres).zip(means.chunks_exact(means.len() / size))
                    {
                        if self.train.has_most_roles(window) {
                            styles.keep(*genre, mean, &mut self.rng);
                        }
                    }
                    let others = of_the_same(&genres, &mut self.rng);
                    let others = Tensor::from_data(TensorData::from(others.as_slice()), &self.device);
                    posterior.draw_own_or_other(latent, mask.clone(), others)
                }
                None => posterior.draw(latent, mask.clone()),
            };
            encoded = Some((posterior, mask));
        }
        let logits = self.generator.logits(&batch.condition, latent)?;
        if self.training.own_previous > 0.0 {
            self.lanes = lanes(&placed, &self.train, logits.clone().tanh(), config)?;
        }
        Ok(Generated { batch, placed, logits, encoded })
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
            let Generated { batch, logits, .. } = self.generate()?;
            self.critic_step(&batch, logits.tanh(), learning_rate)?;
        }
        let Generated { batch, placed, logits, encoded } = self.generate()?;
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
            let (logits, played) = match &encoded {
                Some((_, mask)) => {
                    let windows = mask.clone().greater_elem(0.5).argwhere().reshape([-1]);
                    (logits.select(0, windows.clone()), batch.tracks.select(0, windows))
                }
                None => (logits, batch.tracks),
            };
            let loss = reconstruction_loss(logits, played, self.training.positive_weight)?;
            total = total + loss.clone().mul_scalar(self.training.reconstruction_weight);
            report.loss = self.finite("the reconstruction loss", &loss)?;
            report = report.clone().with("reconstruction_loss", report.loss);
        }
        if let Some((posterior, mask)) = encoded {
            let divergence = posterior.divergence(mask);
            let cells: usize = self.generator.config().window_shape().iter().product();
            let weight = self.training.divergence_weight / cells as f64;
            report = report.clone().with("divergence", self.finite("the divergence", &divergence)?);
            total = total + divergence.mul_scalar(weight);
        }
        if let Some(harmony) = &self.generator.harmony {
            let ChordBatch { features, heard } = self.train.chord_batch(&placed, &self.device);
            let loss = chord_loss(harmony.forward(features), heard);
            report = report.clone().with("chord_loss", self.finite("the loss of the chords", &loss)?);
            total = total + loss.mul_scalar(CHORD_WEIGHT);
        }
        let mut all = total.backward();
        let mut gradients = GradientsParams::from_module(&mut all, &self.generator);
        self.frozen.apply(&mut gradients, &self.generator);
        if let Some((encoder, mut optimizer)) = self.encoder.take() {
            let gradients = GradientsParams::from_module(&mut all, &encoder);
            self.encoder = Some((optimizer.step(learning_rate, encoder, gradients), optimizer));
        }
        let generator = self.generator_optimizer.step(learning_rate, self.generator.clone(), gradients);
        self.generator = self.frozen.restore(generator);
        if let Some(average) = self.average.take() {
            let decay = decay_at(self.step, self.training.weight_average);
            self.average = Some(towards(average, &self.generator.valid(), decay));
        }
        self.step += 1;
        Ok(report)
    }

    /// The reconstruction loss in nats a cell over [`VALIDATION_WINDOWS`](GanTrainer::VALIDATION_WINDOWS) windows,
    /// always the same.
    fn validate(&self) -> Result<f64, TrainError> {
        let batch = self.training.batch_size;
        Ok(evaluate(&self.model(), &self.valid, Self::VALIDATION_WINDOWS, batch, 1)?.reconstruction_loss)
    }

    fn measure(&self) -> String {
        // Latents are drawn batch by batch, and statistics of batch normalisation measured so on the training windows.
        format!("{} by {}, normalised by training windows", self.valid_data, self.training.batch_size)
    }

    /// The generator, or the average of its weights if there is one.
    fn model(&self) -> Generator {
        self.measured.at(self.step, || {
            let generator = self.with_styles(self.average.as_ref().unwrap_or(&self.generator).valid());
            self.frozen.restore(with_statistics_of_training(&generator, &self.training, &self.train))
        })
    }

    fn save(&self) -> Result<(Checkpoint, GanState), TrainError> {
        // `valid` also brings batch norm's running averages up to date.
        let mut checkpoint = Checkpoint::new()
            .with_module(GENERATOR, &self.with_styles(self.generator.valid()))?
            .with_module(CRITIC, &self.critic.valid())?
            .with_optimizer(GENERATOR_OPTIMIZER, &self.generator_optimizer)?
            .with_optimizer(CRITIC_OPTIMIZER, &self.critic_optimizer)?;
        if let Some((encoder, optimizer)) = &self.encoder {
            checkpoint = checkpoint
                .with_module(ENCODER, &encoder.valid())?
                .with_optimizer(ENCODER_OPTIMIZER, optimizer)?;
        }
        if let Some(average) = &self.average {
            checkpoint = checkpoint.with_module(AVERAGE, average)?;
        }
        let state = GanState {
            model: self.generator.config().clone(),
            training: self.training.clone(),
            step: self.step,
            data: self.data.clone(),
            rng_words: self.rng.get_word_pos() as u64,
            lanes: self.lanes.clone(),
        };
        Ok((checkpoint, state))
    }

    fn restore(&mut self, checkpoint: &Checkpoint, state: GanState) -> Result<(), TrainError> {
        TrainError::unless_same("network", &state.model, self.generator.config())?;
        TrainError::unless_same("seed", &state.training.seed, &self.training.seed)?;
        TrainError::unless_same("training corpus", &state.data, &self.data)?;
        // An update that batch norms hold back would come after what is loaded.
        drop((self.generator.valid(), self.critic.valid()));
        let generator = checkpoint.module(GENERATOR, self.generator.clone())?;
        let critic = checkpoint.module(CRITIC, self.critic.clone())?;
        let generator_optimizer =
            checkpoint.optimizer(GENERATOR_OPTIMIZER, adam(&self.training), &generator)?;
        let critic_optimizer = checkpoint.optimizer(CRITIC_OPTIMIZER, adam(&self.training), &critic)?;
        let encoder = match &self.encoder {
            Some((encoder, _)) => {
                drop(encoder.valid());
                let encoder = checkpoint.module(ENCODER, encoder.clone())?;
                let optimizer = checkpoint.optimizer(ENCODER_OPTIMIZER, adam(&self.training), &encoder)?;
                Some((encoder, optimizer))
            }
            None => None,
        };
        let average = match &self.average {
            Some(average) => Some(checkpoint.module(AVERAGE, average.clone())?),
            None => None,
        };
        let exists = |lane: &Lane| lane.shift.unsigned_abs() < 128 && self.train.holds(lane.window);
        if !state.lanes.iter().all(exists) {
            return Err(WeightsError::malformed("the checkpoint's places in the corpus do not exist").into());
        }
        self.frozen = self.training.freeze.of(&generator)?;
        if let (Some(styles), Some(kept)) = (&mut self.styles, &generator.styles) {
            *styles = StyleBank::new(numbers(kept.val()), generator.config());
        }
        if self.fixed_styles.is_some() {
            self.fixed_styles = generator.styles();
        }
        self.generator = self.frozen.freeze(generator);
        (self.critic, self.encoder, self.average) = (critic, encoder, average);
        (self.generator_optimizer, self.critic_optimizer) = (generator_optimizer, critic_optimizer);
        self.measured = Measured::default();
        self.lanes = state.lanes;
        self.rng = ChaCha8Rng::seed_from_u64(self.training.seed);
        self.rng.set_word_pos(state.rng_words.into());
        self.step = state.step;
        Ok(())
    }
}

/// Weight of the loss of the chords, which shares no weights with the other losses.
const CHORD_WEIGHT: f64 = 1.0;

/// The parts of a checkpoint.
const GENERATOR: &str = "generator";
const CRITIC: &str = "critic";
const GENERATOR_OPTIMIZER: &str = "generator optimizer";
const CRITIC_OPTIMIZER: &str = "critic optimizer";
const ENCODER: &str = "encoder";
const ENCODER_OPTIMIZER: &str = "encoder optimizer";
const AVERAGE: &str = "generator average";

/// The windows of a batch with what the generator made there, of the roles that their pieces have.
fn lanes(
    placed: &[Placed],
    dataset: &GanDataset,
    tracks: Tensor<4>,
    config: &GanConfig,
) -> Result<Vec<Lane>, GanError> {
    let genres: Vec<_> = placed.iter().map(|place| dataset.genre_of(place.window)).collect();
    let sets = sounding_sets(tracks, &genres, config)?;
    let lane = |(place, mut made): (&Placed, Window)| {
        let roles = dataset.roles_of(place.window);
        for role in TrackRole::ALL.into_iter().filter(|role| !roles.contains(*role)) {
            made[role.index()].fill(0);
            if let Some(roll) = onset_roll(role) {
                made[roll].fill(0);
            }
        }
        Lane { window: place.window, shift: place.shift, made: Box::new(made) }
    };
    Ok(placed.iter().zip(sets).map(lane).collect())
}

fn adam(train: &GanTraining) -> ModuleOptimizer {
    AdamConfig::new().with_beta_1(train.beta_1).with_beta_2(train.beta_2).with_epsilon(1e-8).init()
}
