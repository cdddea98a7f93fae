//! [`GeneratorWeights`]: a generator's weights as plain lists.

use super::GeneratorSizes;
use super::sizes::LEVELS;
use crate::EngineError;
pub(super) use crate::weights::expect;
use crate::weights::{ConvWeights, NormWeights, expect_finite};

/// Taps of a 4×4 kernel.
const TAPS: usize = 16;

/// The weights of a generator, in burn's and PyTorch's layouts.
///
/// With `f` filters, the convolutions have these inputs and outputs:
///
/// | | inputs | outputs |
/// |---|---|---|
/// | `down[0]` | 1, and 2 more with chords, then as many as there are tracks with previous tracks | f |
/// | `down[1]`, `down[2]`, `down[3]` | f, 2f, 4f | 2f, 4f, 8f |
/// | `up[0]` | 8f + latent channels + attribute channels, in this order | 4f |
/// | `up[1]`, `up[2]` | 8f, 4f: the block before, then the encoder's activation | 2f, f |
/// | `head` | 2f | tracks |
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratorWeights {
    /// The encoder's convolutions, which halve.
    pub down: [ConvWeights; LEVELS],
    /// The norms after `down[1]`, `down[2]` and `down[3]`.
    pub down_norms: [NormWeights; LEVELS - 1],
    /// The decoder's convolutions, of doubled maps.
    pub up: [ConvWeights; LEVELS - 1],
    /// The norms after them.
    pub up_norms: [NormWeights; LEVELS - 1],
    /// The last convolution.
    pub head: ConvWeights,
    /// `[attributes, attribute channels × steps / 16 × pitches / 16]`, empty without attributes.
    pub attributes: Vec<f32>,
    /// `[attributes, tracks × steps × pitches]`, empty without an output map.
    pub output_map: Vec<f32>,
}

impl GeneratorWeights {
    /// Checks every length, that all numbers are finite, and that no variance makes a norm divide by nothing.
    pub(crate) fn check(&self, sizes: &GeneratorSizes) -> Result<(), EngineError> {
        let (encoder, decoder) = (sizes.encoder(), sizes.decoder());
        for (level, (conv, shape)) in self.down.iter().zip(encoder).enumerate() {
            conv.check(&format!("down[{level}]"), shape[0], shape[1], TAPS)?;
        }
        for (level, (norm, [_, outputs])) in self.down_norms.iter().zip(&encoder[1..]).enumerate() {
            norm.check(&format!("down_norms[{level}]"), *outputs)?;
        }
        for (block, (conv, shape)) in self.up.iter().zip(decoder).enumerate() {
            conv.check(&format!("up[{block}]"), shape[0], shape[1], TAPS)?;
        }
        for (block, (norm, [_, outputs])) in self.up_norms.iter().zip(decoder).enumerate() {
            norm.check(&format!("up_norms[{block}]"), outputs)?;
        }
        let [inputs, outputs] = decoder[LEVELS - 1];
        self.head.check("head", inputs, outputs, TAPS)?;
        let embedded = sizes.attributes * sizes.embedded() * sizes.deepest_cells();
        expect_finite(|| "attributes".to_owned(), &self.attributes, embedded)?;
        let map = if sizes.output_map { sizes.attributes * sizes.tracks_len() } else { 0 };
        expect_finite(|| "output_map".to_owned(), &self.output_map, map)
    }
}
