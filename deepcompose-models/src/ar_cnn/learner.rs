//! The AR-CNN's steps as burn-train takes them, for its own strategies of several devices.

use burn::module::Module;
use burn::train::{InferenceStep, TrainOutput, TrainStep};

use super::{ArCnn, EditBatch, edit_loss};
use crate::training::LossOutput;

impl TrainStep for ArCnn {
    type Input = EditBatch;

    type Output = LossOutput;

    fn step(&self, batch: EditBatch) -> TrainOutput<LossOutput> {
        let loss = self.batch_loss(batch);
        let item = LossOutput { loss: f64::from(loss.clone().into_scalar::<f32>()) };
        TrainOutput::new(self, loss.backward(), item)
    }
}

impl InferenceStep for ArCnn {
    type Input = EditBatch;

    type Output = LossOutput;

    fn step(&self, batch: EditBatch) -> LossOutput {
        LossOutput { loss: f64::from(self.batch_loss(batch).into_scalar::<f32>()) }
    }
}

impl ArCnn {
    /// The mean loss of a batch; not a number for one of a size that the network does not take, which stops
    /// a training.
    fn batch_loss(&self, batch: EditBatch) -> burn::tensor::Tensor<1> {
        match self.forward(batch.input) {
            Ok(logits) => edit_loss(logits, batch.difference),
            Err(_) => {
                let device = self.devices().into_iter().next().unwrap_or_default();
                burn::tensor::Tensor::from_data([f32::NAN], &device)
            }
        }
    }
}
