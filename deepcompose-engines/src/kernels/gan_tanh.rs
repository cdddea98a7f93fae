//! The hyperbolic tangent of many numbers.

use pulp::{Simd, WithSimd};

use super::Instructions;

/// Writes the hyperbolic tangents of `from`, within 4·10⁻⁷, to `to`.
pub(crate) fn tanh(instructions: Instructions, from: &[f32], to: &mut [f32]) {
    instructions.run(Tanh { from, to });
}

struct Tanh<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
}

impl WithSimd for Tanh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, from) in self.to.iter_mut().zip(self.from) {
            *to = one(*from);
        }
    }
}

/// Where the hyperbolic tangent rounds to 1.
const MOST: f32 = 7.905_311;
/// Odd coefficients from x¹³ to x, and even ones from x⁶ to 1, of a rational approximation (that of the library Eigen).
const ABOVE: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619_4e-4,
    4.893_524_6e-3,
];
const BELOW: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];

#[inline(always)]
fn one(x: f32) -> f32 {
    // Comparisons, so that what is not a number stays so.
    let x = if x > MOST { MOST } else { x };
    let x = if x < -MOST { -MOST } else { x };
    let square = x * x;
    let mut above = ABOVE[0];
    for coefficient in &ABOVE[1..] {
        above = above.mul_add(square, *coefficient);
    }
    let mut below = BELOW[0];
    for coefficient in &BELOW[1..] {
        below = below.mul_add(square, *coefficient);
    }
    x * above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_the_exact_value_with_all_instructions() {
        let from: Vec<f32> =
            (-120_000..=120_000).map(|n| n as f32 * 1e-4).chain([f32::INFINITY, -1e30]).collect();
        for instructions in Instructions::available() {
            let mut to = vec![0.0; from.len()];
            tanh(instructions, &from, &mut to);
            for (x, y) in from.iter().zip(&to) {
                assert!((f64::from(*y) - f64::from(*x).tanh()).abs() < 4e-7, "{x}: {y}");
                assert_eq!(y.to_bits(), one(*x).to_bits(), "{}: {x}", instructions.name());
            }
        }
        assert!(one(f32::NAN).is_nan());
    }
}
