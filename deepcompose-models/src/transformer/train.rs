//! [`TransformerTrainer`]: the steps of a training run.

use burn::module::{Module, ParamGroup};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::Device;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::checkpoint::{MEMORY, NETWORK, OPTIMIZER, TransformerState, floats};
use super::data::{Lanes, Position, TokenDataset};
use super::fused::{self, Gradient, LaneMemory, Segment, Weights};
use super::network::TransformerXl;
use super::recorded::{StepGradient, recorded_gradient};
use super::training::{TransformerTrainConfig, TransformerTraining};
use crate::checkpoint::Checkpoint;
use crate::error::WeightsError;
use crate::training::replicas::Replicas;
use crate::training::{Frozen, StepReport, TrainError, Trainer};

/// Trains a [`TransformerXl`] with AdamW; see [`Run`](crate::training::Run) for the folder around it.
///
/// Lanes walk through the pieces side by side, segment by segment, and remember what they have read of the
/// piece in progress; nothing sees past the start of its own piece. The loss is the cross-entropy in nats a
/// token.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::training::Trainer;
/// use deepcompose_models::transformer::{
///     Piece, TokenDataset, TokenLayout, TransformerTrainConfig, TransformerTrainer, TransformerXlConfig,
/// };
///
/// let mut config = TransformerTrainConfig::default();
/// config.model = TransformerXlConfig { layers: 1, heads: 1, d_model: 8, d_head: 8, d_inner: 8,
///     segment: 8, memory: 8, ..TransformerXlConfig::reference() };
/// config.training.lanes = 2;
/// let scale: Vec<u32> = (30..50).flat_map(|on| [on, 200, on + 88]).collect();
/// let data = TokenDataset::new(vec![Piece::new(scale)], TokenLayout::performance())?;
/// let mut trainer = TransformerTrainer::new(&config, data.clone(), data, &Device::default())?;
/// let report = trainer.train_step()?;
/// assert!(report.loss < 7.0);
/// # Ok::<(), deepcompose_models::training::TrainError>(())
/// ```
pub struct TransformerTrainer {
    network: TransformerXl,
    frozen: Frozen,
    optimizer: ModuleOptimizer,
    train: TokenDataset,
    valid: TokenDataset,
    /// Fingerprints of the training pieces and of the validation pieces.
    data: String,
    valid_data: String,
    training: TransformerTraining,
    fused: bool,
    position: Option<Position>,
    memories: Vec<LaneMemory>,
    replicas: Replicas,
    step: usize,
    seconds: f64,
}

impl std::fmt::Debug for TransformerTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransformerTrainer")
            .field("network", self.network.config())
            .field("training", &self.training)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

/// AdamW: no decay of biases, normalisations and attention biases.
pub(super) fn optimizer(network: &TransformerXl, weight_decay: f64) -> ModuleOptimizer {
    let adam = |decay: f32| AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(decay);
    let mut plain = vec![network.output_bias.id, network.content_bias.id, network.position_bias.id];
    let norms = network.layers.iter().flat_map(|layer| [&layer.attention_norm, &layer.feed_forward_norm]);
    for norm in norms.chain(&network.last_norm) {
        plain.push(norm.gamma.id);
        plain.extend(norm.beta.as_ref().map(|beta| beta.id));
    }
    for linear in network.layers.iter().flat_map(|layer| [&layer.expand, &layer.contract]) {
        plain.extend(linear.bias.as_ref().map(|bias| bias.id));
    }
    let optimizer = adam(weight_decay as f32).init();
    optimizer.with_group(ParamGroup::from_ids(plain), adam(0.0).build(), None)
}

impl TransformerTrainer {
    /// A trainer of a network with fresh weights. `device` is a plain device; training enables autodiff on it.
    ///
    /// # Errors
    ///
    /// [`TrainError::Transformer`] for settings out of range or data of another vocabulary.
    pub fn new(
        config: &TransformerTrainConfig,
        train: TokenDataset,
        valid: TokenDataset,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let network = TransformerXl::new(&config.model, config.training.seed, device)?;
        Self::fine_tune(network, &config.training, train, valid)
    }

