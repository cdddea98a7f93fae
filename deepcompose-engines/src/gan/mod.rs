//! The GAN's generator: tracks for windows of a melody.

mod engine;
mod fold;
mod layers;
mod session;
mod sizes;
mod weights;

pub use engine::GeneratorEngine;
pub use session::{GeneratorInput, GeneratorOutput, GeneratorSession};
pub use sizes::GeneratorSizes;
pub use weights::GeneratorWeights;

pub use crate::weights::{ConvWeights, NormWeights};
