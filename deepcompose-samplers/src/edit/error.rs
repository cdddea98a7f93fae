//! What can go wrong in an edit.

use thiserror::Error;

use crate::error::SampleError;

/// Why an edit failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EditError<E: std::error::Error + 'static> {
    /// The input is not 128 pitches wide.
    #[error("the piano roll is {pitches} pitches wide: 128 is accepted")]
    RollShape {
        /// How wide it is.
        pitches: usize,
    },
    /// The model's window is empty or absurdly long.
    #[error("a model window of {steps} steps is out of range: 1..={limit} is accepted")]
    WindowSteps {
        /// Its length.
        steps: usize,
        /// The longest accepted.
        limit: usize,
    },
    /// The model's logits do not have the shape of its window.
    #[error("the model returned logits of shape {returned:?}, not {expected:?}")]
    LogitShape {
        /// The shape that came: steps, pitches.
        returned: (usize, usize),
        /// The window's.
        expected: (usize, usize),
    },
    /// Nothing can be drawn from the model's logits.
    #[error("iteration {iteration}: no edit could be drawn in the window at step {window_start}")]
    Sample {
        /// The iteration, from 0.
        iteration: usize,
        /// Where the window begins in the piece.
        window_start: usize,
        /// What was wrong with the logits.
        source: SampleError,
    },
    /// The model failed.
    #[error("the model failed")]
    Model(#[source] E),
}
