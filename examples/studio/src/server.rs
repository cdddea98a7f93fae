//! The routes, and what handlers share.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use deepcompose::Composer;
use deepcompose::core::InputTrack;
use serde_json::{Value, json};

use crate::guard::{Hosts, guard};
use crate::limits::{SCORE_BODY, SESSION_BODY, limits};
use crate::queue::Queue;
use crate::sound::Sound;
use crate::{audio, compose, guide, input, instruments, measure, page, recording, session};

/// What handlers share.
#[derive(Debug)]
pub struct Studio {
    /// The models.
    pub composer: Composer,
    /// The instruments.
    pub sound: Sound,
    /// Who is composing.
    pub queue: Arc<Queue>,
}

impl Studio {
    /// A studio with these models and instruments, in which nobody composes yet.
    #[must_use]
    pub fn new(composer: Composer, sound: Sound) -> Arc<Self> {
        Arc::new(Self { composer, sound, queue: Arc::new(Queue::new()) })
    }
}

/// Page and API, for requests to `hosts`.
pub fn app(studio: Arc<Studio>, hosts: Hosts) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::asset))
        .route("/api/tracks/{slug}", get(input::built_in))
        .route("/api/import", post(input::import))
        .route("/api/record", post(recording::record))
        .route("/api/assist", post(recording::assist))
        .route("/api/compose", post(compose::compose))
        .route("/api/stop", post(compose::stop))
        .route("/api/midi", post(input::midi))
        .route("/api/audio", post(audio::audio))
        .route("/api/keys", get(audio::keys))
        .route("/api/measure", post(measure::measure))
        .layer(DefaultBodyLimit::max(SCORE_BODY))
        .route("/api/session", post(session::check).layer(DefaultBodyLimit::max(SESSION_BODY)))
        .route("/api/studio", get(about))
        .with_state(studio)
        .layer(middleware::from_fn_with_state(hosts, guard))
}

/// All that the page shows before there is music.
async fn about(axum::extract::State(studio): axum::extract::State<Arc<Studio>>) -> Json<Value> {
    let tracks: Vec<Value> = InputTrack::ALL
        .into_iter()
        .map(|track| {
            let score = track.score();
            let end = score.end();
            let metre = score.time_signatures().first().map(|at| at.value);
            json!({
                "slug": track.slug(),
                "name": track.name(),
                "bars": score.bars().take_while(|bar| bar.start < end).count(),
                "metre": metre.map(|m| format!("{}/{}", m.numerator(), m.denominator())),
                "bpm": score.tempo_map().tempo_at(deepcompose::core::Tick::ZERO).bpm().round(),
                "seconds": score.duration_seconds(),
            })
        })
        .collect();
    Json(json!({
        "tracks": tracks,
        "techniques": guide::techniques(),
        "instruments": instruments::NAMES.as_slice(),
        "sound": studio.sound.name(),
        "limits": { "bytes": limits().bytes, "notes": limits().notes, "seconds": limits().duration.as_secs() },
    }))
}
