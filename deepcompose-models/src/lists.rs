//! Weights of burn's layers as the plain lists that engines are prepared from.

use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use deepcompose_engines::{ConvWeights, NormWeights};

/// The numbers of a tensor, row by row.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// A convolution; without a bias it is zero.
pub(crate) fn conv(conv: &Conv2d) -> ConvWeights {
    let outputs = conv.weight.dims()[0];
    let bias = conv.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| numbers(bias.val()));
    ConvWeights { weight: numbers(conv.weight.val()), bias }
}

/// A batch normalisation by its running statistics.
pub(crate) fn batch_norm(norm: &BatchNorm) -> NormWeights {
    NormWeights {
        gamma: numbers(norm.gamma.val()),
        beta: numbers(norm.beta.val()),
        mean: numbers(norm.running_mean.value_sync()),
        variance: numbers(norm.running_var.value_sync()),
        epsilon: norm.epsilon,
    }
}
