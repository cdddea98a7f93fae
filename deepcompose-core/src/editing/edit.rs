//! [`NoteEdit`]: one edit.

use serde::{Deserialize, Serialize};

use super::change::NoteChange;
use super::error::NoteEditError;
use super::list::EditList;
use crate::error::ScoreError;
use crate::score::{Note, Score};
use crate::units::{Pitch, Tick, Velocity};

/// One edit of one note. Tracks are indices in [`Score::tracks`]; a note is named by its value (see
/// [the module](super)).
///
/// ```
/// use deepcompose_core::editing::NoteEdit;
/// use deepcompose_core::{InputTrack, Pitch};
///
/// let mut score = InputTrack::OdeToJoy.score();
/// let note = score.tracks()[0].notes()[0];
/// let edit = NoteEdit::SetPitch { track: 0, note, pitch: Pitch::MIDDLE_C };
/// edit.apply(&mut score)?;
/// edit.inverse().apply(&mut score)?;
/// assert_eq!(score, InputTrack::OdeToJoy.score());
/// # Ok::<(), deepcompose_core::editing::NoteEditError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NoteEdit {
    /// Adds a note.
    Add {
        /// On which track.
        track: usize,
        /// The new note.
        note: Note,
    },
    /// Removes a note.
    Remove {
        /// From which track.
        track: usize,
        /// The note.
        note: Note,
    },
    /// Moves a note in time, its duration kept.
    Move {
        /// On which track.
        track: usize,
        /// The note as it is.
        note: Note,
        /// Its new onset.
        start: Tick,
    },
    /// Lengthens or shortens a note, its onset kept.
    Resize {
        /// On which track.
        track: usize,
        /// The note as it is.
        note: Note,
        /// Its new duration.
        duration: Tick,
    },
    /// Sets how hard a note is struck.
    SetVelocity {
        /// On which track.
        track: usize,
        /// The note as it is.
        note: Note,
        /// Its new velocity.
        velocity: Velocity,
    },
    /// Transposes a note to a pitch.
    SetPitch {
        /// On which track.
        track: usize,
        /// The note as it is.
        note: Note,
        /// Its new pitch.
        pitch: Pitch,
    },
}

impl NoteEdit {
    /// A [`Move`](Self::Move) by a number of ticks, earlier if negative.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if the onset would leave 0..=[`Tick::MAX`].
    pub fn shift(track: usize, note: Note, ticks: i64) -> Result<Self, ScoreError> {
        let value = i64::from(note.start.get()).saturating_add(ticks);
        let max = i64::from(Tick::MAX.get());
        match u32::try_from(value).map(Tick::new) {
            Ok(Ok(start)) => Ok(Self::Move { track, note, start }),
            _ => Err(ScoreError::OutOfRange { field: "onset", value, min: 0, max }),
        }
    }

    /// A [`SetPitch`](Self::SetPitch) by a number of semitones, lower if negative.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if the pitch would leave 0..=127.
    pub fn transpose(track: usize, note: Note, semitones: i32) -> Result<Self, ScoreError> {
        let value = i64::from(note.pitch.get()) + i64::from(semitones);
        let pitch = note.pitch.transposed(semitones);
        let pitch = pitch.ok_or(ScoreError::OutOfRange { field: "pitch", value, min: 0, max: 127 })?;
        Ok(Self::SetPitch { track, note, pitch })
    }

    /// The track that is edited.
    #[must_use]
    pub const fn track(&self) -> usize {
        match *self {
            Self::Add { track, .. }
            | Self::Remove { track, .. }
            | Self::Move { track, .. }
            | Self::Resize { track, .. }
            | Self::SetVelocity { track, .. }
            | Self::SetPitch { track, .. } => track,
        }
    }

    /// The note that has to be there, if any.
    #[must_use]
    pub const fn before(&self) -> Option<Note> {
        match *self {
            Self::Add { .. } => None,
            Self::Remove { note, .. }
            | Self::Move { note, .. }
            | Self::Resize { note, .. }
            | Self::SetVelocity { note, .. }
            | Self::SetPitch { note, .. } => Some(note),
        }
    }

    /// The note that will be there instead, if any.
    #[must_use]
    pub const fn after(&self) -> Option<Note> {
        match *self {
            Self::Add { note, .. } => Some(note),
            Self::Remove { .. } => None,
            Self::Move { note, start, .. } => Some(Note { start, ..note }),
            Self::Resize { note, duration, .. } => Some(Note { duration, ..note }),
            Self::SetVelocity { note, velocity, .. } => Some(Note { velocity, ..note }),
            Self::SetPitch { note, pitch, .. } => Some(Note { pitch, ..note }),
        }
    }

    /// The edit that undoes this one exactly.
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

    /// Makes this one edit, without a history.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`]; the score is as it was.
    pub fn apply(self, score: &mut Score) -> Result<NoteChange, NoteEditError> {
        EditList::from(self).apply(score)
    }
}
