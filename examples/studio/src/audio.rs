//! Scores as WAV, with a gain for each track.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use deepcompose::audio::AudioError;
use deepcompose::core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use serde::Deserialize;

use crate::limits;
use crate::reply::{Body, Refusal};
use crate::server::Studio;
use crate::sound::Sound;

/// Longest sound, in seconds.
pub const LONGEST: f64 = 15.0 * 60.0;

/// What is to be played.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioOrder {
    score: Score,
    /// A factor for each track, 0..=2; missing ones are 1.
    #[serde(default)]
    gains: Vec<f32>,
}

/// Which instrument the virtual keyboard has.
#[derive(Debug, Deserialize)]
pub struct KeysOrder {
    program: Program,
}

impl From<AudioError> for Refusal {
    fn from(error: AudioError) -> Self {
        Self::unprocessable(error.to_string())
    }
}

/// Renders a score as a 16-bit stereo WAV file. Where tracks together would clip, all of it is softer.
///
/// # Errors
///
/// [`Refusal`]: a score past the limits or longer than [`LONGEST`], a gain out of range.
pub async fn audio(
    State(studio): State<Arc<Studio>>,
    Body(order): Body<AudioOrder>,
) -> Result<impl IntoResponse, Refusal> {
    limits::check_made(&order.score)?;
    let seconds = order.score.duration_seconds();
    if seconds > LONGEST {
        let message = format!("the score is {seconds:.0} s long: sound is made of {LONGEST} s at most");
        return Err(Refusal::unprocessable(message));
    }
    if let Some(gain) = order.gains.iter().find(|gain| !(0.0..=2.0).contains(*gain)) {
        return Err(Refusal::unprocessable(format!("gain {gain} is out of range: 0 to 2 is accepted")));
    }
    wav_of(studio, move |sound| sound.wav(&order.score, &order.gains)).await
}

/// The keys of the virtual keyboard: every third from [`LOWEST_KEY`], [`KEY_SECONDS`] apart.
///
/// # Errors
///
/// [`Refusal`] if there is no sound.
pub async fn keys(
    State(studio): State<Arc<Studio>>,
    Query(order): Query<KeysOrder>,
) -> Result<impl IntoResponse, Refusal> {
    wav_of(studio, move |sound| sound.wav(&keyboard(order.program), &[])).await
}

/// The first key of [`keys`].
pub const LOWEST_KEY: u32 = 36;

/// How long each key of [`keys`] lasts, in seconds.
pub const KEY_SECONDS: u32 = 3;

/// How many keys there are.
const KEYS: u32 = 17;

fn keyboard(program: Program) -> Score {
    let mut score = Score::default();
    // 480 ticks a quarter note at 120 a minute: 960 ticks a second.
    let notes = (0..KEYS).map(|key| Note {
        start: Tick::saturating((key * KEY_SECONDS * 960).into()),
        pitch: Pitch::saturating((LOWEST_KEY + 3 * key).into()),
        duration: Tick::saturating((KEY_SECONDS * 960 - 480).into()),
        velocity: Velocity::saturating(100),
    });
    score.push_track(Track::new("Keys", program).with_notes(notes.collect()));
    score
}

async fn wav_of(
    studio: Arc<Studio>,
    make: impl FnOnce(&Sound) -> Result<Vec<u8>, AudioError> + Send + 'static,
) -> Result<impl IntoResponse, Refusal> {
    let bytes = tokio::task::spawn_blocking(move || make(&studio.sound))
        .await
        .map_err(|_| Refusal::internal("the sound could not be made"))??;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], bytes))
}
