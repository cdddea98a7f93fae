//! The renderer: one score in, a WAV file out.

use std::io::Cursor;
use std::path::Path;

use deepcompose::core::{Score, Track};
use thiserror::Error;

/// Samples a second.
const SAMPLE_RATE: u32 = 44_100;

/// What follows the last note, in seconds.
const TAIL: f64 = 1.5;

/// Instruments.
#[derive(Debug)]
pub struct Sound {
    name: String,
}

/// The loudest sample after mixing.
const CEILING: f32 = 0.98;

/// Left and right samples of equal number.
#[derive(Debug, Clone, Default, PartialEq)]
struct Stereo {
    left: Vec<f32>,
    right: Vec<f32>,
}

/// Why there is no sound.
#[derive(Debug, Error)]
pub enum SoundError {
    /// The SoundFont cannot be used.
    #[error("the SoundFont cannot be used: {0}")]
    SoundFont(String),
    /// The WAV file could not be written.
    #[error("the WAV file could not be made: {0}")]
    Wav(#[from] hound::Error),
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

    /// A 16-bit stereo WAV file of a score, each track times its gain (1 where none is given). Where the tracks together would
    /// clip, all of it is softer.
    ///
    /// # Errors
    ///
    /// [`SoundError`].
    pub fn wav(&self, score: &Score, gains: &[f32]) -> Result<Vec<u8>, SoundError> {
        Ok(wav(&mix(self, score, gains)?)?)
    }

    /// Plays a score from its first tick to a little after its end.
    fn render(&self, score: &Score) -> Result<Stereo, SoundError> {
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
