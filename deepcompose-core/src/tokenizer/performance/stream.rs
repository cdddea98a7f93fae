//! Notes on a performance clock to tokens, and back.

use super::super::TokenId;
use super::super::performance_event::PerformanceEvent;
use super::super::report::{DecodeReport, EncodeReport};
use super::PerformanceTokenizer;
use crate::units::{Pitch, Velocity};

/// A note on a performance clock, at least one unit long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnitNote {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) pitch: Pitch,
    pub(super) velocity: Velocity,
}

/// Sorts by start and pitch; of notes with the same start and pitch keeps the longest at the
/// greatest velocity; ends each note where the next of its pitch begins.
pub(super) fn without_overlaps(mut notes: Vec<UnitNote>, report: &mut EncodeReport) -> Vec<UnitNote> {
    notes.sort_by_key(|n| (n.start, n.pitch));
    notes.dedup_by(|next, kept| {
        let same = next.start == kept.start && next.pitch == kept.pitch;
        if same {
            kept.end = kept.end.max(next.end);
            kept.velocity = kept.velocity.max(next.velocity);
            report.doubled += 1;
        }
        same
    });
    let mut next_start = [u64::MAX; 128];
    for note in notes.iter_mut().rev() {
        let next = &mut next_start[usize::from(note.pitch.get())];
        if *next < note.end {
            note.end = *next;
            report.cut += 1;
        }
        *next = note.start;
    }
    notes
}

/// Leaves out the notes that would take the sequence past its limit.
pub(super) fn within_limit(notes: &mut Vec<UnitNote>, report: &mut EncodeReport) {
    let longest = u64::from(PerformanceEvent::MAX_TIME_SHIFT);
    let (mut kept, mut end) = (0_u64, 0_u64);
    notes.retain(|note| {
        let new_end = end.max(note.end);
        // A note costs a velocity, an on, an off and at most two partial time shifts.
        let fits = new_end / longest + 5 * (kept + 1) < PerformanceTokenizer::MAX_TOKENS as u64;
        if fits {
            kept += 1;
            end = new_end;
        } else {
            report.over_limit += 1;
        }
        fits
    });
}

/// Writes notes that do not overlap in pitch.
pub(super) fn write_events(tokens: &mut Vec<TokenId>, notes: &[UnitNote]) {
    // A note-off has no velocity. At one time note-offs come first.
    let offs = notes.iter().map(|n| (n.end, None, n.pitch));
    let ons = notes.iter().map(|n| (n.start, Some(n.velocity), n.pitch));
    let mut events: Vec<(u64, Option<Velocity>, Pitch)> = offs.chain(ons).collect();
    events.sort_by_key(|(time, velocity, pitch)| (*time, velocity.is_some(), *pitch));

    let mut now = 0;
    let mut bin = None;
    for (time, velocity, pitch) in events {
        tokens.extend(PerformanceEvent::time_shifts(time - now));
        now = time;
        let event = match velocity {
            None => PerformanceEvent::NoteOff(pitch),
            Some(velocity) => {
                let new_bin = PerformanceEvent::velocity_bin(velocity);
                if bin != Some(new_bin) {
                    tokens.extend(PerformanceEvent::Velocity(new_bin).to_id());
                    bin = Some(new_bin);
                }
                PerformanceEvent::NoteOn(pitch)
            }
        };
        tokens.extend(event.to_id());
    }
}

/// Reads any tokens. Every note is at least one unit long.
pub(super) fn read_events(tokens: &[TokenId]) -> (Vec<UnitNote>, DecodeReport) {
    let mut report = DecodeReport::default();
    let mut notes = Vec::new();
    let mut open: [Option<UnitNote>; 128] = [None; 128];
    let mut velocity = Velocity::DEFAULT;
    let mut now = 0_u64;
    let mut pads = 0;
    // Ends a note; says whether it had a length.
    let mut close = |note: UnitNote, end: u64| {
        let lasts = end > note.start;
        if lasts {
            notes.push(UnitNote { end, ..note });
        }
        lasts
    };
    for (index, token) in tokens.iter().enumerate() {
        let event = PerformanceEvent::from_id(*token);
        if event == Some(PerformanceEvent::Pad) {
            pads += 1;
            continue;
        }
        report.misplaced_pad += std::mem::take(&mut pads);
        match event {
            None => report.unknown_ids += 1,
            Some(PerformanceEvent::Start) => report.misplaced_start += usize::from(index > 0),
            Some(PerformanceEvent::Pad) => {}
            Some(PerformanceEvent::TimeShift(units)) => now = now.saturating_add(units.into()),
            Some(PerformanceEvent::Velocity(bin)) => velocity = PerformanceEvent::bin_velocity(bin),
            Some(PerformanceEvent::NoteOn(pitch)) => {
                let new = UnitNote { start: now, end: now, pitch, velocity };
                match open[usize::from(pitch.get())].replace(new).map(|before| close(before, now)) {
                    None => {}
                    Some(true) => report.restruck += 1,
                    Some(false) => report.zero_length += 1,
                }
            }
            Some(PerformanceEvent::NoteOff(pitch)) => {
                match open[usize::from(pitch.get())].take().map(|note| close(note, now)) {
                    None => report.stray_note_offs += 1,
                    Some(true) => {}
                    Some(false) => report.zero_length += 1,
                }
            }
        }
    }
    for note in open.into_iter().flatten() {
        if close(note, now) {
            report.unclosed += 1;
        } else {
            report.zero_length += 1;
        }
    }
    (notes, report)
}
