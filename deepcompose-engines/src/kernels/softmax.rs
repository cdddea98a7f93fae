//! Exponentials of scores, and their sum.

use pulp::Simd;

use super::product_strip::{QUARTER, STRIP, StripF32};
use super::product_tile::in_halves;

/// The largest of the scores.
#[inline(always)]
pub(crate) fn largest<S: Simd>(simd: S, scores: &[[f32; STRIP]]) -> f32 {
    let mut most = simd.splat_f32s(f32::NEG_INFINITY);
    for score in scores {
        for vector in S::as_simd_f32s(score).0 {
            most = simd.max_f32s(*vector, most);
        }
    }
    simd.reduce_max_f32s(most)
}

/// Writes `exp(score - shift)` of every score to `out` and returns their sum.
///
/// A score that lies 87 or more below `shift` gives 0. `out` has as many strips as `scores`.
#[inline(always)]
pub(crate) fn exponentials<S: Simd>(
    simd: S,
    scores: &[[f32; STRIP]],
    shift: f32,
    out: &mut [StripF32],
) -> f32 {
    let mut lanes = [0f32; QUARTER];
    let quarter = QUARTER / S::F32_LANES;
    for at in 0..quarter {
        let mut sums = [simd.splat_f32s(0.0); 4];
        for (scores, out) in scores.iter().zip(&mut *out) {
            let (scores, _) = S::as_simd_f32s(scores);
            let (out, _) = S::as_mut_simd_f32s(&mut out.0);
            for (part, sum) in sums.iter_mut().enumerate() {
                let at = at + part * quarter;
                let shifted = simd.sub_f32s(scores[at], simd.splat_f32s(shift));
                out[at] = exponential(simd, shifted);
                *sum = simd.add_f32s(*sum, out[at]);
            }
        }
        let [a, b, c, d] = sums;
        let (vectors, _) = S::as_mut_simd_f32s(&mut lanes);
        vectors[at] = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
    }
    in_halves(&lanes)
}

/// Adding this to a number of up to 2²² rounds it to a whole number, which then stands in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// 2^x on [−½, ½] but for the last coefficient, which is 1.
const COEFFICIENTS: [f32; 6] =
    [1.539_973_5e-4, 1.333_55e-3, 9.618_13e-3, 5.550_41e-2, 2.402_265e-1, 6.931_472e-1];

/// e^x for x ≤ 0, within 4e-6 of it relatively down to −87 and 0 below.
#[inline(always)]
fn exponential<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let power = simd.mul_f32s(x, simd.splat_f32s(std::f32::consts::LOG2_E));
    let seen = simd.greater_than_f32s(power, simd.splat_f32s(-126.0));
    let power = simd.max_f32s(power, simd.splat_f32s(-126.0));
    let rounded = simd.add_f32s(power, simd.splat_f32s(ROUND));
    let fraction = simd.sub_f32s(power, simd.sub_f32s(rounded, simd.splat_f32s(ROUND)));
    let mut sum = simd.splat_f32s(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        sum = simd.mul_add_f32s(sum, fraction, simd.splat_f32s(*coefficient));
    }
    let mantissa = simd.mul_add_f32s(sum, fraction, simd.splat_f32s(1.0));
    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(rounded), simd.splat_u32s(127));
    let scale = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)));
    simd.select_f32s(seen, simd.mul_f32s(mantissa, scale), simd.splat_f32s(0.0))
}
