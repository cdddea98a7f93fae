//! What was read of a corpus and what was not.

use std::collections::BTreeMap;
use std::fmt;

use deepcompose_midi::MidiError;
use serde::{Deserialize, Serialize};

/// Why a file or a piece is not in a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SkipReason {
    /// The system could not read the file.
    Unreadable(String),
    /// The file is no Standard MIDI File, or a damaged one.
    Malformed(String),
    /// A valid file of a kind that is not read.
    Unsupported(String),
    /// The file asks for more than the reader's limits allow.
    OverLimit(String),
    /// A symbolic link, which is not followed.
    Link,
    /// There is no note in it.
    NoNotes,
    /// There are fewer notes than were asked for.
    TooShort {
        /// How many there are.
        notes: usize,
        /// How many are needed.
        least: usize,
    },
    /// The same music as another piece.
    Duplicate {
        /// The piece that is kept.
        of: String,
    },
    /// The model can learn nothing from it: no melody, no band, too long a roll.
    Unfit(String),
}

impl SkipReason {
    /// The kind of reason, in a word or two.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Malformed(_) => "malformed",
            Self::Unsupported(_) => "unsupported",
            Self::OverLimit(_) => "over a limit",
            Self::Link => "links",
            Self::NoNotes => "without notes",
            Self::TooShort { .. } => "too short",
            Self::Duplicate { .. } => "duplicates",
            Self::Unfit(_) => "unfit for the model",
        }
    }
}

impl From<MidiError> for SkipReason {
    fn from(error: MidiError) -> Self {
        match &error {
            MidiError::Io { source, .. } => Self::Unreadable(source.to_string()),
            MidiError::Unsupported { .. } => Self::Unsupported(error.to_string()),
            MidiError::Limit { .. } => Self::OverLimit(error.to_string()),
            _ => Self::Malformed(error.to_string()),
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(what) => write!(f, "unreadable: {what}"),
            Self::Malformed(what) | Self::Unsupported(what) | Self::OverLimit(what) | Self::Unfit(what) => {
                f.write_str(what)
            }
            Self::Link => f.write_str("a symbolic link"),
            Self::NoNotes => f.write_str("no notes"),
            Self::TooShort { notes, least } => write!(f, "{notes} notes: at least {least} are needed"),
            Self::Duplicate { of } => write!(f, "the same music as {of}"),
        }
    }
}

/// A file or piece that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// The file's path from the corpus's folder on, or the piece's id.
    pub path: String,
    /// Why.
    pub reason: SkipReason,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A file's name is whatever its author liked: escaped, so that it cannot steer a terminal.
        write!(f, "{}: {}", self.path.escape_debug(), self.reason)
    }
}

/// What was read of a corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorpusReport {
    /// MIDI files found, or pieces of a JSON file.
    pub files: usize,
    /// Pieces that are in the corpus.
    pub pieces: usize,
    /// What is not in it, and why, in order of path.
    pub skipped: Vec<Skipped>,
    /// Files in which the reader mended something. They are in the corpus all the same.
    pub repaired_files: usize,
    /// How often each kind of thing was mended, by the name of its [`Repair`](deepcompose_midi::Repair).
    pub repairs: BTreeMap<String, u64>,
    /// Files in the folder that are no MIDI files by their names.
    pub other_files: usize,
}

impl CorpusReport {
    /// How many were skipped, by [`SkipReason::kind`].
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for skipped in &self.skipped {
            *counts.entry(skipped.reason.kind()).or_default() += 1;
        }
        counts
    }
}

impl fmt::Display for CorpusReport {
    /// One line: `12 pieces of 15 files; skipped: 1 malformed, 2 duplicates; 4 files mended`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pieces of {} files", self.pieces, self.files)?;
        for (index, (kind, count)) in self.counts().into_iter().enumerate() {
            write!(f, "{}{count} {kind}", if index == 0 { "; skipped: " } else { ", " })?;
        }
        if self.repaired_files > 0 {
            write!(f, "; {} files mended", self.repaired_files)?;
        }
        Ok(())
    }
}

/// How far reading or preparing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorpusProgress {
    /// Files dealt with.
    pub done: usize,
    /// Files there are.
    pub files: usize,
    /// Of those dealt with, how many were skipped. Duplicates are not among them yet.
    pub skipped: usize,
}
