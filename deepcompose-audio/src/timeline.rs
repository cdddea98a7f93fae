//! [`Timeline`]: a score as events in frames.

use deepcompose_core::{Score, Tick, Track};

use crate::error::AudioError;
use crate::options::RenderOptions;

/// No note is shorter, so that those of no length are heard, in seconds.
const SHORTEST: f64 = 0.02;

/// What happens to a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    NoteOff { id: u32, pitch: u8 },
    Control { controller: u8, value: u8 },
    Bend(i16),
    NoteOn { id: u32, pitch: u8, velocity: u8 },
}

impl Event {
    /// The order at one frame: what ends makes room, and what begins finds the controls set.
    const fn rank(self) -> u8 {
        match self {
            Self::NoteOff { .. } => 0,
            Self::Control { .. } => 1,
            Self::Bend(_) => 2,
            Self::NoteOn { .. } => 3,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    pub(crate) frame: u64,
    pub(crate) track: u32,
    pub(crate) event: Event,
}

/// All events in order, and how long the result is.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) events: Vec<Timed>,
    /// Frames with the tail.
    pub(crate) frames: u64,
}

impl Timeline {
    /// The events of the tracks whose gain is not zero. The sustain pedal has become the lengths of the notes.
    pub(crate) fn new(score: &Score, options: &RenderOptions, gains: &[f32]) -> Result<Self, AudioError> {
        limit("tracks", score.tracks().len() as u64, crate::MAX_TRACKS as u64)?;
        limit("notes", score.note_count() as u64, crate::MAX_NOTES)?;
        let to = options.to.unwrap_or_else(|| score.duration_seconds().max(options.from));
        let mut length = to - options.from;
        let seconds = length + options.tail;
        if seconds > options.max_seconds {
            let (value, limit) = (seconds.ceil() as u64, options.max_seconds as u64);
            return Err(AudioError::Limit { what: "length of the sound in seconds", value, limit });
        }
        let rate = f64::from(options.sample_rate);
        let score = score.clone().sustained_to_release();
        if options.to.is_none() {
            // What only the pedal holds may be cut: a score is not refused for it.
            let held = score.duration_seconds() - options.from;
            length = length.max(held.min(options.max_seconds - options.tail));
        }
        let frame = |tick: Tick| ((score.seconds_at(tick) - options.from) * rate).round() as i64;
        let end = (length * rate).round() as i64;
        // Without an end of its own, the last note is heard even if it has no length.
        let before = if options.to.is_none() { end.saturating_add(1) } else { end };
        let shortest = (SHORTEST * rate) as i64;
        // With the frames that they would have if sound began earlier: what comes before it keeps its order.
        let mut events: Vec<(i64, Timed)> = Vec::new();
        let heard = score.tracks().iter().zip(gains).enumerate().filter(|(_, (_, gain))| **gain > 0.0);
        for (index, (track, _)) in heard {
            let mut push = |frame: i64, event| {
                events.push((frame, Timed { frame: frame.max(0) as u64, track: index as u32, event }));
            };
            for control in track.controls().iter().filter(|c| frame(c.tick) < before) {
                let (controller, value) = (control.value.controller(), control.value.value());
                push(frame(control.tick), Event::Control { controller, value });
            }
            for bend in track.pitch_bends().iter().filter(|b| frame(b.tick) < before) {
                push(frame(bend.tick), Event::Bend(bend.value.get()));
            }
            push_notes(track, &frame, before, shortest, &mut push);
        }
        events.sort_by_key(|(frame, timed)| (*frame, timed.event.rank()));
        let events = events.into_iter().map(|(_, timed)| timed).collect();
        Ok(Self { events, frames: (end.max(0) as u64) + (options.tail * rate).round() as u64 })
    }
}

fn push_notes(
    track: &Track,
    frame: &impl Fn(Tick) -> i64,
    end: i64,
    shortest: i64,
    push: &mut impl FnMut(i64, Event),
) {
    for (id, note) in track.notes().iter().enumerate() {
        let (id, pitch, velocity) = (id as u32, note.pitch.get(), note.velocity.get());
        let (on, off) = (frame(note.start), frame(note.end()));
        let is_over = if track.is_drum() { on < 0 } else { on < 0 && off <= 0 };
        if on >= end || is_over {
            continue;
        }
        push(on, Event::NoteOn { id, pitch, velocity });
        // In the tail notes die away.
        push(off.min(end).max(on.max(0) + shortest), Event::NoteOff { id, pitch });
    }
}

fn limit(what: &'static str, value: u64, limit: u64) -> Result<(), AudioError> {
    if value > limit { Err(AudioError::Limit { what, value, limit }) } else { Ok(()) }
}
