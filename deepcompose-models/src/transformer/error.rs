//! What can go wrong with the Transformer-XL.

use deepcompose_engines::EngineError;
use thiserror::Error;

/// An error of the Transformer-XL: its configuration, its input, its data or its training.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransformerError {
    /// A configuration value outside the accepted range.
    #[error("{field} is {value}: {accepted} is accepted")]
    Config {
        /// The field, by its name in the configuration.
        field: &'static str,
        /// The value given.
        value: String,
        /// What is accepted.
        accepted: String,
    },
    /// A tensor or a list whose size is not the one that the call needs.
    #[error("{what} has size {actual}, and {expected} is needed")]
    Shape {
        /// What has the wrong size.
        what: &'static str,
        /// The size needed.
        expected: String,
        /// The size given.
        actual: String,
    },
    /// A token that the vocabulary does not have.
    #[error("token {token} is not in the vocabulary of {vocabulary}")]
    Token {
        /// The token given.
        token: i64,
        /// The number of tokens in the vocabulary, which are 0..vocabulary.
        vocabulary: usize,
    },
    /// Data that cannot be used, such as a data set with no piece.
    #[error("{0}")]
    Data(String),
    /// A number that stopped being finite while training.
    #[error("{what} is not finite at step {step}")]
    NotFinite {
        /// The number: the loss or the gradient norm.
        what: &'static str,
        /// The training step, from zero.
        step: u64,
    },
    /// Saved weights or a checkpoint that do not fit the network or are damaged.
    #[error("the saved training state cannot be used: {0}")]
    Checkpoint(String),
    /// Something that the decoding engine does not take.
    #[error("the engine refused it: {0}")]
    Engine(#[from] EngineError),
    /// A file that could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}
