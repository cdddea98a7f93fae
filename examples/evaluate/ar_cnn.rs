//! The AR-CNN: loss, precision and recall of edits.

use std::error::Error;

use deepcompose::models::ar_cnn::{ArCnn, EditEvaluation, EditEvaluationOptions, evaluate};
use deepcompose::models::pretrained;
use deepcompose::models::weights::Model;

use crate::arguments::Task;
use crate::plots::BarPanel;
use crate::report::{Outcome, Picture, Report, row, table};

/// Steps between the beginnings of two windows: four bars of 4/4.
const HOP: usize = 64;

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
    let e = evaluate(&model, &windows, &options)?;
    let report = Report::new("ar-cnn", (&source, model.config()), task, pieces, &e);
    Ok(Outcome {
        table: report.heading() + &text(&e, &options),
        json: report.json()?,
        pictures: vec![picture(&e)],
    })
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
