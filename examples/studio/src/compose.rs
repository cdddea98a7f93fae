//! Compositions, as streams of server-sent events.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use deepcompose::core::Score;
use deepcompose::{ComposeError, Composition, Event, Progress, Technique};
use futures_core::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::limits;
use crate::queue::Place;
use crate::reply::{Body, Refusal};
use crate::server::Studio;

/// What is to be composed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    client: String,
    seed: u64,
    score: Score,
    technique: Technique,
}

/// Which composition is to stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopOrder {
    client: String,
    job: u64,
}

/// Messages that wait to be sent before the model waits for them.
const MESSAGES: usize = 256;

/// Composes. The answer is a stream of events:
///
/// | event | data |
/// |---|---|
/// | `queued` | `job`, `ahead` |
/// | `started` | |
/// | `progress` | `done`, `total`, `cells` as `[start, duration, pitch, on]`, `notes` as `[track, start, duration, pitch, velocity]` |
/// | `done` | `score`, `summary` |
/// | `stopped` | stopped before it began |
/// | `failed` | `error`, `field` |
///
/// The composition ends when the stream is dropped, as it is when the page goes away.
///
/// # Errors
///
/// [`Refusal`]: a parameter out of range, a score past the limits, too many compositions waiting.
pub async fn compose(
    State(studio): State<Arc<Studio>>,
    Body(order): Body<Order>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Refusal> {
    validate(&order.technique)?;
    limits::check(&order.score)?;
    let place = studio.queue.join(&order.client)?;
    let (sender, receiver) = mpsc::channel(MESSAGES);
    tokio::spawn(run(studio, order, place, sender));
    let stream = ReceiverStream::new(receiver).map(Ok);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(5))))
}

/// Checks a technique's parameters by the library's own rules.
///
/// # Errors
///
/// [`Refusal`] names the parameter.
pub fn validate(technique: &Technique) -> Result<(), Refusal> {
    match technique {
        Technique::ArCnn(params) => params.validate(),
        Technique::Transformer(params) => params.validate(),
        Technique::Gan(params) => params.validate(),
    }
    .map_err(Refusal::from)
}

async fn run(studio: Arc<Studio>, order: Order, place: Place, sender: Sender<Message>) {
    let queued = message("queued", &json!({ "job": place.id, "ahead": place.ahead }));
    if sender.send(queued).await.is_err() {
        return;
    }
    let turn = tokio::select! {
        turn = place.turn() => turn,
        () = place.stop.asked() => {
            // The page may be gone: then nobody wants to know.
            let _ = sender.send(message("stopped", &json!({}))).await;
            return;
        }
        () = sender.closed() => return,
    };
    let work = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        // A send fails when the page has gone away.
        if sender.blocking_send(message("started", &json!({}))).is_err() {
            return;
        }
        let composer = studio.composer.with_seed(order.seed);
        let made = composer.compose_with(&order.score, &order.technique, &mut |progress| {
            let gone = sender.blocking_send(message("progress", &progress_data(&progress))).is_err();
            if gone || place.stop.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let last = match made {
            Ok(made) => message("done", &done_data(&made, begun.elapsed())),
            Err(error) => failed(error),
        };
        let _ = sender.blocking_send(last);
        drop(place);
    });
    // A panic would end the stream without `done`, which the page reports.
    let _ = work.await;
    drop(turn);
}

fn progress_data(progress: &Progress<'_>) -> Value {
    let (mut cells, mut notes) = (Vec::new(), Vec::new());
    for event in progress.events {
        match *event {
            Event::Cell { start, duration, pitch, on } => cells.push(json!([start, duration, pitch, on])),
            Event::Note { track, note } => {
                notes.push(json!([track, note.start, note.duration, note.pitch, note.velocity]));
            }
            _ => {}
        }
    }
    json!({ "done": progress.done, "total": progress.total, "cells": cells, "notes": notes })
}

fn done_data(made: &Composition, took: Duration) -> Value {
    let summary = &made.summary;
    json!({
        "score": made.score,
        "summary": {
            "notes_in": summary.notes_in,
            "notes_added": summary.notes_added,
            "notes_removed": summary.notes_removed,
            "cells_added": summary.cells_added,
            "cells_removed": summary.cells_removed,
            "seconds_in": summary.seconds_in,
            "seconds_out": summary.seconds_out,
            "chords": summary.chords,
            "stop": summary.stop,
            "took": took.as_secs_f64(),
        },
    })
}

fn failed(error: ComposeError) -> Message {
    let refusal = Refusal::from(error);
    message("failed", &json!(refusal))
}

fn message(name: &str, data: &Value) -> Message {
    Message::default().event(name).data(data.to_string())
}

/// Stops a composition; what has been made so far is its result.
///
/// # Errors
///
/// [`Refusal`] if the client has no such composition.
pub async fn stop(
    State(studio): State<Arc<Studio>>,
    Body(order): Body<StopOrder>,
) -> Result<Json<Value>, Refusal> {
    if studio.queue.stop(&order.client, order.job) {
        Ok(Json(json!({})))
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, "that composition has ended already"))
    }
}
