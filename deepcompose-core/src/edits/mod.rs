//! Edits of single notes, with undo.
//!
//! A [`NoteEdit`] is a value: it can be stored, sent, and turned round ([`NoteEdit::inverse`]). An
//! [`EditList`] is applied as a whole or not at all. A [`History`] applies edits to a score and takes
//! them back.
//!
//! ```
//! use deepcompose_core::edits::{History, NoteEdit};
//! use deepcompose_core::{InputTrack, Tick};
//!
//! let mut score = InputTrack::FrereJacques.score();
//! let before = score.clone();
//! let note = score.tracks()[0].notes()[0];
//! let mut history = History::new();
//! history.apply(&mut score, NoteEdit::Resize { track: 0, note, duration: Tick::new(240)? })?;
//! assert_eq!(score.tracks()[0].notes()[0].duration.get(), 240);
//! assert!(history.undo(&mut score)?);
//! assert_eq!(score, before);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod history;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::ScoreError;
use crate::score::{Note, Score, Track};
use crate::units::{Pitch, Tick, Velocity};

pub use history::History;

/// One edit of one note. A note is named by what it is before the edit; of equal notes in a track it
/// makes no difference which is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoteEdit {
    /// Adds a note.
    Add {
        /// The track's index.
        track: usize,
        /// The new note.
        note: Note,
    },
    /// Removes a note.
    Remove {
        /// The track's index.
        track: usize,
        /// The note.
        note: Note,
    },
    /// Moves a note in time; its length stays.
    Move {
        /// The track's index.
        track: usize,
        /// The note.
        note: Note,
        /// Its new onset.
        start: Tick,
    },
    /// Makes a note longer or shorter; its onset stays.
    Resize {
        /// The track's index.
        track: usize,
        /// The note.
        note: Note,
        /// Its new length.
        duration: Tick,
    },
    /// Makes a note louder or softer.
    SetVelocity {
        /// The track's index.
        track: usize,
        /// The note.
        note: Note,
        /// Its new velocity.
        velocity: Velocity,
    },
    /// Gives a note another pitch.
    SetPitch {
        /// The track's index.
        track: usize,
        /// The note.
        note: Note,
        /// Its new pitch.
        pitch: Pitch,
    },
}

/// An edit that cannot be done. The score is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteEditError {
    /// The track does not exist.
    #[error(transparent)]
    Track(#[from] ScoreError),
    /// The track has no such note.
    #[error("track {track} has no note of pitch {}, velocity {} and length {} at tick {}",
        note.pitch, note.velocity, note.duration, note.start)]
    NoSuchNote {
        /// The track's index.
        track: usize,
        /// The note that was named.
        note: Note,
    },
    /// The note would end past [`Tick::MAX`].
    #[error("a note at tick {} of length {} would end past tick {}", note.start, note.duration, Tick::MAX)]
    PastEnd {
        /// The note as it would be.
        note: Note,
    },
}

impl NoteEdit {
    /// Transposes a note by semitones: a [`NoteEdit::SetPitch`].
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if there is no such pitch.
    pub fn transpose(track: usize, note: Note, semitones: i32) -> Result<Self, ScoreError> {
        let value = i64::from(note.pitch.get()) + i64::from(semitones);
        let pitch = note.pitch.transposed(semitones).ok_or(ScoreError::OutOfRange {
            field: "pitch",
            value,
            min: 0,
            max: 127,
        })?;
        Ok(Self::SetPitch { track, note, pitch })
    }

    /// The index of the track that is edited.
    #[must_use]
    pub const fn track(&self) -> usize {
        match self {
            Self::Add { track, .. }
            | Self::Remove { track, .. }
            | Self::Move { track, .. }
            | Self::Resize { track, .. }
            | Self::SetVelocity { track, .. }
            | Self::SetPitch { track, .. } => *track,
        }
    }

    /// The note before the edit; `None` if it adds one.
    #[must_use]
    pub const fn before(&self) -> Option<Note> {
        match self {
            Self::Add { .. } => None,
            Self::Remove { note, .. }
            | Self::Move { note, .. }
            | Self::Resize { note, .. }
            | Self::SetVelocity { note, .. }
            | Self::SetPitch { note, .. } => Some(*note),
        }
    }

    /// The note after the edit; `None` if it removes one.
    #[must_use]
    pub const fn after(&self) -> Option<Note> {
        Some(match *self {
            Self::Remove { .. } => return None,
            Self::Add { note, .. } => note,
            Self::Move { note, start, .. } => Note { start, ..note },
            Self::Resize { note, duration, .. } => Note { duration, ..note },
            Self::SetVelocity { note, velocity, .. } => Note { velocity, ..note },
            Self::SetPitch { note, pitch, .. } => Note { pitch, ..note },
        })
    }

