//! The Transformer-XL that continues music.

mod attention;
#[cfg(feature = "train")]
mod checkpoint;
mod config;
#[cfg(feature = "train")]
mod data;
mod decode;
mod error;
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
mod positions;
mod prepare;
#[cfg(feature = "train")]
mod recorded;
#[cfg(feature = "train")]
mod rows;
#[cfg(feature = "train")]
mod tokens;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod training;
mod visibility;
mod vocabulary;

#[cfg(feature = "train")]
pub use crate::training::GradientEngine;
#[cfg(feature = "train")]
pub use checkpoint::TransformerState;
pub use config::TransformerXlConfig;
#[cfg(feature = "train")]
pub use data::{Piece, TokenDataset, TokenLayout};
pub use decode::{BatchDecoder, Decoder};
pub use deepcompose_engines::transformer::DecodePrecision;
pub use error::TransformerError;
#[cfg(feature = "train")]
pub use evaluate::{TokenEvaluation, TypeEvaluation, evaluate, evaluate_prepared, evaluate_tokens};
#[cfg(feature = "train")]
pub use learner::TokenBatch;
#[cfg(feature = "train")]
pub use loader::train_on_devices;
pub use loss::cross_entropy_sum;
pub use network::{Memory, TransformerXl};
pub use prepare::PreparedTransformer;
#[cfg(feature = "train")]
pub use tokens::Tokens;
#[cfg(feature = "train")]
pub use train::TransformerTrainer;
#[cfg(feature = "train")]
pub use training::{TransformerTrainConfig, TransformerTraining};
pub use vocabulary::Vocabulary;
