//! Gradients by burn's recorded differentiation, for devices other than the CPU.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Int, Tensor, TensorData};

use super::fused::{Gradient, LaneMemory, Segment};
use super::loss::weighed_sum;
use super::network::{Memory, TransformerXl};
use super::visibility::Visibility;
use crate::training::gradients;

/// A step's gradient, from either engine.
#[derive(Debug)]
pub(crate) enum StepGradient {
    Fused(Gradient),
    Recorded(GradientsParams),
}

impl StepGradient {
    /// Square root of the sum of the squares.
    pub(crate) fn norm(&mut self, network: &TransformerXl) -> f64 {
        match self {
            Self::Fused(gradient) => gradient.norm(),
            Self::Recorded(gradients) => gradients::norm(gradients, network),
        }
    }

    /// Multiplies by a factor.
    pub(crate) fn scale(&mut self, network: &TransformerXl, factor: f64) {
        match self {
            Self::Fused(gradient) => gradient.scale(factor as f32),
            Self::Recorded(gradients) => gradients::scale(gradients, network, factor),
        }
    }

    /// The sum of two gradients of the same engine.
    pub(crate) fn plus(self, other: Self, network: &TransformerXl) -> Self {
        match (self, other) {
            (Self::Fused(mut sum), Self::Fused(gradient)) => {
                sum.add(gradient);
                Self::Fused(sum)
            }
            (one, other) => {
                let mut sum = GradientsAccumulator::new();
                sum.accumulate(network, one.into_params(network));
                sum.accumulate(network, other.into_params(network));
                Self::Recorded(sum.grads())
            }
        }
    }

    /// As burn's optimisers take gradients.
    pub(crate) fn into_params(self, network: &TransformerXl) -> GradientsParams {
        match self {
            Self::Fused(gradient) => gradient.into_params(network),
            Self::Recorded(gradients) => gradients,
        }
    }
}

/// Sum of the loss, and the gradient of `factor` times it. Advances the memory, which stays on the host.
pub(crate) fn recorded_gradient(
    network: &TransformerXl,
    segment: &Segment,
    memory: &mut LaneMemory,
    factor: f32,
) -> (f64, GradientsParams) {
    let sum = recorded_loss_sum(network, segment, memory);
    let loss = sum.clone().into_scalar::<f64>();
    let gradients = GradientsParams::from_grads((sum * factor).backward(), network);
    (loss, gradients)
}

/// Sum of the loss. Advances the memory, which stays on the host.
pub(crate) fn recorded_loss(network: &TransformerXl, segment: &Segment, memory: &mut LaneMemory) -> f64 {
    recorded_loss_sum(network, segment, memory).into_scalar::<f64>()
}

fn recorded_loss_sum(network: &TransformerXl, segment: &Segment, memory: &mut LaneMemory) -> Tensor<1> {
    let config = network.config();
    let device = network.embedding.val().device();
    let plain = device.clone().inner();
    let (lanes, time) = (segment.starts.len(), segment.time);
    memory.visible.resize(lanes, 0);
    let tokens: Vec<i64> = segment.tokens.iter().map(|token| i64::from(*token)).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [lanes, time]), &device);
    let shape = [lanes, memory.positions, config.d_model];
    let old = (memory.positions > 0).then(|| Memory {
        layers: memory
            .layers
            .iter()
            .map(|layer| Tensor::from_data(TensorData::new(layer.clone(), shape), &plain))
            .collect(),
        visible: memory.visible.clone(),
    });
    let visibility =
        Visibility::packed(memory.positions, time, config.memory, &memory.visible, &segment.starts);
    let positions = (memory.positions + time).min(config.memory);
    let visible: Vec<usize> = memory
        .visible
        .iter()
        .zip(&segment.starts)
        .map(|(visible, starts)| starts.last().map_or(visible + time, |start| time - start).min(positions))
        .collect();
    let (logits, next) = network.run(tokens, old, &visibility, visible);
    let targets: Vec<Option<i64>> = segment.targets.iter().map(|target| target.map(i64::from)).collect();
    let sum = weighed_sum(logits, &targets);
    *memory = LaneMemory {
        layers: next.layers.into_iter().map(|layer| layer.into_data().iter::<f32>().collect()).collect(),
        positions,
        visible: next.visible,
    };
    sum
}
