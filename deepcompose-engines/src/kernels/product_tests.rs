//! Products against plain sums in `f64`, with all instructions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use pulp::{Simd, WithSimd};

use super::product_strip::{I8_LOADED, StripI8};
use super::*;

/// A number of −1..1 that only depends on the arguments.
fn number(seed: usize, index: usize) -> f32 {
    let mixed = (seed as u64 * 0x9e37_79b9 + index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d);
    (mixed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

struct Loaded<T>(T);

impl<T: Strip> WithSimd for Loaded<T> {
    type Output = [f32; STRIP];

    fn with_simd<S: Simd>(self, simd: S) -> [f32; STRIP] {
        let mut out = [0f32; STRIP];
        let quarter = STRIP / 4 / S::F32_LANES;
        for at in 0..quarter {
            for (part, vector) in self.0.load(simd, at).into_iter().enumerate() {
                S::as_mut_simd_f32s(&mut out).0[at + part * quarter] = vector;
            }
        }
        out
    }
}

/// Fills a strip column by column in a shuffled order, some twice, and reads it in both ways.
fn filled<T: Strip>(values: [f32; STRIP], kept: impl Fn(f32) -> f32) {
    let mut strip = T::EMPTY;
    for step in 0..2 * STRIP {
        let column = step * 37 % STRIP;
        strip.set(column, values[column] * if step < STRIP { -0.5 } else { 1.0 });
    }
    let expected = values.map(kept);
    assert_eq!(std::array::from_fn(|column| strip.get(column)), expected);
    for instructions in Instructions::available() {
        let loaded = |strip: T| instructions.run(Loaded(strip)).map(|value| value - T::OFFSET);
        assert_eq!(loaded(strip), expected, "{instructions:?}");
        assert_eq!(loaded(T::EMPTY), [0.0; STRIP]);
    }
}

#[test]
fn strips_give_back_what_they_hold() {
    let values: [f32; STRIP] = std::array::from_fn(|column| number(1, column) * 200.0);
    filled::<StripF32>(values, |value| value);
    // To the nearest number with 8 significant bits.
    filled::<StripBf16>(values, |value| {
        let step = 2f32.powi(value.abs().log2().floor() as i32 - 7);
        (value / step).round_ties_even() * step
    });
    filled::<StripI8>(values, |value| value.round_ties_even().clamp(-127.0, 127.0) * I8_LOADED);
}

/// A matrix of `inputs` times `outputs`, and the largest step between numbers of an output relative to the largest.
fn check_product(format: NumberFormat, step: f64, rows: usize, inputs: usize, outputs: usize, seed: usize) {
    let weight = |input: usize, output: usize| {
        // Outputs of very different sizes: each has a scale of its own.
        number(seed, input * outputs + output) * 10f32.powi(output as i32 % 7 - 3)
    };
    let matrix = Matrix::pack(format, inputs, outputs, weight);
    let x: Vec<f32> = (0..rows * inputs).map(|index| number(seed + 1, index)).collect();
    let mut packed = PackedRows::with_room(rows, inputs);
    packed.pack(rows, inputs, |row| &x[row * inputs..]);
    let mut results = Vec::new();
    for instructions in Instructions::available() {
        let mut by_row = vec![[f32::NAN; STRIP]; rows * matrix.panels()];
        matrix.multiply(instructions, &packed, &mut by_row);
        let mut by_panel = vec![[f32::NAN; STRIP]; rows * matrix.panels()];
        let (first, rest) = by_panel.split_at_mut(rows);
        matrix.multiply_panels(instructions, &packed, 0..1, first);
        matrix.multiply_panels(instructions, &packed, 1..matrix.panels(), rest);
        for row in 0..rows {
            for panel in 0..matrix.panels() {
                assert_eq!(by_row[row * matrix.panels() + panel], by_panel[panel * rows + row]);
            }
        }
        results.push(by_row);
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    for row in 0..rows {
        for output in 0..matrix.panels() * STRIP {
            let found = f64::from(results[0][row * matrix.panels() + output / STRIP][output % STRIP]);
            if output >= outputs {
                assert_eq!(found, 0.0, "a column that only fills up");
                continue;
            }
            let column = || (0..inputs).map(|input| f64::from(weight(input, output)));
            let x = &x[row * inputs..][..inputs];
            let expected: f64 = column().zip(x).map(|(weight, x)| weight * f64::from(*x)).sum();
            // Every weight is off by half a step at most.
            let largest = column().map(f64::abs).fold(0.0, f64::max);
            let sizes: f64 = x.iter().map(|x| f64::from(x.abs())).sum();
            let allowed = (step / 2.0 + 1e-7 * inputs as f64) * largest * sizes;
            assert!((found - expected).abs() <= allowed, "{found} for {expected}, {allowed} allowed");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn products_are_sums(rows in 1..15usize, inputs in 1..80usize, outputs in 1..200usize, seed in 0..1000usize) {
        check_product(NumberFormat::F32, 0.0, rows, inputs, outputs, seed);
        check_product(NumberFormat::Bf16, 2f64.powi(-7), rows, inputs, outputs, seed);
        check_product(NumberFormat::I8, 1.0 / 127.0, rows, inputs, outputs, seed);
    }

    #[test]
    fn sums_along_strips(rows in 1..7usize, panels in 1..5usize, depth in 1..11usize, seed in 0..1000usize) {
        let strip = |index: usize| {
            let mut strip = StripF32::EMPTY;
            (0..STRIP).for_each(|column| strip.set(column, number(seed, index * STRIP + column)));
            strip
        };
        let values: Vec<StripF32> = (0..panels * depth).map(strip).collect();
        let weights: Vec<StripF32> = (0..rows * panels).map(|index| strip(index + 1000)).collect();
        let mut results = Vec::new();
        for instructions in Instructions::available() {
            results.push(instructions.run(Along { values: &values, depth, weights: &weights, panels }));
        }
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        for row in 0..rows {
            for at in 0..depth {
                let terms = (0..panels * STRIP).map(|index| {
                    let weight = weights[row * panels + index / STRIP].get(index % STRIP);
                    f64::from(weight) * f64::from(values[index / STRIP * depth + at].get(index % STRIP))
                });
                let expected: f64 = terms.sum();
                prop_assert!((f64::from(results[0][row * depth + at]) - expected).abs() < 1e-4);
            }
        }
    }
}

struct Along<'a> {
    values: &'a [StripF32],
    depth: usize,
    weights: &'a [StripF32],
    panels: usize,
}

impl WithSimd for Along<'_> {
    type Output = Vec<f32>;

    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let weights: Vec<&[StripF32]> = self.weights.chunks_exact(self.panels).collect();
        let mut out = vec![f32::NAN; weights.len() * self.depth];
        along(simd, self.values, self.depth, &weights, &mut out);
        out
    }
}

struct Softmax<'a> {
    scores: &'a [[f32; STRIP]],
}

impl WithSimd for Softmax<'_> {
    type Output = (f32, Vec<f32>, f32);

    fn with_simd<S: Simd>(self, simd: S) -> (f32, Vec<f32>, f32) {
        let most = largest(simd, self.scores);
        let mut out = vec![StripF32::EMPTY; self.scores.len()];
        let sum = exponentials(simd, self.scores, most, &mut out);
        (most, out.iter().flat_map(|strip| strip.0).collect(), sum)
    }
}

