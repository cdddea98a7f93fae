//! A module's parameters by path, out and in.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor, TensorData};

use crate::error::WeightsError;

/// A parameter: its path in the module, its shape, its values in row-major order.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// Every float parameter of a module, running statistics included.
pub(super) fn tensors<M: Module>(module: &M) -> Result<Vec<Named>, WeightsError> {
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    match visitor.error {
        None => Ok(visitor.tensors),
        Some(error) => Err(error),
    }
}

#[derive(Default)]
struct Visitor {
    path: Vec<String>,
    tensors: Vec<Named>,
    error: Option<WeightsError>,
}

impl ModuleVisitor for Visitor {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        // The form that is saved, which may differ from the one computed with.
        let tensor = param.transform_for_save().val();
        let shape = tensor.dims().to_vec();
        match tensor.into_data().convert::<f32>().try_to_vec::<f32>() {
            Ok(values) => self.tensors.push(Named { name, shape, values }),
            Err(e) => self.error = Some(WeightsError::malformed(format!("`{name}`: {e:?}"))),
        }
    }
}

/// The module with these parameters: all of its own, and no others.
pub(super) fn load<M: Module>(module: M, tensors: Vec<Named>) -> Result<M, WeightsError> {
    let tensors = tensors.into_iter().map(|t| (t.name.clone(), t)).collect();
    let mut mapper = Mapper { path: Vec::new(), tensors, problems: Vec::new() };
    let module = module.map(&mut mapper);
    mapper.problems.extend(mapper.tensors.keys().map(|name| format!("`{name}` belongs nowhere")));
    match mapper.problems.first() {
        None => Ok(module),
        Some(first) => {
            Err(WeightsError::Mismatch(format!("{first} ({} problems in all)", mapper.problems.len())))
        }
    }
}

struct Mapper {
    path: Vec<String>,
    tensors: BTreeMap<String, Named>,
    problems: Vec<String>,
}

impl ModuleMapper for Mapper {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(found) = self.tensors.remove(&name) else {
            self.problems.push(format!("`{name}` is missing"));
            return param;
        };
        let shape = param.lazy_shape();
        if shape.as_slice() != found.shape {
            self.problems.push(format!(
                "`{name}` has shape {:?}, the network's is {:?}",
                found.shape,
                shape.as_slice()
            ));
            return param;
        }
        let device = param.lazy_device();
        let id = param.id;
        let data = TensorData::new(found.values, found.shape);
        param.transform_for_load(Tensor::from_data(data, (&device, DType::F32)), id)
    }
}
