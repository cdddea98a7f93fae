#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::input_tracks::InputTrack;

/// Normal deviates from a fixed seed: splitmix64, then Box and Muller.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// A performance: onsets off by `deviation` seconds, notes held for 85 % of their length.
fn perform(
    notes: &[Note],
    bpm: f64,
    deviation: f64,
    place: impl Fn(f64) -> f64,
    seed: u64,
) -> Vec<PlayedNote> {
    let mut noise = Noise(seed);
    let seconds = |ticks: u32| place(f64::from(ticks) / 480.0) * 60.0 / bpm;
    notes
        .iter()
        .map(|note| PlayedNote {
            onset: 1.0 + seconds(note.start.get()) + deviation * noise.normal(),
            duration: 0.85 * (seconds(note.end().get()) - seconds(note.start.get())),
            pitch: note.pitch,
            velocity: note.velocity,
        })
        .collect()
}

/// Onsets from the first, lengths and pitches. The last note has no onset after it that says where it
/// was meant to end: its length is left out.
fn shape(notes: &[Note]) -> Vec<(u32, u32, u8)> {
    let first = notes[0].start.get();
    let mut shape: Vec<_> =
        notes.iter().map(|n| (n.start.get() - first, n.duration.get(), n.pitch.get())).collect();
    if let Some(last) = shape.last_mut() {
        last.1 = 0;
    }
    shape
}

/// How many of the built-in tunes come back exactly, at four tempos, and of how many.
fn recovered(deviation: f64, assist: impl Fn(f64) -> RhythmAssist) -> (usize, usize, Vec<String>) {
    let (mut exact, mut all, mut wrong) = (0, 0, Vec::new());
    for (i, tune) in InputTrack::ALL.into_iter().enumerate() {
        for bpm in [72.0, 96.0, 120.0, 138.0] {
            let score = tune.score();
            let notes = score.tracks()[0].notes();
            let played = perform(notes, bpm, deviation, |quarters| quarters, 1000 + i as u64);
            let clean = assist(bpm).assist(&played).unwrap();
            all += 1;
            if shape(clean.score.tracks()[0].notes()) == shape(notes) {
                exact += 1;
            } else {
                wrong.push(format!(
                    "{tune} at {bpm}: {:?}, {}",
                    clean.feel,
                    clean.score.tempo_map().changes()[0].value.bpm()
                ));
            }
        }
    }
    (exact, all, wrong)
}

fn known(bpm: f64) -> RhythmAssist {
    RhythmAssist::at(Tempo::from_bpm(bpm).unwrap())
}

/// Less than an octave around the tempo, as someone who taps along would know it.
fn near(bpm: f64) -> RhythmAssist {
    RhythmAssist::between(bpm / 1.3, bpm * 1.3).unwrap()
}

/// Twelve tunes at four tempos, 48 performances each, from fixed seeds. All come back up to a
/// deviation of 15 ms; at 20 ms, when a sixteenth lasts 109 ms, a few do not.
#[test]
fn tunes_come_back() {
    for (deviation, assist, at_least) in [
        (0.0, known as fn(f64) -> RhythmAssist, 48),
        (0.010, known, 48),
        (0.015, known, 48),
        (0.020, known, 42), // 44
        (0.0, near, 48),
        (0.010, near, 48),
        (0.015, near, 48),
        (0.020, near, 41), // 43
    ] {
        let (exact, all, wrong) = recovered(deviation, assist);
        assert_eq!(all, 48);
        assert!(exact >= at_least, "{exact} of {all} at {deviation} s: {wrong:#?}");
    }
}

#[test]
fn swung_eighths_are_told_from_triplets_and_sixteenths() {
    let swing = |quarters: f64| {
        let inside = quarters.fract();
        let moved = if inside < 0.5 { inside * 4.0 / 3.0 } else { 2.0 / 3.0 + (inside - 0.5) * 2.0 / 3.0 };
        quarters.floor() + moved
    };
    let mut tunes = 0;
    for tune in InputTrack::ALL {
        let score = tune.score();
        let notes = score.tracks()[0].notes();
        // Tunes in eighths, some of them off the beat.
        let eighths = notes.iter().filter(|n| n.start.get() % 480 == 240).count();
        let in_four = score.time_signatures()[0].value.denominator() == 4;
        if eighths < 4 || !in_four || notes.iter().any(|n| n.start.get() % 240 != 0) {
            continue;
        }
        tunes += 1;
        for bpm in [90.0, 126.0] {
            let played = perform(notes, bpm, 0.010, swing, 7);
            let clean = near(bpm).assist(&played).unwrap();
            assert_eq!(clean.feel, Feel::Swing, "{tune} at {bpm}");
            assert_eq!(shape(clean.score.tracks()[0].notes()), shape(notes), "{tune} at {bpm}");
        }
    }
    assert!(tunes >= 3, "{tunes}");
}

