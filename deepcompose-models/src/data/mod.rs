//! Corpora in the JSON forms in which their publishers give them, as scores.
//!
//! | loader | file |
//! |---|---|
//! | [`chorales`] | the JSB chorales as `{"train": [[[S, A, T, B], …], …], "valid": …}`: one list of four MIDI pitches a sixteenth, −1 for a rest (Boulanger-Lewandowski et al. 2012 as re-cut in public `Jsb16thSeparated.json` files) |
//! | [`leads`] | lead sheets as `[{"id", "bpm", "mel": [[beat, length, pitch], …]}, …]` in 4/4, times in quarter notes |
//! | [`pop`] | songs as `[{"id", "bpm", "tracks": {"MELODY": [[step, length, pitch, velocity], …], …}}, …]`, times in sixteenths |

mod json;

pub use json::{chorales, leads, pop};

use deepcompose_core::Score;
use thiserror::Error;

/// A piece of a corpus.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What the corpus calls it.
    pub id: String,
    /// The music.
    pub score: Score,
}

/// A corpus file that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not the JSON that the loader takes.
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
}

/// Splits pieces into two lists, the second of about `share` of them, by a hash of their ids: adding pieces
/// moves none, and pieces whose ids are equal up to the first `'|'` stay together.
#[must_use]
pub fn split_by_id(pieces: Vec<Piece>, share: f64) -> (Vec<Piece>, Vec<Piece>) {
    use sha2::{Digest, Sha256};
    pieces.into_iter().partition(|piece| {
        let key = piece.id.split('|').next().unwrap_or(&piece.id);
        let hash = Sha256::digest(key.as_bytes());
        let fraction =
            f64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) / f64::from(u32::MAX);
        fraction >= share
    })
}
