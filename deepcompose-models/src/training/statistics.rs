//! Statistics of batch normalisation, measured anew.
//!
//! A network that is trained keeps running means and variances of the last few batches. They are not those of the
//! weights that are saved: of the weights of before, of an average that never ran, of latents that only training draws. And they
//! forget what few batches wake. *Precise* batch normalisation (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm",
//! section 3) runs the network as it is over some batches and keeps what it saw.
//!
//! The mean is that of the batches' means. The variance is that whose scale is nearest to those of the batches by least
//! squares of what leaves the normalisation: for a channel that all batches use alike the mean of their variances, for one
//! that few of them wake that of these few. A channel that hardly any uses (the mean of the variances is at most a tenth of
//! epsilon) has variance 1, as a fresh one: what it would be divided by where it wakes is not known, and the square root
//! of epsilon is so little that a single such channel can drown all else.

use std::sync::{Mutex, PoisonError};

use burn::module::{Module, RunningState};
use burn::nn::BatchNorm;
use burn::tensor::{Device, Tensor, TensorData};

use crate::lists::numbers;

/// A network with batch normalisation.
pub(crate) trait Normalised: Module {
    /// The normalisations, in an order that does not change.
    fn norms(&mut self) -> Vec<&mut BatchNorm>;
}

/// Batches that a trainer measures the statistics on.
pub(crate) const STATISTICS_BATCHES: usize = 32;

/// `network`, outside autodiff, with the running statistics that it has over `batches`. `pass` runs it on one of them, as
/// it is while training, on an autodiff device, and gives the batch's size. Without batches they stay as they are.
pub(crate) fn with_statistics<M: Normalised, B, E>(
    network: &M,
    batches: impl IntoIterator<Item = B>,
    mut pass: impl FnMut(&M, B) -> Result<usize, E>,
) -> Result<M, E> {
    let mut measured = network.valid();
    let mut training = measured.clone().train();
    // The running statistics are those of the batch alone.
    training.norms().into_iter().for_each(|norm| norm.momentum = 1.0);
    let mut seen = vec![Seen::default(); training.norms().len()];
    if seen.is_empty() {
        return Ok(measured);
    }
    for batch in batches {
        let size = pass(&training, batch)?;
        for (seen, norm) in seen.iter_mut().zip(training.norms()) {
            let values = [&norm.running_mean, &norm.running_var].map(|state| numbers(state.value_sync()));
            seen.add(size, &values[0], &values[1], norm.epsilon);
        }
    }
    for (norm, seen) in measured.norms().into_iter().zip(seen) {
        if seen.windows > 0.0 {
            let device = norm.running_mean.value().device();
            let (mean, variance) = seen.statistics(norm.epsilon);
            norm.running_mean = state(mean, &device);
            norm.running_var = state(variance, &device);
        }
    }
    Ok(measured)
}

/// A trainer's network for inference, and the step that it is of: it is asked for by a validation and for the files after.
#[derive(Debug)]
pub(crate) struct Measured<M>(Mutex<Option<(usize, M)>>);

impl<M> Default for Measured<M> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<M: Clone> Measured<M> {
    /// The network of `step`, measured if that was not done yet.
    pub(crate) fn at(&self, step: usize, measure: impl FnOnce() -> M) -> M {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, network)) if *of == step => network.clone(),
            _ => known.insert((step, measure())).1.clone(),
        }
    }
}

/// What batches had at a normalisation, channel by channel.
#[derive(Debug, Clone, Default)]
struct Seen {
    windows: f64,
    channels: Vec<Channel>,
}

/// Sums over batches, each as often as it has windows.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    mean: f64,
    variance: f64,
    /// Of variance over deviation.
    deviation: f64,
}

