//! Files that cannot be read, or only in part: the right error, at once.

use std::time::Duration;

use deepcompose_midi::{Limits, MidiError, Reader, Repair};

use crate::files::{Events, around, header, tracks};
use crate::measure::{alone, cost};
use crate::{MANY, read, read_limited, read_strict};

/// The offset at which the strict reader refuses the file, and what the lenient one makes of it:
/// how many notes, and that it was mended as said.
fn damaged(bytes: &[u8], notes: usize, repair: Repair) -> usize {
    let (result, strict) = cost(|| read_strict(bytes));
    let (mended, lenient) = cost(|| read(bytes));
    for cost in [strict, lenient] {
        assert!(cost.peak < (1 << 20) + 64 * bytes.len(), "{cost:?}");
    }
    let (score, report) = mended.unwrap();
    assert_eq!((score.note_count(), report.repair_count(repair) > 0), (notes, true), "{report}");
    match result {
        Err(MidiError::Malformed { offset, .. }) => offset,
        other => panic!("{other:?}"),
    }
}

/// What is over the limit, if the file is refused for that.
fn limit_of(result: Result<impl std::fmt::Debug, MidiError>) -> (&'static str, u64) {
    match result {
        Err(MidiError::Limit { what, limit, .. }) => (what, limit),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_division_of_0_is_damage_where_it_stands() {
    let _alone = alone();
    let bytes = [header(0, 1, 0), Events::new().on(0, 60).off(10, 60).chunk()].concat();
    assert_eq!(damaged(&bytes, 1, Repair::Division), 12);
    assert_eq!(read(&bytes).unwrap().0.ticks_per_quarter().get(), 480);
}

#[test]
fn a_division_of_32767_is_read() {
    let _alone = alone();
    let bytes = [header(0, 1, 32_767), Events::new().on(32_767, 60).off(32_767, 60).chunk()].concat();
    let (score, _) = read(&bytes).unwrap();
    assert_eq!(score.ticks_per_quarter().get(), 32_767);
    // Two quarter notes at 120 a minute.
    assert!((score.duration_seconds() - 1.0).abs() < 1e-9);
}

#[test]
fn variable_lengths_of_five_bytes_are_damage() {
    let _alone = alone();
    // The delta of the first event, 22 bytes into the file.
    let mut bytes = header(0, 1, 96);
    let body = [0x80, 0x80, 0x80, 0x80, 0x01, 0x90, 60, 80, 0, 0xFF, 0x2F, 0];
    bytes.extend(b"MTrk\0\0\0\x0C");
    bytes.extend(body);
    assert!((22..27).contains(&damaged(&bytes, 1, Repair::LongNumber)));
    assert_eq!(read(&bytes).unwrap().0.tracks()[0].notes()[0].start.get(), 1);
    // The length of a text.
    let bytes = around(|e| {
        e.event(0, &[0xFF, 0x01, 0x80, 0x80, 0x80, 0x80, 0x00]);
    });
    assert!((26..34).contains(&damaged(&bytes, 1, Repair::LongNumber)));
}

#[test]
fn tempo_0_and_signatures_of_0_are_passed_over() {
    let _alone = alone();
    let bytes = around(|e| {
        e.meta(0, 0x51, &[0, 0, 0]).meta(0, 0x58, &[0, 0, 0, 0]).meta(0, 0x58, &[4, 255, 24, 8]);
    });
    let (score, report) = read(&bytes).unwrap();
    assert_eq!((score.note_count(), report.repair_count(Repair::InvalidMeta)), (1, 3));
    assert_eq!(score.tempo_map(), &deepcompose_core::TempoMap::default());
    assert!(score.bars().take(100).count() <= 100);
}

#[test]
fn ticks_near_2_to_the_32_are_refused() {
    let _alone = alone();
    // 15 and 16 times the longest delta: just under and just over 2^32.
    for deltas in [15, 16] {
        let mut events = Events::repeat(deltas, |e, _| {
            e.meta(0x0FFF_FFFF, 0x01, b"x");
        });
        let (what, _) = limit_of(read(&events.on(0, 60).off(1, 60).file()));
        assert_eq!(what, "ticks from the start");
    }
}

#[test]
fn the_last_tick_there_is_can_be_played() {
    let _alone = alone();
    let bytes = Events::new().on(0x0FFF_FFFF - 1, 60).off(1, 60).file();
    let (score, _) = read(&bytes).unwrap();
    assert_eq!(score.end(), deepcompose_core::Tick::MAX);
    let (what, limit) = limit_of(read_limited(&bytes));
    assert_eq!((what, limit), ("seconds of playing time", 24 * 60 * 60));
}

#[test]
fn more_tracks_than_allowed_are_refused() {
    let _alone = alone();
    let bytes = tracks(65_535, |_, _| {});
    assert_eq!(limit_of(read_limited(&bytes)).0, "file tracks");
    assert_eq!(read(&bytes).unwrap().1.file_tracks(), 65_535);
}

#[test]
fn more_notes_than_allowed_are_refused_before_they_are_kept() {
    let _alone = alone();
    let bytes = crate::files::notes(MANY);
    let limits = Limits::default().with_notes(1000).with_duration(Duration::MAX);
    let (result, _) = cost(|| Reader::new().limits(limits).read_bytes(&bytes));
    assert_eq!(limit_of(result), ("notes", 1000));
    let limits = Limits::default().with_events(1000).with_duration(Duration::MAX);
    let (result, cost) = cost(|| Reader::new().limits(limits).read_bytes(&bytes));
    assert_eq!(limit_of(result), ("events", 1000));
    assert!(cost.peak < (1 << 20) + 8 * bytes.len(), "{cost:?}");
}

#[test]
fn lengths_that_are_not_there_allocate_nothing() {
    let _alone = alone();
    let huge = [0xFF, 0xFF, 0xFF, 0x7F];
    let text = around(|e| {
        e.event(0, &[[0xFF, 0x01].as_slice(), &huge].concat());
    });
    let system = around(|e| {
        e.event(0, &[[0xF0].as_slice(), &huge].concat());
    });
    for bytes in [text, system] {
        // The note before it is there.
        damaged(&bytes, 1, Repair::Resynchronised);
    }
    // A header, and a track, of nearly 4 GiB.
    let mut long_header = around(|_| {});
    long_header[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    damaged(&long_header, 1, Repair::HeaderLength);
    let mut long_track = header(0, 1, 96);
    long_track.extend(b"MTrk\xFF\xFF\xFF\xFF\0\x90\x3C\x50");
    damaged(&long_track, 1, Repair::DamagedTrack);
}

#[test]
fn more_tracks_promised_than_there_are() {
    let _alone = alone();
    let mut bytes = header(1, u16::MAX, 96);
    bytes.extend(Events::new().on(0, 60).off(10, 60).chunk());
    damaged(&bytes, 1, Repair::TrackCount);
}

#[test]
fn riff_within_riff_is_no_music() {
    let _alone = alone();
    let mut bytes = Vec::new();
    for depth in (0..MANY as u32).rev() {
        bytes.extend(b"RIFF");
        bytes.extend((depth * 12 + 4).to_le_bytes());
        bytes.extend(b"RMID");
    }
    let (result, cost) = cost(|| read(&bytes));
    assert!(matches!(result, Err(MidiError::Malformed { .. })), "{result:?}");
    assert!(cost.peak < 1 << 20, "{cost:?}");
}
