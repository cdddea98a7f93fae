//! The pass of some positions of some sequences through the layers.

use std::sync::Arc;

use super::attention::AttentionState;
use super::engine::TransformerEngine;
use super::feed_forward::FeedForwardState;
use super::sizes::out_of_range;
use super::threads::{WORTH_A_THREAD, each, in_pool};
use super::weights::NormWeights;
use crate::EngineError;
use crate::kernels::{Instructions, PackedRows, STRIP, layer_norm};

/// Some sequences that are read side by side, and the memory to read them in.
#[derive(Debug)]
pub(super) struct Session {
    engine: Arc<TransformerEngine>,
    /// Positions read of each sequence.
    positions: Vec<usize>,
    attention: Vec<AttentionState>,
    feed_forward: Vec<FeedForwardState>,
    /// The states on their way through the layers, a row of `d_model` for each position read at once.
    states: Vec<f32>,
    normed: Vec<f32>,
    entering: PackedRows,
    /// Logits panel by panel, 64 numbers for each row.
    panels: Vec<[f32; STRIP]>,
    /// Logits row by row.
    logits: Vec<f32>,
}

/// How many panels of logits are computed in one go.
const LOGIT_PANELS: usize = 16;

impl Session {
    /// No sequence yet; `rows` positions of all sequences together can be read at once.
    pub(super) fn new(engine: &Arc<TransformerEngine>, rows: usize) -> Self {
        let (sizes, shape) = (&engine.sizes, &engine.shape);
        let first = &engine.layers[0];
        Self {
            positions: Vec::new(),
            attention: first.attention.iter().map(|part| part.state(shape, rows)).collect(),
            feed_forward: first.feed_forward.iter().map(|part| part.state(rows)).collect(),
            states: vec![0.0; rows * sizes.d_model],
            normed: vec![0.0; rows * sizes.d_model],
            entering: PackedRows::with_room(rows, sizes.d_model),
            panels: Vec::new(),
            logits: Vec::new(),
            engine: Arc::clone(engine),
        }
    }

    /// Numbers of the memory for a sequence of which a position is read at once: its keys and values, its logits, and the
    /// states on their way through the layers.
    pub(super) fn numbers_a_sequence(engine: &TransformerEngine) -> u64 {
        let (sizes, first) = (&engine.sizes, &engine.layers[0]);
        let attention: usize = first.attention.iter().map(|part| part.numbers_a_row()).sum();
        let feed_forward: usize = first.feed_forward.iter().map(|part| part.numbers_a_row()).sum();
        let states = 2 * sizes.d_model + PackedRows::numbers_a_row(sizes.d_model);
        let logits = engine.embedding.panels() * STRIP + sizes.vocabulary;
        sizes.numbers_a_sequence() + (attention + feed_forward + states + logits) as u64
    }

    /// Adds a sequence that has read nothing.
    pub(super) fn add_empty(&mut self) {
        let engine = &self.engine;
        for (state, weights) in self.attention.iter_mut().zip(&engine.layers[0].attention) {
            state.rings.push(weights.rings(&engine.shape, engine.sizes.layers));
        }
        self.positions.push(0);
        self.make_room();
    }

    /// Adds a sequence that has read what `index` of `other` has, of the same engine.
    pub(super) fn add_copy(&mut self, other: &Self, index: usize) {
        for (state, other) in self.attention.iter_mut().zip(&other.attention) {
            state.rings.push(other.rings[index].clone());
        }
        self.positions.push(other.positions[index]);
        self.make_room();
        let vocabulary = self.engine.sizes.vocabulary;
        let at = self.logits.len() - vocabulary;
        if let Some(logits) = other.logits(index) {
            self.logits[at..].copy_from_slice(logits);
        }
    }

    fn make_room(&mut self) {
        let count = self.positions.len();
        self.panels.resize(count * self.engine.embedding.panels(), [0.0; STRIP]);
        self.logits.resize(count * self.engine.sizes.vocabulary, 0.0);
    }

    /// Removes a sequence; those behind it move up.
    pub(super) fn remove(&mut self, index: usize) {
        self.attention.iter_mut().for_each(|state| drop(state.rings.remove(index)));
        self.positions.remove(index);
        let vocabulary = self.engine.sizes.vocabulary;
        self.logits.drain(index * vocabulary..(index + 1) * vocabulary);
        // As many panels as sequences need: what is left over would be taken for more of the vocabulary.
        self.panels.truncate(self.positions.len() * self.engine.embedding.panels());
    }

    /// Forgets what was read of all sequences.
    pub(super) fn reset(&mut self) {
        self.positions.fill(0);
    }

    pub(super) fn engine(&self) -> &Arc<TransformerEngine> {
        &self.engine
    }

    pub(super) fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// The logits after the newest position of a sequence that has read something.
    pub(super) fn logits(&self, index: usize) -> Option<&[f32]> {
        let vocabulary = self.engine.sizes.vocabulary;
        let read = self.positions.get(index).is_some_and(|positions| *positions > 0);
        read.then(|| &self.logits[index * vocabulary..][..vocabulary])
    }

    /// The logits of all sequences one after another.
    pub(super) fn all_logits(&self) -> &[f32] {
        &self.logits
    }

    pub(super) fn check_tokens(&self, tokens: &[u32]) -> Result<(), EngineError> {
        let vocabulary = self.engine.sizes.vocabulary;
        match tokens.iter().find(|token| **token as usize >= vocabulary) {
            Some(token) => Err(out_of_range("token", token, format!("below {vocabulary}"))),
            None => Ok(()),
        }
    }

