//! `train transformer`.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use deepcompose::core::{PerformanceClock, PerformanceTokenizer, Tokenizer};
use deepcompose::models::Device;
use deepcompose::models::data;
use deepcompose::models::training::TrainEvent;
use deepcompose::models::transformer::{
    Piece, TokenDataset, TokenLayout, TransformerEvent, TransformerTrainer, TransformerTraining,
    TransformerXl, TransformerXlConfig,
};
use deepcompose::models::weights::{self, Precision};

#[derive(Args)]
pub(crate) struct Options {
    /// The folder of the corpora
    #[arg(long)]
    data: PathBuf,
    /// Where checkpoints and weights go
    #[arg(long)]
    out: PathBuf,
    /// Steps of the whole run
    #[arg(long, default_value_t = 6000)]
    steps: u64,
    /// Seconds after which the run ends all the same
    #[arg(long)]
    time_limit: Option<f64>,
    /// Pieces side by side
    #[arg(long, default_value_t = 16)]
    lanes: usize,
    #[arg(long, default_value_t = 1.5e-3)]
    learning_rate: f64,
    /// Threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Steps between two validations
    #[arg(long, default_value_t = 250)]
    validate_every: u64,
    /// How many of the songs' piano parts are taken
    #[arg(long, default_value_t = 200)]
    pop_songs: usize,
    #[arg(long, default_value_t = TransformerXlConfig::compact().layers)]
    layers: usize,
    #[arg(long, default_value_t = TransformerXlConfig::compact().d_model)]
    d_model: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(o: Options) -> Result<(), Box<dyn Error>> {
    let corpus = super::corpus::continuation(&o.data, o.pop_songs)?;
    let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
    let dataset = |pieces: Vec<data::Piece>| {
        // Encoding puts the start token first; the dataset puts its own.
        let tokens = pieces.iter().map(|p| tokenizer.encode(&p.score).split_off(1));
        TokenDataset::new(tokens.map(Piece::new).collect(), TokenLayout::performance())
    };
    let (train, valid) = (dataset(corpus.train)?, dataset(corpus.valid)?);
    println!(
        "{} training pieces of {} tokens, {} validation pieces of {}",
        train.pieces().len(),
        train.tokens(),
        valid.pieces().len(),
        valid.tokens()
    );
    let device = Device::default();
    let model = TransformerXlConfig {
        layers: o.layers,
        d_model: o.d_model,
        d_inner: 4 * o.d_model,
        heads: o.d_model / 64,
        ..TransformerXlConfig::compact()
    };
    let config = TransformerTraining {
        steps: o.steps,
        time_limit: o.time_limit,
        lanes: o.lanes,
        learning_rate: o.learning_rate,
        workers: o.workers,
        validate_every: o.validate_every,
        seed: o.seed,
        ..TransformerTraining::default()
    };
    std::fs::create_dir_all(&o.out)?;
    let checkpoint = o.out.join("checkpoint");
    let mut trainer = if checkpoint.exists() {
        TransformerTrainer::resume(&checkpoint, train, valid, &device)?
    } else {
        TransformerTrainer::new(TransformerXl::new(&model, o.seed, &device)?, train, valid, config)?
    };
    println!("{} parameters", trainer.network().config().parameters());
    let mut observer = super::progress::observer(o.steps as usize, trainer.steps() as usize, "nats a token");
    trainer.run(Some(&checkpoint), &mut |event| match *event {
        TransformerEvent::Step(report) => observer(TrainEvent::Step {
            step: report.step as usize,
            loss: report.loss,
            learning_rate: report.learning_rate,
        }),
        TransformerEvent::Validated { steps, loss, best } => {
            observer(TrainEvent::Validation { step: steps as usize, loss, best })
        }
        _ => ControlFlow::Continue(()),
    })?;
    weights::save(&trainer.into_best(), o.out.join("best.safetensors"), Precision::Full)?;
    Ok(())
}
