//! [`GanTraining`]: how the networks are trained.

use serde::{Deserialize, Serialize};

use super::loss::PENALTY_WEIGHT;
use super::{GanConfig, GanError};
use crate::training::{Freeze, TrainConfig};

/// A whole GAN run as a configuration file.
pub type GanTrainConfig = TrainConfig<GanConfig, GanTraining>;

/// How a [`GanTrainer`](super::GanTrainer) trains; checked when the trainer is made.
///
/// Fields may be set freely: `GanTraining { steps: 200, ..GanTraining::accompaniment() }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanTraining {
    /// Generator steps, 1..=10 000 000.
    pub steps: usize,
    /// Windows a batch, 1..=1024.
    pub batch_size: usize,
    /// Critic steps for each generator step, 1..=100.
    pub critic_steps: usize,
    /// Adam's learning rate at the start, over 0 and at most 1.
    pub learning_rate: f64,
    /// Share of the steps, at the end, over which the learning rate falls to zero in a straight
    /// line, 0..=1.
    pub decay: f64,
    /// Adam's first-moment decay, 0..1.
    pub beta_1: f32,
    /// Adam's second-moment decay, 0..1.
    pub beta_2: f32,
    /// Weight of the gradient penalty, 0..=1e6.
    pub penalty_weight: f64,
    /// Weight of the adversarial part of the generator's loss, 0..=1e6.
    pub adversarial_weight: f64,
    /// Weight of [`reconstruction_loss`](super::loss::reconstruction_loss) in the generator's loss,
    /// 0..=1e6; 0 leaves it out.
    pub reconstruction_weight: f64,
    /// How many times a sounding cell counts in the reconstruction loss, 0.01..=1000.
    pub positive_weight: f64,
    /// Each window is transposed by up to this many semitones either way, 0..=11; drums stay.
    pub transpose: u8,
    /// Probability, 0..=1, of a window being given silence for its previous tracks, so that the
    /// generator does not lean on them alone.
    pub previous_dropout: f32,
    /// Probability, 0..=1, of a window being the one after a window of the batch before, and of being given the
    /// tracks that the generator made there; otherwise a window is drawn anew. So the generator learns to go on from
    /// its own tracks, as it must in use (Bengio et al. 2015, "Scheduled sampling").
    pub own_previous: f32,
    /// Share of the steps, at the start, over which `own_previous` rises from zero in a straight line, 0..=1.
    pub own_previous_rise: f64,
    /// Share of the windows, 0..=1, whose latent is drawn from what an encoder reads in the tracks that were
    /// played; the others have that of another window of their genre, where the generator has
    /// [`Styles`](super::Styles), or noise (cVAE-GAN of Zhu et al. 2017, "Toward multimodal image-to-image
    /// translation"). Only these have the reconstruction loss, so that the latent tells which of several good
    /// accompaniments is meant and the generator need not play their average. 0: no encoder, and the
    /// reconstruction loss of all windows.
    pub encoded: f32,
    /// Whether the encoder is given every half bar of the pitched tracks transposed to the same root, C for that
    /// of the triad that the band sounds. So the latent can tell how a band plays but not on which roots: those
    /// the generator is told ([`GanConfig::chords`](super::GanConfig::chords)), or has to hear in the melody.
    pub hidden_roots: bool,
    /// Weight of the divergence of the encoder's latents from the prior's, in nats a cell, 0..=1e6. With that of the
    /// reconstruction loss it is a variational autoencoder's bound; less lets the latent tell more.
    pub divergence_weight: f64,
    /// The weights of the run are averages of the generator's, each step's weighing this many times that of the step
    /// after it, 0..1; 0: no averages, the generator's last. The first steps average over fewer.
    pub weight_average: f64,
    /// Paths of the generator's parameters that stay as they are; for fine-tuning.
    pub freeze: Freeze,
    /// Seed of the weights, the batches and the latents.
    pub seed: u64,
}

