//! Segments as burn-train loads them, for training on several devices.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::module::Module;
use burn::tensor::Device;

use super::data::{Lanes, TokenDataset};
use super::learner::TokenBatch;
use super::network::{TransformerXl, shape_error};
use super::train::optimizer;
use super::training::{TransformerTrainConfig, TransformerTraining};
use crate::error::ModelError;
use crate::training::devices::DeviceTraining;
use crate::training::{Schedule, Sharing, TrainError};

/// Segments of all lanes, about as many as cover the pieces once. Each pass over a training loader has an order of
/// its own.
#[derive(Debug, Clone)]
struct SegmentLoader {
    data: Arc<TokenDataset>,
    segment: usize,
    training: TransformerTraining,
    is_training: bool,
    /// The batches of a pass that are this loader's.
    range: Range<usize>,
    epoch: Arc<AtomicU64>,
}

struct Segments<'a> {
    lanes: Lanes<'a>,
    loader: &'a SegmentLoader,
    next: usize,
}

impl Iterator for Segments<'_> {
    type Item = Result<TokenBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.loader.range.end {
            return None;
        }
        self.next += 1;
        let segment = self.lanes.next(self.loader.segment, 1)?.pop()?;
        Some(Ok(TokenBatch { segment }))
    }
}

impl DataLoaderIterator<TokenBatch> for Segments<'_> {
    fn progress(&self) -> Progress {
        let Range { start, end } = self.loader.range;
        Progress::new(self.next - start, end - start, Some("segments".to_owned()))
    }
}

impl DataLoader<TokenBatch> for SegmentLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<TokenBatch> + 'a> {
        let TransformerTraining { lanes, seed, transpose, .. } = self.training;
        let mut lanes = if self.is_training {
            let epoch = self.epoch.fetch_add(1, Ordering::Relaxed);
            Lanes::training(&self.data, lanes, seed.wrapping_add(epoch), transpose, None)
        } else {
            Lanes::validation(&self.data, lanes)
        };
        // The segments before this loader's belong to other devices.
        for _ in 0..self.range.start {
            lanes.next(self.segment, 1);
        }
        Box::new(Segments { lanes, loader: self, next: self.range.start })
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, _device: &Device) -> Arc<dyn DataLoader<TokenBatch>> {
        // Tokens are sent to the network's own device.
        Arc::new(self.clone())
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<TokenBatch>> {
        let place = |offset: usize| (self.range.start + offset).min(self.range.end);
        // Every slice counts its own epochs.
        let epoch = Arc::new(AtomicU64::new(self.epoch.load(Ordering::Relaxed)));
        Arc::new(Self { range: place(start)..place(end), epoch, ..self.clone() })
    }
}

/// Trains a Transformer-XL on several devices with burn-train's own strategies, for whole epochs.
///
/// Each device takes segments of all lanes from its share of an epoch, each begun without a memory of what came
/// before it; a step sums the gradients of one of each. burn-train's checkpoints and metrics go to `folder`, the last
/// weights to `last.safetensors` in it. Such a training is not resumed to the bit: for that, train on one device with
/// a [`Run`](crate::training::Run). Fields of the configuration that belong to a run's single device (`workers`,
/// `engine`, `accumulate`, `clip`, and the table `run`) are not used; those that would be missed (`time_limit`, `freeze`) are
/// refused; the learning rate falls to the last step of `epochs`, whatever `steps` says. The validation loss is the mean over
/// segments, each without a memory and a short one as good as a full one: not comparable with a `Run`'s.
///
/// # Errors
///
/// [`TrainError::Transformer`] for settings out of range or data of another vocabulary, [`TrainError::Config`] for settings
/// that several devices do not follow, [`TrainError::RunExists`] if the folder holds a training already, [`TrainError::Supervision`] if burn-train or a
/// device fails.
pub fn train_on_devices(
    config: &TransformerTrainConfig,
    train: TokenDataset,
    valid: TokenDataset,
    devices: &[Device],
    sharing: Sharing,
    epochs: usize,
    folder: impl AsRef<Path>,
) -> Result<TransformerXl, TrainError> {
    let training = &config.training;
    training.validate()?;
    training.freeze.refuse_on_several_devices()?;
    if let Some(limit) = training.time_limit {
        return Err(ModelError::range("time_limit", limit, "none on several devices").into());
    }
    for data in [&train, &valid] {
        let (theirs, ours) = (data.layout().vocabulary, config.model.vocabulary);
        if theirs != ours {
            return Err(shape_error("the data's vocabulary", ours, theirs).into());
        }
    }
    let strategy = sharing.strategy(devices)?;
    let first = devices.first().cloned().ok_or_else(|| ModelError::range("devices", 0, "1 or more"))?;
    let model = TransformerXl::new(&config.model, training.seed, &first.autodiff())?.train();
    let segment = config.model.segment;
    let segments = train.tokens().div_ceil(training.lanes * segment).max(1);
    // Each step is one of a batch of each device.
    let steps = epochs.saturating_mul(Sharing::largest_share(segments, devices.len())).max(1);
    let loader = |data: TokenDataset, is_training: bool| SegmentLoader {
        // A validation loader ends with its pieces, whatever its range.
        range: 0..if is_training { segments } else { usize::MAX },
        data: Arc::new(data),
        segment,
        training: training.clone(),
        is_training,
        epoch: Arc::new(AtomicU64::new(0)),
    };
    DeviceTraining {
        optimizer: optimizer(&model, training.weight_decay),
        model,
        schedule: Schedule {
            peak: training.learning_rate,
            warmup: training.warmup,
            steps,
            decay: training.decay,
        },
        train: Arc::new(loader(train, true)),
        valid: Arc::new(loader(valid, false)),
        epochs,
        finish: Box::new(|model| model),
    }
    .launch(folder.as_ref(), strategy)
}
