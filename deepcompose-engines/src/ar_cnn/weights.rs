//! The weights, as plain lists.

use super::ArCnnSizes;
use crate::EngineError;
use crate::kernels::check_length;
use crate::weights::{ConvWeights, NormWeights};

/// A level of the encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderWeights {
    /// The first 3×3 convolution: from the level above's channels (1 at the outermost) to this level's.
    pub conv1: ConvWeights,
    /// The second 3×3 convolution.
    pub conv2: ConvWeights,
    /// What follows the pooling; none at the innermost level.
    pub norm: Option<NormWeights>,
}

/// A level of the decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderWeights {
    /// What follows the concatenation of the doubled map (first) and the encoder's activation; none at the outermost
    /// level.
    pub norm: Option<NormWeights>,
    /// The first 3×3 convolution, of the concatenation.
    pub conv1: ConvWeights,
    /// The second 3×3 convolution.
    pub conv2: ConvWeights,
}

/// The weights of an AR-CNN.
#[derive(Debug, Clone, PartialEq)]
pub struct ArCnnWeights {
    /// The levels of the encoder, the outermost first.
    pub encoder: Vec<EncoderWeights>,
    /// The two 3×3 convolutions of the bottleneck.
    pub bottleneck: [ConvWeights; 2],
    /// The levels of the decoder in the order in which they run: the innermost first.
    pub decoder: Vec<DecoderWeights>,
    /// The 1×1 convolution that makes the logits: `[1, filters, 1, 1]`.
    pub head: ConvWeights,
}

impl ArCnnWeights {
    /// Checks the length of every list, that all numbers are finite, and the variances and epsilons.
    pub(super) fn check(&self, sizes: &ArCnnSizes) -> Result<(), EngineError> {
        check_length("encoder", self.encoder.len(), &[sizes.levels])?;
        check_length("decoder", self.decoder.len(), &[sizes.levels])?;
        for (level, encoder) in self.encoder.iter().enumerate() {
            let (channels, name) = (sizes.channels(level), format!("encoder[{level}]"));
            encoder.conv1.check(&format!("{name}.conv1"), sizes.entering(level), channels, 9)?;
            encoder.conv2.check(&format!("{name}.conv2"), channels, channels, 9)?;
            let is_there = level + 1 < sizes.levels;
            check_norm(encoder.norm.as_ref(), is_there, &format!("{name}.norm"), channels)?;
        }
        for (index, decoder) in self.decoder.iter().enumerate() {
            let (level, name) = (sizes.levels - 1 - index, format!("decoder[{index}]"));
            let (channels, joined) =
                (sizes.channels(level), sizes.channels(level) + sizes.channels(level + 1));
            check_norm(decoder.norm.as_ref(), level > 0, &format!("{name}.norm"), joined)?;
            decoder.conv1.check(&format!("{name}.conv1"), joined, channels, 9)?;
            decoder.conv2.check(&format!("{name}.conv2"), channels, channels, 9)?;
        }
        let (inner, bottleneck) = (sizes.channels(sizes.levels - 1), sizes.channels(sizes.levels));
        self.bottleneck[0].check("bottleneck[0]", inner, bottleneck, 9)?;
        self.bottleneck[1].check("bottleneck[1]", bottleneck, bottleneck, 9)?;
        self.head.check("head", sizes.filters, 1, 1)
    }
}

/// Checks a norm that must be there, or must not be.
fn check_norm(
    norm: Option<&NormWeights>,
    is_there: bool,
    name: &str,
    channels: usize,
) -> Result<(), EngineError> {
    match (norm, is_there) {
        (Some(norm), true) => norm.check(name, channels),
        (None, false) => Ok(()),
        (Some(_), false) => Err(EngineError::OutOfRange {
            field: "norm",
            value: name.to_owned(),
            accepted: "none at this level".to_owned(),
        }),
        (None, true) => check_length(name, 0, &[channels]),
    }
}
