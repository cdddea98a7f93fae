//! Attention with relative positions over a ring of keys and values.

use std::ops::Range;

use super::attention_head::{Head, Shape};
use super::positions::project;
use super::sizes::TransformerSizes;
use super::weights::{TransformerLayerWeights, TransformerWeights};
use crate::kernels::{Instructions, Matrix, NumberFormat, PackedRows, STRIP, Strip, StripBf16, StripF32};

/// Positions that are read at once at most.
pub(super) const SEGMENT: usize = 64;

/// Numbers of some heads for each of many positions, 64 positions a strip.
///
/// A head has a panel for each 64 positions, a panel a strip for each of the head's `d_head` numbers.
#[derive(Debug, Clone)]
pub(super) enum Positions {
    F32(Vec<StripF32>),
    Bf16(Vec<StripBf16>),
}

impl Positions {
    fn new(format: NumberFormat, strips: usize) -> Self {
        match format {
            NumberFormat::F32 => Self::F32(vec![StripF32::EMPTY; strips]),
            _ => Self::Bf16(vec![StripBf16::EMPTY; strips]),
        }
    }

    /// Writes what all heads have for one position.
    fn write(&mut self, panels: usize, d_head: usize, position: usize, numbers: &[f32]) {
        match self {
            Self::F32(strips) => write(strips, panels, d_head, position, numbers),
            Self::Bf16(strips) => write(strips, panels, d_head, position, numbers),
        }
    }
}

fn write<T: Strip>(strips: &mut [T], panels: usize, d_head: usize, position: usize, numbers: &[f32]) {
    let (panel, column) = (position / STRIP, position % STRIP);
    for (head, numbers) in numbers.chunks_exact(d_head).enumerate() {
        let strips = &mut strips[(head * panels + panel) * d_head..][..d_head];
        strips.iter_mut().zip(numbers).for_each(|(strip, number)| strip.set(column, *number));
    }
}

/// Weights of some heads of a layer.
#[derive(Debug)]
pub(super) struct AttentionWeights {
    heads: usize,
    /// Queries, then keys, then values of these heads.
    qkv: Matrix,
    output: Matrix,
    content_bias: Vec<f32>,
    position_bias: Vec<f32>,
    /// The projected encoding of distance `d` at position `memory - d`.
    places: Positions,
}

/// Keys and values of some heads of a layer, one sequence's: position `p` is in slot `p % slots`.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    pub(super) keys: Positions,
    pub(super) values: Positions,
}

/// What changes in the work of some heads: the rings of every sequence, and memory to work in.
#[derive(Debug)]
pub(super) struct AttentionState {
    /// Of each sequence a ring a layer.
    pub(super) rings: Vec<Vec<Ring>>,
    qkv: Vec<[f32; STRIP]>,
    context: Vec<f32>,
    packed: PackedRows,
    head: Head,
    /// These heads' part of the sublayer's output, a row of strips for each position.
    pub(super) output: Vec<[f32; STRIP]>,
}

impl AttentionWeights {
    /// The weights of `heads`, packed in `formats` (the matrices' and the positions').
    pub(super) fn pack(
        sizes: &TransformerSizes,
        weights: &TransformerWeights,
        layer: &TransformerLayerWeights,
        heads: Range<usize>,
        formats: [NumberFormat; 2],
    ) -> Self {
        let (d, width, d_head) = (sizes.d_model, sizes.d_attention(), sizes.d_head);
        let columns = heads.start * d_head..heads.end * d_head;
        let own = columns.len();
        let qkv = Matrix::pack(formats[0], d, 3 * own, |input, output| {
            layer.qkv[input * 3 * width + output / own * width + columns.start + output % own]
        });
        let output = Matrix::pack(formats[0], own, d, |input, output| {
            layer.output[(columns.start + input) * d + output]
        });
        let panels = (sizes.memory + 1).div_ceil(STRIP);
        let mut places = Positions::new(formats[1], panels * own);
        let own_columns: Vec<f32> =
            layer.positions.chunks_exact(width).flat_map(|row| &row[columns.clone()]).copied().collect();
        project(Instructions::detect(), &own_columns, [d, own, sizes.memory], |distance, numbers| {
            places.write(panels, d_head, sizes.memory - distance, numbers);
        });
        Self {
            heads: heads.len(),
            qkv,
            output,
            content_bias: weights.content_bias[columns.clone()].to_vec(),
            position_bias: weights.position_bias[columns].to_vec(),
            places,
        }
    }

