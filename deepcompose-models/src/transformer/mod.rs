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
mod fused;
mod loss;
mod network;
mod positions;
#[cfg(feature = "train")]
mod recorded;
mod rows;
#[cfg(feature = "train")]
mod tokens;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod training;
mod visibility;
mod vocabulary;

pub use config::TransformerXlConfig;
#[cfg(feature = "train")]
pub use data::{Piece, TokenDataset, TokenLayout};
pub use decode::Decoder;
pub use error::TransformerError;
pub use loss::cross_entropy_sum;
pub use network::{Memory, TransformerXl};
#[cfg(feature = "train")]
pub use tokens::Tokens;
#[cfg(feature = "train")]
pub use train::{TransformerEvent, TransformerStep, TransformerTrainer, evaluate};
#[cfg(feature = "train")]
pub use training::{GradientEngine, TransformerTraining};
pub use vocabulary::Vocabulary;
