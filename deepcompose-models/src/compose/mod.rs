//! Score in, score out: the three techniques as functions of a model, a score and parameters.
//!
//! | function | model | what it does |
//! |---|---|---|
//! | [`enhance`] | any [`EditModel`](deepcompose_samplers::EditModel) | adds and removes notes of the input |
//! | [`extend`] | any [`TokenModel`](deepcompose_samplers::TokenModel) of performance tokens | continues the input |
//! | [`accompany`] | [`Generator`](crate::gan::Generator) | adds drums, bass, guitar and keys |
//!
//! All keep the input's tempo map, signatures, other tracks, programs and velocities. All take an
//! rng (the same rng state gives the same result) and an [`Observer`].

mod accompany;
mod composition;
mod ending;
mod enhance;
mod error;
mod event;
mod extend;
mod params;
mod tracks;

pub use accompany::{GanParams, accompany};
pub use composition::{Composition, Summary};
pub use enhance::enhance;
pub use error::{ComposeError, ParameterError};
pub use event::Event;
pub use extend::{MAX_CONTINUATIONS, extend, extend_several};
pub use params::{ArCnnParams, NotesToAdd, TransformerParams};
pub use tracks::TrackSelection;

use std::ops::ControlFlow;

/// How far a composition has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Units of work done: sampling iterations, time units of music, or groups of bars.
    pub done: usize,
    /// Units of work in all.
    pub total: usize,
    /// What the model has made since the last call, in order: edits of the AR-CNN, notes of the Transformer.
    /// The GAN and [`extend_several`] tell none.
    pub events: &'a [Event],
}

/// Called after every sampling iteration, token, or group of bars; [`ControlFlow::Break`] stops
/// there, and what has been made so far is the result.
pub type Observer<'a> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 'a;
