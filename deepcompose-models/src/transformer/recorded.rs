//! Gradients by burn's recorded differentiation, for devices other than the CPU.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor, TensorData};

use super::fused::{Gradient, LaneMemory, Segment};
use super::loss::weighed_sum;
use super::network::{Memory, TransformerXl};
use super::visibility::Visibility;

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
            Self::Recorded(gradients) => {
                let mut squares = Squares { gradients, sums: Vec::new() };
                network.visit(&mut squares);
                match squares.sums.is_empty() {
                    true => 0.0,
                    false => Tensor::cat(squares.sums, 0).sum().into_scalar::<f64>().sqrt(),
                }
            }
        }
    }

    /// Multiplies by a factor.
    pub(crate) fn scale(&mut self, network: &TransformerXl, factor: f64) {
        match self {
            Self::Fused(gradient) => gradient.scale(factor as f32),
            Self::Recorded(gradients) => network.visit(&mut Scale { gradients, factor }),
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

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id);
        self.sums.extend(gradient.map(|gradient| (gradient.clone() * gradient).sum()));
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
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
    let loss = sum.clone().into_scalar::<f64>();
    let gradients = GradientsParams::from_grads((sum * factor).backward(), network);
    *memory = LaneMemory {
        layers: next.layers.into_iter().map(|layer| layer.into_data().iter::<f32>().collect()).collect(),
        positions,
        visible: next.visible,
    };
    (loss, gradients)
}
