//! Why a composition could not be made.

use deepcompose_core::ScoreError;
use deepcompose_samplers::SamplerError;
use thiserror::Error;

/// A parameter outside its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{field} {value} is out of range: {accepted} is accepted")]
pub struct ParameterError {
    /// The parameter, by its name in the serialised form.
    pub field: &'static str,
    /// The value given.
    pub value: String,
    /// What is accepted.
    pub accepted: &'static str,
}

/// Why a composition could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// A parameter outside its range.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A sampler refused its settings.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// There is nothing to work on.
    #[error("{what} has no notes: at least one is needed")]
    NoNotes {
        /// The score, or the track that was chosen.
        what: String,
    },
    /// The track that was chosen is percussion, which has no pitches to work on.
    #[error("track {0} is a drum track: a melodic track is needed")]
    Drums(usize),
    /// A track that is not there, or a score that is too long for a piano roll.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The score has no room for what would be added.
    #[error("the input ends too close to the longest time that MIDI can say")]
    TooLong,
    /// The model failed, or gave something that cannot be sampled from.
    #[error("the model failed: {0}")]
    Model(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The technique has no model: none is embedded in this build, and none was given.
    #[error("there is no {0} model: give one to the builder, or build with the feature `pretrained`")]
    NoModel(&'static str),
}

impl ComposeError {
    pub(crate) fn model(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Model(Box::new(error))
    }
}
