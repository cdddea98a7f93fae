//! The network's layers, prepared: weights packed, batch norms as factors and offsets, channels filled up to whole
//! blocks with zeros.

use std::ops::Range;

use super::{ArCnnSizes, ArCnnWeights, ConvWeights, NormWeights};
use crate::EngineError;
use crate::kernels::{
    Addend, CompactConv, Conv, ConvCall, Epilogue, Filtering, Instructions, Map, MapMut, Rect, Start,
    Winograd,
};

/// Channels with those that fill the last block.
pub(super) const fn filled(channels: usize) -> usize {
    channels.next_multiple_of(16)
}

/// A factor and an offset a channel.
#[derive(Debug)]
pub(super) struct Affine {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// A 3×3 convolution that keeps the size, by the way that is fastest for its map.
#[derive(Debug)]
pub(super) enum Square {
    /// The threads share rows.
    ByRows(Conv),
    /// The threads share channels: small maps.
    ByChannels(Conv),
    /// So they do, and the weights have 16 bits: small maps of many channels, where it takes longest to read them.
    Compact(CompactConv),
    /// With fewer multiplications and more weights: large maps.
    Winograd(Winograd),
}

/// A convolution, its bias and what follows it.
#[derive(Debug)]
pub(super) struct Layer {
    square: Square,
    bias: Vec<f32>,
    after: After,
}

/// What follows a convolution.
#[derive(Debug)]
pub(super) enum After {
    /// Nothing: these are sums that others are added to.
    Nothing,
    /// ReLU.
    Relu,
    /// ReLU, then a batch norm.
    ReluAffine(Affine),
}

/// What of the network belongs to one size of map.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) conv1: Layer,
    pub(super) conv2: Layer,
    /// What follows the pooling.
    pub(super) pooled: Option<Affine>,
    /// What the decoder does to the encoder's activation before it is convolved.
    pub(super) joined: Option<Affine>,
    /// The half of the decoder's first convolution that is of the encoder's activation, with the bias.
    pub(super) skip: Layer,
    /// The half of it that is of the doubled map.
    pub(super) up: Winograd,
    pub(super) last: Layer,
}

/// The 1×1 convolution.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) weight: Vec<f32>,
    pub(super) bias: f32,
}

#[derive(Debug)]
pub(super) struct Layers {
    pub(super) levels: Vec<Level>,
    pub(super) bottleneck: [Layer; 2],
    pub(super) head: Head,
}

impl Square {
    fn new(
        weights: &[f32],
        from: usize,
        to: usize,
        level: usize,
        map: [usize; 2],
    ) -> Result<Self, EngineError> {
        let pixels = map[0] * map[1];
        if !(from.is_multiple_of(16) && to.is_multiple_of(16)) {
            return Conv::square(weights, from, to).map(Self::ByRows);
        }
        match pixels {
            // Fewer multiplications for more weights pay where there are patches enough that share a weight.
            1024.. => winograd(Filtering::Four, weights, from, to, level).map(Self::Winograd),
            64.. => winograd(Filtering::Two, weights, from, to, level).map(Self::Winograd),
            _ if is_compact(9, from, to, level) => CompactConv::square(weights, from, to).map(Self::Compact),
            _ => Conv::square(weights, from, to).map(Self::ByChannels),
        }
    }
}

fn winograd(
    filtering: Filtering,
    weights: &[f32],
    from: usize,
    to: usize,
    level: usize,
) -> Result<Winograd, EngineError> {
    if filtering != Filtering::Four && is_compact(filtering.points(), from, to, level) {
        Winograd::compact(filtering, weights, from, to)
    } else {
        Winograd::new(filtering, weights, from, to)
    }
}

/// Whether weights are kept in 16 bits: where there are so many that a pass reads them from memory and not from a
/// cache, but for the outermost level, whose errors nothing averages on the way to the logits.
const fn is_compact(terms: usize, from: usize, to: usize, level: usize) -> bool {
    const NUMBERS: usize = 1 << 20;
    level > 0 && terms * from * to >= NUMBERS
}

impl Layer {
    /// Computes what `outputs` asks for, perhaps more, and gives back what it did.
    pub(super) fn run(
        &self,
        instructions: Instructions,
        input: Map<'_>,
        to: MapMut<'_>,
        outputs: Rect,
        scratch: &mut Vec<f32>,
    ) -> Result<Rect, EngineError> {
        let (epilogue, begin) = (self.after.epilogue(), Start::Bias(&self.bias));
        let call = ConvCall { instructions, input, begin, epilogue, outputs };
        match &self.square {
            Square::ByRows(conv) => conv.run_parallel(call, to).map(|()| outputs),
            Square::ByChannels(conv) => conv.run_by_channels(call, to, scratch).map(|()| outputs),
            Square::Compact(conv) => conv.run(call, to, scratch).map(|()| outputs),
            Square::Winograd(winograd) => {
                let begin = Addend::Bias(&self.bias);
                winograd.run(ConvCall { instructions, input, begin, epilogue, outputs }, to, scratch)
            }
        }
    }
}

