//! [`Renderer`]: a score as sound, a block at a time.

use std::path::Path;

use deepcompose_core::Score;

use crate::error::AudioError;
use crate::limiter::Limiter;
use crate::options::RenderOptions;
use crate::soundfont::{Players, SoundFont};
use crate::synth::{GRAIN, Synth};
use crate::timeline::{Timed, Timeline};
use crate::wav::{WavFormat, WavStream, write_blocks};

/// What plays.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Instruments {
    /// The synthesiser of this crate, which needs no file.
    #[default]
    BuiltIn,
    /// A SoundFont, through rustysynth.
    SoundFont(SoundFont),
}

impl From<SoundFont> for Instruments {
    fn from(font: SoundFont) -> Self {
        Self::SoundFont(font)
    }
}

#[derive(Debug)]
enum Engine {
    BuiltIn(Box<Synth>),
    SoundFont(Players),
}

/// Some frames of sound, within −1..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Left samples.
    pub left: Vec<f32>,
    /// Right samples, as many.
    pub right: Vec<f32>,
}

impl Block {
    /// Left and right in turn.
    #[must_use]
    pub fn interleaved(&self) -> Vec<f32> {
        self.left.iter().zip(&self.right).flat_map(|(l, r)| [*l, *r]).collect()
    }

    /// Left and right in turn, as bytes of a WAV file's data: little-endian.
    #[must_use]
    pub fn to_bytes(&self, format: WavFormat) -> Vec<u8> {
        let samples = self.left.iter().zip(&self.right).flat_map(|(l, r)| [*l, *r]);
        match format {
            WavFormat::Pcm16 => samples.flat_map(|x| crate::wav::pcm16(x).to_le_bytes()).collect(),
            WavFormat::Float32 => samples.flat_map(f32::to_le_bytes).collect(),
        }
    }
}

/// Renders a score a block at a time, in memory that does not grow with its length. It keeps what it needs of the
/// score, and can be sent to another thread.
///
/// The same score and options give the same samples, however they are taken.
///
/// ```
/// use deepcompose_audio::{Instruments, RenderOptions, Renderer};
/// use deepcompose_core::InputTrack;
///
/// let options = RenderOptions { to: Some(1.0), tail: 0.5, ..RenderOptions::default() };
/// let renderer = Renderer::new(&InputTrack::FrereJacques.score(), &Instruments::BuiltIn, &options)?;
/// assert_eq!(renderer.frames(), 44_100 + 22_050);
/// for block in renderer {
///     assert!(block.left.len() <= Renderer::BLOCK);
///     // send it, play it …
/// }
/// # Ok::<(), deepcompose_audio::AudioError>(())
/// ```
#[derive(Debug)]
pub struct Renderer {
    sample_rate: u32,
    engine: Engine,
    events: std::iter::Peekable<std::vec::IntoIter<Timed>>,
    limiter: Limiter,
    /// Frames that the engine has rendered.
    now: u64,
    frames: u64,
    given: u64,
    /// The last frames fade out.
    fade: u64,
    ready: Vec<(f32, f32)>,
    taken: usize,
}

impl Renderer {
    /// Frames of a block, the last one excepted.
    pub const BLOCK: usize = 1024;

