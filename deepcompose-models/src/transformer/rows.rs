//! Sums, products and softmax over rows of numbers.
//!
//! Sums run in 16 interleaved accumulators, which lets the compiler use vector instructions and fixes the
//! order of the additions.

/// The small number under the square root of a layer normalisation, as in `burn::nn::LayerNorm`.
pub(crate) const EPSILON: f32 = 1e-5;

const LANES: usize = 16;

/// Sum of the products.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for k in 0..LANES {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Sum.
pub(crate) fn sum(a: &[f32]) -> f32 {
    let (a, rest) = a.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for a in a {
        for k in 0..LANES {
            sums[k] += a[k];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Largest value, or the least number for an empty slice.
pub(crate) fn max(a: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let (a, rest) = a.as_chunks::<LANES>();
    let mut most = [f32::MIN; LANES];
    for a in a {
        for k in 0..LANES {
            most[k] = larger(a[k], most[k]);
        }
    }
    most.iter().chain(rest).fold(f32::MIN, |most, value| larger(*value, most))
}

/// `target += source`.
pub(crate) fn add(target: &mut [f32], source: &[f32]) {
    for (target, source) in target.iter_mut().zip(source) {
        *target += source;
    }
}

/// Replaces every value by `exp(value - shift)`, within 2e-7 of it relatively.
///
/// 2^x by a polynomial on the fraction and the exponent's bits, in a form that vectorises.
pub(crate) fn exp_shifted(row: &mut [f32], shift: f32) {
    // Adding this rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const COEFFICIENTS: [f32; 6] =
        [1.539_973_5e-4, 1.333_55e-3, 9.618_13e-3, 5.550_41e-2, 2.402_265e-1, 6.931_472e-1];
    for value in row {
        let power = (*value - shift) * std::f32::consts::LOG2_E;
        let power = if power > -126.0 { power } else { -126.0 };
        let rounded = power + ROUND;
        let fraction = power - (rounded - ROUND);
        let mut result = COEFFICIENTS[0];
        for coefficient in &COEFFICIENTS[1..] {
            result = result * fraction + coefficient;
        }
        let scale = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
        *value = (result * fraction + 1.0) * scale;
    }
}

/// Replaces a row of scores by their softmax.
pub(crate) fn softmax(row: &mut [f32]) {
    exp_shifted(row, max(row));
    let scale = sum(row).recip();
    row.iter_mut().for_each(|value| *value *= scale);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn exp_is_close_over_its_whole_range() {
        let inputs: Vec<f32> = (0..200_000).map(|i| -86.0 + i as f32 * 0.0005).collect();
        let mut results = inputs.clone();
        exp_shifted(&mut results, 0.5);
        for (input, result) in inputs.iter().zip(results) {
            let exact = (f64::from(*input) - 0.5).exp();
            // The argument itself is rounded, which costs up to its size times 2^-24 twice.
            let tolerance = 3e-7 + f64::from(input.abs()) * 1.3e-7;
            assert!((f64::from(result) / exact - 1.0).abs() < tolerance, "{input}: {result} {exact}");
        }
        let mut far = [-1e30, -200.0];
        exp_shifted(&mut far, 0.0);
        assert!(far.iter().all(|value| (0.0..1e-37).contains(value)));
    }

    #[test]
    fn sums_and_maxima_of_any_length() {
        for length in 0..40 {
            let a: Vec<f32> = (0..length).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            assert_eq!(sum(&a), a.iter().sum::<f32>());
            assert_eq!(dot(&a, &a), a.iter().map(|a| a * a).sum::<f32>());
            assert_eq!(max(&a), a.iter().copied().fold(f32::MIN, f32::max));
        }
    }
}
