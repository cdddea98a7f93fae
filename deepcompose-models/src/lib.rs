//! AR-CNN, GAN and Transformer-XL for symbolic music: networks, training, weights, on
//! [burn](https://docs.rs/burn).
//!
//! # Tour
//!
//! [`compose`] has the three techniques as functions from a score to a score: [`compose::enhance`],
//! [`compose::extend`], [`compose::accompany`]. They take a model, parameters, an rng and an observer. The models are in
//! [`ar_cnn`], [`transformer`], [`gan`] and, for four voices, [`chorale`], each with its configuration, network, loss and, behind the feature `train`,
//! its data and trainer; [`velocity`] has a small network that tells how hard a band plays its notes. [`weights`] reads and writes them as files; `pretrained` holds those that are shipped.
//! Each network's `prepare` gives the same network run several times faster on the CPU: [`ar_cnn::PreparedArCnn`],
//! [`transformer::PreparedTransformer`], [`gan::PreparedGenerator`].
//!
//! ```
//! # #[cfg(feature = "pretrained")] {
//! use std::ops::ControlFlow;
//!
//! use deepcompose_core::InputTrack;
//! use deepcompose_models::compose::{TransformerParams, extend};
//! use deepcompose_models::transformer::Decoder;
//! use deepcompose_models::{Device, pretrained};
//! use rand::SeedableRng;
//!
//! let mut model = Decoder::new(&pretrained::transformer(&Device::default())?)?;
//! let melody = InputTrack::FrereJacques.score();
//! let params = TransformerParams { track_extension_duration: 2.0, ..TransformerParams::default() };
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
//! let longer = extend(&mut model, &melody, &params, &mut rng, &mut |_| ControlFlow::Continue(()))?;
//! assert!(longer.duration_seconds() > melody.duration_seconds());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `flex` | yes | burn's pure-Rust CPU device; AVX-512 kernels are chosen at run time |
//! | `pretrained` | yes | the shipped weights, embedded |
//! | `train` | no | corpora, datasets, trainers, runs, checkpoints, evaluation, fine-tuning |
//! | `tui` | no | burn-train's terminal dashboard |
//! | `remote` | no | devices on other machines, through burn-remote |
//! | `cuda`, `wgpu`, `vulkan`, `metal`, `rocm` | no | burn's device of that name |
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | a weights file or a checkpoint | 2 GiB ([`weights::MAX_BYTES`]) |
//! | a piano roll | [`PianoRoll::MAX_STEPS`](deepcompose_core::PianoRoll::MAX_STEPS) steps |
//! | an accompanied score | [`gan::MAX_BARS`] bars, [`gan::MAX_STEPS`] sixteenths |
//! | keys and values of a Transformer's sequence | [`TransformerXlConfig::MAX_KEPT`](transformer::TransformerXlConfig::MAX_KEPT) |
//! | an extension | [`compose::TransformerParams::MAX_EXTENSION`] seconds |
//!
//! # Input safety
//!
//! Weights files and checkpoints may come from anywhere: sizes, types, shapes, the configuration and a SHA-256 are checked
//! before a network is built from them, and what does not fit is a [`WeightsError`]. The hash finds damage; it is no
//! signature. No score, parameter or file makes a public function panic.

pub mod ar_cnn;
#[cfg(feature = "train")]
pub mod checkpoint;
pub mod chorale;
pub mod compose;
#[cfg(feature = "train")]
pub mod data;
mod device;
mod dropout;
mod error;
pub mod gan;
mod lists;
mod plain;
#[cfg(feature = "pretrained")]
pub mod pretrained;
#[cfg(feature = "train")]
pub mod training;
pub mod transformer;
pub mod velocity;
pub mod weights;

pub use burn::tensor::Device;
pub use device::device;
pub use error::{ModelError, WeightsError};
