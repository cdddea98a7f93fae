//! The loss: cross-entropy in nats a token.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use super::error::TransformerError;
use super::network::shape_error;

/// Sum over the tokens that count of minus the natural logarithm of the probability given to each.
///
/// `logits` is `[batch, time, vocabulary]` and `targets` `[batch, time]`; targets equal to `pad` do not
/// count. Returns the sum, of shape `[1]`, and how many tokens counted; their quotient is the usual mean.
/// The sum is returned so that batches of unlike sizes can be added before dividing.
///
/// # Errors
///
/// [`TransformerError::Shape`] where the two do not fit, [`TransformerError::Token`] for a target outside
/// the vocabulary.
pub fn cross_entropy_sum(
    logits: Tensor<3>,
    targets: Tensor<2, Int>,
    pad: Option<u32>,
) -> Result<(Tensor<1>, usize), TransformerError> {
    let [batch, time, vocabulary] = logits.dims();
    if targets.dims() != [batch, time] || batch * time == 0 {
        return Err(shape_error("targets", format!("{:?}", [batch, time]), targets.dims()));
    }
    let values: Vec<i64> = targets.into_data().iter::<i64>().collect();
    if let Some(token) = values.iter().find(|token| !(0..vocabulary as i64).contains(*token)) {
        return Err(TransformerError::Token { token: *token, vocabulary });
    }
    let targets = values.into_iter().map(|token| (Some(token) != pad.map(i64::from)).then_some(token));
    let targets: Vec<Option<i64>> = targets.collect();
    let counted = targets.iter().flatten().count();
    Ok((weighed_sum(logits, &targets), counted))
}

/// As [`cross_entropy_sum`] for targets known to be in the vocabulary, `None` where one does not count.
pub(crate) fn weighed_sum(logits: Tensor<3>, targets: &[Option<i64>]) -> Tensor<1> {
    let [batch, time, _] = logits.dims();
    let device = logits.device().inner();
    let weights: Vec<f32> = targets.iter().map(|target| if target.is_some() { -1.0 } else { 0.0 }).collect();
    let weights = Tensor::<1>::from_data(weights.as_slice(), &device);
    let indices: Vec<i64> = targets.iter().map(|target| target.unwrap_or(0)).collect();
    let indices = Tensor::<3, Int>::from_data(TensorData::new(indices, [batch, time, 1]), &device);
    let chosen = log_softmax(logits, 2).gather(2, indices).reshape([batch * time]);
    (chosen * weights).sum()
}
