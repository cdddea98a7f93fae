//! Which notes and controls end up in which track: programs, channels, ports, names, SMPTE time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use deepcompose_core::{At, Score, Text, TextKind, Track};
use deepcompose_midi::{
    MidiError, Origin, ReadReport, Repair, Skipped, Timing, canonical, read_bytes, read_patterns_bytes,
    read_strict_bytes, to_bytes,
};
use support::{file, note, parallel, single, track};

fn read(bytes: &[u8]) -> (Score, ReadReport) {
    let (score, report) = read_bytes(bytes).unwrap();
    assert_eq!(canonical(&score), score);
    assert_eq!(read_strict_bytes(&to_bytes(&score).unwrap()).unwrap(), score);
    (score, report)
}

/// Name, program, drums, pitches.
fn summary(score: &Score) -> Vec<(&str, u8, bool, Vec<u8>)> {
    let of = |t: &Track| t.notes().iter().map(|n| n.pitch.get()).collect();
    score.tracks().iter().map(|t| (t.name(), t.program().get(), t.is_drum(), of(t))).collect()
}

/// Tick, controller, value.
fn controls(track: &Track) -> Vec<(u32, u8, u8)> {
    track.controls().iter().map(|c| (c.tick.get(), c.value.controller(), c.value.value())).collect()
}

fn texts(texts: &[At<Text>]) -> Vec<(u32, TextKind, &str)> {
    texts.iter().map(|t| (t.tick.get(), t.value.kind(), t.value.as_str())).collect()
}

/// A note of ten ticks on a channel.
fn play(channel: u8, pitch: u8) -> Vec<u8> {
    vec![0, 0x90 | channel, pitch, 80, 10, 0x80 | channel, pitch, 64]
}

#[test]
fn a_track_for_each_channel_and_program_of_a_file_track() {
    let (score, report) = read(&single(&[
        &[0, 0xFF, 3, 4, b'B', b'a', b'n', b'd'],
        &[0, 0xC1, 40],
        &[0, 0xC0, 5],
        &play(0, 60),
        &play(1, 70),
        &[0, 0xC0, 6],
        &play(0, 61),
        &play(9, 36),
        &[0, 0xC0, 5],
        &play(0, 62),
    ]));
    let expected = [
        ("Band", 5, false, vec![60, 62]),
        ("Band", 6, false, vec![61]),
        ("Band", 40, false, vec![70]),
        ("Band", 0, true, vec![36]),
    ];
    assert_eq!(summary(&score), expected);
    assert!(report.is_clean(), "{report}");
    let origins = [0, 0, 1, 9].map(|channel| Origin { file_track: 0, port: 0, channel: Some(channel) });
    assert_eq!(report.origins(), origins);
}

#[test]
fn a_program_set_by_another_file_track_counts_unless_the_own_one_sets_one() {
    let (score, _) = read(&parallel(&[
        track(&[&[0, 0xFF, 3, 1, b'T'], &[0, 0xC0, 19], &[0, 0xC1, 20]]),
        track(&[&play(0, 60), &play(1, 61)]),
        track(&[&[0, 0xC0, 33], &play(0, 40)]),
    ]));
    assert_eq!(
        summary(&score),
        [("", 19, false, vec![60]), ("", 20, false, vec![61]), ("", 33, false, vec![40])]
    );
}

#[test]
fn file_tracks_that_share_a_channel_keep_their_own_programs() {
    let later = [&[20], &play(0, 61)[1..]].concat();
    let (score, _) = read(&parallel(&[
        track(&[&[0, 0xC0, 1], &play(0, 60), &later]),
        track(&[&[5, 0xC0, 2], &play(0, 40)]),
    ]));
    assert_eq!(summary(&score), [("", 1, false, vec![60, 61]), ("", 2, false, vec![40])]);
}

#[test]
fn file_tracks_are_played_together() {
    // The first track's note comes after the second one's program change.
    let (score, _) = read(&parallel(&[track(&[&[10, 0x90, 60, 80, 1, 60, 0]]), track(&[&[5, 0xC0, 2]])]));
    assert_eq!(summary(&score), [("", 2, false, vec![60])]);
    // And the other way round.
    let (score, _) = read(&parallel(&[track(&[&[10, 0x90, 60, 80, 1, 60, 0]]), track(&[&[11, 0xC0, 2]])]));
    assert_eq!(summary(&score), [("", 0, false, vec![60]), ("", 2, false, vec![])]);
}

