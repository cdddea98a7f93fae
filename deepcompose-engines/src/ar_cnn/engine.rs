//! The prepared network.

use std::sync::Arc;

use super::layers::Layers;
use super::{ArCnnSession, ArCnnSizes, ArCnnWeights};
use crate::EngineError;
use crate::kernels::Instructions;

/// An AR-CNN prepared for sampling. Clones share the weights.
///
/// ```
/// use deepcompose_engines::ar_cnn::{
///     ArCnnEngine, ArCnnSizes, ArCnnWeights, ConvWeights, DecoderWeights, EncoderWeights,
/// };
///
/// # fn main() -> Result<(), deepcompose_engines::EngineError> {
/// // One level of one filter, all weights zero but for the head's bias.
/// let conv = |from: usize, to: usize| ConvWeights { weight: vec![0.0; to * from * 9], bias: vec![0.0; to] };
/// let sizes = ArCnnSizes { steps: 4, pitches: 6, filters: 1, levels: 1 };
/// let weights = ArCnnWeights {
///     encoder: vec![EncoderWeights { conv1: conv(1, 1), conv2: conv(1, 1), norm: None }],
///     bottleneck: [conv(1, 2), conv(2, 2)],
///     decoder: vec![DecoderWeights { norm: None, conv1: conv(3, 1), conv2: conv(1, 1) }],
///     head: ConvWeights { weight: vec![0.0], bias: vec![0.5] },
/// };
/// let engine = ArCnnEngine::new(sizes, &weights)?;
/// let mut session = engine.session();
/// assert_eq!(session.logits(&[false; 24])?, [0.5; 24]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ArCnnEngine {
    prepared: Arc<Prepared>,
}

#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) sizes: ArCnnSizes,
    pub(super) layers: Layers,
    pub(super) instructions: Instructions,
}

impl ArCnnEngine {
    /// Prepares weights for the widest vector instructions of this machine.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for a size outside the range in [`ArCnnSizes`], a weight that is not finite, a
    /// variance below 0, an epsilon not above 0, or a norm at a level that has none; [`EngineError::Length`] for a list
    /// of another length than the sizes ask for, a norm that is missing included.
    pub fn new(sizes: ArCnnSizes, weights: &ArCnnWeights) -> Result<Self, EngineError> {
        Self::with_instructions(sizes, weights, Instructions::detect())
    }

    /// [`new`](Self::new) for certain instructions. The logits are the same to the bit with all of them.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_instructions(
        sizes: ArCnnSizes,
        weights: &ArCnnWeights,
        instructions: Instructions,
    ) -> Result<Self, EngineError> {
        sizes.validate()?;
        weights.check(&sizes)?;
        let layers = Layers::new(&sizes, weights)?;
        Ok(Self { prepared: Arc::new(Prepared { sizes, layers, instructions }) })
    }

    /// The shape of the network.
    #[must_use]
    pub fn sizes(&self) -> ArCnnSizes {
        self.prepared.sizes
    }

    /// A session, which shares the weights and keeps activations of its own.
    #[must_use]
    pub fn session(&self) -> ArCnnSession {
        ArCnnSession::new(Arc::clone(&self.prepared))
    }
}
