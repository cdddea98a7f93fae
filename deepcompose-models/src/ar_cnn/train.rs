//! The training loop.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{ArCnn, ArCnnConfig, Corruption, RollWindows, edit_loss};
use crate::checkpoint::Checkpoint;
use crate::error::{ModelError, WeightsError};
use crate::training::{Schedule, TrainError, TrainEvent, step_rng};
use crate::weights::{self, Model, Precision};

/// The name of this trainer in a checkpoint.
const KIND: &str = "ar-cnn";

/// How an AR-CNN is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArCnnTraining {
    /// The network.
    pub model: ArCnnConfig,
    /// How windows are spoilt.
    pub corruption: Corruption,
    /// Learning rates; Adam otherwise has its usual constants.
    pub schedule: Schedule,
    /// Windows a step, at least 1.
    pub batch: usize,
    /// Each window is moved by a random number of semitones, at most this many either way.
    pub transpose: i32,
    /// Pitches trained on at once: a random band of the network's; all if not set. The network is
    /// convolutional, so a band costs less and loses little.
    pub band: Option<usize>,
    /// Steps between two measurements of the validation split, at least 1.
    pub validate_every: usize,
    /// The seed of everything random in the run.
    pub seed: u64,
}

impl ArCnnTraining {
    /// The published training of `model`, but for `steps`: Adam at 1e-3, 32 windows a step.
    #[must_use]
    pub fn reference(model: ArCnnConfig, steps: usize) -> Self {
        Self {
            model,
            corruption: Corruption::default(),
            schedule: Schedule { peak: 1e-3, warmup: 0, steps, decay: crate::training::Decay::Constant },
            batch: 32,
            transpose: 0,
            band: None,
            validate_every: 500,
            seed: 0,
        }
    }

