//! [`evaluate_tokens`]: what a network gives held-out pieces, in nats.

use deepcompose_core::{TokenId, TokenType};
use serde::{Deserialize, Serialize};

use super::config::{TransformerXlConfig, in_range};
use super::data::{Lanes, Piece, TokenDataset};
use super::error::TransformerError;
use super::fused::{LaneMemory, Weights, loss_with};
use super::network::{TransformerXl, shape_error};
use super::prepare::PreparedTransformer;
use super::tokens::Tokens;
use super::vocabulary::Vocabulary;
use crate::training::replicas::Replicas;

/// Voices of a frame of the four-voice tokens.
const VOICES: f64 = 4.0;

/// How well a Transformer predicts whole pieces.
///
/// By the chain rule, minus the logarithm of the probability that the network gives a piece is the sum over
/// its tokens of minus the logarithm of each one's probability, given those before it that the network's
/// memory reaches. The start token is given and costs nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenEvaluation {
    /// Pieces, each from its start, as it is.
    pub pieces: usize,
    /// Tokens predicted.
    pub tokens: usize,
    /// Minus the logarithm of the probability of all pieces, in nats.
    pub nats: f64,
    /// [`nats`](Self::nats) over [`tokens`](Self::tokens).
    pub nats_per_token: f64,
    /// What a network that knows nothing pays: the logarithm of the vocabulary's size.
    pub uniform_nats_per_token: f64,
    /// Share of the tokens that the network holds most likely, 0..=1. Of equally likely tokens the one with
    /// the lowest id counts.
    pub accuracy: f64,
    /// For four-voice tokens ([`Vocabulary::Satb`]): nats a note, a note being what one voice does in one
    /// sixteenth, rests included.
    pub nats_per_note: Option<f64>,
    /// For four-voice tokens: nats a frame, the four notes of one sixteenth.
    pub nats_per_frame: Option<f64>,
    /// The same by type of token, for types that occur; none for tokens of an unknown tokenizer.
    pub by_type: Vec<TypeEvaluation>,
}

/// The tokens of one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeEvaluation {
    /// The type: `note-on`, `note-off`, `time-shift`, `velocity`, `pitch` or `rest`.
    pub token_type: String,
    /// Tokens of this type.
    pub tokens: usize,
    /// Mean loss of these.
    pub nats_per_token: f64,
    /// Share of these that the network holds most likely, 0..=1.
    pub accuracy: f64,
}

/// Mean loss of a network over whole pieces, in nats a token: that of [`evaluate_tokens`].
///
/// # Errors
///
/// As [`evaluate_tokens`].
pub fn evaluate(
    network: &TransformerXl,
    data: &TokenDataset,
    workers: usize,
) -> Result<f64, TransformerError> {
    Ok(evaluate_tokens(network, data, workers)?.nats_per_token)
}

/// Measures a network on whole pieces (the first rendition of each, not transposed, whatever its weight),
/// each from its start and with the network's memory carried through it. Uses `workers` threads, 1..=256.
///
/// ```
/// use deepcompose_core::InputTrack;
/// use deepcompose_models::Device;
/// use deepcompose_models::transformer::{
///     Piece, TokenDataset, TransformerXl, TransformerXlConfig, Vocabulary, evaluate_tokens,
/// };
///
/// let sizes = TransformerXlConfig { layers: 1, heads: 1, d_model: 8, d_head: 8, d_inner: 8,
///     ..TransformerXlConfig::compact() }.with_tokenizer(Vocabulary::Satb);
/// let network = TransformerXl::new(&sizes, 1, &Device::default())?;
/// let tokens = Vocabulary::Satb.encode(&InputTrack::OdeToJoy.score());
/// let data = TokenDataset::new(vec![Piece::new(tokens)], Vocabulary::Satb.layout())?;
/// let evaluation = evaluate_tokens(&network, &data, 1)?;
/// assert_eq!(evaluation.nats_per_frame, evaluation.nats_per_note.map(|nats| 4.0 * nats));
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
///
/// # Errors
///
/// [`TransformerError::Shape`] where the data is of another vocabulary, [`TransformerError::Config`] for a
/// number of workers out of range, [`TransformerError::Data`] where threads cannot be made.
pub fn evaluate_tokens(
    network: &TransformerXl,
    data: &TokenDataset,
    workers: usize,
) -> Result<TokenEvaluation, TransformerError> {
    let config = network.config();
    let replicas = replicas(config, data, workers)?;
    let weights = Weights::of(network);
    let mut lanes = Lanes::validation(data, 8 * workers);
    let mut memories = vec![LaneMemory::default(); workers];
    let mut tallies = vec![Tally::default(); config.vocabulary];
    while let Some(segments) = lanes.next(config.segment, workers) {
        let work: Vec<_> = segments.iter().zip(&mut memories).collect();
        let parts = replicas.map(work, |_, (segment, memory)| {
            let mut scores = Vec::new();
            loss_with(&weights, segment, memory, &mut |target, logits| {
                scores.push((target, score(logits, target as usize)));
            });
            scores
        });
        parts.into_iter().flatten().for_each(|scored| count(&mut tallies, scored));
    }
    Ok(evaluation(config, data, &tallies))
}

