//! [`CorpusError`]: why a corpus cannot be used.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::report::{CorpusReport, Skipped};
use super::{ContentHash, Split};
use crate::gan::GanError;
use crate::transformer::TransformerError;

/// A corpus that cannot be read, prepared or trained on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not the JSON that is read here: broken, with an unknown key, or of another form.
    #[error("{path}: {source}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A value of a piece is out of range.
    #[error("{path}, piece {piece}: {what}")]
    Value {
        /// The file.
        path: String,
        /// The piece's name or number.
        piece: String,
        /// What is wrong.
        what: String,
    },
    /// A path that is no corpus.
    #[error("{path} is no corpus: {accepted} is accepted")]
    Form {
        /// The path.
        path: String,
        /// What would be one.
        accepted: &'static str,
    },
    /// A folder in which nothing can be trained on.
    #[error("{path}: no piece to train on; {} files found{}", report.files, listed(report))]
    Nothing {
        /// The folder or file.
        path: String,
        /// How many files there were, and why each was skipped.
        report: Box<CorpusReport>,
    },
    /// A split in which there is no piece, or none that the model can learn from.
    #[error("the {split} split has no piece to use, of {pieces} in the corpus{}", first(skipped))]
    EmptySplit {
        /// The split.
        split: Split,
        /// Pieces in all splits together.
        pieces: usize,
        /// The split's pieces that could not be used, and why.
        skipped: Vec<Skipped>,
    },
    /// An option outside its range.
    #[error("{field} is {value}: {accepted} is accepted")]
    Option {
        /// The option, by its name.
        field: &'static str,
        /// The value given.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
    /// A prepared corpus that is not whole, or whose bytes are not those that were written.
    #[error("{path} is damaged: {what}; prepare the corpus again")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// A prepared corpus of another version of the format.
    #[error("{path} is of version {found} of prepared corpora: {accepted} is read; prepare the corpus again")]
    Version {
        /// The file.
        path: String,
        /// Its version.
        found: u64,
        /// The version that is read.
        accepted: u32,
    },
    /// A part of a prepared corpus that is not in the folder: it was prepared with `--shard part/parts` elsewhere, or
    /// not to its end.
    #[error("{folder} has no finished part {part} of {parts}")]
    MissingPart {
        /// The folder.
        folder: String,
        /// The part, from zero.
        part: usize,
        /// How many there are.
        parts: usize,
    },
    /// Parts in one folder that were prepared with different options.
    #[error("{folder} holds parts of different preparations: {what}")]
    Mixed {
        /// The folder.
        folder: String,
        /// What differs.
        what: String,
    },
    /// A prepared corpus of another kind than is asked for.
    #[error("{folder} is prepared as {found}: {wanted} is needed")]
    Representation {
        /// The folder.
        folder: String,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// A file of a prepared corpus that another process has locked for writing.
    #[error("{path} is locked by another process")]
    Locked {
        /// The file.
        path: String,
    },
    /// Tokens that no dataset can be made of.
    #[error(transparent)]
    Tokens(#[from] TransformerError),
    /// Bands that no dataset can be made of.
    #[error(transparent)]
    Bands(#[from] GanError),
}

impl CorpusError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.display().to_string(), what: what.into() }
    }

    pub(crate) fn hashes(path: &Path, found: ContentHash, recorded: ContentHash) -> Self {
        Self::damaged(path, format!("its SHA-256 is {found}, the manifest has {recorded}"))
    }
}

fn listed(report: &CorpusReport) -> String {
    let counts: Vec<String> = report.counts().into_iter().map(|(why, n)| format!("{n} {why}")).collect();
    if counts.is_empty() {
        String::new()
    } else {
        format!(" ({}){}", counts.join(", "), first(&report.skipped))
    }
}

fn first(skipped: &[Skipped]) -> String {
    skipped.first().map(|skipped| format!("; the first: {skipped}")).unwrap_or_default()
}
