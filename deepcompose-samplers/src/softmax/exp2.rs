//! Two to the power of a number that is not positive.

/// Coefficients of the polynomial q in 2^r = 1 + r q(r) for |r| ≤ 1/2, by rising power; 2 × 10⁻¹⁷
/// from 2^r, relatively (`tests/reference/exp2.py`).
const COEFFICIENTS: [f64; 11] = [
    std::f64::consts::LN_2,
    0.24022650695910097,
    0.0555041086648216,
    0.009618129107606888,
    0.0013333558146416936,
    0.0001540353044173605,
    1.525273382983612e-05,
    1.321544258792169e-06,
    1.0178062445845774e-07,
    7.072585949269223e-09,
    4.4549605981865186e-10,
];

/// 1.5 × 2⁵²: added to a small number it leaves the nearest whole number in the lowest bits.
const ROUND: f64 = 6755399441055744.0;

/// 2^`x` for `x` ≤ 0, within one unit in the last place, and exactly 1 at 0. Below −1021, where it
/// comes near the smallest normal number, it is 0.
///
/// As everywhere, x = n + r with a whole number n, and 2^x = 2ⁿ 2^r with a polynomial for 2^r
/// (Muller, *Elementary Functions*, chapter 11). There is no branch and no table, so a loop over it
/// becomes vector instructions, and only sums, products and fused multiply-adds, so that it is the
/// same number on every machine.
#[inline(always)]
pub(crate) fn exp2(x: f64) -> f64 {
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    // Even and odd powers apart, so that fewer operations wait for one another.
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10] = COEFFICIENTS;
    let square = r * r;
    let even = [c8, c6, c4, c2, c0].into_iter().fold(c10, |sum, c| sum.mul_add(square, c));
    let odd = [c7, c5, c3, c1].into_iter().fold(c9, |sum, c| sum.mul_add(square, c));
    let significand = odd.mul_add(r, even).mul_add(r, 1.0);
    // n is in the lowest bits of `shifted`, and the exponent of a float in its highest but one.
    let scaled = f64::from_bits(significand.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x >= -1021.0 { scaled } else { 0.0 }
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
            serde_json::from_str(include_str!("../../tests/reference/exp2.json")).unwrap();
        assert!(table.len() > 300);
        let mut worst = 0.0_f64;
        for [x, near, rest] in table {
            worst = worst.max(((exp2(x) - near) / last_place(near) - rest).abs());
        }
        assert!(worst < 1.0, "{worst}");
    }

    #[test]
    fn the_ends_are_exact() {
        assert_eq!(exp2(0.0), 1.0);
        assert_eq!(exp2(-0.0), 1.0);
        assert_eq!(exp2(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp2(f64::MIN), 0.0);
        assert_eq!(exp2(-1021.0_f64.next_up()), 0.0);
        assert!(exp2(-1021.0) > f64::MIN_POSITIVE);
        assert_eq!(exp2(-f64::from_bits(1)), 1.0);
    }

    struct All<'a>(&'a mut [f64; 64]);

    impl WithSimd for All<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            self.0.iter_mut().for_each(|x| *x = exp2(*x));
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_platforms_own(x in prop_oneof![-1.0_f64..=0.0, -50.0..0.0, -1021.0..0.0]) {
            // Each of the two may be one unit from the truth.
            prop_assert!((exp2(x) - x.exp2()).abs() <= 2.0 * last_place(x.exp2()), "{x}");
        }

        #[test]
        fn it_is_the_same_in_all_instructions(scale in 1e-3_f64..1100.0, start in 0.0_f64..1.0) {
            let x: [f64; 64] = std::array::from_fn(|i| -scale * (start + i as f64 / 64.0));
            let expected = x.map(exp2);
            for arch in crate::softmax::instructions() {
                let mut values = x;
                arch.dispatch(All(&mut values));
                prop_assert_eq!(values, expected);
            }
        }
    }
}
