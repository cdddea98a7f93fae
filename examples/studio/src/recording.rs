//! Notes played in the page, and rhythm assist.

use axum::Json;
use deepcompose::core::rhythm::{RhythmAssist, RhythmError, RhythmGrid, RhythmParams, TempoSource};
use deepcompose::core::{
    At, Note, Pitch, Program, Score, ScoreError, StepsPerBeat, Tempo, Tick, TimeSignature, Track, Velocity,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::limits;
use crate::reply::{Body, Refusal};

/// What was played. Times are in seconds from the first beat of the first bar.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    bpm: f64,
    beats_per_bar: u32,
    program: Program,
    notes: Vec<Played>,
}

/// A note that was played.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Played {
    start: f64,
    end: f64,
    pitch: Pitch,
    velocity: Velocity,
}

/// What to put on the grid.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssistOrder {
    score: Score,
    /// Steps a quarter note; none to have it found.
    grid: Option<StepsPerBeat>,
    /// Whether the tempo is to be found, too.
    find_tempo: bool,
    /// How far notes go towards the grid, 0..=1.
    strength: f64,
}

impl From<ScoreError> for Refusal {
    fn from(error: ScoreError) -> Self {
        Self::unprocessable(error.to_string())
    }
}

impl From<RhythmError> for Refusal {
    fn from(error: RhythmError) -> Self {
        Self::unprocessable(error.to_string())
    }
}

/// Makes a score of what was played.
///
/// # Errors
///
/// [`Refusal`]: nothing was played, or a number out of range.
pub async fn record(Body(recording): Body<Recording>) -> Result<Json<Value>, Refusal> {
    if recording.notes.is_empty() {
        return Err(Refusal::unprocessable("nothing was played: at least one note is needed"));
    }
    let mut score = Score::default();
    score.set_tempo(Tempo::from_bpm(recording.bpm)?);
    let metre = TimeSignature::new(recording.beats_per_bar, 4)?;
    score.set_time_signatures(vec![At { tick: Tick::ZERO, value: metre }]);
    let notes = recording
        .notes
        .iter()
        .filter(|played| played.start.is_finite() && played.end > played.start)
        .map(|played| {
            let start = score.tick_at(played.start.max(0.0));
            let duration = score.tick_at(played.end).saturating_sub(start).max(Tick::saturating(1));
            Note { start, pitch: played.pitch, duration, velocity: played.velocity }
        })
        .collect();
    score.push_track(Track::new("Recording", recording.program).with_notes(notes));
    limits::check(&score)?;
    Ok(Json(json!({ "score": score })))
}

/// Puts a score on the grid.
///
/// # Errors
///
/// [`Refusal`]: a number out of range, a score past the limits.
pub async fn assist(Body(order): Body<AssistOrder>) -> Result<Json<Value>, Refusal> {
    limits::check(&order.score)?;
    let params = RhythmParams {
        tempo: if order.find_tempo { TempoSource::ESTIMATE } else { TempoSource::Score },
        grid: order.grid.map_or(RhythmGrid::Auto, RhythmGrid::Steps),
        strength: order.strength,
        ..RhythmParams::default()
    };
    let assisted = RhythmAssist::new(params)?.assist(&order.score)?;
    let report = &assisted.report;
    let moved = report.moves.iter().filter(|m| m.played != m.snapped).count();
    Ok(Json(json!({
        "score": assisted.score,
        "bpm": report.bpm,
        "grid": report.grid,
        "moved": moved,
        "mean_move": report.mean_move,
        "max_move": report.max_move,
    })))
}
