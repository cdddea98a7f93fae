//! The trainings of the shipped Transformer and GAN, which learn from several corpora put together; the AR-CNN's is
//! `train_ar_cnn` on the chorales.
//!
//! ```sh
//! cargo run --release --example shipped -- transformer --data DATA --config examples/shipped/transformer.toml --out runs/transformer
//! cargo run --release --example shipped -- transformer --data DATA --config examples/shipped/transformer_on.toml --out runs/transformer --resume
//! cargo run --release --example shipped -- transformer --data DATA --config examples/shipped/transformer_further.toml --out runs/transformer --resume
//! cargo run --release --example shipped -- gan --data DATA --config examples/shipped/gan.toml --out runs/gan
//! cargo run --release --example shipped -- gan --data DATA --config examples/shipped/gan_on.toml --out runs/gan --resume
//! cargo run --release --example shipped -- gan --data DATA --config examples/shipped/gan_onsets.toml --out runs/onsets --fine-tune BEFORE.safetensors
//! cargo run --release --example shipped -- gan --data DATA --config examples/shipped/gan_onsets_on.toml --out runs/onsets --resume
//! cargo run --release --example shipped -- losses --data DATA
//! ```

mod corpus;
mod gan;
mod losses;
#[path = "../support/manifest.rs"]
mod manifest;
#[path = "../support/gan.rs"]
mod start;
#[path = "../support/training.rs"]
mod training;
mod transformer;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use training::Common;

#[derive(Parser)]
#[command(about = "Train the shipped Transformer and GAN on their corpora")]
struct Cli {
    #[command(subcommand)]
    model: Model,
}

#[derive(Subcommand)]
enum Model {
    /// The Transformer-XL, on chorales, songs and folk tunes
    Transformer {
        #[command(flatten)]
        common: Common,
        /// How many of the songs' piano parts are taken
        #[arg(long, default_value_t = 200)]
        pop_songs: usize,
    },
    /// The GAN, on bands, quartets and songs
    Gan {
        #[command(flatten)]
        common: Common,
    },
    /// The loss of Transformer weights on the validation pieces of each corpus
    Losses {
        /// The folder of the corpora
        #[arg(long)]
        data: PathBuf,
        /// Weights to be measured beside the embedded ones; may be given several times
        #[arg(long)]
        weights: Vec<PathBuf>,
        /// How many of the songs' piano parts are taken
        #[arg(long, default_value_t = 200)]
        pop_songs: usize,
    },
}

fn main() -> ExitCode {
    training::main(|| match Cli::parse().model {
        Model::Transformer { common, pop_songs } => transformer::run(&common, pop_songs),
        Model::Gan { common } => gan::run(&common),
        Model::Losses { data, weights, pop_songs } => losses::run(&data, &weights, pop_songs),
    })
}