fn note(start: u32, duration: u32, pitch: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

/// A jig-like melody in triplets and quarters, eight bars.
fn triplets() -> Vec<Note> {
    let mut notes = Vec::new();
    for bar in 0..8 {
        let mut start = bar * 1920;
        for (i, length) in [160, 160, 160, 480, 160, 160, 160, 320, 160].into_iter().enumerate() {
            notes.push(note(start, length, 60 + (i as u32 * 5 + bar) % 12));
            start += length;
        }
    }
    notes
}

#[test]
fn triplets_come_back() {
    for bpm in [72.0, 100.0, 132.0] {
        let played = perform(&triplets(), bpm, 0.010, |quarters| quarters, 3);
        let clean = near(bpm).assist(&played).unwrap();
        assert_eq!(clean.feel, Feel::Triplets);
        // From the downbeat, too.
        assert_eq!(clean.score.tracks()[0].notes()[0].start, Tick::ZERO);
        assert_eq!(shape(clean.score.tracks()[0].notes()), shape(&triplets()));
        assert!((clean.score.tempo_map().changes()[0].value.bpm() / bpm - 1.0).abs() < 0.005);
        assert!((clean.deviation - 0.010).abs() < 0.003, "{}", clean.deviation);
    }
}

#[test]
fn a_drifting_tempo_is_followed() {
    // A beat is 15 % longer at the end than at the start, or 10 % shorter, evenly; 20 performances each.
    let score = InputTrack::OdeToJoy.score();
    let notes = score.tracks()[0].notes();
    for change in [0.15, -0.1] {
        for seed in 0..20 {
            let drift = |quarters: f64| quarters + change * quarters * quarters / (2.0 * 64.0);
            let played = perform(notes, 120.0, 0.008, drift, seed);
            let clean = near(115.0).assist(&played).unwrap();
            assert_eq!(shape(clean.score.tracks()[0].notes()), shape(notes), "{change}, seed {seed}");
            assert_eq!(clean.score.tracks()[0].notes()[0].start, Tick::ZERO);
        }
    }
}

#[test]
fn chords_are_gathered_and_small_overlaps_closed() {
    let at = |onset: f64, duration: f64, pitch: u32| PlayedNote {
        onset,
        duration,
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    // Half a second a beat. Rolled chords; the last but one short, the first held through.
    let played = [
        at(0.98, 2.0, 48),
        at(0.99, 0.55, 60),
        at(1.01, 0.40, 64),
        at(1.50, 0.45, 62),
        at(2.00, 0.12, 60),
        at(2.51, 0.50, 64),
    ];
    let clean = known(120.0).assist(&played).unwrap();
    let expected = [
        note(0, 480, 60),
        note(0, 480, 64),
        note(0, 1920, 48),
        note(480, 480, 62),
        note(960, 120, 60),
        note(1440, 480, 64),
    ];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(clean.score.tracks()[0].notes(), expected);
    // From a score, whatever its resolution and tempo.
    let mut score = Score::new(TicksPerQuarter::MAX);
    let tick = |seconds| score.tick_at(seconds);
    let notes = played.map(|p| Note {
        start: tick(p.onset),
        duration: tick(p.onset + p.duration).saturating_sub(tick(p.onset)),
        pitch: p.pitch,
        velocity: p.velocity,
    });
    score.push_track(Track::new("", Program::MIN).with_notes(notes.to_vec()));
    assert_eq!(known(120.0).assist_track(&score, 0).unwrap().score, clean.score);
    let missing = RhythmError::Score(ScoreError::NoSuchTrack { index: 1, tracks: 1 });
    assert_eq!(known(120.0).assist_track(&score, 1), Err(missing));
}

#[test]
fn settings_and_times_are_checked() {
    for (slowest, fastest) in [(19.0, 100.0), (100.0, 401.0), (100.0, 90.0), (f64::NAN, 90.0)] {
        assert!(matches!(RhythmAssist::between(slowest, fastest), Err(ScoreError::Range { .. })));
    }
    assert!(known(120.0).with_chord_window(0.3).is_err() && known(120.0).with_legato(1.1).is_err());
    let bad = |onset, duration| {
        let (pitch, velocity) = (Pitch::MIDDLE_C, Velocity::DEFAULT);
        known(120.0).assist(&[PlayedNote { onset, duration, pitch, velocity }]).unwrap_err()
    };
    assert!(matches!(bad(-1.0, 0.0), RhythmError::Time { index: 0, field: "onset", .. }));
    assert!(matches!(bad(0.0, f64::NAN), RhythmError::Time { field: "duration", .. }));
    assert!(matches!(bad(f64::INFINITY, 0.0), RhythmError::Time { .. }));
    let few = near(120.0).assist(&[]).unwrap_err();
    assert_eq!(few, RhythmError::TooFew { onsets: 0 });
    assert!(known(120.0).assist(&[]).unwrap().score.is_empty());
}

proptest! {
    #[test]
    fn any_notes_come_back_in_order_and_on_the_grid(
        times in prop::collection::vec((0.0_f64..2000.0, 0.0_f64..5.0, 0_u32..128), 3..60),
        bpm in 40.0_f64..200.0,
        legato in 0.0_f64..=1.0,
    ) {
        let played: Vec<PlayedNote> = times.iter().map(|(onset, duration, pitch)| PlayedNote {
            onset: *onset,
            duration: *duration,
            pitch: Pitch::new(*pitch).unwrap(),
            velocity: Velocity::DEFAULT,
        }).collect();
        let clean = known(bpm).with_legato(legato).unwrap().assist(&played).unwrap();
        let notes = clean.score.tracks()[0].notes();
        let step = match clean.feel { Feel::Straight => 120, Feel::Triplets => 160, Feel::Swing => 240 };
        prop_assert!(notes.iter().all(|n| n.start.get() % step == 0 && n.duration.get() >= step));
        prop_assert!(notes.iter().all(|n| n.duration.get() % step == 0));
        let mut pitches: Vec<_> = played.iter().map(|n| n.pitch).collect();
        let mut back: Vec<_> = notes.iter().map(|n| n.pitch).collect();
        pitches.sort_unstable();
        back.sort_unstable();
        prop_assert_eq!(back, pitches);
        prop_assert!(notes[0].start.get() < 480);
    }
}
