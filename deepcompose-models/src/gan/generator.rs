//! [`Generator`]: the U-Net that writes the tracks.

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{Initializer, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;

use super::condition::expect;
use super::config::LEVELS;
use super::harmony::{ChordModel, Harmony};
use super::latent::truncated_normal;
use super::layers::{Down, Up, attribute_map, double_then_conv, glorot, keeping_conv};
use super::{GanCondition, GanConfig, GanError, Styles};
use crate::lists::numbers;

/// The generator: a condition and a latent in, tracks out.
///
/// A U-Net. The conditioning rolls (the melody, and where it has them chords and the tracks before) go through
/// four stride-2 4×4 convolutions with leaky ReLU 0.2 (batch norm after all but the first); the latent, and the
/// embedded attributes if there are any, are concatenated to the result; three blocks of nearest-neighbour
/// doubling, 4×4 convolution, batch norm and ReLU follow, each concatenated with the encoder's activation of its
/// size; a last doubling and 4×4 convolution give one logit a track, step and pitch, of which the output is the
/// hyperbolic tangent.
///
/// Beside the U-Net, and not run by it, a generator may have a [`ChordModel`] and [`Styles`].
///
/// Batch norm uses the batch's statistics while training (on an autodiff device) and its running
/// averages otherwise.
#[derive(Module, Debug)]
pub struct Generator {
    pub(super) down: Vec<Down>,
    pub(super) up: Vec<Up>,
    pub(super) head: Conv2d,
    pub(super) attributes: Option<Linear>,
    pub(super) output_map: Option<Linear>,
    pub(super) harmony: Option<Harmony>,
    /// `[genres · styles, numbers of a latent]`.
    pub(super) styles: Option<Param<Tensor<2>>>,
    #[module(skip)]
    pub(super) config: GanConfig,
}

impl Generator {
    /// A generator with weights drawn from `rng`: uniform within ±√(6 / (fan in + fan out)), biases
    /// zero. The learned output map, if there is one, starts at zero, styles as draws from a normal distribution.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use deepcompose_models::gan::{GanCondition, GanConfig, Generator};
    /// use rand::SeedableRng;
    ///
    /// let config = GanConfig::reference().to_builder().filters(2).latent_channels(3).build()?;
    /// let device = Device::default();
    /// let generator = Generator::new(&config, &mut rand_chacha::ChaCha8Rng::seed_from_u64(1), &device);
    /// let silence = Tensor::full([1, 1, 32, 128], -1.0, &device);
    /// let condition = GanCondition { melody: silence, chords: None, previous: None, attributes: None };
    /// let tracks = generator.forward(&condition, Tensor::zeros([1, 3, 2, 8], &device))?;
    /// assert_eq!(tracks.dims(), [1, 4, 32, 128]);
    /// # Ok::<(), deepcompose_models::gan::GanError>(())
    /// ```
    pub fn new<R: Rng + ?Sized>(config: &GanConfig, rng: &mut R, device: &Device) -> Self {
        let zeros = Self::zeros(config, device);
        let (output_map, styles) = (zeros.output_map.clone(), zeros.styles.clone());
        let drawn = glorot(Self { output_map: None, styles: None, ..zeros }, rng);
        let mut generator = Self { output_map, ..drawn };
        if let Some(shape) = styles.map(|styles| styles.dims()) {
            generator.set_styles(truncated_normal(shape.iter().product(), rng), shape, device);
        }
        generator
    }

    /// A generator whose weights are all zero, to be loaded into.
    pub(crate) fn zeros(config: &GanConfig, device: &Device) -> Self {
        let filters = |level| config.level_filters(level);
        let down = (0..LEVELS)
            .map(|level| {
                let inputs = if level == 0 { config.condition_channels() } else { filters(level - 1) };
                Down::new(inputs, filters(level), level > 0, device)
            })
            .collect();
        let has_attributes = config.attributes() > 0;
        let bottleneck = filters(LEVELS - 1)
            + config.latent_channels()
            + if has_attributes { config.attribute_channels() } else { 0 };
        let up = (0..LEVELS - 1)
            .rev()
            .map(|level| {
                // Below the top of the decoder, inputs are the block before and its skip.
                let inputs = if level == LEVELS - 2 { bottleneck } else { 2 * filters(level + 1) };
                Up::new(inputs, filters(level), device)
            })
            .collect();
        let [rows, columns] = config.bottleneck();
        let [tracks, steps, pitches] = config.window_shape();
        Self {
            down,
            up,
            head: keeping_conv(2 * filters(0), tracks, device),
            attributes: attribute_map(
                config.attributes(),
                config.attribute_channels() * rows * columns,
                device,
            ),
            output_map: if config.output_map() {
                attribute_map(config.attributes(), tracks * steps * pitches, device)
            } else {
                None
            },
            harmony: config.chords().then(|| Harmony::zeros(device)),
            styles: (config.styles() > 0).then(|| {
                Initializer::Zeros.init(
                    [config.genres().max(1) * config.styles(), config.latent_shape().iter().product()],
                    device,
                )
            }),
            config: config.clone(),
        }
    }

    /// What chooses the chords, if the networks are told of chords.
    #[must_use]
    pub fn chord_model(&self) -> Option<ChordModel> {
        self.harmony.as_ref().map(Harmony::model)
    }

    /// The styles that accompaniments are played in, if there are any.
    #[must_use]
    pub fn styles(&self) -> Option<Styles> {
        self.styles.as_ref().map(|styles| Styles::new(numbers(styles.val()), &self.config))
    }

    /// Replaces the styles; for generators that have any.
    pub(super) fn set_styles(&mut self, values: Vec<f32>, shape: [usize; 2], device: &Device) {
        self.styles = Some(Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device)));
    }

    /// The sizes of the network.
    #[must_use]
    pub const fn config(&self) -> &GanConfig {
        &self.config
    }

    /// Tracks in −1..1, `[batch, rolls, steps, pitches]`, from a condition and a latent of shape
    /// `[batch, latent channels, steps / 16, pitches / 16]`.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] or [`GanError::Condition`].
    pub fn forward(&self, condition: &GanCondition, latent: Tensor<4>) -> Result<Tensor<4>, GanError> {
        Ok(self.logits(condition, latent)?.tanh())
    }

    /// What [`Generator::forward`] takes the hyperbolic tangent of. A cell sounds with
    /// probability (1 + tanh a) / 2 = sigmoid(2a), by which the reconstruction loss reads it.
    ///
    /// # Errors
    ///
    /// [`GanError::Shape`] or [`GanError::Condition`].
    pub fn logits(&self, condition: &GanCondition, latent: Tensor<4>) -> Result<Tensor<4>, GanError> {
        let batch = condition.check(&self.config)?;
        let [channels, rows, columns] = self.config.latent_shape();
        expect("latent", latent.dims(), [batch, channels, rows, columns])?;

        let mut x = condition.rolls();
        let mut skips = Vec::with_capacity(LEVELS);
        for down in &self.down {
            x = down.forward(x);
            skips.push(x.clone());
        }
        // The deepest activation is not its own skip.
        skips.pop();
        let mut bottleneck = vec![x, latent];
        if let (Some(map), Some(attributes)) = (&self.attributes, &condition.attributes) {
            let planes = self.config.attribute_channels();
            bottleneck.push(map.forward(attributes.clone()).reshape([batch, planes, rows, columns]));
        }
        let mut x = Tensor::cat(bottleneck, 1);
        for up in &self.up {
            x = up.forward(x);
            if let Some(skip) = skips.pop() {
                x = Tensor::cat(vec![x, skip], 1);
            }
        }
        let logits = double_then_conv(x, &self.head);
        Ok(match (&self.output_map, &condition.attributes) {
            (Some(map), Some(attributes)) => {
                let [tracks, steps, pitches] = self.config.window_shape();
                logits + map.forward(attributes.clone()).reshape([batch, tracks, steps, pitches])
            }
            _ => logits,
        })
    }
}

