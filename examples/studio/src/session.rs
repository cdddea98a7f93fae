//! Sessions saved in the page's own file, checked before they are opened.

use axum::Json;
use deepcompose::Technique;
use deepcompose::core::Score;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::compose::validate;
use crate::limits::{self, SESSION_RESULTS};
use crate::reply::{Body, Refusal};

/// A saved session.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    format: Format,
    current: u64,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "deepcompose-studio-1")]
    One,
}

/// An input, or what a technique made of the score of another entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: u64,
    #[serde(default)]
    parent: Option<u64>,
    name: String,
    #[serde(default)]
    technique: Option<Technique>,
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    summary: Option<Map<String, Value>>,
    #[serde(default)]
    edited: bool,
    score: Score,
}

/// Reads a saved session and gives it back in the form that the page works with.
///
/// # Errors
///
/// [`Refusal`]: what is wrong with the file.
pub async fn check(Body(session): Body<Session>) -> Result<Json<Session>, Refusal> {
    let refuse = |message: String| Err(Refusal::unprocessable(message));
    if session.entries.len() > SESSION_RESULTS {
        return refuse(format!(
            "the session has {} results: at most {SESSION_RESULTS}",
            session.entries.len()
        ));
    }
    let mut seen: Vec<u64> = Vec::new();
    for entry in &session.entries {
        // What a browser's numbers hold exactly.
        if entry.id >= 1 << 53 || seen.contains(&entry.id) {
            return refuse(format!("the session has two results with the number {}", entry.id));
        }
        if let Some(parent) = entry.parent.filter(|parent| !seen.contains(parent)) {
            return refuse(format!("result {} comes from {parent}, which is not before it", entry.id));
        }
        seen.push(entry.id);
        limits::check_made(&entry.score)?;
        entry.technique.as_ref().map_or(Ok(()), validate)?;
        if entry.name.len() > 200 {
            return refuse(format!("the name of result {} is too long", entry.id));
        }
    }
    if !seen.contains(&session.current) {
        return refuse(format!("the session has no result {}", session.current));
    }
    Ok(Json(session))
}
