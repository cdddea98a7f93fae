//! A melody in, three trained models, music out.
//!
//! # Tour
//!
//! A [`Composer`] holds the three models. [`Composer::enhance`] adds and removes notes (AR-CNN),
//! [`Composer::extend`] continues the input (Transformer), [`Composer::accompany`] adds a band in a genre (GAN). Each takes a
//! [`Score`](core::Score) and gives a [`Composition`], which is a score again:
//!
//! ```no_run
//! use deepcompose::prelude::*;
//!
//! let composer = Composer::builder().seed(7).build()?; // embedded weights, the CPU
//! let melody = InputTrack::OdeToJoy.score(); // or deepcompose::midi::read("melody.mid")?.0
//! let enhanced = composer.enhance(&melody, &ArCnnParams::default())?;
//! let extended = composer.extend(&melody, &TransformerParams::default())?;
//! let band = composer.accompany(&extended, &GanParams::new(Genre::Rock))?;
//! deepcompose::midi::write("band.mid", &band)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Composer::compose`] does any of the three from a [`Technique`], which is one JSON or TOML value. The methods that
//! end in `_with` take an observer, which sees the progress and can stop the work.
//!
//! The parts are crates of their own, re-exported here: [`core`] (scores, piano rolls, tokenizers, metrics), [`midi`]
//! (Standard MIDI Files), [`samplers`] (drawing from logits, with constraints), [`engines`] (trained networks run fast on the CPU), [`models`] (networks, training, weights).
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `flex` | yes | burn's pure-Rust CPU device |
//! | `pretrained` | yes | the weights of this project, embedded |
//! | `train` | no | corpora, trainers, runs, evaluation in [`models`] |
//! | `tui` | no | burn-train's terminal dashboard |
//! | `bpe` | no | byte pairs on top of a tokenizer, in [`core`] |
//! | `live` | no | recording from a MIDI keyboard, in the example `record` |
//! | `audio` | no | `audio`: scores as sound, with a built-in synthesiser or a SoundFont |
//! | `picture`, `png` | no | `picture`: piano rolls as SVG, and as PNG |
//! | `remote` | no | devices on other machines, and lending this one's |
//! | `cuda`, `wgpu`, `vulkan`, `metal`, `rocm` | no | burn's device of that name |
//!
//! # Defaults and limits
//!
//! | what | default | limit |
//! |---|---|---|
//! | seed | 0 | |
//! | track worked on | the melody, found by [`core::melody_track`] | not a drum track |
//! | AR-CNN: remove, add, iterations, risk | 70 %, 90 cells for 8 bars, 90, 0.8 | 100 000 iterations |
//! | Transformer: extension | 20 s | 30 s |
//! | Transformer: bits of its weights while it decodes | 32 | 32, 16 or 8: [`ComposerBuilder::precision`] |
//! | GAN: genre | rock | [`models::gan::MAX_BARS`] bars, [`models::gan::MAX_STEPS`] sixteenths |
//!
//! # Input safety
//!
//! MIDI files, weights files and parameters may come from anywhere. Nothing here panics on them: a reader has limits of
//! size, every parameter has a range, and what is refused is refused by a typed error that names the field, the value and
//! what is accepted. Files are written beside their place and renamed, so what was saved before is never half gone.

mod composer;
pub mod prelude;
mod technique;

pub use composer::{BuildError, Composer, ComposerBuilder, ModelSource};
#[cfg(feature = "audio")]
pub use deepcompose_audio as audio;
pub use deepcompose_core as core;
pub use deepcompose_engines as engines;
pub use deepcompose_midi as midi;
pub use deepcompose_models as models;
pub use deepcompose_models::compose::{ComposeError, Composition, Event, Progress};
#[cfg(feature = "picture")]
pub use deepcompose_picture as picture;
pub use deepcompose_samplers as samplers;
pub use technique::Technique;

/// Compiles the program in the README.
#[cfg(all(doctest, feature = "pretrained"))]
#[doc = include_str!("../README.md")]
struct Readme;
