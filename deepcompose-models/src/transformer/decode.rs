//! Decoding token by token.

use std::fmt;
use std::sync::Arc;

use deepcompose_engines::transformer::{self as engine, DecodePrecision, TransformerEngine};

use super::config::TransformerXlConfig;
use super::error::TransformerError;
use super::network::{TransformerXl, shape_error};

/// Runs a [`TransformerXl`] token by token, keeping keys and values of what it has read.
///
/// Like the network it attends to the last [`memory`](TransformerXlConfig::memory) positions besides the
/// newest, so its logits are those of [`TransformerXl::forward`] on the whole sequence, however long and
/// however it was pushed, within rounding (1e-4; more where the network was
/// [prepared](TransformerXl::prepare) in fewer bits). How it was pushed makes no difference to the bit. The time of
/// a step does not grow with the sequence beyond `memory` positions.
///
/// It runs on the CPU, whatever the network's device: a step is a handful of matrix-vector products, which no device
/// does faster than they can be sent there. Clones share the weights.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::transformer::{Decoder, TransformerXl, TransformerXlConfig};
///
/// let config = TransformerXlConfig { layers: 1, heads: 2, d_model: 8, d_head: 4, d_inner: 16,
///     ..TransformerXlConfig::reference() };
/// let network = TransformerXl::new(&config, 7, &Device::default())?;
/// let mut decoder = Decoder::new(&network)?;
/// assert_eq!(decoder.push(&[308])?.len(), 310);
/// assert_eq!(decoder.push(&[60, 180])?.len(), 310);
/// assert_eq!(decoder.positions(), 3);
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
#[derive(Clone)]
pub struct Decoder {
    decoder: engine::Decoder,
    config: Arc<TransformerXlConfig>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("config", self.config())
            .field("positions", &self.positions())
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder of `network`, [prepared](TransformerXl::prepare) in [`DecodePrecision::Single`], which has read nothing.
    ///
    /// # Errors
    ///
    /// As [`TransformerXl::prepare`].
    pub fn new(network: &TransformerXl) -> Result<Self, TransformerError> {
        Ok(network.prepare(DecodePrecision::Single)?.decoder())
    }

    pub(super) fn of(engine: &Arc<TransformerEngine>, config: &Arc<TransformerXlConfig>) -> Self {
        Self { decoder: engine::Decoder::new(engine), config: Arc::clone(config) }
    }

    /// The sizes of the network.
    #[must_use]
    pub fn config(&self) -> &TransformerXlConfig {
        &self.config
    }

    /// Number of tokens in the vocabulary, which is the number of logits.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.config.vocabulary
    }

    /// Number of tokens read since the start or the last reset.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.decoder.positions()
    }

    /// Forgets what was read.
    pub fn reset(&mut self) {
        self.decoder.reset();
    }

    /// Reads `tokens` and returns the logits of the token after them, `[vocabulary]`.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Shape`] where `tokens` is empty, [`TransformerError::Token`] for one outside the
    /// vocabulary; nothing has then been read.
    pub fn push(&mut self, tokens: &[u32]) -> Result<&[f32], TransformerError> {
        check_tokens(tokens, self.config.vocabulary)?;
        match tokens {
            [] => Err(shape_error("tokens", "at least one", 0)),
            [token] => Ok(self.decoder.push(*token)?),
            tokens => Ok(self.decoder.push_all(tokens)?),
        }
    }

    /// So many sequences side by side that all go on from what this one has read.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Engine`] for more sequences than their keys and values have room for.
    pub fn fork(&self, sequences: usize) -> Result<BatchDecoder, TransformerError> {
        let decoder = engine::BatchDecoder::fork(&self.decoder, sequences)?;
        Ok(BatchDecoder { decoder, config: Arc::clone(&self.config) })
    }
}

impl deepcompose_samplers::TokenModel for Decoder {
    type Error = TransformerError;

    fn vocabulary_size(&self) -> usize {
        Self::vocabulary_size(self)
    }

    fn reset(&mut self) -> Result<(), TransformerError> {
        Self::reset(self);
        Ok(())
    }

    fn push(&mut self, tokens: &[u32]) -> Result<&[f32], TransformerError> {
        Self::push(self, tokens)
    }
}

