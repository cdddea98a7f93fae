//! The Transformer-XL against an independent implementation: see `parity/transformer_parity.py`.
//!
//! Tolerance: 2e-5 of the largest reference value of each tensor (f32 here against f64 there).
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use deepcompose_models::transformer::{TransformerXl, TransformerXlConfig, cross_entropy_sum};
use serde::Deserialize;

const TOLERANCE: f64 = 2e-5;

#[derive(Deserialize)]
struct Reference {
    sizes: BTreeMap<String, usize>,
    pad: u32,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    pre_norm: bool,
    parameters: BTreeMap<String, Values>,
    segments: Vec<Vec<Vec<i64>>>,
    targets: Vec<Vec<i64>>,
    logits: Vec<Vec<f64>>,
    loss: f64,
    gradients: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Values {
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("parity/transformer_parity.json")).unwrap()
}

/// Replaces every parameter by the reference's, by path.
struct Load<'a> {
    path: Vec<String>,
    parameters: &'a BTreeMap<String, Values>,
    loaded: usize,
}

impl ModuleMapper for Load<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = &self.parameters[&self.path.join(".")];
        self.loaded += 1;
        param.map(|old| {
            assert_eq!(old.dims().as_slice(), values.shape);
            let numbers: Vec<f32> = values.values.iter().map(|value| *value as f32).collect();
            let loaded = Tensor::from_data(TensorData::new(numbers, values.shape.clone()), &old.device());
            if old.is_autodiff() { loaded.require_grad() } else { loaded }
        })
    }
}

/// Collects every parameter's gradient, by path.
struct Collect<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).unwrap();
        self.found.insert(self.path.join("."), gradient.into_data().try_into_vec().unwrap());
    }
}

fn network(reference: &Reference, case: &Case, device: &Device) -> TransformerXl {
    let size = |name: &str| reference.sizes[name];
    let config = TransformerXlConfig {
        layers: size("layers"),
        heads: size("heads"),
        d_model: size("d_model"),
        d_head: size("d_head"),
        d_inner: size("d_inner"),
        vocabulary: size("vocabulary"),
        tokenizer: None,
        segment: size("segment"),
        memory: size("memory"),
        dropout: 0.0,
        pre_norm: case.pre_norm,
    };
    let network = TransformerXl::new(&config, 1, device).unwrap();
    assert_eq!(network.num_params(), config.parameters());
    let mut load = Load { path: Vec::new(), parameters: &case.parameters, loaded: 0 };
    let network = network.map(&mut load);
    assert_eq!(load.loaded, case.parameters.len());
    network
}

fn tokens(rows: &[Vec<i64>], device: &Device) -> Tensor<2, Int> {
    let flat: Vec<i64> = rows.concat();
    Tensor::from_data(TensorData::new(flat, [rows.len(), rows[0].len()]), device)
}

fn assert_close(what: &str, ours: &[f32], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0f64, |largest, value| largest.max(value.abs()));
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let difference = (f64::from(*ours) - theirs).abs();
        assert!(difference <= TOLERANCE * largest, "{what}[{index}]: {ours}, reference {theirs}");
    }
}

#[test]
fn logits_with_and_without_memory_agree() {
    let reference = reference();
    for case in &reference.cases {
        let device = Device::default();
        let network = network(&reference, case, &device);
        let mut memory = None;
        for (step, segment) in case.segments.iter().enumerate() {
            let (logits, next) = network.forward(tokens(segment, &device), memory).unwrap();
            memory = Some(next);
            let what = format!("pre-norm {}, segment {step}", case.pre_norm);
            assert_close(&what, &logits.into_data().try_into_vec::<f32>().unwrap(), &case.logits[step]);
        }
    }
}

#[test]
fn loss_and_every_gradient_agree() {
    let reference = reference();
    for case in &reference.cases {
        let device = Device::default().autodiff();
        let network = network(&reference, case, &device);
        let mut memory = None;
        let mut last = None;
        for segment in &case.segments {
            let (logits, next) = network.forward(tokens(segment, &device), memory).unwrap();
            memory = Some(next);
            last = Some(logits);
        }
        let targets = tokens(&case.targets, &device);
        let (sum, counted) = cross_entropy_sum(last.unwrap(), targets, Some(reference.pad)).unwrap();
        let loss = sum / counted as f32;
        let value = loss.clone().into_scalar::<f64>();
        assert!((value - case.loss).abs() < 1e-5, "loss {value}, reference {}", case.loss);

        let mut collect = Collect { path: Vec::new(), gradients: &loss.backward(), found: BTreeMap::new() };
        network.visit(&mut collect);
        assert_eq!(collect.found.len(), case.gradients.len());
        for (path, gradient) in &collect.found {
            assert_close(&format!("pre-norm {}, {path}", case.pre_norm), gradient, &case.gradients[path]);
        }
    }
}
