//! What can go wrong with sound.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a score could not be rendered, or sound not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AudioError {
    /// An option outside its range.
    #[error("{field} {value} is out of range: {min}..={max} is accepted")]
    OutOfRange {
        /// The option, by its name in the docs.
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
        /// What is limited, with its unit.
        what: &'static str,
        /// What was asked for.
        value: u64,
        /// The largest accepted value.
        limit: u64,
    },
    /// A setting for a track that the score does not have.
    #[error("there is no track {index}: the score has {tracks}")]
    NoSuchTrack {
        /// The track, counted from zero.
        index: usize,
        /// How many tracks there are.
        tracks: usize,
    },
    /// The file is no SoundFont 2, or a broken one, or of a kind that is not read.
    #[error("{}{what}", named(path.as_deref()))]
    SoundFont {
        /// The file, if it is one.
        path: Option<PathBuf>,
        /// What is wrong.
        what: String,
    },
    /// The operating system could not read or write the file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

impl AudioError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

fn named(path: Option<&Path>) -> String {
    path.map_or_else(|| "SoundFont: ".to_owned(), |path| format!("{}: ", path.display()))
}
