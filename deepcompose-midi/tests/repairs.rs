//! What the reader mends: each case built byte by byte, with the outcome worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use deepcompose_core::{RawKind, Score};
use deepcompose_midi::{
    Place, ReadReport, Repair, Skipped, canonical, read_bytes, read_strict_bytes, to_bytes,
};
use support::{END, chunk, chunk_of_length, file, note, parallel, single, track};

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

#[test]
fn overlapping_notes_of_one_pitch_are_paired_first_on_first_off() {
    // On at 0, on at 10, off at 20, off at 50.
    let (score, report) =
        read(&single(&[ON_60, &[10, 0x90, 60, 90], &[10, 0x80, 60, 64], &[30, 0x80, 60, 64]]));
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 20, 80), note(10, 60, 40, 90)]);
    assert_eq!(repairs(&report), [(Repair::OverlappingNotes, 1)]);
}

#[test]
fn a_repeated_note_put_on_before_the_off_of_its_tick_is_no_overlap() {
    let (score, report) =
        read(&single(&[ON_60, &[10, 0x90, 60, 90], &[0, 0x80, 60, 64], &[10, 0x80, 60, 64]]));
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80), note(10, 60, 10, 90)]);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn an_unclosed_note_ends_with_its_track() {
    let (score, report) =
        read(&file(0, 1, 96, &[chunk(b"MTrk", &[&[5, 0x90, 60, 80][..], &[100, 0xFF, 0x2F, 0]].concat())]));
    assert_eq!(score.tracks()[0].notes(), [note(5, 60, 100, 80)]);
    assert_eq!(repairs(&report), [(Repair::UnclosedNote, 1)]);
    let (_, tally) = report.repairs().next().unwrap();
    // 14 bytes of header chunk, 8 of track header, 1 of delta time.
    assert_eq!(tally.first(), [Place { track: Some(0), offset: 23 }]);
}

#[test]
fn all_notes_off_ends_an_unclosed_note_but_no_other() {
    let all_off: &[u8] = &[10, 0xB0, 123, 0];
    let (score, report) =
        read(&single(&[ON_60, &[0, 0x90, 64, 80], all_off, &[10, 0x80, 64, 64], &[50, 0xFF, 1, 0]]));
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80), note(0, 64, 20, 80)]);
    assert_eq!(repairs(&report), [(Repair::UnclosedNote, 1)]);
}

/// Some programs leave out the note off where the key is struck again.
#[test]
fn a_key_with_too_few_note_offs_sounds_once_at_a_time() {
    let (score, report) = read(&single(&[
        ON_60,
        &[10, 0x80, 60, 64], // 0..10, a whole span of its own
        &[10, 0x90, 60, 81], // 20, struck again at 30
        &[10, 0x90, 60, 82], // 30, with
        &[0, 0x90, 60, 83],  // a second one at the same tick
        &[5, 0x80, 60, 64],  // 35 ends both
        &[1, 0x90, 60, 84],  // 36, to the end of the track
        &[4, 0xFF, 1, 0],    // 40
    ]));
    let expected = [
        note(0, 60, 10, 80),
        note(20, 60, 10, 81),
        note(30, 60, 5, 82),
        note(30, 60, 5, 83),
        note(36, 60, 4, 84),
    ];
    assert_eq!(score.tracks()[0].notes(), expected);
    assert_eq!(repairs(&report), [(Repair::UnclosedNote, 2)]);
}

#[test]
fn stray_note_offs_are_passed_over() {
    let (score, report) = read(&single(&[
        &[0, 0x80, 60, 64],
        ON_60,
        &[10, 0x80, 61, 64],
        &[0, 0x80, 60, 64],
        &[0, 0x90, 60, 0],
    ]));
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80)]);
    assert_eq!(repairs(&report), [(Repair::StrayNoteOff, 3)]);
}

