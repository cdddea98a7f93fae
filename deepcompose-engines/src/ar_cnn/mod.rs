//! The AR-CNN: a U-Net over a piano roll with a logit for every cell.
//!
//! The sampler flips a cell and asks again, a hundred times and more. A [`session`](ArCnnEngine::session) keeps the
//! activations of the encoder and, for every level of the decoder, the half of the first convolution's sums that comes
//! from the encoder; a roll is compared with the last one, and only what the difference reaches is computed again, to
//! the bit what a first pass gives. The other half of these sums, of a doubled map, takes nine multiplications for four
//! outputs instead of 36; the other convolutions of large maps are of the same kind
//! ([`Winograd`](crate::kernels::Winograd)). Batch norms are applied where the activations are written, and nothing is
//! concatenated. Of convolutions with more than a million weights, where it takes longest to read them, each weight is
//! kept in 16 bits, but for the outermost level: with the reference's sizes and random weights the logits are within
//! 4 · 10⁻⁵ of the largest of them.

mod dirty;
mod engine;
mod layers;
mod pointwise;
mod session;
mod sizes;
mod weights;

pub use engine::ArCnnEngine;
pub use session::ArCnnSession;
pub use sizes::ArCnnSizes;
pub use weights::{ArCnnWeights, DecoderWeights, EncoderWeights};

pub use crate::weights::{ConvWeights, NormWeights};