    /// The edit that takes this one back.
    #[must_use]
    pub const fn inverse(&self) -> Self {
        match *self {
            Self::Add { track, note } => Self::Remove { track, note },
            Self::Remove { track, note } => Self::Add { track, note },
            Self::Move { track, note, start } => {
                Self::Move { track, note: Note { start, ..note }, start: note.start }
            }
            Self::Resize { track, note, duration } => {
                Self::Resize { track, note: Note { duration, ..note }, duration: note.duration }
            }
            Self::SetVelocity { track, note, velocity } => {
                Self::SetVelocity { track, note: Note { velocity, ..note }, velocity: note.velocity }
            }
            Self::SetPitch { track, note, pitch } => {
                Self::SetPitch { track, note: Note { pitch, ..note }, pitch: note.pitch }
            }
        }
    }

    /// Edits the score. Takes time in proportion to the notes of the track; for many edits at once use
    /// an [`EditList`].
    ///
    /// # Errors
    ///
    /// [`NoteEditError`]; the score is then as it was.
    pub fn apply(&self, score: &mut Score) -> Result<(), NoteEditError> {
        EditList::from(*self).apply(score)
    }
}

/// Edits that belong together, done in their order, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EditList {
    edits: Vec<NoteEdit>,
}

impl From<NoteEdit> for EditList {
    fn from(edit: NoteEdit) -> Self {
        Self { edits: vec![edit] }
    }
}

impl From<Vec<NoteEdit>> for EditList {
    fn from(edits: Vec<NoteEdit>) -> Self {
        Self { edits }
    }
}

impl FromIterator<NoteEdit> for EditList {
    fn from_iter<I: IntoIterator<Item = NoteEdit>>(edits: I) -> Self {
        Self { edits: edits.into_iter().collect() }
    }
}

impl EditList {
    /// The edits, in order.
    #[must_use]
    pub fn edits(&self) -> &[NoteEdit] {
        &self.edits
    }

    /// The list that takes this one back: the inverses, last first.
    #[must_use]
    pub fn inverse(&self) -> Self {
        self.edits.iter().rev().map(NoteEdit::inverse).collect()
    }

    /// Edits the score: each edit sees what those before it did. Time is in proportion to the notes of
    /// the edited tracks and the edits, times a logarithm.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`] of the first edit that cannot be done; the score is then as it was.
    pub fn apply(&self, score: &mut Score) -> Result<(), NoteEditError> {
        let mut changed = std::collections::BTreeMap::<usize, Counts>::new();
        for edit in &self.edits {
            let index = edit.track();
            let track = score.track(index)?;
            let counts = changed.entry(index).or_default();
            if let Some(note) = edit.before() {
                if counts.of(track, note) < 1 {
                    return Err(NoteEditError::NoSuchNote { track: index, note });
                }
                *counts.entry(note) -= 1;
            }
            if let Some(note) = edit.after() {
                if note.duration > Tick::MAX.saturating_sub(note.start) {
                    return Err(NoteEditError::PastEnd { note });
                }
                *counts.entry(note) += 1;
            }
        }
        for (index, counts) in changed {
            if let Some(track) = score.tracks_mut().get_mut(index) {
                counts.apply(track);
            }
        }
        Ok(())
    }
}

/// How many more of each note a track is to have than it has; fewer, if negative.
#[derive(Debug, Default)]
struct Counts(std::collections::BTreeMap<Note, i64>);

impl Counts {
    fn entry(&mut self, note: Note) -> &mut i64 {
        self.0.entry(note).or_default()
    }

    /// How many of a note there are by now.
    fn of(&self, track: &Track, note: Note) -> i64 {
        // Notes are sorted by all that they are.
        let first = track.notes().partition_point(|n| *n < note);
        let past = track.notes().partition_point(|n| *n <= note);
        (past - first) as i64 + self.0.get(&note).copied().unwrap_or(0)
    }

    fn apply(self, track: &mut Track) {
        let mut missing = self.0.clone();
        let mut notes: Vec<Note> = track
            .notes()
            .iter()
            .filter(|note| match missing.get_mut(note) {
                Some(count) if *count < 0 => {
                    *count += 1;
                    false
                }
                _ => true,
            })
            .copied()
            .collect();
        for (note, count) in self.0 {
            notes.extend((0..count).map(|_| note));
        }
        track.set_notes(notes);
    }
}

#[cfg(test)]
mod tests;
