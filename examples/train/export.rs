//! `train export`: weights at another precision, as they are embedded.

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use deepcompose::models::Device;
use deepcompose::models::ar_cnn::ArCnn;
use deepcompose::models::gan::Generator;
use deepcompose::models::transformer::TransformerXl;
use deepcompose::models::weights::{self, Model, Precision};

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    ArCnn,
    Transformer,
    Gan,
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

#[derive(Args)]
pub(crate) struct Options {
    /// Which network the file holds
    model: Kind,
    /// The weights file to read
    input: PathBuf,
    /// The weights file to write
    output: PathBuf,
    #[arg(long, value_enum, default_value = "half")]
    precision: Bits,
}

pub(crate) fn run(o: Options) -> Result<(), Box<dyn Error>> {
    match o.model {
        Kind::ArCnn => export::<ArCnn>(&o),
        Kind::Transformer => export::<TransformerXl>(&o),
        Kind::Gan => export::<Generator>(&o),
    }
}

fn export<M: Model>(o: &Options) -> Result<(), Box<dyn Error>> {
    let precision = match o.precision {
        Bits::Full => Precision::Full,
        Bits::Half => Precision::Half,
        Bits::Int8 => Precision::Int8,
    };
    let model: M = weights::load(&o.input, &Device::default())?;
    weights::save(&model, &o.output, precision)?;
    println!("{} bytes", std::fs::metadata(&o.output)?.len());
    Ok(())
}
