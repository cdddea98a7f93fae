//! [`VelocityNetwork`]: the weights, as tensors.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;
#[cfg(any(test, feature = "train"))]
use burn::tensor::{
    Tensor,
    activation::{relu, sigmoid},
};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::band::FEATURES;
use super::model::VelocityModel;
use crate::error::ModelError;
use crate::gan::{Genre, glorot};
use crate::plain::Layer;
use crate::weights::Model;

/// The sizes of a [`VelocityNetwork`], checked when one is made from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VelocityConfig {
    /// Width of the two hidden layers, 1..=4096.
    pub hidden: usize,
    /// The genres whose velocities were learnt; in others all notes of a band have one level.
    pub genres: Vec<Genre>,
}

impl VelocityConfig {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] names the first field that is out of its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        if !(1..=4096).contains(&self.hidden) {
            return Err(ModelError::range("hidden", self.hidden, "1..=4096"));
        }
        if self.genres.is_empty() || !self.genres.is_sorted_by(|a, b| a < b) {
            let names: Vec<&str> = self.genres.iter().map(|genre| genre.name()).collect();
            let accepted = "one or more genres, each once, in the order of `Genre::ALL`";
            return Err(ModelError::range("genres", format!("[{}]", names.join(", ")), accepted));
        }
        Ok(())
    }
}

/// Three linear layers with ReLU between them, from what a note's velocity is told by to its velocity as a share of
/// 127, through the logistic function.
#[derive(Module, Debug)]
pub struct VelocityNetwork {
    first: Linear,
    second: Linear,
    last: Linear,
    #[module(skip)]
    config: VelocityConfig,
}

impl VelocityNetwork {
    /// Weights drawn uniformly within ±√(6 / (fan in + fan out)), biases zero.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] for a configuration that is not valid.
    pub fn new<R: Rng + ?Sized>(
        config: &VelocityConfig,
        rng: &mut R,
        device: &Device,
    ) -> Result<Self, ModelError> {
        Ok(glorot(Self::build(config, device)?, rng))
    }

    /// The velocities of notes as shares of 127, `[notes]`, from `[notes, FEATURES]`.
    #[cfg(any(test, feature = "train"))]
    pub(super) fn forward(&self, features: Tensor<2>) -> Tensor<1> {
        let x = relu(self.first.forward(features));
        let x = relu(self.second.forward(x));
        sigmoid(self.last.forward(x)).flatten(0, 1)
    }

    /// The same without tensors.
    #[must_use]
    pub fn model(&self) -> VelocityModel {
        let layers = [&self.first, &self.second, &self.last].map(Layer::of);
        VelocityModel::new(layers, self.config.genres.clone())
    }
}

impl Model for VelocityNetwork {
    const KIND: &'static str = "velocity";

    type Error = ModelError;

    type Config = VelocityConfig;

    fn config(&self) -> &VelocityConfig {
        &self.config
    }

    /// Weights of zero.
    fn build(config: &VelocityConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let linear = |inputs, outputs| {
            LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device)
        };
        let hidden = config.hidden;
        Ok(Self {
            first: linear(FEATURES, hidden),
            second: linear(hidden, hidden),
            last: linear(hidden, 1),
            config: config.clone(),
        })
    }

    fn numbers(config: &VelocityConfig) -> Option<usize> {
        config.validate().ok()?;
        let hidden = config.hidden;
        Some((FEATURES + 1) * hidden + (hidden + 1) * hidden + hidden + 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn each_bad_field_is_named() {
        let good = || VelocityConfig { hidden: 4, genres: vec![Genre::Rock, Genre::Jazz] };
        assert_eq!(good().validate(), Ok(()));
        let bad = [
            (VelocityConfig { hidden: 0, ..good() }, "hidden 0 is out of range: 1..=4096"),
            (VelocityConfig { genres: Vec::new(), ..good() }, "genres [] is out of range"),
            (
                VelocityConfig { genres: vec![Genre::Jazz, Genre::Rock], ..good() },
                "genres [jazz, rock] is out of range",
            ),
            (VelocityConfig { genres: vec![Genre::Pop; 2], ..good() }, "genres [pop, pop] is out of range"),
        ];
        for (config, expected) in bad {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn it_has_as_many_numbers_as_it_says() {
        let config = VelocityConfig { hidden: 5, genres: Genre::ALL.to_vec() };
        let network = VelocityNetwork::build(&config, &Device::default()).unwrap();
        assert_eq!(network.num_params(), VelocityNetwork::numbers(&config).unwrap());
        assert_eq!(network.num_params(), 282 * 5 + 6 * 5 + 6);
    }
}
