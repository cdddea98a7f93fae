//! The hand-written pass against recorded differentiation, and against finite differences.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::loss::edit_loss_sum;
use super::super::train::fresh;
use super::*;
use crate::ar_cnn::ArCnnConfig;
use crate::training::{Freeze, gradients};

/// A network whose every parameter and statistic is far from its initial value; `gain` is how many times larger its
/// kernels are than fresh ones.
pub(super) fn network_of(config: &ArCnnConfig, seed: u64, gain: f32, device: &Device) -> ArCnn {
    struct Shake(ChaCha8Rng, f32);
    impl ModuleMapper for Shake {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|old| {
                let shape = old.dims();
                // Of the first values only the ones are kept: the others come from burn's process-wide random numbers,
                // which other tests draw from too.
                let (scale, base) = match D {
                    4 => (self.1 * ((shape[1] * 9) as f32).sqrt().recip(), old.zeros_like()),
                    _ => (0.2, old.clone().round()),
                };
                let noise: Vec<f32> =
                    (0..shape.iter().product()).map(|_| self.0.random_range(-scale..scale)).collect();
                let noise = Tensor::from_data(TensorData::new(noise, shape), &old.device());
                let shaken = (base.inner() + noise.inner()).detach();
                if old.is_autodiff() { Tensor::from_inner(shaken).require_grad() } else { shaken }
            })
        }
    }
    fresh(config, 1, device).unwrap().map(&mut Shake(ChaCha8Rng::seed_from_u64(seed), gain))
}

/// With weights as large as fresh ones. (Where an activation is zero within rounding, one way lets a gradient through
/// and the other does not; none of the seeds here has one that matters.)
fn network(config: &ArCnnConfig, seed: u64, device: &Device) -> ArCnn {
    network_of(config, seed, 1.0, device)
}

/// Spoilt rolls; in the second sample nothing differs.
pub(super) fn rolls(shape: [usize; 3], seed: u64) -> Rolls {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = shape.iter().product::<usize>();
    let mut cells = |share: f64| -> Vec<f32> {
        (0..count).map(|_| f32::from(u8::from(rng.random_bool(share)))).collect()
    };
    let (input, mut difference) = (cells(0.4), cells(0.1));
    difference.chunks_mut(shape[1] * shape[2]).skip(1).take(1).for_each(|sample| sample.fill(0.0));
    Rolls { shape, input, difference }
}

fn recorded(network: &ArCnn, rolls: &Rolls, factor: f64, rng: &mut ChaCha8Rng) -> (f64, GradientsParams) {
    let device = network.devices().remove(0);
    let tensor =
        |values: &[f32]| Tensor::<3>::from_data(TensorData::new(values.to_vec(), rolls.shape), &device);
    let logits = network.forward_training(tensor(&rolls.input), rng).unwrap();
    let loss = edit_loss_sum(logits, tensor(&rolls.difference));
    let value = loss.clone().into_scalar::<f32>();
    (f64::from(value), GradientsParams::from_grads((loss * factor).backward(), network))
}

/// Running statistics and the rest, by path.
pub(super) fn values(network: &ArCnn) -> BTreeMap<String, Vec<f32>> {
    struct Read(Vec<String>, BTreeMap<String, Vec<f32>>);
    impl burn::module::ModuleVisitor for Read {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.insert(self.0.join("."), param.val().into_data().try_to_vec().unwrap());
        }
    }
    let mut read = Read(Vec::new(), BTreeMap::new());
    network.valid().visit(&mut read);
    read.1
}

fn assert_same(ours: &BTreeMap<String, Vec<f32>>, theirs: &BTreeMap<String, Vec<f32>>, tolerance: f32) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    // Some gradients are rounding alone: those of biases that a normalisation or the softmax takes out again.
    // A thousandth is what the gradients of the logits add up to, about.
    let all = theirs.values().flatten().fold(0.1f32, |most, value| most.max(value.abs()));
    for (path, theirs) in theirs {
        let largest = theirs.iter().fold(0.1 * all, |most, value| most.max(value.abs()));
        assert_eq!(ours[path].len(), theirs.len(), "{path}");
        for (a, b) in ours[path].iter().zip(theirs) {
            assert!((a - b).abs() <= tolerance * largest, "{path}: {a}, recorded {b}, largest {largest}");
        }
    }
}

