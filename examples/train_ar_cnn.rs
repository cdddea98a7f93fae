//! Trains an AR-CNN on your own MIDI, or for a minute on the built-in tracks.
//!
//! ```sh
//! cargo run --release --example train_ar_cnn
//! cargo run --release --example train_ar_cnn -- --data my-midi --out runs/ar-cnn --epochs 30
//! cargo run --release --example compose -- enhance ode-to-joy out.mid --weights runs/ar-cnn/best.safetensors
//! ```

#[path = "support/pieces.rs"]
mod pieces;
#[path = "support/plots.rs"]
mod plots;
#[path = "support/training.rs"]
mod training;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use deepcompose::midi;
use deepcompose::models::ar_cnn::{
    ArCnn, ArCnnConfig, ArCnnTrainConfig, ArCnnTrainer, ArCnnTraining, train_on_devices,
};
use deepcompose::models::compose::enhance;
use deepcompose::models::data::Corpus;
use deepcompose::models::pretrained;
use deepcompose::models::training::{Freeze, RunSettings, Sharing};
use deepcompose::prelude::*;
use pieces::Pieces;
use rand::SeedableRng;
use training::{Common, Result, say};

#[derive(Parser)]
#[command(about = "Train an AR-CNN: enhances a melody, adding and removing notes")]
struct Options {
    #[command(flatten)]
    common: Common,
}

const NAME: &str = "ar-cnn";

/// A small network, and few steps.
fn quick() -> ArCnnTrainConfig {
    ArCnnTrainConfig {
        model: ArCnnConfig { filters: 8, levels: 3, ..ArCnnConfig::compact() },
        training: ArCnnTraining {
            steps: 120,
            batch_size: 8,
            warmup: 10,
            workers: 2,
            ..ArCnnTraining::default()
        },
        run: RunSettings { validate_every: 20, checkpoint_every: 20, ..RunSettings::default() },
    }
}

fn run() -> Result<()> {
    let Options { common } = Options::parse();
    let mut config = common.config(NAME, quick())?;
    let first = config.run.devices()?.into_iter().next().unwrap_or_default();
    let tuned: Option<ArCnn> = common.fine_tune(NAME, pretrained::ar_cnn, &first)?;
    if let Some(model) = &tuned {
        config.model = deepcompose::models::weights::Model::config(model).clone();
    }
    if !common.freeze.is_empty() {
        config.training.freeze = Freeze::new(&common.freeze);
    }
    config.training.validate(&config.model)?;
    let (train, valid) =
        Pieces::open(common.data.as_deref(), Corpus::builtin)?.windows(config.model.steps)?;
    say!("{} training windows, {} validation windows", train.len(), valid.len());
    let devices = config.run.devices()?;
    let ArCnnTraining { batch_size, accumulate, .. } = config.training;
    // Several devices take a step of a batch each.
    let epoch = match devices.len() {
        0 | 1 => train.len().div_ceil(batch_size * accumulate),
        devices => Sharing::largest_share(train.len(), devices).div_ceil(batch_size),
    };
    let training = &mut config.training;
    common.apply(epoch, &mut training.steps, &mut training.seed);

    if devices.len() > 1 {
        let (epochs, out) = (config.training.steps.div_ceil(epoch), common.out(NAME));
        train_on_devices(&config, train, valid, &devices, config.run.sharing, epochs, &out)?;
        say!("weights={}", out.join("last.safetensors").display());
        return Ok(());
    }
    let mut trainer = match tuned {
        Some(model) => ArCnnTrainer::fine_tune(model, &config.training, train, valid)?,
        None => ArCnnTrainer::new(&config, train, valid, &devices[0])?,
    };
    let run = common.open(NAME, &config, &mut trainer)?;
    common.supervised(run, &mut trainer, "nats an edit", config.training.steps, &mut sample)
}

/// Ode to Joy, enhanced.
fn sample(model: &ArCnn, path: &Path) -> Result<()> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let (melody, params) = (InputTrack::OdeToJoy.score(), ArCnnParams::default());
    let music = enhance(model, &melody, &params, &mut rng, &mut |_| ControlFlow::Continue(()))?;
    midi::write(path.with_extension("mid"), &music)?;
    plots::piano_roll(&path.with_extension("svg"), &music, "Ode to Joy, enhanced")
}

fn main() -> ExitCode {
    training::main(run)
}