#[test]
fn the_kit_is_the_program_of_channel_10() {
    let (score, _) = read(&single(&[&[0, 0xC9, 25], &play(9, 36)]));
    assert_eq!(summary(&score), [("", 25, true, vec![36])]);
}

#[test]
fn ports_keep_channels_apart() {
    let port = |n: u8| vec![0, 0xFF, 0x21, 1, n];
    let (score, report) = read(&parallel(&[
        track(&[&port(0), &[0, 0xC0, 1]]),
        track(&[&port(1), &[0, 0xC0, 2]]),
        track(&[&port(0), &play(0, 60)]),
        track(&[&port(1), &play(0, 61)]),
    ]));
    assert_eq!(summary(&score), [("", 1, false, vec![60]), ("", 2, false, vec![61])]);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_file_track_that_sets_one_program_and_plays_nothing_is_an_empty_track() {
    let (score, report) =
        read(&parallel(&[track(&[&[0, 0xFF, 3, 1, b'R'], &[0, 0xC0, 7]]), track(&[&play(1, 60)])]));
    assert_eq!(summary(&score), [("R", 7, false, vec![]), ("", 0, false, vec![60])]);
    assert!(report.is_clean(), "{report}");
    // Of several there is no telling; they are counted.
    let (score, report) = read(&parallel(&[track(&[&[0, 0xC0, 7], &[0, 0xC1, 8]]), track(&[&play(2, 60)])]));
    assert_eq!(summary(&score), [("", 0, false, vec![60])]);
    assert_eq!(report.skipped_count(Skipped::UnusedProgram), 2);
}

#[test]
fn names_are_track_names_or_else_instrument_names() {
    let (score, report) = read(&parallel(&[
        track(&[&[0, 0xFF, 3, 2, b'O', b'p']]),
        track(&[&[0, 0xFF, 4, 1, b'i'], &[0, 0xFF, 3, 1, b't'], &play(0, 60)]),
        track(&[&[0, 0xFF, 4, 1, 0xE9], &play(1, 61)]),
        // A channel prefix before each name.
        track(&[
            &[0, 0xFF, 0x20, 1, 3, 0, 0xFF, 4, 1, b'x'],
            &[0, 0xFF, 0x20, 1, 2, 0, 0xFF, 4, 1, b'y'],
            &play(2, 62),
            &play(3, 63),
        ]),
    ]));
    let expected = [
        ("t", 0, false, vec![60]),
        ("é", 0, false, vec![61]),
        ("x", 0, false, vec![63]),
        ("y", 0, false, vec![62]),
    ];
    assert_eq!(summary(&score), expected);
    // The name of a first track that plays nothing is the title; a second name is a text.
    assert_eq!(texts(score.texts()), [(0, TextKind::SequenceName, "Op")]);
    assert_eq!(texts(score.tracks()[0].texts()), [(0, TextKind::InstrumentName, "i")]);
    assert!(score.tracks()[1..].iter().all(|t| t.texts().is_empty()));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_channel_prefix_holds_until_the_next_channel_event() {
    let (score, _) =
        read(&single(&[&[0, 0xFF, 0x20, 1, 3], &play(2, 62), &[0, 0xFF, 3, 1, b't'], &play(3, 63)]));
    assert_eq!(summary(&score), [("t", 0, false, vec![63]), ("t", 0, false, vec![62])]);
}

#[test]
fn controls_between_a_program_change_and_its_first_note_belong_to_it() {
    let (score, _) =
        read(&single(&[&[0, 0xC0, 5], &play(0, 60), &[0, 0xC0, 6], &[0, 0xB0, 10, 20], &play(0, 61)]));
    assert_eq!(controls(&score.tracks()[0]), []);
    assert_eq!(controls(&score.tracks()[1]), [(10, 10, 20)]);
}

#[test]
fn a_pedal_is_lifted_once_and_parameters_are_not_carried() {
    let (score, _) = read(&single(&[
        &[0, 0xC0, 5],
        &[0, 0xB0, 101, 0, 0, 100, 0, 0, 6, 12, 0, 64, 127],
        &play(0, 60),
        &[0, 0xC0, 6],
        &play(0, 61),
        &[0, 0xC0, 5],
        &play(0, 62),
        &[0, 0xB0, 64, 0],
        // Reset, in force for the next program too.
        &[0, 0xB0, 1, 99, 0, 121, 0],
        &[0, 0xC0, 7],
        &play(0, 63),
    ]));
    let first = [(0, 101, 0), (0, 100, 0), (0, 6, 12), (0, 64, 127), (30, 64, 0), (30, 1, 99), (30, 121, 0)];
    assert_eq!(controls(&score.tracks()[0]), first);
    assert_eq!(controls(&score.tracks()[1]), [(10, 64, 127), (30, 64, 0)]);
    assert_eq!(controls(&score.tracks()[2]), [(30, 1, 0), (30, 64, 0)]);
}

#[test]
fn a_pedal_that_is_lifted_before_the_next_program_s_first_note_is_lifted_for_the_one_before() {
    let (score, _) = read(&single(&[
        &[0, 0xC0, 5],
        &[0, 0xB0, 64, 127],
        &play(0, 60), // 0..10
        &[0, 0xC0, 6],
        &[0, 0xB0, 64, 0], // 10
        &play(0, 61),
    ]));
    assert_eq!(controls(&score.tracks()[0]), [(0, 64, 127), (10, 64, 0)]);
    assert_eq!(controls(&score.tracks()[1]).last(), Some(&(10, 64, 0)));
}

#[test]
fn controls_before_the_program_belong_to_it() {
    let (score, report) = read(&single(&[
        &[0, 0xB0, 7, 100],
        &[0, 0xB0, 0, 1],
        &[0, 0xC0, 5],
        &[0, 0xE0, 0, 0x50],
        &play(0, 60),
        &[2, 0xB0, 64, 127],
    ]));
    assert_eq!(score.tracks().len(), 1);
    assert_eq!(controls(&score.tracks()[0]), [(0, 7, 100), (0, 0, 1), (12, 64, 127)]);
    // 0x50 << 7 is 2048 above the middle.
    assert_eq!(score.tracks()[0].pitch_bends()[0].value.get(), 2048);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_new_program_starts_with_the_controls_in_force_and_lifts_the_pedal_for_both() {
    let (score, report) = read(&single(&[
        &[0, 0xC0, 5],
        &[0, 0xB0, 7, 100],
        &[0, 0xB0, 64, 127],
        &play(0, 60),     // 0..10
        &[2, 0xB0, 0, 3], // 12: the bank of the next program
        &[0, 0xC0, 6],
        &play(0, 61),      // 12..22
        &[0, 0xB0, 64, 0], // 22
        &[0, 0xB0, 64, 127],
        &[0, 0xB0, 64, 0],
    ]));
    assert_eq!(controls(&score.tracks()[0]), [(0, 7, 100), (0, 64, 127), (22, 64, 0)]);
    assert_eq!(
        controls(&score.tracks()[1]),
        [(12, 7, 100), (12, 64, 127), (12, 0, 3), (22, 64, 0), (22, 64, 127), (22, 64, 0)]
    );
    assert_eq!(report.repair_count(Repair::ControlsCarried), 2);
}

#[test]
fn controls_of_a_file_track_that_plays_nothing_go_to_those_that_do() {
    let (score, report) = read(&parallel(&[
        track(&[&[0, 0xB0, 7, 100], &[0, 0xB1, 7, 50]]),
        track(&[&play(0, 60), &[0, 0xB0, 10, 1]]),
        track(&[&play(0, 61)]),
    ]));
    // Nobody plays on the second channel: the control is kept in a track of its own.
    assert_eq!(summary(&score), [("", 0, false, vec![]), ("", 0, false, vec![60]), ("", 0, false, vec![61])]);
    assert_eq!(controls(&score.tracks()[0]), [(0, 7, 50)]);
    assert_eq!(controls(&score.tracks()[1]), [(0, 7, 100), (10, 10, 1)]);
    assert_eq!(controls(&score.tracks()[2]), [(0, 7, 100)]);
    assert_eq!(report.repair_count(Repair::ControlsMoved), 1);
}

#[test]
fn smpte_time_gives_exact_seconds() {
    for (frames, ticks_per_frame, ticks_per_second) in [
        (24u8, 80u8, 1920.0),
        (25, 40, 1000.0),
        (29, 100, 3000.0 * 1000.0 / 1001.0),
        (30, 80, 2400.0),
        (25, 255, 6375.0),
    ] {
        let division = u16::from_be_bytes([frames.wrapping_neg(), ticks_per_frame]);
        // A tempo of half a second a quarter note, which has no say, and a note of 16 383 ticks.
        let events: [&[u8]; 3] =
            [&[0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20], &[0, 0x90, 60, 80], &[0xFF, 0x7F, 0x80, 60, 64]];
        let (score, report) = read(&file(0, 1, division, &[track(&events)]));
        assert_eq!(report.timing(), Timing::Smpte { frames, ticks_per_frame });
        assert_eq!(report.skipped_count(Skipped::TempoInSmpteTime), 1);
        assert_eq!(score.tracks()[0].notes(), [note(0, 60, 16_383, 80)]);
        let expected = 16_383.0 / ticks_per_second;
        assert!((score.duration_seconds() - expected).abs() < 1e-12, "{frames} frames");
    }
}

#[test]
fn type_2_patterns_are_separate_scores() {
    let slow: &[u8] = &[0, 0xFF, 0x51, 3, 0x0F, 0x42, 0x40];
    let bytes = file(2, 2, 96, &[track(&[slow, &play(0, 60)]), track(&[&play(0, 61)])]);
    let (patterns, report) = read_patterns_bytes(&bytes).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(patterns.len(), 2);
    assert_eq!(summary(&patterns[0]), [("", 0, false, vec![60])]);
    assert_eq!(summary(&patterns[1]), [("", 0, false, vec![61])]);
    let seconds: Vec<_> = patterns.iter().map(Score::duration_seconds).collect();
    assert_eq!(seconds, [10.0 / 96.0, 5.0 / 96.0]);
    // As one piece they are laid one upon the other, which the strict reader does not do, unless
    // there is one only.
    let (score, report) = read_bytes(&bytes).unwrap();
    assert_eq!(summary(&score), [("", 0, false, vec![60]), ("", 0, false, vec![61])]);
    assert_eq!(report.repair_count(Repair::PatternsTogether), 1);
    assert!(matches!(read_strict_bytes(&bytes), Err(MidiError::Unsupported { .. })));
    let one = file(2, 1, 96, &[track(&[&play(0, 60)])]);
    assert_eq!(vec![read_strict_bytes(&one).unwrap()], read_patterns_bytes(&one).unwrap().0);
}

#[test]
fn aftertouch_goes_where_controls_go() {
    let (score, report) = read(&single(&[
        &[0, 0xC0, 5, 0, 0xD0, 7, 0, 0x90, 60, 80, 1, 0xA0, 60, 9, 9, 0x80, 60, 64, 0, 0xC0, 6, 0, 0xD0, 8],
        &play(0, 61),
    ]));
    let pressures = |t: &Track| -> Vec<_> {
        t.pressures()
            .iter()
            .map(|p| (p.tick.get(), p.value.pitch().map(|p| p.get()), p.value.value()))
            .collect()
    };
    assert_eq!(pressures(&score.tracks()[0]), [(0, None, 7), (1, Some(60), 9)]);
    assert_eq!(pressures(&score.tracks()[1]), [(10, None, 8)]);
    assert!(report.is_clean(), "{report}");
}

/// Pitch bend range of 12 (RPN 0), then a bend; NRPN 1/8; increment.
#[test]
fn parameter_numbers_keep_their_order() {
    let numbers: &[u8] = &[
        0, 0xB0, 101, 0, 0, 100, 0, 0, 6, 12, 0, 38, 0, 0, 99, 1, 0, 98, 8, 0, 96, 0, 0, 97, 0, 0, 101, 127,
    ];
    let (score, report) = read(&single(&[numbers, &[0, 0xE0, 0, 0x7F], &play(0, 60)]));
    let expected = [
        (0, 101, 0),
        (0, 100, 0),
        (0, 6, 12),
        (0, 38, 0),
        (0, 99, 1),
        (0, 98, 8),
        (0, 96, 0),
        (0, 97, 0),
        (0, 101, 127),
    ];
    assert_eq!(controls(&score.tracks()[0]), expected);
    assert_eq!(score.tracks()[0].pitch_bends().len(), 1);
    assert!(report.is_clean(), "{report}");
    // In the file, too, the bend comes last.
    let bytes = to_bytes(&score).unwrap();
    let at = |what: &[u8]| bytes.windows(what.len()).position(|w| w == what).unwrap();
    assert!(at(&[101, 127]) < at(&[0xE0, 0, 0x7F]));
}
