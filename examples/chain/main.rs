//! Techniques one after the other: `cargo run --release --example chain -- ode-to-joy out.mid --steps examples/configs/extend_then_rock.json`.
//!
//! The file of steps is a JSON list of techniques with their parameters; those that are not given have their defaults.

#[path = "../support/cli.rs"]
mod cli;
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use deepcompose::midi;
use deepcompose::prelude::*;

use cli::{Result, say};

#[derive(Parser)]
#[command(name = "chain", version, about = "Take a melody through a list of techniques")]
struct Arguments {
    /// A MIDI file, or a built-in track by its name
    #[arg(value_name = "IN.mid")]
    input: PathBuf,
    /// The MIDI file to write
    #[arg(value_name = "OUT.mid")]
    output: PathBuf,
    /// The techniques: a JSON list
    #[arg(long, default_value = "examples/configs/extend_then_rock.json")]
    steps: PathBuf,
    /// The same seed, input and steps give the same file
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write what each step but the last gave too, as OUT-1.mid, OUT-2.mid …
    #[arg(long)]
    keep: bool,
}

fn run(arguments: Arguments) -> Result<()> {
    let steps = steps::read(&arguments.steps)?;
    let mut score = cli::input(&arguments.input)?;
    let composer = Composer::builder().seed(arguments.seed).build()?;
    for (index, step) in steps.iter().enumerate() {
        let number = index + 1;
        let made = composer.compose(&score, step).map_err(|e| format!("step {number}: {e}"))?;
        let (summary, name) = (&made.summary, steps::name(step));
        say!(
            "{number}. {name}: {} notes added, {} removed, {} tracks, {:.1} s",
            summary.notes_added,
            summary.notes_removed,
            made.score.tracks().len(),
            summary.seconds_out
        );
        score = made.into_score();
        if arguments.keep && number < steps.len() {
            write(&beside(&arguments.output, number), &score)?;
        }
    }
    write(&arguments.output, &score)
}

fn write(path: &Path, score: &Score) -> Result<()> {
    midi::write(path, score).map_err(|e| cli::about(path, &e).into())
}

/// `OUT-1.mid` beside `OUT.mid`.
fn beside(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{stem}-{number}.mid"))
}

fn main() -> ExitCode {
    cli::main("chain", run)
}
