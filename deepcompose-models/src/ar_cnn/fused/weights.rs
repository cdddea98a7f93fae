//! The network's numbers on the host, and their gradients on the way to burn's optimiser.

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Dropout};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::super::network::{ArCnn, TwoConvs};
use super::conv::Kernel;
use super::norm::{Norm, Normed};

/// Kernel and bias of a convolution, as burn has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Conv {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Scale and offset of a batch normalisation.
#[derive(Debug, Clone, Default)]
pub(super) struct Affine {
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// Parameters of a level, or their gradients.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) first: Conv,
    pub(super) second: Conv,
    pub(super) norm: Option<Affine>,
}

/// The parameters of a network, or their gradients. Levels from the outermost on, the bottleneck last.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters {
    pub(super) encoder: Vec<Level>,
    pub(super) decoder: Vec<Level>,
    pub(super) head: Conv,
}

/// How a batch normalisation works in this step.
#[derive(Debug, Clone)]
pub(super) struct NormSetting {
    epsilon: f32,
    /// Running mean and variance of a frozen layer.
    fixed: Option<(Vec<f32>, Vec<f32>)>,
}

/// A network's parameters and settings at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weights {
    pub(super) parameters: Parameters,
    pub(super) filters: usize,
    pub(super) encoder_norms: Vec<Option<NormSetting>>,
    pub(super) decoder_norms: Vec<Option<NormSetting>>,
    pub(super) encoder_dropout: Vec<f64>,
    pub(super) decoder_dropout: Vec<f64>,
}

/// Gradients of every parameter.
#[derive(Debug)]
pub(crate) struct Gradient(pub(super) Parameters);

/// Mean and variance of a batch at every normalisation that goes by them, levels from the outermost on.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(super) encoder: Vec<Option<Normed>>,
    /// Of the doubled part and of the encoder's part.
    pub(super) decoder: Vec<Option<[Normed; 2]>>,
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().unwrap_or_default()
}

fn conv(conv: &Conv2d) -> Conv {
    let outputs = conv.weight.dims()[0];
    let bias = conv.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| numbers(bias.val().inner()));
    Conv { weight: numbers(conv.weight.val().inner()), bias }
}

fn affine(norm: &BatchNorm) -> Affine {
    Affine { gamma: numbers(norm.gamma.val().inner()), beta: numbers(norm.beta.val().inner()) }
}

fn level(convs: &TwoConvs, norm: Option<&BatchNorm>) -> Level {
    Level { first: conv(&convs.conv1), second: conv(&convs.conv2), norm: norm.map(affine) }
}

fn setting(norm: &BatchNorm) -> NormSetting {
    let fixed = || (numbers(norm.running_mean.value_sync()), numbers(norm.running_var.value_sync()));
    NormSetting { epsilon: norm.epsilon as f32, fixed: (!norm.training.is_enabled()).then(fixed) }
}

/// A frozen layer drops nothing.
fn probability(dropout: &Dropout) -> f64 {
    if dropout.training.is_enabled() { dropout.prob } else { 0.0 }
}

impl Weights {
    /// The weights of `network` as they are now.
    pub(crate) fn of(network: &ArCnn) -> Self {
        let mut encoder: Vec<Level> =
            network.encoder.iter().map(|l| level(&l.convs, l.norm.as_ref())).collect();
        encoder.push(level(&network.bottleneck, None));
        // burn's decoder begins with the innermost level.
        let decoder = || network.decoder.iter().rev();
        Self {
            parameters: Parameters {
                encoder,
                decoder: decoder().map(|l| level(&l.convs, l.norm.as_ref())).collect(),
                head: conv(&network.head),
            },
            filters: network.head.weight.dims()[1],
            encoder_norms: network.encoder.iter().map(|l| l.norm.as_ref().map(setting)).collect(),
            decoder_norms: decoder().map(|l| l.norm.as_ref().map(setting)).collect(),
            encoder_dropout: network.encoder.iter().map(|l| probability(&l.dropout)).collect(),
            decoder_dropout: decoder().map(|l| probability(&l.dropout)).collect(),
        }
    }

