//! [`ArCnnTrainer`]: the steps of a training run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::fused::{Fused, Rolls};
use super::loss::{edit_loss_sum, targets};
use super::statistics::with_statistics_of_training;
use super::{ArCnn, ArCnnConfig, ArCnnTrainConfig, ArCnnTraining, EditBatch, RollWindows};
use crate::checkpoint::Checkpoint;
use crate::error::ModelError;
use crate::training::replicas::Replicas;
use crate::training::shuffle::Shuffle;
use crate::training::statistics::Measured;
use crate::training::{Frozen, StepReport, TrainError, Trainer, gradients, step_rng};
use crate::weights::Model;

/// Trains an [`ArCnn`] with Adam; see [`Run`](crate::training::Run) for the folder around it.
///
/// Every epoch visits all windows in an order of its own. What a step draws (windows, transposition, corruption,
/// dropout) depends on the seed and the step's number alone.
pub struct ArCnnTrainer {
    model: ArCnn,
    frozen: Frozen,
    optimizer: ModuleOptimizer,
    training: ArCnnTraining,
    train: RollWindows,
    valid: RollWindows,
    /// Fingerprints of the training windows and of the validation windows.
    data: String,
    valid_data: String,
    order: Shuffle,
    replicas: Replicas,
    /// Where gradients are computed by hand.
    fused: Option<Fused>,
    measured: Measured<ArCnn>,
    step: usize,
    device: Device,
}

/// What a checkpoint says besides the tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArCnnState {
    model: ArCnnConfig,
    training: ArCnnTraining,
    step: usize,
    /// Fingerprint of the training windows.
    data: String,
}

impl std::fmt::Debug for ArCnnTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArCnnTrainer")
            .field("model", self.model.config())
            .field("training", &self.training)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

/// burn draws fresh weights from one stream of random numbers in a process: one network at a time, then, between
/// the seed and the last weight.
static FRESH_WEIGHTS: Mutex<()> = Mutex::new(());

pub(super) fn fresh(config: &ArCnnConfig, seed: u64, device: &Device) -> Result<ArCnn, ModelError> {
    let _alone = FRESH_WEIGHTS.lock().unwrap_or_else(PoisonError::into_inner);
    device.seed(seed);
    let model = ArCnn::build(config, device)?;
    // burn draws a weight when it is first read: read them now.
    let _ = model.clone().into_record();
    Ok(model)
}

/// The random numbers that dropout draws in a part of a batch of a step.
fn dropout_rng(seed: u64, step: usize, batch: usize, part: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The streams of the batches are far below.
    rng.set_stream(1 << 63 | (step as u64) << 20 | (batch as u64) << 8 | part as u64);
    rng
}

impl ArCnnTrainer {
    /// A trainer of a network with fresh weights. `device` is a plain device; training enables autodiff on it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] for settings out of range, [`TrainError::NoData`] for an empty split.
    pub fn new(
        config: &ArCnnTrainConfig,
        train: RollWindows,
        valid: RollWindows,
        device: &Device,
    ) -> Result<Self, TrainError> {
        config.model.validate()?;
        let device = device.clone().autodiff();
        let model = fresh(&config.model, config.training.seed, &device)?;
        Self::with_model(model, &config.training, train, valid)
    }

