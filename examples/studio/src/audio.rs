//! Scores as WAV, with a gain for each track.

use std::io::Cursor;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use deepcompose::core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use serde::Deserialize;

use crate::limits;
use crate::reply::{Body, Refusal};
use crate::server::Studio;
use crate::sound::{SAMPLE_RATE, Sound, SoundError, Stereo};

/// Longest sound, in seconds.
pub const LONGEST: f64 = 15.0 * 60.0;

/// The loudest sample after mixing.
const CEILING: f32 = 0.98;

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

impl From<SoundError> for Refusal {
    fn from(error: SoundError) -> Self {
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
    limits::check(&order.score)?;
    let seconds = order.score.duration_seconds();
    if seconds > LONGEST {
        let message = format!("the score is {seconds:.0} s long: sound is made of {LONGEST} s at most");
        return Err(Refusal::unprocessable(message));
    }
    if let Some(gain) = order.gains.iter().find(|gain| !(0.0..=2.0).contains(*gain)) {
        return Err(Refusal::unprocessable(format!("gain {gain} is out of range: 0 to 2 is accepted")));
    }
    wav_of(studio, move |sound| mix(sound, &order.score, &order.gains)).await
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
    wav_of(studio, move |sound| sound.render(&keyboard(order.program))).await
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
    make: impl FnOnce(&Sound) -> Result<Stereo, SoundError> + Send + 'static,
) -> Result<impl IntoResponse, Refusal> {
    let bytes = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, Refusal> {
        let stereo = make(&studio.sound)?;
        wav(&stereo).map_err(|e| Refusal::internal(e.to_string()))
    })
    .await
    .map_err(|_| Refusal::internal("the sound could not be made"))??;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], bytes))
}

/// Each track played alone, times its gain, added up.
fn mix(sound: &Sound, score: &Score, gains: &[f32]) -> Result<Stereo, SoundError> {
    let mut mixed = Stereo::default();
    for (index, track) in score.tracks().iter().enumerate() {
        let gain = gains.get(index).copied().unwrap_or(1.0);
        if gain == 0.0 || track.notes().is_empty() {
            continue;
        }
        let mut alone = score.without_tracks();
        alone.push_track(track.clone());
        let played = sound.render(&alone)?;
        add(&mut mixed.left, &played.left, gain);
        add(&mut mixed.right, &played.right, gain);
    }
    if mixed.left.is_empty() {
        mixed = silence(score);
    }
    let peak = mixed.left.iter().chain(&mixed.right).fold(0.0_f32, |peak, s| peak.max(s.abs()));
    if peak > CEILING {
        let factor = CEILING / peak;
        mixed.left.iter_mut().chain(&mut mixed.right).for_each(|s| *s *= factor);
    }
    Ok(mixed)
}

fn silence(score: &Score) -> Stereo {
    let samples = (score.duration_seconds().max(0.1) * f64::from(SAMPLE_RATE)) as usize;
    Stereo { left: vec![0.0; samples], right: vec![0.0; samples] }
}

fn add(to: &mut Vec<f32>, samples: &[f32], gain: f32) {
    to.resize(to.len().max(samples.len()), 0.0);
    to.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += gain * sample);
}

/// A 16-bit WAV file.
fn wav(stereo: &Stereo) -> Result<Vec<u8>, hound::Error> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 4 * stereo.left.len()));
    let mut writer = hound::WavWriter::new(&mut bytes, spec)?;
    for (left, right) in stereo.left.iter().zip(&stereo.right) {
        for sample in [left, right] {
            writer.write_sample((sample.clamp(-1.0, 1.0) * 32767.0) as i16)?;
        }
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}