    /// Empty rings for one more sequence, `layers` of them.
    pub(super) fn rings(&self, shape: &Shape, layers: usize) -> Vec<Ring> {
        let format = match self.places {
            Positions::F32(_) => NumberFormat::F32,
            Positions::Bf16(_) => NumberFormat::Bf16,
        };
        let empty = Positions::new(format, shape.slots / STRIP * self.heads * shape.d_head);
        vec![Ring { keys: empty.clone(), values: empty }; layers]
    }

    /// Numbers of the memory for a position, apart from the rings.
    pub(super) fn numbers_a_row(&self) -> usize {
        let strips = self.qkv.panels() + self.output.panels();
        strips * STRIP + self.output.inputs() + PackedRows::numbers_a_row(self.output.inputs())
    }

    /// Memory for `rows` positions at once, and no sequence.
    pub(super) fn state(&self, shape: &Shape, rows: usize) -> AttentionState {
        AttentionState {
            rings: Vec::new(),
            qkv: vec![[0.0; STRIP]; rows * self.qkv.panels()],
            context: vec![0.0; rows * self.output.inputs()],
            packed: PackedRows::with_room(rows, self.output.inputs()),
            head: Head::new(shape),
            output: vec![[0.0; STRIP]; rows * self.output.panels()],
        }
    }

    /// The sublayer for these heads, without the residual sum, into `state.output`.
    ///
    /// `entering` has as many rows for each sequence; those of sequence `s` are its positions from
    /// `positions[s]` on.
    pub(super) fn run(
        &self,
        instructions: Instructions,
        shape: &Shape,
        layer: usize,
        entering: &PackedRows,
        positions: &[usize],
        state: &mut AttentionState,
    ) {
        let AttentionState { rings, qkv, context, packed, head, output } = state;
        let (width, each) = (self.output.inputs(), entering.rows() / positions.len());
        self.qkv.multiply(instructions, entering, qkv);
        let stride = self.qkv.panels();
        let row = |index: usize| qkv[index * stride..][..stride].as_flattened();
        for (sequence, (rings, first)) in rings.iter_mut().zip(positions).enumerate() {
            let ring = &mut rings[layer];
            let panels = shape.slots / STRIP;
            for index in 0..each {
                let (row, slot) = (row(sequence * each + index), (first + index) % shape.slots);
                ring.keys.write(panels, shape.d_head, slot, &row[width..2 * width]);
                ring.values.write(panels, shape.d_head, slot, &row[2 * width..3 * width]);
            }
            for index in 0..self.heads {
                let columns = index * shape.d_head..(index + 1) * shape.d_head;
                let biases = [&self.content_bias[columns.clone()], &self.position_bias[columns.clone()]];
                let rows = sequence * each..(sequence + 1) * each;
                let query = |at: usize| &row(rows.start + at)[columns.clone()];
                let context = &mut context[rows.start * width..rows.end * width];
                head.run(
                    instructions,
                    shape,
                    index,
                    ring,
                    &self.places,
                    biases,
                    *first,
                    each,
                    query,
                    |at, numbers| {
                        context[at * width..][columns.clone()].copy_from_slice(numbers);
                    },
                );
            }
        }
        packed.pack(entering.rows(), width, |index| &context[index * width..]);
        self.output.multiply(instructions, packed, output);
    }
}