    /// A trainer that goes on from the weights of `model`, on its device: to fine-tune it.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn fine_tune(
        model: ArCnn,
        training: &ArCnnTraining,
        train: RollWindows,
        valid: RollWindows,
    ) -> Result<Self, TrainError> {
        Self::with_model(model.train(), training, train, valid)
    }

    fn with_model(
        model: ArCnn,
        training: &ArCnnTraining,
        train: RollWindows,
        valid: RollWindows,
    ) -> Result<Self, TrainError> {
        training.validate(model.config())?;
        for (split, windows) in [("train", &train), ("valid", &valid)] {
            if windows.is_empty() {
                return Err(TrainError::NoData { split });
            }
        }
        let frozen = training.freeze.of(&model)?;
        let device = model.devices().into_iter().next().unwrap_or_default().autodiff();
        Ok(Self {
            optimizer: AdamConfig::new().init(),
            order: Shuffle::new(train.len(), training.seed),
            replicas: Replicas::new(training.workers)?,
            fused: training.engine.is_fused(&device).then(|| Fused::new(training.workers)),
            training: training.clone(),
            model: frozen.freeze(model),
            frozen,
            data: train.fingerprint(),
            valid_data: valid.fingerprint(),
            train,
            valid,
            measured: Measured::default(),
            step: 0,
            device,
        })
    }

    /// How it is trained.
    #[must_use]
    pub fn training(&self) -> &ArCnnTraining {
        &self.training
    }

    /// The windows of a step: the batches, each in as many parts as there are workers; and how many of them have
    /// a target, at least 1.
    fn batches(&self) -> (Vec<Vec<EditBatch>>, f32) {
        let training = &self.training;
        let size = training.batch_size * training.accumulate;
        let numbers = self.order.take((self.step * size) as u64, size);
        let mut rng = step_rng(training.seed, 1, self.step);
        let part = training.batch_size.div_ceil(training.workers);
        let augmentation = training.augmentation();
        let mut batch = |numbers: &[usize]| {
            let (config, corruption) = (self.model.config(), &training.corruption);
            self.train.batch(numbers, config, corruption, augmentation, &mut rng, &self.device)
        };
        let batches: Vec<Vec<EditBatch>> =
            numbers.chunks(training.batch_size).map(|n| n.chunks(part).map(&mut batch).collect()).collect();
        let samples = batches.iter().flatten().map(|b| targets(b.difference.clone()).into_scalar::<f32>());
        let samples = samples.sum::<f32>().max(1.0);
        (batches, samples)
    }

    /// The mean loss of the next step and its gradient with respect to every parameter, by path, without taking
    /// the step: to compare trainings with.
    ///
    /// # Errors
    ///
    /// A device that fails.
    pub fn step_gradients(&self) -> Result<(f64, BTreeMap<String, Vec<f32>>), TrainError> {
        let (batches, samples) = self.batches();
        let (loss, gradients) = self.gradient(batches, samples)?;
        Ok((loss, gradients::by_path(&gradients, &self.model)))
    }

    /// Sum of the loss over the batches divided by `samples`, and its gradient.
    fn gradient(
        &self,
        batches: Vec<Vec<EditBatch>>,
        samples: f32,
    ) -> Result<(f64, GradientsParams), TrainError> {
        if let Some(fused) = &self.fused {
            return self.fused_gradient(fused, batches, samples);
        }
        let (seed, at) = (self.training.seed, self.step);
        let mut sum = GradientsAccumulator::new();
        let mut loss = 0.0;
        for (number, parts) in batches.into_iter().enumerate() {
            let parts = parts.into_iter().enumerate().map(|(index, batch)| {
                // A graph and running statistics of its own for all but the first.
                let model = if index == 0 { self.model.clone() } else { self.model.valid().train() };
                (model, batch)
            });
            let results = self.replicas.map(parts.collect(), |index, (model, batch): (ArCnn, EditBatch)| {
                let mut rng = dropout_rng(seed, at, number, index);
                let logits = model.forward_training(batch.input, &mut rng)?;
                let loss = edit_loss_sum(logits, batch.difference) / samples;
                let value = f64::from(loss.clone().into_scalar::<f32>());
                Ok((value, GradientsParams::from_grads(loss.backward(), &model)))
            });
            for result in results {
                let (value, gradients): (f64, GradientsParams) = result.map_err(|e: ModelError| e)?;
                loss += value;
                sum.accumulate(&self.model, gradients);
            }
        }
        Ok((loss, sum.grads()))
    }

    /// The same by hand.
    fn fused_gradient(
        &self,
        fused: &Fused,
        batches: Vec<Vec<EditBatch>>,
        samples: f32,
    ) -> Result<(f64, GradientsParams), TrainError> {
        for batch in batches.iter().flatten() {
            self.model.check(batch.input.dims())?;
        }
        let (seed, at, factor) = (self.training.seed, self.step, 1.0 / f64::from(samples));
        let mut sum = GradientsAccumulator::new();
        let mut loss = 0.0;
        fused.with(&self.model, |step| {
            for (number, parts) in batches.into_iter().enumerate() {
                let parts: Vec<Rolls> = parts.into_iter().map(Rolls::of).collect();
                let outcomes = self.replicas.map(parts, |index, rolls| {
                    step.run(index, &rolls, factor, &mut dropout_rng(seed, at, number, index))
                });
                for (index, outcome) in outcomes.into_iter().enumerate() {
                    // The running statistics are those of the first part, as with recorded differentiation.
                    if index == 0 {
                        outcome.statistics.update(&self.model);
                    }
                    loss += outcome.loss * factor;
                    sum.accumulate(&self.model, outcome.gradient.into_params(&self.model));
                }
            }
        });
        let mut gradients = sum.grads();
        self.frozen.apply(&mut gradients, &self.model);
        Ok((loss, gradients))
    }
}

