//! Figures by which two results are compared.

use axum::Json;
use deepcompose::core::Score;
use deepcompose::core::metrics::Metrics;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::limits;
use crate::reply::{Body, Refusal};

/// Scores to be measured.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    scores: Vec<Score>,
}

/// Measures each score.
///
/// # Errors
///
/// [`Refusal`] for more than two scores, or one past the limits.
pub async fn measure(Body(Scores { scores }): Body<Scores>) -> Result<Json<Value>, Refusal> {
    if scores.len() > 2 {
        return Err(Refusal::unprocessable("two scores are compared at a time"));
    }
    scores.iter().try_for_each(limits::check_made)?;
    let measured = tokio::task::spawn_blocking(move || scores.iter().map(figures).collect::<Vec<_>>());
    Ok(Json(json!(measured.await.map_err(|_| Refusal::internal("the scores could not be measured"))?)))
}

fn figures(score: &Score) -> Value {
    let metrics = Metrics::of(score);
    json!({
        "notes": score.note_count(),
        "seconds": score.duration_seconds(),
        "tracks": score.tracks().len(),
        "key": metrics.best_key,
        "in_key": metrics.best_key_in_scale_rate,
        "polyphony": metrics.polyphony_rate,
        "empty_bars": metrics.empty_bar_rate,
        "pitch_entropy": metrics.pitch_class_entropy,
        "groove": metrics.groove_consistency,
    })
}
