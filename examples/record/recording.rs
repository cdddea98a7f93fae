//! [`Recording`]: messages from a MIDI keyboard as a score.

use std::collections::HashMap;

use deepcompose::core::{
    At, ControlChange, Note, Pitch, PitchBend, Program, Score, ScoreError, Tempo, Tick, Track, Velocity,
};

/// Messages that are kept at most: an hour of very busy playing.
const MOST: usize = 500_000;

/// What was played so far. Time begins with the first note.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// Microseconds, status, data.
    messages: Vec<(u64, u8, u8, u8)>,
}

impl Recording {
    /// A message as it comes, with a time in microseconds. What is no note, control or bend is passed over.
    pub(crate) fn push(&mut self, micros: u64, message: &[u8]) {
        let (status, a, b) = match *message {
            [status, a, b] if a < 128 && b < 128 => (status & 0xF0, a, b),
            _ => return,
        };
        if matches!(status, 0x80 | 0x90 | 0xB0 | 0xE0) && self.messages.len() < MOST {
            self.messages.push((micros, status, a, b));
        }
    }

    /// Notes that were struck.
    pub(crate) fn notes(&self) -> usize {
        self.messages.iter().filter(|(_, status, _, b)| *status == 0x90 && *b > 0).count()
    }

    /// One track, at a tempo that was played to. A key that is still held ends with the last message.
    pub(crate) fn score(&self, bpm: f64) -> Result<Score, ScoreError> {
        let mut score = Score::default();
        let tempo = Tempo::from_bpm(bpm)?;
        score.set_tempo(tempo);
        let struck = |m: &&(u64, u8, u8, u8)| m.1 == 0x90 && m.3 > 0;
        let begin = self.messages.iter().find(struck).map_or(0, |m| m.0);
        let per_quarter = u64::from(score.ticks_per_quarter().get());
        let tick = |micros: u64| {
            let micros = u128::from(micros.saturating_sub(begin));
            let ticks = (micros * u128::from(per_quarter) + u128::from(tempo.micros() / 2))
                / u128::from(tempo.micros());
            Tick::saturating(i64::try_from(ticks).unwrap_or(i64::MAX))
        };
        let (mut notes, mut controls, mut bends) = (Vec::new(), Vec::new(), Vec::new());
        let mut held: HashMap<u8, (Tick, Velocity)> = HashMap::new();
        let close = |key: u8, (start, velocity): (Tick, Velocity), end: Tick| -> Result<Note, ScoreError> {
            Ok(Note { start, duration: end.saturating_sub(start), pitch: Pitch::new(key.into())?, velocity })
        };
        for (micros, status, a, b) in &self.messages {
            let now = tick(*micros);
            match status {
                0x90 if *b > 0 => {
                    if let Some(before) = held.insert(*a, (now, Velocity::new((*b).into())?)) {
                        notes.push(close(*a, before, now)?);
                    }
                }
                0x80 | 0x90 => {
                    if let Some(before) = held.remove(a) {
                        notes.push(close(*a, before, now)?);
                    }
                }
                0xB0 => controls.push(At { tick: now, value: ControlChange::new(*a, *b)? }),
                _ => {
                    let bend = (i16::from(*b) << 7 | i16::from(*a)) - 8192;
                    bends.push(At { tick: now, value: PitchBend::new(bend)? });
                }
            }
        }
        let end = self.messages.last().map_or(Tick::ZERO, |m| tick(m.0));
        for (key, before) in held {
            notes.push(close(key, before, end)?);
        }
        let mut track = Track::new("Keyboard", Program::MIN).with_notes(notes);
        track.set_controls(controls);
        track.set_pitch_bends(bends);
        score.push_track(track);
        Ok(score)
    }
}
