//! The loss: nats a note, by the chain rule over every cell.

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

use super::dropout::Dropout;
use super::learner::ChoraleBatch;
use super::network::ChoraleTransformer;

/// Sum over the cells that count of minus the logarithm of their probabilities, `[1]`, with what is dropped drawn
/// from `rng` where there is one.
pub(crate) fn loss_sum(
    network: &ChoraleTransformer,
    batch: &ChoraleBatch,
    rng: Option<&mut ChaCha8Rng>,
) -> Tensor<1> {
    let mut dropout = rng.map_or_else(Dropout::none, |rng| Dropout::new(network.config(), rng));
    let voices = batch.steps.log_probabilities(network, batch.pieces, None, &mut dropout);
    voices.into_iter().map(|voice| -voice.sum()).reduce(|sum, voice| sum + voice).unwrap_or_else(|| {
        // There are four voices.
        Tensor::zeros([1], &network.table.val().device())
    })
}
