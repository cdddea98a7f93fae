//! Editing a score note by note, with undo: what an "edit melody" screen calls.
//!
//! | | |
//! |---|---|
//! | [`NoteEdit`] | one edit: add, remove, move, resize, set the velocity or the pitch |
//! | [`EditList`] | edits that are made together or not at all |
//! | [`NoteChange`] | what an edit did: the notes removed and the notes added |
//! | [`History`] | apply, undo, redo, and groups of edits that are one step |
//!
//! ```
//! use deepcompose_core::editing::{History, NoteEdit};
//! use deepcompose_core::{InputTrack, Tick};
//!
//! let mut score = InputTrack::FrereJacques.score();
//! let original = score.clone();
//! let mut history = History::default();
//!
//! // Hold the first note for a half note, and see what changed.
//! let first = score.tracks()[0].notes()[0];
//! let longer = NoteEdit::Resize { track: 0, note: first, duration: Tick::new(960)? };
//! let change = history.apply(&mut score, longer)?;
//! assert_eq!(change.removed[0].note, first);
//! assert_eq!(change.added[0].note, score.tracks()[0].notes()[0]);
//!
//! // A drag of the mouse is many moves and one step.
//! history.begin_group("Drag");
//! for _ in 0..3 {
//!     let last = score.tracks()[0].notes()[31];
//!     history.apply(&mut score, NoteEdit::shift(0, last, 120)?)?;
//! }
//! history.end_group();
//! assert_eq!(history.undo_label(), Some("Drag"));
//!
//! history.undo(&mut score)?;
//! history.undo(&mut score)?;
//! assert_eq!(score, original);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How a note is named
//!
//! By its value: track, onset, pitch, duration and velocity. A track keeps its notes in one order,
//! so equal notes cannot be told apart, and an edit of "one of them" has one result. A name stays
//! good when other notes are edited, where an index would not, and it can be written to a file.
//!
//! # Undo
//!
//! Every edit has an [`inverse`](NoteEdit::inverse) that needs no score, so an edit followed by its
//! inverse gives the identical score, and a history is only edits: it can be saved beside the score
//! and read back. The [order in which a chord was given](crate::Track::notes_as_given) is kept too where
//! its notes were changed in place; one that was moved away or removed comes back last among them. A history belongs to one score. If the notes were changed behind its back, an
//! undo that no longer fits is an error and changes nothing.
//!
//! [`EditList::between`] turns any other change of the notes (rhythm assist, a model's output) into
//! edits, so that it too can be undone.
//!
//! # Errors and cost
//!
//! An edit of a track or a note that is not there, or one after which a note would end past
//! [`Tick::MAX`](crate::Tick::MAX), is a [`NoteEditError`]: neither it nor its list changes
//! anything. A list of *m* edits on tracks of *n* notes takes O((*m* + *n*) log (*m* + *n*)).

mod change;
mod draft;
mod edit;
mod error;
mod history;
mod list;

pub use change::{NoteChange, TrackNote};
pub use edit::NoteEdit;
pub use error::NoteEditError;
pub use history::History;
pub use list::EditList;

#[cfg(test)]
mod tests;
