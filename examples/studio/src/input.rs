//! Scores from built-in tracks and MIDI files, and to MIDI files.

use axum::Json;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use deepcompose::core::{InputTrack, Score, melody_track};
use deepcompose::midi::{self, MidiError, Reader};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::limits;
use crate::reply::{Body, MidiBody, Refusal};

/// A score, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreOnly {
    score: Score,
}

/// A built-in track by its slug.
///
/// # Errors
///
/// [`Refusal`] for a name that no track has.
pub async fn built_in(Path(slug): Path<String>) -> Result<Json<Value>, Refusal> {
    let track: InputTrack =
        slug.parse().map_err(|_| Refusal::new(StatusCode::NOT_FOUND, "there is no such input track"))?;
    Ok(Json(json!({ "name": track.name(), "score": track.score() })))
}

/// Reads a MIDI file: its score, the track that is likely the melody, and what was mended or left out.
///
/// # Errors
///
/// [`Refusal`] says what is wrong with the file.
pub async fn import(MidiBody(bytes): MidiBody) -> Result<Json<Value>, Refusal> {
    let read = tokio::task::spawn_blocking(move || Reader::new().limits(limits::limits()).read_bytes(&bytes))
        .await
        .map_err(|_| Refusal::internal("the file could not be read"))?;
    let (score, report) = read.map_err(|error| Refusal::unprocessable(message(&error)))?;
    if score.is_empty() {
        return Err(Refusal::unprocessable("the file has no notes: at least one is needed"));
    }
    Ok(Json(json!({
        "melody": melody_track(&score),
        "damaged": report.is_damaged(),
        "report": (!report.is_clean()).then(|| report.to_string()),
        "score": score,
    })))
}

/// The error in words for the page, with no path in it.
fn message(error: &MidiError) -> String {
    match error {
        MidiError::Io { .. } => "the file could not be read".to_owned(),
        other => other.to_string(),
    }
}

/// Writes a score as a MIDI file.
///
/// # Errors
///
/// [`Refusal`] if a MIDI file cannot hold the score.
pub async fn midi(Body(ScoreOnly { score }): Body<ScoreOnly>) -> Result<impl IntoResponse, Refusal> {
    limits::check_made(&score)?;
    let bytes = midi::to_bytes(&score).map_err(|error| Refusal::unprocessable(message(&error)))?;
    Ok(([(header::CONTENT_TYPE, "audio/midi")], bytes))
}
