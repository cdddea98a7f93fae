//! Chorales as burn-train takes them.

use burn::train::{InferenceStep, TrainOutput, TrainStep};

use super::loss::loss_sum;
use super::network::ChoraleTransformer;
use super::steps::Steps;
use crate::training::LossOutput;

/// Windows of chorales.
#[derive(Debug, Clone, Default)]
pub struct ChoraleBatch {
    pub(crate) steps: Steps,
    /// The same steps with nothing hidden, for a teacher.
    pub(crate) whole: Option<Steps>,
    pub(crate) pieces: usize,
}

impl ChoraleBatch {
    /// Cells that count.
    #[must_use]
    pub fn notes(&self) -> usize {
        4 * self.steps.counted()
    }
}

impl TrainStep for ChoraleTransformer {
    type Input = ChoraleBatch;

    type Output = LossOutput;

    fn step(&self, batch: ChoraleBatch) -> TrainOutput<LossOutput> {
        let loss = loss_sum(self, &batch, None, None) / batch.notes().max(1) as f32;
        let item = LossOutput { loss: f64::from(loss.clone().into_scalar::<f32>()) };
        TrainOutput::new(self, loss.backward(), item)
    }
}

impl InferenceStep for ChoraleTransformer {
    type Input = ChoraleBatch;

    type Output = LossOutput;

    fn step(&self, batch: ChoraleBatch) -> LossOutput {
        let loss = loss_sum(self, &batch, None, None).into_scalar::<f64>();
        LossOutput { loss: loss / batch.notes().max(1) as f64 }
    }
}
