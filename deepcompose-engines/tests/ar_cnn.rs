//! The AR-CNN engine against the network by its definition, and a session against a fresh pass.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod ar_cnn_support;

use ar_cnn_support::{plain_logits, random_weights};
use deepcompose_engines::EngineError;
use deepcompose_engines::ar_cnn::{ArCnnEngine, ArCnnSizes, ArCnnWeights, NormWeights};
use deepcompose_engines::kernels::Instructions;
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn random_roll(rng: &mut impl Rng, sizes: &ArCnnSizes, share: f64) -> Vec<bool> {
    (0..sizes.steps * sizes.pitches).map(|_| rng.random_bool(share)).collect()
}

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|x| x.to_bits()).collect()
}

fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |largest, x| x.abs().max(largest))
}

fn assert_equals_the_plain_network(sizes: ArCnnSizes, seed: u64) {
    let weights = random_weights(&sizes, seed);
    let roll = random_roll(&mut ChaCha8Rng::seed_from_u64(seed), &sizes, 0.1);
    let expected = plain_logits(&sizes, &weights, &roll);
    let mut widest = None;
    for instructions in Instructions::available() {
        let engine = ArCnnEngine::with_instructions(sizes, &weights, instructions).unwrap();
        let mut session = engine.session();
        let logits = session.logits(&roll).unwrap();
        for (found, expected_one) in logits.iter().zip(&expected) {
            let difference = (f64::from(*found) - expected_one).abs() / largest(&expected);
            assert!(difference < 1e-4, "{sizes:?} {}: {found} {expected_one}", instructions.name());
        }
        let widest = widest.get_or_insert_with(|| bits(logits));
        assert_eq!(*widest, bits(logits), "{}", instructions.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn equals_the_plain_network(
        (levels, filters) in prop_oneof![(1..3_usize, 1..20_usize), (3..5_usize, 1..5_usize)],
        (height, width) in (1..4_usize, 1..4_usize),
        seed: u64,
    ) {
        let sizes = ArCnnSizes { steps: height << levels, pitches: width << levels, filters, levels };
        assert_equals_the_plain_network(sizes, seed);
    }
}

#[test]
fn equals_the_plain_network_where_every_kind_of_convolution_is_used() {
    // 32 × 32 down to 4 × 4: both Winograd sizes and the direct one.
    assert_equals_the_plain_network(ArCnnSizes { steps: 32, pitches: 32, filters: 16, levels: 3 }, 3);
    // Channels so many that the weights of the inner level and of the bottleneck have 16 bits.
    assert_equals_the_plain_network(ArCnnSizes { steps: 16, pitches: 16, filters: 128, levels: 2 }, 5);
    // Maps that patches of four outputs do not divide.
    assert_equals_the_plain_network(ArCnnSizes { steps: 36, pitches: 28, filters: 16, levels: 1 }, 4);
}

/// Flips cells, one at a time and now and then many, and compares every logit with a fresh pass's.
fn assert_edits_equal_fresh_passes(engine: &ArCnnEngine, seed: u64, edits: usize) {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let sizes = engine.sizes();
    let mut roll = random_roll(rng, &sizes, 0.05);
    let mut session = engine.session();
    session.logits(&roll).unwrap();
    // A session that is reset before every pass by clearing what it keeps: a clone of one that never ran.
    let fresh = engine.session();
    for _ in 0..edits {
        let flips = if rng.random_bool(0.1) { rng.random_range(0..20) } else { 1 };
        for _ in 0..flips {
            let cell = rng.random_range(0..roll.len());
            roll[cell] = !roll[cell];
        }
        let expected = bits(fresh.clone().logits(&roll).unwrap());
        assert_eq!(bits(session.logits(&roll).unwrap()), expected);
    }
}

#[test]
fn thousands_of_edits_equal_fresh_passes_to_the_bit() {
    for (seed, (levels, filters, height, width)) in
        [(1, 16, 20, 18), (2, 16, 9, 8), (2, 4, 16, 5), (3, 16, 4, 3), (4, 2, 2, 2)].into_iter().enumerate()
    {
        let sizes = ArCnnSizes { steps: height << levels, pitches: width << levels, filters, levels };
        let engine = ArCnnEngine::new(sizes, &random_weights(&sizes, seed as u64)).unwrap();
        assert_edits_equal_fresh_passes(&engine, seed as u64, 500);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let sizes = ArCnnSizes { steps: 64, pitches: 48, filters: 16, levels: 4 };
    let engine = ArCnnEngine::new(sizes, &random_weights(&sizes, 7)).unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let mut roll = random_roll(rng, &sizes, 0.05);
    let mut sessions = [1, 2, 3, 7].map(|threads| {
        (rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap(), engine.session())
    });
    for _ in 0..20 {
        let cell = rng.random_range(0..roll.len());
        roll[cell] = !roll[cell];
        let all =
            sessions.each_mut().map(|(pool, session)| pool.install(|| bits(session.logits(&roll).unwrap())));
        assert!(all.iter().all(|bits| *bits == all[0]));
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    let sizes = ArCnnSizes { steps: 16, pitches: 16, filters: 4, levels: 2 };
    let engine = ArCnnEngine::new(sizes, &random_weights(&sizes, 1)).unwrap();
    let (mut session, mut roll) = (engine.session(), vec![false; 256]);
    let empty = bits(session.logits(&roll).unwrap());
    let mut other = session.clone();
    roll[100] = true;
    let edited = bits(session.logits(&roll).unwrap());
    assert_ne!(edited, empty);
    assert_eq!(bits(other.logits(&vec![false; 256]).unwrap()), empty);
    assert_eq!(bits(other.logits(&roll).unwrap()), edited);
}

#[test]
fn a_session_grows_no_more_after_the_first_pass() {
    let sizes = ArCnnSizes { steps: 64, pitches: 64, filters: 16, levels: 3 };
    let engine = ArCnnEngine::new(sizes, &random_weights(&sizes, 1)).unwrap();
    let (mut session, mut roll) = (engine.session(), vec![false; 64 * 64]);
    session.logits(&roll).unwrap();
    let bytes = session.bytes();
    for cell in (0..4096).step_by(97) {
        roll[cell] = true;
        session.logits(&roll).unwrap();
    }
    assert_eq!(session.bytes(), bytes);
    // 20 maps of the outermost level.
    assert!(bytes < 20 * 64 * 64 * 16 * 4, "{bytes}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let sizes = ArCnnSizes { steps: 16, pitches: 16, filters: 2, levels: 2 };
    let weights = random_weights(&sizes, 1);
    let engine = ArCnnEngine::new(sizes, &weights).unwrap();
    for cells in [0, 255, 257] {
        let found = engine.session().logits(&vec![false; cells]).map(<[f32]>::len);
        let what = "the roll".to_owned();
        assert_eq!(found, Err(EngineError::Length { what, found: cells, expected: 256 }));
    }
    let out_of_range = |sizes| match ArCnnEngine::new(sizes, &weights) {
        Err(EngineError::OutOfRange { field, .. }) => field,
        _ => "none",
    };
    assert_eq!(out_of_range(ArCnnSizes { levels: 0, ..sizes }), "levels");
    assert_eq!(out_of_range(ArCnnSizes { levels: 64, ..sizes }), "levels");
    assert_eq!(out_of_range(ArCnnSizes { filters: 0, ..sizes }), "filters");
    assert_eq!(out_of_range(ArCnnSizes { steps: 18, ..sizes }), "steps");
    assert_eq!(out_of_range(ArCnnSizes { pitches: 0, ..sizes }), "pitches");
    let huge = ArCnnSizes { steps: 1 << 16, pitches: 1 << 16, ..sizes };
    assert_eq!(out_of_range(huge), "steps × pitches");

    let wrong = |change: &dyn Fn(&mut ArCnnWeights)| {
        let mut weights = weights.clone();
        change(&mut weights);
        match ArCnnEngine::new(sizes, &weights) {
            Err(EngineError::Length { what, .. }) => what,
            Err(EngineError::OutOfRange { field, .. }) => field.to_owned(),
            _ => "none".to_owned(),
        }
    };
    assert_eq!(wrong(&|w| w.encoder.truncate(1)), "encoder");
    assert_eq!(wrong(&|w| w.decoder.truncate(1)), "decoder");
    assert_eq!(wrong(&|w| w.encoder[1].conv1.weight.truncate(5)), "encoder[1].conv1.weight");
    assert_eq!(wrong(&|w| w.encoder[0].conv2.bias.push(0.0)), "encoder[0].conv2.bias");
    assert_eq!(wrong(&|w| w.encoder[0].norm = None), "encoder[0].norm");
    assert_eq!(wrong(&|w| w.encoder[1].norm = w.encoder[0].norm.clone()), "norm");
    assert_eq!(wrong(&|w| w.bottleneck[1].weight.clear()), "bottleneck[1].weight");
    assert_eq!(wrong(&|w| w.decoder[0].conv1.weight.clear()), "decoder[0].conv1.weight");
    assert_eq!(wrong(&|w| w.decoder[1].conv2.bias.clear()), "decoder[1].conv2.bias");
    assert_eq!(wrong(&|w| w.decoder[0].norm.as_mut().unwrap().mean.clear()), "decoder[0].norm.mean");
    assert_eq!(wrong(&|w| w.decoder[0].norm.as_mut().unwrap().variance[0] = f32::NAN), "variance");
    assert_eq!(wrong(&|w| w.decoder[0].norm.as_mut().unwrap().epsilon = 0.0), "epsilon");
    assert_eq!(wrong(&|w| w.head.bias.clear()), "head.bias");
}

#[test]
fn what_is_refused_says_where_it_is() {
    let sizes = ArCnnSizes { steps: 16, pitches: 16, filters: 2, levels: 2 };
    let weights = random_weights(&sizes, 1);
    let message = |change: &dyn Fn(&mut ArCnnWeights)| {
        let mut weights = weights.clone();
        change(&mut weights);
        ArCnnEngine::new(sizes, &weights).unwrap_err().to_string()
    };
    // A norm where none belongs is one even if nothing is in its lists.
    let empty = || NormWeights { gamma: vec![], beta: vec![], mean: vec![], variance: vec![], epsilon: 1e-5 };
    assert_eq!(
        message(&|w| w.encoder[1].norm = Some(empty())),
        "norm encoder[1].norm is out of range: none at this level is accepted"
    );
    assert_eq!(
        message(&|w| w.decoder[1].norm = Some(empty())),
        "norm decoder[1].norm is out of range: none at this level is accepted"
    );
    assert_eq!(
        message(&|w| w.decoder[0].norm.as_mut().unwrap().variance[3] = -1.0),
        "variance -1 at index 3 of decoder[0].norm is out of range: a finite number of at least 0 is accepted"
    );
    assert_eq!(
        message(&|w| w.encoder[0].norm.as_mut().unwrap().epsilon = 0.0),
        "epsilon 0 of encoder[0].norm is out of range: a finite number above 0 is accepted"
    );
    assert_eq!(
        message(&|w| w.encoder[1].conv2.weight[7] = f32::NAN),
        "weight NaN at index 7 of encoder[1].conv2.weight is out of range: a finite number is accepted"
    );
    assert_eq!(
        message(&|w| w.bottleneck[0].bias[1] = f32::NEG_INFINITY),
        "weight -inf at index 1 of bottleneck[0].bias is out of range: a finite number is accepted"
    );
    assert_eq!(
        message(&|w| w.decoder[0].norm.as_mut().unwrap().gamma[2] = f32::INFINITY),
        "weight inf at index 2 of decoder[0].norm.gamma is out of range: a finite number is accepted"
    );
    assert_eq!(
        message(&|w| w.head.weight[0] = f32::NAN),
        "weight NaN at index 0 of head.weight is out of range: a finite number is accepted"
    );
}
