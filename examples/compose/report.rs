//! What was done, as a table; how far it is, as a bar.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use deepcompose::models::compose::Progress;
use deepcompose::prelude::*;
use indicatif::{ProgressBar, ProgressStyle};

use crate::stdout::say;

/// One line of the table.
pub(crate) struct Row {
    file: String,
    notes_in: usize,
    added: usize,
    removed: usize,
    tracks: usize,
    seconds: f64,
    stop: StopReason,
    chords: ChordSheet,
    took: Duration,
}

impl Row {
    pub(crate) fn new(path: &Path, made: &Composition, took: Duration) -> Self {
        Self {
            file: path.display().to_string(),
            notes_in: made.summary.notes_in,
            added: made.summary.notes_added,
            removed: made.summary.notes_removed,
            tracks: made.score.tracks().len(),
            seconds: made.summary.seconds_out,
            stop: made.summary.stop,
            chords: made.summary.chords.clone(),
            took,
        }
    }
}

pub(crate) fn print(rows: &[Row]) {
    let width = rows.iter().map(|r| r.file.len()).max().unwrap_or(0).max(4);
    say!(
        "{:<width$} {:>9} {:>7} {:>8} {:>10} {:>7} {:>9} {:>7}",
        "file",
        "notes in",
        "added",
        "removed",
        "notes out",
        "tracks",
        "seconds",
        "took"
    );
    for r in rows {
        let notes_out = r.notes_in + r.added - r.removed;
        let took = format!("{:.1} s", r.took.as_secs_f64());
        let note = match r.stop {
            StopReason::TokenBudget => "  stopped short: the token budget ran out",
            StopReason::Stopped => "  stopped",
            _ => "",
        };
        say!(
            "{:<width$} {:>9} {:>7} {:>8} {:>10} {:>7} {:>9.2} {:>7}{note}",
            r.file,
            r.notes_in,
            r.added,
            r.removed,
            notes_out,
            r.tracks,
            r.seconds,
            took
        );
        if !r.chords.is_empty() {
            say!("  chords: {}", r.chords);
        }
    }
}

/// A progress bar on standard error, if that is a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn show(&mut self, progress: Progress<'_>) -> ControlFlow<()> {
        self.bar.set_length(progress.total as u64);
        self.bar.set_position(progress.done as u64);
        ControlFlow::Continue(())
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
