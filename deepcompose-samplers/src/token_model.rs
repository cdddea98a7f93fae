//! [`TokenModel`]: what token generation needs of a model.

pub use deepcompose_core::TokenId;

/// A model of token sequences: tokens go in, the logits of the token that follows come out.
///
/// The model keeps what it has been given (a cache, a memory, or the tokens themselves) until
/// [`reset`](Self::reset).
///
/// ```
/// use deepcompose_samplers::{TokenId, TokenModel};
/// use std::convert::Infallible;
///
/// /// Expects the last token to come again.
/// struct Echo {
///     logits: [f32; 4],
/// }
///
/// impl TokenModel for Echo {
///     type Error = Infallible;
///
///     fn vocabulary_size(&self) -> usize {
///         4
///     }
///
///     fn reset(&mut self) -> Result<(), Infallible> {
///         Ok(())
///     }
///
///     fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Infallible> {
///         self.logits = [0.0; 4];
///         self.logits[tokens[tokens.len() - 1] as usize] = 5.0;
///         Ok(&self.logits)
///     }
/// }
///
/// let mut echo = Echo { logits: [0.0; 4] };
/// assert_eq!(echo.push(&[0, 2])?, [0.0, 0.0, 5.0, 0.0]);
/// # Ok::<(), Infallible>(())
/// ```
pub trait TokenModel {
    /// What can go wrong in the model.
    type Error: std::error::Error + Send + Sync + 'static;

    /// How many tokens there are; ids are `0..vocabulary_size`.
    fn vocabulary_size(&self) -> usize;

    /// Forgets every token.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of.
    fn reset(&mut self) -> Result<(), Self::Error>;

    /// Appends `tokens` (at least one, each in `0..vocabulary_size`) and returns the logits of
    /// the token that follows the last one: `vocabulary_size` of them, unnormalised natural
    /// logarithms. They are the model's own, so that it can write them to the same place every
    /// time.
    ///
    /// # Errors
    ///
    /// Whatever the model fails of.
    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Self::Error>;
}

impl<M: TokenModel + ?Sized> TokenModel for &mut M {
    type Error = M::Error;

    fn vocabulary_size(&self) -> usize {
        (**self).vocabulary_size()
    }

    fn reset(&mut self) -> Result<(), Self::Error> {
        (**self).reset()
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Self::Error> {
        (**self).push(tokens)
    }
}

impl<M: TokenModel + ?Sized> TokenModel for Box<M> {
    type Error = M::Error;

    fn vocabulary_size(&self) -> usize {
        (**self).vocabulary_size()
    }

    fn reset(&mut self) -> Result<(), Self::Error> {
        (**self).reset()
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Self::Error> {
        (**self).push(tokens)
    }
}
