//! Engines that run trained music models fast on a CPU: the AR-CNN, the Transformer-XL and the
//! GAN's generator.
//!
//! Sampling runs a network hundreds or thousands of times on one small input. An engine is prepared for that once,
//! from plain lists of weights: norms are folded, matrices packed, what never changes is computed beforehand. A session
//! or a decoder holds what does change, keeps its memory, and computes again only what its input reaches. No neural
//! network library is needed, and none is known here; `deepcompose-models` prepares engines from its networks.
//!
//! # Tour
//!
//! | network | prepared | at work |
//! |---|---|---|
//! | AR-CNN, a U-Net over piano rolls | [`ar_cnn::ArCnnEngine`] | [`ar_cnn::ArCnnSession`]: a roll in, logits out; only what changed since the last roll is computed |
//! | Transformer-XL | [`transformer::TransformerEngine`] | [`transformer::Decoder`]: token by token; [`transformer::BatchDecoder`]: several sequences |
//! | generator of the GAN | [`gan::GeneratorEngine`] | [`gan::GeneratorSession`]: the windows of a piece |
//!
//! ```
//! use deepcompose_engines::ar_cnn::{
//!     ArCnnEngine, ArCnnSizes, ArCnnWeights, ConvWeights, DecoderWeights, EncoderWeights,
//! };
//!
//! let conv = |from: usize, to: usize| ConvWeights { weight: vec![0.1; to * from * 9], bias: vec![0.0; to] };
//! let weights = ArCnnWeights {
//!     encoder: vec![EncoderWeights { conv1: conv(1, 2), conv2: conv(2, 2), norm: None }],
//!     bottleneck: [conv(2, 4), conv(4, 4)],
//!     decoder: vec![DecoderWeights { norm: None, conv1: conv(6, 2), conv2: conv(2, 2) }],
//!     head: ConvWeights { weight: vec![1.0, -1.0], bias: vec![0.0] },
//! };
//! let engine = ArCnnEngine::new(ArCnnSizes { steps: 8, pitches: 8, filters: 2, levels: 1 }, &weights)?;
//!
//! let mut roll = [false; 64];
//! let mut session = engine.session();
//! session.logits(&roll)?;
//! roll[9] = true;
//! // To the bit what an engine says that sees this roll first.
//! assert_eq!(session.logits(&roll)?, engine.session().logits(&roll)?);
//! # Ok::<(), deepcompose_engines::EngineError>(())
//! ```
//!
//! # The same numbers everywhere
//!
//! Every output is one sum in one order, whatever the vector instructions ([`kernels::Instructions`]: AVX-512, AVX2,
//! NEON or portable code, chosen at run time), the number of threads (those of the rayon pool that a call is made in),
//! and however much of the work was done before. Tests hold this to the bit for all instructions that a machine has.
//!
//! From one machine to another results are the same to the bit, too, with one exception. All is made of operations that
//! IEEE 754 defines, exponentials and hyperbolic tangents included, but for the Transformer-XL's encodings of distances,
//! which an engine computes when it is made: they take the standard library's powers, sines and cosines, whose last place
//! depends on the platform and on the version of Rust. So its logits may differ a little there; those of the AR-CNN and
//! of the generator do not.
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | AR-CNN | rolls of 2²⁰ cells, 256 filters, 7 levels |
//! | Transformer-XL | the ranges of [`transformer::TransformerSizes`], 2³² weights, 2²⁸ keys and values a sequence |
//! | generator | 512 steps, 128 pitches, 2²⁷ weights, 1024 windows and 2³² bytes a session |
//!
//! # Input safety
//!
//! Every list of weights and every input has its length checked, and every size its range; an [`EngineError`] says which
//! list, how long it is and how long it must be. An engine is made of finite weights alone: the error says which is not,
//! and where it is. What is computed from weights so large that sums overflow, from inputs of the generator that are not
//! finite, and by the [`kernels`] from any such numbers is not told. Nothing public panics. The crate has no unsafe
//! code: vector instructions come through the crate `pulp`.

pub mod ar_cnn;
mod error;
pub mod gan;
pub mod kernels;
#[doc(hidden)]
pub mod training;
pub mod transformer;
mod weights;

pub use error::EngineError;
pub use weights::{ConvWeights, NormWeights};
