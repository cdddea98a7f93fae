//! What can go wrong when an engine is prepared or run.

use thiserror::Error;

/// Weights or an input that an engine cannot take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A list of another length than the sizes ask for.
    #[error("{what} has {found} numbers: {expected} are accepted")]
    Length {
        /// Which weights or which input.
        what: String,
        /// How many numbers it has.
        found: usize,
        /// How many it must have.
        expected: usize,
    },
    /// A size or a value outside its range.
    #[error("{field} {value} is out of range: {accepted} is accepted")]
    OutOfRange {
        /// The size or the argument.
        field: &'static str,
        /// The value given.
        value: String,
        /// The range or the rule.
        accepted: String,
    },
}