    /// Reads checked tokens, as many of each sequence, one sequence's after another's; computes the logits after
    /// the last of each sequence if `logits`.
    pub(super) fn read(&mut self, tokens: &[u32], logits: bool) {
        let work =
            tokens.len() * self.engine.layers[0].feed_forward.iter().map(|part| part.work()).sum::<usize>();
        match work >= WORTH_A_THREAD {
            true => in_pool(|parallel| self.pass(tokens, logits, parallel)),
            false => self.pass(tokens, logits, false),
        }
    }

    fn pass(&mut self, tokens: &[u32], logits: bool, parallel: bool) {
        let engine = Arc::clone(&self.engine);
        let (d, rows) = (engine.sizes.d_model, tokens.len());
        for (token, state) in tokens.iter().zip(self.states.chunks_exact_mut(d)) {
            engine.embed(*token, state);
        }
        for (index, layer) in engine.layers.iter().enumerate() {
            self.enter(rows, engine.sizes.pre_norm.then_some(&layer.attention_norm));
            let (entering, positions) = (&self.entering, &self.positions);
            each(&mut self.attention, parallel, &|part, state| {
                let weights = &layer.attention[part];
                weights.run(engine.instructions, &engine.shape, index, entering, positions, state);
            });
            let strips = engine.row_strips();
            for (row, state) in self.states.chunks_exact_mut(d).take(rows).enumerate() {
                let parts = self.attention.iter().map(|part| &part.output[row * strips..][..strips]);
                add_parts(state, parts);
            }
            self.leave(rows, (!engine.sizes.pre_norm).then_some(&layer.attention_norm));

            self.enter(rows, engine.sizes.pre_norm.then_some(&layer.feed_forward_norm));
            let entering = &self.entering;
            each(&mut self.feed_forward, parallel, &|part, state| {
                layer.feed_forward[part].run(engine.instructions, entering, state);
            });
            for (row, state) in self.states.chunks_exact_mut(d).take(rows).enumerate() {
                state.iter_mut().zip(&layer.contract_bias).for_each(|(state, bias)| *state += bias);
                let parts = self.feed_forward.iter().map(|part| &part.output[row * strips..][..strips]);
                add_parts(state, parts);
            }
            self.leave(rows, (!engine.sizes.pre_norm).then_some(&layer.feed_forward_norm));
        }
        let each = rows / self.positions.len();
        self.positions.iter_mut().for_each(|position| *position += each);
        if logits {
            self.read_out(each, parallel);
        }
    }

    /// Packs the states, normalised if there is a norm, for the sublayer's first product.
    fn enter(&mut self, rows: usize, norm: Option<&NormWeights>) {
        let d = self.engine.sizes.d_model;
        let Self { engine, states, normed, entering, .. } = self;
        let rows_of = match norm {
            Some(norm) => {
                normalise(engine.instructions, norm, &states[..rows * d], normed);
                normed
            }
            None => states,
        };
        entering.pack(rows, d, |row| &rows_of[row * d..]);
    }

    /// Normalises the states after a sublayer if there is a norm.
    fn leave(&mut self, rows: usize, norm: Option<&NormWeights>) {
        if let Some(norm) = norm {
            let d = self.engine.sizes.d_model;
            normalise(self.engine.instructions, norm, &self.states[..rows * d], &mut self.normed);
            std::mem::swap(&mut self.states, &mut self.normed);
        }
    }

    /// The logits after the last of `each` states of every sequence.
    fn read_out(&mut self, each_rows: usize, parallel: bool) {
        let engine = Arc::clone(&self.engine);
        let (d, count, vocabulary) = (engine.sizes.d_model, self.positions.len(), engine.sizes.vocabulary);
        for sequence in 0..count {
            let last = (sequence + 1) * each_rows - 1;
            self.states.copy_within(last * d..(last + 1) * d, sequence * d);
        }
        self.enter(count, engine.last_norm.as_ref());
        let (entering, all) = (&self.entering, engine.embedding.panels());
        super::threads::chunks(&mut self.panels, LOGIT_PANELS * count, parallel, &|index, out| {
            let first = index * LOGIT_PANELS;
            let panels = first..all.min(first + LOGIT_PANELS);
            engine.embedding.multiply_panels(engine.instructions, entering, panels, out);
        });
        for (sequence, logits) in self.logits.chunks_exact_mut(vocabulary).enumerate() {
            let rows = self.panels.chunks_exact(count).map(|panel| &panel[sequence]);
            let biases = engine.output_bias.chunks(STRIP);
            for ((logits, numbers), biases) in logits.chunks_mut(STRIP).zip(rows).zip(biases) {
                let sums = numbers.iter().zip(biases).map(|(number, bias)| number + bias);
                logits.iter_mut().zip(sums).for_each(|(logit, sum)| *logit = sum);
            }
        }
    }
}

fn normalise(instructions: Instructions, norm: &NormWeights, rows: &[f32], out: &mut [f32]) {
    let d = norm.gamma.len();
    for (row, out) in rows.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
        layer_norm(instructions, row, &norm.gamma, &norm.beta, out);
    }
}

/// Adds a sublayer's parts to a state, one after another.
fn add_parts<'a>(state: &mut [f32], parts: impl Iterator<Item = &'a [[f32; STRIP]]>) {
    for part in parts {
        state.iter_mut().zip(part.as_flattened()).for_each(|(state, number)| *state += number);
    }
}
