//! What can go wrong with a configuration, a weights file or a checkpoint.

use deepcompose_engines::EngineError;
use thiserror::Error;

/// A configuration or an input that a network cannot have.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A value outside its range.
    #[error("{field} {value} is out of range: {accepted} is accepted")]
    OutOfRange {
        /// The field of the configuration, or the argument.
        field: &'static str,
        /// The value given.
        value: String,
        /// The range or the rule.
        accepted: String,
    },
    /// A tensor or an array of another shape than the network takes.
    #[error("{what} has shape {found:?}: {expected} is accepted")]
    Shape {
        /// Which input.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape wanted, in words.
        expected: String,
    },
    /// Something that an engine does not take.
    #[error("the engine refused it: {0}")]
    Engine(#[from] EngineError),
    /// The device computed something that cannot be used.
    #[error("the network's output could not be read: {0}")]
    Device(String),
}

impl ModelError {
    /// An [`ModelError::OutOfRange`] for `value`.
    pub(crate) fn range(
        field: &'static str,
        value: impl std::fmt::Display,
        accepted: impl Into<String>,
    ) -> Self {
        Self::OutOfRange { field, value: value.to_string(), accepted: accepted.into() }
    }
}

/// A weights file or a checkpoint that cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are not a weights file, or are damaged.
    #[error("malformed weights: {what}")]
    Malformed {
        /// What is wrong, and where.
        what: String,
    },
    /// The file is of a version, kind or precision that this build does not read.
    #[error("unsupported weights: {what} is {found}; accepted: {accepted}")]
    Unsupported {
        /// Which property.
        what: &'static str,
        /// What the file says.
        found: String,
        /// What is read.
        accepted: String,
    },
    /// The file is larger than the reader allows.
    #[error("weights of {bytes} bytes are over the limit of {limit}")]
    Limit {
        /// The size found.
        bytes: u64,
        /// The largest size read.
        limit: u64,
    },
    /// The tensors do not fit the network that the file's configuration describes.
    #[error("weights do not fit the network: {0}")]
    Mismatch(String),
    /// The file's configuration is not valid.
    #[error("the configuration in the weights file: {0}")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl WeightsError {
    /// The same error with the name of the file in front of what is malformed.
    #[cfg(feature = "train")]
    pub(crate) fn in_file(self, path: &std::path::Path) -> Self {
        match self {
            Self::Malformed { what } => Self::Malformed { what: format!("{}: {what}", path.display()) },
            other => other,
        }
    }

    pub(crate) fn malformed(what: impl std::fmt::Display) -> Self {
        Self::Malformed { what: what.to_string() }
    }
}