impl GanTraining {
    /// The reference's recipe: 1000 generator steps of 64 windows, five critic steps each, Adam at
    /// 1e-3 with β = (0.5, 0.9), penalty weight 10, no reconstruction term.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            steps: 1000,
            batch_size: 64,
            critic_steps: 5,
            learning_rate: 1e-3,
            decay: 0.0,
            beta_1: 0.5,
            beta_2: 0.9,
            penalty_weight: PENALTY_WEIGHT,
            adversarial_weight: 1.0,
            reconstruction_weight: 0.0,
            positive_weight: 1.0,
            transpose: 0,
            previous_dropout: 0.0,
            own_previous: 0.0,
            own_previous_rise: 0.0,
            encoded: 0.0,
            hidden_roots: false,
            divergence_weight: 0.0,
            weight_average: 0.0,
            freeze: Freeze::default(),
            seed: 1,
        }
    }

    /// The recipe of the weights this project ships, but for their number of steps: one critic step for each
    /// generator step, a reconstruction term that outweighs the critic at first, so that little training gives
    /// usable music, an encoder that hears no roots, and own tracks before.
    #[must_use]
    pub fn accompaniment() -> Self {
        Self {
            steps: 2500,
            batch_size: 32,
            critic_steps: 1,
            decay: 0.5,
            reconstruction_weight: 1750.0,
            positive_weight: 2.0,
            transpose: 6,
            previous_dropout: 0.25,
            own_previous: 0.75,
            own_previous_rise: 0.1,
            encoded: 0.75,
            hidden_roots: true,
            divergence_weight: 437.5,
            weight_average: 0.995,
            ..Self::reference()
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`GanError::OutOfRange`] for the first field outside its range.
    pub fn validate(&self) -> Result<(), GanError> {
        let weight = 0.0..=1e6;
        let checks = [
            ("steps", self.steps as f64, (1..=10_000_000).contains(&self.steps), "1..=10000000"),
            ("batch_size", self.batch_size as f64, (1..=1024).contains(&self.batch_size), "1..=1024"),
            ("critic_steps", self.critic_steps as f64, (1..=100).contains(&self.critic_steps), "1..=100"),
            (
                "learning_rate",
                self.learning_rate,
                self.learning_rate > 0.0 && self.learning_rate <= 1.0,
                "a number over 0 and at most 1",
            ),
            ("decay", self.decay, (0.0..=1.0).contains(&self.decay), "0..=1"),
            ("beta_1", self.beta_1.into(), (0.0..1.0).contains(&self.beta_1), "0..1"),
            ("beta_2", self.beta_2.into(), (0.0..1.0).contains(&self.beta_2), "0..1"),
            ("penalty_weight", self.penalty_weight, weight.contains(&self.penalty_weight), "0..=1e6"),
            (
                "adversarial_weight",
                self.adversarial_weight,
                weight.contains(&self.adversarial_weight),
                "0..=1e6",
            ),
            (
                "reconstruction_weight",
                self.reconstruction_weight,
                weight.contains(&self.reconstruction_weight),
                "0..=1e6",
            ),
            (
                "positive_weight",
                self.positive_weight,
                (0.01..=1000.0).contains(&self.positive_weight),
                "0.01..=1000",
            ),
            ("transpose", self.transpose.into(), self.transpose <= 11, "0..=11"),
            (
                "previous_dropout",
                self.previous_dropout.into(),
                (0.0..=1.0).contains(&self.previous_dropout),
                "0..=1",
            ),
            ("own_previous", self.own_previous.into(), (0.0..=1.0).contains(&self.own_previous), "0..=1"),
            (
                "own_previous_rise",
                self.own_previous_rise,
                (0.0..=1.0).contains(&self.own_previous_rise),
                "0..=1",
            ),
            ("encoded", self.encoded.into(), (0.0..=1.0).contains(&self.encoded), "0..=1"),
            (
                "divergence_weight",
                self.divergence_weight,
                weight.contains(&self.divergence_weight),
                "0..=1e6",
            ),
            ("weight_average", self.weight_average, (0.0..1.0).contains(&self.weight_average), "0..1"),
        ];
        match checks.into_iter().find(|(_, _, ok, _)| !ok) {
            Some((field, value, _, accepted)) => Err(GanError::OutOfRange { field, value, accepted }),
            None => Ok(()),
        }
    }

    /// The learning rate of a step, counted from zero.
    #[must_use]
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        let left = self.steps.saturating_sub(step) as f64 / self.steps.max(1) as f64;
        self.learning_rate * if left < self.decay { left / self.decay } else { 1.0 }
    }

    /// [`own_previous`](Self::own_previous) at a step, counted from zero.
    #[must_use]
    pub fn own_previous_at(&self, step: usize) -> f32 {
        let rise = self.own_previous_rise * self.steps as f64;
        let risen = if (step as f64) < rise { step as f64 / rise } else { 1.0 };
        self.own_previous * risen as f32
    }
}