fn compare(config: &ArCnnConfig, shape: [usize; 3], freeze: &[&str], seed: u64) {
    let device = Device::default().autodiff();
    let build = || {
        let network = network(config, seed, &device);
        let frozen = Freeze::new(freeze.iter().copied()).of(&network).unwrap();
        (frozen.freeze(network), frozen)
    };
    let ((ours, frozen), (theirs, _)) = (build(), build());
    let fused = Fused::new(1);
    for step in 0..2 {
        let rolls = rolls(shape, seed + step);
        let rng = || ChaCha8Rng::seed_from_u64(seed + 10 * step);
        let outcome = fused.with(&ours, |step| step.run(0, &rolls, 0.25, &mut rng()));
        let (loss, expected) = recorded(&theirs, &rolls, 0.25, &mut rng());
        assert!((outcome.loss - loss).abs() <= 1e-5 * (1.0 + loss.abs()), "{} {loss}", outcome.loss);
        let mut gradient = outcome.gradient.into_params(&ours);
        frozen.apply(&mut gradient, &ours);
        let (gradient, expected) =
            (gradients::by_path(&gradient, &ours), gradients::by_path(&expected, &theirs));
        assert_same(&gradient, &expected, 1e-4);
        outcome.statistics.update(&ours);
        assert_same(&values(&ours), &values(&theirs), 1e-5);
    }
}

pub(super) fn config(levels: usize, filters: usize, dropout: f64) -> ArCnnConfig {
    ArCnnConfig { steps: 16, lowest_pitch: 0, pitches: 16, filters, levels, dropout }
}

#[test]
fn loss_gradients_and_statistics_are_those_of_recorded_differentiation() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for seed in 0..40 {
        let levels = rng.random_range(1..4);
        // Enough pixels at the bottom that a variance over them is a matter of more than rounding.
        let mut side = || rng.random_range(3..5) << levels;
        let (steps, pitches) = (side(), side());
        let size = [rng.random_range(2..5), steps, pitches];
        let dropout = if rng.random_bool(0.5) { 0.2 } else { 0.0 };
        let config = config(levels, rng.random_range(3..7), dropout);
        compare(&config, size, &[], seed);
    }
}

#[test]
fn wide_layers_are_no_different() {
    // Kernels of several groups of columns, sums in one part and in several.
    compare(&config(2, 20, 0.1), [2, 32, 16], &[], 4);
}

#[test]
fn frozen_layers_drop_nothing_and_normalise_by_what_they_have() {
    for freeze in ["decoder.1", "encoder.0.norm", "decoder.0"] {
        compare(&config(3, 3, 0.4), [3, 16, 8], &[freeze], 5);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let device = Device::default().autodiff();
    let network = network(&config(3, 5, 0.3), 8, &device);
    let rolls = rolls([4, 32, 16], 2);
    let result = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let outcome = pool.install(|| {
            Fused::new(1).with(&network, |step| step.run(0, &rolls, 1.0, &mut ChaCha8Rng::seed_from_u64(1)))
        });
        (outcome.loss, gradients::by_path(&outcome.gradient.into_params(&network), &network))
    };
    let one = result(1);
    for threads in [2, 3, 7] {
        assert!(result(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_batch_of_another_shape_needs_no_new_start() {
    let device = Device::default().autodiff();
    let network = network(&config(2, 3, 0.0), 8, &device);
    let run = |fused: &Fused, rolls: &Rolls| {
        let outcome = fused.with(&network, |step| step.run(0, rolls, 1.0, &mut ChaCha8Rng::seed_from_u64(1)));
        (outcome.loss, gradients::by_path(&outcome.gradient.into_params(&network), &network))
    };
    let (small, large) = (rolls([2, 16, 8], 2), rolls([3, 8, 16], 3));
    let kept = Fused::new(1);
    for rolls in [&small, &large, &small, &small] {
        assert!(run(&kept, rolls) == run(&Fused::new(1), rolls));
    }
}
