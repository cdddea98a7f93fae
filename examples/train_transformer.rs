//! Trains a Transformer on your own MIDI, or for a minute on the built-in tracks.
//!
//! ```sh
//! cargo run --release --example train_transformer
//! cargo run --release --example train_transformer -- --data my-midi --out runs/transformer --epochs 5
//! cargo run --release --example compose -- extend ode-to-joy out.mid --weights runs/transformer/best.safetensors
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
use deepcompose::core::{SatbTokenizer, Tokenizer};
use deepcompose::midi;
use deepcompose::models::compose::extend;
use deepcompose::models::data::Corpus;
use deepcompose::models::pretrained;
use deepcompose::models::training::{Freeze, RunSettings, Sharing};
use deepcompose::models::transformer::{
    Decoder, TransformerTrainConfig, TransformerTrainer, TransformerTraining, TransformerXl,
    TransformerXlConfig, Vocabulary, train_on_devices,
};
use deepcompose::prelude::*;
use deepcompose::samplers::{TokenSampler, Unconstrained, generate_tokens};
use pieces::Pieces;
use rand::SeedableRng;
use training::{Common, Result, say};

#[derive(Parser)]
#[command(about = "Train a Transformer: continues a melody")]
struct Options {
    #[command(flatten)]
    common: Common,
    /// performance, or satb for four-voice pieces; what the configuration says unless given
    #[arg(long)]
    tokenizer: Option<Vocabulary>,
}

const NAME: &str = "transformer";

/// A small network, and few steps.
fn quick() -> TransformerTrainConfig {
    TransformerTrainConfig {
        model: TransformerXlConfig {
            layers: 2,
            heads: 2,
            d_model: 64,
            d_inner: 256,
            memory: 128,
            ..TransformerXlConfig::compact()
        },
        training: TransformerTraining { steps: 500, lanes: 8, warmup: 20, ..TransformerTraining::default() },
        run: RunSettings { validate_every: 50, checkpoint_every: 50, ..RunSettings::default() },
    }
}

fn run() -> Result<()> {
    let Options { common, tokenizer } = Options::parse();
    let mut config = common.config(NAME, quick())?;
    let first = config.run.devices()?.into_iter().next().unwrap_or_default();
    let tuned: Option<TransformerXl> = common.fine_tune(NAME, pretrained::transformer, &first)?;
    match (&tuned, tokenizer) {
        (Some(model), given) => {
            config.model = model.config().clone();
            if given.is_some_and(|given| config.model.tokenizer.is_some_and(|own| own != given)) {
                return Err("--tokenizer is not that of the network".into());
            }
            config.model.tokenizer = config.model.tokenizer.or(given);
        }
        (None, Some(tokenizer)) => config.model = config.model.with_tokenizer(tokenizer),
        (None, None) => {}
    }
    if !common.freeze.is_empty() {
        config.training.freeze = Freeze::new(&common.freeze);
    }
    let vocabulary = config.model.tokenizer.ok_or("the configuration names no tokenizer")?;
    config.training.validate()?;
    let (train, valid) = Pieces::open(common.data.as_deref(), Corpus::builtin)?.tokens(vocabulary)?;
    let count = |data: &deepcompose::models::transformer::TokenDataset| (data.pieces().len(), data.tokens());
    say!("training pieces and tokens: {:?}, validation: {:?}", count(&train), count(&valid));
    let devices = config.run.devices()?;
    // Several devices take a step of a batch each.
    let segments = train.tokens().div_ceil(config.training.lanes * config.model.segment).max(1);
    let epoch = match devices.len() {
        0 | 1 => segments.div_ceil(config.training.accumulate),
        devices => Sharing::largest_share(segments, devices),
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
        Some(model) => TransformerTrainer::fine_tune(model, &config.training, train, valid)?,
        None => TransformerTrainer::new(&config, train, valid, &devices[0])?,
    };
    let run = common.open(NAME, &config, &mut trainer)?;
    common.supervised(run, &mut trainer, "nats a token", config.training.steps, &mut sample)
}

/// Ode to Joy, continued; of four voices, eight bars from nothing.
fn sample(model: &TransformerXl, path: &Path) -> Result<()> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut decoder = Decoder::new(model)?;
    let (music, title) = if model.config().tokenizer == Some(Vocabulary::Satb) {
        let sampler = TokenSampler::new(SamplingTechnique::Nucleus, 0.95, 1.0)?;
        let (start, any) = ([SatbTokenizer::START_ID], &mut Unconstrained);
        let generated = generate_tokens(&mut decoder, &start, &sampler, any, 4 * 128, &mut rng, &mut |_| {
            ControlFlow::Continue(())
        })?;
        (SatbTokenizer.decode(&generated.tokens).score, "Four voices from nothing")
    } else {
        let (melody, params) = (InputTrack::OdeToJoy.score(), TransformerParams::default());
        let made = extend(&mut decoder, &melody, &params, &mut rng, &mut |_| ControlFlow::Continue(()))?;
        (made.into_score(), "Ode to Joy, continued")
    };
    midi::write(path.with_extension("mid"), &music)?;
    plots::piano_roll(&path.with_extension("svg"), &music, title)
}

fn main() -> ExitCode {
    training::main(run)
}
