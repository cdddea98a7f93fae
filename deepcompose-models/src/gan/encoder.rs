//! [`Encoder`]: reads a latent out of tracks that were played; used in training only.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, Linear};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Int, Tensor};
use rand::Rng;

use super::GanConfig;
use super::config::LEVELS;
use super::layers::{LEAKY_SLOPE, attribute_map, glorot, halving_conv};

/// Tracks and their attributes in, a normal distribution of the latent out, independent in each coordinate. It
/// does not hear the melody, the chords or the tracks before, so that a latent says all of how the tracks are
/// played, whatever they are played to and after.
///
/// Four stride-2 4×4 convolutions with leaky ReLU 0.2 and half the critic's filters, then a 1×1 convolution to mean
/// and logarithm of the variance. Attributes come in as a bias a filter to the first convolution.
#[derive(Module, Debug)]
pub(super) struct Encoder {
    convs: Vec<Conv2d>,
    head: Conv2d,
    attributes: Option<Linear>,
}

/// A distribution of latents, each `[batch, latent channels, steps / 16, pitches / 16]`.
#[derive(Debug, Clone)]
pub(super) struct Posterior {
    mean: Tensor<4>,
    log_variance: Tensor<4>,
}

impl Encoder {
    /// An encoder for the generator of `config` with weights drawn from `rng` as the critic's are.
    pub(super) fn new<R: Rng + ?Sized>(config: &GanConfig, rng: &mut R, device: &Device) -> Self {
        let filters = |level| config.level_filters(level).div_ceil(2);
        let convs = (0..LEVELS)
            .map(|level| {
                let inputs = match level {
                    0 => config.rolls(),
                    _ => filters(level - 1),
                };
                halving_conv(inputs, filters(level), device)
            })
            .collect();
        let head = Conv2dConfig::new([filters(LEVELS - 1), 2 * config.latent_channels()], [1, 1])
            .with_initializer(Initializer::Zeros)
            .init(device);
        let zeros = Self { convs, head, attributes: attribute_map(config.attributes(), filters(0), device) };
        glorot(zeros, rng)
    }

    /// What the tracks, `[batch, rolls, steps, pitches]`, make likely.
    pub(super) fn forward(&self, tracks: Tensor<4>, attributes: Option<&Tensor<2>>) -> Posterior {
        let mut x = tracks;
        for (level, conv) in self.convs.iter().enumerate() {
            let mut z = conv.forward(x);
            if let (0, Some(map), Some(attributes)) = (level, &self.attributes, attributes) {
                z = z + map.forward(attributes.clone()).unsqueeze_dims::<4>(&[-1, -1]);
            }
            x = leaky_relu(z, LEAKY_SLOPE);
        }
        let both = self.head.forward(x);
        let channels = both.dims()[1] / 2;
        let log_variance = both.clone().narrow(1, channels, channels).clamp(-10.0, 10.0);
        Posterior { mean: both.narrow(1, 0, channels), log_variance }
    }
}

impl Posterior {
    /// The means, `[batch, latent channels, steps / 16, pitches / 16]`.
    pub(super) fn mean(&self) -> Tensor<4> {
        self.mean.clone()
    }

    /// `noise`, in the windows where `mask`, `[batch]` of 0 and 1, is 1, moved and scaled to the distribution.
    pub(super) fn draw(&self, noise: Tensor<4>, mask: Tensor<1>) -> Tensor<4> {
        let batch = mask.dims()[0];
        let deviation = self.log_variance.clone().div_scalar(2.0).exp();
        let drawn = self.mean.clone() + deviation * noise.clone();
        noise.clone() + (drawn - noise) * mask.reshape([batch, 1, 1, 1])
    }

    /// `noise` moved and scaled to the distribution; where `mask` is 0, to that of the window that `others`,
    /// `[batch]`, names, of which nothing is learnt.
    pub(super) fn draw_own_or_other(
        &self,
        noise: Tensor<4>,
        mask: Tensor<1>,
        others: Tensor<1, Int>,
    ) -> Tensor<4> {
        let batch = mask.dims()[0];
        let own = self.draw(noise, mask.ones_like());
        let other = own.clone().detach().select(0, others);
        other.clone() + (own - other) * mask.reshape([batch, 1, 1, 1])
    }

