//! What a technique returns.

use std::collections::HashMap;
use std::ops::Deref;

use deepcompose_core::{ChordSheet, Note, Score, Track};
use deepcompose_samplers::StopReason;

/// A score that a technique has made, and what was done. It derefs to the [`Score`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Composition {
    /// The music.
    pub score: Score,
    /// What was done.
    pub summary: Summary,
}

/// What a technique did. Notes are counted over all tracks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Notes of the input.
    pub notes_in: usize,
    /// Notes that are in the output and not in the input; a note whose length changed counts here and
    /// in `notes_removed`.
    pub notes_added: usize,
    /// Notes that are in the input and not in the output.
    pub notes_removed: usize,
    /// Cells of the piano roll (a pitch for a sixteenth) that an edit set and cleared; zero for the
    /// other techniques.
    pub cells_added: usize,
    /// See `cells_added`.
    pub cells_removed: usize,
    /// Length of the input in seconds.
    pub seconds_in: f64,
    /// Length of the output in seconds.
    pub seconds_out: f64,
    /// The chords that an accompaniment is played over; empty for the other techniques.
    pub chords: ChordSheet,
    /// Why the work ended. [`StopReason::TokenBudget`] says that the Transformer stopped short of
    /// the duration asked for.
    pub stop: StopReason,
}

impl Composition {
    pub(crate) fn new(input: &Score, score: Score, stop: StopReason) -> Self {
        let (notes_added, notes_removed) = difference(input, &score);
        let summary = Summary {
            notes_in: input.note_count(),
            notes_added,
            notes_removed,
            cells_added: 0,
            cells_removed: 0,
            seconds_in: input.duration_seconds(),
            seconds_out: score.duration_seconds(),
            chords: ChordSheet::EMPTY,
            stop,
        };
        Self { score, summary }
    }

    /// The music alone.
    #[must_use]
    pub fn into_score(self) -> Score {
        self.score
    }
}

impl Deref for Composition {
    type Target = Score;

    fn deref(&self) -> &Score {
        &self.score
    }
}

impl AsRef<Score> for Composition {
    fn as_ref(&self) -> &Score {
        &self.score
    }
}

/// How many notes `after` has more and `before` had more, as multisets.
fn difference(before: &Score, after: &Score) -> (usize, usize) {
    let mut counts: HashMap<&Note, i64> = HashMap::new();
    for note in after.tracks().iter().flat_map(Track::notes) {
        *counts.entry(note).or_default() += 1;
    }
    for note in before.tracks().iter().flat_map(Track::notes) {
        *counts.entry(note).or_default() -= 1;
    }
    let sum = |sign: i64| counts.values().map(|c| (c * sign).max(0) as usize).sum();
    (sum(1), sum(-1))
}
