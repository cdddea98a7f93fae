//! What small command lines share: inputs by path or name, errors in one line.

// Each example uses a part of it.
#![allow(dead_code)]

mod stdout;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use deepcompose::core::{InputTrack, Score};
use deepcompose::midi;

pub(crate) use stdout::say;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Parses the command line, runs, and says in one line what went wrong.
pub(crate) fn main<A: Parser>(name: &str, run: impl FnOnce(A) -> Result<()>) -> ExitCode {
    let done = match A::try_parse() {
        Ok(arguments) => run(arguments),
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            say!("{}", e.to_string().trim_end());
            return ExitCode::SUCCESS;
        }
        Err(e) => Err(one_line(&e).into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A usage error without clap's hints.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

/// A MIDI file, or a built-in track by its name. What is damaged in a file is said on standard error.
pub(crate) fn input(path: &Path) -> Result<Score> {
    if !path.exists()
        && let Some(track) = path.to_str().and_then(|name| name.parse::<InputTrack>().ok())
    {
        return Ok(track.score());
    }
    let (score, report) = midi::read(path).map_err(|e| about(path, &e))?;
    if report.is_damaged() {
        eprintln!("{} is damaged: {report}", path.display());
    }
    Ok(score)
}

/// An error with the file's name in front, unless it says it itself.
pub(crate) fn about(path: &Path, error: &midi::MidiError) -> String {
    match error {
        midi::MidiError::Io { .. } => error.to_string(),
        other => format!("{}: {other}", path.display()),
    }
}
