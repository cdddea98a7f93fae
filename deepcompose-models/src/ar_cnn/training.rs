//! [`ArCnnTraining`]: how an AR-CNN is trained.

use serde::{Deserialize, Serialize};

use super::{ArCnnConfig, Corruption};
use crate::error::ModelError;
use crate::training::{Decay, Freeze, GradientEngine, Schedule, TrainConfig};

/// A whole AR-CNN run as a configuration file.
pub type ArCnnTrainConfig = TrainConfig<ArCnnConfig, ArCnnTraining>;

/// How an AR-CNN is trained; checked when a trainer is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArCnnTraining {
    /// Steps of the whole run, at least 1.
    pub steps: usize,
    /// Windows computed at once, 1..=4096.
    pub batch_size: usize,
    /// Batches whose gradients are averaged in a step, 1..=1024.
    pub accumulate: usize,
    /// Adam's highest learning rate, above 0 and at most 1.
    pub learning_rate: f64,
    /// Steps until the learning rate is highest.
    pub warmup: usize,
    /// How the learning rate falls afterwards.
    pub decay: Decay,
    /// Largest norm of the whole gradient, above 0; a larger one is scaled down to it. Not clipped if `None`.
    pub clip: Option<f64>,
    /// How windows are spoilt.
    pub corruption: Corruption,
    /// Each window is transposed by up to this many semitones either way, 0..=64.
    pub transpose: i32,
    /// How many of the network's pitches to train on at once, a random band for each window: a multiple of
    /// 2^levels. All of them if 0.
    pub band: usize,
    /// Parts of a batch computed at once on threads of their own, 1..=256 and at most `batch_size`. Each part is
    /// normalised by its own statistics. With 1, the convolutions use all threads of rayon's global pool. The result
    /// depends on this number.
    pub workers: usize,
    /// How gradients are computed.
    pub engine: GradientEngine,
    /// Paths of parameters that stay as they are, such as `encoder` or `decoder.*.norm`; for fine-tuning.
    pub freeze: Freeze,
    /// The seed of everything random in the run.
    pub seed: u64,
}

impl ArCnnTraining {
    /// The published training but for its length (500 epochs): Adam at 1e-3, constant, 32 windows a step, no
    /// transposition.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            batch_size: 32,
            learning_rate: 1e-3,
            warmup: 0,
            decay: Decay::Constant,
            transpose: 0,
            band: 0,
            ..Self::default()
        }
    }

    /// How windows are varied: semitones of transposition, pitches of a band.
    pub(super) fn augmentation(&self) -> (i32, Option<usize>) {
        (self.transpose, (self.band > 0).then_some(self.band))
    }

    /// The learning rate over the steps.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup, steps: self.steps, decay: self.decay }
    }

    /// Checks every field, for a network of these sizes.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self, model: &ArCnnConfig) -> Result<(), ModelError> {
        model.validate()?;
        self.corruption.validate()?;
        self.schedule().validate()?;
        let factor = 1 << model.levels;
        if self.band > model.pitches || !self.band.is_multiple_of(factor) {
            let accepted = format!("0, or a multiple of {factor} up to {}", model.pitches);
            return Err(ModelError::range("band", self.band, accepted));
        }
        for (field, value, most) in [
            ("batch_size", self.batch_size, 4096),
            ("accumulate", self.accumulate, 1024),
            ("workers", self.workers, self.batch_size.min(256)),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ModelError::range(field, value, format!("1..={most}")));
            }
        }
        if !(0..=64).contains(&self.transpose) {
            return Err(ModelError::range("transpose", self.transpose, "0..=64"));
        }
        if let Some(clip) = self.clip
            && !(clip > 0.0 && clip.is_finite())
        {
            return Err(ModelError::range("clip", clip, "a finite number above 0"));
        }
        Ok(())
    }
}

impl Default for ArCnnTraining {
    /// How the training of the shipped weights began, but for its length (1700 steps): 2000 steps of 16 windows, a cosine
    /// from 2e-3 after 100 steps of warm-up, transposition by up to 6 semitones, bands of 64 pitches.
    fn default() -> Self {
        Self {
            steps: 2000,
            batch_size: 16,
            accumulate: 1,
            learning_rate: 2e-3,
            warmup: 100,
            decay: Decay::Cosine,
            clip: None,
            corruption: Corruption::default(),
            transpose: 6,
            band: 64,
            workers: 1,
            engine: GradientEngine::Auto,
            freeze: Freeze::default(),
            seed: 1,
        }
    }
}