#[test]
fn notes_of_no_length_are_kept() {
    let (score, report) = read(&single(&[ON_60, &[0, 0x80, 60, 64], &[7, 0x90, 62, 1], &[0, 0x90, 62, 0]]));
    assert_eq!(score.tracks()[0].notes(), [note(0, 60, 0, 80), note(7, 62, 0, 1)]);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn tempos_and_signatures_count_wherever_they_are() {
    let score = read(&parallel(&[
        track(&[&[0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20]]), // 500 000
        track(&[
            &[0, 0x90, 60, 80],
            &[96, 0xFF, 0x51, 3, 0x0F, 0x42, 0x40], // 1 000 000
            &[0, 0xFF, 0x58, 4, 6, 3, 24, 8],       // 6/8
            &[0, 0xFF, 0x59, 2, 0xFD, 1],           // C minor
            &[96, 0x80, 60, 64],
        ]),
    ]))
    .0;
    assert_eq!(score.duration_seconds(), 1.5);
    let time = score.time_signatures().last().unwrap();
    assert_eq!((time.tick.get(), time.value.numerator(), time.value.denominator()), (96, 6, 8));
    let key = score.key_signatures()[0];
    assert_eq!((key.tick.get(), key.value.sharps(), key.value.tonic()), (96, -3, 0));
}

#[test]
fn meta_events_that_mean_nothing_are_reported() {
    let (score, report) = read(&single(&[
        &[0, 0xFF, 0x51, 3, 0, 0, 0],             // tempo 0
        &[0, 0xFF, 0x51, 2, 1, 1],                // too short
        &[0, 0xFF, 0x51, 4, 0x0F, 0x42, 0x40, 9], // too long: 1 000 000
        &[0, 0xFF, 0x58, 4, 0, 2, 24, 8],         // 0/4
        &[0, 0xFF, 0x58, 4, 4, 40, 24, 8],        // 4/2^40
        &[0, 0xFF, 0x58, 2, 3, 2],                // 3/4, too short
        &[0, 0xFF, 0x59, 2, 9, 0],                // nine sharps
        &[0, 0xFF, 0x59, 2, 0, 7],                // neither major nor minor
    ]));
    assert_eq!(repairs(&report), [(Repair::InvalidMeta, 8)]);
    assert_eq!(score.tempo_map().changes()[0].value.micros(), 1_000_000);
    let time = score.time_signatures()[0].value;
    assert_eq!((time.numerator(), time.denominator()), (3, 4));
    assert!(score.key_signatures().is_empty());
}

#[test]
fn running_status_is_taken_up_again_after_meta_and_system_exclusive() {
    for between in [&[0, 0xFF, 1, 1, b'x'][..], &[0, 0xF0, 2, 1, 0xF7], &[0, 0xF6]] {
        let (score, report) = read(&single(&[ON_60, between, &[10, 60, 0], &[0, 62, 80], &[5, 62, 0]]));
        assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80), note(10, 62, 5, 80)]);
        assert_eq!(report.repair_count(Repair::RunningStatusResumed), 1, "{between:?}");
    }
    // A real-time message does not end running status.
    let report = read(&single(&[ON_60, &[0, 0xF8], &[10, 60, 0]])).1;
    assert_eq!(repairs(&report), [(Repair::SystemMessage, 1)]);
}

#[test]
fn system_messages_are_passed_over_with_their_data() {
    let all: &[&[u8]] = &[&[0xF1, 1], &[0xF2, 1, 2], &[0xF3, 1], &[0xF4], &[0xF5], &[0xF6]];
    let real_time: Vec<[u8; 1]> = (0xF8..=0xFE).map(|status| [status]).collect();
    for message in all.iter().copied().chain(real_time.iter().map(|m| m.as_slice())) {
        let (score, report) = read(&single(&[ON_60, &[3], message, &[7, 0x80, 60, 64]]));
        assert_eq!(score.tracks()[0].notes(), [note(0, 60, 10, 80)], "{message:?}");
        assert_eq!(repairs(&report), [(Repair::SystemMessage, 1)]);
    }
}

/// A note from 0 to 10 and the end of the track.
fn a_note() -> Vec<u8> {
    [ON_60, &[10, 0x80, 60, 64], END].concat()
}

fn has_one_note_in_each(score: &Score, tracks: usize) {
    let notes: Vec<_> = score.tracks().iter().map(|t| t.notes().to_vec()).collect();
    assert_eq!(notes, vec![vec![note(0, 60, 10, 80)]; tracks]);
}

