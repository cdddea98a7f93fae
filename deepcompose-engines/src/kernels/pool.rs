//! 2×2 max pooling of rows of pixels, channels innermost, and the gradient of it.

use super::rowwise::rowwise;

rowwise! {
    /// The largest of each channel in every square of two pixels of one row and the two below them.
    ///
    /// `upper` and `lower` are `[2 · pixels, channels]`, `out` is `[pixels, channels]`.
    pub fn halve(upper: &'a [f32], lower: &'a [f32], channels: usize, out: &'a mut [f32]) {
        let squares = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        for ((upper, lower), out) in squares.zip(out.chunks_exact_mut(channels)) {
            let (upper_left, upper_right) = upper.split_at(channels);
            let (lower_left, lower_right) = lower.split_at(channels);
            let (upper, lower) = (upper_left.iter().zip(upper_right), lower_left.iter().zip(lower_right));
            for (((a, b), (c, d)), out) in upper.zip(lower).zip(out) {
                *out = larger(larger(*a, *b), larger(*c, *d));
            }
        }
    }
}

rowwise! {
    /// The gradient of [`halve`], for values that a ReLU made: of what went into the ReLU.
    ///
    /// `gradient`, of the result, goes to the first of the four that is the largest; it is added to `d_upper` and
    /// `d_lower`, the gradients that the four have from elsewhere, and what the ReLU cut off gets none.
    pub fn halve_backward(
        upper: &'a [f32],
        lower: &'a [f32],
        channels: usize,
        gradient: &'a [f32],
        d_upper: &'a mut [f32],
        d_lower: &'a mut [f32],
    ) {
        let width = 2 * channels;
        let values = upper.chunks_exact(width).zip(lower.chunks_exact(width));
        let gradients = d_upper.chunks_exact_mut(width).zip(d_lower.chunks_exact_mut(width));
        for ((values, gradients), arriving) in values.zip(gradients).zip(gradient.chunks_exact(channels)) {
            let ((a, b), (c, d)) = (values.0.split_at(channels), values.1.split_at(channels));
            let (d_a, d_b) = gradients.0.split_at_mut(channels);
            let (d_c, d_d) = gradients.1.split_at_mut(channels);
            let (b, c, d) = (&b[..channels], &c[..channels], &d[..channels]);
            let (d_b, d_c, d_d) = (&mut d_b[..channels], &mut d_c[..channels], &mut d_d[..channels]);
            let (a, d_a, arriving) = (&a[..channels], &mut d_a[..channels], &arriving[..channels]);
            for k in 0..channels {
                let most = larger(larger(a[k], b[k]), larger(c[k], d[k]));
                // What has not found its place yet.
                let mut left = arriving[k];
                for (x, to) in [(a[k], &mut d_a[k]), (b[k], &mut d_b[k]), (c[k], &mut d_c[k]), (d[k], &mut d_d[k])] {
                    let here = if x == most { left } else { 0.0 };
                    left = if x == most { 0.0 } else { left };
                    *to = if x > 0.0 { *to + here } else { 0.0 };
                }
            }
        }
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::Instructions;
    use super::*;

    proptest! {
        #[test]
        fn the_largest_of_four_and_the_way_back(pixels in 1_usize..9, channels in 1_usize..40, seed in 0_u64..100) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            // Few different values, so that many are equal, and none below zero.
            let mut row = |low: i32| -> Vec<f32> {
                (0..2 * pixels * channels).map(|_| rng.random_range(low..4).max(0) as f32).collect()
            };
            let (upper, lower, skip_upper, skip_lower) = (row(-3), row(-3), row(1), row(1));
            let gradient = row(1)[..pixels * channels].to_vec();
            for instructions in Instructions::available() {
                let mut out = vec![0.0; pixels * channels];
                halve(instructions, &upper, &lower, channels, &mut out);
                let (mut d_upper, mut d_lower) = (skip_upper.clone(), skip_lower.clone());
                halve_backward(instructions, &upper, &lower, channels, &gradient, &mut d_upper, &mut d_lower);
                for (at, (most, arriving)) in out.iter().zip(&gradient).enumerate() {
                    let (pixel, channel) = (at / channels, at % channels);
                    let places: Vec<(bool, usize)> = [(true, 0), (true, 1), (false, 0), (false, 1)]
                        .map(|(up, side)| (up, (2 * pixel + side) * channels + channel))
                        .to_vec();
                    let value = |(up, at): (bool, usize)| if up { upper[at] } else { lower[at] };
                    let values: Vec<f32> = places.iter().map(|p| value(*p)).collect();
                    prop_assert_eq!(*most, values.iter().copied().fold(f32::MIN, f32::max));
                    let first = values.iter().position(|v| v == most);
                    for (number, (up, at)) in places.into_iter().enumerate() {
                        let (was, is) =
                            if up { (skip_upper[at], d_upper[at]) } else { (skip_lower[at], d_lower[at]) };
                        let routed = if first == Some(number) { *arriving } else { 0.0 };
                        prop_assert_eq!(is, if values[number] > 0.0 { was + routed } else { 0.0 });
                    }
                }
            }
        }
    }
}
