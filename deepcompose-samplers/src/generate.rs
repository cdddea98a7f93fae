//! [`generate_tokens`]: a prompt is continued, token by token.

use std::ops::ControlFlow;

use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::constraint::Constraint;
use crate::error::SampleError;
use crate::token::{SampleScratch, TokenSampler};
use crate::token_model::{TokenId, TokenModel};

/// Why generation stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StopReason {
    /// The constraint was satisfied: the requested duration is full.
    DurationReached,
    /// The token budget was spent first, so the result is shorter than requested.
    TokenBudget,
    /// The observer asked for it.
    Stopped,
}

/// What [`generate_tokens`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The new tokens, without the prompt, ended by [`Constraint::close`].
    pub tokens: Vec<TokenId>,
    /// How many tokens were drawn; [`Constraint::close`] may have added and removed some since.
    pub sampled: usize,
    /// Why there are no more.
    pub stop: StopReason,
}

/// How far generation has got, told after every token drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The token just drawn.
    pub token: TokenId,
    /// How many have been drawn, this one included.
    pub sampled: usize,
    /// How many may be drawn.
    pub token_budget: usize,
    /// What [`Constraint::progress`] says: how much of the duration is full, in `0.0..=1.0`.
    pub fraction: Option<f64>,
}

/// Why generation failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GenerateError<E: std::error::Error + 'static> {
    /// There is no prompt; a model has nothing to say about what follows nothing. A model with a
    /// start token is given that.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// The prompt holds an id that the model does not know.
    #[error("token {token} at index {index} of the prompt is unknown to a model of {vocabulary_size} tokens")]
    UnknownToken {
        /// Where in the prompt.
        index: usize,
        /// The id.
        token: TokenId,
        /// How many tokens the model knows.
        vocabulary_size: usize,
    },
    /// The model returned fewer or more logits than it has tokens.
    #[error("the model returned {logits} logits for a vocabulary of {vocabulary_size} tokens")]
    LogitCount {
        /// How many came.
        logits: usize,
        /// How many tokens the model has.
        vocabulary_size: usize,
    },
    /// The model returned fewer or more logits for several sequences than tokens for each of them.
    #[error(
        "the model returned {logits} logits for {sequences} sequences over {vocabulary_size} tokens each"
    )]
    BatchLogitCount {
        /// How many came.
        logits: usize,
        /// For how many sequences.
        sequences: usize,
        /// How many tokens the model has.
        vocabulary_size: usize,
    },
    /// Nothing could be drawn from the model's logits under the constraint.
    #[error("token {position} could not be drawn")]
    Sample {
        /// How many tokens had been drawn before.
        position: usize,
        /// What was wrong with the logits.
        source: SampleError,
    },
    /// The model failed.
    #[error("the model failed")]
    Model(#[source] E),
}

