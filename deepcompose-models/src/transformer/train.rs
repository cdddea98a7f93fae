//! Training.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use burn::module::{Module, ParamGroup};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::checkpoint::{Checkpoint, RunState};
use super::data::{Lanes, Position, TokenDataset};
use super::error::TransformerError;
use super::fused::{self, Gradient, LaneMemory, Segment, Weights};
use super::network::TransformerXl;
use super::recorded::{StepGradient, recorded_gradient};
use super::training::{GradientEngine, TransformerTraining};

/// What one training step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerStep {
    /// The step, from zero.
    pub step: u64,
    /// Mean loss of the segment in nats a token, with dropout.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// The learning rate used.
    pub learning_rate: f64,
    /// Tokens learnt from.
    pub tokens: usize,
    /// Epochs begun, from zero.
    pub epoch: u64,
}

/// What happens while training, for an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum TransformerEvent {
    /// A step was done.
    Step(TransformerStep),
    /// The validation pieces were read.
    Validated {
        /// Steps done so far.
        steps: u64,
        /// Mean loss over whole pieces, in nats a token.
        loss: f64,
        /// Whether this is the lowest so far; its weights are kept.
        best: bool,
    },
}

/// Trains a [`TransformerXl`] with AdamW.
///
/// Lanes walk through the pieces side by side, segment by segment, and remember what they have read of the
/// piece in progress; nothing sees past the start of its own piece. The loss is the cross-entropy in nats a
/// token. The weights with the lowest validation loss are kept.
///
/// ```
/// use std::ops::ControlFlow;
/// use burn::tensor::Device;
/// use deepcompose_models::transformer::{
///     Piece, TokenDataset, TokenLayout, TransformerTrainer, TransformerTraining, TransformerXl, TransformerXlConfig,
/// };
///
/// let sizes = TransformerXlConfig { layers: 1, heads: 1, d_model: 8, d_head: 8, d_inner: 8,
///     segment: 8, memory: 8, ..TransformerXlConfig::reference() };
/// let network = TransformerXl::new(&sizes, 1, &Device::default())?;
/// let scale: Vec<u32> = (30..50).flat_map(|on| [on, 200, on + 88]).collect();
/// let data = TokenDataset::new(vec![Piece::new(scale)], TokenLayout::performance())?;
/// let config = TransformerTraining { steps: 3, lanes: 2, ..TransformerTraining::default() };
/// let mut trainer = TransformerTrainer::new(network, data.clone(), data, config)?;
/// trainer.run(None, &mut |_event| ControlFlow::Continue(()))?;
/// let network = trainer.into_best();
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
#[derive(Debug)]
pub struct TransformerTrainer {
    network: TransformerXl,
    best: Option<(f64, u64, TransformerXl)>,
    optimizer: Optimizer,
    train: TokenDataset,
    validation: TokenDataset,
    config: TransformerTraining,
    position: Option<Position>,
    memories: Vec<LaneMemory>,
    pools: Vec<rayon::ThreadPool>,
    step: u64,
    seconds: f64,
}

/// AdamW: no decay of biases, normalisations and attention biases.
struct Optimizer(ModuleOptimizer);

impl std::fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdamW")
    }
}

impl Optimizer {
    fn new(network: &TransformerXl, weight_decay: f64) -> Self {
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
        Self(optimizer.with_group(ParamGroup::from_ids(plain), adam(0.0).build(), None))
    }
}

impl TransformerTrainer {
    /// Starts a run from `network` as it is.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Config`] where a setting is not valid, [`TransformerError::Shape`] where the data
    /// is of another vocabulary, [`TransformerError::Data`] where threads cannot be made.
    pub fn new(
        network: TransformerXl,
        train: TokenDataset,
        validation: TokenDataset,
        config: TransformerTraining,
    ) -> Result<Self, TransformerError> {
        config.validate()?;
        for data in [&train, &validation] {
            let (theirs, ours) = (data.layout().vocabulary, network.config().vocabulary);
            if theirs != ours {
                return Err(super::network::shape_error("the data's vocabulary", ours, theirs));
            }
        }
        let pools = match config.workers {
            1 => Vec::new(),
            workers => (0..workers).map(|_| pool()).collect::<Result<_, _>>()?,
        };
        // The optimiser wants recording parameters even where nothing is recorded.
        let network = network.train();
        Ok(Self {
            optimizer: Optimizer::new(&network, config.weight_decay),
            memories: vec![LaneMemory::default(); config.workers],
            network,
            best: None,
            train,
            validation,
            config,
            position: None,
            pools,
            step: 0,
            seconds: 0.0,
        })
    }

