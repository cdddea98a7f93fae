//! What can be wrong with a sampler's settings, and with the logits it is given.

use thiserror::Error;

/// A sampler or a constraint that may not exist: one of its settings is outside its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A number outside its field's range (NaN is outside every range).
    #[error("{field} {value} is out of range: {accepted} is accepted")]
    OutOfRange {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given.
        value: f64,
        /// The accepted range, in words.
        accepted: &'static str,
    },
    /// A range of pitches with nothing in it, or reaching past what can be written.
    #[error("pitch range {low}..={high} is not accepted: it must not be empty and must lie in {min}..={max}")]
    PitchRange {
        /// Lowest pitch given.
        low: u8,
        /// Highest pitch given.
        high: u8,
        /// Lowest accepted pitch.
        min: u8,
        /// Highest accepted pitch.
        max: u8,
    },
    /// A name that is no sampling technique.
    #[error("unknown sampling technique {name:?}: top-k, nucleus or random is accepted")]
    UnknownTechnique {
        /// The name given.
        name: String,
    },
}

/// Logits from which nothing can be drawn.
///
/// A logit of −∞ is not an error: it masks its candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SampleError {
    /// There are no logits.
    #[error("there are no logits to sample from")]
    Empty,
    /// A logit is not a number.
    #[error("the logit at index {index} is not a number")]
    NotANumber {
        /// Where; for a piano roll, `step × 128 + pitch`.
        index: usize,
    },
    /// A logit is +∞: the model has overflowed, and no distribution has such a logit.
    #[error("the logit at index {index} is +infinity")]
    PositiveInfinity {
        /// Where; for a piano roll, `step × 128 + pitch`.
        index: usize,
    },
    /// Every logit is −∞, so that no candidate is left.
    #[error("every candidate is masked")]
    AllMasked,
    /// There are more logits than token ids.
    #[error("{logits} logits are over the limit of {limit}")]
    TooManyLogits {
        /// How many there are.
        logits: usize,
        /// The most that are accepted.
        limit: usize,
    },
}

pub(crate) fn in_range(
    field: &'static str,
    value: f64,
    is_accepted: bool,
    accepted: &'static str,
) -> Result<(), SamplerError> {
    if is_accepted { Ok(()) } else { Err(SamplerError::OutOfRange { field, value, accepted }) }
}

/// The one range of creative risk, shared by every sampler.
pub(crate) fn check_creative_risk(value: f64) -> Result<(), SamplerError> {
    in_range("creative risk", value, value.is_finite() && value > 0.0, "a finite number above 0")
}
