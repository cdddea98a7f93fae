//! The instruments: a SoundFont, or the built-in synthesiser.

use std::path::Path;

use deepcompose::audio::{AudioError, Instruments, RenderOptions, SoundFont, TrackMix, WavFormat, render};
use deepcompose::core::Score;

/// Instruments that play.
#[derive(Debug)]
pub struct Sound {
    instruments: Instruments,
    name: String,
}

impl Sound {
    /// The instruments of a SoundFont; without one, of what the system has installed, and failing that the built-in
    /// synthesiser.
    ///
    /// # Errors
    ///
    /// [`AudioError`] if the SoundFont cannot be used.
    pub fn open(soundfont: Option<&Path>) -> Result<Self, AudioError> {
        let font = match soundfont {
            Some(path) => Some(SoundFont::open(path)?),
            // One that was not asked for and is broken is passed over.
            None => SoundFont::find().and_then(|path| SoundFont::open(path).ok()),
        };
        Ok(font.map_or_else(Self::built_in, |font| Self {
            name: font.name().to_owned(),
            instruments: font.into(),
        }))
    }

    /// The built-in synthesiser.
    #[must_use]
    pub fn built_in() -> Self {
        Self { instruments: Instruments::BuiltIn, name: "built-in synthesiser".to_owned() }
    }

    /// What plays.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A 16-bit stereo WAV file of a score, each track times its gain (1 where none is given).
    ///
    /// # Errors
    ///
    /// [`AudioError`].
    pub fn wav(&self, score: &Score, gains: &[f32]) -> Result<Vec<u8>, AudioError> {
        let mix = |gain: &f32| TrackMix { gain: *gain, mute: *gain == 0.0, solo: false };
        let tracks = gains.iter().take(score.tracks().len()).map(mix).collect();
        let options = RenderOptions { tracks, ..RenderOptions::default() };
        render(score, &self.instruments, &options)?.to_wav(WavFormat::Pcm16)
    }
}
