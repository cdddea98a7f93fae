//! Sinusoidal encodings of relative positions.

/// Encodings of the distances `distances`, one row of `width` numbers each, rows one after another.
///
/// Row entry `k < width / 2` is `sin(distance / 10000^(2k / width))`, entry `width / 2 + k` the cosine of
/// the same angle: the encoding of Vaswani et al. 2017 §3.5 with sines and cosines grouped rather than
/// interleaved, as in the code of Dai et al. 2019. The learned projection that follows makes both orders
/// equivalent.
pub(crate) fn sinusoids(distances: impl Iterator<Item = usize>, width: usize) -> Vec<f32> {
    let half = width / 2;
    let frequencies: Vec<f64> = (0..half).map(|k| 10_000f64.powf(-(2.0 * k as f64) / width as f64)).collect();
    let mut rows = Vec::new();
    for distance in distances {
        let angles = frequencies.iter().map(|frequency| distance as f64 * frequency);
        rows.extend(angles.clone().map(|angle| angle.sin() as f32));
        rows.extend(angles.map(|angle| angle.cos() as f32));
    }
    rows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn rows_hold_the_sines_then_the_cosines_of_each_distance() {
        let rows = sinusoids([0, 3].into_iter(), 4);
        let expected = [0.0, 0.0, 1.0, 1.0, 3f64.sin(), 0.03f64.sin(), 3f64.cos(), 0.03f64.cos()];
        for (row, value) in rows.iter().zip(expected) {
            assert!((f64::from(*row) - value).abs() < 1e-7, "{rows:?}");
        }
        assert_eq!(rows.len(), expected.len());
    }
}
