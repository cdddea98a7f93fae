//! What is dropped while training.

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

#[cfg(feature = "train")]
use super::config::ChoraleConfig;

/// Drops activations, or, without an rng, none.
#[derive(Debug)]
pub(crate) struct Dropout<'a> {
    rng: Option<&'a mut ChaCha8Rng>,
    layers: f64,
    voices: f64,
}

impl<'a> Dropout<'a> {
    /// Nothing is dropped.
    pub(crate) const fn none() -> Self {
        Self { rng: None, layers: 0.0, voices: 0.0 }
    }

    /// As the configuration says.
    #[cfg(feature = "train")]
    pub(crate) const fn new(config: &ChoraleConfig, rng: &'a mut ChaCha8Rng) -> Self {
        Self { rng: Some(rng), layers: config.dropout, voices: config.voice_dropout }
    }

    /// Of the layers.
    pub(crate) fn layer<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        self.drop(x, self.layers)
    }

    /// Of the voices' networks.
    pub(crate) fn voice<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        self.drop(x, self.voices)
    }

    fn drop<const D: usize>(&mut self, x: Tensor<D>, rate: f64) -> Tensor<D> {
        match &mut self.rng {
            Some(rng) => crate::dropout::masked(x, rate, rng),
            None => x,
        }
    }
}
