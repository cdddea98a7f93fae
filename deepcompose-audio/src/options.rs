//! [`RenderOptions`]: what is rendered, and how.

use deepcompose_core::Score;
use serde::{Deserialize, Serialize};

use crate::error::AudioError;

/// How a score becomes sound.
///
/// ```
/// use deepcompose_audio::RenderOptions;
///
/// let options = RenderOptions { from: 1.5, sample_rate: 48_000, ..RenderOptions::default() }.solo(0);
/// assert!(options.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RenderOptions {
    /// Frames a second, 8000..=192 000; with a SoundFont 16 000 or more.
    pub sample_rate: u32,
    /// Where to begin, in seconds from the start of the score, 0..=1 000 000. Notes that began before and still sound
    /// are struck there, drums not.
    pub from: f64,
    /// Where to end, in seconds from the start of the score, `from`..=1 000 000: notes that still sound are let go there.
    /// `None` is the end of the last note, held by its key or the sustain pedal.
    pub to: Option<f64>,
    /// For how long notes may ring on after the end, in seconds, 0..=10. It is part of the result whether they do or not.
    pub tail: f64,
    /// A linear gain over all, 0..=4.
    pub gain: f32,
    /// How much room there is to hear, 0..=1.
    pub reverb: f32,
    /// The longest result accepted, in seconds with the tail, 0..=3600. Notes that only the sustain pedal holds beyond it
    /// are let go there.
    pub max_seconds: f64,
    /// Settings of each track, in the order of the score's; those missing are as [`TrackMix::default`].
    pub tracks: Vec<TrackMix>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            sample_rate: 44_100,
            from: 0.0,
            to: None,
            tail: 2.0,
            gain: 1.0,
            reverb: 0.25,
            max_seconds: 1200.0,
            tracks: Vec::new(),
        }
    }
}

/// How one track is mixed. It sounds if it is not muted and, where any track is soloed, soloed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackMix {
    /// A linear gain, 0..=4.
    pub gain: f32,
    /// Not to be heard.
    pub mute: bool,
    /// Heard alone, with others that are soloed.
    pub solo: bool,
}

impl Default for TrackMix {
    fn default() -> Self {
        Self { gain: 1.0, mute: false, solo: false }
    }
}

impl RenderOptions {
    /// The same with a track soloed.
    #[must_use]
    pub fn solo(mut self, track: usize) -> Self {
        if let Some(mix) = self.track(track) {
            mix.solo = true;
        }
        self
    }

    /// The same with a track muted.
    #[must_use]
    pub fn mute(mut self, track: usize) -> Self {
        if let Some(mix) = self.track(track) {
            mix.mute = true;
        }
        self
    }

    /// A track's settings, made if they are not there. No score has as many tracks as are refused here.
    fn track(&mut self, index: usize) -> Option<&mut TrackMix> {
        if index >= self.tracks.len() {
            self.tracks.resize(index.saturating_add(1).min(crate::MAX_TRACKS + 1), TrackMix::default());
        }
        let last = self.tracks.len().checked_sub(1)?;
        self.tracks.get_mut(index.min(last))
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`AudioError::OutOfRange`] names the first option that is not in its range.
    pub fn validate(&self) -> Result<(), AudioError> {
        within("sample rate (frames a second)", f64::from(self.sample_rate), 8000.0, 192_000.0)?;
        within("start (seconds)", self.from, 0.0, 1e6)?;
        if let Some(to) = self.to {
            within("end (seconds)", to, self.from, 1e6)?;
        }
        within("tail (seconds)", self.tail, 0.0, 10.0)?;
        within("gain", f64::from(self.gain), 0.0, 4.0)?;
        within("reverb", f64::from(self.reverb), 0.0, 1.0)?;
        within("longest result (seconds)", self.max_seconds, 0.0, 3600.0)?;
        self.tracks.iter().try_for_each(|t| within("gain of a track", f64::from(t.gain), 0.0, 4.0))
    }

    /// Checks what depends on the score too, and gives each track's gain, 0 for those that are not heard.
    pub(crate) fn gains(&self, score: &Score) -> Result<Vec<f32>, AudioError> {
        self.validate()?;
        let tracks = score.tracks().len();
        if self.tracks.len() > tracks {
            return Err(AudioError::NoSuchTrack { index: self.tracks.len() - 1, tracks });
        }
        let any_solo = self.tracks.iter().any(|t| t.solo);
        let mixes = self.tracks.iter().copied().chain(std::iter::repeat(TrackMix::default()));
        let gain = |mix: TrackMix| if mix.mute || (any_solo && !mix.solo) { 0.0 } else { mix.gain };
        Ok(mixes.take(tracks).map(gain).collect())
    }
}

fn within(field: &'static str, value: f64, min: f64, max: f64) -> Result<(), AudioError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(AudioError::OutOfRange { field, value, min, max }) }
}
