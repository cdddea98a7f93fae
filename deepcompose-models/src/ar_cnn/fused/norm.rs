//! Batch normalisation of maps, and the gradient of it.

use deepcompose_engines::training::{
    Instructions, Slopes, add_columns, add_products, add_squares, normalise, normalise_backward,
};

use super::map::{Map, sum_rows};

/// The numbers of a batch normalisation, or of those of its channels that a part of a concatenation brings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm<'a> {
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
    pub(super) epsilon: f32,
    /// Running mean and variance, where the layer is frozen and goes by them instead of the batch's.
    pub(super) fixed: Option<(&'a [f32], &'a [f32])>,
}

/// What the gradient needs of a forward pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Normed {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
    /// One over the deviation.
    unit: Vec<f32>,
}

impl<'a> Norm<'a> {
    /// Some of the channels.
    pub(super) fn part(self, range: std::ops::Range<usize>) -> Self {
        let part = |list: &'a [f32]| &list[range.clone()];
        Self {
            gamma: part(self.gamma),
            beta: part(self.beta),
            epsilon: self.epsilon,
            fixed: self.fixed.map(|(mean, variance)| (part(mean), part(variance))),
        }
    }

    /// Normalises `x` to `out`, by its own statistics unless fixed ones are given.
    pub(super) fn forward(&self, instructions: Instructions, x: &Map, out: &mut Map) -> Normed {
        let count = x.pixels() as f64;
        let (mean, variance) = match self.fixed {
            Some((mean, variance)) => (mean.to_vec(), variance.to_vec()),
            None => {
                let mean = sum_rows(x.rows(), x.channels, |row, sums| {
                    add_columns(instructions, x.row(row), sums);
                });
                let mean: Vec<f32> = mean.into_iter().map(|sum| (sum / count) as f32).collect();
                let variance = sum_rows(x.rows(), x.channels, |row, sums| {
                    add_squares(instructions, x.row(row), &mean, sums);
                });
                (mean, variance.into_iter().map(|sum| (sum / count) as f32).collect())
            }
        };
        let unit: Vec<f32> = variance.iter().map(|v: &f32| (v + self.epsilon).sqrt().recip()).collect();
        let scale: Vec<f32> = self.gamma.iter().zip(&unit).map(|(gamma, unit)| gamma * unit).collect();
        out.each_row(|row, to| normalise(instructions, x.row(row), &mean, &scale, self.beta, to));
        Normed { mean, variance, unit }
    }

    /// Turns the gradient of what left into that of `x`, and writes those of scale and offset.
    ///
    /// With a `gate`, on through the dropout and the ReLU that made `x`.
    pub(super) fn backward(
        &self,
        instructions: Instructions,
        normed: &Normed,
        x: &Map,
        gradient: &mut Map,
        gate: Option<f32>,
        (d_gamma, d_beta): (&mut [f32], &mut [f32]),
    ) {
        let count = x.pixels() as f64;
        let total = {
            let gradient = &*gradient;
            sum_rows(x.rows(), x.channels, |row, sums| add_columns(instructions, gradient.row(row), sums))
        };
        let along = {
            let gradient = &*gradient;
            sum_rows(x.rows(), x.channels, |row, sums| {
                add_products(instructions, gradient.row(row), x.row(row), &normed.mean, sums);
            })
        };
        let channels = x.channels;
        let (mut scale, mut offset, mut slope) =
            (vec![0.0; channels], vec![0.0; channels], vec![0.0; channels]);
        for c in 0..channels {
            let unit = f64::from(normed.unit[c]);
            let factor = f64::from(self.gamma[c]) * unit;
            scale[c] = factor as f32;
            if self.fixed.is_none() {
                offset[c] = (factor * total[c] / count) as f32;
                slope[c] = (factor * unit * unit * along[c] / count) as f32;
            }
            d_gamma[c] = (along[c] * unit) as f32;
            d_beta[c] = total[c] as f32;
        }
        let slopes = Slopes { mean: &normed.mean, scale: &scale, offset: &offset, slope: &slope };
        gradient.each_row(|row, gradient| {
            normalise_backward(instructions, gradient, x.row(row), slopes, gate);
        });
    }
}
