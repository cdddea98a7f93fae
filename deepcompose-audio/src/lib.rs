//! Scores as sound: to WAV files, and to blocks of samples as they are made.
//!
//! ```no_run
//! use deepcompose_audio::{Instruments, RenderOptions, Renderer, WavFormat};
//! use deepcompose_core::InputTrack;
//!
//! let score = InputTrack::OdeToJoy.score();
//! let renderer = Renderer::new(&score, &Instruments::BuiltIn, &RenderOptions::default())?;
//! renderer.write_wav("ode.wav", WavFormat::Pcm16)?;
//! # Ok::<(), deepcompose_audio::AudioError>(())
//! ```
//!
//! # Tour
//!
//! | to | use |
//! |---|---|
//! | have a score as samples, or as a WAV file | [`render`], [`Audio`] |
//! | have them as they are made, in little memory | [`Renderer`] |
//! | send a WAV file over a network while it is made | [`Renderer::into_wav`], [`WavStream`] |
//! | mute, solo, balance tracks; hear a part | [`RenderOptions`], [`TrackMix`] |
//! | hear it with the instruments of a SoundFont | [`SoundFont`], [`Instruments`] |
//!
//! # Instruments
//!
//! [`Instruments::BuiltIn`] is a synthesiser of a few hundred lines that needs no file: General MIDI programs by
//! families, out of band-limited cycles, plucked strings (Karplus and Strong, *Computer Music Journal* 7(2), 1983; Jaffe
//! and Smith, the same issue), ringing partials and filtered noise; the percussion keys 35 to 87; a room (Jot and Chaigne
//! 1991). It follows velocity, the sustain pedal, pitch bend with its range (RPN 0), modulation, volume, pan, expression,
//! reverb send, "all notes off", "all sound off" and "reset all controllers". Of more than 160 notes at once the quietest
//! give way.
//!
//! [`Instruments::SoundFont`] plays a SoundFont 2 file through [`rustysynth`], one synthesiser a track.
//!
//! Either way a look-ahead limiter keeps every sample 1 dB under full scale, so nothing clips; what is quiet passes
//! untouched. The same score and options give the same samples on the same machine, whatever the sizes of the blocks.
//!
//! # Limits
//!
//! | limit | value |
//! |---|---|
//! | length of a result | [`RenderOptions::max_seconds`]: 20 minutes, at most an hour |
//! | notes, tracks of a score | [`MAX_NOTES`], [`MAX_TRACKS`] |
//! | tracks that a SoundFont plays | 256 |
//! | bytes of a SoundFont | [`SoundFont::MAX_BYTES`] |
//!
//! # Input safety
//!
//! Scores, options and SoundFonts may come from anywhere. Time is at most linear in the notes and in the frames of the
//! result; memory in the notes. What is refused is refused by an [`AudioError`] that names the value and what is
//! accepted. A SoundFont that is broken in a way that only shows as it is played leaves the track silent from there on;
//! panics inside `rustysynth` are caught, which takes a build that unwinds.

mod audio;
mod error;
mod limiter;
mod options;
mod renderer;
mod reverb;
mod soundfont;
mod synth;
mod timeline;
mod wav;

pub use audio::{Audio, render};
pub use error::AudioError;
pub use options::{RenderOptions, TrackMix};
pub use renderer::{Block, Instruments, Renderer};
pub use soundfont::SoundFont;
pub use wav::{WavFormat, WavStream};

/// The most notes a score may have.
pub const MAX_NOTES: u64 = 4_000_000;
/// The most tracks a score may have.
pub const MAX_TRACKS: usize = 65_536;
