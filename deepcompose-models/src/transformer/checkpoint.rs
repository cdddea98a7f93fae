//! What a training run needs to go on, in the common checkpoint format.

use serde::{Deserialize, Serialize};

use super::config::TransformerXlConfig;
use super::data::Position;
use super::error::TransformerError;
use super::training::TransformerTraining;
use crate::error::WeightsError;

/// The parts of a checkpoint.
pub(crate) const NETWORK: &str = "network";
pub(crate) const OPTIMIZER: &str = "optimizer";
/// The remembered states of all workers and layers, one after another, 32-bit floats.
pub(crate) const MEMORY: &str = "memory";

/// What a checkpoint says besides the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransformerState {
    pub(crate) network: TransformerXlConfig,
    pub(crate) training: TransformerTraining,
    /// Steps done.
    pub(crate) step: usize,
    /// Seconds spent on them.
    pub(crate) seconds: f64,
    pub(crate) position: Position,
    /// Fingerprint of the training pieces.
    pub(crate) data: String,
    /// For each worker: remembered positions, and how many of them each lane sees.
    pub(crate) memories: Vec<(usize, Vec<usize>)>,
}

impl From<WeightsError> for TransformerError {
    fn from(error: WeightsError) -> Self {
        match error {
            WeightsError::Io { path, source } => Self::Io { path, source },
            other => Self::Checkpoint(other.to_string()),
        }
    }
}

pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
