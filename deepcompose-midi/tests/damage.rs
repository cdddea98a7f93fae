//! How far damaged files are read, and what the strict reader says of them: each case built byte by byte,
//! with the outcome worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use deepcompose_core::Score;
use deepcompose_midi::{
    MidiError, Place, ReadReport, Repair, Timing, canonical, read_bytes, read_strict_bytes, to_bytes,
};
use support::{END, chunk, file, note, single};

/// Reads, and checks that what was read survives being written.
fn read(bytes: &[u8]) -> (Score, ReadReport) {
    let (score, report) = read_bytes(bytes).unwrap();
    assert_eq!(canonical(&score), score);
    assert_eq!(read_strict_bytes(&to_bytes(&score).unwrap()).unwrap(), score);
    (score, report)
}

/// The repairs and how often each was made.
fn repairs(report: &ReadReport) -> Vec<(Repair, u64)> {
    report.repairs().map(|(r, tally)| (r, tally.count())).collect()
}

const ON_60: &[u8] = &[0, 0x90, 60, 80];

/// A note from 0 to 10 and the end of the track.
fn a_note() -> Vec<u8> {
    [ON_60, &[10, 0x80, 60, 64], END].concat()
}

fn has_one_note_in_each(score: &Score, tracks: usize) {
    let notes: Vec<_> = score.tracks().iter().map(|t| t.notes().to_vec()).collect();
    assert_eq!(notes, vec![vec![note(0, 60, 10, 80)]; tracks]);
}

/// `test-corrupt-file-missing-byte.mid` is such a file: mido, pretty_midi and symusic refuse it.
#[test]
fn a_track_is_kept_up_to_the_damage() {
    let before = [ON_60, &[10, 0x80, 60, 64]].concat();
    // A track that nothing in it shows the way on: there is no end of track.
    let damaged = [before.as_slice(), &[0, 0x90, 0x90, 1], &[5, 0x90, 70, 1]].concat();
    let bytes = file(1, 2, 96, &[chunk(b"MTrk", &damaged), chunk(b"MTrk", &a_note())]);
    let error = read_strict_bytes(&bytes).unwrap_err();
    let place = 14 + 8 + before.len() + 2;
    assert!(
        matches!(&error, MidiError::Malformed { offset, track: Some(0), .. } if *offset == place),
        "{error}"
    );
    let (score, report) = read(&bytes);
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::DamagedTrack, 1)]);
    let (_, tally) = report.repairs().next().unwrap();
    assert_eq!(tally.first(), [Place { track: Some(0), offset: place }]);
    // The event at the damage and the one after it: eight bytes.
    assert_eq!(tally.bytes(), 8);

    let whole = file(1, 2, 96, &[chunk(b"MTrk", &a_note()), chunk(b"MTrk", &a_note())]);
    // Down to the first track whole: every cut is read with all the notes before it.
    for end in 14 + 8 + a_note().len()..whole.len() {
        let (score, report) = read(&whole[..end]);
        assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80)]);
        assert!(report.is_damaged(), "cut at {end}");
        assert!(read_strict_bytes(&whole[..end]).is_err());
    }
}

/// mido does so with `clip=True`; without, it and pretty_midi refuse the file.
#[test]
fn data_bytes_over_127_are_clipped_where_all_else_then_fits() {
    let bytes = single(&[&[0, 0xB0, 7, 0xFF], &[0, 0x90, 60, 0xC8], &[10, 0x80, 60, 64]]);
    let (score, report) = read(&bytes);
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 127)]);
    assert_eq!(score.tracks()[0].controls()[0].value.value(), 127);
    assert_eq!(repairs(&report), [(Repair::ClippedData, 2)]);
    assert!(read_strict_bytes(&bytes).is_err());
}

/// A byte too many between two events shifts all that comes after it.
#[test]
fn reading_goes_on_behind_bytes_that_are_no_event() {
    let bytes = single(&[ON_60, &[10, 0x80, 60, 64], &[0x55], &[0, 0x90, 62, 80], &[10, 0x80, 62, 64]]);
    let (score, report) = read(&bytes);
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80), note(10, 62, 10, 80)]);
    assert_eq!(repairs(&report), [(Repair::Resynchronised, 1)]);
    assert_eq!(report.repairs().next().unwrap().1.bytes(), 1);

    // A track that begins with a data byte.
    let (score, report) = read(&single(&[&[0, 60, 64], &[3, 0x90, 62, 80], &[10, 0x80, 62, 64]]));
    assert_eq!(score.tracks()[0].notes(), [note(3, 62, 10, 80)]);
    assert_eq!(repairs(&report), [(Repair::Resynchronised, 1)]);
}

#[test]
fn numbers_with_zeros_in_front_are_read() {
    let bytes = single(&[
        ON_60,
        &[0x80, 0x80, 0x80, 0x80, 10, 0x80, 60, 64],
        &[0, 0xFF, 5, 0x80, 0x80, 0x80, 0x80, 1, b'a'],
    ]);
    let (score, report) = read(&bytes);
    has_one_note_in_each(&score, 1);
    assert_eq!(repairs(&report), [(Repair::LongNumber, 2)]);
    assert!(read_strict_bytes(&bytes).is_err());
}

#[test]
fn headers_without_meaning_are_mended() {
    let tracks = [chunk(b"MTrk", &a_note())];
    let read_one = |bytes: &[u8], repair| {
        assert!(read_strict_bytes(bytes).is_err(), "{repair:?}");
        let (score, report) = read(bytes);
        has_one_note_in_each(&score, 1);
        assert_eq!(repairs(&report), [(repair, 1)]);
        (score, report)
    };
    // Division 0: the resolution that this crate has where nothing is said.
    let (score, report) = read_one(&file(0, 1, 0, &tracks), Repair::Division);
    assert_eq!(score.ticks_per_quarter().get(), 480);
    assert_eq!(report.timing(), Timing::Metrical { ticks_per_quarter: 480 });
    let no_frames = u16::from_be_bytes([25u8.wrapping_neg(), 0]);
    assert_eq!(read_one(&file(0, 1, no_frames, &tracks), Repair::Division).0.ticks_per_quarter().get(), 480);
    // A frame rate that does not exist: ten ticks of 26 × 4 a second.
    let strange = u16::from_be_bytes([26u8.wrapping_neg(), 4]);
    let (score, _) = read_one(&file(0, 1, strange, &tracks), Repair::Division);
    assert!((score.duration_seconds() - 10.0 / 104.0).abs() < 1e-12);
    let fastest = u16::from_be_bytes([128, 255]);
    assert_eq!(read_one(&file(0, 1, fastest, &tracks), Repair::Division).0.ticks_per_quarter().get(), 32_640);
    // Type 3.
    assert_eq!(read_one(&file(3, 1, 96, &tracks), Repair::UnknownType).1.format(), 3);
    // A length of 5 or of 4 GiB, with the track where it should be.
    for length in [0, 5, 7, 0xFFFF_FFFFu32] {
        let mut bytes = file(0, 1, 96, &tracks);
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        read_one(&bytes, Repair::HeaderLength);
    }
    // 128 bytes in front, as a Macintosh puts them.
    let (_, report) = read_one(&[vec![0; 128], file(0, 1, 96, &tracks)].concat(), Repair::StrayBytes);
    assert_eq!(report.repairs().next().unwrap().1.bytes(), 128);
}
