//! The renderer: one score in, stereo samples out.

use std::path::Path;

use deepcompose::core::{Score, Track};
use thiserror::Error;

/// Samples a second.
pub const SAMPLE_RATE: u32 = 44_100;

/// What follows the last note, in seconds.
const TAIL: f64 = 1.5;

/// Instruments.
#[derive(Debug)]
pub struct Sound {
    name: String,
}

/// Left and right samples of equal number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stereo {
    /// Left.
    pub left: Vec<f32>,
    /// Right.
    pub right: Vec<f32>,
}

/// Why there is no sound.
#[derive(Debug, Error)]
pub enum SoundError {
    /// The SoundFont cannot be used.
    #[error("the SoundFont cannot be used: {0}")]
    SoundFont(String),
}

impl Sound {
    /// The instruments of a SoundFont.
    ///
    /// # Errors
    ///
    /// [`SoundError::SoundFont`].
    pub fn open(_soundfont: Option<&Path>) -> Result<Self, SoundError> {
        Ok(Self { name: "built-in synthesiser".to_owned() })
    }

    /// What plays.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Plays a score from its first tick to a little after its end.
    ///
    /// # Errors
    ///
    /// [`SoundError`].
    pub fn render(&self, score: &Score) -> Result<Stereo, SoundError> {
        let samples = ((score.duration_seconds() + TAIL) * f64::from(SAMPLE_RATE)) as usize;
        let mut left = vec![0.0; samples];
        for track in score.tracks() {
            play(track, score, &mut left);
        }
        Ok(Stereo { right: left.clone(), left })
    }
}

fn play(track: &Track, score: &Score, out: &mut [f32]) {
    let rate = f64::from(SAMPLE_RATE);
    for note in track.notes() {
        let (start, end) = (score.seconds_at(note.start), score.seconds_at(note.end()));
        let first = (start * rate) as usize;
        let length = ((end - start).max(0.05) * rate) as usize;
        let turn =
            440.0 * ((f64::from(note.pitch.get()) - 69.0) / 12.0).exp2() / rate * std::f64::consts::TAU;
        let level = f64::from(note.velocity.get()) / 127.0 * 0.2;
        for (i, sample) in out.iter_mut().skip(first).take(length).enumerate() {
            let fade = (-(i as f64) / (0.6 * rate)).exp() * ((length - i) as f64 / 400.0).min(1.0);
            let wave = (turn * i as f64).sin() + 0.3 * (2.0 * turn * i as f64).sin();
            *sample += (level * fade * wave) as f32;
        }
    }
}
