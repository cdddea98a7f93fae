//! Trains a GAN on your own MIDI, or for a minute on the built-in tracks with a simple band.
//!
//! ```sh
//! cargo run --release --example train_gan
//! cargo run --release --example train_gan -- --data my-bands --out runs/gan --steps 2000
//! cargo run --release --example compose -- accompany ode-to-joy out.mid --weights runs/gan/last.safetensors
//! ```
//!
//! The last weights are those to use: the validation loss, by which the best ones are kept, rises as a GAN gets surer.
//!
//! A piece's genre is the name of the folder that it lies in (`rock/song.mid`), or pop.

#[path = "support/pieces.rs"]
mod pieces;
#[path = "support/plots.rs"]
mod plots;
#[path = "support/gan.rs"]
mod start;
#[path = "support/training.rs"]
mod training;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use deepcompose::midi;
use deepcompose::models::Device;
use deepcompose::models::compose::{Progress, accompany};
use deepcompose::models::data::Corpus;
use deepcompose::models::gan::{GanConfig, GanTrainConfig, GanTraining, Generator};
use deepcompose::models::pretrained;
use deepcompose::models::training::RunSettings;
use deepcompose::prelude::*;
use pieces::Pieces;
use rand::SeedableRng;
use start::Start;
use training::{Common, Result};

#[derive(Parser)]
#[command(about = "Train a GAN: gives a melody drums, bass, guitar and keys")]
struct Options {
    #[command(flatten)]
    common: Common,
}

const NAME: &str = "gan";

/// A small network, and few steps.
fn quick() -> Result<GanTrainConfig> {
    Ok(GanTrainConfig {
        model: GanConfig::accompaniment().to_builder().filters(8).latent_channels(8).build()?,
        training: GanTraining { steps: 240, batch_size: 16, ..GanTraining::accompaniment() },
        run: RunSettings { validate_every: 20, checkpoint_every: 20, ..RunSettings::default() },
    })
}

fn run() -> Result<()> {
    let Options { common } = Options::parse();
    common.refuse(&["--dashboard"], "in training a GAN")?;
    let mut start = Start::new(&common, NAME, quick()?)?;
    let (train, valid) = Pieces::open(common.data.as_deref(), Corpus::builtin_bands)?.bands()?;
    let mut trainer = start.trainer(&common, train, valid)?;
    let run = common.open(NAME, &start.config, &mut trainer)?;
    let unit = "nats a cell of reconstruction";
    common.adversarial(run, &mut trainer, unit, start.config.training.steps, &mut sample)
}

/// Ode to Joy with a pop band.
fn sample(model: &Generator, path: &Path) -> Result<()> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let (melody, params) = (InputTrack::OdeToJoy.score(), GanParams::new(Genre::Pop));
    let velocities = pretrained::velocity(&Device::default())?.model();
    let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
    let music = accompany(model, Some(&velocities), &melody, &params, &mut rng, go_on)?;
    midi::write(path.with_extension("mid"), &music)?;
    plots::piano_roll(&path.with_extension("svg"), &music, "Ode to Joy, accompanied")
}

fn main() -> ExitCode {
    training::main(run)
}