impl crate::weights::Model for Generator {
    const KIND: &'static str = "gan-generator";

    type Error = GanError;

    type Config = GanConfig;

    fn config(&self) -> &GanConfig {
        &self.config
    }

    /// Files of before there were onsets have none.
    fn complete(config: &mut serde_json::Map<String, serde_json::Value>) {
        config.entry("onsets").or_insert(false.into());
    }

    /// All weights are zero until they are loaded; [`Generator::new`] draws them.
    fn build(config: &GanConfig, device: &Device) -> Result<Self, GanError> {
        Ok(Self::zeros(config, device))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use burn::module::ModuleVisitor;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Counts what training changes: running averages of batch norm are not.
    #[derive(Default)]
    struct Trained {
        path: Vec<String>,
        count: usize,
    }

    impl ModuleVisitor for Trained {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !self.path.last().is_some_and(|name| name.starts_with("running")) {
                self.count += param.lazy_shape().num_elements();
            }
        }
    }

    #[test]
    fn parameters_are_counted() {
        let small = GanConfig::reference().to_builder().filters(3).latent_channels(5).build().unwrap();
        let told = GanConfig::accompaniment().to_builder().onsets(true).build().unwrap();
        for config in [small, told, GanConfig::accompaniment(), GanConfig::reference()] {
            let mut trained = Trained::default();
            Generator::zeros(&config, &Device::flex()).visit(&mut trained);
            assert_eq!(config.generator_parameters(), trained.count);
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let device = Device::flex();
        let base = GanConfig::accompaniment().to_builder().filters(1).latent_channels(2).pitches(16);
        let config = base.onsets(true).build().unwrap();
        let generator = Generator::new(&config, &mut ChaCha8Rng::seed_from_u64(0), &device);
        let zeros = |channels, steps| Tensor::<4>::zeros([2, channels, steps, 16], &device);
        let whole = || GanCondition {
            melody: zeros(1, 32),
            chords: Some(zeros(2, 32)),
            previous: Some(zeros(7, 32)),
            attributes: Some(Tensor::zeros([2, 11], &device)),
        };
        let latent = || Tensor::<4>::zeros([2, 2, 2, 1], &device);
        assert!(generator.forward(&whole(), latent()).is_ok());
        let refused = |condition: GanCondition| generator.forward(&condition, latent()).unwrap_err();
        let shape = |error: GanError, name: &str| match error {
            GanError::Shape { what, .. } => assert_eq!(what, name),
            other => panic!("{name}: {other}"),
        };
        shape(refused(GanCondition { melody: zeros(1, 48), ..whole() }), "melody");
        shape(refused(GanCondition { chords: Some(zeros(1, 32)), ..whole() }), "chords");
        shape(refused(GanCondition { previous: Some(zeros(4, 32)), ..whole() }), "previous tracks");
        let short = Some(Tensor::zeros([2, 10], &device));
        shape(refused(GanCondition { attributes: short, ..whole() }), "attributes");
        for missing in [
            GanCondition { chords: None, ..whole() },
            GanCondition { previous: None, ..whole() },
            GanCondition { attributes: None, ..whole() },
        ] {
            assert!(matches!(refused(missing), GanError::Condition(_)));
        }
        let wide = generator.forward(&whole(), Tensor::zeros([2, 3, 2, 1], &device)).unwrap_err();
        shape(wide, "latent");

        let plain = GanConfig::reference().to_builder().filters(1).pitches(16).build().unwrap();
        let plain = Generator::new(&plain, &mut ChaCha8Rng::seed_from_u64(0), &device);
        let melody = || GanCondition { chords: None, previous: None, attributes: None, ..whole() };
        assert!(plain.forward(&melody(), Tensor::zeros([2, 512, 2, 1], &device)).is_ok());
        for extra in [
            GanCondition { chords: whole().chords, ..melody() },
            GanCondition { previous: whole().previous, ..melody() },
            GanCondition { attributes: whole().attributes, ..melody() },
        ] {
            let error = plain.forward(&extra, Tensor::zeros([2, 512, 2, 1], &device)).unwrap_err();
            assert!(matches!(error, GanError::Condition(_)));
        }
    }
}