#[test]
fn wrong_track_lengths_are_seen_through() {
    let body = a_note();
    let length = body.len() as u32;
    let good = chunk(b"MTrk", &body);
    for wrong in [0, 1, length - 1, length + 1, length + 7, length + 300, u32::MAX] {
        let bytes = file(1, 2, 96, &[chunk_of_length(b"MTrk", wrong, &body), good.clone()]);
        let (score, report) = read(&bytes);
        has_one_note_in_each(&score, 2);
        assert_eq!(repairs(&report), [(Repair::TrackLength, 1)], "length {wrong} for {length}");
        // The last track.
        let (score, report) = read(&file(1, 2, 96, &[good.clone(), chunk_of_length(b"MTrk", wrong, &body)]));
        has_one_note_in_each(&score, 2);
        assert_eq!(repairs(&report), [(Repair::TrackLength, 1)], "length {wrong} for {length}");
    }
    // So long that the second track is inside the first.
    let both = [body.as_slice(), &good].concat();
    let (score, report) = read(&file(1, 2, 96, &[chunk(b"MTrk", &both)]));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TrackLength, 1)]);
}

#[test]
fn missing_ends_of_track_are_supplied() {
    let without = [ON_60, &[10, 0x80, 60, 64]].concat();
    let (score, report) = read(&file(1, 2, 96, &[chunk(b"MTrk", &without), chunk(b"MTrk", &a_note())]));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::MissingEndOfTrack, 1)]);

    // A length is believed if a track follows, whatever that one's length is.
    let (score, report) =
        read(&file(1, 2, 96, &[chunk(b"MTrk", &without), chunk_of_length(b"MTrk", 9999, &a_note())]));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TrackLength, 1), (Repair::MissingEndOfTrack, 1)]);
    let (_, tally) = report.repairs().next().unwrap();
    assert_eq!(tally.first()[0].track, Some(1));

    // Neither length nor end: the next track is not read as events.
    let (score, report) =
        read(&file(1, 2, 96, &[chunk_of_length(b"MTrk", 3, &without), chunk(b"MTrk", &a_note())]));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TrackLength, 1), (Repair::MissingEndOfTrack, 1)]);

    // The file lacks its last byte.
    let mut bytes = file(0, 1, 96, &[chunk(b"MTrk", &a_note())]);
    bytes.pop();
    let (score, report) = read(&bytes);
    has_one_note_in_each(&score, 1);
    assert_eq!(repairs(&report), [(Repair::TrackLength, 1), (Repair::MissingEndOfTrack, 1)]);
}

#[test]
fn extra_bytes_are_passed_over() {
    let inside = chunk(b"MTrk", &[a_note(), vec![1, 2, 3]].concat());
    let (score, report) = read(&file(1, 2, 96, &[inside, chunk(b"MTrk", &a_note())]));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::DataAfterEndOfTrack, 1)]);

    let mut behind = file(0, 1, 96, &[chunk(b"MTrk", &a_note())]);
    behind.push(b'*');
    let (score, report) = read(&behind);
    has_one_note_in_each(&score, 1);
    assert_eq!(repairs(&report), [(Repair::StrayBytes, 1)]);

    let between = file(1, 2, 96, &[chunk(b"MTrk", &a_note()), vec![0; 5], chunk(b"MTrk", &a_note())]);
    let (score, report) = read(&between);
    has_one_note_in_each(&score, 2);
    // The first track's length cannot be confirmed by what follows, but its end of track is there.
    assert_eq!(repairs(&report), [(Repair::StrayBytes, 1)]);
}

#[test]
fn other_chunks_are_passed_over() {
    let note_track = chunk(b"MTrk", &a_note());
    let chunks = [chunk(b"XFIH", b"abc"), note_track.clone(), chunk(b"XFKM", b""), note_track];
    let (score, report) = read(&file(1, 2, 96, &chunks));
    has_one_note_in_each(&score, 2);
    assert_eq!(report.skipped_count(Skipped::UnknownChunk), 2);
    assert_eq!(repairs(&report), []);
}

