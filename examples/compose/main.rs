//! The command line: `cargo run --release --example compose`.
//!
//! Without arguments it takes Ode to Joy through every technique and writes MIDI files to
//! `target/compose/`. `compose --help` tells the rest.

mod arguments;
mod demo;
mod report;
#[path = "../support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use deepcompose::prelude::*;
use deepcompose::{ComposerBuilder, midi};

use arguments::{Command, Common};
use stdout::say;

#[derive(Parser)]
#[command(name = "compose", version, about = "A melody in, three trained models, music out")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    let done = match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            say!("{}", e.to_string().trim_end());
            return ExitCode::SUCCESS;
        }
        Err(e) => Err(one_line(&e).into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compose: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A usage error as one line, without clap's hints.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    let joined = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    joined.trim_start_matches("error: ").to_owned()
}

fn run(command: Option<Command>) -> Result<(), Box<dyn Error>> {
    match command {
        None => demo::run(Path::new("target/compose")),
        Some(Command::Enhance { common, options }) => {
            apply(&common, &Technique::ArCnn(options.params(common.track)), Composer::builder())
        }
        Some(Command::Extend { common, options }) => {
            apply(&common, &Technique::Transformer(options.params(common.track)), Composer::builder())
        }
        Some(Command::Accompany { common, options }) => {
            let builder = Composer::builder();
            let builder = match &options.velocity_weights {
                Some(path) => builder.velocity(path.clone()),
                None => builder,
            };
            apply(&common, &Technique::Gan(options.params(common.track)), builder)
        }
        Some(Command::Tracks) => {
            for track in InputTrack::ALL {
                say!("{:<28} {}", track.slug(), track.name());
            }
            Ok(())
        }
        Some(Command::Genres) => {
            for genre in Genre::ALL {
                let tracks: Vec<String> =
                    genre.tracks().iter().map(|t| format!("{} ({})", t.role, t.name)).collect();
                say!("{:<10} {}", genre.to_string(), tracks.join(", "));
            }
            Ok(())
        }
    }
}

/// A MIDI file, with a report if it is damaged, or one of the built-in tracks by its name.
fn input(path: &Path) -> Result<(Score, Option<midi::ReadReport>), Box<dyn Error>> {
    if !path.exists()
        && let Some(track) = path.to_str().and_then(|name| name.parse::<InputTrack>().ok())
    {
        return Ok((track.score(), None));
    }
    let (score, report) = midi::read(path).map_err(|e| about(path, &e))?;
    Ok((score, Some(report).filter(midi::ReadReport::is_damaged)))
}

fn apply(common: &Common, technique: &Technique, builder: ComposerBuilder) -> Result<(), Box<dyn Error>> {
    let (score, damage) = input(&common.input)?;
    let mut builder = builder.seed(common.seed);
    if let Some(weights) = &common.weights {
        builder = match technique {
            Technique::ArCnn(_) => builder.ar_cnn(weights.clone()),
            Technique::Transformer(_) => builder.transformer(weights.clone()),
            Technique::Gan(_) => builder.gan(weights.clone()),
        };
    }
    let composer = builder.build()?;
    let begun = std::time::Instant::now();
    let mut bar = report::Bar::new();
    let composition = composer.compose_with(&score, technique, &mut |p| bar.show(p))?;
    bar.clear();
    if let Some(damage) = damage {
        eprintln!("{} is damaged: {damage}", common.input.display());
    }
    write(&common.output, &composition)?;
    report::print(&[report::Row::new(&common.output, &composition, begun.elapsed())]);
    Ok(())
}

/// Writes a file that appears whole or not at all.
fn write(path: &Path, score: &Score) -> Result<(), Box<dyn Error>> {
    midi::write(path, score).map_err(|e| about(path, &e))
}

/// An error with the file's name in front, unless it says it itself.
fn about(path: &Path, error: &midi::MidiError) -> Box<dyn Error> {
    match error {
        midi::MidiError::Io { .. } => error.to_string().into(),
        other => format!("{}: {other}", path.display()).into(),
    }
}
