//! Measures a model on held-out pieces:
//! `cargo run --release --example evaluate -- --model ar-cnn|chorale|gan|transformer|velocity --data PATH`.
//!
//! Prints a table; `--json FILE` writes everything as JSON, `--plots DIR` writes charts as SVG. `--run DIR`
//! draws the loss curves of a training run, with or without a model to measure. `evaluate --help` tells the
//! rest.

mod ar_cnn;
mod arguments;
mod chorale;
// Only the pieces that were held out are used here.
#[allow(dead_code)]
#[path = "../shipped/corpus.rs"]
mod corpus;
mod enhance;
mod extension;
mod gan;
mod input;
#[path = "../support/manifest.rs"]
mod manifest;
mod model;
#[path = "../support/plots.rs"]
mod plots;
mod report;
#[path = "../support/stdout.rs"]
mod stdout;
mod transformer;
mod velocity;

/// What the corpora of the shipped trainings need here.
mod training {
    pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
}

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use indicatif::ProgressBar;

use arguments::{Kind, Options, Task};
use plots::files::write_atomically;
use plots::run_log::RunLog;
use report::Outcome;
use stdout::say;

fn main() -> ExitCode {
    let done = match Options::try_parse() {
        Ok(options) => run(&options),
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            say!("{}", e.to_string().trim_end());
            return ExitCode::SUCCESS;
        }
        Err(e) => Err(e.to_string().split("\n\n").next().unwrap_or_default().to_owned().into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = error.to_string();
            let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            eprintln!("evaluate: {}", line.trim_start_matches("error: "));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    // What can be wrong is looked for before minutes are spent.
    if let Some(folder) = options.json.as_deref().and_then(Path::parent)
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        return Err(format!("{}: no such folder", folder.display()).into());
    }
    if let Some(folder) = options.plots.as_deref().filter(|p| p.exists() && !p.is_dir()) {
        return Err(format!("{}: not a folder", folder.display()).into());
    }
    let log = options.run.as_deref().map(RunLog::read).transpose()?;
    let outcome = options.task()?.map(|task| measure(&task)).transpose()?;
    if let Some(outcome) = &outcome {
        say!("{}", outcome.table.trim_end());
        if let Some(path) = &options.json {
            write_atomically(path, outcome.json.as_bytes())?;
        }
    }
    if let Some(log) = &log {
        say!("{}", report::run_summary(log).trim_end());
    }
    if let Some(folder) = &options.plots {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for picture in outcome.iter().flat_map(|outcome| &outcome.pictures) {
            let path = folder.join(format!("{}.svg", picture.name));
            plots::bar_chart(&path, &picture.title, &picture.series, &picture.panels)?;
            say!("{}", path.display());
        }
        if let Some(log) = &log {
            let path = folder.join("loss.svg");
            plots::loss_curves(&path, log, "Training run")?;
            say!("{}", path.display());
        }
    }
    Ok(())
}

fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let spinner = ProgressBar::new_spinner();
    spinner.set_message("measuring");
    spinner.enable_steady_tick(Duration::from_millis(200));
    let outcome = match task.kind {
        Kind::ArCnn if task.enhance => enhance::measure(task),
        Kind::ArCnn => ar_cnn::measure(task),
        Kind::Chorale => chorale::measure(task),
        Kind::Transformer if task.extend => extension::measure(task),
        Kind::Transformer => transformer::measure(task),
        Kind::Gan => gan::measure(task),
        Kind::Velocity => velocity::measure(task),
    };
    spinner.finish_and_clear();
    outcome
}
