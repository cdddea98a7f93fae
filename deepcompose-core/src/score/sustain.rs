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
    pub fn sustained(mut self) -> Self {
        let end = self.end();
        for track in self.tracks_mut().iter_mut().filter(|t| !t.is_drum()) {
            sustain(track, end);
        }
        self
    }
}

fn sustain(track: &mut Track, end: Tick) {
    let spans = pedal_spans(track, end);
    if spans.is_empty() {
        return;
    }
    let mut notes: Vec<Note> = track.notes().to_vec();
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
        note.duration = let_go.max(struck.min(*up).min(end)).saturating_sub(note.start);
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
