//! Notes as long as the sustain pedal holds them.

use crate::score::{ControlChange, Note, Score, Track};
use crate::units::Tick;

/// Controller 121, "reset all controllers", lifts the pedal (MIDI Association, RP-015).
const RESET: u8 = 121;

impl Score {
    /// The score with its notes as they sound: a note whose key is let go while the sustain pedal
    /// (controller 64 at 64 or more) is down goes on to the pedal's release, to the next onset of its
    /// pitch in the track, or to the end of the piece, whichever comes first. The pedal events stay.
    /// Drum tracks stay as they are.
    ///
    /// ```
    /// use deepcompose_core::{At, ControlChange, InputTrack, Tick};
    ///
    /// let mut score = InputTrack::OdeToJoy.score();
    /// let pedal = |tick, value| -> Result<_, deepcompose_core::ScoreError> {
    ///     Ok(At { tick: Tick::new(tick)?, value: ControlChange::new(ControlChange::SUSTAIN, value)? })
    /// };
    /// score.tracks_mut()[0].set_controls(vec![pedal(0, 127)?, pedal(1920, 0)?]);
    /// // The second note is the first one struck again; the third is held for the rest of the bar.
    /// let notes = score.sustained().tracks()[0].notes()[..3].to_vec();
    /// assert_eq!(notes[0].end(), notes[1].start);
    /// assert_eq!(notes[2].end(), Tick::new(1920)?);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    #[must_use]
    pub fn sustained(self) -> Self {
        let end = self.end();
        self.sustained_until(end)
    }

    /// The score with its notes as they are heard: as [`Score::sustained`], but the end of the piece
    /// cuts none of them. A note goes on to the later of that end and the last release of the pedal at
    /// most; a pedal that is not lifted holds to the end of the piece.
    ///
    /// ```
    /// use deepcompose_core::{At, ControlChange, InputTrack, Tick};
    ///
    /// let mut score = InputTrack::OdeToJoy.score();
    /// let (end, release) = (score.end(), score.end().saturating_add(Tick::new(1920)?));
    /// let pedal = |tick, value| -> Result<_, deepcompose_core::ScoreError> {
    ///     Ok(At { tick, value: ControlChange::new(ControlChange::SUSTAIN, value)? })
    /// };
    /// score.tracks_mut()[0].set_controls(vec![pedal(Tick::ZERO, 127)?, pedal(release, 0)?]);
    /// assert_eq!(score.clone().sustained().end(), end);
    /// assert_eq!(score.sustained_to_release().end(), release);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    #[must_use]
    pub fn sustained_to_release(self) -> Self {
        self.sustained_until(Tick::MAX)
    }

    /// No note goes on beyond `last` for the pedal.
    fn sustained_until(mut self, last: Tick) -> Self {
        let end = self.end();
        for track in self.tracks_mut().iter_mut().filter(|t| !t.is_drum()) {
            sustain(track, end, last);
        }
        self
    }
}

fn sustain(track: &mut Track, end: Tick, last: Tick) {
    let spans = pedal_spans(track, end);
    if spans.is_empty() {
        return;
    }
    let mut notes: Vec<Note> = track.notes_as_given().copied().collect();
    // The onsets of each pitch, the last first.
    let mut onsets: Vec<Vec<Tick>> = vec![Vec::new(); 128];
    for note in notes.iter().rev() {
        if let Some(of) = onsets.get_mut(usize::from(note.pitch.get())) {
            of.push(note.start);
        }
    }
    for note in &mut notes {
        let let_go = note.end();
        // The pedal counts that is down before the key is let go.
        let Some(span) = spans.partition_point(|(down, _)| *down < let_go).checked_sub(1) else { continue };
        let Some((_, up)) = spans.get(span).filter(|(_, up)| *up > let_go) else { continue };
        let of_pitch = onsets.get(usize::from(note.pitch.get())).map(Vec::as_slice).unwrap_or_default();
        // Onsets are in falling order: the last of those from `let_go` on, but for the note's own.
        let after = of_pitch.partition_point(|onset| *onset >= let_go && *onset > note.start);
        let struck = after.checked_sub(1).and_then(|at| of_pitch.get(at)).copied().unwrap_or(Tick::MAX);
        note.duration = let_go.max(struck.min(*up).min(last)).saturating_sub(note.start);
    }
    track.set_notes(notes);
}

/// When the pedal is down, as `(down, up)`; to the end of the piece if it is not lifted.
fn pedal_spans(track: &Track, end: Tick) -> Vec<(Tick, Tick)> {
    let mut spans = Vec::new();
    let mut down = None;
    for at in track.controls() {
        let is_down = match at.value.controller() {
            ControlChange::SUSTAIN => at.value.value() >= 64,
            RESET => false,
            _ => continue,
        };
        match (down, is_down) {
            (None, true) => down = Some(at.tick),
            (Some(since), false) => {
                spans.push((since, at.tick));
                down = None;
            }
            _ => {}
        }
    }
    spans.extend(down.map(|since| (since, end)));
    spans
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::score::At;
    use crate::units::{Pitch, Program, Velocity};

    fn note(start: u32, end: u32, pitch: u32) -> Note {
        Note {
            start: Tick::new(start).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            duration: Tick::new(end - start).unwrap(),
            velocity: Velocity::DEFAULT,
        }
    }

    /// The ends of the notes of both methods, with the pedal down and up at these ticks.
    fn ends(notes: Vec<Note>, pedal: &[(u32, u8)]) -> [Vec<u32>; 2] {
        let mut track = Track::new("", Program::MIN).with_notes(notes);
        let control = |(tick, value): &(u32, u8)| At {
            tick: Tick::new(*tick).unwrap(),
            value: ControlChange::new(ControlChange::SUSTAIN, *value).unwrap(),
        };
        track.set_controls(pedal.iter().map(control).collect());
        let mut score = Score::default();
        score.push_track(track);
        let ends = |score: Score| score.tracks()[0].notes().iter().map(|n| n.end().get()).collect();
        [ends(score.clone().sustained()), ends(score.sustained_to_release())]
    }

    #[test]
    fn the_last_notes_go_on_to_the_release_if_they_are_to() {
        // Let go before the pedal is down; held; held to the end and let go there.
        let notes = || vec![note(0, 5, 60), note(0, 30, 62), note(20, 100, 64)];
        assert_eq!(ends(notes(), &[(10, 127), (400, 0)]), [vec![5, 100, 100], vec![5, 400, 400]]);
        // Lifted in time, it makes no difference; nor does one that is never lifted.
        assert_eq!(ends(notes(), &[(10, 127), (60, 0)]), [vec![5, 60, 100], vec![5, 60, 100]]);
        assert_eq!(ends(notes(), &[(10, 127)]), [vec![5, 100, 100], vec![5, 100, 100]]);
        // Struck again, and the second time held.
        let again = vec![note(0, 10, 60), note(50, 60, 60)];
        assert_eq!(ends(again, &[(5, 64), (90, 63)]), [vec![50, 60], vec![50, 90]]);
    }
}
