//! Times a network beside another program's: what `benches/peers/run_all.py` talks to.
//!
//! ```text
//! time_networks draw ar-cnn --size reference --seed 1 OUT.safetensors   random weights
//! time_networks modes ar-cnn                                           how that kind can be run, a word a line
//! time_networks serve WEIGHTS --mode burn [--batch 8]                  answers commands
//! ```
//!
//! `serve` prepares the network, prints a line, and then answers each line on standard input by one line of JSON; in
//! between it does nothing, so that the other side can be timed on an idle machine.
//!
//! | line | what it does | answer |
//! |---|---|---|
//! | `run SECONDS` | once unmeasured, then until so many seconds have passed, three times at least | `{"iterations": n, "seconds": s}` |
//! | `repeat N` | that often | the same |
//! | `outputs FILE` | starts anew; writes what the network answers to the inputs of `inputs.rs`, 32-bit floats, little-endian | `{"numbers": n}` |
//! | `memory` | | `{"peak_bytes": n}`, the most memory that the process has had (Linux only) |
//!
//! What one iteration is: of the AR-CNN, one sampling iteration (a cell is flipped, all logits, softmax, a draw); of the
//! Transformer, one token a lane after a full context; of the GAN, eight bars. How many threads: `RAYON_NUM_THREADS`.

mod ar_cnn;
mod draw;
#[path = "../support/files.rs"]
mod files;
mod gan;
mod inputs;
mod transformer;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use deepcompose::models::Device;
use deepcompose::models::ar_cnn::ArCnn;
use deepcompose::models::gan::Generator;
use deepcompose::models::transformer::TransformerXl;
use deepcompose::models::weights;
use files::write_atomically;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A network on its fixed inputs.
pub(crate) trait Work {
    /// One iteration.
    fn once(&mut self) -> Outcome<()>;

    /// What it answers to the first inputs, from the beginning.
    fn outputs(&mut self) -> Outcome<Vec<f32>>;
}

#[derive(Parser)]
#[command(name = "time_networks", version, about = "Time a network beside another program's")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a weights file of random numbers
    Draw {
        kind: Kind,
        output: PathBuf,
        #[arg(long, value_enum, default_value = "reference")]
        size: Size,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Prints how a kind of network can be run
    Modes { kind: Kind },
    /// Prepares a network and answers commands
    Serve {
        weights: PathBuf,
        #[arg(long, default_value = "burn")]
        mode: String,
        /// Sequences side by side, for the Transformer
        #[arg(long, default_value_t = 1, value_parser = at_least_one)]
        batch: usize,
    },
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "a number from 1 on".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    ArCnn,
    Transformer,
    Gan,
}

/// Which configuration random weights are of.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Size {
    /// The published network
    Reference,
    /// The network that is shipped
    Compact,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Draw { kind, output, size, seed } => draw::write(kind, size, seed, &output),
        Command::Modes { kind } => {
            modes(kind).iter().for_each(|mode| println!("{mode}"));
            Ok(())
        }
        Command::Serve { weights, mode, batch } => serve(&weights, &mode, batch),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("time_networks: {error}");
            ExitCode::FAILURE
        }
    }
}

const fn modes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::ArCnn => ar_cnn::MODES,
        Kind::Transformer => transformer::MODES,
        Kind::Gan => gan::MODES,
    }
}

fn serve(file: &Path, mode: &str, batch: usize) -> Outcome<()> {
    let start = Instant::now();
    let mut work = prepare(file, mode, batch)?;
    println!("{}", json!({ "mode": mode, "prepared_in": start.elapsed().as_secs_f64() }));
    for line in stdin().lock().lines() {
        println!("{}", answer(&mut *work, &line?)?);
        stdout().flush()?;
    }
    Ok(())
}

/// The network of a weights file, which says itself what it holds.
fn prepare(file: &Path, mode: &str, batch: usize) -> Outcome<Box<dyn Work>> {
    let info = weights::inspect(file)?;
    let device = &Device::default();
    if info.holds::<ArCnn>() {
        ar_cnn::prepare(weights::load(file, device)?, mode)
    } else if info.holds::<TransformerXl>() {
        transformer::prepare(&weights::load(file, device)?, mode, batch)
    } else if info.holds::<Generator>() {
        gan::prepare(weights::load(file, device)?, mode)
    } else {
        Err(format!("{}: a model of another kind, {}", file.display(), info.model).into())
    }
}

fn answer(work: &mut dyn Work, line: &str) -> Outcome<Value> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("run", seconds) => {
            let seconds = Duration::try_from_secs_f64(seconds.trim().parse()?)?;
            work.once()?;
            timed(work, |done, passed| done < 3 || passed < seconds)
        }
        ("repeat", count) => {
            let count: u64 = count.trim().parse()?;
            timed(work, |done, _| done < count)
        }
        ("outputs", file) => {
            let numbers = work.outputs()?;
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            write_atomically(Path::new(file), &bytes)?;
            Ok(json!({ "numbers": numbers.len() }))
        }
        ("memory", _) => Ok(json!({ "peak_bytes": peak() })),
        (command, _) => Err(format!("`{command}`: run, repeat, outputs and memory are known").into()),
    }
}

/// Iterates while `is_on`, given how often and for how long so far.
fn timed(work: &mut dyn Work, is_on: impl Fn(u64, Duration) -> bool) -> Outcome<Value> {
    let (start, mut done) = (Instant::now(), 0);
    while is_on(done, start.elapsed()) {
        work.once()?;
        done += 1;
    }
    Ok(json!({ "iterations": done, "seconds": start.elapsed().as_secs_f64() }))
}

/// The largest resident set of this process so far.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// What to say of a mode that a kind of network does not have.
pub(crate) fn unknown(mode: &str, modes: &[&str]) -> Box<dyn Error> {
    format!("mode `{mode}`: {} are known", modes.join(", ")).into()
}
