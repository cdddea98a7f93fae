//! [`ChoraleTraining`]: how a chorale Transformer is trained.

use serde::{Deserialize, Serialize};

use super::config::ChoraleConfig;
use crate::error::ModelError;
use crate::training::{Decay, Freeze, Schedule, TrainConfig};

/// A whole run as a configuration file.
pub type ChoraleTrainConfig = TrainConfig<ChoraleConfig, ChoraleTraining>;

/// Settings of a [`ChoraleTrainer`](super::ChoraleTrainer), checked when it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChoraleTraining {
    /// Steps of the run, at least 1.
    pub steps: usize,
    /// Windows a step, 1..=4096.
    pub batch_size: usize,
    /// Sixteenths of a window, 1..=4096.
    pub window: usize,
    /// Peak learning rate, above 0 and at most 1.
    pub learning_rate: f64,
    /// Steps until the peak.
    pub warmup: usize,
    /// How it falls afterwards.
    pub decay: Decay,
    /// Decoupled weight decay of matrices (Loshchilov and Hutter 2019), 0..=1.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient, above 0; a larger gradient is scaled down to it.
    pub clip: f64,
    /// Most semitones of transposition up or down, within the range of the corpus, 0..=24.
    pub transpose: i32,
    /// Mean share of a voice's steps that are hidden from the states, 0..=0.5; each window's own share is even between
    /// zero and twice as much. What is predicted is not hidden. Without it, a corpus of a few hundred chorales is soon
    /// learnt by heart.
    pub hide: f64,
    /// Mean share of what the tunes that are known tell that is forgotten, 0..=0.5, each window's own share as that of
    /// `hide`. A network that is always told all learns the corpus by what it is told.
    pub forget: f64,
    /// How much of the loss is of a teacher's distributions where there is a teacher, 0..=1; the rest is of the cells.
    pub teacher_share: f64,
    /// Parts of a batch computed at once, each on one thread, 1..=256 and at most `batch_size`. The result depends on
    /// this number, by rounding and by the draws of dropout.
    pub workers: usize,
    /// Paths of parameters that stay as they are, such as `table` or `layers.0`; for fine-tuning.
    pub freeze: Freeze,
    /// Seed of the weights, the windows and what is dropped.
    pub seed: u64,
}

impl Default for ChoraleTraining {
    fn default() -> Self {
        Self {
            steps: 3000,
            batch_size: 8,
            window: 256,
            learning_rate: 2e-3,
            warmup: 100,
            decay: Decay::Cosine,
            weight_decay: 0.05,
            clip: 1.0,
            transpose: 6,
            hide: 0.25,
            forget: 0.25,
            teacher_share: 1.0,
            workers: 2,
            freeze: Freeze::default(),
            seed: 1,
        }
    }
}

impl ChoraleTraining {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] names the first field that is out of its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.schedule().validate()?;
        for (field, value, most) in [
            ("batch_size", self.batch_size, 4096),
            ("window", self.window, 4096),
            ("workers", self.workers, self.batch_size.min(256)),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ModelError::range(field, value, format!("1..={most}")));
            }
        }
        let fractions = [
            ("weight_decay", self.weight_decay, 1.0),
            ("hide", self.hide, 0.5),
            ("forget", self.forget, 0.5),
            ("teacher_share", self.teacher_share, 1.0),
        ];
        for (field, value, most) in fractions {
            if !(0.0..=most).contains(&value) {
                return Err(ModelError::range(field, value, format!("0..={most}")));
            }
        }
        if !(self.clip > 0.0 && self.clip.is_finite()) {
            return Err(ModelError::range("clip", self.clip, "a finite number above 0"));
        }
        if !(0..=24).contains(&self.transpose) {
            return Err(ModelError::range("transpose", self.transpose, "0..=24"));
        }
        Ok(())
    }

    /// The learning rate over the steps.
    pub(super) fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup, steps: self.steps, decay: self.decay }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn each_bad_setting_is_named() {
        let good = ChoraleTraining::default;
        assert_eq!(good().validate(), Ok(()));
        let bad = [
            (ChoraleTraining { steps: 0, ..good() }, "steps 0"),
            (ChoraleTraining { learning_rate: 2.0, ..good() }, "learning_rate 2"),
            (ChoraleTraining { batch_size: 0, ..good() }, "batch_size 0"),
            (ChoraleTraining { window: 5000, ..good() }, "window 5000"),
            (ChoraleTraining { batch_size: 2, workers: 3, ..good() }, "workers 3 is out of range: 1..=2"),
            (ChoraleTraining { hide: 0.6, ..good() }, "hide 0.6 is out of range: 0..=0.5"),
            (ChoraleTraining { forget: f64::NAN, ..good() }, "forget NaN is out of range: 0..=0.5"),
            (ChoraleTraining { teacher_share: 1.5, ..good() }, "teacher_share 1.5 is out of range: 0..=1"),
            (ChoraleTraining { weight_decay: f64::NAN, ..good() }, "weight_decay NaN"),
            (ChoraleTraining { clip: 0.0, ..good() }, "clip 0"),
            (ChoraleTraining { transpose: -1, ..good() }, "transpose -1"),
        ];
        for (training, expected) in bad {
            let message = training.validate().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
