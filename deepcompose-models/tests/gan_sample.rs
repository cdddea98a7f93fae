//! Accompanying: sizes, determinism, groups that know the previous one, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use deepcompose_core::{Chord, ChordSheet};
use deepcompose_models::gan::{
    AccompanimentRoll, AccompanyOptions, GanConfig, GanConfigBuilder, GanError, Generator, Genre, MAX_STEPS,
    RoleSet, TrackRole, accompany,
};
use ndarray::{Array2, s};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn generator(change: impl FnOnce(GanConfigBuilder) -> GanConfigBuilder) -> Generator {
    let builder = GanConfig::accompaniment().to_builder().filters(4).latent_channels(4).attribute_channels(2);
    Generator::new(&change(builder).build().unwrap(), &mut ChaCha8Rng::seed_from_u64(2), &Device::flex())
}

/// A rising quarter-note tune.
fn tune(steps: usize) -> Array2<bool> {
    Array2::from_shape_fn((steps, 128), |(step, pitch)| step % 4 != 3 && pitch == 60 + step / 4 % 24)
}

/// An untrained generator's outputs are near one half: a threshold just below gives many notes.
fn options(genre: Genre) -> AccompanyOptions {
    AccompanyOptions { threshold: 0.52, ..AccompanyOptions::new(genre) }
}

fn run(
    generator: &Generator,
    melody: &Array2<bool>,
    options: &AccompanyOptions,
    seed: u64,
) -> Result<Vec<AccompanimentRoll>, GanError> {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let band = accompany(generator, melody.view(), options, rng, &mut |_, _| ControlFlow::Continue(()))?;
    assert!(!band.stopped);
    Ok(band.rolls)
}

fn notes(tracks: &[AccompanimentRoll], from: usize, to: usize) -> usize {
    let count = |t: &AccompanimentRoll| {
        t.roll.indexed_iter().filter(|((s, _), c)| **c && (from..to).contains(s)).count()
    };
    tracks.iter().map(count).sum()
}

#[test]
fn every_length_is_covered_and_the_seed_decides() {
    let generator = generator(|b| b);
    for steps in [0, 1, 16, 31, 32, 33, 100] {
        let melody = tune(steps);
        let tracks = run(&generator, &melody, &options(Genre::Rock), 1).unwrap();
        assert_eq!(tracks.iter().map(|t| t.role).collect::<Vec<_>>(), TrackRole::ALL);
        assert!(tracks.iter().all(|t| t.roll.dim() == (steps, 128)));
        assert_eq!(tracks, run(&generator, &melody, &options(Genre::Rock), 1).unwrap());
        if steps > 1 {
            assert!(notes(&tracks, 0, steps) > 0);
            assert_ne!(tracks, run(&generator, &melody, &options(Genre::Rock), 2).unwrap(), "{steps}");
        }
    }
}

// A note begins wherever a pitch sounds that did not before, in each role that tells of onsets sometimes elsewhere too, and nowhere else.
#[test]
fn every_note_begins() {
    for tells in [false, true] {
        let generator = generator(|b| b.onsets(tells));
        let tracks = run(&generator, &tune(160), &options(Genre::Pop), 3).unwrap();
        for track in tracks {
            let (mut starts, mut again) = (0, 0);
            for ((step, pitch), begins) in track.onsets.indexed_iter() {
                let sounds = track.roll[[step, pitch]];
                let before = step > 0 && track.roll[[step - 1, pitch]];
                assert!(*begins || !sounds || before, "{} {step} {pitch}", track.role);
                assert!(sounds || !begins, "{} {step} {pitch}", track.role);
                starts += usize::from(*begins && !before);
                again += usize::from(*begins && before);
            }
            assert!(starts > 0, "{}", track.role);
            let drums = track.role == TrackRole::Drums;
            assert_eq!(drums, track.onsets == track.roll);
            assert_eq!(again > 0, tells || drums, "{}", track.role);
        }
    }
}

#[test]
fn what_comes_later_depends_on_what_came_before_and_not_the_reverse() {
    let (first, mut second) = (tune(96), tune(96));
    // The same last bars after a different beginning, and the reverse.
    for step in 0..32 {
        for pitch in 0..128 {
            second[[step, pitch]] = pitch == 50 && step % 2 == 0;
        }
    }
    let differ = |generator: &Generator, from: usize, to: usize, a: &Array2<bool>, b: &Array2<bool>| {
        // Chords are chosen by all of the melody, so they are given.
        let chords = "C | F | G | C | F | G".parse::<ChordSheet>().unwrap().half_bars().map(Some).collect();
        let options = AccompanyOptions { chords, ..options(Genre::Pop) };
        let [a, b] = [a, b].map(|m| run(generator, m, &options, 5).unwrap());
        a.iter().zip(&b).any(|(a, b)| (from..to).any(|s| a.roll.row(s) != b.roll.row(s)))
    };
    let knowing = generator(|b| b);
    let forgetful = generator(|b| b.previous(false));
    assert!(differ(&knowing, 0, 32, &first, &second));
    assert!(differ(&knowing, 32, 64, &first, &second));
    assert!(!differ(&forgetful, 32, 96, &first, &second));
    let mut third = tune(96);
    third.row_mut(80).fill(true);
    assert!(!differ(&knowing, 0, 64, &first, &third));
    assert!(differ(&knowing, 64, 96, &first, &third));
}

