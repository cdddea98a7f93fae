//! What can be wrong with a tokenizer's configuration.

use thiserror::Error;

/// A configuration, or the file of one, that no tokenizer can be built from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// The file is not what a configuration file looks like.
    #[error("malformed tokenizer file, line {line}, column {column}: {message}")]
    Malformed {
        /// Counted from one.
        line: usize,
        /// Counted from one; 0 if the fault is no single character.
        column: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// A value outside its field's range.
    #[error("{field} {value} is out of range: {accepted} is accepted")]
    OutOfRange {
        /// The field, by its name in the file.
        field: &'static str,
        /// The value given, as text.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// Something that a file may ask for and that is not done here.
    #[error("{field} {value} is not supported: {accepted} is")]
    Unsupported {
        /// The field, by its name in the file.
        field: String,
        /// The value given, as text.
        value: String,
        /// What is supported.
        accepted: &'static str,
    },
    /// A vocabulary or a table that would be larger than the stated limit.
    #[error("{what} {value} is over the limit of {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The value asked for.
        value: u64,
        /// The largest value.
        limit: u64,
    },
}
