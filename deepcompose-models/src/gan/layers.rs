//! The convolutions that the two networks are made of, and their initial weights.

use burn::module::{Module, ModuleMapper, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{leaky_relu, relu};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt};

/// Slope of the leaky ReLU below zero.
pub(crate) const LEAKY_SLOPE: f64 = 0.2;
/// Side of every kernel.
pub(crate) const KERNEL: usize = 4;

/// A 4×4 convolution that halves both sides.
pub(crate) fn halving_conv(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([inputs, outputs], [KERNEL, KERNEL])
        .with_stride([2, 2])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// A 4×4 convolution that keeps both sides: one row of padding before, two after, which is what
/// the reference's framework does for "same" padding of an even kernel.
pub(crate) fn keeping_conv(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([inputs, outputs], [KERNEL, KERNEL])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 2, 2))
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// A linear map without bias from the attributes.
pub(crate) fn attribute_map(attributes: usize, outputs: usize, device: &Device) -> Option<Linear> {
    (attributes > 0).then(|| {
        LinearConfig::new(attributes, outputs)
            .with_bias(false)
            .with_initializer(Initializer::Zeros)
            .init(device)
    })
}

/// Halving convolution, leaky ReLU, then batch norm if there is one.
#[derive(Module, Debug)]
pub(crate) struct Down {
    pub(super) conv: Conv2d,
    pub(super) norm: Option<BatchNorm>,
}

impl Down {
    pub(crate) fn new(inputs: usize, outputs: usize, norm: bool, device: &Device) -> Self {
        Self {
            conv: halving_conv(inputs, outputs, device),
            norm: norm.then(|| BatchNormConfig::new(outputs).init(device)),
        }
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = leaky_relu(self.conv.forward(x), LEAKY_SLOPE);
        match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }
}

/// Nearest-neighbour doubling, 4×4 convolution, batch norm, ReLU.
#[derive(Module, Debug)]
pub(crate) struct Up {
    pub(super) conv: Conv2d,
    pub(super) norm: BatchNorm,
}

impl Up {
    pub(crate) fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        Self { conv: keeping_conv(inputs, outputs, device), norm: BatchNormConfig::new(outputs).init(device) }
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.norm.forward(double_then_conv(x, &self.conv)))
    }
}

/// Nearest-neighbour doubling of both sides, then the convolution, which is a [`keeping_conv`].
///
/// Computed without the doubled image. Of the doubled rows −1..=2 around an output row, an even one
/// sees the source rows −1, 0, 0, 1 and an odd one 0, 0, 1, 1, so each of the four phases of the
/// output is a 3×3 convolution of the source whose taps are sums of the 4×4 kernel's. That is 36
/// products where the plain way takes 64.
pub(crate) fn double_then_conv(x: Tensor<4>, conv: &Conv2d) -> Tensor<4> {
    let [batch, inputs, height, width] = x.dims();
    let kernel = conv.weight.val();
    let outputs = kernel.dims()[0];
    let taps = Tensor::<2>::from_data(TensorData::new(phase_taps(), [16, 36]), &kernel.device());
    let kernel = kernel
        .reshape([outputs * inputs, KERNEL * KERNEL])
        .matmul(taps)
        .reshape([outputs, inputs, 4, 3, 3])
        .permute([0, 2, 1, 3, 4])
        .reshape([outputs * 4, inputs, 3, 3]);
    let phases = conv2d(x, kernel, None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
    let doubled = phases
        .reshape([batch, outputs, 2, 2, height, width])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([batch, outputs, 2 * height, 2 * width]);
    match &conv.bias {
        Some(bias) => doubled + bias.val().reshape([1, outputs, 1, 1]),
        None => doubled,
    }
}

/// The 16 × 36 matrix from a 4×4 kernel to the 3×3 kernels of the four phases.
fn phase_taps() -> Vec<f32> {
    // Source row, counted from the one before, of each row of the kernel: even phase, odd phase.
    const SOURCE: [[usize; KERNEL]; 2] = [[0, 1, 1, 2], [1, 1, 2, 2]];
    let mut taps = vec![0.0; 16 * 36];
    for (row, column) in (0..KERNEL).flat_map(|r| (0..KERNEL).map(move |c| (r, c))) {
        for (vertical, horizontal) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let tap = SOURCE[vertical][row] * 3 + SOURCE[horizontal][column];
            taps[(row * KERNEL + column) * 36 + (vertical * 2 + horizontal) * 9 + tap] = 1.0;
        }
    }
    taps
}

/// Draws every kernel and linear weight of `module` uniformly within ±√(6 / (fan in + fan out))
/// (Glorot and Bengio 2010), from `rng` and in the order of the module's fields. Biases stay zero.
pub(crate) fn glorot<M: Module, R: Rng + ?Sized>(module: M, rng: &mut R) -> M {
    module.map(&mut Glorot { rng })
}

struct Glorot<'a, R: ?Sized> {
    rng: &'a mut R,
}

impl<R: Rng + ?Sized> ModuleMapper for Glorot<'_, R> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let dims = param.lazy_shape().to_vec();
        // Kernels are [out, in, height, width], linear weights [in, out].
        let fans = match dims.as_slice() {
            [outputs, inputs, height, width] => (outputs + inputs) * height * width,
            [inputs, outputs] => inputs + outputs,
            _ => return param,
        };
        let bound = (6.0 / fans as f32).sqrt();
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|_| self.rng.random_range(-bound..=bound)).collect();
        param.map(|old| {
            let device = old.device();
            let grad = old.is_require_grad();
            Tensor::from_data(TensorData::new(values, dims), &device).set_require_grad(grad)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use burn::tensor::Distribution;
    use burn::tensor::module::interpolate;
    use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
    use rand::SeedableRng;

    #[test]
    fn phases_equal_doubling_and_convolving() {
        let device = Device::flex();
        let rng = &mut rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let conv = glorot(keeping_conv(3, 2, &device), rng);
        let x = Tensor::<4>::random([2, 3, 4, 6], Distribution::Uniform(-1.0, 1.0), &device);
        let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([8, 12]);
        let plain = conv.forward(interpolate(x.clone(), options));
        let difference = (double_then_conv(x, &conv) - plain).abs().max();
        assert!(difference.into_scalar::<f32>() < 1e-6);
    }
}
