//! [`History`]: undo and redo.

use serde::{Deserialize, Serialize};

use super::{EditList, NoteEditError};
use crate::score::Score;

/// The edits done to a score, to take back and to do again.
///
/// The score is not kept here: give the same one to every call. One that was changed in another way in
/// between may no longer have the notes that an undo names; that is an error, and changes neither.
/// Memory grows with the number of edits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    done: Vec<EditList>,
    undone: Vec<EditList>,
    /// The edits of a group that is not closed yet.
    group: Option<Vec<EditList>>,
}

impl History {
    /// A history of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Edits the score: one step of the history, or part of the group that is open. What was undone
    /// before can no longer be done again.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`]; score and history are then as they were.
    pub fn apply(&mut self, score: &mut Score, edits: impl Into<EditList>) -> Result<(), NoteEditError> {
        let edits = edits.into();
        edits.apply(score)?;
        self.undone.clear();
        match &mut self.group {
            Some(group) => group.push(edits),
            None => self.done.push(edits),
        }
        Ok(())
    }

    /// Begins a group: edits up to [`History::end_group`] are undone and redone as one step. One that
    /// is open already goes on.
    pub fn begin_group(&mut self) {
        self.group.get_or_insert_default();
    }

    /// Ends the group. One without edits leaves no step.
    pub fn end_group(&mut self) {
        let lists = self.group.take().unwrap_or_default();
        let edits: EditList = lists.iter().flat_map(EditList::edits).copied().collect();
        if !edits.edits().is_empty() {
            self.done.push(edits);
        }
    }

    /// Takes the last step back; false if there is none. Ends an open group first.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`] if the score is not the one that was edited.
    pub fn undo(&mut self, score: &mut Score) -> Result<bool, NoteEditError> {
        self.end_group();
        let Some(edits) = self.done.last() else { return Ok(false) };
        edits.inverse().apply(score)?;
        self.undone.extend(self.done.pop());
        Ok(true)
    }

    /// Does again what was last undone; false if there is nothing.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`] if the score is not the one that was edited.
    pub fn redo(&mut self, score: &mut Score) -> Result<bool, NoteEditError> {
        let Some(edits) = self.undone.last() else { return Ok(false) };
        edits.apply(score)?;
        self.done.extend(self.undone.pop());
        Ok(true)
    }

    /// The steps that can be undone, the first first. An open group is not among them.
    #[must_use]
    pub fn done(&self) -> &[EditList] {
        &self.done
    }

    /// The steps that can be done again, the next last.
    #[must_use]
    pub fn undone(&self) -> &[EditList] {
        &self.undone
    }
}
