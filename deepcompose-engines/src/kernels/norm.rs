//! Batch normalisation over rows of pixels, channels innermost, and the gradient of it.
//!
//! Statistics are sums over pieces of a map; who adds the pieces up, in which order, is the caller's part.

use super::rowwise::rowwise;

rowwise! {
    /// `sums[c] += Σ over the pixels of values[c]`.
    pub fn add_columns(values: &'a [f32], sums: &'a mut [f32]) {
        for pixel in values.chunks_exact(sums.len()) {
            for (sum, x) in sums.iter_mut().zip(pixel) {
                *sum += x;
            }
        }
    }
}

rowwise! {
    /// `sums[c] += Σ over the pixels of (values[c] − mean[c])²`.
    pub fn add_squares(values: &'a [f32], mean: &'a [f32], sums: &'a mut [f32]) {
        for pixel in values.chunks_exact(mean.len()) {
            for ((sum, x), mean) in sums.iter_mut().zip(pixel).zip(mean) {
                *sum = (x - mean).mul_add(x - mean, *sum);
            }
        }
    }
}

rowwise! {
    /// `out[c] = (values[c] − mean[c]) · scale[c] + shift[c]` for every pixel.
    pub fn normalise(values: &'a [f32], mean: &'a [f32], scale: &'a [f32], shift: &'a [f32], out: &'a mut [f32]) {
        let channels = mean.len();
        for (pixel, out) in values.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
            let channels = pixel.iter().zip(mean).zip(scale.iter().zip(shift));
            for (((x, mean), (scale, shift)), out) in channels.zip(out) {
                *out = (x - mean).mul_add(*scale, *shift);
            }
        }
    }
}

rowwise! {
    /// `sums[c] += Σ over the pixels of gradient[c] · (values[c] − mean[c])`.
    pub fn add_products(gradient: &'a [f32], values: &'a [f32], mean: &'a [f32], sums: &'a mut [f32]) {
        let channels = mean.len();
        for (gradient, pixel) in gradient.chunks_exact(channels).zip(values.chunks_exact(channels)) {
            for (((sum, gradient), x), mean) in sums.iter_mut().zip(gradient).zip(pixel).zip(mean) {
                *sum = gradient.mul_add(x - mean, *sum);
            }
        }
    }
}

/// What [`normalise_backward`] needs of each channel: with `μ` the mean that was subtracted, the gradient of a value `x` becomes
/// `scale · gradient − offset − slope · (x − μ)`.
#[derive(Debug, Clone, Copy)]
pub struct Slopes<'a> {
    /// The mean that was subtracted.
    pub mean: &'a [f32],
    /// The factor of the gradient.
    pub scale: &'a [f32],
    /// What the mean's own gradient takes away.
    pub offset: &'a [f32],
    /// What the variance's own gradient takes away for each unit from the mean.
    pub slope: &'a [f32],
}

rowwise! {
    /// Turns the gradient of what [`normalise`] gave into that of its `values`.
    ///
    /// With a `gate`, it goes on through the dropout and the ReLU that made the values: it is multiplied by the gate,
    /// and zero where the value is.
    pub fn normalise_backward(gradient: &'a mut [f32], values: &'a [f32], slopes: Slopes<'a>, gate: Option<f32>) {
        let Slopes { mean, scale, offset, slope } = slopes;
        let channels = mean.len();
        let (open, closed) = gate.map_or((1.0, 1.0), |gate| (gate, 0.0));
        for (gradient, pixel) in gradient.chunks_exact_mut(channels).zip(values.chunks_exact(channels)) {
            let slopes = mean.iter().zip(scale).zip(offset.iter().zip(slope));
            for ((gradient, x), ((mean, scale), (offset, slope))) in gradient.iter_mut().zip(pixel).zip(slopes) {
                let through = gradient.mul_add(*scale, -offset) - slope * (x - mean);
                *gradient = through * if *x > 0.0 { open } else { closed };
            }
        }
    }
}

