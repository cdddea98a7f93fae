//! [`Audio`]: sound in memory.

use std::path::Path;

use deepcompose_core::Score;

use crate::error::AudioError;
use crate::options::RenderOptions;
use crate::renderer::{Block, Instruments, Renderer};
use crate::wav::{WavFormat, bytes_of, write_blocks};

/// Stereo sound, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    sample_rate: u32,
    sound: Block,
}

/// Renders a score whole; see [`Renderer`] for long ones.
///
/// ```
/// use deepcompose_audio::{Instruments, RenderOptions, WavFormat, render};
/// use deepcompose_core::InputTrack;
///
/// let options = RenderOptions { to: Some(2.0), ..RenderOptions::default() };
/// let audio = render(&InputTrack::OdeToJoy.score(), &Instruments::BuiltIn, &options)?;
/// assert_eq!(audio.seconds(), 4.0); // with the tail
/// assert!(audio.peak() > 0.05 && audio.peak() < 0.9);
/// let wav = audio.to_wav(WavFormat::Pcm16)?;
/// assert!(wav.starts_with(b"RIFF"));
/// # Ok::<(), deepcompose_audio::AudioError>(())
/// ```
///
/// # Errors
///
/// As [`Renderer::new`].
pub fn render(
    score: &Score,
    instruments: &Instruments,
    options: &RenderOptions,
) -> Result<Audio, AudioError> {
    let mut renderer = Renderer::new(score, instruments, options)?;
    // At most an hour of frames: see `RenderOptions::max_seconds`.
    let frames = renderer.frames() as usize;
    let mut sound = Block { left: vec![0.0; frames], right: vec![0.0; frames] };
    renderer.fill(&mut sound.left, &mut sound.right);
    Ok(Audio { sample_rate: renderer.sample_rate(), sound })
}

impl Audio {
    /// Frames a second.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// How many frames there are.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.sound.left.len()
    }

    /// The length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.sample_rate)
    }

    /// Left samples, within −1..=1.
    #[must_use]
    pub fn left(&self) -> &[f32] {
        &self.sound.left
    }

    /// Right samples, within −1..=1.
    #[must_use]
    pub fn right(&self) -> &[f32] {
        &self.sound.right
    }

    /// The loudest sample's size.
    #[must_use]
    pub fn peak(&self) -> f32 {
        self.samples().fold(0.0, |peak, x| peak.max(x.abs()))
    }

    /// The root mean square over both channels; 0 where there is no frame.
    #[must_use]
    pub fn rms(&self) -> f32 {
        let sum: f64 = self.samples().map(|x| f64::from(x).powi(2)).sum();
        (sum / (2 * self.frames()).max(1) as f64).sqrt() as f32
    }

    fn samples(&self) -> impl Iterator<Item = f32> + '_ {
        self.sound.left.iter().chain(&self.sound.right).copied()
    }

    /// As the bytes of a WAV file.
    ///
    /// # Errors
    ///
    /// [`AudioError::Limit`] if they would be over 4 GiB.
    pub fn to_wav(&self, format: WavFormat) -> Result<Vec<u8>, AudioError> {
        bytes_of(self.sample_rate, self.frames() as u64, format, std::iter::once(self.sound.clone()))
    }

    /// Writes a WAV file. A file that was there stays whole until the new one is.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`] if it cannot be written, [`AudioError::Limit`] if it would be over 4 GiB.
    pub fn write_wav(&self, path: impl AsRef<Path>, format: WavFormat) -> Result<(), AudioError> {
        let blocks = std::iter::once(self.sound.clone());
        write_blocks(path.as_ref(), self.sample_rate, self.frames() as u64, format, blocks)
    }
}
