//! The generator's engine against the plain network, and against itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod gan_reference;

use std::sync::Arc;

use deepcompose_engines::EngineError;
use deepcompose_engines::gan::{
    GeneratorEngine, GeneratorInput, GeneratorSession, GeneratorSizes, GeneratorWeights,
};
use deepcompose_engines::kernels::Instructions;
use gan_reference::{logits, numbers, random_weights, roll};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Weights, and windows to generate.
struct Case {
    sizes: GeneratorSizes,
    weights: GeneratorWeights,
    windows: usize,
    melody: Vec<f32>,
    chords: Vec<f32>,
    latent: Vec<f32>,
    attributes: Vec<f32>,
    previous: Vec<f32>,
}

impl Case {
    fn new(sizes: GeneratorSizes, windows: usize, seed: u64) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let previous = if sizes.previous { windows * sizes.tracks_len() } else { 0 };
        let mut attributes = numbers(windows * sizes.attributes, -1.0, 1.0, rng);
        if windows > 1 {
            // Two windows with the same ones, and a number that is nothing.
            attributes.copy_within(..sizes.attributes, sizes.attributes);
            attributes.iter_mut().step_by(3).for_each(|a| *a = 0.0);
        }
        Self {
            weights: random_weights(&sizes, rng),
            melody: roll(windows * sizes.melody_len(), rng),
            chords: roll(windows * sizes.chords_len(), rng),
            latent: numbers(windows * sizes.latent_len(), -2.0, 2.0, rng),
            previous: roll(previous, rng),
            attributes,
            sizes,
            windows,
        }
    }

    fn input(&self) -> GeneratorInput<'_> {
        GeneratorInput {
            melody: &self.melody,
            chords: &self.chords,
            latent: &self.latent,
            attributes: &self.attributes,
        }
    }

    fn engine(&self) -> GeneratorEngine {
        GeneratorEngine::new(&self.sizes, &self.weights).unwrap()
    }

    fn previous_of(&self, window: usize) -> &[f32] {
        part(&self.previous, window, self.windows)
    }

    /// All windows at once: logits and tracks.
    fn batch(&self, engine: GeneratorEngine) -> [Vec<f32>; 2] {
        let mut session = GeneratorSession::new(Arc::new(engine), self.windows).unwrap();
        session.prepare(&self.input()).unwrap();
        let output = session.forward(0..self.windows, &self.previous).unwrap();
        [output.logits.to_vec(), output.tracks.to_vec()]
    }

    fn reference(&self, window: usize) -> Vec<f64> {
        let melody = part(&self.melody, window, self.windows);
        let chords = part(&self.chords, window, self.windows);
        let rolls = [melody, chords, self.previous_of(window)].concat();
        let attributes = part(&self.attributes, window, self.windows);
        logits(&self.sizes, &self.weights, &rolls, part(&self.latent, window, self.windows), attributes)
    }
}

/// A window's part of a list.
fn part(list: &[f32], window: usize, windows: usize) -> &[f32] {
    let len = list.len() / windows;
    &list[window * len..][..len]
}

fn bits(list: &[f32]) -> Vec<u32> {
    list.iter().map(|x| x.to_bits()).collect()
}

fn check_against_reference(case: &Case) {
    let [logits, tracks] = case.batch(case.engine());
    for window in 0..case.windows {
        let expected = case.reference(window);
        let most = expected.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (index, (found, expected)) in
            part(&logits, window, case.windows).iter().zip(&expected).enumerate()
        {
            let error = (f64::from(*found) - expected).abs() / most;
            assert!(error < 1e-4, "window {window} cell {index}: {found} for {expected}, {:?}", case.sizes);
        }
    }
    for (logit, track) in logits.iter().zip(tracks) {
        assert!((f64::from(track) - f64::from(*logit).tanh()).abs() < 1e-6);
    }
}

fn sizes() -> impl Strategy<Value = GeneratorSizes> {
    let network = (1_usize..=20, 1_usize..=20, 1_usize..=6, any::<bool>(), any::<bool>());
    (1_usize..=3, 1_usize..=3, network, 0_usize..=4, 1_usize..=18, any::<bool>()).prop_map(
        |(
            rows,
            columns,
            (filters, latent_channels, tracks, chords, previous),
            attributes,
            attribute_channels,
            map,
        )| {
            GeneratorSizes {
                steps: 16 * rows,
                pitches: 16 * columns,
                tracks,
                filters,
                latent_channels,
                attributes,
                attribute_channels,
                chords,
                previous,
                output_map: map && attributes > 0,
            }
        },
    )
}

