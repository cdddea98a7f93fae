//! The loss of an edit distribution.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// Kullback–Leibler divergence from the uniform distribution over the cells that differ to the
/// softmax of the logits, in nats, averaged over the samples.
///
/// For a sample with `n` differing cells `E`: −ln n − (1/n) Σ over `E` of ln softmax(logits).
/// Softmax runs over one sample's cells, never over the batch. A sample in which nothing differs
/// has no target and is left out of the mean; if none is left the loss is 0.
///
/// # Shapes
///
/// `logits`, `difference`: `[batch, steps, pitches]`; `difference` is 1 where input and target
/// differ, else 0. The result is `[1]`.
#[must_use]
pub fn edit_loss(logits: Tensor<3>, difference: Tensor<3>) -> Tensor<1> {
    let present = targets(difference.clone());
    edit_loss_sum(logits, difference) / present.clamp_min(1.0)
}

/// How many samples have a target, of shape `[1]`.
pub(crate) fn targets(difference: Tensor<3>) -> Tensor<1> {
    difference.flatten::<2>(1, 2).sum_dim(1).clamp(0.0, 1.0).sum()
}

/// As [`edit_loss`], but the sum over the samples that have a target.
pub(crate) fn edit_loss_sum(logits: Tensor<3>, difference: Tensor<3>) -> Tensor<1> {
    let log_p = log_softmax(logits.flatten::<2>(1, 2), 1);
    let difference = difference.flatten::<2>(1, 2);
    let count = difference.clone().sum_dim(1);
    let present = count.clone().clamp(0.0, 1.0);
    let n = count.clamp_min(1.0);
    let per_sample = (difference * log_p).sum_dim(1).div(n.clone()).neg() - n.log();
    (per_sample * present).sum()
}
