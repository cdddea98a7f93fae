//! The loss: nats a note, by the chain rule over every cell.

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

use super::dropout::Dropout;
use super::ensemble::ChoraleEnsemble;
use super::learner::ChoraleBatch;
use super::network::ChoraleTransformer;

/// Who tells the probabilities that are to be learnt, and how much of the loss is of them; the rest is of the cells.
#[derive(Debug, Clone)]
pub(crate) struct Teacher {
    pub(crate) ensemble: ChoraleEnsemble,
    pub(crate) share: f64,
    /// 16 hex digits that tell the ensemble from others.
    pub(crate) fingerprint: String,
}

/// Sum over the cells that count of minus the logarithm of their probabilities, `[1]`, with what is dropped drawn
/// from `rng` where there is one. A teacher's share is the cross-entropy with its distributions (Hinton, Vinyals and
/// Dean 2015, at temperature 1).
pub(crate) fn loss_sum(
    network: &ChoraleTransformer,
    batch: &ChoraleBatch,
    teacher: Option<&Teacher>,
    rng: Option<&mut ChaCha8Rng>,
) -> Tensor<1> {
    let steps = &batch.steps;
    let mut dropout = rng.map_or_else(Dropout::none, |rng| Dropout::new(network.config(), rng));
    let logs = steps.log_distributions(network, batch.pieces, None, &mut dropout);
    let taught = teacher.and_then(|teacher| {
        let told = teacher.ensemble.distributions(batch.whole.as_ref()?, batch.pieces)?;
        Some((told, teacher.share))
    });
    let device = network.table.val().device();
    let mut loss = Tensor::zeros([1], &device);
    let own = taught.as_ref().map_or(1.0, |(_, share)| 1.0 - share);
    if own > 0.0 {
        for voice in steps.chosen(logs.clone()) {
            loss = loss - voice.sum() * own;
        }
    }
    if let Some((told, share)) = taught {
        let counts = steps.counts(&device).unsqueeze_dim::<2>(1);
        for (told, log) in told.into_iter().zip(logs) {
            loss = loss - (log * (told * counts.clone())).sum() * share;
        }
    }
    loss
}
