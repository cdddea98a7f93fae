//! Measures of melody against accompaniment, of form, and of one set of music against another.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
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

/// A score that is as long as these notes.
fn score(list: &[(u32, u32, u32)]) -> Score {
    let mut score = Score::default();
    score.push_track(Track::new("", Program::MIN).with_notes(notes(list)));
    score
}

fn close(a: Option<f64>, b: f64) {
    assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} is not {b}");
}

const BAR: u32 = 1920;

#[test]
fn chord_tones_by_hand() {
    // C major over two beats, silence, then G alone.
    let chord = [(0, 960, 48), (0, 960, 52), (0, 960, 55), (1440, 480, 43)];
    // C, D (half as long) | F | silence of the chord: does not count | G two octaves up.
    let tune = [(0, 240, 72), (240, 120, 74), (480, 480, 65), (960, 480, 61), (1440, 480, 67)];
    let piece = score(&tune);
    let rate = chord_tone_rate(&piece, &notes(&tune), &notes(&chord), Segment::Beat);
    close(rate, (240.0 + 480.0) / (240.0 + 120.0 + 480.0 + 480.0));
    // Over the bar the chord is C E G throughout: its silent beat counts, and C sharp is not in it.
    let rate = chord_tone_rate(&piece, &notes(&tune), &notes(&chord), Segment::Bar);
    close(rate, (240.0 + 480.0) / (240.0 + 120.0 + 480.0 + 480.0 + 480.0));
    assert_eq!(chord_tone_rate(&piece, &notes(&tune), &[], Segment::Beat), None);
    assert_eq!(chord_tone_rate(&piece, &[], &notes(&chord), Segment::Beat), None);
}

#[test]
fn chroma_correlations_by_hand() {
    let of = |a: &[(u32, u32, u32)], b: &[(u32, u32, u32)]| {
        chroma_correlation(&score(a), &notes(a), &notes(b), Segment::Beat)
    };
    close(of(&[(0, 480, 60)], &[(0, 480, 36)]), 1.0);
    // One class of twelve against another: means 1/12, covariance −1/144, variances 11/144.
    close(of(&[(0, 480, 60)], &[(0, 480, 61)]), -1.0 / 11.0);
    // One class against itself and two others, with weights 1: covariance (1 − 3/12)/12, variances 11/144 and 27/144.
    let triad = [(0, 480, 60), (0, 480, 64), (0, 480, 67)];
    close(of(&[(0, 480, 60)], &triad), (9.0 / 144.0) / (11.0 * 27.0_f64).sqrt() * 144.0);
    let all: Vec<_> = (60..72).map(|p| (0, 480, p)).collect();
    assert_eq!(of(&[(0, 480, 60)], &all), None);
    // Two beats: 1 and −1/11.
    close(of(&[(0, 960, 60)], &[(0, 480, 48), (480, 480, 61)]), 5.0 / 11.0);
}

#[test]
fn grids_by_hand() {
    let piece = score(&[(0, BAR, 60)]);
    let of = |starts: &[u32], per_quarter: u32| {
        let list: Vec<_> = starts.iter().map(|start| (*start, 60, 38)).collect();
        on_grid_rate(&piece, &notes(&list), StepsPerBeat::new(per_quarter).unwrap())
    };
    // Quarters, an eighth, a sixteenth and a triplet.
    let starts = [0, 480, 240, 120, 160];
    close(of(&starts, 1), 2.0 / 5.0);
    close(of(&starts, 2), 3.0 / 5.0);
    close(of(&starts, 4), 4.0 / 5.0);
    close(of(&starts, 3), 3.0 / 5.0);
    // Half of an eighth's sixteenth part is 7.5 ticks: 15 either way are on it, 16 are not.
    close(of(&[465, 495, 464, 496], 2), 0.5);
    assert_eq!(of(&[], 2), None);
}

#[test]
fn similarities_of_bars_by_hand() {
    // Bars A B A silent A', where A' shares one of three onsets with A, and B none with either.
    let a = |bar: u32| [(bar * BAR, 480, 60), (bar * BAR + 960, 480, 64)];
    let mut list = Vec::new();
    list.extend(a(0));
    list.extend([(BAR, 480, 61)]);
    list.extend(a(2));
    list.extend([(4 * BAR, 480, 60), (4 * BAR + 960, 480, 65)]);
    let similar = self_similarity(&score(&list), &notes(&list), 5);
    assert_eq!(similar[0], Some(0.0)); // A B, B A
    close(similar[1], (1.0 + 1.0 / 3.0) / 2.0); // A A, A A'
    assert_eq!(similar[2], Some(0.0)); // B A'
    close(similar[3], 1.0 / 3.0); // A A'
    assert_eq!(similar[4], None);
    // To a sixteenth: 20 ticks late is in place, 70 is not.
    let late = [(0, 480, 60), (BAR + 20, 480, 60), (2 * BAR + 70, 480, 60)];
    close(self_similarity(&score(&late), &notes(&late), 1)[0], 0.5);
    // A downbeat 20 ticks early is one all the same, also where no note comes after it; 70 ticks early it is the last
    // sixteenth of the bar before.
    let early = [(0, 480, 60), (BAR - 20, 10, 60)];
    close(self_similarity(&score(&early), &notes(&early), 1)[0], 1.0);
    let early = [(0, 480, 60), (BAR - 70, 10, 60), (BAR, 10, 60)];
    close(self_similarity(&score(&early), &notes(&early), 1)[0], 0.5);
    assert_eq!(self_similarity(&Score::default(), &[], 2), [None, None]);
}

