//! Looks into weights files and converts them: `cargo run --release --example weights -- inspect FILE`.
//!
//! A file says itself which model it holds, so the same commands do for all. `weights --help` tells the rest.

#[path = "../support/files.rs"]
mod files;
mod logits;
#[path = "../support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use deepcompose::models::Device;
use deepcompose::models::ar_cnn::ArCnn;
use deepcompose::models::chorale::ChoraleTransformer;
use deepcompose::models::gan::Generator;
use deepcompose::models::transformer::TransformerXl;
use deepcompose::models::velocity::VelocityNetwork;
use deepcompose::models::weights::{self, Info, Model, Precision};

use stdout::say;

#[derive(Parser)]
#[command(name = "weights", version, about = "Look into weights files and convert them")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints what a weights file says of itself
    Inspect {
        file: PathBuf,
        /// Print JSON, token names included
        #[arg(long)]
        json: bool,
    },
    /// Writes the model to another file: burnpack if its extension is bpk, otherwise safetensors
    Convert {
        input: PathBuf,
        output: PathBuf,
        /// How the numbers are kept; if not given, as in the input
        #[arg(long, value_enum)]
        precision: Option<Bits>,
    },
    /// Writes a fixed input and the model's logits for it as JSON, for other programs to compare with
    Logits { file: PathBuf, output: PathBuf },
}

#[derive(Clone, Copy, ValueEnum)]
enum Bits {
    /// 32-bit floats
    Full,
    /// 16-bit floats
    Half,
    /// 8-bit integers with a scale a row
    Int8,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Inspect { file, json } => inspect(&file, json),
        Command::Convert { input, output, precision } => convert(&input, &output, precision),
        Command::Logits { file, output } => logits::write(&file, &output),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weights: {error}");
            ExitCode::FAILURE
        }
    }
}

fn inspect(file: &Path, json: bool) -> Result<(), Box<dyn Error>> {
    let info = weights::inspect(file)?;
    if json {
        say!("{}", serde_json::to_string_pretty(&info)?);
        return Ok(());
    }
    say!("model       {}", info.model);
    say!("format      {}, {} bytes", info.format, info.bytes);
    say!("precision   {:?}", info.precision);
    say!("parameters  {}", info.parameters);
    say!("config      {}", info.config);
    let names = info.vocabulary.as_ref().map_or_else(|| "none".to_owned(), |v| format!("{} tokens", v.len()));
    say!("vocabulary  {names}");
    say!("sha256      {}", info.sha256);
    Ok(())
}

fn convert(input: &Path, output: &Path, bits: Option<Bits>) -> Result<(), Box<dyn Error>> {
    let info = weights::inspect(input)?;
    let precision = match bits {
        Some(Bits::Full) => Precision::Full,
        Some(Bits::Half) => Precision::Half,
        Some(Bits::Int8) => Precision::Int8,
        None => info.precision,
    };
    if info.holds::<ArCnn>() {
        write::<ArCnn>(input, output, precision)?;
    } else if info.holds::<ChoraleTransformer>() {
        write::<ChoraleTransformer>(input, output, precision)?;
    } else if info.holds::<TransformerXl>() {
        write::<TransformerXl>(input, output, precision)?;
    } else if info.holds::<Generator>() {
        write::<Generator>(input, output, precision)?;
    } else if info.holds::<VelocityNetwork>() {
        write::<VelocityNetwork>(input, output, precision)?;
    } else {
        return Err(unknown(&info, "transformer-xl, gan-generator or velocity"));
    }
    inspect(output, false)
}

fn write<M: Model>(input: &Path, output: &Path, precision: Precision) -> Result<(), Box<dyn Error>> {
    let model: M = weights::load(input, &Device::default())?;
    Ok(weights::save(&model, output, precision)?)
}

fn unknown(info: &Info, last: &str) -> Box<dyn Error> {
    format!("model is {}: ar-cnn, chorale-transformer, {last} is accepted", info.model).into()
}
