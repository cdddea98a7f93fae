//! [`Critic`]: the network that tells real windows from generated ones, and its input gradient.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::leaky_relu;
use burn::tensor::module::conv_transpose2d;
use burn::tensor::ops::ConvTransposeOptions;
use burn::tensor::{Device, Tensor};
use rand::Rng;

use super::condition::expect;
use super::config::LEVELS;
use super::layers::{LEAKY_SLOPE, attribute_map, glorot, halving_conv};
use super::{GanCondition, GanConfig, GanError};

/// The critic: tracks and their condition in, one unbounded score a window out.
///
/// Tracks and conditioning rolls are concatenated, go through four stride-2 4×4 convolutions with
/// leaky ReLU 0.2 and no normalisation, are flattened and read by one linear unit.
///
/// Attributes, for networks that have them, come in twice: as a bias a filter to the first
/// convolution, and as an addition to the linear unit's weights (the projection of Miyato and
/// Koyama 2018, "cGANs with projection discriminator").
#[derive(Module, Debug)]
pub struct Critic {
    convs: Vec<Conv2d>,
    head: Linear,
    attributes: Option<Linear>,
    projection: Option<Linear>,
    #[module(skip)]
    config: GanConfig,
}

impl Critic {
    /// A critic with weights drawn from `rng`: uniform within ±√(6 / (fan in + fan out)), biases
    /// zero.
    pub fn new<R: Rng + ?Sized>(config: &GanConfig, rng: &mut R, device: &Device) -> Self {
        glorot(Self::zeros(config, device), rng)
    }

    /// A critic whose weights are all zero, to be loaded into.
    pub(crate) fn zeros(config: &GanConfig, device: &Device) -> Self {
        let filters = |level| config.level_filters(level);
        let convs = (0..LEVELS)
            .map(|level| {
                let inputs = match level {
                    0 => config.rolls() + config.condition_channels(),
                    _ => filters(level - 1),
                };
                halving_conv(inputs, filters(level), device)
            })
            .collect();
        let [rows, columns] = config.bottleneck();
        let features = filters(LEVELS - 1) * rows * columns;
        Self {
            convs,
            head: LinearConfig::new(features, 1).with_initializer(Initializer::Zeros).init(device),
            attributes: attribute_map(config.attributes(), filters(0), device),
            projection: attribute_map(config.attributes(), features, device),
            config: config.clone(),
        }
    }

    /// The sizes of the network.
    #[must_use]
    pub const fn config(&self) -> &GanConfig {
        &self.config
    }

    /// Scores, `[batch]`, of tracks in −1..=1, `[batch, rolls, steps, pitches]`.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] or [`GanError::Condition`].
    pub fn forward(&self, tracks: Tensor<4>, condition: &GanCondition) -> Result<Tensor<1>, GanError> {
        let batch = self.check(&tracks, condition)?;
        let mut x = Tensor::cat(vec![tracks, condition.rolls()], 1);
        for (level, conv) in self.convs.iter().enumerate() {
            let z = self.with_attributes(level, conv.forward(x), condition);
            x = leaky_relu(z, LEAKY_SLOPE);
        }
        let features = x.reshape([batch as i32, -1]);
        let mut score = self.head.forward(features.clone());
        if let (Some(projection), Some(attributes)) = (&self.projection, &condition.attributes) {
            score = score + (features * projection.forward(attributes.clone())).sum_dim(1);
        }
        Ok(score.reshape([batch]))
    }

    /// The gradient of each window's score with respect to its tracks, `[batch, rolls, steps,
    /// pitches]`, as first-order operations on the weights.
    ///
    /// The critic is a chain of convolutions and leaky ReLUs, so the gradient is the linear unit's
    /// weights, times each layer's slopes, transposed-convolved with that layer's kernel, down to
    /// the input. The slopes are piecewise constant: they are computed without a graph, and
    /// differentiating the rest once gives the exact second derivative that the gradient penalty
    /// needs (almost everywhere, as for any network with ReLUs).
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] or [`GanError::Condition`].
    pub fn input_gradient(&self, tracks: Tensor<4>, condition: &GanCondition) -> Result<Tensor<4>, GanError> {
        let batch = self.check(&tracks, condition)?;
        let slopes = self.slopes(tracks, condition);

        let [rows, columns] = self.config.bottleneck();
        let filters = self.config.level_filters(LEVELS - 1);
        let mut seed = self.head.weight.val().transpose();
        if let (Some(projection), Some(attributes)) = (&self.projection, &condition.attributes) {
            seed = seed + projection.forward(attributes.clone());
        }
        let mut gradient = seed.reshape([-1, filters as i32, rows as i32, columns as i32]);
        for (level, (conv, slope)) in self.convs.iter().zip(slopes).enumerate().rev() {
            gradient = gradient * slope;
            let kernel = conv.weight.val();
            // Only the tracks' gradient is wanted of the first layer's input.
            let kernel = if level == 0 { kernel.narrow(1, 0, self.config.rolls()) } else { kernel };
            let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], 1);
            gradient = conv_transpose2d(gradient, kernel, None, options);
        }
        debug_assert_eq!(gradient.dims()[0], batch);
        Ok(gradient)
    }

    /// The slope, 1 or 0.2, of every leaky ReLU at these inputs, outside any graph.
    fn slopes(&self, tracks: Tensor<4>, condition: &GanCondition) -> Vec<Tensor<4>> {
        let critic = self.valid();
        let condition = condition.without_autodiff();
        let mut x = Tensor::cat(vec![tracks.without_autodiff(), condition.rolls()], 1);
        let mut slopes = Vec::with_capacity(LEVELS);
        for (level, conv) in critic.convs.iter().enumerate() {
            let z = critic.with_attributes(level, conv.forward(x), &condition);
            let slope = z.clone().greater_elem(0.0).float();
            slopes.push(slope.mul_scalar(1.0 - LEAKY_SLOPE).add_scalar(LEAKY_SLOPE));
            x = leaky_relu(z, LEAKY_SLOPE);
        }
        slopes
    }

    fn with_attributes(&self, level: usize, z: Tensor<4>, condition: &GanCondition) -> Tensor<4> {
        match (level, &self.attributes, &condition.attributes) {
            (0, Some(map), Some(attributes)) => {
                z + map.forward(attributes.clone()).unsqueeze_dims::<4>(&[-1, -1])
            }
            _ => z,
        }
    }

    fn check(&self, tracks: &Tensor<4>, condition: &GanCondition) -> Result<usize, GanError> {
        let batch = condition.check(&self.config)?;
        let [channels, steps, pitches] = self.config.window_shape();
        expect("tracks", tracks.dims(), [batch, channels, steps, pitches])?;
        Ok(batch)
    }
}
