//! Notes that are there twice, and notes that overlap.

use crate::score::{Note, Track};
use crate::units::Tick;

/// What becomes of notes of one pitch that sound at the same time in one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlaps {
    /// The earlier note ends where the later begins, as on a piano.
    #[default]
    Cut,
    /// They become one note, from the first onset to the last end, with the velocity of the first.
    Merge,
    /// The later note is left out.
    Drop,
}

impl Track {
    /// The track with one note for each onset and pitch, the longest (of equals the loudest), and how
    /// many notes were left out.
    #[must_use]
    pub fn without_duplicates(&self) -> (Self, usize) {
        let mut kept: Vec<Note> = Vec::with_capacity(self.notes().len());
        // In order of onset, pitch, duration and velocity, the last of equals is the one to keep.
        for note in self.notes() {
            match kept.last_mut() {
                Some(last) if (last.start, last.pitch) == (note.start, note.pitch) => *last = *note,
                _ => kept.push(*note),
            }
        }
        self.with_fewer(kept)
    }

    /// The track with no two notes of one pitch sounding at once, and how many notes were cut, merged
    /// or left out. Of notes with one onset and pitch the longest stays, whatever the policy.
    ///
    /// ```
    /// use deepcompose_core::ops::Overlaps;
    /// use deepcompose_core::{Note, Pitch, Program, Tick, Track, Velocity};
    ///
    /// let note = |start, duration| Note {
    ///     start: Tick::saturating(start),
    ///     duration: Tick::saturating(duration),
    ///     pitch: Pitch::MIDDLE_C,
    ///     velocity: Velocity::DEFAULT,
    /// };
    /// let track = Track::new("", Program::MIN).with_notes(vec![note(0, 100), note(60, 100)]);
    /// assert_eq!(track.resolve_overlaps(Overlaps::Cut).0.notes(), [note(0, 60), note(60, 100)]);
    /// assert_eq!(track.resolve_overlaps(Overlaps::Merge).0.notes(), [note(0, 160)]);
    /// assert_eq!(track.resolve_overlaps(Overlaps::Drop).0.notes(), [note(0, 100)]);
    /// ```
    #[must_use]
    pub fn resolve_overlaps(&self, policy: Overlaps) -> (Self, usize) {
        let (single, mut changed) = self.without_duplicates();
        let mut kept: Vec<Note> = Vec::with_capacity(single.notes().len());
        // The last note kept of each pitch.
        let mut last: [Option<usize>; 128] = [None; 128];
        for note in single.notes() {
            let slot = last.get_mut(usize::from(note.pitch.get()));
            let before = slot.as_ref().and_then(|slot| **slot).and_then(|i| kept.get_mut(i));
            if let Some(before) = before.filter(|before| before.end() > note.start) {
                changed += 1;
                match policy {
                    Overlaps::Cut => before.duration = note.start.saturating_sub(before.start),
                    Overlaps::Merge => {
                        let end: Tick = before.end().max(note.end());
                        before.duration = end.saturating_sub(before.start);
                        continue;
                    }
                    Overlaps::Drop => continue,
                }
            }
            if let Some(slot) = slot {
                *slot = Some(kept.len());
            }
            kept.push(*note);
        }
        let mut out = self.clone();
        out.set_notes(kept);
        (out, changed)
    }

    fn with_fewer(&self, kept: Vec<Note>) -> (Self, usize) {
        let removed = self.notes().len() - kept.len();
        let mut out = self.clone();
        out.set_notes(kept);
        (out, removed)
    }
}
