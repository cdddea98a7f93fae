//! What the reader refuses, with which error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::Duration;

use deepcompose_midi::{
    Limits, MidiError, Reader, Repair, read, read_bytes, read_patterns_bytes, read_strict_bytes,
};
use support::{END, chunk, file, parallel, single, track};

fn error(bytes: &[u8]) -> MidiError {
    read_strict_bytes(bytes).unwrap_err()
}

/// Refused by the strict reader, read by the lenient one with this repair.
fn mended(bytes: &[u8]) -> Vec<Repair> {
    assert!(read_strict_bytes(bytes).is_err());
    let (_, report) = read_bytes(bytes).unwrap();
    assert!(report.is_damaged());
    report.repairs().map(|(repair, _)| repair).collect()
}

/// Offset and track of a malformed file.
fn malformed(bytes: &[u8]) -> (usize, Option<usize>) {
    match error(bytes) {
        MidiError::Malformed { offset, track, .. } => (offset, track),
        other => panic!("{other}"),
    }
}

/// What is limited, the value and the limit.
fn over(reader: Reader, bytes: &[u8]) -> (&'static str, u64, u64) {
    match reader.read_bytes(bytes).unwrap_err() {
        MidiError::Limit { what, value, limit, .. } => (what, value, limit),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_no_midi_file_is_refused() {
    assert_eq!(malformed(b""), (0, None));
    assert_eq!(error(b"").to_string(), "malformed MIDI file: the file is empty (byte 0)");
    assert_eq!(malformed(b"not a midi file"), (0, None));
    assert_eq!(malformed(b"MThd"), (4, None));
    assert_eq!(malformed(b"MThd\0\0\0\x06\0\0\0\x01\0"), (13, None));
    assert_eq!(malformed(b"MThd\0\0\0\x05\0\0\0\x01\0\x60"), (4, None));
    assert_eq!(malformed(b"MThd\0\0\xFF\x06\0\0\0\x01\0\x60"), (14, None));
    // A header that promises a track, and nothing else.
    assert_eq!(malformed(&file(0, 1, 96, &[])), (14, Some(0)));
}

#[test]
fn headers_without_meaning_are_refused_where_they_are() {
    let division = file(0, 1, 0, &[track(&[])]);
    assert_eq!((malformed(&division), mended(&division)), ((12, None), vec![Repair::Division]));
    let kind = file(3, 1, 96, &[track(&[])]);
    assert_eq!((malformed(&kind), mended(&kind)), ((8, None), vec![Repair::UnknownType]));
    let patterns = file(2, 2, 96, &[track(&[]), track(&[])]);
    assert!(matches!(error(&patterns), MidiError::Unsupported { .. }));
}

#[test]
fn without_a_header_there_is_no_time() {
    let bytes = file(0, 1, 96, &[track(&[&[0, 0x90, 60, 80]])]);
    assert!(matches!(read_bytes(&bytes[14..]), Err(MidiError::Malformed { offset: 0, track: None, .. })));
}

#[test]
fn bytes_that_are_no_events_are_refused_where_they_are() {
    let first = 14 + 8;
    assert_eq!(malformed(&single(&[&[0, 60, 80]])), (first + 1, Some(0)));
    assert_eq!(malformed(&single(&[&[0, 0x90, 60, 0x80]])), (first + 3, Some(0)));
    assert_eq!(malformed(&single(&[&[0x80, 0x80, 0x80, 0x80, 0, 0x90, 60, 80]])), (first, Some(0)));
    assert_eq!(malformed(&parallel(&[track(&[]), track(&[&[0, 1]])])), (first + 4 + 8 + 1, Some(1)));
}

#[test]
fn every_truncation_is_refused_or_mended() {
    let events: &[&[u8]] = &[&[0, 0xFF, 3, 1, b'a'], &[0, 0xC0, 5], &[0, 0x90, 60, 80], &[10, 0x80, 60, 64]];
    for whole in [parallel(&[track(events)]), parallel(&[track(&[]), track(events)])] {
        for end in 0..whole.len() {
            assert!(matches!(error(&whole[..end]), MidiError::Malformed { .. }), "cut at {end}");
            // There is a track as soon as there is the header of one.
            assert_eq!(read_bytes(&whole[..end]).is_ok(), end >= 14 + 8, "cut at {end}");
        }
    }
}

#[test]
fn ticks_past_the_last_are_refused() {
    // Two deltas of 2^28 - 1.
    let far: &[u8] = &[0xFF, 0xFF, 0xFF, 0x7F];
    let note = [far, &[0x90, 60, 80], far, &[0x80, 60, 64]].concat();
    let unlimited = Reader::new().limits(Limits::unlimited());
    assert_eq!(over(unlimited, &single(&[&note])), ("ticks from the start", (1 << 29) - 2, (1 << 28) - 1));
    let tempo = [far, &[0xFF, 1, 0], far, &[0xFF, 0x51, 3, 1, 1, 1]].concat();
    assert_eq!(over(unlimited, &single(&[&tempo])).0, "ticks from the start");
    // An end of track may be there: it ends an unclosed note at the last tick.
    let end = [&[1, 0x90, 60, 80, 0, 0xFF, 1, 0][..], far, &[0xFF, 0x2F, 0]].concat();
    let bytes = file(0, 1, 96, &[chunk(b"MTrk", &end)]);
    let (score, _) = unlimited.read_bytes(&bytes).unwrap();
    assert_eq!(score.end().get(), (1 << 28) - 1);
}

#[test]
fn limits_hold_and_are_not_off_by_one() {
    let events: &[&[u8]] =
        &[&[0, 0x90, 60, 80], &[96, 0x80, 60, 64], &[0, 0x91, 60, 80], &[96, 0x81, 60, 64]];
    let bytes = parallel(&[track(&[]), track(events)]);
    let length = bytes.len() as u64;
    let allows = |limits: Limits| Reader::new().limits(limits).read_bytes(&bytes).is_ok();
    let refuses = |limits: Limits| over(Reader::new().limits(limits), &bytes);
    let all = Limits::default();

    assert!(allows(all.with_bytes(length)));
    assert_eq!(refuses(all.with_bytes(length - 1)), ("bytes", length, length - 1));
    assert!(allows(all.with_events(4)));
    assert_eq!(refuses(all.with_events(3)), ("events", 4, 3));
    assert!(allows(all.with_notes(2)));
    assert_eq!(refuses(all.with_notes(1)), ("notes", 2, 1));
    assert!(allows(all.with_tracks(2)));
    assert_eq!(refuses(all.with_tracks(1)), ("file tracks", 2, 1));
    // Two quarter notes at 120 a minute.
    assert!(allows(all.with_duration(Duration::from_secs(1))));
    assert_eq!(refuses(all.with_duration(Duration::from_millis(999))).0, "seconds of playing time");
}

#[test]
fn score_tracks_are_limited_too() {
    // One file track, three programs.
    let bytes = single(&[
        &[0, 0xC0, 1, 0, 0x90, 60, 80, 1, 60, 0],
        &[0, 0xC0, 2, 0, 0x90, 60, 80, 1, 60, 0],
        &[0, 0xC0, 3, 0, 0x90, 60, 80, 1, 60, 0],
    ]);
    let reader = |tracks| Reader::new().limits(Limits::default().with_tracks(tracks));
    assert_eq!(reader(3).read_bytes(&bytes).unwrap().0.tracks().len(), 3);
    assert_eq!(over(reader(2), &bytes), ("tracks", 3, 2));
}

#[test]
fn long_names_are_cut() {
    let mut name = vec![0, 0xFF, 3, 0x90, 0x00];
    name.extend([b'n'; 2048]);
    let (score, report) =
        Reader::new().read_bytes(&single(&[&name, &[0, 0x90, 60, 80], &[1, 0x80, 60, 64]])).unwrap();
    assert_eq!(score.tracks()[0].name(), "n".repeat(1024));
    assert_eq!(report.repair_count(Repair::LongName), 1);
}

/// A file of this many bytes may not take memory out of proportion, nor time.
#[test]
fn small_files_cannot_ask_for_much() {
    // A track that claims 4 GiB.
    let claim = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\xFF\xFF\xFF\xFF\0\x90\x3C\x50".to_vec();
    assert!(matches!(error(&claim), MidiError::Malformed { .. }));
    // An event that claims 256 MiB.
    assert!(matches!(error(&single(&[&[0, 0xF0, 0xFF, 0xFF, 0xFF, 0x7F]])), MidiError::Malformed { .. }));
    // Seventy-seven hours at the default tempo, in a few bytes.
    let long = single(&[&[0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 80], &[0, 0x80, 60, 64]]);
    assert_eq!(over(Reader::new(), &long).0, "seconds of playing time");

    // Controls that would be copied to very many tracks.
    let playing = track(&[&[0, 0x90, 60, 80], &[1, 60, 0]]);
    let control: &[u8] = &[0, 0xB0, 7, 1];
    let mut tracks = vec![track(&vec![control; 2000])];
    tracks.extend(vec![playing; 2000]);
    assert_eq!(over(Reader::new(), &parallel(&tracks)).0, "events");

    // Programs that take over from each other, each with all controls changed.
    let mut events = Vec::new();
    for round in 0..30_000u32 {
        for controller in [1, 2, 3, 4, 5, 7, 8, 9, 10, 11] {
            events.extend([0, 0xB0, controller, (round % 128) as u8]);
        }
        events.extend([0, 0xC0, (round % 128) as u8, 0, 0x90, 60, 80, 0, 60, 0]);
    }
    let in_the_file = 30_000u64 * (10 + 3);
    let reader = |more: u64| Reader::new().limits(Limits::default().with_events(in_the_file + more));
    assert_eq!(over(reader(200_000), &single(&[&events])).0, "events");
    assert!(reader(300_000).read_bytes(&single(&[&events])).is_ok());

    // A name in each of very many tracks is cut to its limit.
    let mut name = vec![0, 0xFF, 3, 0x81, 0x80, 0x00];
    name.extend([b'n'; 0x4000]);
    let mut one = vec![name];
    for channel in 0..16u8 {
        one.push(vec![0, 0x90 | channel, 60, 80, 1, 60, 0]);
    }
    let parts: Vec<&[u8]> = one.iter().map(Vec::as_slice).collect();
    let (score, _) = read_bytes(&single(&parts)).unwrap();
    assert!(score.tracks().iter().all(|t| t.name().len() == 1024));
}

#[test]
fn limits_hold_over_all_patterns() {
    let pattern = track(&[&[0, 0x90, 60, 80], &[1, 0x80, 60, 64]]);
    let bytes = file(2, 3, 96, &vec![pattern; 3]);
    assert_eq!(read_patterns_bytes(&bytes).unwrap().0.len(), 3);
    let reader = Reader::new().limits(Limits::default().with_notes(2));
    assert!(matches!(reader.read_patterns_bytes(&bytes), Err(MidiError::Limit { what: "notes", .. })));
}

#[test]
fn files_that_cannot_be_opened_say_which() {
    let missing = std::env::temp_dir().join("deepcompose-midi-no-such-file.mid");
    let error = read(&missing).unwrap_err();
    assert!(matches!(&error, MidiError::Io { path, .. } if *path == missing));
    assert!(error.to_string().contains("no-such-file"));
}

#[test]
fn the_byte_limit_holds_for_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mid");
    let bytes = single(&[END]);
    std::fs::write(&path, &bytes).unwrap();
    let length = bytes.len() as u64;
    let reader = |bytes| Reader::new().limits(Limits::default().with_bytes(bytes));
    assert!(reader(length).read(&path).is_ok());
    assert!(matches!(reader(length - 1).read(&path), Err(MidiError::Limit { what: "bytes", .. })));
}
