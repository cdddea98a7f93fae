//! Decoding one sequence.

use std::fmt;
use std::sync::Arc;

use super::engine::TransformerEngine;
use super::session::Session;
use super::sizes::out_of_range;
use crate::EngineError;

/// A sequence that a [`TransformerEngine`] reads token by token.
///
/// Keeps the keys and values of the positions that can still be attended to, so the time of a step does not grow
/// beyond [`memory`](super::TransformerSizes::memory) positions. The logits depend on the tokens alone, to the
/// bit: not on how they were cut into calls, on the threads or on the machine's vector instructions.
///
/// Large enough networks use the threads of the current `rayon` pool. From a thread outside of it every call
/// changes threads, which takes some microseconds and now and then a small allocation of `rayon`'s;
/// `pool.install` around a loop saves that.
///
/// A clone goes on by itself and shares the engine. Example: [`TransformerEngine`].
pub struct Decoder {
    pub(super) session: Session,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("engine", self.session.engine())
            .field("positions", &self.positions())
            .finish_non_exhaustive()
    }
}

impl Clone for Decoder {
    fn clone(&self) -> Self {
        let mut session = Self::session(self.engine());
        session.add_copy(&self.session, 0);
        Self { session }
    }
}

impl Decoder {
    /// A sequence of which nothing has been read. Allocates all that decoding needs.
    #[must_use]
    pub fn new(engine: &Arc<TransformerEngine>) -> Self {
        let mut session = Self::session(engine);
        session.add_empty();
        Self { session }
    }

    fn session(engine: &Arc<TransformerEngine>) -> Session {
        Session::new(engine, engine.shape.segment())
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<TransformerEngine> {
        self.session.engine()
    }

    /// Number of tokens read since the start or the last reset.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.session.positions()[0]
    }

    /// The logits of the token after the newest, `[vocabulary]`; none while nothing has been read.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        self.session.logits(0).unwrap_or_default()
    }

    /// Reads a token and returns the [`logits`](Self::logits) after it. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for a token outside the vocabulary; nothing has then been read.
    pub fn push(&mut self, token: u32) -> Result<&[f32], EngineError> {
        self.session.check_tokens(&[token])?;
        self.session.read(&[token], true);
        Ok(self.logits())
    }

    /// Reads tokens one after another and returns the [`logits`](Self::logits) after the last.
    ///
    /// Up to 64 are read together, so this is several times as fast as single steps. The results are the same.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] where there is no token or one outside the vocabulary; nothing has then been
    /// read.
    pub fn push_all(&mut self, tokens: &[u32]) -> Result<&[f32], EngineError> {
        if tokens.is_empty() {
            return Err(out_of_range("the number of tokens", 0, "1 or more"));
        }
        self.session.check_tokens(tokens)?;
        let segment = self.engine().shape.segment();
        for (index, part) in tokens.chunks(segment).enumerate() {
            self.session.read(part, (index + 1) * segment >= tokens.len());
        }
        Ok(self.logits())
    }

    /// Forgets what was read.
    pub fn reset(&mut self) {
        self.session.reset();
    }
}