#[test]
fn roles_threshold_and_hands_are_kept() {
    let generator = generator(|b| b);
    let melody = tune(64);
    let roles = RoleSet::NONE.with(TrackRole::Keys).with(TrackRole::Drums);
    let wanted = |genre| run(&generator, &melody, &AccompanyOptions { roles, ..options(genre) }, 1).unwrap();
    assert_eq!(
        wanted(Genre::Jazz).iter().map(|t| t.role).collect::<Vec<_>>(),
        [TrackRole::Drums, TrackRole::Keys]
    );
    assert_eq!(wanted(Genre::Classical).iter().map(|t| t.role).collect::<Vec<_>>(), [TrackRole::Keys]);

    let count = |threshold| {
        let options = AccompanyOptions { threshold, ..AccompanyOptions::new(Genre::Rock) };
        run(&generator, &melody, &options, 1).unwrap()
    };
    assert!(notes(&count(0.3), 0, 32) > notes(&count(0.6), 0, 32));
    for track in count(0.01) {
        let most = track.roll.rows().into_iter().map(|r| r.iter().filter(|c| **c).count()).max().unwrap();
        let hands = match track.role {
            // All that the networks see.
            TrackRole::Drums => 80,
            TrackRole::Bass => 1,
            TrackRole::Guitar => 6,
            TrackRole::Keys => 10,
        };
        assert_eq!(most, hands, "{}", track.role);
    }
}