/// Continues `prompt` until `constraint` is finished, `token_budget` tokens have been drawn, or
/// `observer` says [`ControlFlow::Break`].
///
/// The model is reset and given the prompt; `constraint` is *not* told the prompt, as it may have
/// read it already (see [`PerformanceConstraints::after_prompt`][after]). Then, token by token,
/// the model's logits are masked, one token is drawn, and it is told to the constraint, to the
/// observer, and, if there is to be another, to the model. At the end [`Constraint::close`] ends
/// the sequence, which may take a few tokens more than the budget.
///
/// The result depends on the arguments only: the same model, prompt, settings and rng state give
/// the same tokens.
///
/// [after]: crate::PerformanceConstraints::after_prompt
///
/// ```
/// use deepcompose_samplers::{SamplingTechnique, StopReason, TokenId, TokenModel, TokenSampler};
/// use deepcompose_samplers::{Unconstrained, generate_tokens};
/// use rand::SeedableRng;
/// use std::ops::ControlFlow;
///
/// /// Knows four tokens and likes each as well as the others.
/// struct Dice;
///
/// impl TokenModel for Dice {
///     type Error = std::convert::Infallible;
///
///     fn vocabulary_size(&self) -> usize {
///         4
///     }
///
///     fn reset(&mut self) -> Result<(), Self::Error> {
///         Ok(())
///     }
///
///     fn push(&mut self, _tokens: &[TokenId]) -> Result<&[f32], Self::Error> {
///         Ok(&[0.0; 4])
///     }
/// }
///
/// let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0)?;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
/// let mut observer = |_| ControlFlow::Continue(());
/// let generated =
///     generate_tokens(&mut Dice, &[0], &sampler, &mut Unconstrained, 16, &mut rng, &mut observer)?;
/// assert_eq!(generated.tokens.len(), 16);
/// assert_eq!(generated.stop, StopReason::TokenBudget);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`GenerateError`]: a prompt that is empty or holds unknown tokens, a model that fails or
/// returns the wrong number of logits, or logits that nothing can be drawn from.
pub fn generate_tokens<M, C, R>(
    model: &mut M,
    prompt: &[TokenId],
    sampler: &TokenSampler,
    constraint: &mut C,
    token_budget: usize,
    rng: &mut R,
    observer: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Generated, GenerateError<M::Error>>
where
    M: TokenModel + ?Sized,
    C: Constraint + ?Sized,
    R: Rng + ?Sized,
{
    let vocabulary_size = model.vocabulary_size();
    check_prompt(prompt, vocabulary_size)?;
    model.reset().map_err(GenerateError::Model)?;

    let mut sequence = Sequence::new(constraint, token_budget);
    let mut scratch = SampleScratch::default();
    while sequence.goes_on() {
        // Only a token that another one follows is worth a pass of the model.
        let pushed = match sequence.last() {
            None => model.push(prompt),
            Some(last) => model.push(&[last]),
        };
        let logits = pushed.map_err(GenerateError::Model)?;
        check_logits(logits, vocabulary_size)?;
        let progress = sequence.draw(logits, sampler, rng, &mut scratch)?;
        if observer(progress).is_break() {
            sequence.stop();
        }
    }
    Ok(sequence.close())
}

/// A sequence of tokens on its way.
pub(crate) struct Sequence<C> {
    constraint: C,
    token_budget: usize,
    tokens: Vec<TokenId>,
    stopped: bool,
}

impl<C: Constraint> Sequence<C> {
    pub(crate) fn new(constraint: C, token_budget: usize) -> Self {
        Self { constraint, token_budget, tokens: Vec::new(), stopped: false }
    }

    /// The token drawn last.
    pub(crate) fn last(&self) -> Option<TokenId> {
        self.tokens.last().copied()
    }

    /// Whether another token is to be drawn.
    pub(crate) fn goes_on(&self) -> bool {
        !self.stopped && !self.constraint.finished() && self.tokens.len() < self.token_budget
    }

    /// Ends the sequence where it is.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Draws the next token from its logits.
    pub(crate) fn draw<R: Rng + ?Sized, E: std::error::Error>(
        &mut self,
        logits: &[f32],
        sampler: &TokenSampler,
        rng: &mut R,
        scratch: &mut SampleScratch,
    ) -> Result<Progress, GenerateError<E>> {
        let position = self.tokens.len();
        scratch.load(logits);
        self.constraint.mask(&mut scratch.loaded()[..logits.len()]);
        let token = sampler
            .sample_loaded(logits.len(), rng, scratch)
            .map_err(|source| GenerateError::Sample { position, source })?;
        self.constraint.observe(token);
        self.tokens.push(token);
        let (token_budget, fraction) = (self.token_budget, self.constraint.progress());
        Ok(Progress { token, sampled: position + 1, token_budget, fraction })
    }

    /// What has been generated.
    pub(crate) fn close(self) -> Generated {
        let Self { constraint, mut tokens, stopped, .. } = self;
        let stop = if constraint.finished() {
            StopReason::DurationReached
        } else if stopped {
            StopReason::Stopped
        } else {
            StopReason::TokenBudget
        };
        let sampled = tokens.len();
        constraint.close(&mut tokens);
        Generated { tokens, sampled, stop }
    }
}

pub(crate) fn check_logits<E: std::error::Error + 'static>(
    logits: &[f32],
    vocabulary_size: usize,
) -> Result<(), GenerateError<E>> {
    match logits.len() {
        logits if logits == vocabulary_size => Ok(()),
        logits => Err(GenerateError::LogitCount { logits, vocabulary_size }),
    }
}

pub(crate) fn check_prompt<E: std::error::Error + 'static>(
    prompt: &[TokenId],
    vocabulary_size: usize,
) -> Result<(), GenerateError<E>> {
    if prompt.is_empty() {
        return Err(GenerateError::EmptyPrompt);
    }
    let is_unknown = |token: &TokenId| usize::try_from(*token).map_or(true, |id| id >= vocabulary_size);
    match prompt.iter().position(is_unknown) {
        Some(index) => Err(GenerateError::UnknownToken { index, token: prompt[index], vocabulary_size }),
        None => Ok(()),
    }
}
