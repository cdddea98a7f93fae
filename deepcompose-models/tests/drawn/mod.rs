//! Networks with weights that depend on a seed alone. A device's random numbers are shared by all tests of a
//! program, which run at the same time, so that networks fresh from it differ from run to run.

#![allow(dead_code, unreachable_pub)]

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

struct Draw(ChaCha8Rng);

impl ModuleMapper for Draw {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|old| {
            let shape = old.dims();
            // So much that what comes out is about as large as what goes in (He et al. 2015): of a kernel by its inputs, of
            // a matrix, whose sides may mean either, by their geometric mean. Vectors are moved a little, so that biases and
            // norms matter and running variances stay positive; rounded, as fresh ones of norms are whole and of biases near zero.
            let inputs: usize = shape.iter().skip(1).product();
            let width = if D == 2 { ((inputs * shape[0]) as f32).sqrt() } else { inputs as f32 };
            let most = if D == 1 { 0.15 } else { (6.0 / width).sqrt() };
            let count = shape.iter().product();
            let drawn: Vec<f32> = (0..count).map(|_| self.0.random_range(-most..most)).collect();
            let drawn = Tensor::from_data(TensorData::new(drawn, shape), &old.device());
            if D == 1 { old.round() + drawn } else { drawn }
        })
    }
}

/// The network, of a plain device, with other weights.
pub fn drawn<M: Module>(network: M, seed: u64) -> M {
    network.map(&mut Draw(ChaCha8Rng::seed_from_u64(seed)))
}