rowwise! {
    /// Multiplies the gradient of a dropout's result by `factor` where the result is above zero, and makes it zero
    /// elsewhere: the gradient of a ReLU and the dropout behind it.
    pub fn gate(gradient: &'a mut [f32], result: &'a [f32], factor: f32) {
        for (gradient, x) in gradient.iter_mut().zip(result) {
            *gradient *= if *x > 0.0 { factor } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::Instructions;
    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Batch normalisation of `[pixels, channels]` in double precision.
    fn normalised(x: &[f64], channels: usize, gamma: &[f64], beta: &[f64]) -> Vec<f64> {
        let pixels = x.len() / channels;
        let mut out = vec![0.0; x.len()];
        for c in 0..channels {
            let column = || (0..pixels).map(|p| x[p * channels + c]);
            let mean = column().sum::<f64>() / pixels as f64;
            let variance = column().map(|x| (x - mean).powi(2)).sum::<f64>() / pixels as f64;
            for (p, x) in column().enumerate() {
                out[p * channels + c] = (x - mean) / (variance + 1e-5).sqrt() * gamma[c] + beta[c];
            }
        }
        out
    }

    #[test]
    fn forward_and_backward_are_those_of_the_formula() {
        let (pixels, channels) = (37, 21);
        let (x, weights) = (numbers(pixels * channels, 1), numbers(pixels * channels, 2));
        let (gamma, beta) = (numbers(channels, 3), numbers(channels, 4));
        let wide = |list: &[f32]| list.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
        let expected = normalised(&wide(&x), channels, &wide(&gamma), &wide(&beta));

        for instructions in Instructions::available() {
            let n = pixels as f32;
            let mut sums = vec![0.0; channels];
            add_columns(instructions, &x, &mut sums);
            let mean: Vec<f32> = sums.iter().map(|s| s / n).collect();
            let mut sums = vec![0.0; channels];
            add_squares(instructions, &x, &mean, &mut sums);
            let unit: Vec<f32> = sums.iter().map(|s| (s / n + 1e-5).sqrt().recip()).collect();
            let scale: Vec<f32> = gamma.iter().zip(&unit).map(|(g, u)| g * u).collect();
            let mut out = vec![0.0; x.len()];
            normalise(instructions, &x, &mean, &scale, &beta, &mut out);
            assert!(out.iter().zip(&expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5));

            // The gradient of Σ weights · normalised(x), against central differences.
            let (mut total, mut along) = (vec![0.0; channels], vec![0.0; channels]);
            add_columns(instructions, &weights, &mut total);
            add_products(instructions, &weights, &x, &mean, &mut along);
            let offset: Vec<f32> = total.iter().zip(&scale).map(|(t, s)| t * s / n).collect();
            let slope: Vec<f32> =
                along.iter().zip(&scale).zip(&unit).map(|((a, s), u)| a * s * u * u / n).collect();
            let mut gradient = weights.clone();
            let slopes = Slopes { mean: &mean, scale: &scale, offset: &offset, slope: &slope };
            normalise_backward(instructions, &mut gradient, &x, slopes, None);
            for at in (0..x.len()).step_by(5) {
                let loss = |shift: f64| {
                    let mut x = wide(&x);
                    x[at] += shift;
                    let out = normalised(&x, channels, &wide(&gamma), &wide(&beta));
                    out.iter().zip(&weights).map(|(o, w)| o * f64::from(*w)).sum::<f64>()
                };
                let difference = (loss(1e-5) - loss(-1e-5)) / 2e-5;
                assert!((f64::from(gradient[at]) - difference).abs() < 1e-5, "{} {difference}", gradient[at]);
            }
            // The gate takes what the ReLU before it let through.
            let mut gated = weights.clone();
            normalise_backward(instructions, &mut gated, &x, slopes, Some(2.0));
            for ((gated, gradient), x) in gated.iter().zip(&gradient).zip(&x) {
                assert_eq!(*gated, if *x > 0.0 { 2.0 * gradient } else { 0.0 });
            }
            let mut gated = gradient.clone();
            gate(instructions, &mut gated, &x, 3.0);
            for ((gated, gradient), x) in gated.iter().zip(&gradient).zip(&x) {
                assert_eq!(*gated, if *x > 0.0 { 3.0 * gradient } else { 0.0 });
            }
        }
    }
}
