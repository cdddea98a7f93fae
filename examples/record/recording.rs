//! [`Recording`]: messages from a MIDI keyboard as a score.

use std::collections::HashMap;

use deepcompose::core::{
    At, ControlChange, Note, Pitch, PitchBend, Program, Score, ScoreError, Tempo, Tick, Track, Velocity,
};

/// A key that sounds on one channel and is struck on another within so many microseconds is struck once: a keyboard
/// that layers sounds plays it on both.
const LAYERED: u64 = 10_000;

/// What was played so far. Time begins with the first note.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// Microseconds, status with its channel, data.
    messages: Vec<(u64, u8, u8, u8)>,
    lost: usize,
}

impl Recording {
    /// Messages that are kept at most: an hour of very busy playing.
    pub(crate) const MOST: usize = 500_000;

    /// A message as it comes, with a time in microseconds. What is no note, control or bend is passed over.
    pub(crate) fn push(&mut self, micros: u64, message: &[u8]) {
        let (status, a, b) = match *message {
            [status, a, b] if a < 128 && b < 128 => (status, a, b),
            _ => return,
        };
        if !matches!(status & 0xF0, 0x80 | 0x90 | 0xB0 | 0xE0) {
            return;
        }
        if self.messages.len() < Self::MOST {
            self.messages.push((micros, status, a, b));
        } else {
            self.lost += 1;
        }
    }

    /// Notes that were struck, on each channel.
    pub(crate) fn notes(&self) -> usize {
        self.messages.iter().filter(|m| is_strike(m)).count()
    }

    /// Messages that came when there was no more room.
    pub(crate) fn lost(&self) -> usize {
        self.lost
    }

    /// One track, at a tempo that was played to. A key that is still held ends with the last message.
    pub(crate) fn score(&self, bpm: f64) -> Result<Score, ScoreError> {
        let mut score = Score::default();
        let tempo = Tempo::from_bpm(bpm)?;
        score.set_tempo(tempo);
        let begin = self.messages.iter().find(|m| is_strike(m)).map_or(0, |m| m.0);
        let per_quarter = u64::from(score.ticks_per_quarter().get());
        let tick = |micros: u64| {
            let micros = u128::from(micros.saturating_sub(begin));
            let ticks = (micros * u128::from(per_quarter) + u128::from(tempo.micros() / 2))
                / u128::from(tempo.micros());
            Tick::saturating(i64::try_from(ticks).unwrap_or(i64::MAX))
        };
        let (mut notes, mut controls, mut bends) = (Vec::new(), Vec::new(), Vec::new());
        // When each key was struck, and how hard. Channels do not end each other's notes.
        let mut held: HashMap<(u8, u8), (u64, Velocity)> = HashMap::new();
        let close = |key: u8, (struck, velocity): (u64, Velocity), end: Tick| -> Result<Note, ScoreError> {
            let start = tick(struck);
            Ok(Note { start, duration: end.saturating_sub(start), pitch: Pitch::new(key.into())?, velocity })
        };
        for message in &self.messages {
            let (micros, status, a, b) = message;
            let (now, channel) = (tick(*micros), status & 0x0F);
            match status & 0xF0 {
                0x90 if *b > 0 => {
                    let layers = |((of, key), (struck, _)): (&(u8, u8), &(u64, Velocity))| {
                        *key == *a && *of != channel && micros.saturating_sub(*struck) <= LAYERED
                    };
                    if held.iter().any(layers) {
                        continue;
                    }
                    let strike = (*micros, Velocity::new((*b).into())?);
                    if let Some(before) = held.insert((channel, *a), strike) {
                        notes.push(close(*a, before, now)?);
                    }
                }
                0x80 | 0x90 => {
                    if let Some(before) = held.remove(&(channel, *a)) {
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
        for ((_, key), before) in held {
            notes.push(close(key, before, end)?);
        }
        let mut track = Track::new("Keyboard", Program::MIN).with_notes(notes);
        track.set_controls(controls);
        track.set_pitch_bends(bends);
        score.push_track(track);
        Ok(score)
    }
}

fn is_strike((_, status, _, b): &(u64, u8, u8, u8)) -> bool {
    status & 0xF0 == 0x90 && *b > 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Starts, lengths, pitches and velocities at 60 a minute, where a second is 480 ticks.
    fn played(messages: &[(u64, [u8; 3])]) -> Vec<(u32, u32, u8, u8)> {
        let mut recording = Recording::default();
        messages.iter().for_each(|(micros, message)| recording.push(*micros, message));
        let score = recording.score(60.0).unwrap();
        let values = |n: &Note| (n.start.get(), n.duration.get(), n.pitch.get(), n.velocity.get());
        score.tracks()[0].notes().iter().map(values).collect()
    }

    #[test]
    fn a_keyboard_that_layers_two_channels_plays_each_key_once() {
        let layered = [
            (0, [0x90, 60, 100]),
            (900, [0x91, 60, 90]),
            (1800, [0x90, 64, 80]),
            (2700, [0x91, 64, 70]),
            // Let go in another order, and by notes on without velocity.
            (500_000, [0x81, 60, 0]),
            (501_000, [0x80, 60, 0]),
            (1_000_000, [0x90, 64, 0]),
            (1_001_000, [0x91, 64, 0]),
        ];
        // From 0 to 240.48 ticks and from 0.86 to 480: the first channel's.
        assert_eq!(played(&layered), [(0, 240, 60, 100), (1, 479, 64, 80)]);
    }

    #[test]
    fn two_keyboards_do_not_end_each_others_notes() {
        let both = [
            (0, [0x90, 60, 100]),
            (500_000, [0x91, 60, 90]),
            (750_000, [0x81, 60, 0]),
            (1_000_000, [0x80, 60, 0]),
        ];
        assert_eq!(played(&both), [(0, 480, 60, 100), (240, 120, 60, 90)]);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let mut recording = Recording::default();
        for micros in 0..Recording::MOST as u64 + 3 {
            recording.push(micros, &[0xB0, 1, 64]);
        }
        // Passed over in any case.
        recording.push(0, &[0xF8]);
        assert_eq!((recording.messages.len(), recording.lost()), (500_000, 3));
    }
}
