//! What was measured, as a table and as JSON.

use std::error::Error;
use std::fmt::Write;

use serde::Serialize;

use crate::arguments::Task;
use crate::input::last_component;
use crate::model::Source;
use crate::plots::BarPanel;
use crate::plots::run_log::RunLog;

/// Everything that a measurement leaves.
pub(crate) struct Outcome {
    pub(crate) table: String,
    pub(crate) json: String,
    pub(crate) pictures: Vec<Picture>,
}

/// A bar chart to be drawn.
pub(crate) struct Picture {
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) series: Vec<&'static str>,
    pub(crate) panels: Vec<BarPanel>,
}

/// What is written as JSON.
#[derive(Serialize)]
pub(crate) struct Report<'a, C, E> {
    pub(crate) model: &'static str,
    pub(crate) weights: &'a Source,
    pub(crate) config: &'a C,
    pub(crate) data: String,
    pub(crate) split: &'a str,
    pub(crate) pieces: usize,
    pub(crate) seed: u64,
    pub(crate) evaluation: E,
}

impl<'a, C: Serialize, E: Serialize> Report<'a, C, E> {
    pub(crate) fn new(
        model: &'static str,
        (weights, config): (&'a Source, &'a C),
        task: &Task<'a>,
        pieces: usize,
        evaluation: E,
    ) -> Self {
        let data = last_component(task.data);
        Self { model, weights, config, data, split: task.split, pieces, seed: task.seed, evaluation }
    }

    pub(crate) fn json(&self) -> Result<String, Box<dyn Error>> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What was measured, and on what.
    pub(crate) fn heading(&self) -> String {
        let Self { model, weights, data, split, pieces, seed, .. } = self;
        let rounded = weights.rounded_to.map_or(String::new(), |to| format!(", rounded to {to}"));
        format!(
            "{model}: {} weights{rounded}, sha256 {}\n{data}, split {split}: {pieces} pieces, seed {seed}\n\n",
            weights.file, weights.sha256
        )
    }
}

/// A table: the first column to the left, the others to the right, each as wide as it must be.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            match column {
                0 => line = format!("{cell}{padding}"),
                _ => line.extend(["  ", &padding, cell]),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A row of a table.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// The state of a training run, in a line or two.
pub(crate) fn run_summary(log: &RunLog) -> String {
    let mut out = String::new();
    let last = log.steps.keys().chain(log.validations.keys()).max().copied().unwrap_or(0);
    let _ = write!(out, "run: {last} steps, {} validations", log.validations.len());
    if let Some((step, loss)) = log.best() {
        let _ = write!(out, ", best validation loss {loss:.4} at step {step}");
    }
    out.push('\n');
    out
}