/// [`evaluate_tokens`] of a prepared network, token by token as it is decoded: what fewer bits cost.
///
/// # Errors
///
/// As [`evaluate_tokens`].
pub fn evaluate_prepared(
    network: &PreparedTransformer,
    data: &TokenDataset,
    workers: usize,
) -> Result<TokenEvaluation, TransformerError> {
    let config = network.config();
    let replicas = replicas(config, data, workers)?;
    let mut tallies = vec![Tally::default(); config.vocabulary];
    for pieces in data.pieces().chunks(workers) {
        let parts = replicas.map(pieces.iter().collect(), |_, piece: &Piece| {
            let mut scores = Vec::new();
            let mut decoder = network.decoder();
            let mut before = data.layout().start;
            for target in piece.renditions.iter().take(1).flat_map(Tokens::iter) {
                scores.push((target, score(decoder.push(&[before])?, target as usize)));
                before = target;
            }
            Ok::<_, TransformerError>(scores)
        });
        for part in parts {
            part?.into_iter().for_each(|scored| count(&mut tallies, scored));
        }
    }
    Ok(evaluation(config, data, &tallies))
}

/// The threads that measure a network on data of its vocabulary.
fn replicas(
    config: &TransformerXlConfig,
    data: &TokenDataset,
    workers: usize,
) -> Result<Replicas, TransformerError> {
    let (theirs, ours) = (data.layout().vocabulary, config.vocabulary);
    if theirs != ours {
        return Err(shape_error("the data's vocabulary", ours, theirs));
    }
    in_range("workers", workers, 1, 256)?;
    Replicas::new(workers).map_err(|e| TransformerError::Data(e.to_string()))
}

/// A token, minus the logarithm of its probability, and whether it was held most likely.
type Scored = (u32, (f64, bool));

fn count(tallies: &mut [Tally], (target, (nats, is_right)): Scored) {
    if let Some(tally) = tallies.get_mut(target as usize) {
        *tally = tally.plus(Tally { tokens: 1, nats, right: usize::from(is_right) });
    }
}

/// What tallies by token add up to.
fn evaluation(config: &TransformerXlConfig, data: &TokenDataset, tallies: &[Tally]) -> TokenEvaluation {
    let all = tallies.iter().fold(Tally::default(), |sum, tally| sum.plus(*tally));
    let notes = (config.tokenizer == Some(Vocabulary::Satb)).then(|| all.mean());
    TokenEvaluation {
        pieces: data.pieces().len(),
        tokens: all.tokens,
        nats: all.nats,
        nats_per_token: all.mean(),
        uniform_nats_per_token: (config.vocabulary as f64).ln(),
        accuracy: all.accuracy(),
        nats_per_note: notes,
        nats_per_frame: notes.map(|nats| VOICES * nats),
        by_type: config.tokenizer.map_or_else(Vec::new, |tokenizer| by_type(tokenizer, tallies)),
    }
}

/// Tokens, what they cost and how many were foreseen.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    tokens: usize,
    nats: f64,
    right: usize,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens + other.tokens,
            nats: self.nats + other.nats,
            right: self.right + other.right,
        }
    }

    fn mean(self) -> f64 {
        self.nats / self.tokens.max(1) as f64
    }

    fn accuracy(self) -> f64 {
        self.right as f64 / self.tokens.max(1) as f64
    }
}

/// Minus the logarithm of the target's softmax, and whether no other is as likely (or none before it).
fn score(logits: &[f32], target: usize) -> (f64, bool) {
    let chosen = logits.get(target).copied().unwrap_or(f32::NEG_INFINITY);
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
    let first = logits.iter().position(|logit| *logit == most);
    (total.ln() - (f64::from(chosen) - f64::from(most)), first == Some(target))
}

fn by_type(tokenizer: Vocabulary, tallies: &[Tally]) -> Vec<TypeEvaluation> {
    let tokenizer = tokenizer.tokenizer();
    TokenType::ALL
        .into_iter()
        .map(|token_type| {
            let of_type =
                |(token, _): &(usize, &Tally)| tokenizer.token_type(*token as TokenId) == Some(token_type);
            let tallies = tallies.iter().enumerate().filter(of_type);
            (token_type, tallies.fold(Tally::default(), |sum, (_, tally)| sum.plus(*tally)))
        })
        .filter(|(_, tally)| tally.tokens > 0)
        .map(|(token_type, tally)| TypeEvaluation {
            token_type: name(token_type).to_owned(),
            tokens: tally.tokens,
            nats_per_token: tally.mean(),
            accuracy: tally.accuracy(),
        })
        .collect()
}

const fn name(token_type: TokenType) -> &'static str {
    match token_type {
        TokenType::NoteOn => "note-on",
        TokenType::NoteOff => "note-off",
        TokenType::TimeShift => "time-shift",
        TokenType::Velocity => "velocity",
        TokenType::Pitch => "pitch",
        TokenType::Rest => "rest",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
