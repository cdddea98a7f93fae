//! How time and memory grow with the work: `cargo run --release --example growth -- --out benches/runs/growth`.
//!
//! Each point is measured by a process of its own, so that its peak of memory is its own. Prints a table a sweep with
//! the exponent that fits, and writes it as JSON and as a picture. `growth --help` tells the rest.

mod measure;
#[path = "../support/plots.rs"]
mod plots;
#[path = "../support/stdout.rs"]
mod stdout;
mod sweeps;
mod works;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode};

use clap::{Parser, Subcommand};
use plots::Lines;
use serde_json::json;

use measure::{Point, exponent};
use stdout::say;
use sweeps::{SWEEPS, Sweep};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "growth", version, about = "How time and memory grow with the work")]
struct Cli {
    #[command(subcommand)]
    point: Option<Command>,
    /// Folder for a picture and a JSON file a sweep
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only these sweeps: enhance, accompany, extend, tracks, tokens, vocabulary, threads, batch
    #[arg(long, num_args = 1..)]
    only: Vec<String>,
    /// Leave out the largest points
    #[arg(long)]
    quick: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Measures one point; what the program runs for each
    #[command(hide = true)]
    Point { sweep: String, line: String, value: usize },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.point {
        Some(Command::Point { sweep, line, value }) => point(sweep, line, *value),
        None => all(&cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn point(sweep: &str, line: &str, value: usize) -> Outcome<()> {
    say!("{}", measure::measure(&mut *works::work(sweep, line, value)?)?.line());
    Ok(())
}

fn all(cli: &Cli) -> Outcome<()> {
    if let Some(name) = cli.only.iter().find(|name| SWEEPS.iter().all(|sweep| sweep.name != **name)) {
        return Err(format!("there is no sweep `{name}`").into());
    }
    for sweep in SWEEPS.iter().filter(|sweep| cli.only.is_empty() || cli.only.iter().any(|n| n == sweep.name))
    {
        let lines = sweep.lines.iter().map(|line| Ok((*line, points(sweep, line, cli.quick)?)));
        let lines: Vec<(&str, Vec<Point>)> = lines.collect::<Outcome<_>>()?;
        print(sweep, &lines);
        if let Some(folder) = &cli.out {
            write(folder, sweep, &lines)?;
        }
    }
    Ok(())
}

/// Measures a line's points, each in a process of its own.
fn points(sweep: &Sweep, line: &str, quick: bool) -> Outcome<Vec<Point>> {
    let values = sweep.values.iter().filter(|value| !quick || **value <= sweep.quick);
    values
        .map(|value| {
            let mut process = Process::new(std::env::current_exe()?);
            process.args(["point", sweep.name, line, &value.to_string()]);
            if sweep.name == "threads" {
                process.env("RAYON_NUM_THREADS", value.to_string());
            }
            let output = process.output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
            }
            Point::parse(*value, &String::from_utf8(output.stdout)?)
        })
        .collect()
}

fn print(sweep: &Sweep, lines: &[(&str, Vec<Point>)]) {
    say!("### {}\n", sweep.title);
    say!("| {} | {} |", sweep.along, heads(lines).join(" | "));
    say!("|{}", "--:|".repeat(1 + 2 * lines.len()));
    let values: Vec<usize> =
        lines.first().map(|(_, points)| points.iter().map(|p| p.value).collect()).unwrap_or_default();
    for (row, value) in values.iter().enumerate() {
        let cells: Vec<String> = lines
            .iter()
            .filter_map(|(_, points)| points.get(row))
            .map(|p| format!("{:.4} | {:.1}", 1e3 * p.seconds, p.peak_bytes as f64 / 1e6))
            .collect();
        say!("| {value} | {} |", cells.join(" | "));
    }
    let exponents: Vec<String> =
        lines.iter().filter_map(|(line, points)| Some(format!("{line} {:.2}", exponent(points)?))).collect();
    say!(
        "\nTime grows with this power of the {}, over the larger half: {}.\n",
        sweep.along,
        exponents.join(", ")
    );
}

fn heads(lines: &[(&str, Vec<Point>)]) -> Vec<String> {
    lines.iter().map(|(line, _)| format!("{line}, ms | peak MB")).collect()
}

fn write(folder: &Path, sweep: &Sweep, lines: &[(&str, Vec<Point>)]) -> Outcome<()> {
    std::fs::create_dir_all(folder)?;
    let json: Vec<_> = lines
        .iter()
        .map(|(line, points)| {
            let points: Vec<_> = points.iter().map(|p| json!([p.value, p.seconds, p.peak_bytes])).collect();
            json!({ "line": line, "value_seconds_peak_bytes": points, "exponent": exponent_of(line, lines) })
        })
        .collect();
    let text = serde_json::to_string(&json!({ "sweep": sweep.name, "along": sweep.along, "lines": json }))?;
    plots::files::write_atomically(
        &folder.join(format!("{}.json", sweep.name)),
        format!("{text}\n").as_bytes(),
    )?;
    let guide = if sweep.name == "threads" { -1 } else { 1 };
    let panel = |title: &str, guide, y: fn(&Point) -> f64| Lines {
        guide,
        title: title.to_owned(),
        along: sweep.along.to_owned(),
        points: lines
            .iter()
            .map(|(_, points)| points.iter().map(|p| (p.value as f64, y(p))).collect())
            .collect(),
    };
    let panels = [
        panel("milliseconds", Some(guide), |p| 1e3 * p.seconds),
        panel("peak memory of the process, MB", None, |p| p.peak_bytes as f64 / 1e6),
    ];
    plots::log_lines(&folder.join(format!("{}.svg", sweep.name)), sweep.title, sweep.lines, &panels)
}

fn exponent_of(line: &str, lines: &[(&str, Vec<Point>)]) -> Option<f64> {
    lines.iter().find(|(name, _)| *name == line).and_then(|(_, points)| exponent(points))
}
