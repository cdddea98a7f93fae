//! [`Composer`]: the three models behind one door.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use deepcompose_core::Score;
use deepcompose_models::ar_cnn::{ArCnn, PreparedArCnn};
use deepcompose_models::compose::{
    self, ArCnnParams, ComposeError, Composition, GanParams, Observer, TransformerParams,
};
use deepcompose_models::gan::{Generator, PreparedGenerator, WindowGenerator};
use deepcompose_models::transformer::{DecodePrecision, PreparedTransformer, TransformerXl, Vocabulary};
use deepcompose_models::velocity::{VelocityModel, VelocityNetwork};
use deepcompose_models::weights::{self, Model};
use deepcompose_models::{Device, ModelError, WeightsError};
use deepcompose_samplers::EditModel;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::technique::Technique;

/// Where a model comes from: a weights file, or a network that is already in memory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ModelSource<M> {
    /// A weights file, read when the composer is built.
    File(PathBuf),
    /// A network.
    Model(Box<M>),
}

impl<M> From<&Path> for ModelSource<M> {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl<M> From<PathBuf> for ModelSource<M> {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl<M> From<&str> for ModelSource<M> {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

macro_rules! source_from {
    ($($model:ty),*) => {
        $(impl From<$model> for ModelSource<$model> {
            fn from(model: $model) -> Self {
                Self::Model(Box::new(model))
            }
        })*
    };
}

source_from!(ArCnn, TransformerXl, Generator, VelocityNetwork);

/// A model could not be loaded.
#[derive(Debug, Error)]
#[error("the {model} model could not be loaded: {source}")]
pub struct BuildError {
    /// Which of them.
    pub model: &'static str,
    /// Why.
    pub source: WeightsError,
}

/// Settings of a [`Composer`].
#[derive(Debug, Clone)]
pub struct ComposerBuilder {
    seed: u64,
    device: Device,
    precision: DecodePrecision,
    ar_cnn: Option<ModelSource<ArCnn>>,
    transformer: Option<ModelSource<TransformerXl>>,
    gan: Option<ModelSource<Generator>>,
    velocity: Option<ModelSource<VelocityNetwork>>,
}

impl ComposerBuilder {
    /// The seed of everything random; 0 unless set.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where the networks run; the CPU unless set. A network given as a value stays on its own device.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// In how many bits the Transformer's weights are kept while it decodes; 32 unless set. With fewer it is faster and a
    /// little less exact.
    #[must_use]
    pub fn precision(mut self, precision: DecodePrecision) -> Self {
        self.precision = precision;
        self
    }

    /// An AR-CNN in place of the embedded one: a path to a weights file, or a network.
    #[must_use]
    pub fn ar_cnn(mut self, source: impl Into<ModelSource<ArCnn>>) -> Self {
        self.ar_cnn = Some(source.into());
        self
    }

    /// A Transformer in place of the embedded one: a path to a weights file, or a network.
    #[must_use]
    pub fn transformer(mut self, source: impl Into<ModelSource<TransformerXl>>) -> Self {
        self.transformer = Some(source.into());
        self
    }

    /// A GAN generator in place of the embedded one: a path to a weights file, or a network.
    #[must_use]
    pub fn gan(mut self, source: impl Into<ModelSource<Generator>>) -> Self {
        self.gan = Some(source.into());
        self
    }

    /// A velocity network, which tells how hard a band plays its notes, in place of the embedded one: a path to a
    /// weights file, or a network.
    #[must_use]
    pub fn velocity(mut self, source: impl Into<ModelSource<VelocityNetwork>>) -> Self {
        self.velocity = Some(source.into());
        self
    }