    /// Levels, without the bottleneck.
    pub(super) fn levels(&self) -> usize {
        self.parameters.decoder.len()
    }

    /// Channels of a level.
    pub(super) fn channels(&self, level: usize) -> usize {
        self.filters << level
    }
}

impl Conv {
    pub(super) fn kernel(&self, inputs: usize) -> Kernel<'_> {
        Kernel::new(&self.weight, inputs, self.bias.len())
    }
}

/// The normalisation of a level, if it has one.
pub(super) fn norm<'a>(level: &'a Level, setting: Option<&'a NormSetting>) -> Option<Norm<'a>> {
    let (affine, setting) = (level.norm.as_ref()?, setting?);
    Some(Norm {
        gamma: &affine.gamma,
        beta: &affine.beta,
        epsilon: setting.epsilon,
        fixed: setting.fixed.as_ref().map(|(mean, variance)| (&mean[..], &variance[..])),
    })
}

impl Gradient {
    /// As burn's optimisers take gradients, for the parameters of `network`.
    pub(crate) fn into_params(self, network: &ArCnn) -> GradientsParams {
        let mut to = GradientsParams::new();
        let Parameters { mut encoder, decoder, head } = self.0;
        let bottleneck = encoder.pop().unwrap_or_default();
        for (level, gradient) in network.encoder.iter().zip(encoder) {
            register_level(&mut to, &level.convs, level.norm.as_ref(), gradient);
        }
        register_level(&mut to, &network.bottleneck, None, bottleneck);
        for (level, gradient) in network.decoder.iter().rev().zip(decoder) {
            register_level(&mut to, &level.convs, level.norm.as_ref(), gradient);
        }
        register_conv(&mut to, &network.head, head);
        to
    }
}

fn register_level(to: &mut GradientsParams, convs: &TwoConvs, norm: Option<&BatchNorm>, gradient: Level) {
    register_conv(to, &convs.conv1, gradient.first);
    register_conv(to, &convs.conv2, gradient.second);
    if let (Some(norm), Some(gradient)) = (norm, gradient.norm) {
        register(to, &norm.gamma, gradient.gamma);
        register(to, &norm.beta, gradient.beta);
    }
}

fn register_conv(to: &mut GradientsParams, conv: &Conv2d, gradient: Conv) {
    register(to, &conv.weight, gradient.weight);
    if let Some(bias) = &conv.bias {
        register(to, bias, gradient.bias);
    }
}

fn register<const D: usize>(to: &mut GradientsParams, param: &Param<Tensor<D>>, gradient: Vec<f32>) {
    let old = param.val().inner();
    to.register(param.id, tensor::<D>(gradient, old.dims(), &old.device()));
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Statistics {
    /// Brings the running statistics of `network` up to date, as burn's batch normalisation does.
    pub(crate) fn update(self, network: &ArCnn) {
        for (level, seen) in network.encoder.iter().zip(self.encoder) {
            if let (Some(norm), Some(seen)) = (&level.norm, seen) {
                run_along(norm, seen.mean, seen.variance);
            }
        }
        for (level, seen) in network.decoder.iter().rev().zip(self.decoder) {
            if let (Some(norm), Some(seen)) = (&level.norm, seen) {
                let [doubled, skip] = seen;
                run_along(
                    norm,
                    [doubled.mean, skip.mean].concat(),
                    [doubled.variance, skip.variance].concat(),
                );
            }
        }
    }
}

fn run_along(norm: &BatchNorm, mean: Vec<f32>, variance: Vec<f32>) {
    if !norm.training.is_enabled() {
        return;
    }
    for (running, seen) in [(&norm.running_mean, mean), (&norm.running_var, variance)] {
        let old = running.value_sync();
        let seen = tensor::<1>(seen, old.dims(), &old.device());
        running.update(old.mul_scalar(1.0 - norm.momentum).add(seen.mul_scalar(norm.momentum)).detach());
        // Not left for the next forward pass, which may come on another thread.
        running.value_sync();
    }
}