    fn validate(&self) -> Result<(), ModelError> {
        self.model.validate()?;
        self.corruption.validate()?;
        self.schedule.validate()?;
        let factor = 1 << self.model.levels;
        if let Some(band) = self.band
            && !(band > 0 && band <= self.model.pitches && band.is_multiple_of(factor))
        {
            let accepted = format!("a multiple of {factor} in {factor}..={}", self.model.pitches);
            return Err(ModelError::range("band", band, accepted));
        }
        for (field, value) in [("batch", self.batch), ("validate_every", self.validate_every)] {
            if value == 0 {
                return Err(ModelError::range(field, value, "1 or more"));
            }
        }
        if !(0..=64).contains(&self.transpose) {
            return Err(ModelError::range("transpose", self.transpose, "0..=64"));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    training: ArCnnTraining,
    step: usize,
    best: Option<f64>,
}

/// A run that trains an [`ArCnn`], writes checkpoints, and keeps the best weights.
///
/// The folder holds `checkpoint.safetensors`, from which a killed run goes on, and
/// `best.safetensors`, the weights with the lowest validation loss.
///
/// Fresh weights and dropout draw from burn's random numbers, which are one stream in a process: a
/// run's result depends on its seed alone only while no other run shares the process.
pub struct ArCnnTrainer {
    model: ArCnn,
    optimizer: ModuleOptimizer,
    state: State,
    folder: PathBuf,
    device: Device,
}

impl std::fmt::Debug for ArCnnTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArCnnTrainer")
            .field("state", &self.state)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl ArCnnTrainer {
    /// A run in `folder`, which is created if it is not there. If it holds a checkpoint the run goes
    /// on from it, with the schedule given now; the network must be the same.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] for settings out of range, [`TrainError::Weights`] if the folder or
    /// its checkpoint cannot be used.
    pub fn new(
        training: ArCnnTraining,
        folder: impl AsRef<Path>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        training.validate()?;
        let folder = folder.as_ref().to_owned();
        std::fs::create_dir_all(&folder)
            .map_err(|source| WeightsError::Io { path: folder.display().to_string(), source })?;
        let device = device.clone().autodiff();
        device.seed(training.seed);
        let mut model = ArCnn::build(&training.model, &device)?;
        // burn draws weights when they are first read: read them now, after the seed.
        let _ = model.clone().into_record();
        let mut optimizer = AdamConfig::new().init();
        let mut state = State { training, step: 0, best: None };
        let path = folder.join("checkpoint.safetensors");
        if path.exists() {
            let (checkpoint, saved): (_, State) = Checkpoint::read(&path, KIND)?;
            if saved.training.model != state.training.model {
                let what = "the checkpoint is of a network of another shape".to_owned();
                return Err(WeightsError::Mismatch(what).into());
            }
            model = checkpoint.module("model", model)?;
            optimizer = checkpoint.optimizer("optimizer", optimizer)?;
            (state.step, state.best) = (saved.step, saved.best);
        }
        Ok(Self { model, optimizer, state, folder, device })
    }

    /// Steps taken so far.
    #[must_use]
    pub fn step(&self) -> usize {
        self.state.step
    }

    /// The network as it is now, for inference.
    #[must_use]
    pub fn model(&self) -> ArCnn {
        self.model.valid()
    }

    /// Trains until the schedule's last step, or until the observer breaks, and then writes a
    /// checkpoint. At every validation the checkpoint, and if it is the best so far the weights, are
    /// written.
    ///
    /// # Errors
    ///
    /// [`TrainError::NoData`], [`TrainError::Diverged`], [`TrainError::Weights`].
    pub fn run(
        &mut self,
        train: &RollWindows,
        valid: &RollWindows,
        observer: &mut dyn FnMut(TrainEvent) -> ControlFlow<()>,
    ) -> Result<(), TrainError> {
        for (split, windows) in [("train", train), ("valid", valid)] {
            if windows.is_empty() {
                return Err(TrainError::NoData { split });
            }
        }
        while self.state.step < self.state.training.schedule.steps {
            let learning_rate = self.state.training.schedule.at(self.state.step);
            let loss = self.train_step(train, learning_rate)?;
            self.state.step += 1;
            let step = self.state.step;
            let mut flow = observer(TrainEvent::Step { step, loss, learning_rate });
            let last = step == self.state.training.schedule.steps;
            if last || step.is_multiple_of(self.state.training.validate_every) {
                let loss = self.validate(valid)?;
                let best = self.state.best.is_none_or(|b| loss < b);
                if best {
                    self.state.best = Some(loss);
                    weights::save(&self.model(), self.folder.join("best.safetensors"), Precision::Full)?;
                }
                self.save()?;
                for event in [TrainEvent::Validation { step, loss, best }, TrainEvent::Checkpoint { step }] {
                    if observer(event).is_break() {
                        flow = ControlFlow::Break(());
                    }
                }
            }
            if flow.is_break() {
                return self.save();
            }
        }
        Ok(())
    }

    fn train_step(&mut self, train: &RollWindows, learning_rate: f64) -> Result<f64, TrainError> {
        let State { training, step, .. } = &self.state;
        let mut rng = step_rng(training.seed, 1, *step);
        self.device.seed(rng.random());
        let indices: Vec<usize> = (0..training.batch).map(|_| rng.random_range(0..train.len())).collect();
        let augmentation = (training.transpose, training.band);
        let batch = train.batch(
            &indices,
            &training.model,
            &training.corruption,
            augmentation,
            &mut rng,
            &self.device,
        );
        let loss = edit_loss(self.model.forward(batch.input)?, batch.difference);
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if !value.is_finite() {
            return Err(TrainError::Diverged { step: *step, loss: value });
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(learning_rate, self.model.clone(), gradients);
        Ok(value)
    }

    /// Mean loss over every window of a split, each spoilt once, always in the same way.
    ///
    /// # Errors
    ///
    /// [`TrainError::NoData`] for an empty split.
    pub fn validate(&self, windows: &RollWindows) -> Result<f64, TrainError> {
        if windows.is_empty() {
            return Err(TrainError::NoData { split: "valid" });
        }
        let training = &self.state.training;
        let model = self.model();
        let device = self.device.clone().without_autodiff();
        let indices: Vec<usize> = (0..windows.len()).collect();
        let mut total = 0.0;
        for (number, chunk) in indices.chunks(training.batch).enumerate() {
            let mut rng = step_rng(training.seed, 2, number);
            let batch =
                windows.batch(chunk, &training.model, &training.corruption, (0, None), &mut rng, &device);
            let loss = edit_loss(model.forward(batch.input)?, batch.difference);
            total += f64::from(loss.into_scalar::<f32>()) * chunk.len() as f64;
        }
        Ok(total / windows.len() as f64)
    }

    fn save(&self) -> Result<(), TrainError> {
        Ok(Checkpoint::new()
            // `valid` also brings batch normalisation's running averages up to date.
            .with_module("model", &self.model())?
            .with_optimizer("optimizer", &self.optimizer)?
            .write(self.folder.join("checkpoint.safetensors"), KIND, &self.state)?)
    }
}