#[test]
fn headers_that_do_not_fit_are_mended() {
    let note_track = chunk(b"MTrk", &a_note());
    let two = [note_track.clone(), note_track.clone()];
    let (score, report) = read(&file(1, 1, 96, &two));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TrackCount, 1)]);

    // Fewer than promised, perhaps because other chunks were counted.
    let (score, report) = read(&file(1, 3, 96, &two));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TrackCount, 1)]);
    let [one, other] = two.clone();
    let (score, report) = read(&file(1, 3, 96, &[one, chunk(b"XFIH", b""), other]));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TrackCount, 1)]);

    let (score, report) = read(&file(0, 2, 96, &two));
    has_one_note_in_each(&score, 2);
    assert_eq!(repairs(&report), [(Repair::TracksInType0, 1)]);

    let long = [chunk(b"MThd", &[0, 0, 0, 1, 0, 96, 7, 7]), note_track].concat();
    let (score, report) = read(&long);
    has_one_note_in_each(&score, 1);
    assert_eq!(repairs(&report), [(Repair::LongHeader, 1)]);
}

#[test]
fn files_with_no_notes_are_read() {
    for bytes in [single(&[]), file(1, 0, 96, &[]), single(&[&[0, 0xFF, 1, 2, b'h', b'i']])] {
        let (score, _) = read(&bytes);
        assert!(score.is_empty());
        assert_eq!(score.tracks(), []);
    }
}

#[test]
fn riff_files_are_unwrapped() {
    let midi = file(0, 1, 96, &[chunk(b"MTrk", &a_note())]);
    let part = |name: &[u8; 4], body: &[u8]| {
        let padding = vec![0; body.len() % 2];
        [name.as_slice(), &(body.len() as u32).to_le_bytes(), body, &padding].concat()
    };
    let body = [b"RMID".to_vec(), part(b"INFO", b"odd"), part(b"data", &midi), part(b"more", b"xx")].concat();
    let (score, report) = read(&part(b"RIFF", &body));
    has_one_note_in_each(&score, 1);
    assert_eq!(report.skipped_count(Skipped::RiffChunk), 2);
    assert_eq!(repairs(&report), []);
    assert!(read_bytes(&part(b"RIFF", b"WAVEfmt ")).is_err());
    assert!(read_bytes(&part(b"RIFF", b"RMID")).is_err());
}

#[test]
fn what_a_score_cannot_hold_is_counted() {
    let (score, report) = read(&single(&[
        &[0, 0xFF, 0x58, 4, 4, 2, 24, 8],
        &[0, 0xFF, 0x58, 4, 6, 3, 36, 8], // clicks in dotted quarter notes
        &[0, 0xC0, 1],
        &[0, 0xC0, 2],
        ON_60,
        &[10, 0x80, 60, 99],
        &[0, 0xC0, 3],
    ]));
    let all = [(Skipped::ReleaseVelocity, 1), (Skipped::UnusedProgram, 2), (Skipped::Metronome, 1)];
    assert_eq!(report.skipped().map(|(s, t)| (s, t.count())).collect::<Vec<_>>(), all);
    assert_eq!(score.tracks()[0].program().get(), 2);
    assert!(!report.is_damaged());
}

#[test]
fn system_exclusive_messages_are_kept_as_they_are() {
    let (score, report) = read(&single(&[
        &[0, 0xF0, 2, 0x7E, 0xF7],
        &[0, 0xF0, 1, 0x43], // goes on in
        &[0, 0xF7, 2, 1, 0xF7],
        &[0, 0xF0, 3, 0x41, 0x90, 0xF7], // with a status byte in it
    ]));
    let raw: Vec<_> = score.raw_events().iter().map(|r| (r.value.kind(), r.value.data())).collect();
    let expected = [
        (RawKind::SysEx, &[0x7E, 0xF7][..]),
        (RawKind::SysEx, &[0x43]),
        (RawKind::Escape, &[1, 0xF7]),
        (RawKind::Escape, &[0xF0, 0x41, 0x90, 0xF7]),
    ];
    assert_eq!(raw, expected);
    assert_eq!(repairs(&report), [(Repair::InvalidSysEx, 1)]);
}