    /// Loads the models. Without the feature `pretrained` a model that was not given is left out,
    /// and its technique answers [`ComposeError::NoModel`]; without a velocity network a band has no accents: it is as
    /// loud as its melody from bar to bar.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the model and what is wrong with its file.
    pub fn build(self) -> Result<Composer, BuildError> {
        #[cfg(feature = "pretrained")]
        let embedded = {
            use deepcompose_models::pretrained;
            let (gan, velocity) = (Some(pretrained::GAN), Some(pretrained::VELOCITY));
            (Some(pretrained::AR_CNN), Some(pretrained::TRANSFORMER), gan, velocity)
        };
        #[cfg(not(feature = "pretrained"))]
        let embedded = (None, None, None, None);
        let ar_cnn = model("AR-CNN", self.ar_cnn, embedded.0, &self.device)?;
        let transformer = model("Transformer", self.transformer, embedded.1, &self.device)?;
        let gan = model("GAN", self.gan, embedded.2, &self.device)?;
        let velocity = model("velocity", self.velocity, embedded.3, &self.device)?;
        Ok(Composer {
            ar_cnn: ar_cnn.map(Editor::of).transpose()?,
            transformer: transformer.map(|network| decoding(&network, self.precision)).transpose()?,
            gan: gan.map(Band::of).transpose()?,
            velocity: velocity.map(|network: VelocityNetwork| network.model()),
            seed: self.seed,
        })
    }
}

/// A Transformer prepared for `extend`.
fn decoding(network: &TransformerXl, precision: DecodePrecision) -> Result<PreparedTransformer, BuildError> {
    check_tokenizer(network)?;
    network.prepare(precision).map_err(|e| unprepared("Transformer", &e))
}

/// An AR-CNN, prepared if it is on the CPU.
#[derive(Debug, Clone)]
enum Editor {
    Network(Box<ArCnn>),
    Prepared(PreparedArCnn),
}

impl Editor {
    fn of(network: ArCnn) -> Result<Self, BuildError> {
        if !network.is_on_cpu() {
            return Ok(Self::Network(Box::new(network)));
        }
        network.prepare().map(Self::Prepared).map_err(|e| unprepared("AR-CNN", &e))
    }

    fn model(&self) -> &dyn EditModel<Error = ModelError> {
        match self {
            Self::Network(network) => &**network,
            Self::Prepared(network) => network,
        }
    }
}

/// A generator, prepared if it is on the CPU.
#[derive(Debug, Clone)]
enum Band {
    Network(Box<Generator>),
    Prepared(PreparedGenerator),
}

impl Band {
    fn of(generator: Generator) -> Result<Self, BuildError> {
        if !generator.is_on_cpu() {
            return Ok(Self::Network(Box::new(generator)));
        }
        generator.prepare().map(Self::Prepared).map_err(|e| unprepared("GAN", &e))
    }

    fn generator(&self) -> &dyn WindowGenerator {
        match self {
            Self::Network(generator) => &**generator,
            Self::Prepared(generator) => generator,
        }
    }
}

/// A model that no engine takes.
fn unprepared(model: &'static str, error: &dyn std::fmt::Display) -> BuildError {
    BuildError { model, source: WeightsError::Malformed { what: error.to_string() } }
}

/// `extend` speaks performance tokens: a Transformer of another tokenizer cannot serve it.
fn check_tokenizer(network: &TransformerXl) -> Result<(), BuildError> {
    let accepted = Vocabulary::Performance;
    match network.config().tokenizer {
        Some(Vocabulary::Performance) => Ok(()),
        found => Err(BuildError {
            model: "Transformer",
            source: WeightsError::Unsupported {
                what: "tokenizer",
                found: found.map_or_else(|| "none".to_owned(), |tokenizer| tokenizer.to_string()),
                accepted: accepted.to_string(),
            },
        }),
    }
}

fn model<M: Model>(
    name: &'static str,
    source: Option<ModelSource<M>>,
    embedded: Option<&[u8]>,
    device: &Device,
) -> Result<Option<M>, BuildError> {
    match (source, embedded) {
        (Some(ModelSource::Model(model)), _) => Ok(Some(*model)),
        (Some(ModelSource::File(path)), _) => weights::load(path, device).map(Some),
        (None, Some(bytes)) => weights::from_bytes(bytes, device).map(Some),
        (None, None) => Ok(None),
    }
    .map_err(|source| BuildError { model: name, source })
}

/// The three models, and a seed. One composer can be shared by many threads.
///
/// Every call draws from a fresh rng of the composer's seed: the same seed, input, parameters and
/// weights give the same notes, in whatever order the calls are made.
#[derive(Debug, Clone)]
pub struct Composer {
    ar_cnn: Option<Editor>,
    transformer: Option<PreparedTransformer>,
    gan: Option<Band>,
    velocity: Option<VelocityModel>,
    seed: u64,
}

impl Composer {
    /// Embedded weights, the CPU, seed 0, all of which can be changed.
    #[must_use]
    pub fn builder() -> ComposerBuilder {
        ComposerBuilder {
            seed: 0,
            device: Device::default(),
            precision: DecodePrecision::Single,
            ar_cnn: None,
            transformer: None,
            gan: None,
            velocity: None,
        }
    }

