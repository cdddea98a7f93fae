//! [`Constraint`]: what may come next, said before it is drawn.

use crate::token_model::TokenId;

/// Rules on a token sequence, held by masking: what would break a rule gets a logit of −∞ before
/// the draw, so nothing needs to be trimmed or repaired afterwards. A constraint may also prefer some of what it lets
/// through.
///
/// A constraint is told every token by [`observe`](Self::observe). Between two calls of it
/// [`mask`](Self::mask) must give the same answer, and unless [`finished`](Self::finished) it
/// should leave at least one token.
pub trait Constraint {
    /// Sets the logit of every token that may not come next to −∞. Others it leaves alone, or raises where it says so.
    /// `logits` holds one logit a token, by id.
    fn mask(&self, logits: &mut [f32]);

    /// Notes that `token` has come.
    fn observe(&mut self, token: TokenId);

    /// Whether the sequence is complete.
    fn finished(&self) -> bool;

    /// How much of the sequence is done, in `0.0..=1.0`, where that is known.
    fn progress(&self) -> Option<f64> {
        None
    }

    /// Ends `tokens`, whose last token is the last one observed, so that it stands by itself
    /// wherever it stopped: takes off what only announces something, and appends what closes
    /// what is open. Does nothing by default.
    fn close(&self, tokens: &mut Vec<TokenId>) {
        let _ = tokens;
    }
}

/// No rules, and no end: generation runs until its token budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unconstrained;

impl Constraint for Unconstrained {
    fn mask(&self, _logits: &mut [f32]) {}

    fn observe(&mut self, _token: TokenId) {}

    fn finished(&self) -> bool {
        false
    }
}

impl<C: Constraint + ?Sized> Constraint for &mut C {
    fn mask(&self, logits: &mut [f32]) {
        (**self).mask(logits);
    }

    fn observe(&mut self, token: TokenId) {
        (**self).observe(token);
    }

    fn finished(&self) -> bool {
        (**self).finished()
    }

    fn progress(&self) -> Option<f64> {
        (**self).progress()
    }

    fn close(&self, tokens: &mut Vec<TokenId>) {
        (**self).close(tokens);
    }
}

impl<C: Constraint + ?Sized> Constraint for Box<C> {
    fn mask(&self, logits: &mut [f32]) {
        (**self).mask(logits);
    }

    fn observe(&mut self, token: TokenId) {
        (**self).observe(token);
    }

    fn finished(&self) -> bool {
        (**self).finished()
    }

    fn progress(&self) -> Option<f64> {
        (**self).progress()
    }

    fn close(&self, tokens: &mut Vec<TokenId>) {
        (**self).close(tokens);
    }
}
