//! [`EditModel`]: what piano-roll editing needs of a model.

use ndarray::{Array2, ArrayView2};

/// A model of edits: a window of a piano roll goes in, and for every cell comes the logit of that
/// cell being the one to flip.
///
/// The softmax of the logits over the whole window is the model's distribution of the next edit,
/// as an AR-CNN learns it.
pub trait EditModel {
    /// What can go wrong in the model.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The length of the window in steps, in `1..=`[`MAX_WINDOW_STEPS`](crate::MAX_WINDOW_STEPS).
    fn window_steps(&self) -> usize;

    /// One logit a cell, unnormalised natural logarithms, of a window of sounding cells. Both have
    /// the shape `[window_steps, 128]`: steps by MIDI pitches.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of.
    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Self::Error>;
}

impl<M: EditModel + ?Sized> EditModel for &M {
    type Error = M::Error;

    fn window_steps(&self) -> usize {
        (**self).window_steps()
    }

    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Self::Error> {
        (**self).edit_logits(roll)
    }
}
