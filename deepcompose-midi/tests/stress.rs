//! Files that ask for much: sizes and numbers at the edge of the format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use deepcompose_midi::{Limits, MidiError, Reader, Repair, Skipped, read_bytes};
use support::{chunk, file, parallel, single, track};

fn unlimited() -> Reader {
    Reader::new().limits(Limits::unlimited())
}

/// What takes this long grows with the square of something: a million events take well under a
/// second, without optimisation some seconds.
const FOREVER: Duration = Duration::from_secs(60);

#[test]
fn the_most_tracks_that_a_header_can_promise() {
    let empty = vec![track(&[]); 65_535];
    let bytes = parallel(&empty);
    assert!(matches!(read_bytes(&bytes), Err(MidiError::Limit { what: "file tracks", value: 4097, .. })));
    let (score, report) = unlimited().read_bytes(&bytes).unwrap();
    assert_eq!((score.tracks().len(), report.file_tracks()), (0, 65_535));
    assert!(report.is_clean(), "{report}");
}

/// All on one channel: one sets programs, the others play without one of their own.
#[test]
fn four_thousand_tracks_that_look_up_the_program_of_one() {
    let start = Instant::now();
    let mut setter = Vec::new();
    for change in 0..20_000u32 {
        setter.extend([1, 0xC0, (change % 128) as u8]);
    }
    let mut tracks = vec![track(&[&setter])];
    // Sixteen notes on the tick behind the third program change, which is 2.
    let player = track(&[&[3, 0x90, 60, 80], &[0, 60, 0, 0, 60, 80].repeat(15), &[1, 60, 0]]);
    tracks.extend(vec![player; 4000]);
    let (score, report) = read_bytes(&parallel(&tracks)).unwrap();
    assert_eq!(score.note_count(), 4000 * 16);
    assert!(score.tracks().iter().all(|t| t.program().get() == 2 || t.notes().is_empty()));
    // All but that one, and the last, which is an empty track's.
    assert_eq!(report.skipped_count(Skipped::UnusedProgram), 19_998);
    assert!(start.elapsed() < FOREVER);
}

#[test]
fn a_million_notes() {
    let start = Instant::now();
    let mut events = vec![0, 0x90, 60, 80];
    for note in 0..999_999u32 {
        // Overlapping: each key sounds again before it is let go.
        events.extend([0, (note % 128) as u8, 80]);
    }
    for note in 0..999_999u32 {
        events.extend([0, (note % 128) as u8, 0]);
    }
    let bytes = single(&[&events]);
    let reader = Reader::new().limits(Limits::default().with_events(3_000_000));
    let (score, _) = reader.read_bytes(&bytes).unwrap();
    assert_eq!(score.note_count(), 1_000_000);
    assert!(start.elapsed() < FOREVER);
}

#[test]
fn a_million_bytes_of_damage() {
    let start = Instant::now();
    // Every event is damaged; nothing leads to the end of the track.
    let (score, report) = read_bytes(&file(0, 1, 96, &[chunk(b"MTrk", &[0x90; 1_000_000])])).unwrap();
    assert!(score.is_empty());
    assert_eq!(report.repairs().next().unwrap().1.bytes(), 1_000_000);
    // As many tracks as that, each damaged.
    let broken = chunk(b"MTrk", &[0, 0x90, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let (_, report) = read_bytes(&file(1, 4096, 96, &vec![broken; 4096])).unwrap();
    assert_eq!(report.repair_count(Repair::DamagedTrack), 4096);
    // A track header in every eight bytes, none with a true length.
    let headers = b"MTrk\xFF\xFF\xFF\xFF".repeat(4096);
    assert!(read_bytes(&file(1, 4096, 96, &[headers])).is_ok());
    assert!(start.elapsed() < FOREVER);
}

/// Two deltas of 2^28 − 1 are past the last tick, sixteen past 2^32.
#[test]
fn times_past_the_end() {
    let far: &[u8] = &[0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 1, 0];
    let far_note: &[u8] = &[0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 80];
    for times in [2, 16, 17, 40] {
        let events = [far.repeat(times - 1).as_slice(), far_note].concat();
        let error = unlimited().read_bytes(&single(&[&events])).unwrap_err();
        assert!(matches!(error, MidiError::Limit { what: "ticks from the start", .. }), "{error}");
    }
    let (score, _) = unlimited().read_bytes(&single(&[far_note])).unwrap();
    assert_eq!(score.tracks()[0].notes()[0].start.get(), (1 << 28) - 1);
}

#[test]
fn the_finest_and_the_coarsest_division() {
    let note: &[u8] = &[0, 0x90, 60, 80, 96, 60, 0];
    for (division, seconds) in [(32_767u16, 96.0 * 0.5 / 32_767.0), (1, 48.0)] {
        let (score, _) = read_bytes(&file(0, 1, division, &[track(&[note])])).unwrap();
        assert!((score.duration_seconds() - seconds).abs() < 1e-9);
    }
}

/// A million texts of no length, and names for every channel of every port.
#[test]
fn very_many_texts() {
    let start = Instant::now();
    let texts: &[u8] = &[0, 0xFF, 5, 0].repeat(1_000_000);
    let (score, _) = read_bytes(&single(&[texts, &[0, 0x90, 60, 80, 1, 60, 0]])).unwrap();
    assert_eq!(score.tracks()[0].texts().len(), 1_000_000);
    let mut events = Vec::new();
    for port in 0..=255 {
        events.extend([0, 0xFF, 0x21, 1, port]);
        for channel in 0..16 {
            events.extend([
                0,
                0xFF,
                0x20,
                1,
                channel,
                0,
                0xFF,
                4,
                1,
                b'a' + channel,
                0,
                0x90 | channel,
                60,
                80,
                0,
                60,
                0,
            ]);
        }
    }
    let (score, report) = read_bytes(&single(&[&events])).unwrap();
    assert_eq!(score.tracks().len(), 4096);
    assert_eq!(score.tracks()[4095].name(), "p");
    assert!(report.is_clean(), "{report}");
    assert!(start.elapsed() < FOREVER);
}