    /// Prepares to render a score.
    ///
    /// # Errors
    ///
    /// [`AudioError::OutOfRange`] for an option out of its range, [`AudioError::NoSuchTrack`] for more
    /// [`RenderOptions::tracks`] than the score has, [`AudioError::Limit`] for a result longer than
    /// [`RenderOptions::max_seconds`], for more than [`MAX_TRACKS`](crate::MAX_TRACKS) tracks or
    /// [`MAX_NOTES`](crate::MAX_NOTES) notes, and for more than 256 tracks that a SoundFont would play.
    pub fn new(
        score: &Score,
        instruments: &Instruments,
        options: &RenderOptions,
    ) -> Result<Self, AudioError> {
        let gains = options.gains(score)?;
        let Timeline { events, frames } = Timeline::new(score, options, &gains)?;
        let (tracks, rate) = (score.tracks(), options.sample_rate);
        let (gain, reverb) = (options.gain, options.reverb);
        let engine = match instruments {
            Instruments::BuiltIn => Engine::BuiltIn(Box::new(Synth::new(tracks, &gains, rate, gain, reverb))),
            Instruments::SoundFont(font) => {
                Engine::SoundFont(Players::new(font, tracks, &gains, rate, gain, reverb)?)
            }
        };
        Ok(Self {
            sample_rate: rate,
            engine,
            events: events.into_iter().peekable(),
            limiter: Limiter::new(rate),
            now: 0,
            frames,
            given: 0,
            fade: (options.tail.min(0.05) * f64::from(rate)) as u64,
            ready: Vec::with_capacity(GRAIN),
            taken: 0,
        })
    }

    /// Frames a second.
    #[must_use]
    pub const fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Frames of the whole result.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that have been given.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.given
    }

    /// Fills both with the next frames and says how many there were: less than the shorter one holds only at the end,
    /// 0 past it.
    pub fn fill(&mut self, left: &mut [f32], right: &mut [f32]) -> usize {
        let mut filled = 0;
        for (l, r) in left.iter_mut().zip(right.iter_mut()) {
            if self.given >= self.frames {
                break;
            }
            while self.taken >= self.ready.len() {
                self.advance();
            }
            let (a, b) = self.ready.get(self.taken).copied().unwrap_or_default();
            let rest = self.frames - self.given;
            let fade = if rest < self.fade { rest as f32 / self.fade as f32 } else { 1.0 };
            (*l, *r) = (a * fade, b * fade);
            self.taken += 1;
            self.given += 1;
            filled += 1;
        }
        filled
    }

    /// Renders up to the next event, or to the next multiple of [`GRAIN`].
    fn advance(&mut self) {
        self.ready.clear();
        self.taken = 0;
        while let Some(timed) = self.events.next_if(|e| e.frame <= self.now) {
            match &mut self.engine {
                Engine::BuiltIn(synth) => synth.event(timed.track, timed.event),
                Engine::SoundFont(players) => players.event(timed.track, timed.event),
            }
        }
        let grain = GRAIN as u64;
        let mut until = (self.now / grain + 1) * grain;
        if let Some(next) = self.events.peek() {
            until = until.min(next.frame);
        }
        let frames = (until - self.now) as usize;
        let (mut left, mut right) = ([0.0; GRAIN], [0.0; GRAIN]);
        let (Some(l), Some(r)) = (left.get_mut(..frames), right.get_mut(..frames)) else { return };
        match &mut self.engine {
            Engine::BuiltIn(synth) => synth.render(l, r),
            Engine::SoundFont(players) => players.render(l, r),
        }
        self.ready.extend(l.iter().zip(r.iter()).filter_map(|(l, r)| self.limiter.push(*l, *r)));
        self.now = until;
    }

    /// Renders to a WAV file, as it goes. A file that was there stays whole until the new one is.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`] if it cannot be written, [`AudioError::Limit`] if it would be over 4 GiB.
    pub fn write_wav(self, path: impl AsRef<Path>, format: WavFormat) -> Result<(), AudioError> {
        let (rate, frames) = (self.sample_rate, self.frames - self.given);
        write_blocks(path.as_ref(), rate, frames, format, self)
    }

    /// What is left to render as a WAV file in pieces, for a network.
    ///
    /// # Errors
    ///
    /// [`AudioError::Limit`] if it would be over 4 GiB.
    pub fn into_wav(self, format: WavFormat) -> Result<WavStream, AudioError> {
        WavStream::new(self, format)
    }
}

impl Iterator for Renderer {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let frames = (self.frames - self.given).min(Self::BLOCK as u64) as usize;
        if frames == 0 {
            return None;
        }
        let mut block = Block { left: vec![0.0; frames], right: vec![0.0; frames] };
        self.fill(&mut block.left, &mut block.right);
        Some(block)
    }
}
