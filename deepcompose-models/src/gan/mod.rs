//! The GAN that accompanies a melody: generator, critic, losses, training and sampling.
//!
//! Data. Windows of two bars, 32 sixteenth steps, by pitches by tracks, in {−1, +1}. A U-Net, the
//! [`Generator`], writes the tracks from the melody's window and a latent; a [`Critic`] scores tracks
//! under the same condition; both are trained with the Wasserstein loss and gradient penalty
//! (Gulrajani et al. 2017), whose exact gradient is written with first-order operations
//! ([`Critic::input_gradient`]). [`GanConfig::reference`] is the published architecture.
//!
//! A track may have a roll of where its notes begin beside that of what sounds ([`GanConfig::onsets`]).
//!
//! What this project ships is [`GanConfig::accompaniment`]: the melody is only a condition and is never rewritten;
//! the four tracks are [`TrackRole`]s (drums, bass, guitar, keys) that each [`Genre`] gives names and General MIDI
//! programs; and the networks also know the genre, which tracks are wanted, the chord of each half bar, and the
//! tracks of the two bars before. [`accompany`] runs it over a melody of any length and metre: a [`ChordModel`]
//! chooses chords for the melody, where none are given, and the latent is near that of bars that were played
//! ([`Styles`]), so that the chords say what the band plays and the latent how. Its generator is trained with a
//! reconstruction term ([`loss::reconstruction_loss`]) beside the adversarial one, so that it is as much a pix2pix
//! as a GAN: with an hour of two CPU cores that is what makes its music usable.
//!
//! | file | what |
//! |---|---|
//! | `config`, `genre` | [`GanConfig`]; [`Genre`], [`TrackRole`], [`AccompanimentTrack`] |
//! | `generator`, `critic`, `layers`, `condition` | the networks and what they are told |
//! | `onsets` | [`Generator::with_onsets`] |
//! | [`loss`] | critic's and generator's losses |
//! | `grid`, `roles`, `rolls` | [`StepGrid`], bars in sixteenths; [`BarFill`]; [`assign_roles`], tracks by what they do; a band's rolls |
//! | `tune`, `harmony` | [`ChordModel`], and what of a melody it chooses chords by |
//! | `latent`, `styles` | [`latent()`], [`Styles`] |
//! | `sample`, `choice` | [`accompany`]; [`ChoiceRule`], which cells sound, and which notes are struck again |
//! | `windows`, `prepare` | [`WindowGenerator`], what it runs: the network, or the engine of a [`PreparedGenerator`] |
//! | `data` | `GanPiece`, `GanDataset`: training windows (feature `train`) |
//! | `train`, `training`, `encoder`, `roots` | `GanTrainer`, and the encoder that it may use, of bars moved to one root (feature `train`) |
//! | `statistics` | batch normalisation's statistics, measured anew (feature `train`) |
//! | `evaluate`, `metrics` | `evaluate`, `evaluate_chained`, `evaluate_chords`: generated tracks and expected chords against played ones (feature `train`) |
//!
//! # Input safety
//!
//! No input panics: shapes are checked before the networks see them, configs when they are built or
//! read. A score may have [`MAX_BARS`] bars, a melody [`MAX_STEPS`] steps, a generator 2²⁶
//! parameters.

mod choice;
mod condition;
mod config;
mod critic;
#[cfg(feature = "train")]
mod data;
#[cfg(feature = "train")]
mod encoder;
mod error;
#[cfg(feature = "train")]
mod evaluate;
mod generator;
mod genre;
mod grid;
mod harmony;
mod latent;
mod layers;
pub mod loss;
#[cfg(feature = "train")]
mod metrics;
mod onsets;
mod prepare;
mod roles;
mod rolls;
#[cfg(feature = "train")]
mod roots;
mod sample;
#[cfg(feature = "train")]
mod statistics;
mod styles;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod training;
mod tune;
mod windows;

pub use choice::ChoiceRule;
pub use condition::GanCondition;
pub use config::{GanConfig, GanConfigBuilder};
pub use critic::Critic;
#[cfg(feature = "train")]
pub use data::{GanDataset, GanPiece};
pub use error::GanError;
#[cfg(feature = "train")]
pub use evaluate::{ChordEvaluation, GanEvaluation, LateBars, evaluate, evaluate_chained, evaluate_chords};
pub use generator::Generator;
pub use genre::{AccompanimentTrack, Genre, Provenance, RoleSet, TrackRole};
pub(crate) use grid::{BAR_STEPS, filled_cells, half_bars, parts_of};
pub use grid::{BarFill, MAX_BARS, StepGrid};
pub use harmony::ChordModel;
pub use latent::latent;
pub(crate) use layers::glorot;
#[cfg(feature = "train")]
pub use metrics::TrackMetrics;
pub use prepare::PreparedGenerator;
pub use roles::{RoleAssignment, assign_roles};
#[cfg(feature = "train")]
pub(crate) use rolls::BandStep;
pub use sample::{Accompaniment, AccompanimentRoll, AccompanyOptions, MAX_STEPS, accompany};
pub use styles::Styles;
#[cfg(feature = "train")]
pub use train::{GanState, GanTrainer};
#[cfg(feature = "train")]
pub use training::{GanTrainConfig, GanTraining};
pub use windows::{WindowGenerator, WindowInput, WindowOutput, WindowSession};
