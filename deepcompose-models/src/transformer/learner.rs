//! The Transformer's steps as burn-train takes them, for its own strategies of several devices.

use burn::train::{InferenceStep, TrainOutput, TrainStep};

use super::fused::{LaneMemory, Segment};
use super::network::TransformerXl;
use super::recorded::recorded_gradient;
use crate::training::LossOutput;

/// Segments of several lanes, each begun without a memory of what came before it: what one device reads at a time
/// where several train together.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    pub(crate) segment: Segment,
}

impl TokenBatch {
    /// The gradient is that of the mean over the tokens that count.
    fn factor(&self) -> f32 {
        (self.segment.targets.iter().flatten().count().max(1) as f32).recip()
    }
}

impl TrainStep for TransformerXl {
    type Input = TokenBatch;

    type Output = LossOutput;

    fn step(&self, batch: TokenBatch) -> TrainOutput<LossOutput> {
        let factor = batch.factor();
        let (sum, grads) = recorded_gradient(self, &batch.segment, &mut LaneMemory::default(), factor);
        TrainOutput { grads, item: LossOutput { loss: sum * f64::from(factor) } }
    }
}

impl InferenceStep for TransformerXl {
    type Input = TokenBatch;

    type Output = LossOutput;

    fn step(&self, batch: TokenBatch) -> LossOutput {
        let sum = super::recorded::recorded_loss(self, &batch.segment, &mut LaneMemory::default());
        LossOutput { loss: sum * f64::from(batch.factor()) }
    }
}
