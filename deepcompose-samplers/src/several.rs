//! [`generate_several`]: one prompt is continued several times, side by side.

use std::ops::ControlFlow;

use rand::Rng;

use crate::constraint::Constraint;
use crate::generate::{GenerateError, Generated, Progress, Sequence, check_logits, check_prompt};
use crate::token::{SampleScratch, TokenSampler};
use crate::token_model::{TokenId, TokenModel};

/// A [`TokenModel`] that can go on several times from what it has read.
pub trait ForkModel: TokenModel {
    /// Sequences side by side.
    type Batch: TokenBatch<Error = Self::Error>;

    /// So many sequences that have all read what this model has.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of, such as too many sequences.
    fn fork(&self, sequences: usize) -> Result<Self::Batch, Self::Error>;
}

/// A model that reads a token of each of several sequences at a time.
pub trait TokenBatch {
    /// What can go wrong in the model.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Appends a token to each sequence and returns the logits of what follows, `[sequences, vocabulary]`.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of.
    fn step(&mut self, tokens: &[TokenId]) -> Result<&[f32], Self::Error>;

    /// Drops the sequences for whose index `keep` is false; the others close up, in their order.
    fn retain(&mut self, keep: &[bool]);
}

/// [`generate_tokens`](crate::generate_tokens) as often as there are `lanes`, each with a constraint and an rng of its own, at less than the
/// cost of one after another: the model reads the prompt once, and then a token of every lane at a time.
///
/// Each lane's tokens are those that [`generate_tokens`](crate::generate_tokens) would give with its constraint and rng, if the model's
/// batches compute what the model does. `observer` is told of every token and of its lane; a break ends that lane.
///
/// # Errors
///
/// As [`generate_tokens`](crate::generate_tokens), and [`GenerateError::BatchLogitCount`] for a batch that returns the
/// wrong number of logits.
pub fn generate_several<M, C, R>(
    model: &mut M,
    prompt: &[TokenId],
    sampler: &TokenSampler,
    lanes: Vec<(C, R)>,
    token_budget: usize,
    observer: &mut dyn FnMut(usize, Progress) -> ControlFlow<()>,
) -> Result<Vec<Generated>, GenerateError<M::Error>>
where
    M: ForkModel + ?Sized,
    C: Constraint,
    R: Rng,
{
    let vocabulary_size = model.vocabulary_size();
    check_prompt(prompt, vocabulary_size)?;
    model.reset().map_err(GenerateError::Model)?;
    let mut scratch = SampleScratch::default();
    let mut lanes: Vec<_> =
        lanes.into_iter().map(|(constraint, rng)| (Sequence::new(constraint, token_budget), rng)).collect();
    // The lanes that go on, which are the batch's sequences.
    let mut running: Vec<usize> = (0..lanes.len()).filter(|lane| lanes[*lane].0.goes_on()).collect();
    if !running.is_empty() {
        let logits = model.push(prompt).map_err(GenerateError::Model)?;
        check_logits(logits, vocabulary_size)?;
        for &lane in &running {
            draw(lane, &mut lanes[lane], logits, sampler, &mut scratch, observer)?;
        }
        running.retain(|lane| lanes[*lane].0.goes_on());
    }
    if !running.is_empty() {
        let mut batch = model.fork(running.len()).map_err(GenerateError::Model)?;
        while !running.is_empty() {
            let tokens: Vec<TokenId> = running.iter().filter_map(|lane| lanes[*lane].0.last()).collect();
            let logits = batch.step(&tokens).map_err(GenerateError::Model)?;
            let sequences = running.len();
            if logits.len() != vocabulary_size.saturating_mul(sequences) {
                let logits = logits.len();
                return Err(GenerateError::BatchLogitCount { logits, sequences, vocabulary_size });
            }
            for (&lane, logits) in running.iter().zip(logits.chunks_exact(vocabulary_size)) {
                draw(lane, &mut lanes[lane], logits, sampler, &mut scratch, observer)?;
            }
            let keep: Vec<bool> = running.iter().map(|lane| lanes[*lane].0.goes_on()).collect();
            if keep.contains(&false) {
                batch.retain(&keep);
                running.retain(|lane| lanes[*lane].0.goes_on());
            }
        }
    }
    Ok(lanes.into_iter().map(|(sequence, _)| sequence.close()).collect())
}

fn draw<C: Constraint, R: Rng, E: std::error::Error>(
    lane: usize,
    (sequence, rng): &mut (Sequence<C>, R),
    logits: &[f32],
    sampler: &TokenSampler,
    scratch: &mut SampleScratch,
    observer: &mut dyn FnMut(usize, Progress) -> ControlFlow<()>,
) -> Result<(), GenerateError<E>> {
    let progress = sequence.draw(logits, sampler, rng, scratch)?;
    if observer(lane, progress).is_break() {
        sequence.stop();
    }
    Ok(())
}