impl Seen {
    /// Adds a batch of so many windows with these means and variances.
    fn add(&mut self, windows: usize, mean: &[f32], variance: &[f32], epsilon: f64) {
        let windows = windows as f64;
        self.windows += windows;
        self.channels.resize(mean.len(), Channel::default());
        for (seen, (mean, variance)) in self.channels.iter_mut().zip(mean.iter().zip(variance)) {
            let variance = f64::from(*variance);
            seen.mean += windows * f64::from(*mean);
            seen.variance += windows * variance;
            seen.deviation += windows * variance / (variance + epsilon).sqrt();
        }
    }

    /// The mean and variance to go by.
    fn statistics(&self, epsilon: f64) -> (Vec<f32>, Vec<f32>) {
        let variance = |seen: &Channel| {
            if seen.variance / self.windows <= DEAD * epsilon {
                return 1.0;
            }
            ((seen.variance / seen.deviation).powi(2) - epsilon).max(0.0) as f32
        };
        let mean = self.channels.iter().map(|seen| (seen.mean / self.windows) as f32);
        (mean.collect(), self.channels.iter().map(variance).collect())
    }
}

/// A channel whose mean variance is no more than so many times epsilon is one that training hardly uses.
const DEAD: f64 = 0.1;

fn state(values: Vec<f32>, device: &Device) -> RunningState<Tensor<1>> {
    let shape = [values.len()];
    RunningState::new(Tensor::from_data(TensorData::new(values, shape), device))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean and variance of one channel in batches of a window each.
    fn of(batches: &[(f32, f32)], epsilon: f64) -> (f32, f32) {
        let mut seen = Seen::default();
        batches.iter().for_each(|(mean, variance)| seen.add(1, &[*mean], &[*variance], epsilon));
        let (mean, variance) = seen.statistics(epsilon);
        (mean[0], variance[0])
    }

    #[test]
    fn batches_that_are_alike_have_their_own_statistics() {
        let (mean, variance) = of(&[(1.0, 4.0), (3.0, 4.0)], 0.0);
        assert_eq!((mean, variance), (2.0, 4.0));
    }

    /// One batch in a hundred wakes the channel: it is scaled as there, not as the mean of the variances (0.09) has it.
    #[test]
    fn a_channel_that_is_seldom_awake_is_scaled_as_where_it_is() {
        let mut batches = vec![(0.0, 0.0); 99];
        batches.push((1.0, 9.0));
        let (mean, variance) = of(&batches, 1e-5);
        assert!((mean - 0.01).abs() < 1e-6 && (variance - 9.0).abs() < 1e-3, "{mean} {variance}");
    }

    /// No scale is nearer to those of the batches, weighed by what they are applied to.
    #[test]
    fn the_scale_is_that_of_least_squares() {
        let (epsilon, variances) = (1e-5, [0.5, 2.0, 8.0, 0.0]);
        let (_, variance) = of(&variances.map(|v| (0.0, v)), epsilon);
        let squares = |scale: f64| -> f64 {
            let apart = |v: f32| scale - (f64::from(v) + epsilon).sqrt().recip();
            variances.iter().map(|v| f64::from(*v) * apart(*v).powi(2)).sum()
        };
        let scale = (f64::from(variance) + epsilon).sqrt().recip();
        let found = squares(scale);
        for other in [0.5, 0.9, 0.99, 1.01, 1.1, 2.0] {
            assert!(squares(scale * other) > found, "{other}");
        }
    }

    /// What the square root of epsilon alone would divide is left as it is.
    #[test]
    fn a_channel_that_is_hardly_used_is_left_alone() {
        assert_eq!(of(&[(0.0, 0.0); 3], 1e-5), (0.0, 1.0));
        assert_eq!(of(&[(0.0, 0.0), (0.0, 5e-45)], 1e-5).1, 1.0);
        assert_eq!(of(&[(0.0, 9e-7)], 1e-5).1, 1.0);
        let mut seldom = vec![(0.0, 0.0); 99];
        seldom.push((0.01, 2e-5));
        assert_eq!(of(&seldom, 1e-5).1, 1.0);
        // As small in every batch it is one that is used.
        assert!((of(&[(0.01, 2e-5); 3], 1e-5).1 - 2e-5).abs() < 1e-9);
    }
}
