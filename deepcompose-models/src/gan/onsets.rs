//! A generator that learnt no onsets is given rolls of them.

use burn::module::Param;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use super::{GanError, Generator};

impl Generator {
    /// The same generator with [`onsets`](super::GanConfig::onsets), to be trained on: what it knows of harmony and of how a
    /// band plays need not be learnt anew.
    ///
    /// It sounds what it did, since it does not look yet at the onsets of the tracks before; a note is taken to begin wherever
    /// it sounds. A generator that has onsets is returned as it is.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use deepcompose_models::gan::{GanConfig, Generator};
    /// use rand::SeedableRng;
    ///
    /// let config = GanConfig::accompaniment().to_builder().filters(2).latent_channels(3).onsets(false).build()?;
    /// let rng = &mut rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// let told = Generator::new(&config, rng, &Device::default()).with_onsets()?;
    /// assert_eq!(told.config().rolls(), 7);
    /// # Ok::<(), deepcompose_models::gan::GanError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`GanError::OutOfRange`] for a generator of over eight tracks, [`GanError::Limit`] for one that would have over 2²⁶
    /// parameters.
    pub fn with_onsets(self) -> Result<Self, GanError> {
        let before = self.config().clone();
        if before.onsets() {
            return Ok(self);
        }
        let config = before.to_builder().onsets(true).build()?;
        let [tracks, more] = [before.tracks(), config.rolls() - before.rolls()];
        if more == 0 {
            // Drums alone, which have none.
            return Ok(Self { config, ..self });
        }
        let mut down = self.down;
        if let (true, Some(first)) = (before.previous(), down.first_mut()) {
            // The rolls of the tracks before come last, and those of onsets last of them.
            let kernel = first.conv.weight.val();
            let [filters, _, height, width] = kernel.dims();
            let unseen = Tensor::zeros([filters, more, height, width], &kernel.device());
            first.conv.weight = Param::from_tensor(Tensor::cat(vec![kernel, unseen], 1));
        }
        let output_map = self.output_map.map(|map| {
            let kernel = map.weight.val();
            let cells = before.steps() * before.pitches();
            let again = kernel.clone().narrow(1, cells, (tracks - 1) * cells);
            Linear { weight: Param::from_tensor(Tensor::cat(vec![kernel, again], 1)), ..map }
        });
        Ok(Self { down, head: repeated(self.head, tracks), output_map, config, ..self })
    }
}

/// The convolution with each of its outputs but the first a second time.
fn repeated(conv: Conv2d, outputs: usize) -> Conv2d {
    let kernel = conv.weight.val();
    let again = kernel.clone().narrow(0, 1, outputs - 1);
    let bias = conv.bias.map(|bias| {
        let bias = bias.val();
        let again = bias.clone().narrow(0, 1, outputs - 1);
        Param::from_tensor(Tensor::cat(vec![bias, again], 0))
    });
    Conv2d { weight: Param::from_tensor(Tensor::cat(vec![kernel, again], 0)), bias, ..conv }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use burn::tensor::{Device, Distribution};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::gan::{GanCondition, GanConfig};

    #[test]
    fn a_generator_sounds_as_it_did_and_begins_where_it_sounds() {
        let device = Device::flex();
        let config =
            GanConfig::accompaniment().to_builder().filters(2).latent_channels(3).pitches(16).onsets(false);
        let generator = Generator::new(&config.build().unwrap(), &mut ChaCha8Rng::seed_from_u64(2), &device);
        let normal = |shape| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
        let before = normal([2, 4, 32, 16]);
        let latent = normal([2, 3, 2, 1]);
        let (melody, chords) = (normal([2, 1, 32, 16]), normal([2, 2, 32, 16]));
        let condition = |previous: Tensor<4>| GanCondition {
            melody: melody.clone(),
            chords: Some(chords.clone()),
            previous: Some(previous),
            attributes: Some(Tensor::ones([2, 11], &device)),
        };
        // A learned map that is not zero.
        let map = generator.output_map.clone().unwrap();
        let weight = Tensor::random(map.weight.dims(), Distribution::Normal(0.0, 1.0), &device);
        let output_map = Some(Linear { weight: Param::from_tensor(weight), ..map });
        let generator = Generator { output_map, ..generator };
        let old = generator.forward(&condition(before.clone()), latent.clone()).unwrap();

        let told = generator.with_onsets().unwrap();
        assert_eq!(told.clone().with_onsets().unwrap().config(), told.config());
        let onsets = normal([2, 3, 32, 16]);
        let new = told.forward(&condition(Tensor::cat(vec![before, onsets], 1)), latent).unwrap();
        assert_eq!(new.dims(), [2, 7, 32, 16]);
        let differ = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
        assert!(differ(new.clone().narrow(1, 0, 4), old.clone()) < 1e-5);
        assert!(differ(new.narrow(1, 4, 3), old.narrow(1, 1, 3)) < 1e-5);
    }

    #[test]
    fn drums_alone_have_no_onsets() {
        let config = GanConfig::reference().to_builder().filters(1).latent_channels(1).pitches(16).tracks(1);
        let drums = Generator::zeros(&config.build().unwrap(), &Device::flex()).with_onsets().unwrap();
        assert_eq!(drums.config().rolls(), 1);
        let silence = GanCondition {
            melody: Tensor::zeros([1, 1, 32, 16], &Device::flex()),
            chords: None,
            previous: None,
            attributes: None,
        };
        let latent = Tensor::zeros([1, 1, 2, 1], &Device::flex());
        assert_eq!(drums.forward(&silence, latent).unwrap().dims(), [1, 1, 32, 16]);
    }

    #[test]
    fn more_than_eight_tracks_have_no_onsets() {
        let config = GanConfig::reference().to_builder().filters(1).latent_channels(1).pitches(16).tracks(9);
        let wide = Generator::zeros(&config.build().unwrap(), &Device::flex());
        assert!(matches!(wide.with_onsets(), Err(GanError::OutOfRange { field: "tracks", .. })));
    }
}
