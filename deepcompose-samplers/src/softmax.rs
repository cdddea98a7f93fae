//! The numerics that both samplers share: a stable softmax, a draw, and products that must round
//! the way their decimal values do.

use rand::{Rng, RngExt};

use crate::error::SampleError;

/// The largest of `logits`, after a look at every one of them.
///
/// # Errors
///
/// [`SampleError`] for no logits, for NaN or +∞ anywhere, and if all are −∞.
pub(crate) fn checked_max(logits: impl IntoIterator<Item = f32>) -> Result<f32, SampleError> {
    let mut max = f32::NEG_INFINITY;
    let mut is_empty = true;
    for (index, logit) in logits.into_iter().enumerate() {
        is_empty = false;
        if logit.is_nan() {
            return Err(SampleError::NotANumber { index });
        }
        if logit == f32::INFINITY {
            return Err(SampleError::PositiveInfinity { index });
        }
        max = max.max(logit);
    }
    match (is_empty, max == f32::NEG_INFINITY) {
        (true, _) => Err(SampleError::Empty),
        (false, true) => Err(SampleError::AllMasked),
        (false, false) => Ok(max),
    }
}

/// `exp((logit − max) / temperature)` in `0..=1`, 1 at the largest logit and 0 at −∞.
///
/// The difference is taken first and in `f64`, so that neither a large logit nor a small
/// temperature can overflow. `max` must be finite and `temperature` above 0.
pub(crate) fn weight(logit: f32, max: f32, temperature: f64) -> f64 {
    ((f64::from(logit) - f64::from(max)) / temperature).exp()
}

/// Draws the key of one of `weights`, each with probability `weight / total`, from one `f64` of
/// the rng. `total` must be their sum in this order. `None` if no weight is above 0.
pub(crate) fn draw<K: Copy, R: Rng + ?Sized>(
    weights: impl IntoIterator<Item = (K, f64)>,
    total: f64,
    rng: &mut R,
) -> Option<K> {
    let target = rng.random::<f64>() * total;
    let mut cumulative = 0.0;
    let mut last = None;
    for (key, weight) in weights {
        if weight > 0.0 {
            cumulative += weight;
            last = Some(key);
            if target < cumulative {
                break;
            }
        }
    }
    last
}

/// How far, relatively, a product of a decimal fraction and a count can be from what a reader of
/// the decimal expects: a few rounding errors of `f64`, far below one part in 10¹².
const ROUNDING: f64 = 1e-12;

/// ⌈`fraction` × `count`⌉, where 0.07 × 100 is 7 (and not 7.000…01, rounded up to 8).
pub(crate) fn ceil_of(fraction: f64, count: usize) -> usize {
    // A float-to-integer cast saturates.
    (fraction * count as f64 * (1.0 - ROUNDING)).ceil() as usize
}

/// ⌊`fraction` × `count`⌋, where 0.29 × 100 is 29 (and not 28.99…, rounded down to 28).
pub(crate) fn floor_of(fraction: f64, count: usize) -> usize {
    (fraction * count as f64 * (1.0 + ROUNDING)).floor() as usize
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn products_round_as_their_decimals_do() {
        // Plain f64 arithmetic gets each of these wrong by one.
        assert_eq!((0.07_f64 * 100.0).ceil() as usize, 8);
        assert_eq!((0.29_f64 * 100.0).floor() as usize, 28);
        for count in 0..=1000 {
            for hundredths in 0..=100 {
                let exact = hundredths * count;
                let fraction = hundredths as f64 / 100.0;
                assert_eq!(ceil_of(fraction, count), exact.div_ceil(100), "{hundredths}% of {count}");
                assert_eq!(floor_of(fraction, count), exact / 100, "{hundredths}% of {count}");
            }
        }
    }

    #[test]
    fn weights_neither_overflow_nor_vanish() {
        assert_eq!(weight(f32::MAX, f32::MAX, f64::MIN_POSITIVE), 1.0);
        assert_eq!(weight(f32::MIN, f32::MAX, f64::MAX), 1.0);
        assert_eq!(weight(f32::MIN, f32::MAX, 1.0), 0.0);
        assert_eq!(weight(f32::NEG_INFINITY, 0.0, f64::MAX), 0.0);
        assert_eq!(weight(-1.0, 0.0, 2.0), (-0.5_f64).exp());
    }

    #[test]
    fn what_cannot_be_drawn_from_is_named() {
        use SampleError::{AllMasked, Empty, NotANumber, PositiveInfinity};
        const MASKED: f32 = f32::NEG_INFINITY;
        assert_eq!(checked_max([]), Err(Empty));
        assert_eq!(checked_max([MASKED, MASKED]), Err(AllMasked));
        assert_eq!(checked_max([0.0, MASKED, f32::NAN]), Err(NotANumber { index: 2 }));
        assert_eq!(checked_max([0.0, f32::INFINITY]), Err(PositiveInfinity { index: 1 }));
        assert_eq!(checked_max([MASKED, -3.0, -2.0]), Ok(-2.0));
    }
}
