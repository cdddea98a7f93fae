#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn numbers(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_product_is_the_sum_in_order_whatever_the_instructions(
        terms in 1_usize..4,
        depth in 1_usize..20,
        columns in 1_usize..110,
        rows in 1_usize..30,
        begin in 0_usize..3,
        end in 0_usize..3,
        seed in 0_u64..1000,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let left = numbers(200, &mut rng);
        let starts: Vec<usize> = (0..terms).map(|_| rng.random_range(0..100)).collect();
        let matrices = numbers(terms * depth * columns, &mut rng);
        let bias = numbers(columns, &mut rng);
        let places: Vec<Place> = (0..rows)
            .map(|row| Place { from: rng.random_range(0..200 - 100 - depth), to: row * (columns + 3) })
            .collect();
        let there = numbers(rows * (columns + 3), &mut rng);
        let gates = numbers(there.len(), &mut rng);
        let mut packed = Packed::default();
        // Memory that is used again holds other numbers.
        packed.pack_rows(&matrices, 1, terms * depth * columns);
        packed.pack(terms, depth, columns, |term, k, from, to| {
            to.copy_from_slice(&matrices[(term * depth + k) * columns + from..][..to.len()]);
        });

        let mut expected = there.clone();
        for place in &places {
            for n in 0..columns {
                let mut sum = [0.0, bias[n], there[place.to + n]][begin];
                for (term, start) in starts.iter().enumerate() {
                    for k in 0..depth {
                        let b = matrices[(term * depth + k) * columns + n];
                        sum = left[place.from + start + k].mul_add(b, sum);
                    }
                }
                expected[place.to + n] = match end {
                    1 => sum.max(0.0),
                    2 if gates[place.to + n] <= 0.0 => 0.0,
                    _ => sum,
                };
            }
        }
        let begin = [Begin::Zero, Begin::Bias(&bias), Begin::There][begin];
        let end = [End::Plain, End::Relu, End::Where(&gates)][end];
        for instructions in Instructions::available() {
            let mut out = there.clone();
            multiply(instructions, &left, &starts, &packed, &places, &mut out, (begin, end));
            prop_assert_eq!(&out, &expected, "{}", instructions.name());
        }
    }
}

#[test]
fn a_transpose_packs_as_the_matrix_it_is_the_transpose_of() {
    let (depth, columns) = (5, 37);
    let matrix = numbers(depth * columns, &mut ChaCha8Rng::seed_from_u64(3));
    let transposed: Vec<f32> = (0..columns)
        .flat_map(|n| (0..depth).map(move |k| (k, n)))
        .map(|(k, n)| matrix[k * columns + n])
        .collect();
    let (mut one, mut other) = (Packed::default(), Packed::default());
    one.pack_rows(&matrix, depth, columns);
    other.pack_transposed(&transposed, depth, columns);
    assert_eq!(one.values, other.values);
    // 32 columns, then the last 5 in a group of 16.
    assert_eq!(one.values.len(), depth * 48);
    assert_eq!(one.values[..32], matrix[..32]);
}
