//! Units, scores, tempo maps and metre, against values worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_core::{
    At, Bar, ControlChange, KeySignature, Mode, Note, Pitch, PitchBend, Program, Score, ScoreError,
    StepsPerBeat, Tempo, TempoMap, Tick, TicksPerQuarter, TimeSignature, Track, Velocity,
};
use proptest::prelude::*;

fn tick(value: u32) -> Tick {
    Tick::new(value).unwrap()
}

fn tempo_at(at: u32, micros: u32) -> At<Tempo> {
    At { tick: tick(at), value: Tempo::from_micros(micros).unwrap() }
}

fn meter_at(at: u32, numerator: u32, denominator: u32) -> At<TimeSignature> {
    At { tick: tick(at), value: TimeSignature::new(numerator, denominator).unwrap() }
}

fn note(start: u32, duration: u32, pitch: u32) -> Note {
    Note {
        start: tick(start),
        duration: tick(duration),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

#[test]
fn units_take_their_range_and_nothing_else() {
    assert_eq!((Pitch::new(0).map(Pitch::get), Pitch::new(127).map(Pitch::get)), (Ok(0), Ok(127)));
    let error = Pitch::new(128).unwrap_err();
    assert_eq!(error, ScoreError::OutOfRange { field: "pitch", value: 128, min: 0, max: 127 });
    assert_eq!(error.to_string(), "pitch 128 is out of range: 0..=127 is accepted");
    assert!(Velocity::new(0).is_err() && Velocity::new(1).is_ok() && Velocity::new(128).is_err());
    assert!(Program::new(127).is_ok() && Program::new(256).is_err()); // 256 does not wrap to 0
    assert!(Tick::new((1 << 28) - 1).is_ok() && Tick::new(1 << 28).is_err());
    assert!(TicksPerQuarter::new(0).is_err() && TicksPerQuarter::new(32768).is_err());
    assert!(StepsPerBeat::new(0).is_err() && StepsPerBeat::new(961).is_err());
    assert_eq!(StepsPerBeat::default().get(), 4);
    assert_eq!((Velocity::saturating(-5).get(), Velocity::saturating(500).get()), (1, 127));
    assert_eq!(Tick::saturating(i64::MAX), Tick::MAX);
}

#[test]
fn pitches_have_classes_names_and_neighbours() {
    let names = [(0, "C-1"), (21, "A0"), (60, "C4"), (61, "C#4"), (69, "A4"), (127, "G9")];
    for (pitch, name) in names {
        assert_eq!(Pitch::new(pitch).unwrap().name(), name);
    }
    assert_eq!(Pitch::new(71).unwrap().class(), 11);
    assert_eq!(Pitch::MIDDLE_C.transposed(-60), Some(Pitch::MIN));
    assert_eq!(Pitch::MIDDLE_C.transposed(-61), None);
    assert_eq!(Pitch::MIDDLE_C.transposed(68), None);
    assert_eq!(Pitch::MIDDLE_C.transposed(i32::MAX), None);
}

#[test]
fn tick_arithmetic_saturates() {
    assert_eq!(Tick::MAX.saturating_add(tick(1)), Tick::MAX);
    assert_eq!(tick(3).saturating_sub(tick(5)), Tick::ZERO);
    assert_eq!(note(Tick::MAX.get(), 7, 60).end(), Tick::MAX);
    // A track keeps what fits.
    let track = Track::new("", Program::MIN).with_notes(vec![note(Tick::MAX.get() - 2, 7, 60)]);
    assert_eq!(track.notes()[0].duration, tick(2));
}

#[test]
fn tempos_are_kept_in_microseconds() {
    assert_eq!(Tempo::from_bpm(120.0).unwrap(), Tempo::DEFAULT);
    assert_eq!(Tempo::from_bpm(90.0).unwrap().micros(), 666_667);
    assert_eq!(Tempo::from_micros(1_000_000).unwrap().bpm(), 60.0);
    for bad in [0.0, -60.0, f64::NAN, f64::INFINITY, 3.5, 1e9] {
        assert!(matches!(Tempo::from_bpm(bad), Err(ScoreError::OutOfRange { .. })), "{bad}");
    }
    assert!(Tempo::from_micros(0).is_err() && Tempo::from_micros(1 << 24).is_err());
}

#[test]
fn seconds_go_through_every_tempo_change() {
    // 480 ticks a quarter. A beat at 120 (0.5 s), two at 60 (2 s), then 240 (0.25 s a beat).
    let map = TempoMap::new(vec![tempo_at(1440, 250_000), tempo_at(480, 1_000_000)]);
    let tpq = TicksPerQuarter::DEFAULT;
    let table = [(0, 0.0), (240, 0.25), (480, 0.5), (960, 1.5), (1440, 2.5), (1680, 2.625), (1920, 2.75)];
    for (at, seconds) in table {
        assert_eq!(map.seconds_at(tick(at), tpq), seconds, "tick {at}");
        assert_eq!(map.tick_at(seconds, tpq), tick(at), "{seconds} s");
    }
    let tempos = [(0, 120.0), (479, 120.0), (480, 60.0), (1439, 60.0), (1440, 240.0), (1 << 27, 240.0)];
    for (at, bpm) in tempos {
        assert_eq!(map.tempo_at(tick(at)).bpm(), bpm, "tick {at}");
    }
    // To the nearest tick: one tick of the second beat is 1/480 s.
    assert_eq!(map.tick_at(0.5 + 0.4 / 480.0, tpq), tick(480));
    assert_eq!(map.tick_at(0.5 + 0.6 / 480.0, tpq), tick(481));
    for (seconds, expected) in
        [(-1.0, Tick::ZERO), (f64::NAN, Tick::ZERO), (1e12, Tick::MAX), (f64::INFINITY, Tick::MAX)]
    {
        assert_eq!(map.tick_at(seconds, tpq), expected, "{seconds} s");
    }
}

#[test]
fn maps_are_put_in_order() {
    let map = TempoMap::new(vec![tempo_at(960, 400_000), tempo_at(0, 600_000), tempo_at(960, 300_000)]);
    assert_eq!(map.changes(), [tempo_at(0, 600_000), tempo_at(960, 300_000)]);
    // The tempo in force may be said again.
    let map = TempoMap::new(vec![tempo_at(480, 500_000), tempo_at(960, 500_000)]);
    assert_eq!(map.changes(), [tempo_at(0, 500_000), tempo_at(480, 500_000), tempo_at(960, 500_000)]);
    assert_eq!(map.seconds_at(tick(1440), TicksPerQuarter::DEFAULT), 1.5);
    assert_eq!(TempoMap::new(vec![]), TempoMap::constant(Tempo::DEFAULT));
    assert_eq!(TempoMap::new(vec![]).changes(), [tempo_at(0, 500_000)]);
}

#[test]
fn tracks_know_the_order_in_which_notes_were_given() {
    let note = |start, pitch| Note {
        start: tick(start),
        pitch: Pitch::new(pitch).unwrap(),
        duration: tick(10),
        velocity: Velocity::DEFAULT,
    };
    let given = [note(5, 60), note(0, 67), note(5, 64), note(0, 60), note(5, 62), note(9, 1), note(0, 64)];
    let mut track = Track::new("", Program::MIN).with_notes(given.to_vec());
    let pitches = |notes: Vec<&Note>| notes.iter().map(|n| n.pitch.get()).collect::<Vec<_>>();
    assert_eq!(pitches(track.notes().iter().collect()), [60, 64, 67, 60, 62, 64, 1]);
    assert_eq!(pitches(track.notes_as_given().collect()), [67, 60, 64, 60, 64, 62, 1]);
    // It is no part of the music.
    let sorted = Track::new("", Program::MIN).with_notes(track.notes().to_vec());
    assert_eq!(sorted, track);
    assert_eq!(pitches(sorted.notes_as_given().collect()), pitches(sorted.notes().iter().collect()));
    // What is added comes last, and moving everything moves the order along.
    track.extend_notes([note(0, 62)]);
    track.map_ticks(|t| t.saturating_add(tick(1)));
    assert_eq!(pitches(track.notes_as_given().collect()), [67, 60, 64, 62, 60, 64, 62, 1]);
}

#[test]
fn bars_change_length_with_the_metre() {
    let mut score = Score::default();
    // A pick-up of one quarter, three bars of 3/4, then 6/8 begins in the middle of a 3/4 bar.
    score.set_time_signatures(vec![meter_at(0, 1, 4), meter_at(480, 3, 4), meter_at(4080, 6, 8)]);
    let bars: Vec<(usize, u32, u32, u8)> = score
        .bars()
        .take(6)
        .map(|b| (b.index, b.start.get(), b.end.get(), b.time_signature.numerator()))
        .collect();
    let expected = [
        (0, 0, 480, 1),
        (1, 480, 1920, 3),
        (2, 1920, 3360, 3),
        (3, 3360, 4080, 3), // cut short
        (4, 4080, 5520, 6),
        (5, 5520, 6960, 6),
    ];
    assert_eq!(bars, expected);
    // Without signatures it is 4/4, and bars end where ticks end.
    let last: Bar = Score::default().bars().last().unwrap();
    assert_eq!((last.start.get() % 1920, last.end), (0, Tick::MAX));
}

#[test]
fn time_signatures_are_checked() {
    assert_eq!(TimeSignature::new(6, 8).unwrap().quarters(), 3.0);
    assert_eq!(TimeSignature::new(7, 16).unwrap().bar_ticks(TicksPerQuarter::DEFAULT), tick(840));
    // Too coarse for a 128th: at least one tick.
    assert_eq!(TimeSignature::new(1, 128).unwrap().bar_ticks(TicksPerQuarter::MIN), tick(1));
    assert_eq!(TimeSignature::new(4, 3), Err(ScoreError::Denominator(3)));
    assert_eq!(TimeSignature::new(4, 0), Err(ScoreError::Denominator(0)));
    assert_eq!(TimeSignature::new(4, 256), Err(ScoreError::Denominator(256)));
    assert!(TimeSignature::new(0, 4).is_err() && TimeSignature::new(256, 4).is_err());
}

#[test]
fn keys_have_their_tonics() {
    let tonic = |sharps, mode| KeySignature::new(sharps, mode).unwrap().tonic();
    let majors = [(-7, 11), (-3, 3), (-1, 5), (0, 0), (1, 7), (2, 2), (3, 9), (6, 6), (7, 1)];
    for (sharps, class) in majors {
        assert_eq!(tonic(sharps, Mode::Major), class, "{sharps} sharps");
    }
    assert_eq!((tonic(0, Mode::Minor), tonic(-3, Mode::Minor), tonic(1, Mode::Minor)), (9, 0, 4));
    assert!(KeySignature::new(8, Mode::Major).is_err() && KeySignature::new(-8, Mode::Minor).is_err());
}

#[test]
fn scores_say_what_they_hold() {
    let mut score = Score::default();
    assert!(score.is_empty());
    assert_eq!((score.end(), score.duration_seconds()), (Tick::ZERO, 0.0));
    score.push_track(Track::new("a", Program::MIN).with_notes(vec![note(480, 960, 60), note(0, 480, 62)]));
    score.push_track(Track::drums("b", Program::MIN).with_notes(vec![note(0, 1920, 36)]));
    assert_eq!(score.tracks()[0].notes(), [note(0, 480, 62), note(480, 960, 60)]);
    assert_eq!((score.note_count(), score.end(), score.tracks()[0].end()), (3, tick(1920), tick(1440)));
    assert_eq!(score.duration_seconds(), 2.0);
    assert_eq!(score.track(2).unwrap_err().to_string(), "there is no track 2: the score has 2");
    let bare = score.without_tracks();
    assert!(bare.tracks().is_empty() && bare.tempo_map() == score.tempo_map());
    score.tracks_mut()[0].extend_notes([note(240, 10, 64)]);
    assert_eq!(score.tracks()[0].notes()[1], note(240, 10, 64));
}

#[test]
fn serialised_values_are_checked_when_read() {
    assert!(serde_json::from_str::<Pitch>("128").is_err());
    assert!(serde_json::from_str::<Tempo>("0").is_err());
    assert!(serde_json::from_str::<TimeSignature>("[4, 3]").is_err());
    assert!(serde_json::from_str::<KeySignature>(r#"[9, "major"]"#).is_err());
    assert!(serde_json::from_str::<ControlChange>("[64, 128]").is_err());
    assert!(serde_json::from_str::<PitchBend>("8192").is_err());
    // Lists are put in order on the way in.
    let map: TempoMap =
        serde_json::from_str(r#"[{"tick":960,"value":400000},{"tick":480,"value":600000}]"#).unwrap();
    assert_eq!(map.changes(), [tempo_at(0, 500_000), tempo_at(480, 600_000), tempo_at(960, 400_000)]);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<TempoMap>(&text).unwrap(), map);
}

proptest! {
    /// Tempos from 4 to 1000 quarter notes a minute, any resolution, any tick.
    #[test]
    fn ticks_to_seconds_to_ticks_is_the_identity(
        changes in prop::collection::vec((0_u32..1 << 28, 60_000_u32..15_000_000), 0..20),
        tpq in 1_u32..=32767,
        at in 0_u32..1 << 28,
    ) {
        let map = TempoMap::new(changes.into_iter().map(|(t, micros)| tempo_at(t, micros)).collect());
        let tpq = TicksPerQuarter::new(tpq).unwrap();
        prop_assert_eq!(map.tick_at(map.seconds_at(tick(at), tpq), tpq), tick(at));
    }

    /// The cumulative map against a sum over its segments.
    #[test]
    fn seconds_are_the_sum_of_the_segments(
        changes in prop::collection::vec((0_u32..10_000, 60_000_u32..15_000_000), 0..20),
        at in 0_u32..12_000,
    ) {
        let map = TempoMap::new(changes.into_iter().map(|(t, micros)| tempo_at(t, micros)).collect());
        let tpq = TicksPerQuarter::DEFAULT;
        let naive: u64 = (0..at).map(|t| u64::from(map.tempo_at(tick(t)).micros())).sum();
        prop_assert_eq!(map.seconds_at(tick(at), tpq), naive as f64 / 480e6);
    }

    #[test]
    fn bars_follow_each_other_and_start_at_every_signature(
        signatures in prop::collection::vec((0_u32..20_000, 1_u32..=16, 0_u32..=5), 0..8),
    ) {
        let mut score = Score::default();
        score.set_time_signatures(signatures.into_iter().map(|(t, n, d)| meter_at(t, n, 1 << d)).collect());
        let bars: Vec<Bar> = score.bars().take_while(|b| b.start.get() < 20_000).collect();
        prop_assert_eq!(bars[0].start, Tick::ZERO);
        for pair in bars.windows(2) {
            prop_assert_eq!(pair[0].end, pair[1].start);
            prop_assert_eq!(pair[0].index + 1, pair[1].index);
        }
        for bar in &bars {
            let full = bar.time_signature.bar_ticks(score.ticks_per_quarter());
            let length = bar.end.saturating_sub(bar.start);
            let cut = score.time_signatures().iter().any(|s| s.tick == bar.end);
            prop_assert!(length == full || (length < full && cut));
        }
        for signature in score.time_signatures() {
            prop_assert!(bars.iter().any(|b| b.start == signature.tick && b.time_signature == signature.value));
        }
    }
}
