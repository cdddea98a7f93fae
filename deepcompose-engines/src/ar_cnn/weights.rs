//! The weights, as plain lists.

use super::ArCnnSizes;
use crate::EngineError;
use crate::kernels::check_length;

/// A convolution's weights.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvWeights {
    /// `[out, in, height, width]`.
    pub weight: Vec<f32>,
    /// `[out]`.
    pub bias: Vec<f32>,
}

/// A batch normalisation's weights and running statistics, a number a channel each:
/// `(x − mean) / √(variance + epsilon) · gamma + beta`.
#[derive(Debug, Clone, PartialEq)]
pub struct NormWeights {
    /// The scale.
    pub gamma: Vec<f32>,
    /// The offset.
    pub beta: Vec<f32>,
    /// The running mean.
    pub mean: Vec<f32>,
    /// The running variance, not below zero.
    pub variance: Vec<f32>,
    /// What is added to the variance, above zero.
    pub epsilon: f64,
}

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
    /// Checks the length of every list, and the variances and epsilons.
    pub(super) fn check(&self, sizes: &ArCnnSizes) -> Result<(), EngineError> {
        check_length("encoder", self.encoder.len(), &[sizes.levels])?;
        check_length("decoder", self.decoder.len(), &[sizes.levels])?;
        for (level, encoder) in self.encoder.iter().enumerate() {
            let (channels, name) = (sizes.channels(level), format!("encoder[{level}]"));
            encoder.conv1.check(&format!("{name}.conv1"), sizes.entering(level), channels, 9)?;
            encoder.conv2.check(&format!("{name}.conv2"), channels, channels, 9)?;
            let is_there = level + 1 < sizes.levels;
            NormWeights::check(encoder.norm.as_ref(), is_there, &format!("{name}.norm"), channels)?;
        }
        for (index, decoder) in self.decoder.iter().enumerate() {
            let (level, name) = (sizes.levels - 1 - index, format!("decoder[{index}]"));
            let (channels, joined) =
                (sizes.channels(level), sizes.channels(level) + sizes.channels(level + 1));
            NormWeights::check(decoder.norm.as_ref(), level > 0, &format!("{name}.norm"), joined)?;
            decoder.conv1.check(&format!("{name}.conv1"), joined, channels, 9)?;
            decoder.conv2.check(&format!("{name}.conv2"), channels, channels, 9)?;
        }
        let (inner, bottleneck) = (sizes.channels(sizes.levels - 1), sizes.channels(sizes.levels));
        self.bottleneck[0].check("bottleneck[0]", inner, bottleneck, 9)?;
        self.bottleneck[1].check("bottleneck[1]", bottleneck, bottleneck, 9)?;
        self.head.check("head", sizes.filters, 1, 1)
    }
}

impl ConvWeights {
    fn check(&self, name: &str, from: usize, to: usize, taps: usize) -> Result<(), EngineError> {
        check_length(&format!("{name}.weight"), self.weight.len(), &[to, from, taps])?;
        check_length(&format!("{name}.bias"), self.bias.len(), &[to])
    }
}

impl NormWeights {
    fn check(norm: Option<&Self>, is_there: bool, name: &str, channels: usize) -> Result<(), EngineError> {
        let Some(norm) = norm else { return check_length(name, 0, &[if is_there { channels } else { 0 }]) };
        let accepted = if is_there { channels } else { 0 };
        let lists = [
            ("gamma", &norm.gamma),
            ("beta", &norm.beta),
            ("mean", &norm.mean),
            ("variance", &norm.variance),
        ];
        for (list, numbers) in lists {
            check_length(&format!("{name}.{list}"), numbers.len(), &[accepted])?;
        }
        let out_of_range = |field, value: String, accepted: &str| {
            Err(EngineError::OutOfRange { field, value, accepted: accepted.to_owned() })
        };
        if let Some(variance) = norm.variance.iter().find(|variance| variance.is_nan() || **variance < 0.0) {
            return out_of_range("variance", variance.to_string(), "0 or more");
        }
        if norm.epsilon.is_nan() || norm.epsilon <= 0.0 {
            return out_of_range("epsilon", norm.epsilon.to_string(), "above 0");
        }
        Ok(())
    }
}
