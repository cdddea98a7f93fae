//! The GAN: generated tracks against played ones, with the played tracks before each window, and with its
//! own; and bands as `accompany` makes them, genre by genre.

mod bands;
mod genres;
mod listening;
mod rules;
mod tracks;

use std::error::Error;

use deepcompose::models::gan::{
    ChordEvaluation, GanEvaluation, Generator, TrackMetrics, TrackRole, evaluate, evaluate_chained,
    evaluate_chords,
};
use deepcompose::models::pretrained;
use serde::Serialize;

use crate::arguments::Task;
use crate::plots::BarPanel;
use crate::report::{Outcome, Picture, Report, row, table};

/// Windows drawn where the tracks before each are those that were played.
const WINDOWS: usize = 256;
const BATCH: usize = 32;

#[derive(Serialize)]
struct Measures {
    #[serde(flatten)]
    cells: Option<Cells>,
    /// Bands as `accompany` makes them, beside those that played.
    bands: genres::Genres,
}

/// Measured with the rules that `accompany` uses.
#[derive(Serialize)]
struct Cells {
    /// Each window after the tracks that were played before it.
    windows: GanEvaluation,
    /// Whole pieces, each window after the generator's own tracks, as `accompany` runs it.
    chained: GanEvaluation,
    /// The chords that it expects, for a generator that chooses chords.
    chords: Option<ChordEvaluation>,
}

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (generator, source) = crate::model::load::<Generator>(task, pretrained::GAN)?;
    let (data, training) = crate::input::bands(task)?;
    let rules = rules::Rules::read(task.rules)?;
    let cells = match task.rules {
        Some(_) => None,
        None => Some(Cells {
            windows: evaluate(&generator, &data, WINDOWS, BATCH, task.seed)?,
            chained: evaluate_chained(&generator, &data, task.seed)?,
            chords: evaluate_chords(&generator, &data),
        }),
    };
    let bands = genres::measure((&generator, &rules), &data, training.as_ref(), task.seed)?;
    let measures = Measures { cells, bands };
    let report = Report::new("gan", (&source, generator.config()), task, data.pieces().len(), &measures);
    let mut text = report.heading();
    text += "bands as accompany makes them, means over the pieces; a target is met within 10 % of the data's own;\ntraining: as many bands of the training pieces, which are what a generator can know of:\n\n";
    text += &measures.bands.text();
    let cells = measures.cells.as_ref();
    text += &cells.map_or_else(String::new, Cells::text);
    let pictures = cells.map_or_else(Vec::new, |cells| vec![metrics(cells), hits(cells)]);
    Ok(Outcome { table: text, json: report.json()?, pictures })
}

impl Cells {
    fn text(&self) -> String {
        let mut text = "\nas accompany runs it, each window after the generator's own tracks:\n".to_owned();
        text += &hits_by_track(&self.chained);
        text += "\neach window after the tracks that were played before it:\n";
        text += &hits_by_track(&self.windows);
        if let Some(c) = &self.chords {
            text += &format!(
                "\nchords: {:.3} nats a half bar over {}; {:.3} foretold, {:.3} by their roots; {:.3} are those before them\n",
                c.loss, c.half_bars, c.accuracy, c.root_accuracy, c.same_as_before
            );
        }
        if let Some(late) = &self.chained.late {
            let rate = |tracks: &[TrackMetrics; TrackRole::COUNT]| {
                let rate = |r: TrackRole| format!("{} {:.2}", r, tracks[r.index()].empty_bar_rate);
                TrackRole::ALL.map(rate).join(", ")
            };
            text += &format!(
                "\nempty bars from bar {} on, chained: {}; played: {}\n",
                late.from_bar + 1,
                rate(&late.generated),
                rate(&late.played)
            );
        }
        text
    }
}

/// Generated / played, a row a track.
fn hits_by_track(e: &GanEvaluation) -> String {
    let mut rows =
        vec![row(["track", "precision", "recall", "empty bars", "pitches a bar", "in scale", "density"])];
    for role in TrackRole::ALL {
        let i = role.index();
        let (ours, theirs) = (&e.generated[i], &e.played[i]);
        let scale = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.2}"));
        rows.push(vec![
            role.to_string(),
            format!("{:.3}", e.precision[i]),
            format!("{:.3}", e.recall[i]),
            format!("{:.2} / {:.2}", ours.empty_bar_rate, theirs.empty_bar_rate),
            format!("{:.2} / {:.2}", ours.pitches_per_bar, theirs.pitches_per_bar),
            format!("{} / {}", scale(ours.in_scale_rate), scale(theirs.in_scale_rate)),
            format!("{:.4} / {:.4}", ours.density, theirs.density),
        ]);
    }
    let loss =
        format!("reconstruction loss {:.5} nats a cell over {} windows", e.reconstruction_loss, e.windows);
    format!("{}{loss}; generated / played\n", table(&rows))
}

fn roles() -> Vec<String> {
    TrackRole::ALL.map(|role| role.to_string()).to_vec()
}

fn metrics(cells: &Cells) -> Picture {
    let panel = |title: &str, value: fn(&TrackMetrics) -> Option<f64>| {
        let series = [&cells.chained.generated, &cells.windows.generated, &cells.chained.played];
        BarPanel {
            title: title.to_owned(),
            groups: roles(),
            values: series.map(|tracks| tracks.iter().map(value).collect()).to_vec(),
        }
    };
    Picture {
        name: "gan-metrics",
        title: "GAN: generated tracks against the corpus".to_owned(),
        series: vec!["generated after its own tracks", "generated after played tracks", "played"],
        panels: vec![
            panel("share of bars that are empty", |m| Some(m.empty_bar_rate)),
            panel("different pitches a bar", |m| Some(m.pitches_per_bar)),
            panel("share of cells in the best major scale", |m| m.in_scale_rate),
            panel("cells that sound, in a hundred", |m| Some(100.0 * m.density)),
        ],
    }
}

fn hits(cells: &Cells) -> Picture {
    let panel = |title: &str, value: fn(&GanEvaluation) -> [f64; TrackRole::COUNT]| BarPanel {
        title: title.to_owned(),
        groups: roles(),
        values: [&cells.chained, &cells.windows].map(|e| value(e).map(Some).to_vec()).to_vec(),
    };
    Picture {
        name: "gan-hits",
        title: "GAN: generated cells against played ones".to_owned(),
        series: vec!["after its own tracks", "after played tracks"],
        panels: vec![
            panel("precision: share of the generated cells that were played", |e| e.precision),
            panel("recall: share of the played cells that were generated", |e| e.recall),
        ],
    }
}
