#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::meter::{Mode, TimeSignature};
use crate::score::At;
use crate::tempo::Tempo;
use crate::units::{Pitch, Program, Tick, Velocity};

/// `(start, duration, pitch)` in ticks; a quarter note is 480.
fn notes(list: &[(u32, u32, u32)]) -> Vec<Note> {
    let note = |(start, duration, pitch): &(u32, u32, u32)| Note {
        start: Tick::new(*start).unwrap(),
        duration: Tick::new(*duration).unwrap(),
        pitch: Pitch::new(*pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    list.iter().map(note).collect()
}

fn score(tracks: &[&[(u32, u32, u32)]]) -> Score {
    let mut score = Score::default();
    for track in tracks {
        score.push_track(Track::new("", Program::MIN).with_notes(notes(track)));
    }
    score
}

fn key(sharps: i8, mode: Mode) -> KeySignature {
    KeySignature::new(sharps, mode).unwrap()
}

fn close(a: Option<f64>, b: f64) {
    assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} is not {b}");
}

/// 4/4 at 480 ticks: a bar is 1920 ticks.
const BAR: u32 = 1920;

#[test]
fn pitch_classes_by_hand() {
    // C4, C5, E4, G4: shares 1/2, 1/4, 1/4; entropy 1/2·1 + 2·(1/4·2) = 1.5 bits.
    let four = notes(&[(0, 10, 60), (0, 999, 72), (5, 1, 64), (9, 0, 67)]);
    let histogram = pitch_class_histogram(&four).unwrap();
    assert_eq!(histogram, [0.5, 0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0]);
    close(pitch_class_entropy(&four), 1.5);
    assert_eq!((pitch_count(&four), pitch_class_count(&four)), (4, 3));
    let chromatic: Vec<_> = (60..72).map(|p| (0, 1, p)).collect();
    close(pitch_class_entropy(&notes(&chromatic)), 12_f64.log2());
    let one = pitch_class_entropy(&notes(&[(0, 1, 60)])).unwrap();
    assert!(one == 0.0 && one.is_sign_positive());
}

#[test]
fn scales_by_hand() {
    // A harmonic minor from A: G sharp alone is outside A minor and C major.
    let harmonic = notes(&[69, 71, 72, 74, 76, 77, 80, 81].map(|p| (0, 1, p)));
    close(in_scale_rate(&harmonic, key(0, Mode::Minor)), 7.0 / 8.0);
    close(in_scale_rate(&harmonic, key(0, Mode::Major)), 7.0 / 8.0);
    // A major (3 sharps: A B C# D E F# G#): A, B, D, E, G#, A are inside, C and F are not.
    close(in_scale_rate(&harmonic, key(3, Mode::Major)), 6.0 / 8.0);
    assert_eq!(best_key(&harmonic), Some((key(0, Mode::Major), 7.0 / 8.0)));
    // E flat major.
    let flat = notes(&[63, 65, 67, 68, 70, 72, 74].map(|p| (0, 1, p)));
    assert_eq!(best_key(&flat), Some((key(-3, Mode::Major), 1.0)));
    close(in_scale_rate(&flat, key(-3, Mode::Minor)), 1.0); // C minor, the relative key
    close(in_scale_rate(&flat, key(-6, Mode::Minor)), 4.0 / 7.0); // E flat minor has F G♭ A♭ B♭ C♭ D♭ E♭
    // One C: many scales hold it; the one without accidentals is given.
    assert_eq!(best_key(&notes(&[(0, 1, 60)])), Some((key(0, Mode::Major), 1.0)));
    assert_eq!(best_key(&notes(&[(0, 1, 61)])).unwrap().0, key(2, Mode::Major));
}

#[test]
fn the_empty_bar_rate_is_not_its_complement() {
    // Four bars; the first track sounds in bars 1 and 4 only.
    let piece = score(&[&[(0, 480, 60), (3 * BAR, 480, 60)], &[(0, 4 * BAR, 48)]]);
    let track = |i: usize| piece.tracks()[i].notes();
    assert_eq!(empty_bar_rate(&piece, track(0)), Some(0.5));
    assert_eq!(empty_bar_rate(&piece, track(1)), Some(0.0)); // held through all
    assert_eq!(empty_bar_rate(&piece, &[]), Some(1.0)); // a silent track is all empty
    // One bar of four: 3/4, where the complement would be 1/4.
    assert_eq!(empty_bar_rate(&piece, &notes(&[(BAR, 480, 60)])), Some(0.75));
    // A note that ends on a bar line does not sound after it.
    assert_eq!(empty_bar_rate(&piece, &notes(&[(0, BAR, 60)])), Some(0.75));
    assert_eq!(empty_bar_rate(&piece, &notes(&[(0, BAR + 1, 60)])), Some(0.5));
}

#[test]
fn bars_follow_the_time_signatures() {
    // One bar of 1/4, then 3/4: bars begin at 0, 480, 1920, 3360.
    let mut piece = score(&[&[(0, 480, 60), (1920, 1440, 60), (1920, 480, 64), (2400, 960, 76)]]);
    let meter = |tick, n, d| At { tick: Tick::new(tick).unwrap(), value: TimeSignature::new(n, d).unwrap() };
    piece.set_time_signatures(vec![meter(0, 1, 4), meter(480, 3, 4)]);
    let track = piece.tracks()[0].notes();
    close(empty_bar_rate(&piece, track), 1.0 / 3.0);
    close(pitches_per_bar(&piece, track), 2.0); // 1 and 3, the empty bar left out
    close(pitch_classes_per_bar(&piece, track), 1.5); // 1 and 2
}

#[test]
fn notes_held_together_count_once_in_each_bar() {
    // Two notes of one pitch, held over 2 and 3 of 4 bars; the shorter begins last. Another pitch in the
    // last bar only.
    let list = [(0, 3 * BAR, 60), (480, BAR, 60), (3 * BAR, BAR, 61)];
    let score = score(&[&list]);
    close(empty_bar_rate(&score, &notes(&list)), 0.0);
    close(pitches_per_bar(&score, &notes(&list)), 1.0);
    close(empty_bar_rate(&score, &notes(&list[1..2])), 0.5);
}

#[test]
fn polyphony_by_hand() {
    // C over the bar, E over its second half, a C that doubles the first: two pitches half the
    // time; then a bar of silence before one last note of a bar: half of one bar in three.
    let piece = score(&[&[(0, BAR, 60), (BAR / 2, BAR / 2, 64), (0, BAR, 60), (2 * BAR, BAR, 60)]]);
    let track = piece.tracks()[0].notes();
    close(polyphony_rate(&piece, track, 2), 1.0 / 6.0);
    close(polyphony_rate(&piece, track, 1), 2.0 / 3.0);
    close(polyphony_rate(&piece, track, 0), 1.0);
    close(polyphony_rate(&piece, track, 3), 0.0);
    close(polyphony_rate(&piece, &notes(&[(0, 0, 60), (0, 0, 61)]), 1), 0.0);
}

#[test]
fn short_notes_are_not_qualified() {
    // A thirty-second is 60 ticks.
    let piece = score(&[&[(0, 59, 60), (0, 60, 62), (0, 0, 64), (0, 480, 65)]]);
    close(qualified_note_rate(&piece, piece.tracks()[0].notes()), 0.5);
}

#[test]
fn groove_by_hand() {
    let groove = |list: &[(u32, u32, u32)]| {
        let piece = score(&[list]);
        groove_consistency(&piece, piece.tracks()[0].notes(), StepsPerBeat::DEFAULT)
    };
    // The same onsets in two bars, to within rounding and whatever the pitch and length.
    close(groove(&[(0, 10, 60), (960, 10, 60), (BAR + 20, 480, 72), (BAR + 940, 960, 50)]), 1.0);
    // Four on the beat against four off it: 8 of 16 positions differ.
    let beats: Vec<_> = (0..4).flat_map(|i| [(i * 480, 240, 60), (BAR + i * 480 + 240, 240, 60)]).collect();
    close(groove(&beats), 0.5);
    // Three bars, onsets {0}, {0, 8}, {}: differences 1 and 2 of 16, mean 1.5 / 16.
    let third = (2 * BAR - 1, BAR, 60); // held into the third bar: its onset rounds to the bar line
    close(groove(&[(0, 10, 60), (BAR, 10, 60), (BAR + 960, BAR + 960, 60)]), 1.0 - 1.5 / 16.0);
    // The onset just before the third bar counts there: {0}, {0}, {0}.
    close(groove(&[(0, 10, 60), (BAR, 10, 60), third]), 1.0);
    // One bar has no neighbour; bars of different length are not compared.
    assert_eq!(groove(&[(0, 10, 60)]), None);
    let mut piece = score(&[&[(0, 480, 60), (480, 1440, 60)]]);
    let meter = |tick, n| At { tick: Tick::new(tick).unwrap(), value: TimeSignature::new(n, 4).unwrap() };
    piece.set_time_signatures(vec![meter(0, 1), meter(480, 3)]);
    assert_eq!(groove_consistency(&piece, piece.tracks()[0].notes(), StepsPerBeat::DEFAULT), None);
}

#[test]
fn density_by_hand() {
    // Four quarters at 60 a minute: 4 seconds, and a rest first.
    let mut piece = score(&[&[(480, 480, 60), (960, 480, 60), (1440, 480, 60)]]);
    piece.set_tempo(Tempo::from_bpm(60.0).unwrap());
    let track = piece.tracks()[0].notes();
    close(note_density(&piece, track), 0.75);
    close(note_density_per_beat(&piece, track), 0.75);
    piece.set_tempo(Tempo::from_bpm(120.0).unwrap());
    let track = piece.tracks()[0].notes();
    close(note_density(&piece, track), 1.5);
    close(note_density_per_beat(&piece, track), 0.75);
}

#[test]
fn dissonances_by_hand() {
    let rate = |chord: &[u32]| {
        let list: Vec<_> = chord.iter().map(|p| (0, 480, *p)).collect();
        let piece = score(&[&list]);
        dissonance_rate(&piece, piece.tracks()[0].notes())
    };
    // C major in root position and in first inversion: thirds, sixths, a fifth; in the first inversion C and G are
    // a fourth apart, but E is the bass.
    close(rate(&[60, 64, 67]), 0.0);
    close(rate(&[64, 67, 72]), 0.0);
    // The second inversion has its fourth above the bass, and so has one with the fourth in the next octave.
    close(rate(&[55, 60, 64]), 1.0 / 3.0);
    close(rate(&[55, 64, 72]), 1.0 / 3.0);
    // G B D F: F against G is a seventh, F against B a tritone.
    close(rate(&[55, 59, 62, 65]), 2.0 / 6.0);
    // Seconds and ninths, small and large.
    for upper in [61, 62, 70, 71, 73, 74, 66, 78] {
        close(rate(&[60, upper]), 1.0);
    }
    for upper in [63, 64, 67, 68, 69, 72, 84] {
        close(rate(&[60, upper]), 0.0);
    }
    assert_eq!(rate(&[60]), None);
    // Between the beats nothing counts; a held pitch does. Beat 1: C E; beat 2: C held, D begins.
    let piece = score(&[&[(0, 960, 60), (0, 480, 64), (240, 200, 61), (480, 480, 62)]]);
    close(dissonance_rate(&piece, piece.tracks()[0].notes()), 0.5);
    // C and D at 480, C and E at 720 and 960. In 4/4 the beats at 480 and 960 have a pair; in 6/8, of dotted
    // quarters, only the one at 720.
    let mut piece = score(&[&[(0, 1440, 60), (480, 240, 62), (720, 720, 64)]]);
    close(dissonance_rate(&piece, piece.tracks()[0].notes()), 0.5);
    let six_eight = At { tick: Tick::ZERO, value: TimeSignature::new(6, 8).unwrap() };
    piece.set_time_signatures(vec![six_eight]);
    let track = piece.tracks()[0].notes();
    close(dissonance_rate(&piece, track), 0.0);
    assert_eq!(dissonance_rate(&piece, &track[..2]), None);
}

#[test]
fn textures_by_hand() {
    // C for 4 beats, E over the last 3, a doubled C, C two octaves and a tone up over the last one; then a beat of
    // silence before one more note.
    let list = notes(&[(0, 1920, 60), (480, 1440, 64), (0, 960, 60), (1440, 480, 86), (2400, 480, 50)]);
    let count = voice_count(&list).unwrap();
    assert_eq!(count.map(|share| share * 6.0).map(f64::round), [1.0, 2.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    close(Some(count.iter().sum()), 1.0);
    // C to E for 3 beats, E to the highest D for 1.
    let spacing = voice_spacing(&list).unwrap();
    close(Some(spacing[4]), 0.75);
    close(Some(spacing[22]), 0.25);
    close(Some(histogram_mean(&spacing)), 0.75 * 4.0 + 0.25 * 22.0);
    // Three octaves are kept in the last place.
    close(Some(voice_spacing(&notes(&[(0, 10, 40), (0, 10, 76)])).unwrap()[24]), 1.0);
    assert_eq!((voice_spacing(&list[4..]), voice_count(&[])), (None, None));
    assert_eq!(voice_count(&notes(&[(0, 0, 60)])), None);
}

#[test]
fn note_lengths_by_hand() {
    // A sixteenth is 120 ticks: lengths 1 (rounded up), 1, 4, 40.
    let piece = score(&[&[(0, 10, 60), (0, 120, 62), (480, 475, 64), (0, 4800, 65)]]);
    let track = piece.tracks()[0].notes();
    let lengths = note_length_histogram(&piece, track, StepsPerBeat::DEFAULT).unwrap();
    let places: Vec<(usize, f64)> =
        lengths.into_iter().enumerate().filter(|(_, share)| *share > 0.0).collect();
    assert_eq!(places, [(1, 0.5), (4, 0.25), (32, 0.25)]);
    close(Some(histogram_mean(&lengths)), 9.5);
    let quarters = note_length_histogram(&piece, &notes(&[(7, 480, 60)]), StepsPerBeat::DEFAULT).unwrap();
    close(Some(histogram_overlap(&lengths, &quarters)), 0.25);
    close(Some(histogram_overlap(&lengths, &lengths)), 1.0);
    assert_eq!(note_length_histogram(&piece, &[], StepsPerBeat::DEFAULT), None);
}

#[test]
fn tonal_centroids_by_hand() {
    let single = |class: usize| {
        let mut chroma = [0.0; 12];
        chroma[class] = 3.0; // any weight: the centroid is normalised
        tonal_centroid(&chroma).unwrap()
    };
    let (half, root) = (0.5, 3_f64.sqrt() / 2.0);
    let expected = [
        (0, [0.0, 1.0, 0.0, 1.0, 0.0, 0.5]),
        (1, [-half, -root, -1.0, 0.0, root / 2.0, -0.25]),
        (6, [0.0, -1.0, 0.0, -1.0, 0.0, 0.5]),
        (7, [half, root, 1.0, 0.0, root / 2.0, -0.25]),
    ];
    for (class, centroid) in expected {
        for (axis, value) in single(class).into_iter().zip(centroid) {
            assert!((axis - value).abs() < 1e-12, "class {class}: {axis} is not {value}");
        }
    }
    // All twelve alike: the circles close, the centroid is their common centre.
    assert!(tonal_centroid(&[1.0; 12]).unwrap().iter().all(|axis| axis.abs() < 1e-12));
    assert_eq!(tonal_centroid(&[0.0; 12]), None);
    assert_eq!(tonal_centroid(&[f64::NAN; 12]), None);
    assert_eq!(tonal_centroid(&[f64::INFINITY; 12]), None);
    let mut negative = [1.0; 12];
    negative[3] = -0.5;
    assert_eq!(tonal_centroid(&negative), None);
}

#[test]
fn tonal_distances_by_hand() {
    let distance = |a: &[(u32, u32, u32)], b: &[(u32, u32, u32)], segment| {
        let piece = score(&[a, b]);
        tonal_distance(&piece, piece.tracks()[0].notes(), piece.tracks()[1].notes(), segment)
    };
    let root3 = 3_f64.sqrt();
    let fifth = (2.0 - root3 + 2.0 + 0.75_f64).sqrt(); // C to G, from the coordinates above
    let semitone = (2.0 + root3 + 2.0 + 0.75_f64).sqrt(); // C to C sharp
    close(distance(&[(0, 480, 60)], &[(0, 480, 72)], Segment::Beat), 0.0);
    close(distance(&[(0, 480, 60)], &[(0, 480, 67)], Segment::Beat), fifth);
    close(distance(&[(0, 480, 60)], &[(0, 480, 61)], Segment::Beat), semitone);
    close(distance(&[(0, 480, 60)], &[(0, 480, 66)], Segment::Beat), 8_f64.sqrt());
    // Neighbouring semitones are not one class: the defect would make this distance zero.
    assert!(semitone > fifth);
    // Beats in which one is silent do not count: (fifth + 0) / 2.
    let a = [(0, 480, 60), (480, 480, 60), (960, 480, 61)];
    let b = [(0, 480, 67), (480, 480, 60)];
    close(distance(&a, &b, Segment::Beat), fifth / 2.0);
    // A bar at once: half C, half C sharp by time, against C: half way to the semitone.
    let c_then_c_sharp = [(0, 960, 60), (960, 960, 61)];
    close(distance(&c_then_c_sharp, &[(0, BAR, 60)], Segment::Bar), semitone / 2.0);
    assert_eq!(distance(&[(0, 480, 60)], &[(480, 480, 60)], Segment::Beat), None);
    assert_eq!(distance(&[(0, 480, 60)], &[], Segment::Bar), None);
}

#[test]
fn nothing_has_no_measures() {
    let empty = Metrics::of(&Score::default());
    assert_eq!((empty.notes, empty.pitches, empty.pitch_classes), (0, 0, 0));
    assert_eq!(empty.pitch_class_entropy.or(empty.best_key_in_scale_rate).or(empty.in_scale_rate), None);
    assert_eq!(empty.empty_bar_rate.or(empty.polyphony_rate).or(empty.qualified_note_rate), None);
    assert_eq!(empty.groove_consistency.or(empty.note_density).or(empty.note_density_per_beat), None);
    assert_eq!(empty.pitches_per_bar.or(empty.pitch_classes_per_bar), None);
    assert_eq!((empty.pitch_class_histogram, empty.best_key), (None, None));
    assert!(serde_json::to_string(&empty).unwrap().contains("\"empty_bar_rate\":null"));
}

fn any_notes() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
    prop::collection::vec((0_u32..10_000, 0_u32..5000, 0_u32..128), 1..30)
}

proptest! {
    #[test]
    fn measures_stay_in_range_and_do_not_mind_the_order(list in any_notes(), seed in any::<usize>()) {
        let piece = score(&[&list]);
        let sorted = piece.tracks()[0].notes();
        let metrics = Metrics::of_notes(&piece, sorted);
        let rates = [
            metrics.best_key_in_scale_rate,
            metrics.empty_bar_rate,
            metrics.polyphony_rate,
            metrics.qualified_note_rate,
            metrics.groove_consistency,
        ];
        prop_assert!(rates.into_iter().flatten().all(|rate| (0.0..=1.0).contains(&rate)));
        prop_assert!(metrics.pitch_class_entropy.unwrap() <= 12_f64.log2() + 1e-12);
        prop_assert!((metrics.pitch_class_histogram.unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut rotated = sorted.to_vec();
        rotated.rotate_left(seed % list.len());
        prop_assert_eq!(Metrics::of_notes(&piece, &rotated), metrics);
    }

    #[test]
    fn tonal_distance_minds_neither_order_nor_transposition(
        a in any_notes(), b in any_notes(), up in 1_u32..12,
    ) {
        let shift = |list: &[(u32, u32, u32)]| -> Vec<_> {
            list.iter().map(|(s, d, p)| (*s, *d, (p % 100) + up)).collect()
        };
        let low = |list: &[(u32, u32, u32)]| -> Vec<_> { list.iter().map(|(s, d, p)| (*s, *d, p % 100)).collect() };
        let distance = |a: &[(u32, u32, u32)], b: &[(u32, u32, u32)]| {
            let piece = score(&[a, b]);
            tonal_distance(&piece, piece.tracks()[0].notes(), piece.tracks()[1].notes(), Segment::Beat)
        };
        let (x, y, z) = (distance(&low(&a), &low(&b)), distance(&low(&b), &low(&a)), distance(&shift(&a), &shift(&b)));
        prop_assert_eq!(x, y);
        prop_assert_eq!(x.is_some(), z.is_some());
        if let (Some(x), Some(z)) = (x, z) {
            prop_assert!((x - z).abs() < 1e-9);
        }
        prop_assert!(distance(&low(&a), &low(&a)).unwrap_or(0.0).abs() < 1e-12);
    }
}

#[test]
fn a_cadence_by_hand() {
    let mut music = score(&[]);
    music.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(3, 4).unwrap() }]);
    let c_major = key(0, Mode::Major);
    // A dotted half note on C with the second bar of 3/4, after D a beat before; a chord's lowest note counts.
    let ended = notes(&[(0, 960, 64), (960, 480, 62), (1440, 1440, 60), (1440, 1440, 64)]);
    let found = cadence(&music, &ended, c_major).unwrap();
    assert!(found.on_tonic && found.on_beat && found.on_downbeat);
    assert_eq!((found.quarters, found.approach), (3.0, Some(-2)));
    // A 32nd before the bar is on it, and more is on nothing.
    for (start, is_on) in [(1380, true), (1379, false)] {
        let found = cadence(&music, &notes(&[(start, 120, 67)]), c_major).unwrap();
        assert_eq!((found.on_tonic, found.on_beat, found.on_downbeat), (false, is_on, is_on));
        assert_eq!((found.quarters, found.approach), (0.25, None));
    }
    assert!(cadence(&music, &notes(&[(480, 120, 69)]), key(0, Mode::Minor)).unwrap().on_tonic);
    assert!(cadence(&music, &[], c_major).is_none());
}
