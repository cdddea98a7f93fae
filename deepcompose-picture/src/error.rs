//! What can go wrong with a picture.

use std::path::PathBuf;

use deepcompose_core::ScoreError;
use thiserror::Error;

/// Why a picture could not be drawn or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// A number outside its range.
    #[error("{field} {value} is out of range: {min}..={max} is accepted")]
    OutOfRange {
        /// What it is.
        field: &'static str,
        /// The value given.
        value: f64,
        /// Smallest accepted value.
        min: f64,
        /// Largest accepted value.
        max: f64,
    },
    /// More than a limit allows.
    #[error("over the limit: {what} {value}, at most {limit} accepted")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// What was asked for.
        value: u64,
        /// The largest accepted value.
        limit: u64,
    },
    /// The input cannot be laid beside the score.
    #[error("the score compared with: {0}")]
    Input(#[from] ScoreError),
    /// The text is no SVG that can be drawn.
    #[error("SVG: {what}")]
    Svg {
        /// What is wrong.
        what: String,
    },
    /// The operating system could not write the file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}
