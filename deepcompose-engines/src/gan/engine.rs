//! [`GeneratorEngine`]: a generator's weights, prepared.

use super::fold::{affine_lanes, doubling, halving, halving_squares};
use super::sizes::LEVELS;
use super::{GeneratorSizes, GeneratorWeights};
use crate::EngineError;
use crate::kernels::Instructions;
use crate::kernels::gan_map::Lanes;
use crate::kernels::gan_pack::Packed;

/// A generator's weights, folded and packed for one kind of processor.
///
/// It does not change, and threads may share it; a [`GeneratorSession`](super::GeneratorSession) runs it.
///
/// What is computed is what the layers say, in another order: batch norm is part of the convolution before it, or of
/// what writes an activation; a convolution of a map doubled by copying cells is four convolutions of the small map, with
/// 3 × 3, 3 × 2, 2 × 3 and 2 × 2 taps; maps that are concatenated are read one after the other.
#[derive(Debug)]
pub struct GeneratorEngine {
    pub(super) sizes: GeneratorSizes,
    pub(super) instructions: Instructions,
    pub(super) down: [Packed; LEVELS],
    /// Norms of the encoder's activations, which follow the leaky ReLU, by level − 1, block and lane.
    pub(super) down_norms: [Vec<[Lanes; 2]>; LEVELS - 1],
    /// What the latent and the embedded attributes add to the sums of `up[0]`, and its biases.
    pub(super) given: Packed,
    pub(super) up: [Packed; LEVELS - 1],
    pub(super) head: Packed,
    pub(super) attributes: Vec<f32>,
    pub(super) output_map: Vec<f32>,
}

impl GeneratorEngine {
    /// Folds and packs the weights, for the widest instructions that the machine has.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for a size outside the range in [`GeneratorSizes`]'s table, a weight that is not
    /// finite, a variance below 0 or an epsilon not above 0; [`EngineError::Length`] for weights of another length than
    /// the sizes ask for.
    pub fn new(sizes: &GeneratorSizes, weights: &GeneratorWeights) -> Result<Self, EngineError> {
        sizes.check()?;
        weights.check(sizes)?;
        let (encoder, decoder) = (sizes.encoder(), sizes.decoder());
        let deepest = encoder[LEVELS - 1][1];
        let up = |block: usize, part, maps: &[usize]| {
            doubling(&weights.up[block], Some(&weights.up_norms[block]), decoder[block], part, maps)
        };
        let given = match sizes.embedded() {
            0 => vec![sizes.latent_channels],
            channels => vec![sizes.latent_channels, channels],
        };
        let [.., block, last] = decoder;
        let joined = |block: usize| [decoder[block][0] / 2; 2];
        Ok(Self {
            sizes: *sizes,
            instructions: Instructions::detect(),
            down: [
                halving_squares(&weights.down[0], encoder[0]),
                halving(&weights.down[1], encoder[1]),
                halving(&weights.down[2], encoder[2]),
                halving(&weights.down[3], encoder[3]),
            ],
            down_norms: [0, 1, 2].map(|i| affine_lanes(&weights.down_norms[i], encoder[i + 1][1])),
            given: up(0, deepest..decoder[0][0], &given),
            up: [
                up(0, 0..deepest, &[deepest]),
                up(1, 0..decoder[1][0], &joined(1)),
                up(2, 0..block[0], &joined(2)),
            ],
            head: doubling(&weights.head, None, last, 0..last[0], &joined(3)),
            attributes: weights.attributes.clone(),
            output_map: weights.output_map.clone(),
        })
    }

    /// The same engine with other instructions, of which it uses one set. The results are the same to the bit.
    #[must_use]
    pub fn with_instructions(self, instructions: Instructions) -> Self {
        Self { instructions, ..self }
    }

    /// The sizes of the generator.
    #[must_use]
    pub const fn sizes(&self) -> &GeneratorSizes {
        &self.sizes
    }
}
