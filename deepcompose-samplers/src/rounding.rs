//! Products that must round the way their decimal values do.

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
}
