//! [`TransformerTraining`]: how a Transformer-XL is trained.

use serde::{Deserialize, Serialize};

use super::config::{TransformerXlConfig, config_error, in_range};
use super::error::TransformerError;
use crate::training::{Decay, Freeze, GradientEngine, TrainConfig};

/// A whole Transformer run as a configuration file.
pub type TransformerTrainConfig = TrainConfig<TransformerXlConfig, TransformerTraining>;

/// Settings of a [`TransformerTrainer`](super::TransformerTrainer), checked when it is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerTraining {
    /// Steps of the run, 1..=1 000 000 000.
    pub steps: usize,
    /// Seconds after which the run ends even with fewer steps, above 0. The cosine schedule then follows
    /// the time where that is ahead of the steps, so that it always ends low; what is trained then depends
    /// on the speed of the machine.
    pub time_limit: Option<f64>,
    /// Pieces side by side, the batch size, 1..=4096.
    pub lanes: usize,
    /// Segments of every lane whose gradients are averaged in a step, 1..=1024.
    pub accumulate: usize,
    /// Peak learning rate, above 0 and at most 1.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises from zero.
    pub warmup: usize,
    /// How it falls afterwards.
    pub decay: Decay,
    /// Decoupled weight decay of matrices (Loshchilov and Hutter 2019), 0..=1.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient, above 0; a larger gradient is scaled down to it.
    pub clip: f64,
    /// Most semitones of transposition up or down, 0..=48.
    pub transpose: u32,
    /// Parts of the batch computed at once, each on one thread, 1..=256 and at most `lanes`. With 1, the
    /// matrix products use all threads of rayon's global pool. The result depends on this number, by
    /// rounding and by the draws of dropout. The autodiff engine takes the batch whole.
    pub workers: usize,
    /// How gradients are computed.
    pub engine: GradientEngine,
    /// Paths of parameters that stay as they are, such as `embedding` or `layers.0`; for fine-tuning.
    pub freeze: Freeze,
    /// Seed of the weights, shuffling, transposition and dropout.
    pub seed: u64,
}

impl Default for TransformerTraining {
    fn default() -> Self {
        Self {
            steps: 10_000,
            time_limit: None,
            lanes: 16,
            accumulate: 1,
            learning_rate: 1e-3,
            warmup: 200,
            decay: Decay::Cosine,
            weight_decay: 0.01,
            clip: 1.0,
            transpose: 6,
            workers: 2,
            engine: GradientEngine::Auto,
            freeze: Freeze::default(),
            seed: 1,
        }
    }
}

impl TransformerTraining {
    /// The reference's training: Adam with peak 5e-4, 4000 steps of warm-up, then the inverse square root;
    /// batch 64, 100 000 steps, transposition by up to 3 semitones.
    pub fn reference() -> Self {
        Self {
            steps: 100_000,
            lanes: 64,
            learning_rate: 5e-4,
            warmup: 4000,
            decay: Decay::InverseSquareRoot,
            weight_decay: 0.0,
            transpose: 3,
            ..Self::default()
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Config`] names the first field that is out of its range.
    pub fn validate(&self) -> Result<(), TransformerError> {
        let above = |field, value: f64, most: f64| {
            let fine = value > 0.0 && value <= most;
            if fine { Ok(()) } else { Err(config_error(field, value, format!("above 0, up to {most}"))) }
        };
        if !(1..=1_000_000_000).contains(&self.steps) {
            return Err(config_error("steps", self.steps, "1..=1000000000"));
        }
        above("time_limit", self.time_limit.unwrap_or(1.0), 1e9)?;
        in_range("lanes", self.lanes, 1, 4096)?;
        in_range("accumulate", self.accumulate, 1, 1024)?;
        above("learning_rate", self.learning_rate, 1.0)?;
        if !(0.0..=1.0).contains(&self.weight_decay) {
            return Err(config_error("weight_decay", self.weight_decay, "0..=1"));
        }
        above("clip", self.clip, f64::MAX)?;
        in_range("transpose", self.transpose as usize, 0, 48)?;
        in_range("workers", self.workers, 1, self.lanes.min(256))?;
        Ok(())
    }

    /// The part of the run that is over, 0..=1.
    pub(crate) fn progress(&self, step: usize, seconds: f64) -> f64 {
        let by_steps = step as f64 / self.steps as f64;
        by_steps.max(self.time_limit.map_or(0.0, |limit| seconds / limit)).min(1.0)
    }

    /// The learning rate of a step, counted from zero, begun after so many seconds of training.
    pub fn learning_rate_at(&self, step: usize, seconds: f64) -> f64 {
        let (done, warmup) = ((step + 1) as f64, self.warmup.max(1) as f64);
        if done < warmup {
            return self.learning_rate * done / warmup;
        }
        match self.decay {
            Decay::Constant => self.learning_rate,
            Decay::InverseSquareRoot => self.learning_rate * (warmup / done).sqrt(),
            Decay::Cosine => {
                let begin = (warmup / self.steps as f64).min(1.0);
                let rest = (self.progress(step, seconds) - begin) / (1.0 - begin).max(f64::EPSILON);
                let height = 0.5 * (1.0 + (std::f64::consts::PI * rest.clamp(0.0, 1.0)).cos());
                self.learning_rate * (0.01 + 0.99 * height)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn the_reference_warms_up_to_5e_4_and_falls_with_the_root() {
        let config = TransformerTraining::reference();
        config.validate().unwrap();
        close(config.learning_rate_at(0, 0.0), 5e-4 / 4000.0);
        close(config.learning_rate_at(1999, 0.0), 2.5e-4);
        close(config.learning_rate_at(3999, 0.0), 5e-4);
        close(config.learning_rate_at(15_999, 0.0), 2.5e-4);
    }

    #[test]
    fn the_cosine_ends_at_a_hundredth_by_steps_or_by_time() {
        let config =
            TransformerTraining { steps: 1100, warmup: 100, time_limit: Some(1100.0), ..Default::default() };
        close(config.learning_rate_at(99, 0.0), 1e-3);
        close(config.learning_rate_at(600, 0.0), 1e-3 * 0.505);
        close(config.learning_rate_at(300, 600.0), 1e-3 * 0.505);
        close(config.learning_rate_at(1100, 0.0), 1e-5);
        close(config.learning_rate_at(200, 1e6), 1e-5);
    }

    #[test]
    fn each_bad_setting_is_named() {
        let good = TransformerTraining::default;
        let bad = [
            (TransformerTraining { steps: 0, ..good() }, "steps is 0"),
            (TransformerTraining { time_limit: Some(0.0), ..good() }, "time_limit is 0"),
            (TransformerTraining { lanes: 0, ..good() }, "lanes is 0"),
            (TransformerTraining { learning_rate: f64::NAN, ..good() }, "learning_rate is NaN"),
            (TransformerTraining { weight_decay: -0.1, ..good() }, "weight_decay is -0.1"),
            (TransformerTraining { clip: 0.0, ..good() }, "clip is 0"),
            (TransformerTraining { transpose: 49, ..good() }, "transpose is 49"),
            (TransformerTraining { lanes: 2, workers: 3, ..good() }, "workers is 3: 1..=2"),
            (TransformerTraining { accumulate: 0, ..good() }, "accumulate is 0"),
        ];
        for (config, expected) in bad {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
