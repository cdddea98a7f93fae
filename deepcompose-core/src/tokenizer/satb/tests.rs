#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn pitch(value: u32) -> Pitch {
    Pitch::new(value).unwrap()
}

/// A track of `(first step, steps, pitch)` at 480 ticks a quarter.
fn track(name: &str, notes: &[(u32, u32, u32)]) -> Track {
    let note = |(start, steps, p): &(u32, u32, u32)| Note {
        start: Tick::new(start * 120).unwrap(),
        duration: Tick::new(steps * 120).unwrap(),
        pitch: pitch(*p),
        velocity: Velocity::DEFAULT,
    };
    Track::new(name, Program::MIN).with_notes(notes.iter().map(note).collect())
}

fn score(tracks: Vec<Track>) -> Score {
    let mut score = Score::default();
    *score.tracks_mut() = tracks;
    score
}

fn steps(voices: &[Voices]) -> Vec<[u8; 4]> {
    voices.iter().map(|v| v.map(|p| p.map_or(0, Pitch::get))).collect()
}

#[test]
fn named_tracks_are_the_voices_whatever_their_order_and_pitch() {
    let piece = score(vec![
        track("Bass (choir)", &[(0, 2, 48), (0, 1, 40)]),
        track("ALTO", &[(0, 1, 70), (0, 1, 65)]),
        track("soprano", &[(1, 1, 62)]),
        track("1. tenor", &[]),
        track("organ", &[(0, 8, 90)]),
    ]);
    let (voices, report) = SatbTokenizer.voices(&piece);
    // Alto above soprano; two pitches at once: the alto keeps the higher, the bass the lower.
    assert_eq!(steps(&voices), [[0, 70, 0, 40], [62, 0, 0, 48]]);
    assert_eq!((report.surplus_cells, report.other_tracks), (2, 1));
}

#[test]
fn notes_of_no_voice_are_not_clean() {
    let mut tracks: Vec<Track> =
        (60..).zip(["soprano", "alto", "tenor", "bass"]).map(|(p, name)| track(name, &[(0, 1, p)])).collect();
    let report = |tracks: &[Track]| SatbTokenizer.voices(&score(tracks.to_vec())).1;
    assert!(report(&tracks).is_clean());
    tracks.push(Track::drums("kit", Program::MIN).with_notes(track("", &[(0, 1, 36)]).notes().to_vec()));
    assert_eq!((report(&tracks).drums, report(&tracks).is_clean()), (1, true));
    tracks.push(track("organ", &[(0, 1, 90)]));
    assert_eq!((report(&tracks).other_tracks, report(&tracks).is_clean()), (1, false));
}

#[test]
fn four_other_tracks_are_ordered_by_mean_pitch() {
    let piece = score(vec![
        track("a", &[(0, 1, 50)]),
        track("b", &[(0, 1, 70)]),
        track("", &[]),
        track("c", &[(0, 1, 60)]),
        track("d", &[(0, 1, 55)]),
    ]);
    assert_eq!(steps(&SatbTokenizer.voices(&piece).0), [[70, 60, 55, 50]]);
}

#[test]
fn any_other_score_is_split_by_pitch() {
    let piece = score(vec![
        track("piano", &[(0, 6, 72), (1, 5, 48), (2, 4, 60), (3, 3, 64), (4, 2, 66)]),
        track("more", &[(5, 1, 62)]),
        Track::drums("kit", Program::MIN).with_notes(track("", &[(0, 9, 36)]).notes().to_vec()),
    ]);
    let (voices, report) = SatbTokenizer.voices(&piece);
    let expected = [
        [72, 0, 0, 0],
        [72, 0, 0, 48],
        [72, 60, 0, 48],
        [72, 64, 60, 48],
        [72, 66, 60, 48], // 64 has no voice
        [72, 66, 60, 48], // nor have 62 and 64
    ];
    assert_eq!(steps(&voices), expected);
    assert_eq!((report.surplus_cells, report.drums), (3, 1));
    assert!(!report.is_clean());
}

#[test]
fn decoding_joins_equal_steps_and_keeps_every_voice_in_its_place() {
    let tokens = [129, 72, 67, 64, 48, 72, 128, 65, 999, 72, 67, 65, 48, 129, 74];
    let decoded = SatbTokenizer.decode(&tokens);
    let report = decoded.repairs;
    assert_eq!((report.unknown_ids, report.misplaced_start, report.missing_voices), (1, 1, 3));
    assert_eq!(report.total(), 5);
    let voice = |v: usize| -> Vec<(u32, u32, u8)> {
        let notes = decoded.score.tracks()[v].notes();
        notes.iter().map(|n| (n.start.get(), n.duration.get(), n.pitch.get())).collect()
    };
    assert_eq!(voice(0), [(0, 360, 72), (360, 120, 74)]);
    assert_eq!(voice(1), [(0, 120, 67), (240, 120, 67)]);
    assert_eq!(voice(2), [(0, 120, 64), (120, 240, 65)]);
    assert_eq!(voice(3), [(0, 120, 48), (240, 120, 48)]);
    // Pads are only right at the end.
    let (_, report) = SatbTokenizer.decode_voices(&[130, 60, 60, 60, 60, 130, 130]);
    assert_eq!((report.misplaced_pad, report.total()), (1, 1));
}

#[test]
fn a_silence_of_years_does_not_make_a_sequence_of_gigabytes() {
    let mut piece = Score::new(TicksPerQuarter::MIN);
    let far =
        Note { start: Tick::MAX, duration: Tick::ZERO, pitch: Pitch::MIDDLE_C, velocity: Velocity::DEFAULT };
    let near = Note { start: Tick::ZERO, duration: Tick::MAX, ..far };
    piece.push_track(Track::new("", Program::MIN).with_notes(vec![near, far]));
    let (voices, report) = SatbTokenizer.voices(&piece);
    assert_eq!((voices.len(), report.over_limit), (SatbTokenizer::MAX_STEPS, 1));
}
