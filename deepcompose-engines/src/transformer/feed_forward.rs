//! The feed-forward sublayer.

use std::ops::Range;

use super::sizes::TransformerSizes;
use super::weights::TransformerLayerWeights;
use crate::kernels::{Instructions, Matrix, NumberFormat, PackedRows, STRIP};

/// Weights of some of the inner numbers of a layer.
#[derive(Debug)]
pub(super) struct FeedForwardWeights {
    expand: Matrix,
    expand_bias: Vec<f32>,
    contract: Matrix,
}

/// Memory for the work on some of the inner numbers.
#[derive(Debug)]
pub(super) struct FeedForwardState {
    inner: Vec<[f32; STRIP]>,
    packed: PackedRows,
    /// These inner numbers' part of the sublayer's output, a row of strips for each position.
    pub(super) output: Vec<[f32; STRIP]>,
}

impl FeedForwardWeights {
    /// The weights of the inner numbers `inner`.
    pub(super) fn pack(
        sizes: &TransformerSizes,
        layer: &TransformerLayerWeights,
        inner: Range<usize>,
        format: NumberFormat,
    ) -> Self {
        let d = sizes.d_model;
        Self {
            expand: Matrix::pack(format, d, inner.len(), |input, output| {
                layer.expand[input * sizes.d_inner + inner.start + output]
            }),
            contract: Matrix::pack(format, inner.len(), d, |input, output| {
                layer.contract[(inner.start + input) * d + output]
            }),
            expand_bias: layer.expand_bias[inner].to_vec(),
        }
    }

    /// Multiply-adds of a position.
    pub(super) fn work(&self) -> usize {
        self.expand.work() + self.contract.work()
    }

    /// Numbers of the memory for a position.
    pub(super) fn numbers_a_row(&self) -> usize {
        let strips = self.expand.panels() + self.contract.panels();
        strips * STRIP + PackedRows::numbers_a_row(self.contract.inputs())
    }

    /// Memory for `rows` positions at once.
    pub(super) fn state(&self, rows: usize) -> FeedForwardState {
        FeedForwardState {
            inner: vec![[0.0; STRIP]; rows * self.expand.panels()],
            packed: PackedRows::with_room(rows, self.contract.inputs()),
            output: vec![[0.0; STRIP]; rows * self.contract.panels()],
        }
    }

    /// The sublayer for these inner numbers, without the last bias and the residual sum, into `state.output`.
    pub(super) fn run(
        &self,
        instructions: Instructions,
        entering: &PackedRows,
        state: &mut FeedForwardState,
    ) {
        let FeedForwardState { inner, packed, output } = state;
        self.expand.multiply(instructions, entering, inner);
        let stride = self.expand.panels();
        for row in inner.chunks_exact_mut(stride).take(entering.rows()) {
            for (number, bias) in row.as_flattened_mut().iter_mut().zip(&self.expand_bias) {
                let sum = *number + bias;
                // Keeps what is not a number.
                *number = if sum < 0.0 { 0.0 } else { sum };
            }
        }
        packed.pack(entering.rows(), self.contract.inputs(), |row| inner[row * stride..].as_flattened());
        self.contract.multiply(instructions, packed, output);
    }
}
