//! Batches of windows as burn-train loads them, for training on several devices.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::statistics::with_statistics_of_training;
use super::train::fresh;
use super::{ArCnn, ArCnnConfig, ArCnnTrainConfig, ArCnnTraining, EditBatch, RollWindows};
use crate::error::ModelError;
use crate::training::devices::DeviceTraining;
use crate::training::shuffle::Shuffle;
use crate::training::{Sharing, TrainError};

/// The windows of an epoch in batches. Each pass over a training loader is an epoch of its own; a validation loader
/// always gives the same.
#[derive(Debug, Clone)]
struct WindowLoader {
    windows: Arc<RollWindows>,
    model: ArCnnConfig,
    training: ArCnnTraining,
    order: Option<Arc<Shuffle>>,
    /// The places in an epoch that are this loader's.
    range: Range<usize>,
    epoch: Arc<AtomicU64>,
    device: Device,
}

impl WindowLoader {
    fn batch(&self, epoch: u64, places: Range<usize>) -> EditBatch {
        let training = &self.training;
        let mut rng = ChaCha8Rng::seed_from_u64(training.seed);
        rng.set_stream(1 << 62 | epoch << 32 | places.start as u64);
        let (indices, augmentation) = match &self.order {
            Some(order) => {
                let from = epoch * self.windows.len() as u64 + places.start as u64;
                (order.take(from, places.len()), training.augmentation())
            }
            None => (places.collect(), (0, None)),
        };
        self.windows.batch(&indices, &self.model, &training.corruption, augmentation, &mut rng, &self.device)
    }
}

struct Batches<'a> {
    loader: &'a WindowLoader,
    epoch: u64,
    next: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<EditBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = (self.next + self.loader.training.batch_size).min(self.loader.range.end);
        if self.next >= end {
            return None;
        }
        let batch = self.loader.batch(self.epoch, self.next..end);
        self.next = end;
        Some(Ok(batch))
    }
}

impl DataLoaderIterator<EditBatch> for Batches<'_> {
    fn progress(&self) -> Progress {
        let Range { start, end } = self.loader.range;
        Progress::new(self.next - start, end - start, Some("windows".to_owned()))
    }
}

impl DataLoader<EditBatch> for WindowLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<EditBatch> + 'a> {
        let epoch = if self.order.is_some() { self.epoch.fetch_add(1, Ordering::Relaxed) } else { 0 };
        Box::new(Batches { loader: self, epoch, next: self.range.start })
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<EditBatch>> {
        Arc::new(Self { device: device.clone(), ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<EditBatch>> {
        let place = |offset: usize| (self.range.start + offset).min(self.range.end);
        // Every slice counts its own epochs.
        let epoch = Arc::new(AtomicU64::new(self.epoch.load(Ordering::Relaxed)));
        Arc::new(Self { range: place(start)..place(end), epoch, ..self.clone() })
    }
}

/// Trains an AR-CNN on several devices with burn-train's own strategies, for whole epochs.
///
/// Each device takes batches of [`batch_size`](ArCnnTraining::batch_size) windows from its share of an epoch; a step
/// sums the gradients of one batch of each. burn-train's checkpoints and metrics go to `folder`, the last weights to
/// `last.safetensors` in it. Such a training is not resumed to the bit: for that, train on one device with a
/// [`Run`](crate::training::Run). Fields of the configuration that belong to a run's single device (`workers`,
/// `accumulate`, and the table `run`) are not used; those that would be missed (`clip`, `freeze`) are refused; the
/// learning rate falls to the last step of `epochs`, whatever `steps` says. The validation loss is the mean over batches, a
/// short one as good as a full one, with batch normalisation's running averages: not quite that of a `Run`. The last
/// weights have its statistics measured anew, as a `Run`'s.
///
/// # Errors
///
/// [`TrainError::Config`] for settings out of range or that several devices do not follow, [`TrainError::NoData`] for an empty split,
/// [`TrainError::RunExists`] if the folder holds a training already, [`TrainError::Supervision`] if burn-train or a
/// device fails.
pub fn train_on_devices(
    config: &ArCnnTrainConfig,
    train: RollWindows,
    valid: RollWindows,
    devices: &[Device],
    sharing: Sharing,
    epochs: usize,
    folder: impl AsRef<Path>,
) -> Result<ArCnn, TrainError> {
    let training = &config.training;
    training.validate(&config.model)?;
    training.freeze.refuse_on_several_devices()?;
    if let Some(clip) = training.clip {
        return Err(ModelError::range("clip", clip, "none on several devices").into());
    }
    for (split, windows) in [("train", &train), ("valid", &valid)] {
        if windows.is_empty() {
            return Err(TrainError::NoData { split });
        }
    }
    let strategy = sharing.strategy(devices)?;
    let first = devices.first().cloned().ok_or_else(|| ModelError::range("devices", 0, "1 or more"))?;
    let (train, valid) = (Arc::new(train), Arc::new(valid));
    let loader = |windows: Arc<RollWindows>, order: Option<Arc<Shuffle>>| WindowLoader {
        range: 0..windows.len(),
        windows,
        model: config.model.clone(),
        training: training.clone(),
        order,
        epoch: Arc::new(AtomicU64::new(0)),
        device: first.clone(),
    };
    let order = Arc::new(Shuffle::new(train.len(), training.seed));
    // Each step is one of a batch of each device.
    let an_epoch = Sharing::largest_share(train.len(), devices.len()).div_ceil(training.batch_size);
    let steps = epochs.saturating_mul(an_epoch).max(1);
    let model = fresh(&config.model, training.seed, &first.clone().autodiff())?;
    let (windows, settings) = (Arc::clone(&train), training.clone());
    DeviceTraining {
        model: model.train(),
        optimizer: AdamConfig::new().init(),
        schedule: ArCnnTraining { steps, ..training.clone() }.schedule(),
        train: Arc::new(loader(train, Some(order))),
        valid: Arc::new(loader(valid, None)),
        epochs,
        finish: Box::new(move |model: ArCnn| with_statistics_of_training(&model, &settings, &windows)),
    }
    .launch(folder.as_ref(), strategy)
}
