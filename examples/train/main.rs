//! Trains the models: `cargo run --release --example train -- ar-cnn --data DIR --out DIR`.
//!
//! The output folder holds `checkpoint.safetensors` (run the same command again to go on after an
//! interruption) and `best.safetensors`, the weights with the lowest validation loss.

mod ar_cnn;
mod corpus;
mod gan;
mod progress;
mod transformer;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Train the models of deepcompose")]
struct Cli {
    #[command(subcommand)]
    model: Model,
}

#[derive(Subcommand)]
enum Model {
    /// The AR-CNN, on the chorales
    ArCnn(ar_cnn::Options),
    /// The Transformer-XL, on chorales, songs and folk tunes
    Transformer(transformer::Options),
    /// The GAN, on bands, quartets and songs
    Gan(gan::Options),
}

fn main() -> std::process::ExitCode {
    let done = match Cli::parse().model {
        Model::ArCnn(options) => ar_cnn::run(options),
        Model::Transformer(options) => transformer::run(options),
        Model::Gan(options) => gan::run(options),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("train: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
