//! Prepares a folder of MIDI files, or a JSON corpus, for training: shards that are mapped into memory.
//!
//! ```sh
//! cargo run --release --example prepare -- --data my-midi --out prepared --for transformer
//! ```
//!
//! Called again it keeps what is finished. On several machines, or for several processes, `--shard 0/4`, `--shard 1/4`
//! and so on each prepare a part; with all parts in one folder the corpus is whole.

#[path = "support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use deepcompose::models::data::{
    CorpusOptions, PartOf, PrepareOptions, Prepared, Representation, Split, SplitShares, TokenAugmentation,
    prepare,
};
use deepcompose::models::gan::Genre;
use deepcompose::models::transformer::Vocabulary;
use indicatif::{ProgressBar, ProgressStyle};
use stdout::say;

#[derive(Clone, Copy, ValueEnum)]
enum Model {
    ArCnn,
    Gan,
    Transformer,
}

#[derive(Parser)]
#[command(about = "Prepare a corpus for training")]
struct Arguments {
    /// A folder of MIDI files, or a JSON file of chorales, lead sheets or songs
    #[arg(long)]
    data: PathBuf,
    /// Where the prepared corpus goes
    #[arg(long)]
    out: PathBuf,
    /// The model to be trained on it
    #[arg(long = "for", value_enum)]
    model: Model,
    /// The Transformer's tokens: performance (the default) or satb
    #[arg(long)]
    tokenizer: Option<Vocabulary>,
    /// Prepare one part of several: i/n with i from 0 to n - 1
    #[arg(long, default_value_t = PartOf::WHOLE)]
    shard: PartOf,
    /// Share of pieces to validate on
    #[arg(long, default_value_t = 0.1)]
    valid: f64,
    /// Share of pieces to keep for a test
    #[arg(long, default_value_t = 0.0)]
    test: f64,
    /// For the Transformer: further renditions of the training pieces, slower and faster by these factors
    #[arg(long, value_delimiter = ',', value_name = "F,F,…")]
    stretch: Vec<f64>,
    /// For the Transformer: further renditions of the training pieces, louder and softer by these factors
    #[arg(long, value_delimiter = ',', value_name = "F,F,…")]
    velocity: Vec<f64>,
    /// For the GAN: the genre of files whose folder is not named after one, pop by default
    #[arg(long)]
    genre: Option<Genre>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn run(a: Arguments) -> Result<(), Box<dyn Error>> {
    let tokens = matches!(a.model, Model::Transformer);
    let of_tokens = !a.stretch.is_empty() || !a.velocity.is_empty() || a.tokenizer.is_some();
    if of_tokens && !tokens {
        return Err("--tokenizer, --stretch and --velocity are of tokens: --for transformer".into());
    }
    if a.genre.is_some() && !matches!(a.model, Model::Gan) {
        return Err("--genre is of bands: --for gan".into());
    }
    let shares = SplitShares::new(a.valid, a.test)?;
    let options = PrepareOptions {
        corpus: CorpusOptions { shares, genre: a.genre.unwrap_or(Genre::Pop), ..CorpusOptions::default() },
        part: a.shard,
        ..PrepareOptions::new(match a.model {
            Model::ArCnn => Representation::Rolls,
            Model::Gan => Representation::Bands,
            Model::Transformer => Representation::Tokens {
                vocabulary: a.tokenizer.unwrap_or(Vocabulary::Performance),
                augmentation: TokenAugmentation { stretch: a.stretch, velocity: a.velocity },
            },
        })
    };
    let bar =
        ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} files, {msg}")?);
    let report = prepare(&a.data, &a.out, &options, &mut |progress| {
        bar.set_length(progress.files as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(format!("{} skipped", progress.skipped));
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();

    say!("{}", report.corpus);
    report.corpus.skipped.iter().take(10).for_each(|skipped| say!("  {skipped}"));
    if report.corpus.skipped.len() > 10 {
        say!("  … and {} more", report.corpus.skipped.len() - 10);
    }
    let (shards, out) = (report.shards, a.out.display());
    say!("{out}: {shards} shards ({} kept), {} bytes, part {}", report.kept, report.bytes, a.shard);
    if a.shard.count() == 1 {
        let prepared = Prepared::open(&a.out)?;
        prepared.verify()?;
        let counts = Split::ALL.map(|split| format!("{} {split}", prepared.count(split)));
        say!("{}: {}", prepared.representation(), counts.join(", "));
    }
    Ok(())
}