    /// The Kullback–Leibler divergence from the standard normal distribution in nats a window, averaged over the
    /// windows where `mask` is 1: ½ Σ (μ² + σ² − 1 − ln σ²). At least one of `mask` must be.
    pub(super) fn divergence(&self, mask: Tensor<1>) -> Tensor<1> {
        let batch = mask.dims()[0];
        let variance = self.log_variance.clone().exp();
        let each = self.mean.clone().square() + variance - self.log_variance.clone() - 1.0;
        let window = each.reshape([batch as i32, -1]).sum_dim(1).div_scalar(2.0).reshape([batch]);
        (window * mask.clone()).sum() / mask.sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use burn::tensor::TensorData;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn tensor(values: &[f32], windows: usize) -> Tensor<4> {
        let shape = [windows, values.len() / windows, 1, 1];
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
    }

    fn mask(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(TensorData::from(values), &Device::flex())
    }

    // N(3, 4) and N(0, 1): (9 + 4 − 1 − ln 4)/2 and 0. The second window, of N(1, 1): 1/2 twice.
    #[test]
    fn divergences_by_hand() {
        let posterior = Posterior {
            mean: tensor(&[3.0, 0.0, 1.0, -1.0], 2),
            log_variance: tensor(&[4_f32.ln(), 0.0, 0.0, 0.0], 2),
        };
        let first = (12.0 - 4_f32.ln()) / 2.0;
        let value = |m: &[f32]| posterior.divergence(mask(m)).into_scalar::<f32>();
        assert!((value(&[1.0, 0.0]) - first).abs() < 1e-5);
        assert!((value(&[0.0, 1.0]) - 1.0).abs() < 1e-6);
        assert!((value(&[1.0, 1.0]) - (first + 1.0) / 2.0).abs() < 1e-5);
        // Mean 3 and deviation 2 where the mask is 1; the noise itself where it is 0.
        let drawn = posterior.draw(tensor(&[0.5, 0.5, 0.25, 0.25], 2), mask(&[1.0, 0.0]));
        let drawn: Vec<f32> = drawn.try_into_vec_as().unwrap();
        assert!((drawn[0] - 4.0).abs() < 1e-6);
        assert_eq!(drawn[1..], [0.5, 0.25, 0.25]);
    }

    #[test]
    fn a_window_may_have_the_latent_of_another() {
        let posterior =
            Posterior { mean: tensor(&[1.0, 5.0], 2), log_variance: tensor(&[4_f32.ln(), 0.0], 2) };
        let others = Tensor::from_data(TensorData::new(vec![0, 0], [2]), &Device::flex());
        // Means 1 and 5, deviations 2 and 1: with noise of 0.5 and −1 they are 2 and 4.
        let drawn = |own: [f32; 2]| -> Vec<f32> {
            let drawn = posterior.draw_own_or_other(tensor(&[0.5, -1.0], 2), mask(&own), others.clone());
            drawn.try_into_vec_as().unwrap()
        };
        assert!(drawn([1.0, 1.0]).iter().zip([2.0, 4.0]).all(|(a, b)| (a - b).abs() < 1e-6));
        assert!(drawn([1.0, 0.0]).iter().zip([2.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn an_encoder_reads_tracks_and_attributes() {
        let base = GanConfig::accompaniment().to_builder().filters(3).latent_channels(5);
        let config = base.onsets(true).build().unwrap();
        let device = Device::flex();
        let encoder = Encoder::new(&config, &mut ChaCha8Rng::seed_from_u64(1), &device);
        let tracks = Tensor::<4>::full([2, 7, 32, 80], -1.0, &device);
        let attributes = Tensor::<2>::zeros([2, 11], &device);
        let silent = encoder.forward(tracks.clone(), Some(&attributes));
        assert_eq!(silent.mean.dims(), [2, 5, 2, 5]);
        assert_eq!(silent.log_variance.dims(), [2, 5, 2, 5]);
        let other = [
            encoder.forward(tracks.clone().neg(), Some(&attributes)),
            encoder.forward(tracks, Some(&attributes.add_scalar(1.0))),
        ];
        for other in other {
            let difference = (other.mean - silent.mean.clone()).abs().max().into_scalar::<f32>();
            assert!(difference > 1e-4, "{difference}");
        }
    }
}
