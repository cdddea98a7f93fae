//! The losses: Wasserstein with gradient penalty, and a reconstruction term.

use burn::tensor::Tensor;
#[cfg(any(test, feature = "train"))]
use burn::tensor::activation::log_softmax;
use burn::tensor::activation::softplus;

use super::condition::expect;
use super::{Critic, GanCondition, GanError};

/// Weight of the gradient penalty in the paper and the reference.
pub const PENALTY_WEIGHT: f64 = 10.0;

/// The critic's loss on one batch, and its parts.
#[derive(Debug, Clone)]
pub struct CriticLoss {
    /// What is minimised: `penalty weight · penalty − distance`, `[1]`.
    pub total: Tensor<1>,
    /// E[D(real)] − E[D(fake)], the estimate of the Wasserstein distance, `[1]`.
    pub distance: Tensor<1>,
    /// E[(‖∇D(x̂)‖₂ − 1)²], `[1]`.
    pub penalty: Tensor<1>,
}

/// The WGAN-GP loss of the critic (Gulrajani et al. 2017, "Improved training of Wasserstein GANs",
/// algorithm 1): E[D(fake)] − E[D(real)] + weight · E[(‖∇D(x̂)‖₂ − 1)²].
///
/// `real` and `fake` are `[batch, rolls, steps, pitches]`; `fake` is taken as a constant. `mix`,
/// `[batch]` in 0..=1, says how much of the real window is in x̂.
///
/// # Errors
///
/// [`GanError::Shape`] or [`GanError::Condition`].
pub fn critic_loss(
    critic: &Critic,
    real: Tensor<4>,
    fake: Tensor<4>,
    mix: Tensor<1>,
    condition: &GanCondition,
    penalty_weight: f64,
) -> Result<CriticLoss, GanError> {
    let fake = fake.detach();
    let mixed = interpolate(real.clone(), fake.clone(), mix)?;
    let penalty = gradient_penalty(critic, mixed, condition)?;
    let real_score = critic.forward(real, condition)?.mean();
    let fake_score = critic.forward(fake, condition)?.mean();
    let distance = real_score - fake_score;
    let total = penalty.clone().mul_scalar(penalty_weight) - distance.clone();
    Ok(CriticLoss { total, distance, penalty })
}

/// Points between real and fake windows: `mix · real + (1 − mix) · fake`, one `mix` a window.
///
/// # Errors
///
/// [`GanError::Shape`].
pub fn interpolate(real: Tensor<4>, fake: Tensor<4>, mix: Tensor<1>) -> Result<Tensor<4>, GanError> {
    expect("fake tracks", fake.dims(), real.dims())?;
    let batch = real.dims()[0];
    expect("mix", mix.dims(), [batch])?;
    let mix = mix.reshape([batch, 1, 1, 1]);
    Ok(fake.clone() + (real - fake) * mix)
}

/// E[(‖∇D(x)‖₂ − 1)²] over the batch, `[1]`, with the exact gradient with respect to the critic's
/// weights; see [`Critic::input_gradient`]. The biases have no part in it.
///
/// # Errors
///
/// [`GanError::Shape`] or [`GanError::Condition`].
pub fn gradient_penalty(
    critic: &Critic,
    tracks: Tensor<4>,
    condition: &GanCondition,
) -> Result<Tensor<1>, GanError> {
    let gradient = critic.input_gradient(tracks, condition)?;
    let batch = gradient.dims()[0];
    let squares = gradient.square().reshape([batch as i32, -1]).sum_dim(1);
    // Keeps the square root's slope finite for a critic that is flat.
    let norm = squares.add_scalar(1e-12).sqrt();
    Ok(norm.sub_scalar(1.0).square().mean())
}

/// The generator's adversarial loss, −E[D(fake)], `[1]`.
///
/// # Errors
///
/// [`GanError::Shape`] or [`GanError::Condition`].
pub fn generator_loss(
    critic: &Critic,
    fake: Tensor<4>,
    condition: &GanCondition,
) -> Result<Tensor<1>, GanError> {
    Ok(critic.forward(fake, condition)?.mean().neg())
}

/// How far generated tracks are from the ones that were played: the binary cross-entropy of each
/// cell, in nats, averaged over all cells, `[1]`.
///
/// Added to the adversarial loss, as pix2pix (Isola et al. 2017) adds a distance of pixels, it gets
/// usable music out of little training. Cross-entropy takes the place of pix2pix's absolute
/// difference because rolls are sparse: the absolute difference is least for the median, which is
/// silence. `logits` are [`Generator::logits`](super::Generator::logits), read as sigmoid(2a);
/// `target` is +1 where a note sounds and −1 elsewhere; sounding cells count `positive_weight`
/// times.
///
/// # Errors
///
/// [`GanError::Shape`].
pub fn reconstruction_loss(
    logits: Tensor<4>,
    target: Tensor<4>,
    positive_weight: f64,
) -> Result<Tensor<1>, GanError> {
    expect("target tracks", target.dims(), logits.dims())?;
    // With y = ±1 and z = 2a, the cross-entropy is softplus(−y·z); the weight is w at +1, 1 at −1.
    let weight =
        target.clone().mul_scalar((positive_weight - 1.0) / 2.0).add_scalar(positive_weight.midpoint(1.0));
    let loss = softplus((logits * target).mul_scalar(-2.0), 1.0);
    Ok((loss * weight).mean())
}

/// The cross-entropy of chords in nats a half bar, `[1]`, averaged over those that have one; 0 if none has.
/// `logits` and `heard` are `[half bars, 24]`, in `heard` a 1 for the right one or none.
#[cfg(any(test, feature = "train"))]
pub(crate) fn chord_loss(logits: Tensor<2>, heard: Tensor<2>) -> Tensor<1> {
    let count = heard.clone().sum().clamp_min(1.0);
    (log_softmax(logits, 1) * heard).sum().neg() / count
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use burn::tensor::Device;

    use super::*;

    // ln 24 for even logits. A logit of ln 3 in the place of the right one: −ln(3 / 26). The third half bar is silent.
    #[test]
    fn chords_have_a_cross_entropy() {
        let device = Device::flex();
        let mut logits = vec![0.0_f32; 72];
        let mut heard = vec![0.0_f32; 72];
        (logits[24 + 5], heard[24 + 5], heard[7]) = (3f32.ln(), 1.0, 1.0);
        logits[50] = 4.0;
        let tensor = |values: Vec<f32>| Tensor::<1>::from_floats(&*values, &device).reshape([3, 24]);
        let loss = chord_loss(tensor(logits), tensor(heard)).into_scalar::<f32>();
        let expected = (24f32.ln() - (3.0_f32 / 26.0).ln()) / 2.0;
        assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
        let silent = chord_loss(tensor(vec![1.0; 72]), tensor(vec![0.0; 72]));
        assert_eq!(silent.into_scalar::<f32>(), 0.0);
    }
}
