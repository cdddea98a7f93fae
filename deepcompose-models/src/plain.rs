//! Small layers without tensors, for inputs that are mostly zeros.

use burn::nn::Linear;

use crate::lists::numbers;

/// A linear layer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    /// `[inputs, outputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    pub(crate) fn of(linear: &Linear) -> Self {
        Self {
            weight: numbers(linear.weight.val()),
            bias: linear.bias.as_ref().map_or_else(Vec::new, |bias| numbers(bias.val())),
        }
    }

    /// Replaces `output` by the outputs.
    pub(crate) fn apply(&self, input: &[f32], output: &mut Vec<f32>) {
        output.clear();
        output.extend_from_slice(&self.bias);
        for (x, row) in input.iter().zip(self.weight.chunks(self.bias.len().max(1))) {
            // Most features are zero.
            if *x != 0.0 {
                output.iter_mut().zip(row).for_each(|(sum, weight)| *sum += x * weight);
            }
        }
    }

    /// The same with every negative output replaced by zero.
    pub(crate) fn apply_relu(&self, input: &[f32], output: &mut Vec<f32>) {
        self.apply(input, output);
        output.iter_mut().for_each(|x| *x = x.max(0.0));
    }
}