impl Trainer for ArCnnTrainer {
    type Model = ArCnn;

    type State = ArCnnState;

    const KIND: &'static str = "ar-cnn";

    fn step(&self) -> usize {
        self.step
    }

    fn total_steps(&self) -> usize {
        self.training.steps
    }

    fn is_done(&self) -> bool {
        self.step >= self.training.steps
    }

    fn train_step(&mut self) -> Result<StepReport, TrainError> {
        let (batches, samples) = self.batches();
        let (loss, mut gradients) = self.gradient(batches, samples)?;
        self.frozen.apply(&mut gradients, &self.model);
        let step = self.step + 1;
        TrainError::unless_finite("the loss", step, loss)?;
        let learning_rate = self.training.schedule().at(self.step);
        let mut report = StepReport::new(loss, learning_rate);
        let norm = gradients::norm(&gradients, &self.model);
        TrainError::unless_finite("the gradient norm", step, norm)?;
        if let Some(clip) = self.training.clip.filter(|clip| norm > *clip) {
            gradients::scale(&mut gradients, &self.model, clip / norm);
        }
        report = report.with("gradient_norm", norm);
        let model = self.optimizer.step(learning_rate, self.model.clone(), gradients);
        self.model = self.frozen.restore(model);
        self.step = step;
        Ok(report)
    }

    fn validate(&self) -> Result<f64, TrainError> {
        let training = &self.training;
        let model = self.model();
        let device = self.device.clone().inner();
        let indices: Vec<usize> = (0..self.valid.len()).collect();
        let (mut total, mut counted) = (0.0, 0.0);
        for (number, chunk) in indices.chunks(training.batch_size).enumerate() {
            let mut rng = step_rng(training.seed, 2, number);
            let (config, corruption) = (self.model.config(), &training.corruption);
            let batch = self.valid.batch(chunk, config, corruption, (0, None), &mut rng, &device);
            counted += f64::from(targets(batch.difference.clone()).into_scalar::<f32>());
            let loss = edit_loss_sum(model.forward(batch.input)?, batch.difference);
            total += f64::from(loss.into_scalar::<f32>());
        }
        // A window in which nothing differs has nothing to be foretold.
        Ok(total / counted.max(1.0))
    }

    fn measure(&self) -> String {
        // Statistics of batch normalisation are those of training windows, as these are varied.
        let augmentation = self.training.augmentation();
        format!("{} with {:?}, normalised by {augmentation:?}", self.valid_data, self.training.corruption)
    }

    fn model(&self) -> ArCnn {
        self.measured.at(self.step, || {
            self.frozen.restore(with_statistics_of_training(&self.model, &self.training, &self.train))
        })
    }

    fn save(&self) -> Result<(Checkpoint, ArCnnState), TrainError> {
        let checkpoint = Checkpoint::new()
            // `valid` also brings batch normalisation's running averages up to date.
            .with_module("model", &self.model.valid())?
            .with_optimizer("optimizer", &self.optimizer)?;
        let state = ArCnnState {
            model: self.model.config().clone(),
            training: self.training.clone(),
            step: self.step,
            data: self.data.clone(),
        };
        Ok((checkpoint, state))
    }

    fn restore(&mut self, checkpoint: &Checkpoint, state: ArCnnState) -> Result<(), TrainError> {
        let (theirs, ours) = (&state.training, &self.training);
        TrainError::unless_same("network", &state.model, self.model.config())?;
        TrainError::unless_same("seed", &theirs.seed, &ours.seed)?;
        TrainError::unless_same("batch size", &theirs.batch_size, &ours.batch_size)?;
        TrainError::unless_same("accumulation", &theirs.accumulate, &ours.accumulate)?;
        TrainError::unless_same("number of workers", &theirs.workers, &ours.workers)?;
        TrainError::unless_same("training corpus", &state.data, &self.data)?;
        // An update that batch norms hold back would come after what is loaded.
        drop(self.model.valid());
        let model = checkpoint.module("model", self.model.clone())?;
        let optimizer = checkpoint.optimizer("optimizer", self.optimizer.clone(), &model)?;
        self.frozen = self.training.freeze.of(&model)?;
        self.model = self.frozen.freeze(model);
        self.optimizer = optimizer;
        self.measured = Measured::default();
        self.step = state.step;
        Ok(())
    }
}
