//! The statistics of batch normalisation, measured anew.

use burn::module::Module;
use burn::nn::BatchNorm;
use burn::tensor::{Tensor, TensorData};

use super::data::{Augmentation, GanDataset};
use super::latent::latents;
use super::{GanCondition, GanError, GanTraining, Generator};
use crate::training::statistics::{Normalised, STATISTICS_BATCHES, with_statistics};
use crate::training::step_rng;

impl Generator {
    /// The same generator, outside autodiff, with batch normalisation's running statistics those that it has over
    /// `batches` of conditions and latents, as for [`forward`](Self::forward): *precise* batch normalisation (Wu and Johnson
    /// 2021, "Rethinking 'Batch' in BatchNorm", section 3). For weights whose statistics are not their own, such as an
    /// average of several, or that draw their latents otherwise than while training. A trainer does it for the
    /// weights that it validates and saves.
    ///
    /// Without batches, or with empty ones alone, the statistics stay as they are.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] or [`GanError::Condition`] as [`forward`](Self::forward).
    pub fn with_statistics_of(
        &self,
        batches: impl IntoIterator<Item = (GanCondition, Tensor<4>)>,
    ) -> Result<Self, GanError> {
        let autodiff = |x: Tensor<4>| if x.is_autodiff() { x } else { x.autodiff() };
        with_statistics(self, batches, |generator, (condition, latent)| {
            let windows = latent.dims()[0];
            if windows == 0 {
                return Ok(0);
            }
            let condition = GanCondition {
                melody: autodiff(condition.melody),
                chords: condition.chords.map(autodiff),
                previous: condition.previous.map(autodiff),
                attributes: condition.attributes.map(|x| if x.is_autodiff() { x } else { x.autodiff() }),
            };
            generator.logits(&condition, autodiff(latent)).map(|_| windows)
        })
    }
}

impl Normalised for Generator {
    fn norms(&mut self) -> Vec<&mut BatchNorm> {
        let down = self.down.iter_mut().filter_map(|level| level.norm.as_mut());
        down.chain(self.up.iter_mut().map(|level| &mut level.norm)).collect()
    }
}

/// `generator` with the statistics of training windows as they are played afterwards: not varied, and with latents that are
/// drawn. The same windows and latents at every step.
pub(super) fn with_statistics_of_training(
    generator: &Generator,
    training: &GanTraining,
    train: &GanDataset,
) -> Generator {
    let generator = generator.valid();
    let config = generator.config();
    let device = generator.devices().into_iter().next().unwrap_or_default();
    let styles = generator.styles();
    let batches = (0..STATISTICS_BATCHES).map(|number| {
        let rng = &mut step_rng(training.seed, 3, number);
        let windows = train.draw(training.batch_size, rng);
        let genres: Vec<_> = windows.iter().map(|window| train.genre_of(*window)).collect();
        let placed = GanDataset::vary(&windows, Augmentation::NONE, rng);
        let condition = train.batch(&placed, config, &device).condition;
        let [channels, rows, columns] = config.latent_shape();
        let latent = latents(styles.as_ref(), config, &genres, rng);
        let shape = [windows.len(), channels, rows, columns];
        (condition, Tensor::from_data(TensorData::new(latent, shape), &device))
    });
    // Windows that do not fit the network stop its next step.
    generator.with_statistics_of(batches).unwrap_or(generator)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use burn::tensor::Device;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::gan::GanConfig;
    use crate::lists::numbers;

    fn drawn(shape: [usize; 4], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
        let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(numbers, shape), device)
    }

    /// Inference by the statistics of one batch is training's pass over it.
    #[test]
    fn by_the_statistics_of_a_batch_it_is_normalised_as_in_training() {
        let config = GanConfig::reference().to_builder().filters(2).latent_channels(3).build().unwrap();
        let device = Device::default();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fresh = Generator::new(&config, &mut rng, &device);
        let melody = drawn([2, 1, 32, 128], &mut rng, &device);
        let condition = GanCondition { melody, chords: None, previous: None, attributes: None };
        let latent = drawn([2, 3, 2, 8], &mut rng, &device);
        let on = |x: &Tensor<4>| Tensor::<4>::from_data(x.to_data(), &device.clone().autodiff());
        let training = GanCondition { melody: on(&condition.melody), ..condition.clone() };
        let expected = numbers(fresh.clone().train().logits(&training, on(&latent)).unwrap().inner());
        let measured = fresh.with_statistics_of([(condition.clone(), latent.clone())]).unwrap();
        let apart = |generator: &Generator| {
            let found = numbers(generator.logits(&condition, latent.clone()).unwrap());
            found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let size = expected.iter().map(|x| x.abs()).fold(0.0, f32::max);
        assert!(apart(&measured) < 1e-4 * size, "{} of {size}", apart(&measured));
        assert!(apart(&fresh) > 0.01 * size);
        let unlike = (condition.clone(), Tensor::zeros([2, 2, 2, 8], &device));
        assert!(matches!(fresh.with_statistics_of([unlike]), Err(GanError::Shape { .. })));
    }
}
