//! What a step tells burn-train.

use burn::tensor::{Device, ExecutionError, Tensor};
use burn::train::ItemLazy;
use burn::train::metric::{Adaptor, LossInput};

/// The loss of a step or of a validation, as burn-train's metrics take it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossOutput {
    /// The mean loss.
    pub loss: f64,
}

impl ItemLazy for LossOutput {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl Adaptor<LossInput> for LossOutput {
    fn adapt(&self) -> LossInput {
        LossInput::new(Tensor::from_data([self.loss as f32], &Device::flex()))
    }
}
