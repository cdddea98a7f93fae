//! [`ChoraleTrainer`]: the steps of a training run.

use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::config::ChoraleConfig;
use super::data::ChoraleDataset;
use super::ensemble::ChoraleEnsemble;
use super::evaluate::evaluate;
use super::learner::ChoraleBatch;
use super::loss::{Teacher, loss_sum};
use super::network::ChoraleTransformer;
use super::training::{ChoraleTrainConfig, ChoraleTraining};
use super::tunes::Tunes;
use crate::checkpoint::Checkpoint;
use crate::training::replicas::Replicas;
use crate::training::{Frozen, StepReport, TrainError, Trainer, gradients, step_rng};

/// Trains a [`ChoraleTransformer`] with AdamW; see [`Run`](crate::training::Run) for the folder around it. The unit of
/// its losses is nats a note: a cell of a voice in a sixteenth, rests included.
///
/// What a step draws (windows, transposition, what is hidden and dropped) depends on the seed and the step's number
/// alone.
pub struct ChoraleTrainer {
    network: ChoraleTransformer,
    frozen: Frozen,
    optimizer: ModuleOptimizer,
    training: ChoraleTraining,
    train: ChoraleDataset,
    valid: ChoraleDataset,
    /// Fingerprints of the training pieces and of the validation pieces.
    data: String,
    valid_data: String,
    replicas: Replicas,
    teacher: Option<Teacher>,
    /// What the network knows of the training pieces.
    tunes: Arc<Tunes>,
    step: usize,
}

/// What a checkpoint says besides the tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChoraleState {
    network: ChoraleConfig,
    training: ChoraleTraining,
    step: usize,
    /// Fingerprint of the training pieces.
    data: String,
    /// Fingerprint of the teacher.
    #[serde(default)]
    teacher: Option<String>,
}

impl std::fmt::Debug for ChoraleTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChoraleTrainer")
            .field("network", self.network.config())
            .field("training", &self.training)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

/// Finds the parameters that do not decay: biases, normalisations and attention biases.
#[derive(Default)]
struct Plain {
    path: Vec<String>,
    ids: Vec<ParamId>,
}

impl ModuleVisitor for Plain {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D == 1 || self.path.last().is_some_and(|name| name == "bias") {
            self.ids.push(param.id);
        }
    }
}

fn optimizer(network: &ChoraleTransformer, weight_decay: f64) -> ModuleOptimizer {
    let mut plain = Plain::default();
    network.visit(&mut plain);
    let adam = |decay: f32| AdamWConfig::new().with_beta_2(0.98).with_epsilon(1e-8).with_weight_decay(decay);
    let optimizer = adam(weight_decay as f32).init();
    optimizer.with_group(ParamGroup::from_ids(plain.ids), adam(0.0).build(), None)
}

impl ChoraleTrainer {
    /// A trainer of a network with fresh weights. `device` is a plain device; training enables autodiff on it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] for settings out of range.
    pub fn new(
        config: &ChoraleTrainConfig,
        train: ChoraleDataset,
        valid: ChoraleDataset,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let network = ChoraleTransformer::new(&config.model, config.training.seed, device)?;
        Self::fine_tune(network, &config.training, train, valid)
    }

