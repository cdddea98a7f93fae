//! The engines against the burn networks that they were prepared from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;

use burn::tensor::Device;
use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
use deepcompose_models::gan::{
    AccompanyOptions, GanConfig, Generator, Genre, WindowGenerator, WindowInput, accompany,
};
use deepcompose_models::weights::Model;
use deepcompose_samplers::EditModel;
use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::ControlFlow;

fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().filter(|v| v.is_finite()).fold(0.0, |most, v| most.max(v.abs()))
}

/// Within 1e-3 of the largest, as the engines promise, and masked where the other is.
fn assert_close(what: &str, ours: ArrayView2<'_, f32>, theirs: ArrayView2<'_, f32>) {
    let scale = largest(theirs);
    assert!(scale > 1e-3, "{what}: nothing to compare");
    for (a, b) in ours.iter().zip(&theirs) {
        assert!(a == b || (a - b).abs() <= 1e-3 * scale, "{what}: {a} {b}, the largest {scale}");
    }
}

#[test]
fn thousands_of_flips_give_the_networks_logits() {
    let device = Device::default();
    for (levels, filters, pitches, lowest_pitch) in [(1, 3, 128, 0), (2, 5, 96, 16), (4, 4, 64, 36)] {
        let config = ArCnnConfig { steps: 32, lowest_pitch, pitches, filters, levels, dropout: 0.5 };
        let network = drawn::drawn(ArCnn::build(&config, &device).unwrap(), levels as u64);
        let prepared = network.prepare().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut roll = Array2::from_shape_fn((32, 128), |_| rng.random_bool(0.03));
        let mut session = prepared.session();
        for flip in 0..1500 {
            // Near each other, as a sampler's edits often are, or anywhere; sometimes none.
            let cell =
                if flip % 3 == 0 { [9, 60] } else { [rng.random_range(0..32), rng.random_range(0..128)] };
            roll[cell] ^= flip % 7 != 0;
            let ours = session.logits(roll.view()).unwrap();
            if flip % 150 == 0 {
                let theirs = network.edit_logits(roll.view()).unwrap();
                assert_close(&format!("{levels} levels, flip {flip}"), ours, theirs.view());
                assert_eq!(ours, prepared.edit_logits(roll.view()).unwrap(), "a first pass, flip {flip}");
            }
        }
        assert!(prepared.edit_logits(roll.slice_axis(ndarray::Axis(0), (0..16).into())).is_err());
        assert!(prepared.session_bytes() > 32 * 128 * 4);
    }
}

#[test]
fn a_generator_and_what_is_prepared_of_it_agree() {
    let device = Device::default();
    let base = GanConfig::accompaniment().to_builder().filters(3).latent_channels(4);
    let plain = GanConfig::reference().to_builder().filters(2).latent_channels(3);
    for config in [
        base.clone().build().unwrap(),
        base.clone().chords(false).build().unwrap(),
        base.clone().onsets(true).build().unwrap(),
        base.output_map(false).build().unwrap(),
        plain.build().unwrap(),
    ] {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let generator = drawn::drawn(Generator::new(&config, &mut rng, &device), 3);
        let prepared = generator.prepare().unwrap();
        let [tracks, steps, pitches] = config.window_shape();
        let latent: usize = config.latent_shape().iter().product();
        let mut roll = |count: usize| -> Vec<f32> {
            (0..count).map(|_| if rng.random_bool(0.1) { 1.0 } else { -1.0 }).collect()
        };
        let input = WindowInput {
            melody: roll(3 * steps * pitches),
            chords: roll(if config.chords() { 3 * 2 * steps * pitches } else { 0 }),
            latent: roll(3 * latent),
            attributes: roll(3 * config.attributes()),
        };
        let previous = if config.previous() { roll(2 * tracks * steps * pitches) } else { Vec::new() };
        let run = |generator: &dyn WindowGenerator| {
            let mut session = generator.session(3).unwrap();
            session.prepare(input.clone()).unwrap();
            let output = session.forward(1..3, &previous).unwrap();
            let shape = (2 * tracks * steps, pitches);
            [output.logits, output.tracks].map(|list| Array2::from_shape_vec(shape, list.to_vec()).unwrap())
        };
        for (ours, theirs) in run(&prepared).iter().zip(&run(&generator)) {
            assert_close("generator", ours.view(), theirs.view());
        }
        let refused = |generator: &dyn WindowGenerator| {
            let mut session = generator.session(1).unwrap();
            let short = WindowInput { latent: vec![0.0; latent + 1], ..input.clone() };
            session.prepare(short).is_err() && generator.session(0).is_err()
        };
        assert!(refused(&prepared) && refused(&generator));
    }
}

// Cells whose probabilities are within rounding of the threshold are rare: the same tracks come out.
#[test]
fn both_accompany_alike() {
    let base = GanConfig::accompaniment().to_builder().filters(3).latent_channels(4);
    let config = base.onsets(true).build().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let generator = drawn::drawn(Generator::new(&config, &mut rng, &Device::default()), 8);
    let prepared = generator.prepare().unwrap();
    // 37 bars: more groups than are prepared at once.
    let melody = Array2::from_shape_fn((37 * 16, 128), |(step, pitch)| pitch == 60 + step / 4 % 12);
    let options = AccompanyOptions { threshold: 0.45, ..AccompanyOptions::new(Genre::Rock) };
    let run = |generator: &dyn WindowGenerator| {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        accompany(generator, melody.view(), &options, &mut rng, &mut |_, _| ControlFlow::Continue(()))
            .unwrap()
    };
    let (ours, theirs) = (run(&prepared), run(&generator));
    assert!(theirs.rolls.iter().any(|made| made.roll.iter().any(|cell| *cell)));
    assert_eq!(ours, theirs);
}