#[test]
fn exponentials_are_close_and_end_at_zero() {
    let values: Vec<f32> = (0..3 * STRIP)
        .map(|index| match index % 10 {
            9 => f32::NEG_INFINITY,
            8 => 7.0 - 90.0,
            _ => 7.0 - 86.0 * (index as f32 / 191.0),
        })
        .collect();
    let scores = values.as_chunks::<STRIP>().0;
    for instructions in Instructions::available() {
        let (most, found, sum) = instructions.run(Softmax { scores });
        assert_eq!(most, 7.0);
        let mut total = 0.0;
        for (value, found) in values.iter().zip(&found) {
            let expected = (f64::from(*value) - 7.0).exp();
            match f64::from(*value) < 7.0 - 88.0 {
                true => assert_eq!(*found, 0.0),
                false => assert!((f64::from(*found) / expected - 1.0).abs() < 8e-6, "{value}: {found}"),
            }
            total += expected;
        }
        assert!((f64::from(sum) / total - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_normalised_row_is_known_by_hand() {
    // Mean 2, variance 2: −2, 0, 2, 0 … over √2.
    let row: Vec<f32> = (0..36).map(|index| [0.0, 2.0, 4.0, 2.0][index % 4]).collect();
    let (gamma, beta) = (vec![3.0f32; 36], vec![0.5f32; 36]);
    for instructions in Instructions::available() {
        let mut out = vec![0f32; 36];
        layer_norm(instructions, &row, &gamma, &beta, &mut out);
        for (index, number) in out.iter().enumerate() {
            let expected = [-2.0, 0.0, 2.0, 0.0][index % 4] / (2f64 + 1e-5).sqrt() * 3.0 + 0.5;
            assert!((f64::from(*number) - expected).abs() < 1e-6, "{number} for {expected}");
        }
    }
}
