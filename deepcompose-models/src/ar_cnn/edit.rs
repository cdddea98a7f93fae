//! The network as an [`EditModel`]: a roll of 128 pitches in, one logit a cell out.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use deepcompose_samplers::EditModel;
use ndarray::{Array2, ArrayView2, Axis, Slice};

use super::{ArCnn, ArCnnConfig};
use crate::error::ModelError;
use crate::weights::Model;

/// The pitches that a network sees.
pub(super) const fn pitches_of(config: &ArCnnConfig) -> Range<usize> {
    config.lowest_pitch..config.lowest_pitch + config.pitches
}

/// [`ModelError::Shape`] unless the roll has so many steps of 128 pitches.
pub(super) fn check_window(roll: ArrayView2<'_, bool>, steps: usize) -> Result<(), ModelError> {
    match roll.dim() {
        (found, 128) if found == steps => Ok(()),
        (found, pitches) => Err(ModelError::Shape {
            what: "roll",
            found: vec![found, pitches],
            expected: format!("[{steps}, 128]"),
        }),
    }
}

impl EditModel for ArCnn {
    type Error = ModelError;

    fn window_steps(&self) -> usize {
        self.config().steps
    }

    /// Cells outside the network's pitches get a logit of −∞: they are never drawn.
    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, ModelError> {
        let (steps, all) = roll.dim();
        check_window(roll, self.config().steps)?;
        let range = pitches_of(self.config());
        let window = roll.slice_axis(Axis(1), Slice::from(range.clone()));
        let values: Vec<f32> = window.iter().map(|on| f32::from(u8::from(*on))).collect();
        let device = self.devices().into_iter().next().unwrap_or_default();
        let input = Tensor::<3>::from_data(TensorData::new(values, [1, steps, range.len()]), &device);
        let logits = self
            .forward(input)?
            .into_data()
            .convert::<f32>()
            .try_to_vec::<f32>()
            .map_err(|e| ModelError::Device(format!("{e:?}")))?;
        let mut out = Array2::from_elem((steps, all), f32::NEG_INFINITY);
        for (cell, logit) in out.slice_axis_mut(Axis(1), Slice::from(range)).iter_mut().zip(logits) {
            *cell = logit;
        }
        Ok(out)
    }
}
