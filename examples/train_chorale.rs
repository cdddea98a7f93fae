//! Trains a chorale Transformer on four-voice music.
//!
//! ```sh
//! cargo run --release --example train_chorale
//! cargo run --release --example train_chorale -- --data jsb_chorales_16th_satb.json --out runs/chorale
//! ```

#[path = "support/pieces.rs"]
mod pieces;
#[path = "support/plots.rs"]
mod plots;
#[path = "support/training.rs"]
mod training;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use deepcompose::core::{SatbTokenizer, Tokenizer};
use deepcompose::midi;
use deepcompose::models::Device;
use deepcompose::models::chorale::{
    ChoraleConfig, ChoraleDataset, ChoraleDecoder, ChoraleEnsemble, ChoraleTrainConfig, ChoraleTrainer,
    ChoraleTraining, ChoraleTransformer,
};
use deepcompose::models::data::Corpus;
use deepcompose::models::pretrained;
use deepcompose::models::training::{Freeze, RunSettings};
use deepcompose::models::transformer::Vocabulary;
use deepcompose::models::weights;
use deepcompose::samplers::{SamplingTechnique, TokenSampler, Unconstrained, generate_tokens};
use pieces::Pieces;
use rand::SeedableRng;
use training::{Common, Result, say};

#[derive(Parser)]
#[command(about = "Train a chorale Transformer: four voices on a sixteenth grid")]
struct Options {
    #[command(flatten)]
    common: Common,
    /// Learn from the probabilities of these networks: a weights file; several are averaged
    #[arg(long, value_name = "FILE")]
    teacher: Vec<PathBuf>,
    /// Let the teachers invent so many pieces first, to be learnt from beside the corpus
    #[arg(long, value_name = "N", default_value_t = 0, requires = "teacher")]
    invent: usize,
}

const NAME: &str = "chorale";

/// A small network, and few steps.
fn quick() -> ChoraleTrainConfig {
    ChoraleTrainConfig {
        model: ChoraleConfig { layers: 1, d_model: 64, d_inner: 64, d_voice: 64, ..ChoraleConfig::default() },
        training: ChoraleTraining {
            steps: 60,
            batch_size: 4,
            window: 64,
            warmup: 10,
            ..ChoraleTraining::default()
        },
        run: RunSettings { validate_every: 20, checkpoint_every: 20, ..RunSettings::default() },
    }
}

fn run() -> Result<()> {
    let Options { common, teacher, invent } = Options::parse();
    let mut config = common.config(NAME, quick())?;
    let devices = config.run.devices()?;
    let [device] = devices.as_slice() else { return Err("a chorale network trains on one device".into()) };
    let tuned: Option<ChoraleTransformer> = common.fine_tune(NAME, pretrained::chorale, device)?;
    if let Some(model) = &tuned {
        config.model = model.config().clone();
    }
    if !common.freeze.is_empty() {
        config.training.freeze = Freeze::new(&common.freeze);
    }
    config.training.validate()?;
    let (train, valid) = Pieces::open(common.data.as_deref(), Corpus::builtin)?.tokens(Vocabulary::Satb)?;
    let (train, valid) = (ChoraleDataset::from_tokens(&train)?, ChoraleDataset::from_tokens(&valid)?);
    let count = |data: &ChoraleDataset| (data.pieces().len(), data.notes());
    say!("training pieces and notes: {:?}, validation: {:?}", count(&train), count(&valid));
    let per_step = 4 * config.training.batch_size * config.training.window;
    let epoch = train.notes().div_ceil(per_step.max(1));
    let training = &mut config.training;
    common.apply(epoch, &mut training.steps, &mut training.seed);

    let teacher = ensemble(&teacher, device)?;
    let train = match &teacher {
        Some(teacher) if invent > 0 => train.with_invented(&invented(teacher, invent, config.training.seed)?),
        _ => train,
    };
    let mut trainer = match tuned {
        Some(model) => ChoraleTrainer::fine_tune(model, &config.training, train, valid)?,
        None => ChoraleTrainer::new(&config, train, valid, device)?,
    };
    if let Some(teacher) = teacher {
        trainer = trainer.taught_by(teacher)?;
    }
    let run = common.open(NAME, &config, &mut trainer)?;
    common.supervised(run, &mut trainer, "nats a note", config.training.steps, &mut sample)
}

fn ensemble(files: &[PathBuf], device: &Device) -> Result<Option<ChoraleEnsemble>> {
    if files.is_empty() {
        return Ok(None);
    }
    let load = |path: &PathBuf| weights::load(path, device).map_err(|e| format!("{}: {e}", path.display()));
    let networks: std::result::Result<Vec<ChoraleTransformer>, String> = files.iter().map(load).collect();
    Ok(Some(ChoraleEnsemble::new(networks?)?))
}

/// Sixteenths of an invented piece: about the mean of Bach's.
const STEPS: usize = 240;

/// Pieces that the teachers invent, by their own probabilities.
fn invented(teacher: &ChoraleEnsemble, count: usize, seed: u64) -> Result<ChoraleDataset> {
    let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0)?;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut pieces = Vec::with_capacity(count);
    while pieces.len() < count {
        let at_once = (count - pieces.len()).min(64);
        pieces.extend(teacher.invent(at_once, STEPS, &sampler, &mut rng)?);
        say!("{} pieces invented", pieces.len());
    }
    Ok(ChoraleDataset::new(pieces)?)
}

/// Eight bars from nothing.
fn sample(model: &ChoraleTransformer, path: &Path) -> Result<()> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let sampler = TokenSampler::new(SamplingTechnique::Nucleus, 0.95, 1.0)?;
    let mut decoder = ChoraleDecoder::new(model)?;
    let start = [SatbTokenizer::START_ID];
    let generated =
        generate_tokens(&mut decoder, &start, &sampler, &mut Unconstrained, 4 * 128, &mut rng, &mut |_| {
            ControlFlow::Continue(())
        })?;
    let music = SatbTokenizer.decode(&generated.tokens).score;
    midi::write(path.with_extension("mid"), &music)?;
    plots::piano_roll(&path.with_extension("svg"), &music, "Four voices from nothing")
}

fn main() -> ExitCode {
    training::main(run)
}
