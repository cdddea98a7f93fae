//! [`EditList`]: edits that are made together.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::change::NoteChange;
use super::draft::{Draft, commit};
use super::edit::NoteEdit;
use super::error::NoteEditError;
use crate::error::ScoreError;
use crate::score::Score;

/// Edits that are made in order, all or none, with a label for an undo menu.
///
/// Each edit sees the score as those before it leave it.
///
/// ```
/// use deepcompose_core::editing::{EditList, NoteEdit};
/// use deepcompose_core::InputTrack;
///
/// let mut score = InputTrack::SilentNight.score();
/// let notes = score.tracks()[0].notes().to_vec();
/// let up = notes.iter().map(|note| NoteEdit::transpose(0, *note, 12)).collect::<Result<Vec<_>, _>>()?;
/// let change = EditList::new("Octave up", up).apply(&mut score)?;
/// assert_eq!(change.added.len(), notes.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EditList {
    /// What a user is told the step does; may be empty.
    #[serde(default)]
    pub label: String,
    /// The edits, in order.
    pub edits: Vec<NoteEdit>,
}

impl EditList {
    /// A list of edits under a label.
    #[must_use]
    pub fn new(label: impl Into<String>, edits: Vec<NoteEdit>) -> Self {
        Self { label: label.into(), edits }
    }

    /// The edits that turn the notes of `before` into those of `after`: notes that only one of them
    /// has are removed and added. Nothing but notes is compared.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NoSuchTrack`] if one score has a track that the other has not.
    pub fn between(before: &Score, after: &Score) -> Result<Self, ScoreError> {
        let (old, new) = (before.tracks(), after.tracks());
        if old.len() != new.len() {
            let tracks = old.len().min(new.len());
            return Err(ScoreError::NoSuchTrack { index: tracks, tracks });
        }
        let mut edits = Vec::new();
        for (track, (old, new)) in old.iter().zip(new).enumerate() {
            let mut old = old.notes().iter().peekable();
            let mut new = new.notes().iter().peekable();
            loop {
                let order = match (old.peek(), new.peek()) {
                    (None, None) => break,
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (Some(a), Some(b)) => a.cmp(b),
                };
                let (gone, come) = (old.next_if(|_| order.is_le()), new.next_if(|_| order.is_ge()));
                if order.is_ne() {
                    edits.extend(gone.map(|note| NoteEdit::Remove { track, note: *note }));
                    edits.extend(come.map(|note| NoteEdit::Add { track, note: *note }));
                }
            }
        }
        Ok(Self { label: String::new(), edits })
    }

    /// Makes the edits, without a history, and says what changed.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`] for the first edit that cannot be made; the score is as it was.
    pub fn apply(&self, score: &mut Score) -> Result<NoteChange, NoteEditError> {
        let mut draft = Draft::new(score);
        for (index, edit) in self.edits.iter().enumerate() {
            draft.edit(index, edit)?;
        }
        let change = draft.finish();
        commit(&change, score);
        Ok(change)
    }

    /// The list that undoes this one exactly, under the same label.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self { label: self.label.clone(), edits: self.edits.iter().rev().map(NoteEdit::inverse).collect() }
    }
}

impl From<NoteEdit> for EditList {
    fn from(edit: NoteEdit) -> Self {
        vec![edit].into()
    }
}

impl From<Vec<NoteEdit>> for EditList {
    fn from(edits: Vec<NoteEdit>) -> Self {
        Self { label: String::new(), edits }
    }
}
