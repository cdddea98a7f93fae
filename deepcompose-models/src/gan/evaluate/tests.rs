#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};

use super::*;
use crate::gan::{Genre, StepGrid, accompany};

/// Notes as (sixteenth, length in sixteenths, pitch).
fn track(track: Track, notes: &[(u32, u32, u32)]) -> Track {
    let note = |(start, length, pitch): &(u32, u32, u32)| Note {
        start: Tick::new(start * 120).unwrap(),
        pitch: Pitch::new(*pitch).unwrap(),
        duration: Tick::new(length * 120).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    track.with_notes(notes.iter().map(note).collect())
}

/// The melody has a quarter in each of `bars` bars; the bass plays half of each of the first sixteen on
/// pitch 24; drums strike twice in each bar.
fn score(bars: u32, pitch: u32) -> Score {
    let mut score = Score::default();
    let tune: Vec<_> = (0..bars).map(|bar| (bar * 16, 4, pitch + bar % 5)).collect();
    let low: Vec<_> = (0..bars.min(16)).map(|bar| (bar * 16, 8, 24)).collect();
    let strokes: Vec<_> = (0..bars).flat_map(|bar| [(bar * 16, 1, 36), (bar * 16 + 8, 1, 38)]).collect();
    score.push_track(track(Track::new("Melody", Program::MIN), &tune));
    score.push_track(track(Track::new("Bass", Program::new(33).unwrap()), &low));
    score.push_track(track(Track::drums("Drums", Program::MIN), &strokes));
    score
}

fn dataset(scores: &[Score]) -> GanDataset {
    let piece = |score: &Score| GanPiece::from_score(score, Genre::Rock, Some(0)).unwrap();
    GanDataset::new(scores.iter().map(piece).collect())
}

fn config() -> GanConfig {
    let small = GanConfig::accompaniment().to_builder().filters(2).latent_channels(2).attribute_channels(2);
    small.build().unwrap()
}

// The bass holds C in the first half of each of sixteen bars; a chord model without weights takes all chords for
// as likely, and the first for the most so.
#[test]
fn chords_are_foretold() {
    let generator = Generator::zeros(&config(), &Device::flex());
    let data = dataset(&[score(19, 60)]);
    let found = evaluate_chords(&generator, &data).unwrap();
    assert_eq!((found.half_bars, found.accuracy, found.root_accuracy), (16, 1.0, 1.0));
    assert!((found.loss - 24_f64.ln()).abs() < 1e-6, "{}", found.loss);
    assert_eq!(found.same_as_before, 15.0 / 16.0);
    let deaf = Generator::zeros(&config().to_builder().chords(false).build().unwrap(), &Device::flex());
    assert_eq!(evaluate_chords(&deaf, &data), None);
}

// A generator without weights gives every cell probability 1/2. The drums' rule takes 0.9 from the logarithm of the odds:
// of 80 cells of probability 1 / (1 + e^0.9) = 0.2891 the median of those that sound, near 23.12, is 23, here the lowest. Of
// equals the bass takes the lowest, and no track sounds that is not wanted.
#[test]
fn a_generator_without_weights_has_known_metrics() {
    // A roll a track: what sounds is all that is measured.
    let config = config().to_builder().onsets(false).build().unwrap();
    let generator = Generator::zeros(&config, &Device::flex());
    let data = dataset(&[score(19, 60)]);
    assert_eq!((config.lowest_pitch(), config.pitches()), (24, 80));
    let found = evaluate_chained(&generator, &data, 5).unwrap();
    // Nine windows of two bars and one of a single bar.
    assert_eq!((found.chained, found.windows), (true, 10));
    assert!((found.reconstruction_loss - 2f64.ln()).abs() < 1e-6, "{}", found.reconstruction_loss);
    // Of the 23 drums at each of 16 steps two sound. Of the 16 bass steps eight do, in 16 of 19 bars.
    assert_eq!(found.recall, [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(found.precision, [2.0 / 368.0, 8.0 * 16.0 / (16.0 * 19.0), 0.0, 0.0]);
    let [drums, bass, guitar, keys] = found.generated;
    assert_eq!((drums.pitches_per_bar, drums.density, drums.in_scale_rate), (23.0, 23.0 / 128.0, None));
    assert_eq!((bass.pitches_per_bar, bass.density, bass.in_scale_rate), (1.0, 1.0 / 128.0, Some(1.0)));
    assert_eq!((guitar.empty_bar_rate, keys.empty_bar_rate), (1.0, 1.0));
    let [drums, bass, guitar, _] = found.played;
    assert_eq!((drums.pitches_per_bar, drums.density), (2.0, 2.0 / (16.0 * 128.0)));
    assert_eq!((bass.empty_bar_rate, bass.pitches_per_bar), (3.0 / 19.0, 16.0 / 19.0));
    assert_eq!(guitar.density, 0.0);
    let late = found.late.unwrap();
    assert_eq!(
        (late.from_bar, late.played[1].empty_bar_rate, late.generated[1].empty_bar_rate),
        (16, 1.0, 0.0)
    );
    assert_eq!(late.played[0].pitches_per_bar, 2.0);

    // A shorter piece has no late bars. With the tracks as played before each window every role is generated.
    let data = dataset(&[score(4, 60)]);
    assert_eq!(evaluate_chained(&generator, &data, 5).unwrap().late, None);
    let windows = evaluate(&generator, &data, 7, 3, 5).unwrap();
    assert_eq!((windows.chained, windows.windows, windows.late.is_none()), (false, 7, true));
    // The mean of 53,760 numbers in single precision.
    assert!((windows.reconstruction_loss - 2f64.ln()).abs() < 1e-5, "{}", windows.reconstruction_loss);
    assert_eq!(windows.generated.map(|m| m.pitches_per_bar), [23.0, 1.0, 6.0, 10.0]);
    assert_eq!(windows.recall[..2], [1.0, 1.0]);
    assert_eq!(windows.precision[..2], [2.0 / 368.0, 0.5]);
}

#[test]
fn a_chained_evaluation_is_that_of_accompanying_the_melodies() {
    let generator = Generator::new(&config(), &mut ChaCha8Rng::seed_from_u64(2), &Device::flex());
    let scores = [score(7, 60), score(4, 66)];
    let found = evaluate_chained(&generator, &dataset(&scores), 9).unwrap();
    let mut counts = [[0_usize; 3]; TrackRole::COUNT];
    let mut steps = 0;
    for (index, score) in scores.iter().enumerate() {
        let grid = StepGrid::of(score, score.end()).unwrap();
        let notes = |track: usize| score.tracks()[track].notes();
        let roles: RoleSet = [TrackRole::Drums, TrackRole::Bass].into_iter().collect();
        let options = AccompanyOptions { roles, ..AccompanyOptions::new(Genre::Rock) };
        let melody = grid.sounding_roll(notes(0));
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        rng.set_stream(index as u64);
        let band =
            accompany(&generator, melody.view(), &options, &mut rng, &mut |_, _| ControlFlow::Continue(()))
                .unwrap();
        for (made, track) in band.rolls.iter().zip([2, 1]) {
            let played = grid.sounding_roll(notes(track));
            let counts = &mut counts[made.role.index()];
            for (ours, theirs) in made.roll.iter().zip(&played) {
                for (count, is) in counts.iter_mut().zip([*ours && *theirs, *ours, *theirs]) {
                    *count += usize::from(is);
                }
            }
        }
        steps += melody.nrows();
    }
    assert_eq!(found.windows, 4 + 2);
    for role in [TrackRole::Drums, TrackRole::Bass] {
        let [both, ours, theirs] = counts[role.index()];
        assert!(ours > 0 && theirs > 0, "{role}");
        assert_eq!(found.precision[role.index()], both as f64 / ours as f64, "{role}");
        assert_eq!(found.recall[role.index()], both as f64 / theirs as f64, "{role}");
        assert_eq!(found.generated[role.index()].density, ours as f64 / (steps * 128) as f64, "{role}");
    }
    assert_eq!(found, evaluate_chained(&generator, &dataset(&scores), 9).unwrap());
    assert_ne!(found, evaluate_chained(&generator, &dataset(&scores), 10).unwrap());
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let generator = Generator::zeros(&config(), &Device::flex());
    let (data, nothing) = (dataset(&[score(4, 60)]), GanDataset::new(Vec::new()));
    for refused in [
        evaluate(&generator, &nothing, 4, 4, 0),
        evaluate(&generator, &data, 0, 4, 0),
        evaluate_chained(&generator, &nothing, 0),
    ] {
        assert!(matches!(refused, Err(GanError::TooLittleData { .. })));
    }
    let zero = evaluate(&generator, &data, 4, 0, 0);
    assert!(matches!(zero, Err(GanError::OutOfRange { field: "batch_size", .. })));
    let longer = config().to_builder().steps(64).build().unwrap();
    let longer = Generator::zeros(&longer, &Device::flex());
    for refused in [evaluate(&longer, &data, 4, 4, 0), evaluate_chained(&longer, &data, 0)] {
        assert!(matches!(refused, Err(GanError::OutOfRange { field: "steps", .. })));
    }
}