impl After {
    fn epilogue(&self) -> Epilogue<'_> {
        match self {
            Self::Nothing => Epilogue::None,
            Self::Relu => Epilogue::Relu,
            Self::ReluAffine(Affine { scale, shift }) => Epilogue::ReluAffine { scale, shift },
        }
    }
}

impl Affine {
    /// `(x − mean) / √(variance + epsilon) · gamma + beta` of some of the channels, filled up.
    fn new(norm: &NormWeights, channels: Range<usize>) -> Self {
        let length = filled(channels.len());
        let (mut scale, mut shift) = (vec![0.0; length], vec![0.0; length]);
        for (index, channel) in channels.enumerate() {
            let [factor, summand] = norm.affine(channel);
            (scale[index], shift[index]) = (factor as f32, summand as f32);
        }
        Self { scale, shift }
    }
}

/// A convolution of some of the channels of its input, the others left to another.
#[derive(Clone)]
struct Part<'a> {
    conv: &'a ConvWeights,
    /// Channels of the whole input, and which of them.
    joined: usize,
    channels: Range<usize>,
    /// Channels of the map that holds them.
    filled: usize,
}

impl Part<'_> {
    /// `[out, in, 3, 3]`, filled up with zeros.
    fn weights(&self) -> Vec<f32> {
        let (from, to) = (self.filled, self.filled_out());
        let mut weights = vec![0.0; to * from * 9];
        for (filled, given) in
            weights.chunks_exact_mut(from * 9).zip(self.conv.weight.chunks_exact(self.joined * 9))
        {
            let given = &given[self.channels.start * 9..self.channels.end * 9];
            filled[..given.len()].copy_from_slice(given);
        }
        weights
    }

    fn filled_out(&self) -> usize {
        filled(self.conv.bias.len())
    }

    fn layer(&self, level: usize, map: [usize; 2], after: After) -> Result<Layer, EngineError> {
        let mut bias = self.conv.bias.clone();
        bias.resize(self.filled_out(), 0.0);
        let square = Square::new(&self.weights(), self.filled, self.filled_out(), level, map)?;
        Ok(Layer { square, bias, after })
    }
}

impl Layers {
    /// Prepares weights that were checked.
    pub(super) fn new(sizes: &ArCnnSizes, weights: &ArCnnWeights) -> Result<Self, EngineError> {
        let whole = |conv, channels: usize| Part {
            conv,
            joined: channels,
            channels: 0..channels,
            filled: filled(channels),
        };
        // The decoder's levels from the outermost in.
        let decoder: Vec<_> = weights.decoder.iter().rev().collect();
        // What the map that level `level` doubles goes through before.
        let doubled = |level: usize| match &decoder[level].norm {
            Some(norm) => After::ReluAffine(Affine::new(norm, 0..sizes.channels(level + 1))),
            None => After::Relu,
        };
        let mut levels = Vec::with_capacity(sizes.levels);
        for (level, (encoder, decoder)) in weights.encoder.iter().zip(&decoder).enumerate() {
            let (map, channels, below) = (sizes.map(level), sizes.channels(level), sizes.channels(level + 1));
            let (entering, joined) = (sizes.entering(level), below + channels);
            let up = Part { channels: 0..below, filled: filled(below), ..whole(&decoder.conv1, joined) };
            let skip = Part { channels: below..joined, filled: filled(channels), ..up.clone() };
            // The roll itself has one channel.
            let entering = Part {
                filled: if level == 0 { 1 } else { filled(entering) },
                ..whole(&encoder.conv1, entering)
            };
            levels.push(Level {
                conv1: entering.layer(level, map, After::Relu)?,
                conv2: whole(&encoder.conv2, channels).layer(level, map, After::Relu)?,
                pooled: encoder.norm.as_ref().map(|norm| Affine::new(norm, 0..channels)),
                joined: decoder.norm.as_ref().map(|norm| Affine::new(norm, below..joined)),
                skip: skip.layer(level, map, After::Nothing)?,
                up: winograd(Filtering::Doubled, &up.weights(), up.filled, up.filled_out(), level)?,
                last: whole(&decoder.conv2, channels).layer(
                    level,
                    map,
                    if level == 0 { After::Relu } else { doubled(level - 1) },
                )?,
            });
        }
        let (inner, bottleneck) = (sizes.channels(sizes.levels - 1), sizes.channels(sizes.levels));
        let (level, map) = (sizes.levels, sizes.map(sizes.levels));
        let [conv1, conv2] = &weights.bottleneck;
        let bottleneck = [
            whole(conv1, inner).layer(level, map, After::Relu)?,
            whole(conv2, bottleneck).layer(level, map, doubled(sizes.levels - 1))?,
        ];
        let mut weight = weights.head.weight.clone();
        weight.resize(filled(weight.len()), 0.0);
        let head = Head { weight, bias: weights.head.bias[0] };
        Ok(Self { levels, bottleneck, head })
    }
}
