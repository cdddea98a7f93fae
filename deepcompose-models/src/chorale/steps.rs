//! Steps as the network reads them.

#[cfg(feature = "train")]
use std::sync::Arc;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::dropout::Dropout;
use super::history::{Cells, History, voice_inputs};
use super::network::{ChoraleTransformer, Memory};
use super::voice::{CELLS, relate, terms};
use crate::error::ModelError;

/// Steps of one or several pieces, all of a batch as many.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Steps {
    /// Of each step, the rows of its state.
    inputs: Vec<i32>,
    voices: [VoiceSteps; 4],
    /// Whether each step counts.
    counts: Vec<bool>,
}

/// One voice of each step.
#[derive(Debug, Clone, Default, PartialEq)]
struct VoiceSteps {
    rows: Vec<i32>,
    relations: Vec<i32>,
    cells: Vec<i32>,
}

impl Steps {
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// How many of them count.
    #[cfg(feature = "train")]
    pub(crate) fn counted(&self) -> usize {
        self.counts.iter().filter(|counts| **counts).count()
    }

    /// Appends the step after `history`. The voices that are not `told` are hidden from its state.
    pub(crate) fn push(&mut self, history: &History, told: [bool; 4], cells: Cells) {
        self.inputs.extend(history.inputs(told).map(i32::from));
        for (voice, steps) in self.voices.iter_mut().enumerate() {
            let (above, own) = cells.split_at(voice);
            history.voice_inputs(above, &mut steps.rows);
            relate(history.outlook(above), above, &mut steps.relations);
            steps.cells.push(own.first().copied().map_or(0, i32::from));
        }
        self.counts.push(true);
    }

    /// Appends a step that does not count.
    #[cfg(feature = "train")]
    pub(crate) fn pad(&mut self) {
        self.push(&History::new(Arc::default()), [true; 4], [0; 4]);
        if let Some(counts) = self.counts.last_mut() {
            *counts = false;
        }
    }

    /// The natural logarithms of the probabilities that `network` gives every cell of each voice, `[steps, CELLS]`.
    pub(crate) fn log_distributions(
        &self,
        network: &ChoraleTransformer,
        batch: usize,
        memory: Option<&mut Memory>,
        dropout: &mut Dropout<'_>,
    ) -> [Tensor<2>; 4] {
        let device = network.table.val().device();
        let count = self.len();
        let inputs = ints(&self.inputs, [batch, self.inputs.len() / batch.max(1)], &device);
        let states = network.states(inputs, memory, dropout).reshape([count, network.config.d_model]);
        std::array::from_fn(|voice| {
            let (network, steps) = (&network.voices[voice], &self.voices[voice]);
            let rows = ints(&steps.rows, [count, voice_inputs(voice)], &device);
            let relations = ints(&steps.relations, [count, CELLS * terms(voice)], &device);
            log_softmax(network.forward(states.clone(), rows, relations, dropout), 1)
        })
    }

    /// Of those, the ones of the cells that are there, `[steps]`; 0 where a step does not count.
    pub(crate) fn chosen(&self, voices: [Tensor<2>; 4]) -> [Tensor<1>; 4] {
        let count = self.len();
        let mut number = 0;
        voices.map(|voice| {
            let device = voice.device();
            let cells = ints(&self.voices[number].cells, [count, 1], &device);
            number += 1;
            voice.gather(1, cells).reshape([count]) * self.counts(&device)
        })
    }

    /// 1 where a step counts and 0 where not, `[steps]`.
    pub(crate) fn counts(&self, device: &Device) -> Tensor<1> {
        let counts: Vec<f32> = self.counts.iter().map(|counts| f32::from(u8::from(*counts))).collect();
        Tensor::from_data(counts.as_slice(), &device.clone().inner())
    }

    /// The natural logarithms of the probabilities that `network` gives the cells of each voice, `[steps]`; 0 where
    /// a step does not count.
    pub(crate) fn log_probabilities(
        &self,
        network: &ChoraleTransformer,
        batch: usize,
        memory: Option<&mut Memory>,
        dropout: &mut Dropout<'_>,
    ) -> [Tensor<1>; 4] {
        self.chosen(self.log_distributions(network, batch, memory, dropout))
    }
}

fn ints(values: &[i32], shape: [usize; 2], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// Steps computed at once where nothing is learnt: memory grows with their product with all steps before.
const BLOCK: usize = 256;

impl ChoraleTransformer {
    /// The natural logarithms of the probabilities of the cells of every step, in the order of the voices, each given
    /// all steps before and the voices above: their sum is the logarithm of the piece's probability, but for its end.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] for a cell above 128, [`ModelError::Device`] where the device gives no numbers.
    pub fn log_probabilities(&self, piece: &[Cells]) -> Result<Vec<[f64; 4]>, ModelError> {
        if let Some(cell) = piece.iter().flatten().find(|cell| usize::from(**cell) >= CELLS) {
            return Err(ModelError::range("cell", cell, "0..=128"));
        }
        let mut memory = Memory::new(self);
        let mut history = History::new(self.tunes()?);
        let mut out = Vec::with_capacity(piece.len());
        for block in piece.chunks(BLOCK) {
            let mut steps = Steps::default();
            for cells in block {
                steps.push(&history, [true; 4], *cells);
                history.push(*cells);
            }
            let voices = steps.log_probabilities(self, 1, Some(&mut memory), &mut Dropout::none());
            let mut columns = Vec::with_capacity(4);
            for voice in voices {
                let numbers = voice.into_data().convert::<f32>().try_into_vec::<f32>();
                columns.push(numbers.map_err(|e| ModelError::Device(format!("{e:?}")))?);
            }
            let cell =
                |voice: usize, step: usize| columns[voice].get(step).copied().map_or(f64::NAN, f64::from);
            out.extend((0..block.len()).map(|step| [0, 1, 2, 3].map(|voice| cell(voice, step))));
        }
        Ok(out)
    }
}