    /// The same models with another seed.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// AR-CNN: adds and removes notes of the input. See [`compose::enhance`].
    ///
    /// # Errors
    ///
    /// [`ComposeError`]: a parameter out of range, an input without notes, no model.
    pub fn enhance(&self, input: &Score, params: &ArCnnParams) -> Result<Composition, ComposeError> {
        self.enhance_with(input, params, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Composer::enhance`] with an observer, called after every sampling iteration.
    ///
    /// # Errors
    ///
    /// As [`Composer::enhance`].
    pub fn enhance_with(
        &self,
        input: &Score,
        params: &ArCnnParams,
        observer: &mut Observer<'_>,
    ) -> Result<Composition, ComposeError> {
        let model = self.ar_cnn.as_ref().ok_or(ComposeError::NoModel("AR-CNN"))?;
        compose::enhance(model.model(), input, params, &mut rng(self.seed, 1), observer)
    }

    /// Transformer: continues the input. See [`compose::extend`].
    ///
    /// # Errors
    ///
    /// [`ComposeError`]: a parameter out of range, an input without notes, no model.
    pub fn extend(&self, input: &Score, params: &TransformerParams) -> Result<Composition, ComposeError> {
        self.extend_with(input, params, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Composer::extend`] with an observer, called after every token.
    ///
    /// # Errors
    ///
    /// As [`Composer::extend`].
    pub fn extend_with(
        &self,
        input: &Score,
        params: &TransformerParams,
        observer: &mut Observer<'_>,
    ) -> Result<Composition, ComposeError> {
        let model = self.transformer.as_ref().ok_or(ComposeError::NoModel("Transformer"))?;
        compose::extend(&mut model.decoder(), input, params, &mut rng(self.seed, 2), observer)
    }

    /// Continues the input several times, at less than the cost of one after another. The first is what
    /// [`Composer::extend`] gives, the others what it would give with the seeds that follow. See
    /// [`compose::extend_several`].
    ///
    /// ```
    /// # #[cfg(feature = "pretrained")] {
    /// use deepcompose::prelude::*;
    ///
    /// let composer = Composer::builder().seed(7).build()?;
    /// let params = TransformerParams { track_extension_duration: 2.0, ..TransformerParams::default() };
    /// let melody = InputTrack::FrereJacques.score();
    /// let several = composer.extend_several(&melody, &params, 2)?;
    /// assert_eq!(several[1].tracks(), composer.with_seed(8).extend(&melody, &params)?.tracks());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Composer::extend`], and [`ComposeError::Parameter`] for more than
    /// [`MAX_CONTINUATIONS`](compose::MAX_CONTINUATIONS).
    pub fn extend_several(
        &self,
        input: &Score,
        params: &TransformerParams,
        count: usize,
    ) -> Result<Vec<Composition>, ComposeError> {
        let model = self.transformer.as_ref().ok_or(ComposeError::NoModel("Transformer"))?;
        // One too many is enough to be refused.
        let most = count.min(compose::MAX_CONTINUATIONS + 1) as u64;
        let rngs = (0..most).map(|more| rng(self.seed.wrapping_add(more), 2)).collect();
        let model = &mut model.decoder();
        compose::extend_several(model, input, params, rngs, &mut |_| ControlFlow::Continue(()))
    }

    /// GAN: adds drums, bass, guitar and keys in a genre. See [`compose::accompany`].
    ///
    /// # Errors
    ///
    /// [`ComposeError`]: a parameter out of range, an input without notes, no model.
    pub fn accompany(&self, input: &Score, params: &GanParams) -> Result<Composition, ComposeError> {
        self.accompany_with(input, params, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Composer::accompany`] with an observer, called after every group of bars.
    ///
    /// # Errors
    ///
    /// As [`Composer::accompany`].
    pub fn accompany_with(
        &self,
        input: &Score,
        params: &GanParams,
        observer: &mut Observer<'_>,
    ) -> Result<Composition, ComposeError> {
        let model = self.gan.as_ref().ok_or(ComposeError::NoModel("GAN"))?;
        let mut rng = rng(self.seed, 3);
        compose::accompany(model.generator(), self.velocity.as_ref(), input, params, &mut rng, observer)
    }

    /// Any of the three.
    ///
    /// # Errors
    ///
    /// As the method of the technique.
    pub fn compose(&self, input: &Score, technique: &Technique) -> Result<Composition, ComposeError> {
        self.compose_with(input, technique, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Composer::compose`] with an observer.
    ///
    /// # Errors
    ///
    /// As the method of the technique.
    pub fn compose_with(
        &self,
        input: &Score,
        technique: &Technique,
        observer: &mut Observer<'_>,
    ) -> Result<Composition, ComposeError> {
        match technique {
            Technique::ArCnn(params) => self.enhance_with(input, params, observer),
            Technique::Transformer(params) => self.extend_with(input, params, observer),
            Technique::Gan(params) => self.accompany_with(input, params, observer),
        }
    }
}

/// The random numbers of a technique.
fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}