impl Default for GanTraining {
    /// [`GanTraining::accompaniment`].
    fn default() -> Self {
        Self::accompaniment()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn each_field_is_checked_by_name() {
        let base = GanTraining::reference;
        assert!(base().validate().is_ok());
        assert!(GanTraining::accompaniment().validate().is_ok());
        let cases = [
            (GanTraining { steps: 0, ..base() }, "steps"),
            (GanTraining { batch_size: 0, ..base() }, "batch_size"),
            (GanTraining { critic_steps: 0, ..base() }, "critic_steps"),
            (GanTraining { learning_rate: f64::NAN, ..base() }, "learning_rate"),
            (GanTraining { decay: 1.1, ..base() }, "decay"),
            (GanTraining { beta_1: 1.0, ..base() }, "beta_1"),
            (GanTraining { beta_2: f32::NAN, ..base() }, "beta_2"),
            (GanTraining { penalty_weight: -1.0, ..base() }, "penalty_weight"),
            (GanTraining { adversarial_weight: f64::INFINITY, ..base() }, "adversarial_weight"),
            (GanTraining { reconstruction_weight: -1.0, ..base() }, "reconstruction_weight"),
            (GanTraining { positive_weight: 0.0, ..base() }, "positive_weight"),
            (GanTraining { transpose: 12, ..base() }, "transpose"),
            (GanTraining { previous_dropout: 2.0, ..base() }, "previous_dropout"),
            (GanTraining { own_previous: f32::NAN, ..base() }, "own_previous"),
            (GanTraining { own_previous_rise: -0.1, ..base() }, "own_previous_rise"),
            (GanTraining { encoded: 1.5, ..base() }, "encoded"),
            (GanTraining { divergence_weight: 2e6, ..base() }, "divergence_weight"),
            (GanTraining { weight_average: 1.0, ..base() }, "weight_average"),
        ];
        for (config, name) in cases {
            match config.validate() {
                Err(GanError::OutOfRange { field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_learning_rate_falls_over_the_last_part() {
        let config = GanTraining { steps: 100, decay: 0.5, learning_rate: 0.8, ..Default::default() };
        let rates = [0, 50, 75, 100, 101].map(|s| config.learning_rate_at(s));
        assert_eq!(rates, [0.8, 0.8, 0.4, 0.0, 0.0]);
        let constant = GanTraining { decay: 0.0, ..config };
        assert_eq!(constant.learning_rate_at(99), 0.8);
    }

    #[test]
    fn own_tracks_come_in_by_and_by() {
        let config =
            GanTraining { steps: 100, own_previous: 0.5, own_previous_rise: 0.4, ..Default::default() };
        assert_eq!(
            [0, 10, 20, 40, 99].map(|step| config.own_previous_at(step)),
            [0.0, 0.125, 0.25, 0.5, 0.5]
        );
        let at_once = GanTraining { own_previous_rise: 0.0, ..config };
        assert_eq!(at_once.own_previous_at(0), 0.5);
    }
}
