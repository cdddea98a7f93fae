//! [`Draft`]: edits tried against a score before any of them is made.

use std::collections::{BTreeMap, VecDeque};

use super::change::{NoteChange, TrackNote};
use super::edit::NoteEdit;
use super::error::NoteEditError;
use crate::error::ScoreError;
use crate::score::{Note, Score};
use crate::units::Tick;

/// A score, and how many more or fewer there will be of each note.
pub(super) struct Draft<'a> {
    score: &'a Score,
    difference: BTreeMap<TrackNote, i64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(score: &'a Score) -> Self {
        Self { score, difference: BTreeMap::new() }
    }

    /// Tries the edit that is `index`th in its list.
    pub(super) fn edit(&mut self, index: usize, edit: &NoteEdit) -> Result<(), NoteEditError> {
        let track = edit.track();
        let tracks = self.score.tracks();
        let notes = match tracks.get(track) {
            Some(track) => track.notes(),
            None => return Err(NoteEditError::NoSuchTrack { edit: index, track, tracks: tracks.len() }),
        };
        if let Some(note) = edit.before() {
            let named = TrackNote { track, note };
            let more = self.difference.get(&named).copied().unwrap_or(0);
            if copies(notes, &note) + more <= 0 {
                return Err(NoteEditError::NoSuchNote { edit: index, track, note });
            }
            *self.difference.entry(named).or_default() -= 1;
        }
        if let Some(note) = edit.after() {
            check_end(&note).map_err(|source| NoteEditError::Range { edit: index, source })?;
            *self.difference.entry(TrackNote { track, note }).or_default() += 1;
        }
        Ok(())
    }

    /// What the edits come to.
    pub(super) fn finish(self) -> NoteChange {
        let mut change = NoteChange::default();
        for (note, count) in self.difference {
            let side = if count < 0 { &mut change.removed } else { &mut change.added };
            side.extend((0..count.unsigned_abs()).map(|_| note));
        }
        change
    }
}

/// Makes a change whose notes were all found.
pub(super) fn commit(change: &NoteChange, score: &mut Score) {
    let mut removed = change.removed.iter().peekable();
    let mut added = change.added.iter().peekable();
    // Both are in order of track, and of a track in order of onset.
    while let Some(index) = removed.peek().into_iter().chain(added.peek()).map(|n| n.track).min() {
        let Some(track) = score.tracks_mut().get_mut(index) else { return };
        let gone = std::iter::from_fn(|| removed.next_if(|n| n.track == index)).map(|n| n.note);
        let come = std::iter::from_fn(|| added.next_if(|n| n.track == index)).map(|n| n.note);
        let (mut places, rest) = replacements(gone, come);
        let mut notes = Vec::with_capacity(track.notes().len() + rest.len());
        for note in track.notes_as_given() {
            match places.get_mut(note).and_then(VecDeque::pop_front) {
                Some(new) => notes.extend(new),
                None => notes.push(*note),
            }
        }
        notes.extend(rest);
        track.set_notes(notes);
    }
}

/// What comes in the place of each note that goes, and what comes behind all that is there. A note comes
/// in the place of one of its onset: so a chord keeps the order in which it was given, and has it again
/// when the change is undone.
fn replacements(
    gone: impl Iterator<Item = Note>,
    come: impl Iterator<Item = Note>,
) -> (BTreeMap<Note, VecDeque<Option<Note>>>, Vec<Note>) {
    let mut come = come.peekable();
    let mut places = BTreeMap::<Note, VecDeque<Option<Note>>>::new();
    let mut rest = Vec::new();
    for note in gone {
        while let Some(earlier) = come.next_if(|new| new.start < note.start) {
            rest.push(earlier);
        }
        places.entry(note).or_default().push_back(come.next_if(|new| new.start == note.start));
    }
    rest.extend(come);
    (places, rest)
}

/// How many equal notes there are in a sorted list.
fn copies(notes: &[Note], note: &Note) -> i64 {
    let first = notes.partition_point(|n| n < note);
    let equal = notes.get(first..).unwrap_or_default().partition_point(|n| n <= note);
    i64::try_from(equal).unwrap_or(i64::MAX)
}

/// A track would cut a note that ends past the last tick: then the edit could not be undone.
fn check_end(note: &Note) -> Result<(), ScoreError> {
    let value = i64::from(note.start.get()) + i64::from(note.duration.get());
    let max = i64::from(Tick::MAX.get());
    if value <= max {
        Ok(())
    } else {
        Err(ScoreError::OutOfRange { field: "end of note", value, min: 0, max })
    }
}
