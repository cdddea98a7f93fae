#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn outer_products_are_added_in_order_whatever_the_instructions(
        terms in 1_usize..4,
        depth in 1_usize..40,
        columns in 1_usize..110,
        count in 1_usize..600,
        seed in 0_u64..1000,
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut numbers = |count| -> Vec<f32> { (0..count).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let (left, right) = (numbers(300), numbers(300));
        let there = numbers(terms * depth * columns);
        let mut place = |row: usize| rng.random_range(0..150 - row);
        let shifts: Vec<Shift> = (0..terms).map(|_| Shift { left: place(0), right: place(0) }).collect();
        let pairs: Vec<Pair> = (0..count).map(|_| Pair { left: place(depth), right: place(columns) }).collect();

        let mut expected = there.clone();
        for (shift, out) in shifts.iter().zip(expected.chunks_exact_mut(depth * columns)) {
            for pair in &pairs {
                for (k, row) in out.chunks_exact_mut(columns).enumerate() {
                    let x = left[pair.left + shift.left + k];
                    for (n, to) in row.iter_mut().enumerate() {
                        *to = x.mul_add(right[pair.right + shift.right + n], *to);
                    }
                }
            }
        }
        for instructions in Instructions::available() {
            let mut out = there.clone();
            outer_products(instructions, &left, &right, &shifts, &pairs, (depth, columns), &mut out);
            prop_assert_eq!(&out, &expected, "{}", instructions.name());
        }
    }
}
