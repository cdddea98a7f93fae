//! [`Event`]: what an observer is told while a technique works, and how notes are heard among tokens.

use deepcompose_core::{Note, PerformanceEvent, Pitch, Tick, TokenId, Velocity};

/// Something that a model has just made, in ticks of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The AR-CNN has flipped a cell of the piano roll. A later edit may flip it back.
    Cell {
        /// Where the cell begins.
        start: Tick,
        /// How long it is: a sixteenth.
        duration: Tick,
        /// Its pitch.
        pitch: Pitch,
        /// Whether it sounds now.
        on: bool,
    },
    /// A note of the Transformer has ended.
    Note {
        /// Index of the track it goes to.
        track: usize,
        /// The note.
        note: Note,
    },
}

/// Follows performance tokens as they are drawn. The notes that it hears are those that decoding all
/// tokens gives, but for notes still held at the end.
#[derive(Debug)]
pub(super) struct Listener {
    now: Tick,
    velocity: Velocity,
    held: [Option<Note>; 128],
}

impl Listener {
    /// One that has heard the tokens of the prompt, of which only the velocity matters.
    pub(super) fn new(velocity: Option<TokenId>) -> Self {
        let mut listener = Self { now: Tick::ZERO, velocity: Velocity::DEFAULT, held: [None; 128] };
        velocity.map(|token| listener.hear(token));
        listener
    }

    /// The note that the token ends, in units since the first token.
    pub(super) fn hear(&mut self, token: TokenId) -> Option<Note> {
        let now = self.now;
        let (pitch, new) = match PerformanceEvent::from_id(token)? {
            PerformanceEvent::TimeShift(units) => {
                self.now = now.saturating_add(Tick::saturating(units.into()));
                return None;
            }
            PerformanceEvent::Velocity(bin) => {
                self.velocity = PerformanceEvent::bin_velocity(bin);
                return None;
            }
            PerformanceEvent::NoteOn(pitch) => {
                (pitch, Some(Note { start: now, pitch, duration: Tick::ZERO, velocity: self.velocity }))
            }
            PerformanceEvent::NoteOff(pitch) => (pitch, None),
            PerformanceEvent::Start | PerformanceEvent::Pad => return None,
        };
        let held = self.held.get_mut(usize::from(pitch.get()))?;
        let ended = std::mem::replace(held, new)?;
        let duration = now.saturating_sub(ended.start);
        (duration > Tick::ZERO).then_some(Note { duration, ..ended })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn id(event: PerformanceEvent) -> TokenId {
        event.to_id().unwrap()
    }

    #[test]
    fn notes_are_heard_when_they_end() {
        let (c, e) = (Pitch::new(60).unwrap(), Pitch::new(64).unwrap());
        let mut listener = Listener::new(Some(id(PerformanceEvent::Velocity(10))));
        let tokens = [
            PerformanceEvent::NoteOff(e),
            PerformanceEvent::NoteOn(c),
            PerformanceEvent::TimeShift(24),
            PerformanceEvent::NoteOn(c),
            PerformanceEvent::NoteOn(e),
            PerformanceEvent::NoteOff(e),
            PerformanceEvent::TimeShift(100),
            PerformanceEvent::Velocity(0),
            PerformanceEvent::NoteOff(c),
        ];
        let heard: Vec<Note> = tokens.into_iter().filter_map(|t| listener.hear(id(t))).collect();
        // Struck again at 24 and held for 100; the E has no length. Bin 10 is velocity 43.
        let note = |start, duration| Note {
            start: Tick::new(start).unwrap(),
            pitch: c,
            duration: Tick::new(duration).unwrap(),
            velocity: Velocity::new(43).unwrap(),
        };
        assert_eq!(heard, [note(0, 24), note(24, 100)]);
        assert_eq!(listener.hear(TokenId::MAX), None);
    }
}
