//! Trains the network that gives a band velocities, on bands of which they are known, in less than a minute.
//!
//! ```sh
//! cargo run --release --example train_velocity -- --data my-bands --out velocity.safetensors
//! cargo run --release --example compose -- accompany ode-to-joy out.mid --velocity-weights velocity.safetensors
//! ```
//!
//! `--data` is a folder of MIDI files, of which each lies in a folder of its genre (`rock/song.mid`), or one with a
//! `manifest.json` that tells genres and splits.

#[path = "support/manifest.rs"]
mod manifest;
#[path = "support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use deepcompose::models::Device;
use deepcompose::models::data::{Corpus, CorpusError, Split};
use deepcompose::models::velocity::{VelocityDataset, VelocityPiece, VelocityTraining, evaluate, fit};
use deepcompose::models::weights::{self, Precision};
use deepcompose::prelude::*;
use manifest::{Manifest, TRAINING};
use stdout::say;

#[derive(Parser)]
#[command(about = "Train the network that gives a band velocities")]
struct Options {
    /// A folder of MIDI files
    #[arg(long)]
    data: PathBuf,
    /// The weights file that is written
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = VelocityTraining::default().steps)]
    steps: usize,
    /// Width of the hidden layers
    #[arg(long, default_value_t = VelocityTraining::default().hidden)]
    hidden: usize,
    #[arg(long, default_value_t = VelocityTraining::default().seed)]
    seed: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let Options { data, out, steps, hidden, seed } = Options::parse();
    let training = VelocityTraining { hidden, steps, seed, ..VelocityTraining::default() };
    training.validate()?;
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(format!("{}: no such folder", folder.display()).into());
    }
    let (train, valid) = match Manifest::read(&data)? {
        Some(manifest) => {
            let piece = |score: &Score, genre| VelocityPiece::from_score(score, genre, None).ok();
            let of = |split| manifest.pieces(split, usize::MAX, piece).map(VelocityDataset::new);
            (of(TRAINING)?, of("valid")?)
        }
        None => {
            let (corpus, report) = Corpus::from_dir(&data)?;
            say!("{report}");
            let valid = match corpus.velocity_dataset(Split::Valid) {
                Err(CorpusError::EmptySplit { .. }) => VelocityDataset::new(Vec::new()),
                other => other?,
            };
            (corpus.velocity_dataset(Split::Train)?, valid)
        }
    };
    say!("{} notes to learn from, {} to validate on", train.len(), valid.len());
    let every = (steps / 10).max(1);
    let (mut sum, mut count) = (0.0, 0);
    let network = fit(&training, &train, &Device::default(), &mut |step, error| {
        (sum, count) = (sum + error * error, count + 1);
        if step % every == 0 || step == steps {
            say!("step {step}: off by {:.2}", (sum / f64::from(count)).sqrt());
            (sum, count) = (0.0, 0);
        }
        ControlFlow::Continue(())
    })?;
    weights::save(&network, &out, Precision::Half)?;
    let (mut missed, mut spread, mut notes) = (0.0, 0.0, 0);
    for part in evaluate(&network.model(), &valid).iter().flat_map(|genre| genre.parts.iter().flatten()) {
        missed += part.error.powi(2) * part.notes as f64;
        spread += part.deviation.powi(2) * part.notes as f64;
        notes += part.notes;
    }
    if notes > 0 {
        let [missed, spread] = [missed, spread].map(|squares: f64| (squares / notes as f64).sqrt());
        say!("validation: off by {missed:.2}; each part's mean would be by {spread:.2}");
    }
    say!("{}", out.display());
    Ok(())
}
