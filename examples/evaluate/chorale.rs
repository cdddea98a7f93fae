//! The chorale Transformer: nats a note by the exact chain rule, by voice.

use std::error::Error;

use deepcompose::models::chorale::{
    ChoraleDataset, ChoraleEnsemble, ChoraleEvaluation, ChoraleTransformer, evaluate_ensemble,
};
use deepcompose::models::pretrained;
use deepcompose::models::transformer::Vocabulary;

use crate::arguments::Task;
use crate::plots::BarPanel;
use crate::report::{Outcome, Picture, Report, row, table};

const VOICES: [&str; 4] = ["soprano", "alto", "tenor", "bass"];

/// Validation losses in nats a note of others on the chorales on a sixteenth grid, as their papers are remembered.
const REFERENCES: [(&str, f64); 4] = [
    ("smoothed bigram a voice", 0.94),
    ("Coconet (Huang et al. 2017)", 0.436),
    ("TonicNet, at most (Peracha 2019)", 0.40),
    ("Music Transformer (Huang et al. 2018)", 0.335),
];
const TARGET: f64 = 0.33;

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (model, source) = crate::model::load::<ChoraleTransformer>(task, pretrained::CHORALE)?;
    let data = ChoraleDataset::from_tokens(&crate::input::tokens(task, Vocabulary::Satb)?)?;
    let config = model.config().clone();
    let mut networks = vec![model];
    for file in task.with {
        networks.push(crate::model::of_file(task, file)?.0);
    }
    let keys: Vec<i32> = (-task.keys..=task.keys).collect();
    let ensemble = ChoraleEnsemble::new(networks)?.in_keys(&keys)?;
    let e = evaluate_ensemble(&ensemble, &data)?;
    let report = Report::new("chorale", (&source, &config), task, e.pieces.len(), &e);
    let mean = match (ensemble.networks().len(), keys.len()) {
        (1, 1) => String::new(),
        (networks, keys) => format!("mean of {networks} networks in {keys} keys\n"),
    };
    Ok(Outcome {
        table: report.heading() + &mean + &text(&e),
        json: report.json()?,
        pictures: vec![picture(&e)],
    })
}

fn text(e: &ChoraleEvaluation) -> String {
    let number = |value: f64| format!("{value:.4}");
    let mut rows = vec![row(["", "nats a note"])];
    rows.push(row(["every voice", &number(e.nats_per_note())]));
    for (name, nats) in VOICES.into_iter().zip(e.voices()) {
        rows.push(row([name, &number(nats)]));
    }
    rows.push(row(["target on valid, at most", &number(TARGET)]));
    for (name, nats) in REFERENCES {
        rows.push(row([name, &number(nats)]));
    }
    let steps = e.steps;
    format!(
        "{}\n{steps} sixteenths of four voices; no piece is transposed; rests and held notes count\n",
        table(&rows)
    )
}

fn picture(e: &ChoraleEvaluation) -> Picture {
    let groups: Vec<String> = std::iter::once("all").chain(VOICES).map(str::to_owned).collect();
    let values = std::iter::once(e.nats_per_note()).chain(e.voices()).map(Some).collect();
    Picture {
        name: "chorale",
        title: "Chorale Transformer: held-out chorales by voice".to_owned(),
        series: vec!["network"],
        panels: vec![BarPanel { title: "loss, nats a note".to_owned(), groups, values: vec![values] }],
    }
}