fn small() -> GeneratorSizes {
    GeneratorSizes {
        steps: 32,
        pitches: 80,
        tracks: 4,
        filters: 6,
        latent_channels: 5,
        attributes: 3,
        attribute_channels: 2,
        chords: true,
        previous: true,
        output_map: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn equals_the_plain_network(sizes in sizes(), windows in 1_usize..=3, seed: u64) {
        check_against_reference(&Case::new(sizes, windows, seed));
    }

    // Prepared and generated one by one, some at a time, or all at once; in a session that did something else before.
    #[test]
    fn batches_do_not_matter(sizes in sizes(), split in 1_usize..=2, seed: u64) {
        let case = Case::new(sizes, 3, seed);
        let [expected, _] = case.batch(case.engine());
        let engine = Arc::new(case.engine());
        let mut session = GeneratorSession::new(Arc::clone(&engine), 5).unwrap();
        let other = Case::new(sizes, 5, seed ^ 1);
        session.prepare(&other.input()).unwrap();
        session.forward(0..5, &other.previous).unwrap();
        session.prepare(&case.input()).unwrap();
        let mut found = Vec::new();
        for range in [0..split, split..3] {
            let previous: Vec<f32> = range.clone().flat_map(|w| case.previous_of(w)).copied().collect();
            found.extend(session.forward(range, &previous).unwrap().logits);
        }
        prop_assert!(bits(&found) == bits(&expected));
        let mut alone = GeneratorSession::new(engine, 1).unwrap();
        for window in 0..3 {
            let input = GeneratorInput {
                melody: part(&case.melody, window, 3),
                chords: part(&case.chords, window, 3),
                latent: part(&case.latent, window, 3),
                attributes: part(&case.attributes, window, 3),
            };
            alone.prepare(&input).unwrap();
            let output = alone.forward(0..1, case.previous_of(window)).unwrap();
            prop_assert!(bits(output.logits) == bits(part(&expected, window, 3)));
        }
    }

    #[test]
    fn instructions_and_threads_do_not_matter(sizes in sizes(), windows in 1_usize..=2, seed: u64) {
        let case = Case::new(sizes, windows, seed);
        let expected = case.batch(case.engine());
        for instructions in Instructions::available() {
            let found = case.batch(case.engine().with_instructions(instructions));
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!(bits(found) == bits(expected), "{}", instructions.name());
            }
        }
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| case.batch(case.engine()));
            prop_assert!(bits(&found[0]) == bits(&expected[0]), "{} threads", threads);
        }
    }
}

// Every width of map that a side of 16 to 128 pitches gives, so every tile and its overlap.
#[test]
fn every_width_equals_the_plain_network() {
    for (columns, seed) in (1..=8).zip(0..) {
        let sizes = GeneratorSizes { pitches: 16 * columns, filters: 2, tracks: 1, ..small() };
        check_against_reference(&Case::new(sizes, 1, seed));
    }
}

