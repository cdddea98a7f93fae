//! The GAN's networks, losses and gradients against PyTorch (float64, double backward).
//!
//! `parity/gan_parity.py` writes `parity/gan_parity.json`; weights and inputs are an integer hash of
//! their name and index, the same there and here. Tolerance: single precision is given 2e-5 of the
//! largest value of each tensor (of the norm, for sums over a whole tensor). The bias of a convolution
//! that batch norm follows has no gradient: the reference's is below 1e-12, ours must be below 1e-6.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use deepcompose_models::gan::{Critic, GanCondition, GanConfig, Generator, loss};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

const TOLERANCE: f64 = 2e-5;

#[derive(Deserialize)]
struct Case {
    config: CaseConfig,
    tracks_eval: Digest,
    tracks_train: Digest,
    scores_real: Vec<f64>,
    scores_fake: Vec<f64>,
    penalty: f64,
    penalty_gradients: BTreeMap<String, Digest>,
    input_gradient: Digest,
    critic_loss: f64,
    critic_gradients: BTreeMap<String, Digest>,
    generator_loss: f64,
    reconstruction_loss: f64,
    generator_gradients: BTreeMap<String, Digest>,
}

#[derive(Deserialize)]
struct CaseConfig {
    batch: usize,
    steps: usize,
    pitches: usize,
    tracks: usize,
    filters: usize,
    latent_channels: usize,
    genres: usize,
    attributes: usize,
    attribute_channels: usize,
    chords: bool,
    previous: bool,
    positive_weight: f64,
}

#[derive(Deserialize)]
struct Digest {
    shape: Vec<usize>,
    largest: f64,
    norm: f64,
    dot: f64,
    samples: Vec<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("parity/gan_parity.json")).unwrap()
}

fn uniform(name: &str, count: usize) -> Vec<f64> {
    let salt = name.bytes().fold(2_166_136_261_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(16_777_619));
    (0..count)
        .map(|i| {
            let mut x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(salt);
            x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
            x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
            x ^= x >> 16;
            f64::from(x) / 2_f64.powi(31) - 1.0
        })
        .collect()
}

/// Fills every parameter by its path.
struct Fill {
    path: Vec<String>,
}

impl ModuleMapper for Fill {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        param.map(|old| {
            let dims = old.dims();
            let count = dims.iter().product::<usize>();
            let fan_in = match D {
                4 => count / dims[0],
                2 => dims[0],
                _ => 1,
            };
            let (offset, scale) = match self.path.last().unwrap().as_str() {
                "weight" => (0.0, (3.0 / fan_in as f64).sqrt()),
                "bias" | "beta" => (0.0, 0.3),
                "gamma" => (1.0, 0.3),
                "running_mean" => (0.0, 0.2),
                "running_var" => (1.0, 0.5),
                other => panic!("{other}"),
            };
            let values: Vec<f32> =
                uniform(&name, count).iter().map(|u| (offset + scale * u) as f32).collect();
            let grad = old.is_require_grad();
            Tensor::from_data(TensorData::new(values, dims), &old.device()).set_require_grad(grad)
        })
    }
}

/// Collects gradients by path.
struct Collect<'a> {
    path: Vec<String>,
    grads: &'a GradientsParams,
    found: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.found.insert(self.path.join("."), (grad.dims().to_vec(), values(grad)));
        }
    }
}