    /// A trainer that goes on from the weights of `network`, on its device: to fine-tune it.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn fine_tune(
        network: TransformerXl,
        training: &TransformerTraining,
        train: TokenDataset,
        valid: TokenDataset,
    ) -> Result<Self, TrainError> {
        training.validate()?;
        for data in [&train, &valid] {
            let (theirs, ours) = (data.layout().vocabulary, network.config().vocabulary);
            if theirs != ours {
                return Err(super::network::shape_error("the data's vocabulary", ours, theirs).into());
            }
        }
        let device = network.embedding.val().device();
        let fused = training.engine.is_fused(&device);
        let workers = if fused { training.workers } else { 1 };
        // The optimiser wants recording parameters even where nothing is recorded.
        let network = network.train();
        let frozen = training.freeze.of(&network)?;
        let network = frozen.freeze(network);
        Ok(Self {
            optimizer: optimizer(&network, training.weight_decay),
            frozen,
            memories: vec![LaneMemory::default(); workers],
            replicas: Replicas::new(workers)?,
            network,
            data: train.fingerprint(),
            valid_data: valid.fingerprint(),
            train,
            valid,
            training: training.clone(),
            fused,
            position: None,
            step: 0,
            seconds: 0.0,
        })
    }

    /// How it is trained.
    #[must_use]
    pub fn training(&self) -> &TransformerTraining {
        &self.training
    }

    fn lanes(&self) -> Lanes<'_> {
        let TransformerTraining { lanes, seed, transpose, .. } = self.training;
        Lanes::training(&self.train, lanes, seed, transpose, self.position.clone())
    }

    /// Sum of the loss, and the gradient of `factor` times it, for batch `number` of the step. Advances the memories.
    fn gradient(&mut self, segments: &[Segment], number: usize, factor: f32) -> (f64, StepGradient) {
        let (seed, step, network) = (self.training.seed, self.step as u64, &self.network);
        let rng = |part: usize| {
            // Shuffling draws from the epochs' streams, which are far below.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(1 << 63 | step << 20 | (number as u64) << 8 | part as u64);
            rng
        };
        if !self.fused {
            network.embedding.val().device().seed(rng(0).next_u64());
            let (loss, gradient) = recorded_gradient(network, &segments[0], &mut self.memories[0], factor);
            return (loss, StepGradient::Recorded(gradient));
        }
        let weights = Weights::of(network);
        let work: Vec<_> = segments.iter().zip(&mut self.memories).collect();
        let parts = self.replicas.map(work, |part, (segment, memory)| {
            fused::loss_and_gradient(&weights, segment, memory, factor, &mut rng(part))
        });
        let mut parts = parts.into_iter();
        let (mut total, mut sum) = parts.next().unwrap_or_else(|| (0.0, Gradient::new(network.config())));
        for (loss, gradient) in parts {
            total += loss;
            sum.add(gradient);
        }
        (total, StepGradient::Fused(sum))
    }
}

impl Trainer for TransformerTrainer {
    type Model = TransformerXl;

    type State = TransformerState;

    const KIND: &'static str = "transformer-xl";

    fn step(&self) -> usize {
        self.step
    }

    fn total_steps(&self) -> usize {
        self.training.steps
    }

    fn is_done(&self) -> bool {
        self.training.progress(self.step, self.seconds) >= 1.0
    }

