//! What can be wrong with a byte-pair vocabulary.

use thiserror::Error;

/// Why a byte-pair vocabulary could not be learnt, read or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BytePairError {
    /// A number outside its field's range.
    #[error("{field} {value} is out of range: {min}..={max} is accepted")]
    OutOfRange {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given.
        value: usize,
        /// Smallest accepted value.
        min: usize,
        /// Largest accepted value.
        max: usize,
    },
    /// A token that the base vocabulary does not have.
    #[error("token {token} at place {place} is not in the base vocabulary of {size} tokens")]
    UnknownToken {
        /// The token.
        token: u32,
        /// Its place in the sequence.
        place: usize,
        /// How many base tokens there are.
        size: usize,
    },
    /// A file that is no byte-pair vocabulary, or one that contradicts itself.
    #[error("malformed byte-pair vocabulary: {0}")]
    Malformed(String),
    /// A vocabulary of a kind that is not read here.
    #[error("unsupported byte-pair vocabulary: {0}")]
    Unsupported(String),
}
