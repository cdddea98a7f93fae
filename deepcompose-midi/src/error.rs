//! What can go wrong with a MIDI file.

use std::path::PathBuf;

use thiserror::Error;

/// Why a MIDI file could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MidiError {
    /// The bytes are no Standard MIDI File; or they are one that is [damaged](crate::Repair::is_damage),
    /// and [`Reader::strict`](crate::Reader::strict) is on.
    #[error("malformed MIDI file: {what} (byte {offset}{})", in_track(*.track))]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Where, in bytes from the start of the file.
        offset: usize,
        /// The file track (`MTrk` chunk) it is in, counted from zero.
        track: Option<usize>,
    },
    /// A valid file of a kind that this crate does not read, or a score that the chosen kind of
    /// file cannot hold.
    #[error("unsupported MIDI file: {what}")]
    Unsupported {
        /// What is not supported, and what to do instead.
        what: String,
    },
    /// More than a limit allows; see [`Limits`](crate::Limits).
    #[error("over the limit: {what} {value}, at most {limit} accepted{}", in_track(*.track))]
    Limit {
        /// What is limited, with its unit.
        what: &'static str,
        /// What was asked for, at the least: reading stops where the limit is passed.
        value: u64,
        /// The largest accepted value.
        limit: u64,
        /// The file track (`MTrk` chunk) it is in, counted from zero.
        track: Option<usize>,
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

impl MidiError {
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

fn in_track(track: Option<usize>) -> String {
    track.map(|t| format!(", track {t}")).unwrap_or_default()
}
