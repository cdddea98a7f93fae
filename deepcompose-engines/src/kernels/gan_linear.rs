//! A vector times a matrix whose rows are long.

use pulp::{Simd, WithSimd};

use super::Instructions;

/// `to` = `vector` · `matrix`, where the matrix has a row for each number of the vector. Numbers that are nothing are
/// passed over.
pub(crate) fn linear(instructions: Instructions, vector: &[f32], matrix: &[f32], to: &mut [f32]) {
    instructions.run(Linear { vector, matrix, to });
}

struct Linear<'a> {
    vector: &'a [f32],
    matrix: &'a [f32],
    to: &'a mut [f32],
}

impl WithSimd for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.to.fill(0.0);
        let rows = self.matrix.chunks_exact(self.to.len().max(1));
        for (x, row) in self.vector.iter().zip(rows).filter(|(x, _)| **x != 0.0) {
            for (sum, weight) in self.to.iter_mut().zip(row) {
                *sum = x.mul_add(*weight, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_weighted() {
        for instructions in Instructions::available() {
            let mut to = [9.0; 3];
            linear(instructions, &[2.0, 0.0, -1.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], &mut to);
            assert_eq!(to, [-5.0, -4.0, -3.0]);
        }
    }
}
