//! The AR-CNN: loss, precision and recall of edits; melodies harmonised; pieces repaired.

use std::error::Error;

use deepcompose::core::{Pitch, Voices};
use deepcompose::models::ar_cnn::{
    ArCnn, ChoraleMeasures, EditEvaluation, EditEvaluationOptions, Harmonisation, HarmonisationOptions,
    Judge, Judgement, RepairEvaluation, RepairOptions, RepairScore, evaluate, harmonise, repair,
};
use deepcompose::models::chorale::{Cells, ChoraleTransformer};
use deepcompose::models::training::TrainError;
use deepcompose::models::weights::Model;
use deepcompose::models::{Device, ModelError, pretrained};
use deepcompose::prelude::EditUnit;
use deepcompose::samplers::EditParams;
use serde::Serialize;

use crate::arguments::Task;
use crate::plots::BarPanel;
use crate::report::{Outcome, Picture, Report, row, table};

/// Steps between the beginnings of two windows: four bars of 4/4.
const HOP: usize = 64;

/// Everything that is measured.
#[derive(Serialize)]
struct Evaluation {
    #[serde(flatten)]
    edits: EditEvaluation,
    harmonisation: Option<Harmonisation>,
    repair: Option<RepairEvaluation>,
    /// How pieces were sampled.
    creative_risk: f64,
    annealing: f64,
    unit: EditUnit,
    passes: f64,
}

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (model, source) = crate::model::load::<ArCnn>(task, pretrained::AR_CNN)?;
    let (windows, pieces) = crate::input::windows(task, model.config().steps, HOP)?;
    let options = EditEvaluationOptions {
        edited_windows: task.edited_windows,
        max_flips: task.max_flips,
        creative_risk: task.creative_risk,
        seed: task.seed,
        ..EditEvaluationOptions::default()
    };
    let edits = evaluate(&model, &windows, &options)?;
    let scores = crate::input::scores(task)?;
    let prepared = model.prepare()?;
    let params = EditParams {
        creative_risk: task.creative_risk,
        annealing: task.annealing,
        unit: task.unit,
        ..EditParams::default()
    };
    let how = HarmonisationOptions { passes: task.passes, seed: task.seed };
    let network = pretrained::chorale(&Device::default())?;
    let judge: &Judge<'_> = &|voices: &[Voices]| judge(&network, voices);
    let harmonisation = match harmonise(&prepared, &scores, &params, &how, Some(judge)) {
        Ok(harmonisation) => Some(harmonisation),
        // Pieces of one part.
        Err(TrainError::NoData { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let repair = match scores.is_empty() {
        true => None,
        false => {
            let options = RepairOptions { seed: task.seed, ..RepairOptions::default() };
            Some(repair(&prepared, &scores, &params, &options)?)
        }
    };
    let Task { creative_risk, annealing, unit, passes, .. } = *task;
    let e = Evaluation { edits, harmonisation, repair, creative_risk, annealing, unit, passes };
    let report = Report::new("ar-cnn", (&source, model.config()), task, pieces, &e);
    let mut table = report.heading() + &text(&e.edits, &options);
    table.extend(e.harmonisation.as_ref().map(harmony));
    table.extend(e.repair.as_ref().map(repairs));
    let by = match unit {
        EditUnit::Cell => "by single cells".to_owned(),
        EditUnit::Run { margin, longest, shortest } => {
            format!("by runs of up to {longest} cells within {margin} nats, notes of {shortest} or more")
        }
    };
    if e.repair.is_some() {
        table.push_str(&format!("\nsampled {by}, creative risk {creative_risk}, annealing {annealing}; harmonised in {passes} passes\n"));
    }
    Ok(Outcome { table, json: report.json()?, pictures: vec![picture(&e.edits)] })
}

/// The chorale Transformer's opinion of a completed chorale. It is neutral: the AR-CNN has not seen its weights, and
/// neither has seen the piece.
fn judge(network: &ChoraleTransformer, voices: &[Voices]) -> Result<Judgement, ModelError> {
    let piece: Vec<Cells> = voices.iter().map(|step| step.map(|v| v.map_or(128, Pitch::get))).collect();
    let nats = -network.log_probabilities(&piece)?.iter().flatten().sum::<f64>();
    Ok(Judgement { nats, notes: 4 * piece.len() })
}

/// Harmonised melodies, real pieces and random notes beside each other.
fn harmony(found: &Harmonisation) -> String {
    type Figure = fn(&ChoraleMeasures) -> f64;
    let Harmonisation { pieces, generated, real, random, .. } = found;
    let figures: [(&str, Figure, &str); 9] = [
        ("notes in the scale", |m| m.in_scale_rate, "within 0.03 of real"),
        ("dissonant pairs on beats", |m| m.dissonance_rate, "real"),
        ("neighbours' distance, semitones", |m| m.spacing, "real"),
        ("  overlap with real", |m| m.spacing_overlap, ">= 0.90"),
        ("pitches at once", |m| m.voices, "real"),
        ("  overlap with real", |m| m.voices_overlap, ">= 0.90"),
        ("note length, sixteenths", |m| m.note_length, "real"),
        ("  overlap with real", |m| m.note_length_overlap, ">= 0.90"),
        ("notes of one sixteenth", |m| m.sixteenths, "real"),
    ];
    let mut rows = vec![row(["harmonised melodies", "network", "real", "random in scale", "target"])];
    let mut count = |name: &str, figure: fn(&ChoraleMeasures) -> usize| {
        let cells = [generated, real, random].map(|m| figure(m).to_string());
        rows.push(row([name, &cells[0], &cells[1], &cells[2], ""]));
    };
    count("cells below the melody", |m| m.cells);
    count("notes below the melody", |m| m.notes);
    for (name, figure, target) in figures {
        let cells = [generated, real, random].map(|m| format!("{:.4}", figure(m)));
        rows.push(row([name, &cells[0], &cells[1], &cells[2], target]));
    }
    if let [Some(generated), Some(real), Some(random)] = [generated, real, random].map(|m| m.nats_per_note) {
        let cells = [generated, real, random].map(|nats| format!("{nats:.4}"));
        rows.push(row(["judge, nats a note", &cells[0], &cells[1], &cells[2], "real"]));
    }
    format!("\n{}\n{pieces} pieces, of which the network saw the melody\n", table(&rows))
}

/// Spoilt pieces and what was repaired.
fn repairs(found: &RepairEvaluation) -> String {
    let mut rows = vec![row(["repair", "cells", "notes", "", "target"])];
    for (name, score) in
        [("all edits", found.all), ("additions", found.additions), ("removals", found.removals)]
    {
        let RepairScore { cells, notes, .. } = score;
        let number = |value: f64| format!("{value:.4}");
        rows.push(row([name]));
        rows.push(row(["  precision", &number(cells.precision), &number(notes.precision), "", "1"]));
        rows.push(row(["  recall", &number(cells.recall), &number(notes.recall), "", "1"]));
        rows.push(row(["  spoilt", &cells.differing.to_string(), &notes.differing.to_string()]));
        rows.push(row(["  edited", &cells.flipped.to_string(), &notes.flipped.to_string()]));
    }
    let options = RepairOptions::default();
    format!(
        "\n{}\n{} pieces; {} % of the notes cleared, {} % of the silent cells filled with wrong notes\n",
        table(&rows),
        found.pieces,
        options.cleared * 100.0,
        options.set * 100.0
    )
}

fn text(e: &EditEvaluation, options: &EditEvaluationOptions) -> String {
    let number = |value: f64| format!("{value:.4}");
    let edits = table(&[
        row(["", "network", "even guess"]),
        row(["loss, nats an edit", &number(e.loss), &number(e.uniform_loss)]),
        row(["precision of edits", &number(e.edits.precision), &number(e.uniform_precision)]),
        row(["  of additions", &number(e.additions.precision)]),
        row(["  of removals", &number(e.removals.precision)]),
        row(["recall of edits", &number(e.edits.recall), &number(e.uniform_recall)]),
        row(["  of additions", &number(e.additions.recall)]),
        row(["  of removals", &number(e.removals.recall)]),
        row(["recall without a mistake", &number(e.recall_limit)]),
    ]);
    format!(
        "{edits}\nloss over {} windows; {} of them edited, at most {} cells each, at creative risk {}:\n\
         {} cells differed, {} were flipped, {} of these rightly\n",
        e.windows,
        e.edited_windows,
        options.max_flips,
        options.creative_risk,
        e.edits.differing,
        e.edits.flipped,
        e.edits.hits
    )
}

fn picture(e: &EditEvaluation) -> Picture {
    let groups = || ["all edits", "additions", "removals"].map(str::to_owned).to_vec();
    let scores = [e.edits, e.additions, e.removals];
    let chance = |value: f64| vec![Some(value), None, None];
    Picture {
        name: "ar-cnn",
        title: format!("AR-CNN: edits of {} spoilt windows", e.edited_windows),
        series: vec!["network", "even guess", "without a mistake"],
        panels: vec![
            BarPanel {
                title: "precision: share of the flipped cells that were wrong".to_owned(),
                groups: groups(),
                values: vec![
                    scores.map(|s| Some(s.precision)).to_vec(),
                    chance(e.uniform_precision),
                    vec![Some(1.0); 3],
                ],
            },
            BarPanel {
                title: "recall: share of the wrong cells that were flipped".to_owned(),
                groups: groups(),
                values: vec![
                    scores.map(|s| Some(s.recall)).to_vec(),
                    chance(e.uniform_recall),
                    chance(e.recall_limit),
                ],
            },
        ],
    }
}
