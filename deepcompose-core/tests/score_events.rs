//! Aftertouch, texts and raw events of scores and tracks: what is checked, kept in order, moved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use deepcompose_core::augment::{stretch_ticks, transpose};
use deepcompose_core::{
    At, ControlChange, KeySignature, Mode, Note, Pitch, PitchBend, Pressure, Program, RawEvent, RawKind,
    Score, ScoreError, Tempo, TempoMap, Text, TextKind, Tick, TimeSignature, Track, Velocity,
};

fn at<T>(tick: u32, value: T) -> At<T> {
    At { tick: Tick::new(tick).unwrap(), value }
}

fn text(kind: TextKind, words: &str) -> Text {
    Text::new(kind, words).unwrap()
}

fn sysex(data: &[u8]) -> RawEvent {
    RawEvent::new(RawKind::SysEx, data.to_vec()).unwrap()
}

/// One of everything at tick 10, but a note from 10 to 20.
fn full() -> Score {
    let mut track = Track::new("t", Program::MIN).with_notes(vec![Note {
        start: Tick::new(10).unwrap(),
        pitch: Pitch::MIDDLE_C,
        duration: Tick::new(10).unwrap(),
        velocity: Velocity::DEFAULT,
    }]);
    track.set_controls(vec![at(10, ControlChange::new(64, 127).unwrap())]);
    track.set_pitch_bends(vec![at(10, PitchBend::new(5).unwrap())]);
    track.set_pressures(vec![at(10, Pressure::key(Pitch::MIDDLE_C, 9).unwrap())]);
    track.set_texts(vec![at(10, text(TextKind::Lyric, "la"))]);
    track.set_raw_events(vec![at(10, sysex(&[1, 0xF7]))]);
    let mut score = Score::default();
    score.set_tempo_map(TempoMap::new(vec![at(10, Tempo::from_micros(1).unwrap())]));
    score.set_time_signatures(vec![at(10, TimeSignature::new(3, 4).unwrap())]);
    score.set_key_signatures(vec![at(10, KeySignature::new(1, Mode::Major).unwrap())]);
    score.set_texts(vec![at(10, text(TextKind::Marker, "A"))]);
    score.set_raw_events(vec![at(10, sysex(&[2, 0xF7]))]);
    score.push_track(track);
    score
}

/// The ticks of everything but the note, score first.
fn ticks(score: &Score) -> Vec<u32> {
    let track = &score.tracks()[0];
    let mut out = vec![
        score.tempo_map().changes()[1].tick,
        score.time_signatures()[1].tick,
        score.key_signatures()[0].tick,
        score.texts()[0].tick,
        score.raw_events()[0].tick,
    ];
    out.extend(track.controls().iter().map(|c| c.tick));
    out.extend(track.pitch_bends().iter().map(|c| c.tick));
    out.extend(track.pressures().iter().map(|c| c.tick));
    out.extend(track.texts().iter().map(|c| c.tick));
    out.extend(track.raw_events().iter().map(|c| c.tick));
    out.into_iter().map(Tick::get).collect()
}

#[test]
fn everything_moves_and_stretches() {
    let mut score = full();
    score.map_ticks(|tick| Tick::new(tick.get() * 3 + 1).unwrap());
    // The implied tempo and signature at 0 go to 1, so that something is implied before them.
    let of_score = &ticks(&score)[3..];
    assert_eq!(of_score, [31; 7]);
    assert_eq!(score.tempo_map().tempo_at(Tick::new(31).unwrap()).micros(), 1);
    let note = score.tracks()[0].notes()[0];
    assert_eq!((note.start.get(), note.duration.get()), (31, 30));
    assert_eq!(ticks(&stretch_ticks(&full(), 2.5).unwrap()), [25; 10]);
}

#[test]
fn a_map_that_turns_time_round_leaves_lists_in_order() {
    let mut score = full();
    let back = |tick: Tick| Tick::new(100).unwrap().saturating_sub(tick);
    let mut track = score.tracks()[0].clone();
    track.set_texts(vec![at(0, text(TextKind::Lyric, "first")), at(50, text(TextKind::Lyric, "second"))]);
    score.tracks_mut()[0] = track;
    score.map_ticks(back);
    let words: Vec<_> = score.tracks()[0].texts().iter().map(|t| (t.tick.get(), t.value.as_str())).collect();
    assert_eq!(words, [(50, "second"), (100, "first")]);
    // Its onset goes to 90 and its end to 80.
    assert_eq!(score.tracks()[0].notes()[0].duration, Tick::ZERO);
}

#[test]
fn events_are_kept_and_added_together() {
    let mut track = full().tracks()[0].clone();
    let other = track.clone();
    track.extend_events(&other);
    let counts = |t: &Track| {
        [
            t.controls().len(),
            t.pitch_bends().len(),
            t.pressures().len(),
            t.texts().len(),
            t.raw_events().len(),
            t.notes().len(),
        ]
    };
    assert_eq!(counts(&track), [2, 2, 2, 2, 2, 1]);
    track.retain_events(|tick| tick != Tick::new(10).unwrap());
    assert_eq!(counts(&track), [0, 0, 0, 0, 0, 1]);
}

