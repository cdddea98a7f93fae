//! [`NoteChange`]: what an edit did.

use serde::{Deserialize, Serialize};

use crate::score::Note;

/// A note and the track it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrackNote {
    /// Index in [`Score::tracks`](crate::Score::tracks).
    pub track: usize,
    /// The note.
    pub note: Note,
}

/// The difference that edits made: the notes of the score before that are no longer there, and
/// those that are new. Both are in order of track, then as in
/// [`Track::notes`](crate::Track::notes). A note that was moved or otherwise changed is in both; one
/// that was changed and changed back, or added and removed again, in neither.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoteChange {
    /// Notes that are gone.
    pub removed: Vec<TrackNote>,
    /// Notes that are new.
    pub added: Vec<TrackNote>,
}

impl NoteChange {
    /// Whether the score is as it was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// The same change backwards.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { removed: self.added, added: self.removed }
    }
}