    /// Goes on from a checkpoint: with the same data, just as if there had been no interruption.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Io`] where the file cannot be read, [`TransformerError::Checkpoint`] where it is
    /// damaged or belongs to other data; and as [`new`](Self::new).
    pub fn resume(
        path: &Path,
        train: TokenDataset,
        validation: TokenDataset,
        device: &Device,
    ) -> Result<Self, TransformerError> {
        let Checkpoint { state, network, best_network, optimizer, memory } = Checkpoint::read(path)?;
        let wrong = |what: &str| TransformerError::Checkpoint(what.to_string());
        let record_error = |error: burn::store::RecordError| TransformerError::Checkpoint(error.to_string());
        let load = |bytes: Vec<u8>| {
            let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(record_error)?;
            TransformerXl::new(&state.network, 0, device)?.try_load_record(record).map_err(record_error)
        };
        let mut trainer = Self::new(load(network)?, train, validation, state.training.clone())?;
        trainer.best = match (state.best, best_network) {
            (Some((loss, step)), Some(bytes)) => Some((loss, step, load(bytes)?)),
            _ => None,
        };
        let optimizer = trainer.optimizer.0.from_bytes(Bytes::from_bytes_vec(optimizer));
        trainer.optimizer = Optimizer(optimizer.map_err(record_error)?);
        if !Lanes::fits(&trainer.train, &state.position, trainer.config.lanes) {
            return Err(wrong("it was made with other training data"));
        }
        let mut numbers = memory.into_iter();
        if state.memories.len() != trainer.memories.len() {
            return Err(wrong("its memory does not fit its settings"));
        }
        for (memory, (positions, visible)) in trainer.memories.iter_mut().zip(state.memories) {
            let size = visible.len() * positions * state.network.d_model;
            memory.layers = match positions {
                0 => Vec::new(),
                _ => (0..state.network.layers).map(|_| numbers.by_ref().take(size).collect()).collect(),
            };
            if memory.layers.iter().any(|layer| layer.len() != size) {
                return Err(wrong("its memory is too short"));
            }
            (memory.positions, memory.visible) = (positions, visible);
        }
        trainer.position = Some(state.position);
        (trainer.step, trainer.seconds) = (state.step, state.seconds);
        Ok(trainer)
    }

    /// Writes a checkpoint, first to a temporary file beside `path`, then under its name.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Io`] where it cannot be written, [`TransformerError::Checkpoint`] where the
    /// weights cannot be packed.
    pub fn save(&self, path: &Path) -> Result<(), TransformerError> {
        let packed = |error: burn::store::RecordError| TransformerError::Checkpoint(error.to_string());
        let bytes = |network: &TransformerXl| -> Result<Vec<u8>, TransformerError> {
            Ok(network.clone().into_record().into_bytes().map_err(packed)?.to_vec())
        };
        let position = match &self.position {
            Some(position) => position.clone(),
            None => self.lanes().position().clone(),
        };
        let memory = self.memories.iter().flat_map(|memory| memory.layers.iter().flatten().copied());
        Checkpoint {
            state: RunState {
                network: self.network.config().clone(),
                training: self.config.clone(),
                step: self.step,
                seconds: self.seconds,
                position,
                memories: self.memories.iter().map(|m| (m.positions, m.visible.clone())).collect(),
                best: self.best.as_ref().map(|(loss, step, _)| (*loss, *step)),
            },
            network: bytes(&self.network)?,
            best_network: self.best.as_ref().map(|(_, _, network)| bytes(network)).transpose()?,
            optimizer: self.optimizer.0.into_bytes().map_err(packed)?.to_vec(),
            memory: memory.collect(),
        }
        .write(path)
    }

    /// The settings.
    pub fn config(&self) -> &TransformerTraining {
        &self.config
    }

    /// The network as trained so far.
    pub fn network(&self) -> &TransformerXl {
        &self.network
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The lowest validation loss so far, in nats a token, and the number of steps after which it was seen.
    pub fn best_loss(&self) -> Option<(f64, u64)> {
        self.best.as_ref().map(|(loss, step, _)| (*loss, *step))
    }

    /// The weights with the lowest validation loss, or the last ones where none was measured.
    pub fn into_best(self) -> TransformerXl {
        self.best.map_or(self.network, |(_, _, network)| network).valid()
    }

    fn lanes(&self) -> Lanes<'_> {
        let TransformerTraining { lanes, seed, transpose, .. } = self.config;
        Lanes::training(&self.train, lanes, seed, transpose, self.position.clone())
    }

    /// Trains to the end of the run, or until the observer breaks.
    ///
    /// Validates every `validate_every` steps and at the end; after each, writes `checkpoint` where one is
    /// given.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step) and [`save`](Self::save).
    pub fn run(
        &mut self,
        checkpoint: Option<&Path>,
        observer: &mut dyn FnMut(&TransformerEvent) -> ControlFlow<()>,
    ) -> Result<(), TransformerError> {
        while self.config.progress(self.step, self.seconds) < 1.0 {
            let report = self.step()?;
            let mut stop = observer(&TransformerEvent::Step(report)).is_break();
            let over = self.config.progress(self.step, self.seconds) >= 1.0;
            if over || self.step.is_multiple_of(self.config.validate_every) {
                let loss = self.validate();
                let best = self.best.as_ref().is_none_or(|(least, _, _)| loss < *least);
                if best {
                    self.best = Some((loss, self.step, self.network.clone()));
                }
                stop |= observer(&TransformerEvent::Validated { steps: self.step, loss, best }).is_break();
                if let Some(path) = checkpoint {
                    self.save(path)?;
                }
            }
            if stop {
                break;
            }
        }
        Ok(())
    }