#[test]
fn lists_are_put_in_order_and_ties_keep_theirs() {
    let mut track = Track::default();
    track.set_texts(vec![
        at(5, text(TextKind::Lyric, "c")),
        at(1, text(TextKind::Text, "a")),
        at(1, text(TextKind::Lyric, "b")),
    ]);
    let words: String = track.texts().iter().map(|t| t.value.as_str()).collect();
    assert_eq!(words, "abc");
    track.set_pressures(vec![at(2, Pressure::channel(3).unwrap()), at(1, Pressure::channel(4).unwrap())]);
    assert_eq!(track.pressures()[0].value.value(), 4);
}

#[test]
fn raw_events_are_what_a_file_can_hold_and_nothing_else_does() {
    let new = |kind, data: &[u8]| RawEvent::new(kind, data.to_vec());
    for good in [&[][..], &[0xF7], &[1, 2], &[0x7F, 0xF7]] {
        assert!(new(RawKind::SysEx, good).is_ok(), "{good:?}");
    }
    for bad in [&[0x80][..], &[0xF7, 1], &[0xF7, 0xF7], &[0xF0, 1, 0xF7]] {
        assert!(matches!(new(RawKind::SysEx, bad), Err(ScoreError::OutOfRange { .. })), "{bad:?}");
    }
    assert!(new(RawKind::Escape, &[0xF8, 0xFF]).is_ok());
    let refused: Vec<u8> = (0..=0x7F).filter(|m| new(RawKind::Meta(*m), &[]).is_err()).collect();
    assert_eq!(refused, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0x20, 0x21, 0x2F, 0x51, 0x58, 0x59]);
    assert!(matches!(new(RawKind::Meta(0x80), &[]), Err(ScoreError::OutOfRange { .. })));
    let longest = (1 << 28) - 1;
    assert!(new(RawKind::Escape, &vec![0; longest]).is_ok());
    assert!(matches!(new(RawKind::Escape, &vec![0; longest + 1]), Err(ScoreError::Limit { .. })));
    assert!(matches!(Text::new(TextKind::Text, "x".repeat(longest + 1)), Err(ScoreError::Limit { .. })));
}

/// Standard MIDI Files 1.0, pages 8 and 9; RP-019 for 8 and 9.
#[test]
fn text_kinds_have_the_numbers_of_the_specification() {
    for (kind, meta_type) in TextKind::ALL.into_iter().zip(1..) {
        assert_eq!((kind.meta_type(), TextKind::from_meta_type(meta_type)), (meta_type, Some(kind)));
    }
    assert_eq!((TextKind::Lyric.meta_type(), TextKind::DeviceName.meta_type()), (5, 9));
    assert_eq!((TextKind::from_meta_type(0), TextKind::from_meta_type(10)), (None, None));
}

#[test]
fn key_pressure_is_transposed_with_its_key() {
    let all = Pitch::MIN..=Pitch::MAX;
    let mut score = full();
    let pressures = vec![
        at(0, Pressure::key(Pitch::MAX, 1).unwrap()),
        at(0, Pressure::channel(2).unwrap()),
        at(0, Pressure::key(Pitch::MIN, 3).unwrap()),
    ];
    score.tracks_mut()[0].set_pressures(pressures);
    let higher = transpose(&score, 2, all).unwrap();
    let pressures = higher.tracks()[0].pressures().iter().map(|p| p.value);
    let seen: Vec<_> = pressures.map(|p| (p.pitch().map(Pitch::get), p.value())).collect();
    assert_eq!(seen, [(None, 2), (Some(2), 3)]);
}

#[test]
fn json_keeps_everything_and_takes_what_was_written_before() {
    let score = full();
    let json = serde_json::to_string(&score).unwrap();
    assert_eq!(serde_json::from_str::<Score>(&json).unwrap(), score);
    // As versions before aftertouch, texts and raw events wrote it.
    let old = r#"{"ticks_per_quarter":480,"tempo_map":[{"tick":0,"value":500000}],
        "time_signatures":[{"tick":0,"value":[4,4]}],"key_signatures":[],
        "tracks":[{"name":"a","program":{"program":3,"is_drum":false},
        "notes":[{"start":0,"pitch":60,"duration":480,"velocity":80}],
        "controls":[{"tick":0,"value":[64,127]}],"pitch_bends":[]}]}"#;
    let score: Score = serde_json::from_str(old).unwrap();
    assert_eq!((score.note_count(), score.tracks()[0].controls().len()), (1, 1));
    assert!(score.texts().is_empty() && score.tracks()[0].raw_events().is_empty());
    for bad in [r#"["sys_ex",[128]]"#, r#"[{"meta":81},[1]]"#, r#"[{"meta":128},[]]"#] {
        assert!(serde_json::from_str::<RawEvent>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<Pressure>("[60,128]").is_err());
    assert!(serde_json::from_str::<Pressure>("[128,1]").is_err());
    assert!(serde_json::from_str::<Pressure>("[null,1]").is_ok());
}

#[test]
fn without_tracks_keeps_what_belongs_to_the_piece() {
    let score = full();
    let bare = score.without_tracks();
    assert_eq!((bare.texts(), bare.raw_events()), (score.texts(), score.raw_events()));
}
