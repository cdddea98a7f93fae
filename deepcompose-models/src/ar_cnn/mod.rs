//! AR-CNN: a U-Net that proposes edits to a piano roll, one cell at a time.
//!
//! Data. A window of 128 sixteenth steps (8 bars of 4/4) by MIDI pitches, binary: is a note
//! sounding. The network sees a corrupted window and gives one logit a cell; softmax over all
//! cells is the distribution of *the next cell to flip*. It is trained on the uniform distribution
//! over the cells in which a corrupted window differs from the clean one, and sampled by drawing a
//! cell, flipping it, and asking again: an autoregressive walk from the input to music.
//!
//! | file | what |
//! |---|---|
//! | `config` | [`ArCnnConfig`] |
//! | `network` | [`ArCnn`], the U-Net |
//! | `loss` | [`edit_loss`] |
//! | `edit` | the network as an [`EditModel`](deepcompose_samplers::EditModel) |
//! | `prepare` | [`PreparedArCnn`], the same by an engine that samples faster |
//! | `corruption`, `notes`, `windows` | training pairs (feature `train`) |
//! | `fused` | gradients by hand, for the CPU (feature `train`) |
//! | `statistics` | batch normalisation's statistics, measured anew (feature `train`) |
//! | `training`, `train` | `ArCnnTraining`, `ArCnnTrainer` (feature `train`) |
//! | `evaluate` | `evaluate`: loss, precision and recall on held-out windows; `harmonise` and `repair`: what the sampler makes of held-out pieces (feature `train`) |

mod config;
#[cfg(feature = "train")]
mod corruption;
mod edit;
#[cfg(feature = "train")]
mod evaluate;
#[cfg(feature = "train")]
mod fused;
#[cfg(feature = "train")]
mod learner;
#[cfg(feature = "train")]
mod loader;
mod loss;
mod network;
#[cfg(feature = "train")]
mod notes;
#[cfg(all(test, feature = "train"))]
mod parity;
mod prepare;
#[cfg(feature = "train")]
mod statistics;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "train")]
mod windows;

pub use config::ArCnnConfig;
#[cfg(feature = "train")]
pub use corruption::Corruption;
#[cfg(feature = "train")]
pub use evaluate::{
    ChoraleMeasures, EditEvaluation, EditEvaluationOptions, EditScore, Harmonisation, HarmonisationOptions,
    Judge, Judgement, RepairEvaluation, RepairOptions, RepairScore, evaluate, four_voices, harmonise, repair,
};
#[cfg(feature = "train")]
pub use loader::train_on_devices;
pub use loss::edit_loss;
pub use network::ArCnn;
pub use prepare::PreparedArCnn;
#[cfg(feature = "train")]
pub use train::{ArCnnState, ArCnnTrainer};
#[cfg(feature = "train")]
pub use training::{ArCnnTrainConfig, ArCnnTraining};
#[cfg(feature = "train")]
pub(crate) use windows::sounding;
#[cfg(feature = "train")]
pub use windows::{EditBatch, RollWindows};
