//! Decoding several sequences side by side.

use std::fmt;
use std::sync::Arc;

use super::decoder::Decoder;
use super::engine::TransformerEngine;
use super::session::Session;
use super::sizes::{MAX_NUMBERS, out_of_range};
use crate::EngineError;

/// Several sequences of which a [`TransformerEngine`] reads a token each at a time.
///
/// The weights are read from memory once for all of them, which is most of the time of a step. Each sequence has
/// its own keys and values, and its logits are those of a [`Decoder`] of its own, to the bit.
///
/// ```
/// # use std::sync::Arc;
/// # use deepcompose_engines::EngineError;
/// use deepcompose_engines::transformer::{BatchDecoder, Decoder, TransformerEngine};
///
/// /// Continues `prompt` once with each of `next`.
/// fn continuations(engine: &Arc<TransformerEngine>, prompt: &[u32], next: &[u32]) -> Result<(), EngineError> {
///     let mut decoder = Decoder::new(engine);
///     decoder.push_all(prompt)?;
///     let mut batch = BatchDecoder::fork(&decoder, next.len())?;
///     let logits = batch.step(next)?;
///     assert_eq!(logits.len(), next.len() * engine.sizes().vocabulary);
///     // Goes on without the first.
///     batch.retain(|index| index != 0);
///     Ok(())
/// }
/// ```
pub struct BatchDecoder {
    session: Session,
}

impl fmt::Debug for BatchDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchDecoder")
            .field("engine", self.session.engine())
            .field("positions", &self.session.positions())
            .finish_non_exhaustive()
    }
}

impl BatchDecoder {
    /// `sequences` sequences of which nothing has been read.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for more sequences than 2³² numbers are enough for: keys, values and logits, and the
    /// states of a position in all sublayers.
    pub fn new(engine: &Arc<TransformerEngine>, sequences: usize) -> Result<Self, EngineError> {
        Self::with(engine, sequences, Session::add_empty)
    }

    /// `sequences` sequences that go on from what `decoder` has read.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for more sequences than 2³² numbers are enough for: keys, values and logits, and the
    /// states of a position in all sublayers.
    pub fn fork(decoder: &Decoder, sequences: usize) -> Result<Self, EngineError> {
        Self::with(decoder.engine(), sequences, |session| session.add_copy(&decoder.session, 0))
    }

    fn with(
        engine: &Arc<TransformerEngine>,
        sequences: usize,
        add: impl Fn(&mut Session),
    ) -> Result<Self, EngineError> {
        let most = MAX_NUMBERS / Session::numbers_a_sequence(engine);
        if sequences as u64 > most {
            return Err(out_of_range("the number of sequences", sequences, format!("up to {most}")));
        }
        let mut session = Session::new(engine, sequences);
        (0..sequences).for_each(|_| add(&mut session));
        Ok(Self { session })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<TransformerEngine> {
        self.session.engine()
    }

    /// Number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.session.positions().len()
    }

    /// Whether there are no sequences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of tokens read of each sequence.
    #[must_use]
    pub fn positions(&self) -> &[usize] {
        self.session.positions()
    }

    /// The logits of the token after the newest of one sequence, `[vocabulary]`; none while nothing has been read,
    /// and where there is no such sequence.
    #[must_use]
    pub fn logits(&self, sequence: usize) -> &[f32] {
        self.session.logits(sequence).unwrap_or_default()
    }

    /// Reads the next token of each sequence and returns the logits after them, `[sequences, vocabulary]`.
    /// Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`EngineError::Length`] for another number of tokens than there are sequences,
    /// [`EngineError::OutOfRange`] for one outside the vocabulary; nothing has then been read.
    pub fn step(&mut self, tokens: &[u32]) -> Result<&[f32], EngineError> {
        let (found, expected) = (tokens.len(), self.len());
        if found != expected {
            return Err(EngineError::Length { what: "tokens".into(), found, expected });
        }
        self.session.check_tokens(tokens)?;
        if !tokens.is_empty() {
            self.session.read(tokens, true);
        }
        Ok(self.session.all_logits())
    }

    /// Keeps only the sequences for whose index `keep` says so, in their order.
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        (0..self.len()).rev().filter(|index| !keep(*index)).for_each(|index| self.session.remove(index));
    }
}
