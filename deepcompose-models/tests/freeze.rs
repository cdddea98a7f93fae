//! Freezing: what is frozen stays as it was to the bit, all else is trained.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Tensor, TensorData};
use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
use deepcompose_models::training::{Freeze, Frozen};
use deepcompose_models::weights::Model;
use deepcompose_models::{Device, ModelError};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn config() -> ArCnnConfig {
    ArCnnConfig { steps: 8, lowest_pitch: 0, pitches: 8, filters: 3, levels: 2, dropout: 0.2 }
}

fn network(seed: u64) -> ArCnn {
    let device = Device::default();
    drawn::drawn(ArCnn::build(&config(), &device).unwrap(), seed).train()
}

/// Each parameter's identity and its bits, running statistics included, by path.
#[derive(Default)]
struct Bits {
    path: Vec<String>,
    found: BTreeMap<String, (ParamId, Vec<u32>)>,
}

impl ModuleVisitor for Bits {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values: Vec<f32> = param.val().into_data().try_into_vec().unwrap();
        let bits = values.into_iter().map(f32::to_bits).collect();
        self.found.insert(self.path.join("."), (param.id, bits));
    }
}

/// As inference sees them: batch norms hand over the update they hold back.
fn bits(network: &ArCnn) -> BTreeMap<String, (ParamId, Vec<u32>)> {
    let mut visitor = Bits::default();
    network.valid().visit(&mut visitor);
    visitor.found
}

fn train(mut network: ArCnn, frozen: &Frozen, mut optimizer: ModuleOptimizer, steps: usize) -> ArCnn {
    let device = Device::default().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for _ in 0..steps {
        let cells: Vec<f32> = (0..256).map(|_| f32::from(u8::from(rng.random_bool(0.3)))).collect();
        let rolls = Tensor::<3>::from_data(TensorData::new(cells, [4, 8, 8]), &device);
        let loss = network.forward(rolls.clone()).unwrap().sub(rolls).powi_scalar(2).mean();
        let mut gradients = GradientsParams::from_grads(loss.backward(), &network);
        frozen.apply(&mut gradients, &network);
        network = frozen.restore(optimizer.step(1e-2, network, gradients));
    }
    network
}

fn optimizers() -> [ModuleOptimizer; 2] {
    [AdamConfig::new().init(), AdamWConfig::new().with_weight_decay(0.1).init()]
}

#[test]
fn frozen_parameters_and_statistics_keep_their_bits_and_the_others_do_not() {
    let freeze = Freeze::new(["encoder.0", "decoder.*.norm", "head.bias"]);
    for natively in [false, true] {
        for optimizer in optimizers() {
            let network = network(3);
            let before = bits(&network);
            let frozen = freeze.of(&network).unwrap();
            let network = if natively { frozen.freeze(network) } else { network };
            let after = bits(&train(network, &frozen, optimizer, 4));
            assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
            for (path, (id, old)) in &before {
                assert_eq!(*id, after[path].0, "{path} has another identity");
                let kept = path.starts_with("encoder.0.")
                    || path.contains(".norm.") && path.starts_with("decoder.")
                    || path == "head.bias";
                assert_eq!(kept, frozen.paths().contains(path), "{path}");
                assert_eq!(kept, *old == after[path].1, "{path}, frozen by burn: {natively}");
            }
        }
    }
}

#[test]
fn statistics_stand_still_without_their_layer() {
    let network = network(4);
    let before = bits(&network);
    let frozen = Freeze::new(["encoder.0.norm.running_mean"]).of(&network).unwrap();
    let [optimizer, _] = optimizers();
    let after = bits(&train(frozen.freeze(network), &frozen, optimizer, 3));
    let changed: Vec<_> = before.iter().filter(|(path, old)| after[*path] != **old).map(|(p, _)| p).collect();
    assert_eq!(changed.len(), before.len() - 1);
    assert!(!changed.contains(&&"encoder.0.norm.running_mean".to_owned()));
}

#[test]
fn a_frozen_network_can_be_built_from_a_trained_one() {
    // The statistics that count are those of the last update, which a batch norm holds back.
    let [first, second] = optimizers();
    let trained = train(network(5), &Frozen::default(), first, 2);
    let frozen = Freeze::new(["encoder"]).of(&trained).unwrap();
    let before = bits(&trained);
    let after = bits(&train(frozen.freeze(trained), &frozen, second, 2));
    for path in frozen.paths() {
        assert_eq!(before[path], after[path], "{path}");
    }
    assert_ne!(before["bottleneck.conv1.weight"], after["bottleneck.conv1.weight"]);
}

#[test]
fn gradients_of_frozen_parameters_are_dropped_and_no_others() {
    let network = network(6);
    let frozen = Freeze::new(["*.*.convs.conv2.weight"]).of(&network).unwrap();
    assert_eq!(frozen.paths().len(), 4, "{:?}", frozen.paths());
    let loss = network.forward(Tensor::ones([1, 8, 8], &Device::default().autodiff())).unwrap().mean();
    let mut gradients = GradientsParams::from_grads(loss.backward(), &network);
    let all = gradients.len();
    frozen.apply(&mut gradients, &network);
    assert_eq!(gradients.len(), all - 4);
}

#[test]
fn patterns_that_match_nothing_or_all_are_refused() {
    let network = network(7);
    for pattern in ["encode", "encoder.0.", "", "encoder.*.convs.conv3", "head.weight.x", "encoder.0.conv*"] {
        let freeze = Freeze::new(["head", pattern]);
        // `conv*` does match `convs`.
        if pattern.ends_with('*') {
            assert!(freeze.of(&network).is_ok());
            continue;
        }
        match freeze.of(&network) {
            Err(ModelError::OutOfRange { field: "freeze", value, accepted }) => {
                assert_eq!(value, format!("\"{pattern}\""));
                assert!(accepted.ends_with("bottleneck, decoder, encoder, head"), "{accepted}");
            }
            other => panic!("{pattern}: {other:?}"),
        }
    }
    assert!(matches!(Freeze::new(["*"]).of(&network), Err(ModelError::OutOfRange { field: "freeze", .. })));
    let nothing = Freeze::default();
    assert!(nothing.is_empty() && nothing.of(&network).unwrap().paths().is_empty());
}

#[test]
fn a_list_of_strings_in_a_configuration_file() {
    #[derive(serde::Deserialize)]
    struct File {
        freeze: Freeze,
    }
    let file: File = toml::from_str("freeze = [\"encoder\", \"head.bias\"]").unwrap();
    assert_eq!(file.freeze, Freeze::new(["encoder", "head.bias"]));
    assert_eq!(serde_json::to_string(&file.freeze).unwrap(), "[\"encoder\",\"head.bias\"]");
}

/// The definition, spelt out: a star is replaced by every possible text in turn.
fn by_definition(pattern: &str, segment: &str) -> bool {
    match pattern.chars().next() {
        None => segment.is_empty(),
        Some('*') => (0..=segment.len()).any(|at| by_definition(&pattern[1..], &segment[at..])),
        Some(c) => segment.starts_with(c) && by_definition(&pattern[1..], &segment[1..]),
    }
}

proptest! {
    #[test]
    fn stars_match_as_defined(pattern in "[ab*.]{0,8}", path in "[ab.]{0,8}") {
        let (patterns, segments): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), path.split('.').collect());
        let expected = patterns.len() <= segments.len()
            && patterns.iter().zip(&segments).all(|(p, s)| by_definition(p, s));
        prop_assert_eq!(Freeze::new([pattern]).matches(&path), expected);
    }
}