    /// One step: a segment of every lane.
    ///
    /// # Errors
    ///
    /// [`TransformerError::NotFinite`] where the loss or the gradient is not finite; the weights are then
    /// those of the step before.
    pub fn step(&mut self) -> Result<TransformerStep, TransformerError> {
        let begun = Instant::now();
        let mut lanes = self.lanes();
        let segments = lanes.next(self.network.config().segment, self.config.workers).unwrap_or_default();
        let position = lanes.position().clone();
        let tokens = segments.iter().flat_map(|segment| &segment.targets).flatten().count();
        let factor = (tokens.max(1) as f32).recip();
        let (loss, mut gradient) = self.gradient(&segments, factor);
        let loss = loss / tokens.max(1) as f64;
        let gradient_norm = gradient.norm(&self.network);
        for (what, value) in [("the loss", loss), ("the gradient norm", gradient_norm)] {
            if !value.is_finite() {
                return Err(TransformerError::NotFinite { what, step: self.step });
            }
        }
        if gradient_norm > self.config.clip {
            gradient.scale(&self.network, self.config.clip / gradient_norm);
        }
        let learning_rate = self.config.learning_rate_at(self.step, self.seconds);
        let gradients = gradient.into_params(&self.network);
        self.network = self.optimizer.0.step(learning_rate, self.network.clone(), gradients);
        let report = TransformerStep {
            step: self.step,
            loss,
            gradient_norm,
            learning_rate,
            tokens,
            epoch: position.epoch,
        };
        self.position = Some(position);
        self.step += 1;
        self.seconds += begun.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Sum of the loss, and the gradient of `factor` times it. Advances the memories.
    fn gradient(&mut self, segments: &[Segment], factor: f32) -> (f64, StepGradient) {
        let (seed, step, network) = (self.config.seed, self.step, &self.network);
        let rng = |part: usize| {
            // Shuffling draws from the epochs' streams, which are far below.
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(1 << 63 | step << 8 | part as u64);
            rng
        };
        if self.config.engine == GradientEngine::Autodiff {
            network.embedding.val().device().seed(rng(0).next_u64());
            let (loss, gradient) = recorded_gradient(network, &segments[0], &mut self.memories[0], factor);
            return (loss, StepGradient::Recorded(gradient));
        }
        let weights = Weights::of(network);
        let parts = in_parallel(&self.pools, segments, &mut self.memories, |part, segment, memory| {
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

    /// Mean loss over the whole validation pieces, in nats a token, each piece from its start.
    pub fn validate(&self) -> f64 {
        let config = &self.config;
        mean_loss(&self.network, &self.validation, config.lanes, config.workers, &self.pools)
    }
}

fn mean_loss(
    network: &TransformerXl,
    data: &TokenDataset,
    lanes: usize,
    workers: usize,
    pools: &[rayon::ThreadPool],
) -> f64 {
    let weights = Weights::of(network);
    let mut lanes = Lanes::validation(data, lanes);
    let mut memories = vec![LaneMemory::default(); workers];
    let (mut total, mut tokens) = (0.0, 0usize);
    while let Some(segments) = lanes.next(network.config().segment, workers) {
        tokens += segments.iter().flat_map(|segment| &segment.targets).flatten().count();
        let parts = in_parallel(pools, &segments, &mut memories, |_, segment, memory| {
            fused::loss(&weights, segment, memory)
        });
        total += parts.into_iter().sum::<f64>();
    }
    total / tokens.max(1) as f64
}

pub(super) fn pool() -> Result<rayon::ThreadPool, TransformerError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.map_err(|error| TransformerError::Data(format!("no thread for training: {error}")))
}

/// Calls `f` on every part, each in its own pool of one thread, so that the parts run at once and nothing
/// in them waits for another; or here, one after another, where there are no pools.
pub(super) fn in_parallel<T: Send>(
    pools: &[rayon::ThreadPool],
    segments: &[Segment],
    memories: &mut [LaneMemory],
    f: impl Fn(usize, &Segment, &mut LaneMemory) -> T + Sync,
) -> Vec<T> {
    let work = segments.iter().zip(memories).enumerate();
    if pools.is_empty() {
        return work.map(|(part, (segment, memory))| f(part, segment, memory)).collect();
    }
    let mut results: Vec<Option<T>> = segments.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for ((part, (segment, memory)), (pool, result)) in work.zip(pools.iter().zip(&mut results)) {
            let f = &f;
            scope.spawn(move || *result = Some(pool.install(|| f(part, segment, memory))));
        }
    });
    results.into_iter().flatten().collect()
}
