//! What a training run needs to go on, in the common checkpoint format.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::TransformerXlConfig;
use super::data::Position;
use super::error::TransformerError;
use super::training::TransformerTraining;
use crate::checkpoint;
use crate::error::WeightsError;

/// The name of this trainer in a checkpoint.
const KIND: &str = "transformer-xl";
const NETWORK: &str = "network";
const BEST_NETWORK: &str = "best network";
const OPTIMIZER: &str = "optimizer";
const MEMORY: &str = "memory";

/// What is known of a training run besides its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunState {
    pub(crate) network: TransformerXlConfig,
    pub(crate) training: TransformerTraining,
    /// Steps done.
    pub(crate) step: u64,
    /// Seconds spent on them.
    pub(crate) seconds: f64,
    pub(crate) position: Position,
    /// For each part of the batch: remembered positions, and how many of them each lane sees.
    pub(crate) memories: Vec<(usize, Vec<usize>)>,
    /// Best validation loss and its step.
    pub(crate) best: Option<(f64, u64)>,
}

/// A checkpoint's contents.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) state: RunState,
    pub(crate) network: Vec<u8>,
    pub(crate) best_network: Option<Vec<u8>>,
    pub(crate) optimizer: Vec<u8>,
    /// The remembered states of all parts and layers, one after another.
    pub(crate) memory: Vec<f32>,
}

impl From<WeightsError> for TransformerError {
    fn from(error: WeightsError) -> Self {
        match error {
            WeightsError::Io { path, source } => Self::Io { path, source },
            other => Self::Checkpoint(other.to_string()),
        }
    }
}

impl Checkpoint {
    /// Writes the file: at no moment does `path` hold half of one.
    pub(crate) fn write(self, path: &Path) -> Result<(), TransformerError> {
        let memory = self.memory.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut file = checkpoint::Checkpoint::new()
            .with_bytes(NETWORK, self.network)
            .with_bytes(OPTIMIZER, self.optimizer)
            .with_bytes(MEMORY, memory);
        if let Some(best) = self.best_network {
            file = file.with_bytes(BEST_NETWORK, best);
        }
        Ok(file.write(path, KIND, &self.state)?)
    }

    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self, TransformerError> {
        let (file, state) = checkpoint::Checkpoint::read(path, KIND)?;
        let part = |name: &str| {
            let missing = || TransformerError::Checkpoint(format!("it has no part `{name}`"));
            file.bytes(name).map(<[u8]>::to_vec).ok_or_else(missing)
        };
        let memory = part(MEMORY)?;
        let memory = memory.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(Self {
            state,
            network: part(NETWORK)?,
            best_network: file.bytes(BEST_NETWORK).map(<[u8]>::to_vec),
            optimizer: part(OPTIMIZER)?,
            memory,
        })
    }
}
