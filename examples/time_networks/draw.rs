//! `time_networks draw`: weights from a seed, for sizes that are not shipped.

use std::path::Path;

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use deepcompose::models::ar_cnn::{ArCnn, ArCnnConfig};
use deepcompose::models::gan::{GanConfig, Generator};
use deepcompose::models::transformer::{TransformerXl, TransformerXlConfig};
use deepcompose::models::weights::{self, Model, Precision};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Kind, Outcome, Size};

pub(crate) fn write(kind: Kind, size: Size, seed: u64, output: &Path) -> Outcome<()> {
    let is_reference = size == Size::Reference;
    match kind {
        Kind::ArCnn => {
            let config = if is_reference { ArCnnConfig::reference() } else { ArCnnConfig::compact() };
            draw::<ArCnn>(&config, seed, output)
        }
        Kind::Transformer => {
            let config =
                if is_reference { TransformerXlConfig::reference() } else { TransformerXlConfig::compact() };
            draw::<TransformerXl>(&config, seed, output)
        }
        Kind::Gan => {
            let config = if is_reference { GanConfig::reference() } else { GanConfig::accompaniment() };
            draw::<Generator>(&config, seed, output)
        }
    }
}

fn draw<M: Model>(config: &M::Config, seed: u64, output: &Path) -> Outcome<()> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = Drawn { rng, path: Vec::new() };
    let model = M::build(config, &Device::default())?.map(&mut drawn);
    weights::save(&model, output, Precision::Full)?;
    Ok(())
}

/// Every number of a module, running statistics too, so that no term of the networks is zero or one.
struct Drawn {
    rng: ChaCha8Rng,
    path: Vec<String>,
}

impl Drawn {
    /// The range of a parameter by its name and shape. Matrices keep the size of what goes through them (He et al.
    /// 2015).
    fn range(&self, shape: &[usize]) -> (f32, f32) {
        let fan_in = match (self.path.last().map(String::as_str), shape) {
            (Some("gamma" | "running_var"), _) => return (0.5, 1.5),
            (Some("embedding"), [_, width]) => 6 * width,
            (_, [_, inputs, height, width]) => inputs * height * width,
            (_, [inputs, _]) => *inputs,
            _ => return (-0.1, 0.1),
        };
        let bound = (6.0 / fan_in as f32).sqrt();
        (-bound, bound)
    }
}

impl ModuleMapper for Drawn {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.lazy_shape().to_vec();
        let (low, high) = self.range(&shape);
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| self.rng.random_range(low..high)).collect();
        param.map(|old| {
            let device = old.device();
            Tensor::from_data(TensorData::new(values, shape), &device).set_require_grad(old.is_require_grad())
        })
    }
}