#[test]
fn wrong_lengths_are_typed_errors() {
    let case = Case::new(small(), 2, 1);
    let refused = |change: fn(&mut GeneratorWeights)| {
        let mut weights = case.weights.clone();
        change(&mut weights);
        GeneratorEngine::new(&case.sizes, &weights).unwrap_err()
    };
    let length = |error: EngineError, name: &str| match error {
        EngineError::Length { what, found, expected } => {
            assert_eq!(what, name);
            assert_ne!(found, expected);
        }
        other => panic!("{name}: {other}"),
    };
    let range = |error: EngineError, name: &str| match error {
        EngineError::OutOfRange { field, .. } => assert_eq!(field, name),
        other => panic!("{name}: {other}"),
    };
    length(refused(|w| w.down[2].weight.push(0.0)), "down[2].weight");
    length(refused(|w| w.up[1].bias.clear()), "up[1].bias");
    length(refused(|w| w.down_norms[0].mean.push(0.0)), "down_norms[0].mean");
    length(refused(|w| w.up_norms[2].gamma.clear()), "up_norms[2].gamma");
    length(refused(|w| w.head.bias.push(0.0)), "head.bias");
    length(refused(|w| w.attributes.clear()), "attributes");
    length(refused(|w| w.output_map.clear()), "output_map");
    range(refused(|w| w.up_norms[0].variance[1] = -1.0), "variance");
    range(refused(|w| w.up_norms[0].variance[1] = f32::NAN), "variance");
    range(refused(|w| w.down_norms[1].epsilon = 0.0), "epsilon");
    let message = |error: EngineError| error.to_string();
    assert_eq!(
        message(refused(|w| w.down_norms[1].epsilon = -1.0)),
        "epsilon -1 of down_norms[1] is out of range: a finite number above 0 is accepted"
    );
    let spoilt = |what: &str| format!("weight {what} is out of range: a finite number is accepted");
    assert_eq!(message(refused(|w| w.up[2].weight[9] = f32::NAN)), spoilt("NaN at index 9 of up[2].weight"));
    assert_eq!(message(refused(|w| w.head.bias[1] = f32::INFINITY)), spoilt("inf at index 1 of head.bias"));
    assert_eq!(
        message(refused(|w| w.up_norms[1].mean[0] = f32::NAN)),
        spoilt("NaN at index 0 of up_norms[1].mean")
    );
    assert_eq!(
        message(refused(|w| w.attributes[4] = f32::NEG_INFINITY)),
        spoilt("-inf at index 4 of attributes")
    );
    assert_eq!(message(refused(|w| w.output_map[5] = f32::NAN)), spoilt("NaN at index 5 of output_map"));

    let engine = Arc::new(case.engine());
    range(GeneratorSession::new(Arc::clone(&engine), 0).unwrap_err(), "most_windows");
    range(GeneratorSession::new(Arc::clone(&engine), 1025).unwrap_err(), "most_windows");
    let mut session = GeneratorSession::new(engine, 2).unwrap();
    range(session.forward(0..1, &[]).unwrap_err(), "windows");
    let whole = case.input();
    length(session.prepare(&GeneratorInput { melody: &whole.melody[1..], ..whole }).unwrap_err(), "melody");
    length(session.prepare(&GeneratorInput { chords: &[], ..whole }).unwrap_err(), "chords");
    length(session.prepare(&GeneratorInput { latent: &whole.latent[1..], ..whole }).unwrap_err(), "latent");
    length(session.prepare(&GeneratorInput { attributes: &[], ..whole }).unwrap_err(), "attributes");
    range(session.prepare(&GeneratorInput { melody: &[], ..whole }).unwrap_err(), "windows");
    let long = case.melody.repeat(2);
    range(session.prepare(&GeneratorInput { melody: &long, ..whole }).unwrap_err(), "windows");
    assert_eq!(session.windows(), 0);
    session.prepare(&whole).unwrap();
    assert_eq!(session.windows(), 2);
    length(session.forward(0..1, &[]).unwrap_err(), "previous tracks");
    range(session.forward(1..3, &case.previous).unwrap_err(), "windows");
    range(session.forward(1..1, &[]).unwrap_err(), "windows");
    assert!(session.forward(1..2, case.previous_of(1)).is_ok());
}

#[test]
fn sizes_are_checked_by_name() {
    let case = Case::new(small(), 1, 1);
    let cases = [
        (GeneratorSizes { steps: 24, ..small() }, "steps"),
        (GeneratorSizes { steps: 528, ..small() }, "steps"),
        (GeneratorSizes { pitches: 0, ..small() }, "pitches"),
        (GeneratorSizes { pitches: 144, ..small() }, "pitches"),
        (GeneratorSizes { tracks: 17, ..small() }, "tracks"),
        (GeneratorSizes { filters: 0, ..small() }, "filters"),
        (GeneratorSizes { latent_channels: 2049, ..small() }, "latent_channels"),
        (GeneratorSizes { attributes: 129, ..small() }, "attributes"),
        (GeneratorSizes { attribute_channels: 0, ..small() }, "attribute_channels"),
        (GeneratorSizes { attributes: 0, ..small() }, "output_map"),
        (GeneratorSizes { steps: 512, pitches: 128, tracks: 16, attributes: 128, ..small() }, "weights"),
    ];
    for (sizes, name) in cases {
        match GeneratorEngine::new(&sizes, &case.weights) {
            Err(EngineError::OutOfRange { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn lengths_of_sizes_that_are_not_checked_saturate() {
    let huge =
        GeneratorSizes { steps: usize::MAX, pitches: usize::MAX, latent_channels: usize::MAX, ..small() };
    assert_eq!([huge.melody_len(), huge.tracks_len(), huge.latent_len(), huge.chords_len()], [usize::MAX; 4]);
    let no_chords = GeneratorSizes { chords: false, ..huge };
    assert_eq!(no_chords.chords_len(), 0);
}
