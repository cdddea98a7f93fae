//! What can be wrong with an edit.

use thiserror::Error;

use crate::error::ScoreError;
use crate::score::Note;

/// An edit that cannot be made. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteEditError {
    /// An edit of a track that the score does not have.
    #[error("edit {edit}: there is no track {track}: the score has {tracks}")]
    NoSuchTrack {
        /// The edit's place in its list, from zero.
        edit: usize,
        /// The track named.
        track: usize,
        /// How many tracks there are.
        tracks: usize,
    },
    /// An edit of a note that the track does not have, or does not have any more.
    #[error(
        "edit {edit}: track {track} has no note at tick {start} with pitch {pitch}, duration {duration} \
         and velocity {velocity}",
        start = note.start, pitch = note.pitch, duration = note.duration, velocity = note.velocity
    )]
    NoSuchNote {
        /// The edit's place in its list, from zero.
        edit: usize,
        /// The track named.
        track: usize,
        /// The note named.
        note: Note,
    },
    /// A note that would leave a field's range.
    #[error("edit {edit}: {source}")]
    Range {
        /// The edit's place in its list, from zero.
        edit: usize,
        /// Field, value and accepted range.
        source: ScoreError,
    },
}