impl deepcompose_samplers::ForkModel for Decoder {
    type Batch = BatchDecoder;

    fn fork(&self, sequences: usize) -> Result<BatchDecoder, TransformerError> {
        Self::fork(self, sequences)
    }
}

impl deepcompose_samplers::TokenBatch for BatchDecoder {
    type Error = TransformerError;

    fn step(&mut self, tokens: &[u32]) -> Result<&[f32], TransformerError> {
        Self::step(self, tokens)
    }

    fn retain(&mut self, keep: &[bool]) {
        Self::retain(self, |sequence| keep.get(sequence).copied().unwrap_or(true));
    }
}

/// Several sequences, of which a token each is read at a time.
///
/// The weights are read from memory once for all of them, which is most of the time of a step. Each sequence's logits
/// are those of a [`Decoder`] of its own, to the bit.
///
/// ```
/// use burn::tensor::Device;
/// use deepcompose_models::transformer::{Decoder, TransformerXl, TransformerXlConfig};
///
/// let config = TransformerXlConfig { layers: 1, heads: 2, d_model: 8, d_head: 4, d_inner: 16,
///     ..TransformerXlConfig::reference() };
/// let mut decoder = Decoder::new(&TransformerXl::new(&config, 7, &Device::default())?)?;
/// decoder.push(&[308])?;
/// let mut three = decoder.fork(3)?;
/// three.step(&[60, 62, 64])?;
/// // Two go on.
/// three.retain(|sequence| sequence != 1);
/// assert_eq!(three.step(&[180, 190])?.len(), 2 * 310);
/// assert_eq!(three.logits(0), decoder.push(&[60, 180])?);
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
pub struct BatchDecoder {
    decoder: engine::BatchDecoder,
    config: Arc<TransformerXlConfig>,
}

impl fmt::Debug for BatchDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchDecoder")
            .field("config", self.config())
            .field("positions", &self.positions())
            .finish_non_exhaustive()
    }
}

impl BatchDecoder {
    pub(super) fn of(
        engine: &Arc<TransformerEngine>,
        config: &Arc<TransformerXlConfig>,
        sequences: usize,
    ) -> Result<Self, TransformerError> {
        let decoder = engine::BatchDecoder::new(engine, sequences)?;
        Ok(Self { decoder, config: Arc::clone(config) })
    }

    /// The sizes of the network.
    #[must_use]
    pub fn config(&self) -> &TransformerXlConfig {
        &self.config
    }

    /// Number of sequences.
    #[must_use]
    pub fn len(&self) -> usize {
        self.decoder.len()
    }

    /// Whether there are no sequences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.decoder.is_empty()
    }

    /// Number of tokens read of each sequence.
    #[must_use]
    pub fn positions(&self) -> &[usize] {
        self.decoder.positions()
    }

    /// The logits of the token after the newest of one sequence, `[vocabulary]`; none while nothing has been read,
    /// and where there is no such sequence.
    #[must_use]
    pub fn logits(&self, sequence: usize) -> &[f32] {
        self.decoder.logits(sequence)
    }

    /// Reads the next token of each sequence and returns the logits after them, `[sequences, vocabulary]`.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Shape`] for another number of tokens than there are sequences,
    /// [`TransformerError::Token`] for one outside the vocabulary; nothing has then been read.
    pub fn step(&mut self, tokens: &[u32]) -> Result<&[f32], TransformerError> {
        check_tokens(tokens, self.config.vocabulary)?;
        if tokens.len() != self.len() {
            return Err(shape_error(
                "tokens",
                format!("one for each of {} sequences", self.len()),
                tokens.len(),
            ));
        }
        Ok(self.decoder.step(tokens)?)
    }

    /// Keeps only the sequences for whose index `keep` says so, in their order.
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        self.decoder.retain(keep);
    }
}

fn check_tokens(tokens: &[u32], vocabulary: usize) -> Result<(), TransformerError> {
    match tokens.iter().find(|token| **token as usize >= vocabulary) {
        Some(token) => Err(TransformerError::Token { token: i64::from(*token), vocabulary }),
        None => Ok(()),
    }
}
