//! The U-Net.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::module::{interpolate, max_pool2d};
use burn::tensor::ops::{InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};

use super::ArCnnConfig;
use crate::error::ModelError;
use crate::weights::Model;

/// The AR-CNN: a U-Net over `[steps, pitches]` rolls with one logit a cell.
///
/// Each encoder level is two 3×3 same-padded ReLU convolutions, 2×2 max pooling, dropout (none
/// at the first level) and batch normalisation (none at the last); the bottleneck is two more
/// convolutions; each decoder level doubles its input (nearest), concatenates the encoder's
/// activation of that level, normalises (not at the outermost), convolves twice and drops out (not
/// at the outermost). A 1×1 convolution makes the logits.
#[derive(Module, Debug)]
pub struct ArCnn {
    pub(super) encoder: Vec<EncoderLevel>,
    pub(super) bottleneck: TwoConvs,
    pub(super) decoder: Vec<DecoderLevel>,
    pub(super) head: Conv2d,
    #[module(skip)]
    config: ArCnnConfig,
}

#[derive(Module, Debug)]
pub(super) struct TwoConvs {
    pub(super) conv1: Conv2d,
    pub(super) conv2: Conv2d,
}

#[derive(Module, Debug)]
pub(super) struct EncoderLevel {
    pub(super) convs: TwoConvs,
    pub(super) dropout: Dropout,
    pub(super) norm: Option<BatchNorm>,
}

#[derive(Module, Debug)]
pub(super) struct DecoderLevel {
    pub(super) norm: Option<BatchNorm>,
    pub(super) convs: TwoConvs,
    pub(super) dropout: Dropout,
}

impl TwoConvs {
    fn new(channels_in: usize, channels_out: usize, device: &Device) -> Self {
        let conv = |from| {
            Conv2dConfig::new([from, channels_out], [3, 3]).with_padding(PaddingConfig2d::Same).init(device)
        };
        Self { conv1: conv(channels_in), conv2: conv(channels_out) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.conv2.forward(relu(self.conv1.forward(x))))
    }
}

fn norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).init(device)
}

impl ArCnn {
    /// Logits of the next edit.
    ///
    /// # Shapes
    ///
    /// `rolls`: `[batch, steps, pitches]` of 0 and 1; the result is the same shape. Both sizes
    /// may differ from the configuration's as long as 2^`levels` divides them.
    ///
    /// # Errors
    ///
    /// [`ModelError::Shape`] if 2^`levels` does not divide them.
    pub fn forward(&self, rolls: Tensor<3>) -> Result<Tensor<3>, ModelError> {
        self.run(rolls, &mut |x, dropout| dropout.forward(x))
    }

    /// [`forward`](Self::forward) with dropout drawn from `rng`, so that what is dropped depends on nothing else in
    /// the process.
    #[cfg(feature = "train")]
    pub(crate) fn forward_training(
        &self,
        rolls: Tensor<3>,
        rng: &mut rand_chacha::ChaCha8Rng,
    ) -> Result<Tensor<3>, ModelError> {
        self.run(rolls, &mut |x, dropout| {
            // A frozen layer drops nothing.
            let probability = if dropout.training.is_enabled() { dropout.prob } else { 0.0 };
            crate::dropout::masked(x, probability, rng)
        })
    }

    /// Whether rolls of this shape can be computed.
    pub(super) fn check(&self, [batch, steps, pitches]: [usize; 3]) -> Result<(), ModelError> {
        let factor = 1 << self.config.levels;
        let fits = |size: usize| size > 0 && size.is_multiple_of(factor);
        if fits(steps) && fits(pitches) {
            return Ok(());
        }
        Err(ModelError::Shape {
            what: "rolls",
            found: vec![batch, steps, pitches],
            expected: format!("[batch, steps, pitches] with steps and pitches multiples of {factor}"),
        })
    }

    /// A pass in which dropout is what `drop` makes of its input.
    pub(super) fn run(
        &self,
        rolls: Tensor<3>,
        drop: &mut dyn FnMut(Tensor<4>, &Dropout) -> Tensor<4>,
    ) -> Result<Tensor<3>, ModelError> {
        self.check(rolls.dims())?;
        let mut x = rolls.unsqueeze_dim::<4>(1);
        let mut skips = Vec::with_capacity(self.encoder.len());
        for level in &self.encoder {
            let activation = level.convs.forward(x);
            x = drop(halve(activation.clone()), &level.dropout);
            if let Some(norm) = &level.norm {
                x = norm.forward(x);
            }
            skips.push(activation);
        }
        x = self.bottleneck.forward(x);
        for (level, skip) in self.decoder.iter().zip(skips.into_iter().rev()) {
            x = Tensor::cat(vec![double(x), skip], 1);
            if let Some(norm) = &level.norm {
                x = norm.forward(x);
            }
            x = drop(level.convs.forward(x), &level.dropout);
        }
        Ok(self.head.forward(x).squeeze_dim::<3>(1))
    }
}

/// 2×2 max pooling, stride 2.
fn halve(x: Tensor<4>) -> Tensor<4> {
    let options = MaxPoolOptions {
        kernel_size: [2, 2],
        stride: [2, 2],
        padding: [(0, 0), (0, 0)],
        dilation: [1, 1],
        ceil_mode: false,
    };
    max_pool2d(x, options)
}

/// Nearest upsampling by 2.
fn double(x: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * height, 2 * width]);
    interpolate(x, options)
}

impl Model for ArCnn {
    const KIND: &'static str = "ar-cnn";

    type Error = ModelError;

    type Config = ArCnnConfig;

    fn config(&self) -> &ArCnnConfig {
        &self.config
    }

    fn numbers(config: &ArCnnConfig) -> Option<usize> {
        // What is wrong with a configuration is for `build` to say.
        config.validate().is_ok().then(|| config.numbers())
    }

    fn build(config: &ArCnnConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let last = config.levels - 1;
        let filters = |level: usize| config.filters << level;
        let encoder = (0..config.levels)
            .map(|l| EncoderLevel {
                convs: TwoConvs::new(if l == 0 { 1 } else { filters(l - 1) }, filters(l), device),
                dropout: DropoutConfig::new(if l == 0 { 0.0 } else { config.dropout }).init(),
                norm: (l < last).then(|| norm(filters(l), device)),
            })
            .collect();
        let decoder = (0..config.levels)
            .rev()
            .map(|l| {
                let joined = filters(l + 1) + filters(l);
                DecoderLevel {
                    norm: (l > 0).then(|| norm(joined, device)),
                    convs: TwoConvs::new(joined, filters(l), device),
                    dropout: DropoutConfig::new(if l == 0 { 0.0 } else { config.dropout }).init(),
                }
            })
            .collect();
        Ok(Self {
            encoder,
            bottleneck: TwoConvs::new(filters(last), filters(config.levels), device),
            decoder,
            head: Conv2dConfig::new([config.filters, 1], [1, 1]).init(device),
            config: config.clone(),
        })
    }
}
