//! The network, the loss and the gradients against PyTorch (`tests/parity/ar_cnn_parity.py`).
//!
//! The reference is computed in float64, ours in float32: 1e-4 of the largest reference value.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::fused::{Fused, Rolls};
use super::{ArCnn, edit_loss};
use crate::weights;

#[derive(Deserialize)]
struct Reference {
    input: Vec<f32>,
    difference: Vec<f32>,
    inference_logits: Vec<f32>,
    training_logits: Vec<f32>,
    loss: f32,
    gradients: BTreeMap<String, Vec<f32>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../tests/parity/ar_cnn.json")).unwrap()
}

fn network(device: &Device) -> ArCnn {
    weights::from_bytes(include_bytes!("../../tests/parity/ar_cnn.safetensors"), device).unwrap()
}

fn rolls(values: &[f32], device: &Device) -> Tensor<3> {
    Tensor::from_data(TensorData::new(values.to_vec(), [3, 16, 8]), device)
}

#[track_caller]
fn assert_close<const D: usize>(ours: Tensor<D>, theirs: &[f32]) {
    let ours = ours.into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let worst = ours.iter().zip(theirs).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    assert!(worst <= 1e-4 * scale, "largest error {worst}, largest value {scale}");
}

#[test]
fn logits_for_inference() {
    let device = Device::default();
    let reference = reference();
    assert_close(
        network(&device).forward(rolls(&reference.input, &device)).unwrap(),
        &reference.inference_logits,
    );
}

#[test]
fn logits_loss_and_gradients_in_training() {
    let device = Device::default().autodiff();
    let reference = reference();
    let model = network(&device);
    let logits = model.forward(rolls(&reference.input, &device)).unwrap();
    assert_close(logits.clone(), &reference.training_logits);

    let loss = edit_loss(logits, rolls(&reference.difference, &device));
    assert_close(loss.clone(), &[reference.loss]);

    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let mut visitor = Compare { path: Vec::new(), gradients, reference: reference.gradients };
    model.visit(&mut visitor);
    assert!(visitor.reference.is_empty(), "not visited: {:?}", visitor.reference.keys());
}

#[test]
fn loss_and_gradients_by_hand() {
    let reference = reference();
    let model = network(&Device::default().autodiff());
    let rolls =
        Rolls { shape: [3, 16, 8], input: reference.input.clone(), difference: reference.difference.clone() };
    // Two of the three samples have a target.
    let outcome =
        Fused::new(1).with(&model, |step| step.run(0, &rolls, 0.5, &mut ChaCha8Rng::seed_from_u64(0)));
    assert!((outcome.loss * 0.5 - f64::from(reference.loss)).abs() < 1e-5);
    let gradients = outcome.gradient.into_params(&model);
    let mut visitor = Compare { path: Vec::new(), gradients, reference: reference.gradients };
    model.visit(&mut visitor);
    assert!(visitor.reference.is_empty(), "not visited: {:?}", visitor.reference.keys());
}

struct Compare {
    path: Vec<String>,
    gradients: GradientsParams,
    reference: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Compare {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(theirs) = self.reference.remove(&self.path.join(".")) {
            assert_close(self.gradients.get::<D>(param.id).unwrap(), &theirs);
        }
    }
}

#[test]
fn a_sample_without_edits_has_no_part_in_the_loss() {
    let device = Device::default();
    // Two cells of four differ, logits are level: the loss is −ln 2 + ln 4 = ln 2.
    let logits = Tensor::<3>::zeros([2, 2, 2], &device);
    let difference = Tensor::from_data([[[1.0f32, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]], &device);
    assert_close(edit_loss(logits.clone(), difference.clone()), &[std::f32::consts::LN_2]);
    assert_close(edit_loss(logits, difference.zeros_like()) + 1.0, &[1.0]);
}
