//! The bytes that are written, and how they get to disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use deepcompose_core::{
    At, ControlChange, KeySignature, Mode, PitchBend, Program, Score, Tempo, TempoMap, Tick, TicksPerQuarter,
    TimeSignature, Track,
};
use deepcompose_midi::{MidiError, read_strict, read_strict_bytes, to_bytes, to_bytes_type0, write};
use support::note;

fn tick(t: u32) -> Tick {
    Tick::new(t).unwrap()
}

fn program(p: u32) -> Program {
    Program::new(p).unwrap()
}

fn small_score() -> Score {
    let mut score = Score::new(TicksPerQuarter::new(96).unwrap());
    score.set_tempo_map(TempoMap::constant(Tempo::from_micros(0x09_27_C0).unwrap()));
    score.set_time_signatures(vec![At { tick: tick(0), value: TimeSignature::new(6, 8).unwrap() }]);
    score.set_key_signatures(vec![At { tick: tick(0), value: KeySignature::new(-3, Mode::Minor).unwrap() }]);
    let mut track = Track::new("Ob", program(68)).with_notes(vec![note(0, 60, 10, 80), note(10, 60, 0, 81)]);
    track.set_controls(vec![
        At { tick: tick(0), value: ControlChange::new(0, 1).unwrap() },
        At { tick: tick(10), value: ControlChange::new(64, 0).unwrap() },
    ]);
    track.set_pitch_bends(vec![At { tick: tick(10), value: PitchBend::new(-8192).unwrap() }]);
    score.push_track(track);
    score
}

/// Written out by hand from the specification.
#[test]
fn a_small_score_in_type_1() {
    let expected: &[&[u8]] = &[
        b"MThd\0\0\0\x06\0\x01\0\x02\0\x60",
        b"MTrk\0\0\0\x19",
        &[0, 0xFF, 0x58, 4, 6, 3, 12, 8],
        &[0, 0xFF, 0x59, 2, 0xFD, 1],
        &[0, 0xFF, 0x51, 3, 0x09, 0x27, 0xC0],
        &[0, 0xFF, 0x2F, 0],
        b"MTrk\0\0\0\x29",
        &[0, 0xFF, 3, 2, b'O', b'b'],
        &[0, 0xB0, 0, 1], // the bank,
        &[0, 0xC0, 68],   // then the program that takes it up
        &[0, 0x90, 60, 80],
        &[10, 0x80, 60, 64], // off first,
        &[0, 0xB0, 64, 0],   // then controls,
        &[0, 0xE0, 0, 0],    // then bends,
        &[0, 0x90, 60, 81],  // then on,
        &[0, 0x80, 60, 64],  // and off at once
        &[0, 0xFF, 0x2F, 0],
    ];
    let bytes = to_bytes(&small_score()).unwrap();
    assert_eq!(bytes, expected.concat());
    assert_eq!(read_strict_bytes(&bytes).unwrap(), small_score());
}

#[test]
fn a_small_score_in_type_0() {
    let expected: &[&[u8]] = &[
        b"MThd\0\0\0\x06\0\0\0\x01\0\x60",
        b"MTrk\0\0\0\x43",
        &[0, 0xFF, 0x58, 4, 6, 3, 12, 8],
        &[0, 0xFF, 0x59, 2, 0xFD, 1],
        &[0, 0xFF, 0x51, 3, 0x09, 0x27, 0xC0],
        &[0, 0xFF, 0x20, 1, 0],
        &[0, 0xFF, 4, 2, b'O', b'b'],
        &[0, 0xB0, 0, 1],
        &[0, 0xC0, 68],
        &[0, 0x90, 60, 80],
        &[10, 0x80, 60, 64],
        &[0, 0xB0, 64, 0],
        &[0, 0xE0, 0, 0],
        &[0, 0x90, 60, 81],
        &[0, 0x80, 60, 64],
        &[0, 0xFF, 0x2F, 0],
    ];
    let bytes = to_bytes_type0(&small_score()).unwrap();
    assert_eq!(bytes, expected.concat());
    assert_eq!(read_strict_bytes(&bytes).unwrap(), small_score());
}

/// `(port, channel)` of each file track but the first, from the port event and the first program
/// change, found by their bytes.
fn slots(bytes: &[u8]) -> Vec<(u8, u8)> {
    let starts: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| w == b"MTrk").map(|(i, _)| i).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let tracks = starts.iter().zip(ends).map(|(start, end)| &bytes[*start..end]);
    let slot = |track: &[u8]| {
        let port = track.windows(4).find(|w| w[..3] == [0xFF, 0x21, 1]).map_or(0, |w| w[3]);
        let program = track.windows(2).skip(8).find(|w| w[0] == 0 && w[1] >> 4 == 0xC).unwrap();
        (port, program[1] & 0x0F)
    };
    tracks.skip(1).map(slot).collect()
}

