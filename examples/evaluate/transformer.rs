//! The Transformer: nats a token, a note, a frame, and by type of token.

use std::error::Error;

use deepcompose::models::pretrained;
use deepcompose::models::transformer::{
    TokenEvaluation, TransformerXl, Vocabulary, evaluate_prepared, evaluate_tokens,
};

use crate::arguments::Task;
use crate::plots::BarPanel;
use crate::report::{Outcome, Picture, Report, row, table};

pub(crate) fn measure(task: &Task<'_>) -> Result<Outcome, Box<dyn Error>> {
    let (model, source) = crate::model::load::<TransformerXl>(task, pretrained::TRANSFORMER)?;
    let tokenizer = model.config().tokenizer.ok_or("the weights do not say of which tokenizer they are")?;
    let data = crate::input::tokens(task, tokenizer)?;
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(16));
    let e = match task.decode {
        None => evaluate_tokens(&model, &data, workers)?,
        Some(numbers) => evaluate_prepared(&model.prepare(numbers.precision())?, &data, workers)?,
    };
    let report = Report::new("transformer", (&source, model.config()), task, e.pieces, &e);
    Ok(Outcome {
        table: report.heading() + &text(&e, tokenizer),
        json: report.json()?,
        pictures: vec![picture(&e)],
    })
}

fn text(e: &TokenEvaluation, tokenizer: Vocabulary) -> String {
    let number = |value: f64| format!("{value:.4}");
    let mut rows = vec![row(["", "tokens", "nats each", "foreseen"])];
    let types = e.by_type.iter().map(|t| (t.token_type.as_str(), t.tokens, t.nats_per_token, t.accuracy));
    for (name, tokens, nats, accuracy) in
        std::iter::once(("every token", e.tokens, e.nats_per_token, e.accuracy)).chain(types)
    {
        rows.push(row([name, &tokens.to_string(), &number(nats), &number(accuracy)]));
    }
    rows.push(row(["even guess", "", &number(e.uniform_nats_per_token)]));
    if let (Some(note), Some(frame)) = (e.nats_per_note, e.nats_per_frame) {
        rows.push(row(["a note (rests included)", "", &number(note)]));
        rows.push(row(["a frame (four notes)", "", &number(frame)]));
    }
    format!("{}\n{tokenizer} tokens, {:.1} nats in all\n", table(&rows), e.nats)
}

fn picture(e: &TokenEvaluation) -> Picture {
    let groups: Vec<String> = std::iter::once("all")
        .chain(e.by_type.iter().map(|t| t.token_type.as_str()))
        .map(str::to_owned)
        .collect();
    let of = |all: f64, each: fn(&deepcompose::models::transformer::TypeEvaluation) -> f64| {
        vec![std::iter::once(all).chain(e.by_type.iter().map(each)).map(Some).collect()]
    };
    Picture {
        name: "transformer",
        title: "Transformer: held-out pieces by type of token".to_owned(),
        series: vec!["network"],
        panels: vec![
            BarPanel {
                title: "loss, nats a token".to_owned(),
                groups: groups.clone(),
                values: of(e.nats_per_token, |t| t.nats_per_token),
            },
            BarPanel {
                title: "share of tokens that were held most likely".to_owned(),
                groups,
                values: of(e.accuracy, |t| t.accuracy),
            },
        ],
    }
}
