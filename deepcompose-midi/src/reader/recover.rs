//! Where reading can go on behind a byte that is no part of an event.
//!
//! A track chunk has no marks to find one's way by, so a guess must prove itself: from where it
//! takes up reading, every byte to the end of the chunk must be part of an event, and the last event
//! must be the end of track. There is one guess a track, so time stays linear.

use crate::reader::events::{Damage, END_OF_TRACK, EventReader, Message};
use crate::reader::report::Repair;

/// How far behind the damage an event is looked for, in bytes.
const REACH: usize = 16;

/// Reading taken up again.
#[derive(Debug)]
pub(super) struct Recovery<'a> {
    pub(super) events: EventReader<'a>,
    pub(super) repair: Repair,
    /// Bytes passed over.
    pub(super) bytes: usize,
}

/// Finds out how to go on after `damage` in the event that begins (with its delta time) at `start`.
///
/// 1. Data bytes over 127 are taken as 127, as mido's `clip` does: nothing is passed over.
/// 2. Else the event is given up, and reading goes on at the nearest byte at which it can, with a
///    delta time and a status byte; at most 16 bytes behind the damage.
pub(super) fn recover<'a>(events: &EventReader<'a>, start: usize, damage: Damage) -> Option<Recovery<'a>> {
    let clipping = events.clipping_from(start);
    if reaches_end(clipping.clone()) {
        return Some(Recovery { events: clipping, repair: Repair::ClippedData, bytes: 0 });
    }
    let last = damage.offset.saturating_add(REACH);
    (start + 1..=last).find_map(|from| {
        let events = EventReader::new(events.bytes(), from);
        let repair = Repair::Resynchronised;
        reaches_end(events.clone()).then(|| Recovery { events, repair, bytes: from - start })
    })
}

/// Whether all bytes from here on are events, the last of them the end of track.
fn reaches_end(mut events: EventReader<'_>) -> bool {
    let end = events.bytes().len();
    while let Ok(event) = events.next_event() {
        if let Message::Meta { kind: END_OF_TRACK, data: [] } = event.message {
            return events.position() == end && !events.half_end_of_track();
        }
    }
    false
}