#[test]
fn melodic_tracks_get_channels_and_then_ports_of_their_own() {
    let mut score = Score::default();
    for _ in 0..32 {
        score.push_track(Track::new("", program(0)));
    }
    let melodic: Vec<u8> = (0..9).chain(10..16).collect();
    let expected: Vec<(u8, u8)> =
        (0..3).flat_map(|port| melodic.iter().map(move |channel| (port, *channel))).take(32).collect();
    assert_eq!(slots(&to_bytes(&score).unwrap()), expected);
}

#[test]
fn drum_tracks_share_channel_10_if_they_can() {
    let mut score = Score::default();
    score.push_track(Track::drums("", program(0)));
    score.push_track(Track::new("", program(0)));
    score.push_track(Track::drums("", program(0)));
    score.push_track(Track::drums("", program(25)));
    let mut loud = Track::drums("", program(0));
    loud.set_controls(vec![At { tick: tick(0), value: ControlChange::new(7, 127).unwrap() }]);
    score.push_track(loud);
    assert_eq!(slots(&to_bytes(&score).unwrap()), [(0, 9), (0, 0), (0, 9), (1, 9), (2, 9)]);
    assert_eq!(read_strict_bytes(&to_bytes(&score).unwrap()).unwrap(), score);
}

#[test]
fn a_program_change_follows_each_bank_select() {
    let mut track = Track::new("", program(5)).with_notes(vec![note(0, 60, 10, 80), note(20, 60, 10, 80)]);
    let bank =
        |t, controller, value| At { tick: tick(t), value: ControlChange::new(controller, value).unwrap() };
    track.set_controls(vec![bank(15, 0, 1), bank(15, 32, 2), bank(15, 7, 9)]);
    let mut score = Score::default();
    score.push_track(track);
    let bytes = to_bytes(&score).unwrap();
    let both: &[u8] = &[5, 0xB0, 0, 1, 0, 32, 2, 0, 0xC0, 5, 0, 0xB0, 7, 9];
    assert!(bytes.windows(both.len()).any(|w| w == both));
    assert_eq!(read_strict_bytes(&bytes).unwrap(), score);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut score = Score::default();
    for _ in 0..16 {
        score.push_track(Track::new("", program(0)));
    }
    assert!(matches!(to_bytes_type0(&score), Err(MidiError::Unsupported { .. })));
    score.tracks_mut().truncate(15);
    assert!(to_bytes_type0(&score).is_ok());
    score.push_track(Track::drums("", program(0)));
    assert!(to_bytes_type0(&score).is_ok());
    score.push_track(Track::drums("", program(0)));
    assert!(matches!(to_bytes_type0(&score), Err(MidiError::Unsupported { .. })));

    score.tracks_mut().resize(65_535, Track::default());
    assert!(matches!(to_bytes(&score), Err(MidiError::Limit { what: "tracks", limit: 65_534, .. })));
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mid");
    write(&path, &small_score()).unwrap();
    assert_eq!(read_strict(&path).unwrap(), small_score());

    // A score that cannot be written leaves the old file alone.
    let mut huge = Score::default();
    huge.tracks_mut().resize(65_535, Track::default());
    assert!(write(&path, &huge).is_err());
    assert_eq!(read_strict(&path).unwrap(), small_score());

    // So does a folder that is not there; and nothing temporary stays behind.
    let elsewhere = folder.path().join("none").join("a.mid");
    assert!(
        matches!(write(&elsewhere, &small_score()), Err(MidiError::Io { path, .. }) if path == elsewhere)
    );
    write(&path, &Score::default()).unwrap();
    assert_eq!(read_strict(&path).unwrap(), Score::default());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    // A folder in the way.
    assert!(matches!(write(folder.path(), &small_score()), Err(MidiError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, b"").unwrap();
    let usual = plain.metadata().unwrap().permissions().mode();
    let path = folder.path().join("a.mid");
    write(&path, &small_score()).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode(), usual);

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.mid");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    write(&link, &Score::default()).unwrap();
    assert!(link.is_symlink());
    assert_eq!(read_strict(&path).unwrap(), Score::default());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn read_only_files_and_devices_are_not_replaced() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mid");
    std::fs::write(&path, b"kept").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    assert!(matches!(write(&path, &small_score()), Err(MidiError::Io { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"kept");

    write("/dev/null", &small_score()).unwrap();
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}