    fn train_step(&mut self) -> Result<StepReport, TrainError> {
        let begun = std::time::Instant::now();
        let (time, parts) = (self.network.config().segment, self.memories.len());
        let mut lanes = self.lanes();
        let batches: Vec<_> =
            (0..self.training.accumulate).map(|_| lanes.next(time, parts).unwrap_or_default()).collect();
        let position = lanes.position().clone();
        let tokens = batches.iter().flatten().flat_map(|segment| &segment.targets).flatten().count();
        let factor = (tokens.max(1) as f32).recip();
        let (mut loss, mut sum): (f64, Option<StepGradient>) = (0.0, None);
        for (number, segments) in batches.iter().enumerate() {
            let (part, gradient) = self.gradient(segments, number, factor);
            loss += part;
            sum = Some(match sum {
                Some(sum) => sum.plus(gradient, &self.network),
                None => gradient,
            });
        }
        let loss = loss / tokens.max(1) as f64;
        let Some(mut gradient) = sum else { return Err(TrainError::NoData { split: "train" }) };
        if !self.frozen.paths().is_empty() {
            // What is frozen has no part in the norm.
            let mut params = gradient.into_params(&self.network);
            self.frozen.apply(&mut params, &self.network);
            gradient = StepGradient::Recorded(params);
        }
        let norm = gradient.norm(&self.network);
        for (what, value) in [("the loss", loss), ("the gradient norm", norm)] {
            TrainError::unless_finite(what, self.step + 1, value)?;
        }
        if norm > self.training.clip {
            gradient.scale(&self.network, self.training.clip / norm);
        }
        let learning_rate = self.training.learning_rate_at(self.step, self.seconds);
        let gradients = gradient.into_params(&self.network);
        let network = self.optimizer.step(learning_rate, self.network.clone(), gradients);
        self.network = self.frozen.restore(network);
        let report = StepReport::new(loss, learning_rate)
            .with("gradient_norm", norm)
            .with("tokens", tokens as f64)
            .with("epoch", position.epoch as f64);
        self.position = Some(position);
        self.step += 1;
        self.seconds += begun.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Mean loss over the whole validation pieces, in nats a token, each piece from its start.
    fn validate(&self) -> Result<f64, TrainError> {
        let workers = self.training.workers;
        Ok(mean_loss(&self.network, &self.valid, self.training.lanes, workers, &self.replicas))
    }

    fn measure(&self) -> String {
        self.valid_data.clone()
    }

    fn model(&self) -> TransformerXl {
        self.network.valid()
    }

    fn save(&self) -> Result<(Checkpoint, TransformerState), TrainError> {
        let memory = self.memories.iter().flat_map(|memory| memory.layers.iter().flatten());
        let checkpoint = Checkpoint::new()
            .with_module(NETWORK, &self.network)?
            .with_optimizer(OPTIMIZER, &self.optimizer)?
            .with_bytes(MEMORY, memory.flat_map(|value| value.to_le_bytes()).collect());
        let position = self.position.clone().unwrap_or_else(|| self.lanes().position().clone());
        let state = TransformerState {
            network: self.network.config().clone(),
            training: self.training.clone(),
            step: self.step,
            seconds: self.seconds,
            position,
            data: self.data.clone(),
            memories: self.memories.iter().map(|m| (m.positions, m.visible.clone())).collect(),
        };
        Ok((checkpoint, state))
    }

    fn restore(&mut self, checkpoint: &Checkpoint, state: TransformerState) -> Result<(), TrainError> {
        let (theirs, ours) = (&state.training, &self.training);
        TrainError::unless_same("network", &state.network, self.network.config())?;
        TrainError::unless_same("seed", &theirs.seed, &ours.seed)?;
        TrainError::unless_same("number of lanes", &theirs.lanes, &ours.lanes)?;
        TrainError::unless_same("number of workers", &state.memories.len(), &self.memories.len())?;
        TrainError::unless_same("training corpus", &state.data, &self.data)?;
        if !Lanes::fits(&self.train, &state.position, (ours.lanes, ours.seed, theirs.transpose)) {
            return Err(WeightsError::malformed("the checkpoint's place in the corpus does not exist").into());
        }
        let numbers = checkpoint.bytes(MEMORY).map(floats).ok_or_else(|| {
            TrainError::from(WeightsError::malformed(format!("the checkpoint has no part `{MEMORY}`")))
        })?;
        let mut numbers = numbers.into_iter();
        let (lanes, parts) = (ours.lanes, state.memories.len());
        let mut memories = Vec::with_capacity(parts);
        for (part, (positions, visible)) in state.memories.into_iter().enumerate() {
            let of_part = lanes * (part + 1) / parts - lanes * part / parts;
            let fits = visible.len() == of_part && visible.iter().all(|visible| *visible <= positions);
            let size = visible.len().saturating_mul(positions).saturating_mul(state.network.d_model);
            let layers: Vec<Vec<f32>> = match positions {
                0 => Vec::new(),
                _ => (0..state.network.layers).map(|_| numbers.by_ref().take(size).collect()).collect(),
            };
            if positions > state.network.memory
                || (positions > 0 && !fits)
                || layers.iter().any(|layer| layer.len() != size)
            {
                return Err(
                    WeightsError::malformed("the checkpoint's memory does not fit its network").into()
                );
            }
            // Without positions nothing is visible, whatever the file says.
            let visible = if positions == 0 { Vec::new() } else { visible };
            memories.push(LaneMemory { layers, positions, visible });
        }
        // The groups of the optimiser go by the identities of the parameters, which the checkpoint brings.
        let network: TransformerXl = checkpoint.module(NETWORK, self.network.clone())?;
        let fresh = optimizer(&network, self.training.weight_decay);
        let optimizer = checkpoint.optimizer(OPTIMIZER, fresh, &network)?;
        self.frozen = self.training.freeze.of(&network)?;
        self.optimizer = optimizer;
        self.network = self.frozen.freeze(network);
        self.memories = memories;
        self.position = Some(state.position);
        (self.step, self.seconds) = (state.step, state.seconds);
        Ok(())
    }
}

fn mean_loss(
    network: &TransformerXl,
    data: &TokenDataset,
    lanes: usize,
    workers: usize,
    replicas: &Replicas,
) -> f64 {
    let weights = Weights::of(network);
    let mut lanes = Lanes::validation(data, lanes);
    let mut memories = vec![LaneMemory::default(); workers];
    let (mut total, mut tokens) = (0.0, 0usize);
    while let Some(segments) = lanes.next(network.config().segment, workers) {
        tokens += segments.iter().flat_map(|segment| &segment.targets).flatten().count();
        let work: Vec<_> = segments.iter().zip(&mut memories).collect();
        let parts = replicas.map(work, |_, (segment, memory)| fused::loss(&weights, segment, memory));
        total += parts.into_iter().sum::<f64>();
    }
    total / tokens.max(1) as f64
}
