#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::input_tracks::InputTrack;
use crate::meter::{KeySignature, Mode};
use crate::score::{At, ControlChange, PitchBend, Track};
use crate::units::{Program, Tick, TicksPerQuarter};

fn tick(value: u32) -> Tick {
    Tick::new(value).unwrap()
}

fn note(start: u32, duration: u32, pitch: u32) -> Note {
    Note {
        start: tick(start),
        duration: tick(duration),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

fn all() -> RangeInclusive<Pitch> {
    Pitch::MIN..=Pitch::MAX
}

fn score(notes: Vec<Note>) -> Score {
    let mut score = Score::new(TicksPerQuarter::DEFAULT);
    score.push_track(Track::new("", Program::MIN).with_notes(notes));
    score.push_track(Track::drums("", Program::MIN).with_notes(vec![note(0, 10, 36)]));
    score
}

#[test]
fn transposes_all_but_the_drums_or_nothing() {
    let piece = score(vec![note(0, 10, 60), note(5, 10, 108)]);
    let up = transpose(&piece, 2, all()).unwrap();
    assert_eq!(up.tracks()[0].notes(), [note(0, 10, 62), note(5, 10, 110)]);
    assert_eq!(up.tracks()[1], piece.tracks()[1]);
    let piano = Pitch::new(21).unwrap()..=Pitch::new(108).unwrap();
    assert_eq!(transpose(&piece, 1, piano.clone()), None);
    assert_eq!(transpose(&piece, -39, piano.clone()).unwrap().tracks()[0].notes()[0].pitch.get(), 21);
    assert_eq!(transpose(&piece, -40, piano), None);
    for semitones in [i32::MAX, i32::MIN] {
        assert_eq!(transpose(&piece, semitones, all()), None);
    }
    assert_eq!(transpose(&up, -2, all()), Some(piece));
}

#[test]
fn key_signatures_follow_the_tonic() {
    for track in InputTrack::ALL {
        let piece = track.score();
        let tonic = piece.key_signatures()[0].value.tonic();
        for semitones in -12..=12 {
            let moved = transpose(&piece, semitones, all()).unwrap();
            let key = moved.key_signatures()[0].value;
            assert_eq!(i32::from(key.tonic()), (i32::from(tonic) + semitones).rem_euclid(12));
            assert_eq!(key.mode(), piece.key_signatures()[0].value.mode());
        }
    }
    // Spelling: C to E flat has three flats, not nine sharps; seven sharps an octave up stay.
    let mut piece = score(vec![]);
    let key = |sharps| vec![At { tick: Tick::ZERO, value: KeySignature::new(sharps, Mode::Major).unwrap() }];
    piece.set_key_signatures(key(0));
    assert_eq!(transpose(&piece, 3, all()).unwrap().key_signatures(), key(-3));
    piece.set_key_signatures(key(7));
    assert_eq!(transpose(&piece, 12, all()).unwrap().key_signatures(), key(7));
}

#[test]
fn stretched_ticks_keep_notes_that_meet_together() {
    let mut piece = score(vec![note(0, 3, 60), note(3, 3, 62), note(6, 1, 64)]);
    piece.set_tempo_map(TempoMap::new(vec![At { tick: tick(5), value: Tempo::from_bpm(60.0).unwrap() }]));
    let track = &mut piece.tracks_mut()[0];
    track.set_controls(vec![At { tick: tick(3), value: ControlChange::new(64, 127).unwrap() }]);
    track.set_pitch_bends(vec![At { tick: tick(3), value: PitchBend::new(5).unwrap() }]);
    // 1.5: ends 0, 4.5, 9, 10.5 round to 0, 5, 9, 11.
    let slow = stretch_ticks(&piece, 1.5).unwrap();
    assert_eq!(slow.tracks()[0].notes(), [note(0, 5, 60), note(5, 4, 62), note(9, 2, 64)]);
    assert_eq!(slow.tempo_map().changes()[1].tick, tick(8));
    assert_eq!(slow.tracks()[0].controls()[0].tick, tick(5));
    assert_eq!(slow.tracks()[0].pitch_bends()[0].tick, tick(5));
    assert_eq!(stretch_ticks(&piece, 1.0), Ok(piece));
}

#[test]
fn stretching_loses_no_note_and_no_event() {
    // To a quarter: ends 0.25 and 0.5 round to 0 and 1. A note that had no length has none.
    let short = score(vec![note(0, 1, 60), note(1, 1, 62), note(8, 0, 64)]);
    let fast = stretch_ticks(&short, 0.25).unwrap();
    assert_eq!(fast.tracks()[0].notes(), [note(0, 1, 60), note(0, 1, 62), note(2, 0, 64)]);
    // The notes have room at twice the length, and a pedal lifted long after them has not.
    let mut late = score(vec![note(0, 480, 60)]);
    let lifted = At { tick: Tick::MAX, value: ControlChange::new(64, 0).unwrap() };
    late.tracks_mut()[0].set_controls(vec![lifted]);
    let value = 2 * u64::from(Tick::MAX.get());
    assert!(matches!(stretch_ticks(&late, 2.0), Err(ScoreError::Limit { value: v, .. }) if v == value));
}

#[test]
fn a_stretched_tempo_scales_the_seconds_only() {
    let mut piece = score(vec![note(0, 480, 60), note(480, 480, 62)]);
    let tempo = |micros| Tempo::from_micros(micros).unwrap();
    piece.set_tempo_map(TempoMap::new(vec![At { tick: tick(480), value: tempo(1_000_000) }]));
    let fast = stretch_tempo(&piece, 0.95).unwrap();
    assert!((fast.duration_seconds() - 1.5 * 0.95).abs() < 1e-9);
    assert_eq!(fast.tracks(), piece.tracks());
    assert!(matches!(stretch_tempo(&piece, 1e3), Err(ScoreError::OutOfRange { max: 0x00FF_FFFF, .. })));
    assert!(matches!(stretch_tempo(&piece, 1e-9), Err(ScoreError::OutOfRange { value: 0, .. })));
}

#[test]
fn velocities_are_scaled_within_their_range() {
    let mut piece = score(vec![]);
    let velocities = [1, 2, 80, 127];
    let notes = velocities.map(|v| Note { velocity: Velocity::new(v).unwrap(), ..note(v, 1, 60) });
    piece.tracks_mut()[0].set_notes(notes.to_vec());
    let scaled = |factor| -> Vec<u8> {
        let score = scale_velocity(&piece, factor).unwrap();
        score.tracks()[0].notes().iter().map(|n| n.velocity.get()).collect()
    };
    assert_eq!(scaled(0.75), [1, 2, 60, 95]); // 0.75, 1.5, 60, 95.25
    assert_eq!(scaled(0.1), [1, 1, 8, 13]);
    assert_eq!(scaled(1.5), [2, 3, 120, 127]);
    assert_eq!(scaled(f64::MAX), [127; 4]);
}

#[test]
fn bad_factors_are_typed_errors() {
    let piece = score(vec![note(0, 480, 60)]);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(stretch_ticks(&piece, bad), Err(ScoreError::Factor { .. })), "{bad}");
        assert!(matches!(stretch_tempo(&piece, bad), Err(ScoreError::Factor { .. })), "{bad}");
        assert!(matches!(scale_velocity(&piece, bad), Err(ScoreError::Factor { .. })), "{bad}");
    }
    let error = scale_velocity(&piece, f64::NAN).unwrap_err().to_string();
    assert_eq!(error, "velocity factor NaN is out of range: a finite number over 0 is accepted");
    assert!(matches!(stretch_ticks(&piece, 1e9), Err(ScoreError::Limit { value: 480_000_000_000, .. })));
}
