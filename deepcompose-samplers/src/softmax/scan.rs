//! A look at every logit before anything is made of it.

use super::blocks::Blocks;
use crate::error::SampleError;

/// What there is to know of logits before they are drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scan {
    /// The largest logit; finite.
    pub(crate) max: f32,
    /// The smallest that is not −∞.
    pub(crate) min: f32,
    /// How many are not −∞; at least 1.
    pub(crate) candidates: usize,
}

/// Looks at every logit.
///
/// # Errors
///
/// [`SampleError`] for no logits, for NaN or +∞ anywhere, and if all are −∞.
#[inline(always)]
pub(crate) fn scan(blocks: &Blocks) -> Result<Scan, SampleError> {
    // Of integers the largest is found in vector instructions; of floats, with their NaNs, not.
    let (mut max, mut min, mut least, mut candidates) = (i32::MIN, i32::MAX, i32::MAX, 0_u32);
    for logit in blocks.as_flattened() {
        let order = order_of(*logit);
        let is_candidate = order > MASKED;
        max = max.max(order);
        min = min.min(order);
        least = least.min(if is_candidate { order } else { i32::MAX });
        candidates += u32::from(is_candidate);
    }
    if blocks.is_empty() {
        return Err(SampleError::Empty);
    }
    // NaN is beyond one of the infinities, according to its sign.
    if max >= order_of(f32::INFINITY) || min < MASKED {
        return Err(first_refused(blocks.as_flattened()));
    }
    if candidates == 0 {
        return Err(SampleError::AllMasked);
    }
    Ok(Scan { max: float_of(max), min: float_of(least), candidates: candidates as usize })
}

const MASKED: i32 = order_of(f32::NEG_INFINITY);

#[cold]
fn first_refused(logits: &[f32]) -> SampleError {
    let is_refused = |logit: &f32| logit.is_nan() || *logit == f32::INFINITY;
    match logits.iter().position(is_refused) {
        Some(index) if logits[index].is_nan() => SampleError::NotANumber { index },
        Some(index) => SampleError::PositiveInfinity { index },
        None => SampleError::Empty,
    }
}

/// Where a number stands among all floats: neighbours differ by 1. −0 stands just below 0.
#[inline(always)]
pub(crate) const fn order_of(number: f32) -> i32 {
    // The magnitude of a negative number is turned round.
    let bits = number.to_bits() as i32;
    bits ^ (bits >> 31) & i32::MAX
}

/// The number that stands there.
#[inline(always)]
pub(crate) const fn float_of(order: i32) -> f32 {
    f32::from_bits((order ^ (order >> 31) & i32::MAX) as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::blocks::fill;
    use super::*;

    #[test]
    fn what_cannot_be_drawn_from_is_named() {
        use SampleError::{AllMasked, Empty, NotANumber, PositiveInfinity};
        const MASKED: f32 = f32::NEG_INFINITY;
        let scan = |logits: &[f32]| {
            let mut blocks = Vec::new();
            fill(&mut blocks, logits);
            scan(&blocks)
        };
        assert_eq!(scan(&[]), Err(Empty));
        assert_eq!(scan(&[MASKED, MASKED]), Err(AllMasked));
        assert_eq!(scan(&[0.0, MASKED, f32::NAN, f32::INFINITY]), Err(NotANumber { index: 2 }));
        assert_eq!(scan(&[0.0, f32::INFINITY, f32::NAN]), Err(PositiveInfinity { index: 1 }));
        assert_eq!(scan(&[MASKED, -3.0, -2.0]), Ok(Scan { max: -2.0, min: -3.0, candidates: 2 }));
        // Wherever it is in the blocks.
        for length in [1, 31, 32, 33, 100] {
            for index in 0..length {
                let mut logits = vec![-1.0; length];
                logits[index] = f32::NAN;
                assert_eq!(scan(&logits), Err(NotANumber { index }));
                logits[index] = f32::MAX;
                let min = if length == 1 { f32::MAX } else { -1.0 };
                assert_eq!(scan(&logits), Ok(Scan { max: f32::MAX, min, candidates: length }));
            }
        }
    }

    #[test]
    fn floats_are_in_order() {
        let smallest = f32::from_bits(1);
        let numbers = [f32::NEG_INFINITY, f32::MIN, -1.0, -smallest, -0.0, 0.0, smallest, 1.0, f32::MAX];
        assert!(numbers.iter().map(|number| order_of(*number)).is_sorted_by(|a, b| a < b));
        for number in numbers {
            assert_eq!(float_of(order_of(number)).to_bits(), number.to_bits());
        }
        assert_eq!(order_of(-0.0) + 1, order_of(0.0));
        assert_eq!(order_of(1.0) + 1, order_of(1.0_f32.next_up()));
        assert!(order_of(f32::NAN.copysign(-1.0)) < MASKED && order_of(f32::NAN) > order_of(f32::INFINITY));
    }
}
