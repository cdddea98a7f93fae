//! [`RunSettings`]: what every run has, whatever it trains.

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// How often a run validates and saves, and when it stops early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// Steps between two measurements of the validation split, at least 1. The last step is always validated.
    pub validate_every: usize,
    /// Steps between two checkpoints, at least 1. Every validation is followed by one too.
    pub checkpoint_every: usize,
    /// How many of the newest checkpoints are kept, at least 1, beside that of the best validation.
    pub keep_last: usize,
    /// The run ends after so many validations in a row that were not the best, at least 1; never if `None`.
    pub patience: Option<usize>,
}

impl Default for RunSettings {
    /// A validation and a checkpoint every 250 steps, the last two checkpoints, no early stop.
    fn default() -> Self {
        Self { validate_every: 250, checkpoint_every: 250, keep_last: 2, patience: None }
    }
}

impl RunSettings {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        for (field, value) in [
            ("run.validate_every", self.validate_every),
            ("run.checkpoint_every", self.checkpoint_every),
            ("run.keep_last", self.keep_last),
            ("run.patience", self.patience.unwrap_or(1)),
        ] {
            if value == 0 {
                return Err(ModelError::range(field, value, "1 or more"));
            }
        }
        Ok(())
    }
}
