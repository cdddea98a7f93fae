//! Learning-rate schedules.

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// How the learning rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// It stays at the peak.
    Constant,
    /// Half a cosine from the peak to a hundredth of it at the end of the run; the Transformer's, which may end by time, gets
    /// there a step after the last.
    #[default]
    Cosine,
    /// With the inverse square root of the step (Vaswani et al. 2017, §5.3).
    InverseSquareRoot,
}

/// A learning rate for every step: a linear rise over `warmup` steps to `peak`, then [`Decay`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest learning rate, more than 0.
    pub peak: f64,
    /// Steps until the peak.
    pub warmup: usize,
    /// Steps of the whole run, at which the cosine ends; at least 1.
    pub steps: usize,
    /// What happens after the warm-up.
    pub decay: Decay,
}

impl Schedule {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        if !(self.peak > 0.0 && self.peak <= 1.0) {
            return Err(ModelError::range("learning_rate", self.peak, "above 0, at most 1"));
        }
        if self.steps == 0 {
            return Err(ModelError::range("steps", self.steps, "1 or more"));
        }
        Ok(())
    }

    /// The learning rate of step `step`, counted from 0.
    #[must_use]
    pub fn at(&self, step: usize) -> f64 {
        let (now, warmup) = (step as f64 + 1.0, self.warmup as f64);
        if now <= warmup {
            return self.peak * now / warmup;
        }
        match self.decay {
            Decay::Constant => self.peak,
            Decay::InverseSquareRoot => self.peak * (warmup.max(1.0) / now).sqrt(),
            Decay::Cosine => {
                let left = (self.steps as f64 - warmup).max(1.0);
                let done = ((now - warmup) / left).min(1.0);
                self.peak * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(decay: Decay) -> Schedule {
        Schedule { peak: 0.5, warmup: 4, steps: 104, decay }
    }

    #[test]
    fn rises_linearly_to_the_peak() {
        let rates: Vec<f64> = (0..4).map(|s| schedule(Decay::Cosine).at(s)).collect();
        assert_eq!(rates, [0.125, 0.25, 0.375, 0.5]);
    }

    #[test]
    fn falls_as_named() {
        assert_eq!(schedule(Decay::Constant).at(1000), 0.5);
        // Sixteen steps are four times the warm-up: half the peak.
        assert!((schedule(Decay::InverseSquareRoot).at(15) - 0.25).abs() < 1e-12);
        // Half way the cosine is at the mean of its ends, 0.5 and 0.005.
        assert!((schedule(Decay::Cosine).at(53) - 0.2525).abs() < 1e-12);
        assert!((schedule(Decay::Cosine).at(103) - 0.005).abs() < 1e-12);
    }
}
