//! What both trainings of GANs begin with.

use deepcompose::models::gan::{GanDataset, GanTrainConfig, GanTrainer, Generator, Genre};
use deepcompose::models::training::Freeze;
use deepcompose::models::{Device, pretrained};

use crate::training::{Common, Result, say};

/// A configuration, and the network to go on with if there is one.
pub(crate) struct Start {
    pub(crate) config: GanTrainConfig,
    device: Device,
    tuned: Option<Generator>,
}

impl Start {
    /// By the options: a network that is fine-tuned keeps its sizes, and is given onsets where the configuration has them.
    pub(crate) fn new(common: &Common, name: &str, quick: GanTrainConfig) -> Result<Self> {
        let mut config = common.config(name, quick)?;
        let devices = config.run.devices()?;
        let [device] = devices.as_slice() else { return Err("a GAN trains on one device".into()) };
        let mut tuned: Option<Generator> = common.fine_tune(name, pretrained::gan, device)?;
        if config.model.onsets() {
            tuned = tuned.map(Generator::with_onsets).transpose()?;
        }
        if let Some(model) = &tuned {
            config.model = model.config().clone();
        }
        if !common.freeze.is_empty() {
            config.training.freeze = Freeze::new(&common.freeze);
        }
        config.training.validate()?;
        Ok(Self { config, device: device.clone(), tuned })
    }

    /// The trainer on the windows, of which it tells how many there are.
    pub(crate) fn trainer(
        &mut self,
        common: &Common,
        train: GanDataset,
        valid: GanDataset,
    ) -> Result<GanTrainer> {
        say!("{} training windows, {} validation windows", train.len(), valid.len());
        for genre in Genre::ALL.into_iter().filter(|genre| train.genre_len(*genre) > 0) {
            say!("  {genre}: {} training, {} validation", train.genre_len(genre), valid.genre_len(genre));
        }
        let training = &mut self.config.training;
        let epoch = train.len().div_ceil(training.batch_size.max(1));
        common.apply(epoch, &mut training.steps, &mut training.seed);
        Ok(match self.tuned.take() {
            Some(model) => GanTrainer::fine_tune(model, &self.config.training, train, valid)?,
            None => GanTrainer::new(&self.config, train, valid, &self.device)?,
        })
    }
}
