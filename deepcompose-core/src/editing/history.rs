//! [`History`]: undo and redo.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::change::NoteChange;
use super::error::NoteEditError;
use super::list::EditList;
use crate::error::ScoreError;
use crate::score::Score;

/// The edits made to one score, to be undone and made again; see [the module](super) for an
/// example.
///
/// A step is one applied [`EditList`], or all that were applied in one group. The oldest step is
/// forgotten when there are more than [`depth`](Self::depth); how many edits a step holds is not
/// limited. An edit after an undo forgets what could be redone.
///
/// Through `serde` it keeps everything but an open group, which is saved as a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HistoryParts", into = "HistoryParts")]
pub struct History {
    depth: usize,
    done: VecDeque<EditList>,
    /// The next to redo is last.
    undone: Vec<EditList>,
    group: Option<EditList>,
}

#[derive(Serialize, Deserialize)]
struct HistoryParts {
    depth: usize,
    done: VecDeque<EditList>,
    undone: Vec<EditList>,
}

impl TryFrom<HistoryParts> for History {
    type Error = ScoreError;

    fn try_from(parts: HistoryParts) -> Result<Self, ScoreError> {
        let mut history = Self::new(parts.depth)?;
        let steps = parts.done.len().saturating_add(parts.undone.len());
        if steps > parts.depth {
            let (value, limit) = (steps as u64, parts.depth as u64);
            return Err(ScoreError::Limit { what: "steps of a history", value, limit });
        }
        history.done = parts.done;
        history.undone = parts.undone;
        Ok(history)
    }
}

impl From<History> for HistoryParts {
    fn from(mut history: History) -> Self {
        history.end_group();
        Self { depth: history.depth, done: history.done, undone: history.undone }
    }
}

impl Default for History {
    fn default() -> Self {
        Self { depth: Self::DEFAULT_DEPTH, done: VecDeque::new(), undone: Vec::new(), group: None }
    }
}

impl History {
    /// Steps that are kept unless said otherwise.
    pub const DEFAULT_DEPTH: usize = 1000;

    /// The most steps that may be kept.
    pub const MAX_DEPTH: usize = 1 << 20;

    /// An empty history of at most `depth` steps.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] outside 1..=[`Self::MAX_DEPTH`].
    pub fn new(depth: usize) -> Result<Self, ScoreError> {
        if (1..=Self::MAX_DEPTH).contains(&depth) {
            return Ok(Self { depth, ..Self::default() });
        }
        Err(ScoreError::OutOfRange {
            field: "depth of a history",
            value: i64::try_from(depth).unwrap_or(i64::MAX),
            min: 1,
            max: Self::MAX_DEPTH as i64,
        })
    }

    /// How many steps are kept.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// Makes an edit or a list of edits: one step, or part of the open group. A list without edits
    /// leaves no step.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`]; score and history are as they were.
    pub fn apply(
        &mut self,
        score: &mut Score,
        edits: impl Into<EditList>,
    ) -> Result<NoteChange, NoteEditError> {
        let list = edits.into();
        let change = list.apply(score)?;
        if !list.edits.is_empty() {
            self.undone.clear();
            match &mut self.group {
                Some(group) => group.edits.extend(list.edits),
                None => self.push(list),
            }
        }
        Ok(change)
    }

    /// Undoes the last step, after closing an open group, and says what changed; `None` if there is
    /// no step.
    ///
    /// # Errors
    ///
    /// [`NoteEditError`] if the score was changed by others so that the step no longer fits; score
    /// and steps are as they were.
    pub fn undo(&mut self, score: &mut Score) -> Result<Option<NoteChange>, NoteEditError> {
        self.end_group();
        let Some(list) = self.done.back() else { return Ok(None) };
        let change = list.inverse().apply(score)?;
        self.undone.extend(self.done.pop_back());
        Ok(Some(change))
    }

    /// Makes the step undone last again, and says what changed; `None` if there is no step.
    ///
    /// # Errors
    ///
    /// As for [`Self::undo`].
    pub fn redo(&mut self, score: &mut Score) -> Result<Option<NoteChange>, NoteEditError> {
        self.end_group();
        let Some(list) = self.undone.last() else { return Ok(None) };
        let change = list.apply(score)?;
        self.done.extend(self.undone.pop());
        Ok(Some(change))
    }

    /// Opens a group: what is applied until [`Self::end_group`] is one step. A group that was open
    /// is closed first; groups do not nest.
    pub fn begin_group(&mut self, label: impl Into<String>) {
        self.end_group();
        self.group = Some(EditList::new(label, Vec::new()));
    }

    /// Closes the open group, if there is one. A group without edits leaves no step.
    pub fn end_group(&mut self) {
        if let Some(list) = self.group.take().filter(|list| !list.edits.is_empty()) {
            self.push(list);
        }
    }

    /// Whether there is a step to undo.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        self.next_undo().is_some()
    }

    /// Whether there is a step to redo.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// The label of the step that [`Self::undo`] would undo.
    #[must_use]
    pub fn undo_label(&self) -> Option<&str> {
        self.next_undo().map(|list| list.label.as_str())
    }

    /// The label of the step that [`Self::redo`] would make again.
    #[must_use]
    pub fn redo_label(&self) -> Option<&str> {
        self.undone.last().map(|list| list.label.as_str())
    }

    /// The steps made, oldest first, without the open group.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &EditList> {
        self.done.iter()
    }

    /// Forgets every step. The score stays as it is.
    pub fn clear(&mut self) {
        *self = Self { depth: self.depth, ..Self::default() };
    }

    fn next_undo(&self) -> Option<&EditList> {
        self.group.as_ref().filter(|list| !list.edits.is_empty()).or_else(|| self.done.back())
    }

    fn push(&mut self, list: EditList) {
        self.done.push_back(list);
        if self.done.len() > self.depth {
            self.done.pop_front();
        }
    }
}
