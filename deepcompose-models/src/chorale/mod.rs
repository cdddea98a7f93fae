//! A Transformer for four-voice chorales.
//!
//! [`ChoraleTransformer`] predicts soprano, alto, tenor and bass of every sixteenth from all before it, a step a position: a
//! quarter of the positions that a [`TransformerXl`](crate::transformer::TransformerXl) needs for the same music. It reads the
//! tokens of the [`SatbTokenizer`](deepcompose_core::SatbTokenizer), and its [`ChoraleDecoder`] is a
//! [`TokenModel`](deepcompose_samplers::TokenModel) of them.

mod attention;
mod config;
#[cfg(feature = "train")]
mod data;
mod decode;
mod dropout;
mod echo;
mod ensemble;
#[cfg(feature = "train")]
mod evaluate;
mod history;
mod invent;
mod key;
#[cfg(feature = "train")]
mod learner;
#[cfg(feature = "train")]
mod loss;
mod network;
mod steps;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod training;
mod tunes;
mod voice;

#[cfg(test)]
mod tests;

pub use config::ChoraleConfig;
#[cfg(feature = "train")]
pub use data::ChoraleDataset;
pub use decode::ChoraleDecoder;
pub use ensemble::ChoraleEnsemble;
#[cfg(feature = "train")]
pub use evaluate::{ChoraleEvaluation, evaluate, evaluate_ensemble};
pub use history::Cells;
#[cfg(feature = "train")]
pub use learner::ChoraleBatch;
pub use network::ChoraleTransformer;
#[cfg(feature = "train")]
pub use train::{ChoraleState, ChoraleTrainer};
#[cfg(feature = "train")]
pub use training::{ChoraleTrainConfig, ChoraleTraining};
