//! [`GeneratorWeights`]: a generator's weights as plain lists.

use super::GeneratorSizes;
use super::sizes::LEVELS;
use crate::EngineError;

/// A 4×4 convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvWeights {
    /// `[outputs, inputs, 4, 4]`.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// Batch norm by running averages: `(x − mean) / √(variance + epsilon) · gamma + beta`, a channel each.
#[derive(Debug, Clone, PartialEq)]
pub struct NormWeights {
    /// `[channels]`.
    pub gamma: Vec<f32>,
    /// `[channels]`.
    pub beta: Vec<f32>,
    /// `[channels]`.
    pub mean: Vec<f32>,
    /// `[channels]`, none negative.
    pub variance: Vec<f32>,
    /// Above 0.
    pub epsilon: f64,
}

/// The weights of a generator, in burn's and PyTorch's layouts.
///
/// With `f` filters, the convolutions have these inputs and outputs:
///
/// | | inputs | outputs |
/// |---|---|---|
/// | `down[0]` | 1, or 1 + tracks with previous tracks | f |
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
    /// Checks every length, and that no variance makes a norm divide by nothing.
    pub(crate) fn check(&self, sizes: &GeneratorSizes) -> Result<(), EngineError> {
        let (encoder, decoder) = (sizes.encoder(), sizes.decoder());
        for (level, (conv, shape)) in self.down.iter().zip(encoder).enumerate() {
            conv.check(&format!("down[{level}]"), shape)?;
        }
        for (level, (norm, [_, outputs])) in self.down_norms.iter().zip(&encoder[1..]).enumerate() {
            norm.check(&format!("down_norms[{level}]"), *outputs)?;
        }
        for (block, (conv, shape)) in self.up.iter().zip(decoder).enumerate() {
            conv.check(&format!("up[{block}]"), shape)?;
        }
        for (block, (norm, [_, outputs])) in self.up_norms.iter().zip(decoder).enumerate() {
            norm.check(&format!("up_norms[{block}]"), outputs)?;
        }
        self.head.check("head", decoder[LEVELS - 1])?;
        let embedded = sizes.attributes * sizes.embedded() * sizes.deepest_cells();
        expect(|| "attributes".to_owned(), self.attributes.len(), embedded)?;
        let map = if sizes.output_map { sizes.attributes * sizes.tracks_len() } else { 0 };
        expect(|| "output_map".to_owned(), self.output_map.len(), map)
    }
}

impl ConvWeights {
    fn check(&self, name: &str, [inputs, outputs]: [usize; 2]) -> Result<(), EngineError> {
        expect(|| format!("{name}.weight"), self.weight.len(), outputs * inputs * 16)?;
        expect(|| format!("{name}.bias"), self.bias.len(), outputs)
    }
}

impl NormWeights {
    fn check(&self, name: &str, channels: usize) -> Result<(), EngineError> {
        let lists = [
            ("gamma", &self.gamma),
            ("beta", &self.beta),
            ("mean", &self.mean),
            ("variance", &self.variance),
        ];
        for (field, list) in lists {
            expect(|| format!("{name}.{field}"), list.len(), channels)?;
        }
        let refuse = |field, value: String, accepted: &str| {
            Err(EngineError::OutOfRange { field, value, accepted: accepted.to_owned() })
        };
        // Written so that NaN is refused, too.
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return refuse("epsilon", self.epsilon.to_string(), "a finite number above 0");
        }
        match self.variance.iter().find(|v| !(**v >= 0.0 && v.is_finite())) {
            Some(v) => refuse("variance", v.to_string(), "a finite number of at least 0"),
            None => Ok(()),
        }
    }

    /// The norm of a channel as a factor and a summand.
    pub(crate) fn affine(&self, channel: usize) -> [f64; 2] {
        let wide = |list: &[f32]| f64::from(list[channel]);
        let scale = wide(&self.gamma) / (wide(&self.variance) + self.epsilon).sqrt();
        [scale, wide(&self.beta) - wide(&self.mean) * scale]
    }
}

/// [`EngineError::Length`] unless a list is as long as it must be.
pub(crate) fn expect(
    what: impl FnOnce() -> String,
    found: usize,
    expected: usize,
) -> Result<(), EngineError> {
    if found == expected { Ok(()) } else { Err(EngineError::Length { what: what(), found, expected }) }
}
