//! `train ar-cnn`.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use deepcompose::models::Device;
use deepcompose::models::ar_cnn::{ArCnnConfig, ArCnnTrainer, ArCnnTraining, Corruption, RollWindows};
use deepcompose::models::data::chorales;
use deepcompose::models::training::{Decay, Schedule};

#[derive(Args)]
pub(crate) struct Options {
    /// The chorales, as JSON with the splits `train` and `valid`
    #[arg(long)]
    data: PathBuf,
    /// Where checkpoints and weights go
    #[arg(long)]
    out: PathBuf,
    /// Steps of the whole run
    #[arg(long, default_value_t = 2000)]
    steps: usize,
    /// Windows a step
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Highest learning rate
    #[arg(long, default_value_t = 2e-3)]
    learning_rate: f64,
    /// Filters of the first level
    #[arg(long, default_value_t = ArCnnConfig::compact().filters)]
    filters: usize,
    /// Levels of the U-Net
    #[arg(long, default_value_t = ArCnnConfig::compact().levels)]
    levels: usize,
    /// Pitches trained on at once, a random band of the network's
    #[arg(long, default_value_t = 64)]
    band: usize,
    /// Steps between two validations
    #[arg(long, default_value_t = 200)]
    validate_every: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(o: Options) -> Result<(), Box<dyn Error>> {
    let model = ArCnnConfig { filters: o.filters, levels: o.levels, ..ArCnnConfig::compact() };
    let steps = model.steps;
    let windows = |split, hop| -> Result<_, Box<dyn Error>> {
        let pieces = chorales(&o.data, split)?;
        Ok(RollWindows::from_scores(pieces.iter().map(|p| &p.score), steps, hop)?)
    };
    // A training window may begin at any bar, a validation window every four.
    let (train, valid) = (windows("train", 16)?, windows("valid", 64)?);
    println!("{} training windows, {} validation windows", train.len(), valid.len());
    let training = ArCnnTraining {
        model,
        corruption: Corruption::default(),
        schedule: Schedule {
            peak: o.learning_rate,
            warmup: 100.min(o.steps / 10),
            steps: o.steps,
            decay: Decay::Cosine,
        },
        batch: o.batch,
        transpose: 6,
        band: Some(o.band),
        validate_every: o.validate_every,
        seed: o.seed,
    };
    let mut trainer = ArCnnTrainer::new(training, &o.out, &Device::default())?;
    let mut observer = super::progress::observer(o.steps, trainer.step(), "nats an edit");
    trainer.run(&train, &valid, &mut observer)?;
    Ok(())
}
