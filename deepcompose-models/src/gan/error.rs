//! [`GanError`]: what can go wrong in building, training and running the GAN.

use deepcompose_engines::EngineError;
use thiserror::Error;

use crate::WeightsError;

/// A GAN that cannot be built, fed, trained, saved or loaded as asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GanError {
    /// A number outside its field's range.
    #[error("{field} is {value}: {accepted} is accepted")]
    OutOfRange {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given.
        value: f64,
        /// What is accepted, in words.
        accepted: &'static str,
    },
    /// An input whose shape is not the one the network was built for.
    #[error("{what} has shape {actual:?}: {expected:?} is needed")]
    Shape {
        /// Which input.
        what: &'static str,
        /// The shape needed, 0 standing for any size.
        expected: Vec<usize>,
        /// The shape given.
        actual: Vec<usize>,
    },
    /// An input that the network needs and that was not given, or one that it has no place for.
    #[error("{0}")]
    Condition(&'static str),
    /// A genre name that is not known.
    #[error("unknown genre {0:?}: one of rock, pop, jazz, classical, country, reggae, edm is accepted")]
    UnknownGenre(String),
    /// There is nothing to train on, or too little.
    #[error("the dataset has {windows} windows: at least {needed} are needed")]
    TooLittleData {
        /// How many windows there are.
        windows: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A dataset, or one of its pieces, that asks for more than the stated limit.
    #[error("{what} {value} is over the limit of {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The value asked for.
        value: u64,
        /// The largest value.
        limit: u64,
    },
    /// Training has left the finite numbers.
    #[error("{what} is not finite at step {step}")]
    Diverged {
        /// Which loss.
        what: &'static str,
        /// The generator step.
        step: usize,
    },
    /// A name that is not one of those known.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// What it should name.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Something that the engine does not take.
    #[error("the engine refused it: {0}")]
    Engine(#[from] EngineError),
    /// A generator whose logits are not numbers, such as one of weights that are not.
    #[error("the generator's logits are not numbers")]
    Logits,
    /// A device that failed to give back its results.
    #[error("the device failed: {0}")]
    Device(String),
    /// A checkpoint that could not be written, or that is not what this version of the library
    /// writes.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}
