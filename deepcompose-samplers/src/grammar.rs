//! [`GrammarConstraint`]: the grammar of a tokenizer of the REMI family.

use deepcompose_core::tokenizer::{Grammar, MusicTokenizer};

use crate::constraint::Constraint;
use crate::token_model::TokenId;

/// Holds a sequence to the [`Grammar`] of its tokenizer, so that it has no
/// [`token_errors`](MusicTokenizer::token_errors).
///
/// The sequence is finished at its end token, if the vocabulary has one.
///
/// ```
/// use deepcompose_core::Tokenizer;
/// use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
/// use deepcompose_samplers::{Constraint, GrammarConstraint};
///
/// let tokenizer = MusicTokenizer::new(Tokenization::Remi, TokenizerConfig::default())?;
/// let constraint = GrammarConstraint::new(&tokenizer);
/// let mut logits = vec![0.0; tokenizer.vocabulary_size()];
/// constraint.mask(&mut logits);
/// let first: Vec<_> = (0..).zip(&logits).filter(|(_, l)| **l == 0.0).collect();
/// let names: Vec<_> = first.iter().filter_map(|(id, _)| tokenizer.token_name(*id)).collect();
/// assert_eq!(names, ["BOS_None", "Bar_None"]);
/// # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct GrammarConstraint<'a> {
    grammar: Grammar<'a>,
}

impl<'a> GrammarConstraint<'a> {
    /// At the beginning of a sequence.
    #[must_use]
    pub fn new(tokenizer: &'a MusicTokenizer) -> Self {
        Self { grammar: tokenizer.grammar() }
    }

    /// After a prompt. Any tokens are taken.
    #[must_use]
    pub fn after_prompt(mut self, prompt: &[TokenId]) -> Self {
        prompt.iter().for_each(|token| self.grammar.observe(*token));
        self
    }
}

impl Constraint for GrammarConstraint<'_> {
    fn mask(&self, logits: &mut [f32]) {
        for (token, logit) in (0..).zip(logits) {
            if !self.grammar.allows(token) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    fn observe(&mut self, token: TokenId) {
        self.grammar.observe(token);
    }

    fn finished(&self) -> bool {
        self.grammar.is_finished()
    }

    fn close(&self, tokens: &mut Vec<TokenId>) {
        self.grammar.close(tokens);
    }
}