    /// A trainer that goes on from the weights of `network`, on its device: to fine-tune it. It will know the tunes of
    /// `train`, and no longer those that it knew.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn fine_tune(
        network: ChoraleTransformer,
        training: &ChoraleTraining,
        train: ChoraleDataset,
        valid: ChoraleDataset,
    ) -> Result<Self, TrainError> {
        training.validate()?;
        let network = network.knowing(train.real())?;
        let tunes = network.tunes()?;
        let network = network.train();
        let frozen = training.freeze.of(&network)?;
        let network = frozen.freeze(network);
        Ok(Self {
            optimizer: optimizer(&network, training.weight_decay),
            frozen,
            replicas: Replicas::new(training.workers)?,
            network,
            data: train.fingerprint(),
            valid_data: valid.fingerprint(),
            train,
            valid,
            training: training.clone(),
            teacher: None,
            tunes,
            step: 0,
        })
    }

    /// Learns from the probabilities of an ensemble too, as [`ChoraleTraining::teacher_share`] says: knowledge distillation
    /// (Hinton, Vinyals and Dean 2015). The teacher hears what is hidden from the network. A run is resumed with the
    /// teacher that it began with.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] for a teacher that hears the music in other keys: it would have to move every window; or that
    /// knows the tunes of other pieces.
    /// [`TrainError::Weights`] where its parameters cannot be read from the device.
    pub fn taught_by(mut self, ensemble: ChoraleEnsemble) -> Result<Self, TrainError> {
        if ensemble.keys() != [0] {
            let keys = format!("{:?}", ensemble.keys());
            return Err(crate::ModelError::range("keys of a teacher", keys, "[0]").into());
        }
        if *ensemble.tunes() != self.tunes {
            let expected = "those of the training pieces";
            return Err(crate::ModelError::range("tunes", "of a teacher", expected).into());
        }
        let fingerprint = ensemble.fingerprint()?;
        self.teacher = Some(Teacher { ensemble, share: self.training.teacher_share, fingerprint });
        Ok(self)
    }

    /// How it is trained.
    #[must_use]
    pub fn training(&self) -> &ChoraleTraining {
        &self.training
    }

    fn teacher_fingerprint(&self) -> Option<String> {
        self.teacher.as_ref().map(|teacher| teacher.fingerprint.clone())
    }

    /// The windows of the next step, a batch a worker, each with the rng of its dropout.
    fn batches(&self) -> Vec<(ChoraleBatch, ChaCha8Rng)> {
        let ChoraleTraining { workers, batch_size, seed, .. } = self.training;
        let mut rng = step_rng(seed, 1, self.step);
        (0..workers)
            .map(|worker| {
                let count = batch_size * (worker + 1) / workers - batch_size * worker / workers;
                let batch =
                    self.train.windows(&self.training, count, &mut rng, self.teacher.is_some(), &self.tunes);
                // Above the streams of the batches.
                let mut dropout = ChaCha8Rng::seed_from_u64(seed);
                dropout.set_stream(1 << 63 | (self.step as u64) << 8 | worker as u64);
                (batch, dropout)
            })
            .collect()
    }

    /// The mean loss of the next step in nats a note, and its gradient.
    fn gradient(&self) -> (f64, usize, GradientsParams) {
        let batches = self.batches();
        let notes: usize = batches.iter().map(|(batch, _)| batch.notes()).sum();
        let scale = notes.max(1) as f32;
        let parts = batches.into_iter().enumerate().map(|(index, part)| {
            // A graph of its own for all but the first.
            let network = if index == 0 { self.network.clone() } else { self.network.valid().train() };
            (network, part)
        });
        let teacher = self.teacher.as_ref();
        let results = self.replicas.map(parts.collect(), |_, (network, (batch, mut rng))| {
            let loss = loss_sum(&network, &batch, teacher, Some(&mut rng)) / scale;
            let value = f64::from(loss.clone().into_scalar::<f32>());
            (value, GradientsParams::from_grads(loss.backward(), &network))
        });
        let (mut loss, mut sum) = (0.0, GradientsAccumulator::new());
        for (value, gradients) in results {
            loss += value;
            sum.accumulate(&self.network, gradients);
        }
        (loss, notes, sum.grads())
    }
}

impl Trainer for ChoraleTrainer {
    type Model = ChoraleTransformer;

    type State = ChoraleState;

    const KIND: &'static str = "chorale-transformer";

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
        let (loss, notes, mut gradients) = self.gradient();
        self.frozen.apply(&mut gradients, &self.network);
        let norm = gradients::norm(&gradients, &self.network);
        let step = self.step + 1;
        for (what, value) in [("the loss", loss), ("the gradient norm", norm)] {
            TrainError::unless_finite(what, step, value)?;
        }
        if norm > self.training.clip {
            gradients::scale(&mut gradients, &self.network, self.training.clip / norm);
        }
        let learning_rate = self.training.schedule().at(self.step);
        let network = self.optimizer.step(learning_rate, self.network.clone(), gradients);
        self.network = self.frozen.restore(network);
        self.step = step;
        let report = StepReport::new(loss, learning_rate);
        Ok(report.with("gradient_norm", norm).with("notes", notes as f64))
    }

    /// Mean loss over the whole validation pieces, in nats a note, none of them transposed.
    fn validate(&self) -> Result<f64, TrainError> {
        Ok(evaluate(&self.model(), &self.valid)?.nats_per_note())
    }

    fn measure(&self) -> String {
        self.valid_data.clone()
    }

    fn model(&self) -> ChoraleTransformer {
        self.network.valid()
    }

    fn save(&self) -> Result<(Checkpoint, ChoraleState), TrainError> {
        let checkpoint = Checkpoint::new()
            .with_module("network", &self.network)?
            .with_optimizer("optimizer", &self.optimizer)?;
        let state = ChoraleState {
            network: self.network.config().clone(),
            training: self.training.clone(),
            step: self.step,
            data: self.data.clone(),
            teacher: self.teacher_fingerprint(),
        };
        Ok((checkpoint, state))
    }

    fn restore(&mut self, checkpoint: &Checkpoint, state: ChoraleState) -> Result<(), TrainError> {
        let (theirs, ours) = (&state.training, &self.training);
        TrainError::unless_same("network", &state.network, self.network.config())?;
        TrainError::unless_same("seed", &theirs.seed, &ours.seed)?;
        TrainError::unless_same("batch size", &theirs.batch_size, &ours.batch_size)?;
        TrainError::unless_same("number of workers", &theirs.workers, &ours.workers)?;
        TrainError::unless_same("training corpus", &state.data, &self.data)?;
        TrainError::unless_same("teacher", &state.teacher, &self.teacher_fingerprint())?;
        // The groups of the optimiser go by the identities of the parameters, which the checkpoint brings.
        let network: ChoraleTransformer = checkpoint.module("network", self.network.clone())?;
        let fresh = optimizer(&network, self.training.weight_decay);
        let optimizer = checkpoint.optimizer("optimizer", fresh, &network)?;
        self.frozen = self.training.freeze.of(&network)?;
        self.optimizer = optimizer;
        self.network = self.frozen.freeze(network);
        self.step = state.step;
        Ok(())
    }
}
