//! [`canonical`]: the one form of a score that survives a MIDI file.

use std::collections::HashMap;

use deepcompose_core::{Note, Pitch, Score, Tick};

/// The score that comes back when `score` is written and read again.
///
/// A note off names a key, not a note, so a file cannot say which of two sounding notes of one
/// pitch it ends; this crate, as most, ends the one that began first. So in the canonical form, of
/// two notes of one track and pitch, the one that begins first does not end last. Where that is
/// not so (a short note inside a long one), the two ends are exchanged: the same onsets and the
/// same ends, paired in order. Scores that this crate reads are canonical, and so is any score
/// without overlapping notes of one pitch in one track. Nothing but durations is ever changed.
///
/// ```
/// use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
/// use deepcompose_midi::canonical;
///
/// let note = |start, duration| -> Result<Note, deepcompose_core::ScoreError> {
///     Ok(Note {
///         start: Tick::new(start)?,
///         pitch: Pitch::MIDDLE_C,
///         duration: Tick::new(duration)?,
///         velocity: Velocity::DEFAULT,
///     })
/// };
/// let mut score = Score::default();
/// score.push_track(Track::new("", Program::MIN).with_notes(vec![note(0, 400)?, note(100, 50)?]));
/// let paired = canonical(&score);
/// assert_eq!(paired.tracks()[0].notes(), [note(0, 150)?, note(100, 300)?]);
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[must_use]
pub fn canonical(score: &Score) -> Score {
    let mut score = score.clone();
    for track in score.tracks_mut() {
        let mut notes = track.notes().to_vec();
        pair_in_order(&mut notes);
        track.set_notes(notes);
    }
    score
}

/// Exchanges the ends of notes of one pitch so that they come in the order of the onsets.
pub(crate) fn pair_in_order(notes: &mut [Note]) {
    notes.sort_unstable();
    let mut ends: HashMap<Pitch, Vec<Tick>> = HashMap::new();
    for note in notes.iter().rev() {
        ends.entry(note.pitch).or_default().push(note.end());
    }
    for of_pitch in ends.values_mut() {
        of_pitch.sort_unstable_by(|a, b| b.cmp(a));
    }
    for note in notes {
        if let Some(end) = ends.get_mut(&note.pitch).and_then(Vec::pop) {
            note.duration = end.saturating_sub(note.start);
        }
    }
}