#[test]
fn chords_are_given_or_chosen() {
    let generator = generator(|b| b);
    let chords = |melody: &Array2<bool>, options: &AccompanyOptions, seed| {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        accompany(&generator, melody.view(), options, rng, &mut |_, _| ControlFlow::Continue(()))
            .unwrap()
            .chords
    };
    let sheet: ChordSheet = "Am F | C | G".parse().unwrap();
    let given: Vec<Chord> = sheet.half_bars().collect();
    let options =
        AccompanyOptions { chords: given.iter().copied().map(Some).collect(), ..options(Genre::Pop) };
    // Two a bar.
    let found = chords(&tune(5 * 16), &options, 1);
    assert_eq!((found.len(), &found[..6]), (10, &given[..]));
    // Other chords, other tracks.
    let other =
        AccompanyOptions { chords: given.iter().map(|c| Some(c.transposed(1))).collect(), ..options.clone() };
    assert_ne!(
        run(&generator, &tune(32), &options, 1).unwrap(),
        run(&generator, &tune(32), &other, 1).unwrap()
    );
    // More chords than bars are no harm.
    assert_eq!(chords(&tune(16), &options, 1), &given[..2]);
    // Those between that are not given are chosen.
    let some =
        AccompanyOptions { chords: vec![None, Some(given[1]), None, Some(given[0])], ..options.clone() };
    let drawn: Vec<_> = (0..20).map(|seed| chords(&tune(32), &some, seed)).collect();
    assert!(drawn.iter().all(|found| (found[1], found[3]) == (given[1], given[0])));
    assert!(drawn.iter().any(|found| found[0] != drawn[0][0] && found[2] != drawn[0][2]));
    // The most probable ones are the same whatever the seed, and go up with the melody.
    let sure = AccompanyOptions { chord_temperature: 0.0, ..AccompanyOptions::new(Genre::Pop) };
    let base = chords(&tune(64), &sure, 1);
    assert_eq!(base, chords(&tune(64), &sure, 2));
    let higher = Array2::from_shape_fn((64, 128), |(s, p)| p >= 5 && tune(64)[[s, p - 5]]);
    assert_eq!(chords(&higher, &sure, 3), base.iter().map(|c| c.transposed(5)).collect::<Vec<_>>());
    let free = AccompanyOptions { chord_temperature: 10.0, ..sure };
    assert_ne!(chords(&tune(64), &free, 1), chords(&tune(64), &free, 2));
    let deaf = self::generator(|b| b.chords(false));
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let band =
        accompany(&deaf, tune(32).view(), &options, rng, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert!(band.chords.is_empty());
}

// A tune and chords that come again every two bars, and a generator that does not know what was before: groups
// differ by their latents.
#[test]
fn styles_are_varied() {
    let generator = generator(|b| b.previous(false).styles(16));
    let melody = Array2::from_shape_fn((8 * 32, 128), |(step, pitch)| pitch == 60 + step % 32 / 4);
    let groups = |variation: f32, seed| {
        let chords =
            "C | F".parse::<ChordSheet>().unwrap().half_bars().map(Some).collect::<Vec<_>>().repeat(8);
        let rolls =
            run(&generator, &melody, &AccompanyOptions { variation, chords, ..options(Genre::Edm) }, seed)
                .unwrap();
        let group = |index: usize| -> Vec<bool> {
            rolls
                .iter()
                .flat_map(|t| {
                    t.roll.slice(s![32 * index..32 * (index + 1), ..]).iter().copied().collect::<Vec<_>>()
                })
                .collect()
        };
        (0..8).map(group).collect::<Vec<_>>()
    };
    // The first group comes after silence, the others after their like.
    let same = groups(0.0, 1);
    assert!(same[2..].iter().all(|group| *group == same[1]));
    let varied = groups(1.0, 1);
    assert!(varied[2..].iter().filter(|group| **group != varied[1]).count() >= 4);
    assert_ne!(groups(0.0, 2)[1], same[1]);
}

#[test]
fn bars_of_other_metres_take_a_window_bar_each() {
    let generator = generator(|b| b);
    let waltz = AccompanyOptions { bar_steps: vec![12], ..options(Genre::Classical) };
    let mut groups = Vec::new();
    let tracks = accompany(
        &generator,
        tune(60).view(),
        &waltz,
        &mut ChaCha8Rng::seed_from_u64(1),
        &mut |done, all| {
            groups.push((done, all));
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    // Five bars of twelve steps are two groups of two and one of one.
    assert_eq!(groups, [(1, 3), (2, 3), (3, 3)]);
    assert!(tracks.rolls.iter().all(|t| t.roll.dim() == (60, 128)));
}

#[test]
fn the_observer_can_stop() {
    let stopped = accompany(
        &generator(|b| b),
        tune(96).view(),
        &options(Genre::Edm),
        &mut ChaCha8Rng::seed_from_u64(1),
        &mut |done, _| if done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
    );
    let stopped = stopped.unwrap();
    assert!(stopped.stopped);
    // Two groups of two bars were made: the other two bars are silent.
    for track in stopped.rolls {
        assert!(track.roll.rows().into_iter().skip(64).all(|row| row.iter().all(|sounds| !sounds)));
    }
}

/// Makes every weight not a number.
struct Spoil;

impl ModuleMapper for Spoil {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|weights| weights * f32::NAN)
    }
}

#[test]
fn weights_that_are_no_numbers_are_no_silence() {
    let spoilt = generator(|b| b).map(&mut Spoil);
    assert!(matches!(run(&spoilt, &tune(32), &options(Genre::Rock), 1), Err(GanError::Logits)));
}

#[test]
fn bad_options_and_melodies_are_refused() {
    let generator = generator(|b| b);
    let melody = tune(16);
    let base = || AccompanyOptions::new(Genre::Rock);
    let cases = [
        (AccompanyOptions { threshold: 0.0, ..base() }, "threshold"),
        (AccompanyOptions { threshold: 1.0, ..base() }, "threshold"),
        (AccompanyOptions { threshold: f32::NAN, ..base() }, "threshold"),
        (AccompanyOptions { variation: -0.1, ..base() }, "variation"),
        (AccompanyOptions { chord_temperature: -0.1, ..base() }, "chord_temperature"),
        (AccompanyOptions { chord_temperature: f32::NAN, ..base() }, "chord_temperature"),
        (AccompanyOptions { bar_steps: vec![16, 0], ..base() }, "bar_steps"),
    ];
    for (options, name) in cases {
        match run(&generator, &melody, &options, 0) {
            Err(GanError::OutOfRange { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let narrow = Array2::from_elem((16, 88), false);
    assert!(matches!(run(&generator, &narrow, &base(), 0), Err(GanError::Shape { .. })));
    let long = Array2::from_elem((MAX_STEPS + 1, 128), false);
    assert!(matches!(run(&generator, &long, &base(), 0), Err(GanError::Limit { .. })));
    let reference = Generator::new(
        &GanConfig::reference().to_builder().steps(64).filters(1).build().unwrap(),
        &mut ChaCha8Rng::seed_from_u64(0),
        &Device::flex(),
    );
    assert!(matches!(run(&reference, &melody, &base(), 0), Err(GanError::OutOfRange { field: "steps", .. })));
}
