//! Encodings of distances, projected once.

use crate::kernels::{Instructions, Matrix, NumberFormat, PackedRows, STRIP};

/// Rows that are projected at a time.
const ROWS: usize = 64;

/// Projects the encodings of distances 0..=`memory`: calls `row(distance, numbers)` with `width` numbers for each.
///
/// The encoding is that of Vaswani et al. 2017, §3.5, with sines and cosines grouped: entry `k < d_model / 2` is
/// `sin(distance / 10000^(2k / d_model))`, entry `d_model / 2 + k` the cosine of the same angle. They are the standard
/// library's powers, sines and cosines: the last place depends on the platform.
pub(super) fn project(
    instructions: Instructions,
    projection: &[f32],
    [d_model, width, memory]: [usize; 3],
    mut row: impl FnMut(usize, &[f32]),
) {
    let matrix =
        Matrix::pack(NumberFormat::F32, d_model, width, |input, output| projection[input * width + output]);
    let frequencies: Vec<f64> =
        (0..d_model / 2).map(|k| 10_000f64.powf(-(2.0 * k as f64) / d_model as f64)).collect();
    let mut packed = PackedRows::with_room(ROWS, d_model);
    let mut encoded = vec![0f32; ROWS * d_model];
    let mut projected = vec![[0f32; STRIP]; ROWS * matrix.panels()];
    for first in (0..=memory).step_by(ROWS) {
        let rows = ROWS.min(memory + 1 - first);
        for (index, row) in encoded.chunks_exact_mut(d_model).take(rows).enumerate() {
            let (sines, cosines) = row.split_at_mut(d_model / 2);
            for ((sine, cosine), frequency) in sines.iter_mut().zip(cosines).zip(&frequencies) {
                let angle = (first + index) as f64 * frequency;
                (*sine, *cosine) = (angle.sin() as f32, angle.cos() as f32);
            }
        }
        packed.pack(rows, d_model, |index| &encoded[index * d_model..]);
        matrix.multiply(instructions, &packed, &mut projected);
        for (index, numbers) in projected.chunks_exact(matrix.panels()).take(rows).enumerate() {
            row(first + index, &numbers.as_flattened()[..width]);
        }
    }
}
