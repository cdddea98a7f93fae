//! The latent: noise that makes one accompaniment differ from another.

use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::genre::Genre;
use super::{GanConfig, Styles};

/// Standard normal numbers, drawn again until they lie within ±2.
pub(crate) fn truncated_normal<R: Rng + ?Sized>(count: usize, rng: &mut R) -> Vec<f32> {
    (0..count)
        .map(|_| {
            loop {
                let x: f32 = StandardNormal.sample(rng);
                if x.abs() <= 2.0 {
                    return x;
                }
            }
        })
        .collect()
}

/// Latents for a batch: `[batch, latent channels, steps / 16, pitches / 16]`, from a normal
/// distribution truncated at two standard deviations.
///
/// ```
/// use deepcompose_models::gan::{GanConfig, latent};
/// use rand::SeedableRng;
///
/// let rng = &mut rand_chacha::ChaCha8Rng::seed_from_u64(3);
/// let z = latent(&GanConfig::reference(), 1, rng, &burn::tensor::Device::default());
/// assert_eq!(z.dims(), [1, 512, 2, 8]);
/// ```
pub fn latent<R: Rng + ?Sized>(config: &GanConfig, batch: usize, rng: &mut R, device: &Device) -> Tensor<4> {
    let [channels, rows, columns] = config.latent_shape();
    let values = truncated_normal(batch * channels * rows * columns, rng);
    Tensor::from_data(TensorData::new(values, [batch, channels, rows, columns]), device)
}

/// Numbers of latents, one for each of these genres: near one of the genre's styles if there are any, else as
/// [`latent`] has them.
pub(super) fn latents<R: Rng + ?Sized>(
    styles: Option<&Styles>,
    config: &GanConfig,
    genres: &[Genre],
    rng: &mut R,
) -> Vec<f32> {
    let len = config.latent_shape().iter().product();
    let one = |genre: &Genre| match styles {
        Some(styles) => styles.draw(*genre, rng),
        None => truncated_normal(len, rng),
    };
    genres.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    // Value stability: a seed gives the same accompaniment from version to version only if this holds.
    #[test]
    fn a_seed_keeps_its_latent() {
        let draws = truncated_normal(4, &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(draws, [-0.775_371_9, -1.383_421_8, 0.889_713, 0.359_779_06]);
    }

    // Of a standard normal cut at ±2: mean 0, variance 1 − 4φ(2) / (2Φ(2) − 1) = 0.7737, and
    // P(|x| < 1) = 0.6827 / 0.9545 = 0.7152. Bounds are five standard errors.
    #[test]
    fn moments_of_the_truncated_normal() {
        let n = 200_000;
        let draws = truncated_normal(n, &mut ChaCha8Rng::seed_from_u64(1));
        let mean = draws.iter().map(|x| f64::from(*x)).sum::<f64>() / n as f64;
        let variance = draws.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n as f64;
        let inner = draws.iter().filter(|x| x.abs() < 1.0).count() as f64 / n as f64;
        assert!(mean.abs() < 5.0 * 0.8796 / (n as f64).sqrt(), "{mean}");
        assert!((variance - 0.7737).abs() < 0.01, "{variance}");
        assert!((inner - 0.7152).abs() < 5.0 * 0.4513 / (n as f64).sqrt(), "{inner}");
        assert!(draws.iter().all(|x| x.abs() <= 2.0));
    }
}
