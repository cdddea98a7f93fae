//! Time as TSD and MIDI-Like tell it: time shifts.

use super::Tokenization;
use super::config::TokenizerConfig;
use super::events::{Event, EventKind};
use super::signatures::ticks_per_beat;
use super::vocabulary::Vocabulary;
use super::writer::{Times, Writer};

/// Writes the events with time shifts and rests between them. Says how many events had no room.
pub(super) fn write_shifts(
    events: &[Event],
    ticks_per_quarter: i64,
    config: &TokenizerConfig,
    vocabulary: &Vocabulary,
    tokenization: Tokenization,
    out: &mut Writer,
) -> usize {
    let mut shifts = Times::new(&vocabulary.values.durations);
    let mut rests = Times::new(&vocabulary.values.rests);
    shifts.set_beat(ticks_per_quarter);
    rests.set_beat(ticks_per_quarter);
    let (mut now, mut note_end) = (0, 0);
    for (index, event) in events.iter().enumerate() {
        let wait = event.time - now;
        let rest_tokens = if config.use_rests { rests.tokens_of(wait) } else { 0 };
        if !out.has_room_for(shifts.tokens_of(wait) + rest_tokens) {
            return events.len() - index;
        }
        if event.time != now {
            if config.use_rests && event.time - note_end >= rests.shortest() {
                now = now.max(note_end);
                for (index, ticks) in rests.split(event.time - now) {
                    out.push(vocabulary.rests.id(index), now);
                    now += ticks;
                }
            }
            for (index, ticks) in shifts.split(event.time - now) {
                out.push(vocabulary.time_shifts.id(index), now);
                now += ticks;
            }
            now = event.time;
        }
        if let EventKind::TimeSignature { lower, .. } = event.kind {
            let beat = ticks_per_beat(lower, ticks_per_quarter).max(1);
            shifts.set_beat(beat);
            rests.set_beat(beat);
        }
        out.push(event.token, event.time);
        // MIDI-Like does not count time signatures and controls among what ends a rest.
        let holds = match event.kind {
            EventKind::TimeSignature { .. } | EventKind::Control
                if tokenization == Tokenization::MidiLike =>
            {
                0
            }
            _ => event.holds_until(),
        };
        note_end = note_end.max(holds);
    }
    0
}