fn gradients<M: Module>(loss: Tensor<1>, module: &M) -> BTreeMap<String, (Vec<usize>, Vec<f64>)> {
    let grads = GradientsParams::from_grads(loss.backward(), module);
    let mut collect = Collect { path: Vec::new(), grads: &grads, found: BTreeMap::new() };
    module.visit(&mut collect);
    collect.found
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

#[track_caller]
fn close(what: &str, actual: f64, expected: f64, scale: f64) {
    let error = (actual - expected).abs();
    assert!(error <= TOLERANCE * scale, "{what}: {actual} is not {expected} (scale {scale})");
}

impl Digest {
    #[track_caller]
    fn check(&self, what: &str, shape: &[usize], values: &[f64]) {
        assert_eq!(self.shape, shape, "{what}");
        if self.norm < 1e-12 {
            assert!(values.iter().all(|v| v.abs() < 1e-6), "{what} is not zero");
            return;
        }
        let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        close(&format!("{what} norm"), norm, self.norm, self.norm);
        let dot = values.iter().zip(uniform("digest", values.len())).map(|(v, u)| v * u).sum();
        close(&format!("{what} dot"), dot, self.dot, self.norm);
        let step = (values.len() / 24).max(1);
        let samples: Vec<f64> = values.iter().copied().step_by(step).collect();
        assert_eq!(samples.len(), self.samples.len(), "{what}");
        for (i, (actual, expected)) in samples.iter().zip(&self.samples).enumerate() {
            close(&format!("{what} sample {i}"), *actual, *expected, self.largest);
        }
    }

    #[track_caller]
    fn check_all(
        what: &str,
        expected: &BTreeMap<String, Self>,
        actual: &BTreeMap<String, (Vec<usize>, Vec<f64>)>,
    ) {
        for (name, digest) in expected {
            match actual.get(name) {
                Some((shape, values)) => digest.check(&format!("{what} {name}"), shape, values),
                // No gradient stands for a gradient of zero.
                None => assert!(digest.norm == 0.0, "{what} {name} has no gradient"),
            }
        }
        for (name, (_, values)) in actual {
            let known = expected.contains_key(name) || values.iter().all(|v| *v == 0.0);
            assert!(known, "{what} {name} has a gradient that the reference lacks");
        }
    }
}

struct Bench {
    config: GanConfig,
    generator: Generator,
    critic: Critic,
    condition: GanCondition,
    latent: Tensor<4>,
    real: Tensor<4>,
    mix: Tensor<1>,
}

fn tensor<const D: usize>(values: Vec<f64>, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn bench(c: &CaseConfig, device: &Device) -> Bench {
    let config = GanConfig::reference()
        .to_builder()
        .steps(c.steps)
        .pitches(c.pitches)
        .tracks(c.tracks)
        .filters(c.filters)
        .latent_channels(c.latent_channels)
        .genres(c.genres)
        .track_mask(c.attributes > 0)
        .attribute_channels(c.attribute_channels)
        .chords(c.chords)
        .previous(c.previous)
        .output_map(c.attributes > 0)
        .build()
        .unwrap();
    assert_eq!(config.attributes(), c.attributes);
    let sparse = |name: &str, channels: usize| {
        let count = c.batch * channels * c.steps * c.pitches;
        let cells = uniform(name, count).iter().map(|u| if *u > 0.8 { 1.0 } else { -1.0 }).collect();
        tensor(cells, [c.batch, channels, c.steps, c.pitches], device)
    };
    let attributes = (c.attributes > 0).then(|| {
        let bits = uniform("attributes", c.batch * c.attributes);
        tensor(bits.iter().map(|u| f64::from(*u > 0.0)).collect(), [c.batch, c.attributes], device)
    });
    let [channels, rows, columns] = config.latent_shape();
    let latent = uniform("latent", c.batch * channels * rows * columns).iter().map(|u| 1.5 * u).collect();
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let fill = |prefix: &str| Fill { path: vec![prefix.to_owned()] };
    Bench {
        generator: Generator::new(&config, rng, device).map(&mut fill("generator")),
        critic: Critic::new(&config, rng, device).map(&mut fill("critic")),
        condition: GanCondition {
            melody: sparse("melody", 1),
            chords: c.chords.then(|| sparse("chords", 2)),
            previous: c.previous.then(|| sparse("previous", c.tracks)),
            attributes,
        },
        latent: tensor(latent, [c.batch, channels, rows, columns], device),
        real: sparse("real", c.tracks),
        mix: tensor(uniform("mix", c.batch).iter().map(|u| (u + 1.0) / 2.0).collect(), [c.batch], device),
        config,
    }
}

#[test]
fn generator_forward_matches_in_both_modes() {
    for case in cases() {
        let b = bench(&case.config, &Device::flex());
        let shape = [&[case.config.batch][..], &b.config.window_shape()].concat();
        let tracks = b.generator.forward(&b.condition, b.latent.clone()).unwrap();
        case.tracks_eval.check("eval", &shape, &values(tracks));

        let b = bench(&case.config, &Device::flex().autodiff());
        let tracks = b.generator.forward(&b.condition, b.latent.clone()).unwrap();
        case.tracks_train.check("train", &shape, &values(tracks));
    }
}

#[test]
fn critic_forward_and_losses_match() {
    for case in cases() {
        let b = bench(&case.config, &Device::flex().autodiff());
        let fake = b.generator.forward(&b.condition, b.latent.clone()).unwrap();
        for (what, tracks, expected) in
            [("real", &b.real, &case.scores_real), ("fake", &fake, &case.scores_fake)]
        {
            let scores = values(b.critic.forward(tracks.clone(), &b.condition).unwrap());
            let largest = expected.iter().fold(0.0_f64, |a, s| a.max(s.abs()));
            for (actual, expected) in scores.iter().zip(expected) {
                close(what, *actual, *expected, largest);
            }
        }
        let parts =
            loss::critic_loss(&b.critic, b.real.clone(), fake.clone(), b.mix.clone(), &b.condition, 10.0)
                .unwrap();
        close("penalty", values(parts.penalty)[0], case.penalty, case.penalty);
        close("critic loss", values(parts.total)[0], case.critic_loss, case.critic_loss.abs());
        let adversarial = loss::generator_loss(&b.critic, fake, &b.condition).unwrap();
        close("generator", values(adversarial)[0], case.generator_loss, case.generator_loss.abs());
    }
}

#[test]
fn gradient_penalty_matches_double_backward() {
    for case in cases() {
        let b = bench(&case.config, &Device::flex().autodiff());
        let fake = b.generator.forward(&b.condition, b.latent.clone()).unwrap().detach();
        let mixed = loss::interpolate(b.real.clone(), fake.clone(), b.mix.clone()).unwrap();
        let shape = [&[case.config.batch][..], &b.config.window_shape()].concat();
        let gradient = b.critic.input_gradient(mixed.clone(), &b.condition).unwrap();
        case.input_gradient.check("input gradient", &shape, &values(gradient));

        let penalty = loss::gradient_penalty(&b.critic, mixed, &b.condition).unwrap();
        Digest::check_all("penalty", &case.penalty_gradients, &gradients(penalty, &b.critic));

        let parts = loss::critic_loss(&b.critic, b.real, fake, b.mix, &b.condition, 10.0).unwrap();
        Digest::check_all("critic", &case.critic_gradients, &gradients(parts.total, &b.critic));
    }
}

#[test]
fn generator_gradients_match() {
    for case in cases() {
        let b = bench(&case.config, &Device::flex().autodiff());
        let logits = b.generator.logits(&b.condition, b.latent.clone()).unwrap();
        let adversarial =
            loss::generator_loss(&b.critic.valid(), logits.clone().tanh(), &b.condition).unwrap();
        let reconstruction = loss::reconstruction_loss(logits, b.real, case.config.positive_weight).unwrap();
        let expected = case.reconstruction_loss;
        close("reconstruction", values(reconstruction.clone())[0], expected, expected);
        let total = adversarial + reconstruction.mul_scalar(3.0);
        Digest::check_all("generator", &case.generator_gradients, &gradients(total, &b.generator));
    }
}