#[test]
fn overlaps_of_normal_samples() {
    // Quantiles of a uniform distribution shifted by half its width: unsmoothed, half overlaps.
    let uniform =
        |from: f64| -> Vec<f64> { (0..2000).map(|i| from + (f64::from(i) + 0.5) / 2000.0).collect() };
    let half = overlapping_area(&uniform(0.0), &uniform(0.5)).unwrap();
    assert!((half - 0.5).abs() < 0.03, "{half}");
    let (a, b) = ([0.0, 1.0, 2.0, 5.0], [3.0, 1.0, 4.0]);
    assert_eq!(overlapping_area(&a, &b), overlapping_area(&b, &a));
    let shifted = |x: &[f64]| -> Vec<f64> { x.iter().map(|v| 10.0 + 3.0 * v).collect() };
    let moved = overlapping_area(&shifted(&a), &shifted(&b)).unwrap();
    assert!((moved - overlapping_area(&a, &b).unwrap()).abs() < 1e-9);
    // Two single values a range apart have kernels a hundredth of it wide.
    assert!(overlapping_area(&[0.0], &[1.0]).unwrap() < 1e-9);
    assert_eq!(overlapping_area(&[2.0, 2.0], &[2.0]), Some(1.0));
    // Whatever the range; but one that is no number tells nothing.
    for range in [5e-324, 1e-300, 1e200, 1e308] {
        let area = overlapping_area(&[0.0], &[range]).unwrap();
        assert!(area < 1e-9, "{range}: {area}");
        close(
            overlapping_area(&[0.0, range], &[range, 0.0]),
            overlapping_area(&[0.0, 1.0], &[1.0, 0.0]).unwrap(),
        );
    }
    assert_eq!(overlapping_area(&[-1e308], &[1e308]), None);
    // The two differ by rounding alone.
    assert_eq!(overlapping_area(&[0.3; 10], &[0.1 + 0.2; 10]), Some(1.0));
    assert!(overlapping_area(&[0.3; 10], &[0.300_000_001; 10]).unwrap() < 1e-9);
    assert_eq!(overlapping_area(&[], &[1.0]), None);
    assert_eq!(overlapping_area(&[f64::NAN], &[1.0]), None);
}

/// Numbers that look drawn: a full period of a linear congruential generator, 0 to 1.
fn drawn(seed: u32, count: usize) -> Vec<f64> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX)
        })
        .collect()
}

#[test]
fn a_classifier_tells_what_can_be_told() {
    let samples = |values: &[f64], shift: f64| -> Vec<Sample> {
        let pairs = values.chunks(2).enumerate();
        pairs.map(|(group, x)| Sample { group, features: vec![x[0] + shift, x[1]] }).collect()
    };
    let (a, b) = (drawn(1, 2000), drawn(2, 2000));
    // Uniform over 1 and shifted by a half: at best three quarters are told right.
    let accuracy = two_sample_accuracy(&samples(&a, 0.0), &samples(&b, 0.5), 5).unwrap();
    assert!((accuracy - 0.75).abs() < 0.03, "{accuracy}");
    let accuracy = two_sample_accuracy(&samples(&a, 0.0), &samples(&b, 0.0), 5).unwrap();
    assert!((accuracy - 0.5).abs() < 0.05, "{accuracy}");
    // Unequal numbers do not make the larger kind the better guess.
    let accuracy = two_sample_accuracy(&samples(&a, 0.0), &samples(&b[..200], 0.0), 5).unwrap();
    assert!((accuracy - 0.5).abs() < 0.1, "{accuracy}");
}

// Every group has a number of its own, and within it both kinds differ by a sign that is the group's. Only one who
// was trained on the group could tell its samples.
#[test]
fn groups_are_not_divided() {
    let samples = |real: bool| -> Vec<Sample> {
        let sample = |i: usize| {
            let group = i / 10;
            let mut features = vec![0.0; 20];
            features[group] = if real == group.is_multiple_of(2) { 1.0 } else { -1.0 };
            Sample { group, features }
        };
        (0..200).map(sample).collect()
    };
    let accuracy = two_sample_accuracy(&samples(true), &samples(false), 20).unwrap();
    assert!(accuracy <= 0.5, "{accuracy}");
}

#[test]
fn what_cannot_be_tested_is_none() {
    let sample = |group: usize, features: Vec<f64>| Sample { group, features };
    let (one, other) = ([sample(0, vec![1.0])], [sample(1, vec![2.0])]);
    assert_eq!(two_sample_accuracy(&one, &[], 2), None);
    assert_eq!(two_sample_accuracy(&[], &one, 2), None);
    assert_eq!(two_sample_accuracy(&one, &other, 1), None);
    assert_eq!(two_sample_accuracy(&one, &one, 2), None);
    assert_eq!(two_sample_accuracy(&one, &[sample(1, vec![])], 2), None);
    assert_eq!(two_sample_accuracy(&[sample(0, vec![])], &[sample(1, vec![])], 2), None);
    // Even groups are real and odd ones are not: in two folds each has the one kind, and the other to learn from.
    let kind = |first: usize, x: f64| (0..4).map(|i| sample(first + 2 * i, vec![x])).collect::<Vec<_>>();
    let (real, made) = (kind(0, 1.0), kind(1, 2.0));
    assert_eq!(two_sample_accuracy(&real, &made, 2), None);
    assert_eq!(two_sample_accuracy(&real, &made, 3), Some(1.0));
    // Nothing is told of numbers that are not there, and nothing breaks.
    let nan: Vec<_> = (0..8).map(|group| sample(group, vec![f64::NAN, 1.0])).collect();
    assert!(two_sample_accuracy(&nan, &nan, 2).is_some());
}
