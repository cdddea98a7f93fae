//! Gradients of a whole module: their norm, and scaling them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Square root of the sum of the squares of every gradient of `module`; 0 if it has none.
pub(crate) fn norm<M: Module>(gradients: &GradientsParams, module: &M) -> f64 {
    let mut squares = Squares { gradients, sums: Vec::new() };
    module.visit(&mut squares);
    match squares.sums.is_empty() {
        true => 0.0,
        false => Tensor::cat(squares.sums, 0).sum().into_scalar::<f64>().sqrt(),
    }
}

/// Multiplies every gradient of `module` by `factor`.
pub(crate) fn scale<M: Module>(gradients: &mut GradientsParams, module: &M, factor: f64) {
    module.visit(&mut Scale { gradients, factor });
}

/// The gradient of every parameter that has one, by its path.
pub(crate) fn by_path<M: Module>(gradients: &GradientsParams, module: &M) -> BTreeMap<String, Vec<f32>> {
    let mut named = Named { gradients, path: Vec::new(), values: BTreeMap::new() };
    module.visit(&mut named);
    named.values
}

struct Named<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    values: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Named<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.values.insert(self.path.join("."), gradient.into_data().iter::<f32>().collect());
        }
    }
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id);
        self.sums.extend(gradient.map(|gradient| (gradient.clone() * gradient).sum()));
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}
