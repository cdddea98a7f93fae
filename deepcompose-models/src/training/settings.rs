//! [`RunSettings`]: what every run has, whatever it trains.

use serde::{Deserialize, Serialize};

use super::Sharing;
use crate::error::ModelError;
use crate::{Device, device};

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
    /// Where the network is trained, by the names that [`device`](crate::device()) takes; one or more. On one
    /// device, a [`Run`](super::Run) trains; on several, burn-train shares the work by `sharing`.
    pub devices: Vec<String>,
    /// How several devices share the work.
    pub sharing: Sharing,
}

impl Default for RunSettings {
    /// A validation and a checkpoint every 250 steps, the last two checkpoints, no early stop, the default device.
    fn default() -> Self {
        Self {
            validate_every: 250,
            checkpoint_every: 250,
            keep_last: 2,
            patience: None,
            devices: vec!["default".to_owned()],
            sharing: Sharing::default(),
        }
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
        if self.devices.is_empty() {
            return Err(ModelError::range("run.devices", "[]", "one device or more"));
        }
        Ok(())
    }

    /// The devices.
    ///
    /// # Errors
    ///
    /// [`ModelError`] for settings out of range, a name that this build does not know, or a server that cannot be
    /// reached.
    pub fn devices(&self) -> Result<Vec<Device>, ModelError> {
        self.validate()?;
        self.devices.iter().map(|name| device(name)).collect()
    }
}
