//! Dropout whose draws come from an rng of the caller's.

use burn::tensor::{Tensor, TensorData};
use rand::Rng;

/// `x` with every element zeroed with probability `probability` (0..1) and the others divided by its complement.
pub(crate) fn masked<R: Rng + ?Sized, const D: usize>(
    x: Tensor<D>,
    probability: f64,
    rng: &mut R,
) -> Tensor<D> {
    if probability == 0.0 {
        return x;
    }
    let shape = x.dims();
    let mask = mask(shape.iter().product(), probability, rng);
    let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &x.device().inner());
    x * mask
}

/// The factors of [`masked`], `probability` being above 0.
pub(crate) fn mask<R: Rng + ?Sized>(count: usize, probability: f64, rng: &mut R) -> Vec<f32> {
    // Sixteen bits a draw: the probability is met to within 1/65536.
    let threshold = (probability * 65_536.0).round() as u64;
    let kept = (1.0 / (1.0 - probability)) as f32;
    let mut mask = Vec::with_capacity(count + 3);
    while mask.len() < count {
        let bits = rng.next_u64();
        mask.extend([0, 16, 32, 48].map(|s| if (bits >> s) & 0xffff < threshold { 0.0 } else { kept }));
    }
    mask.truncate(count);
    mask
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn drops_the_share_asked_for_and_keeps_the_mean() {
        let x = Tensor::<1>::ones([100_001], &Device::flex().autodiff());
        let out: Vec<f32> = masked(x, 0.3, &mut ChaCha8Rng::seed_from_u64(1)).into_data().iter().collect();
        let dropped = out.iter().filter(|v| **v == 0.0).count() as f64;
        // Binomial(100 001, 0.3): the standard deviation is 145.
        assert!((dropped - 30_000.3).abs() < 725.0, "{dropped}");
        assert!(out.iter().all(|v| *v == 0.0 || (*v - 1.0 / 0.7).abs() < 1e-6));
    }
}
