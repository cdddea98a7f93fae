//! The statistics of batch normalisation, measured anew.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::Tensor;

use super::{ArCnn, ArCnnTraining, RollWindows};
use crate::error::ModelError;
use crate::training::statistics::{Normalised, STATISTICS_BATCHES, with_statistics};
use crate::training::step_rng;
use crate::weights::Model;

impl ArCnn {
    /// The same network, outside autodiff, with batch normalisation's running statistics those that it has over
    /// `batches`, each `[batch, steps, pitches]` of 0 and 1 as for [`forward`](Self::forward), without dropout: *precise*
    /// batch normalisation (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3). For weights whose
    /// statistics are not their own: an average of several networks, or one that is used on other rolls than it has
    /// learnt. A trainer does it for the weights that it validates and saves.
    ///
    /// A channel that is hardly used (the mean of its variances is at most a tenth of epsilon) has variance 1. Without
    /// batches, or with empty ones alone, the statistics stay as they are.
    ///
    /// # Errors
    ///
    /// [`ModelError::Shape`] as [`forward`](Self::forward).
    pub fn with_statistics_of(
        &self,
        batches: impl IntoIterator<Item = Tensor<3>>,
    ) -> Result<Self, ModelError> {
        with_statistics(self, batches, |network, batch| {
            network.check(batch.dims())?;
            let windows = batch.dims()[0];
            if windows == 0 {
                return Ok(0);
            }
            let batch = if batch.is_autodiff() { batch } else { batch.autodiff() };
            network.run(batch, &mut |x, _| x).map(|_| windows)
        })
    }
}

impl Normalised for ArCnn {
    fn norms(&mut self) -> Vec<&mut BatchNorm> {
        let encoder = self.encoder.iter_mut().filter_map(|level| level.norm.as_mut());
        encoder.chain(self.decoder.iter_mut().filter_map(|level| level.norm.as_mut())).collect()
    }
}

/// `network` with the statistics of training windows that are spoilt as in training: the same windows at every step.
pub(super) fn with_statistics_of_training(
    network: &ArCnn,
    training: &ArCnnTraining,
    train: &RollWindows,
) -> ArCnn {
    let network = network.valid();
    let device = network.devices().into_iter().next().unwrap_or_default();
    let count = (STATISTICS_BATCHES * training.batch_size).min(train.len());
    let windows: Vec<usize> = (0..count).map(|number| number * train.len() / count).collect();
    let batches = windows.chunks(training.batch_size).enumerate().map(|(number, windows)| {
        let mut rng = step_rng(training.seed, 3, number);
        let (corruption, augmentation) = (&training.corruption, training.augmentation());
        train.batch(windows, network.config(), corruption, augmentation, &mut rng, &device).input
    });
    // Windows that do not fit the network stop its next step.
    network.with_statistics_of(batches).unwrap_or(network)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use burn::tensor::{Device, TensorData};
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::ar_cnn::ArCnnConfig;
    use crate::lists::numbers;

    /// A fresh network of which every channel is used: its convolutions have offsets.
    fn network(levels: usize, device: &Device) -> ArCnn {
        let config = ArCnnConfig { levels, filters: 4, dropout: 0.0, ..ArCnnConfig::compact() };
        let mut network = super::super::train::fresh(&config, 1, device).unwrap();
        let ArCnn { encoder, bottleneck, decoder, .. } = &mut network;
        let convs = encoder.iter_mut().map(|l| &mut l.convs).chain([bottleneck]);
        for convs in convs.chain(decoder.iter_mut().map(|l| &mut l.convs)) {
            for conv in [&mut convs.conv1, &mut convs.conv2] {
                conv.bias = conv.bias.take().map(|bias| bias.map(|bias| bias + 0.5));
            }
        }
        network
    }

    /// Inference by the statistics of one batch is training's pass over it.
    #[test]
    fn by_the_statistics_of_a_batch_it_is_normalised_as_in_training() {
        let device = Device::default();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let cells: Vec<f32> = (0..3 * 16 * 24).map(|_| f32::from(u8::from(rng.random_bool(0.3)))).collect();
        let rolls =
            |device: &Device| Tensor::<3>::from_data(TensorData::new(cells.clone(), [3, 16, 24]), device);
        let inference = network(3, &device).with_statistics_of([rolls(&device)]).unwrap();
        let autodiff = device.clone().autodiff();
        let training = network(3, &autodiff);
        let expected = numbers(training.forward_training(rolls(&autodiff), &mut rng).unwrap().inner());
        let apart = |network: &ArCnn| {
            let found = numbers(network.forward(rolls(&device)).unwrap());
            found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let size = expected.iter().map(|x| x.abs()).fold(0.0, f32::max);
        assert!(apart(&inference) < 1e-4 * size, "{} of {size}", apart(&inference));
        // Which those of a fresh network do not give.
        assert!(apart(&network(3, &device)) > 0.01 * size);
    }

    #[test]
    fn without_batches_nothing_changes_and_a_wrong_shape_is_told() {
        let device = Device::default();
        let same = network(2, &device).with_statistics_of([]).unwrap();
        let mean = |network: &ArCnn| numbers(network.encoder[0].norm.as_ref().unwrap().running_mean.value());
        assert_eq!(mean(&same), mean(&network(2, &device)));
        let empty = || Tensor::<3>::zeros([0, 16, 24], &device);
        assert_eq!(mean(&same.with_statistics_of([empty()]).unwrap()), mean(&same));
        // Nor does an empty one beside another.
        let full = || Tensor::<3>::ones([1, 16, 24], &device);
        let measured = same.with_statistics_of([empty(), full(), empty()]).unwrap();
        assert_eq!(mean(&measured), mean(&same.with_statistics_of([full()]).unwrap()));
        assert_ne!(mean(&measured), mean(&same));
        let odd = Tensor::<3>::zeros([1, 16, 25], &device);
        assert!(matches!(same.with_statistics_of([odd]), Err(ModelError::Shape { what: "rolls", .. })));
    }
}
