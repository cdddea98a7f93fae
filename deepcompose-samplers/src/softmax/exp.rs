//! The exponential function of a number that is not positive.

/// Coefficients of the polynomial q in exp(r) = 1 + r + r² q(r) for |r| ≤ ln 2 / 2, by rising
/// power; 1.6 × 10⁻¹⁷ from exp(r), relatively (`tests/reference/exp.py`).
const COEFFICIENTS: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624164,
    0.008333333333330065,
    0.0013888888917196881,
    0.0001984126986304067,
    2.4801521322116825e-05,
    2.7557268480116333e-06,
    2.762007599981065e-07,
    2.5100375924709717e-08,
];

/// ln 2 in two parts, the first short enough that its product with an n of ten bits is exact.
const LN_2: [f64; 2] = [0.6931471803691238, 1.9082149292705877e-10];

/// 1.5 × 2⁵²: added to a small number it leaves the nearest whole number in the lowest bits.
const ROUND: f64 = 6755399441055744.0;

/// exp(`x`) for `x` ≤ 0, within one unit in the last place, and exactly 1 at 0. Below −708, where
/// exp comes near the smallest normal number, it is 0.
///
/// As everywhere, x = n ln 2 + r, and exp(x) = 2ⁿ exp(r) with a polynomial for exp(r) (Muller,
/// *Elementary Functions*, chapter 11). There is no branch and no table, so a loop over it becomes
/// vector instructions, and only sums, products and fused multiply-adds, so that it is the same
/// number on every machine.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = (-n).mul_add(LN_2[1], (-n).mul_add(LN_2[0], x));
    let [lower @ .., highest] = COEFFICIENTS;
    let q = lower.into_iter().rev().fold(highest, |q, coefficient| q.mul_add(r, coefficient));
    let significand = 1.0 + (r * r).mul_add(q, r);
    // n is in the lowest bits of `shifted`, and the exponent of a float in its highest but one.
    let scaled = f64::from_bits(significand.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x >= -708.0 { scaled } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;
    use pulp::{Simd, WithSimd};

    use super::*;

    /// The distance between neighbouring floats at `y`.
    fn last_place(y: f64) -> f64 {
        y.next_up() - y
    }

    #[test]
    fn values_are_within_a_unit_in_the_last_place_of_exact_ones() {
        let table: Vec<[f64; 3]> =
            serde_json::from_str(include_str!("../../tests/reference/exp.json")).unwrap();
        assert!(table.len() > 300);
        let mut worst = 0.0_f64;
        for [x, near, rest] in table {
            worst = worst.max(((exp(x) - near) / last_place(near) - rest).abs());
        }
        assert!(worst < 1.0, "{worst}");
    }

    #[test]
    fn the_ends_are_exact() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(f64::MIN), 0.0);
        assert_eq!(exp(-708.0_f64.next_up()), 0.0);
        assert!(exp(-708.0) > f64::MIN_POSITIVE);
        assert_eq!(exp(-f64::from_bits(1)), 1.0);
    }

    struct All<'a>(&'a mut [f64; 64]);

    impl WithSimd for All<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            self.0.iter_mut().for_each(|x| *x = exp(*x));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_platforms_own(x in prop_oneof![-1.0_f64..=0.0, -50.0..0.0, -708.0..0.0]) {
            // Each of the two may be one unit from the truth.
            prop_assert!((exp(x) - x.exp()).abs() <= 2.0 * last_place(x.exp()), "{x}");
        }

        #[test]
        fn it_is_the_same_in_all_instructions(scale in 1e-3_f64..800.0, start in 0.0_f64..1.0) {
            let x: [f64; 64] = std::array::from_fn(|i| -scale * (start + i as f64 / 64.0));
            let expected = x.map(exp);
            for arch in crate::softmax::instructions() {
                let mut values = x;
                arch.dispatch(All(&mut values));
                prop_assert_eq!(values, expected);
            }
        }
    }
}
