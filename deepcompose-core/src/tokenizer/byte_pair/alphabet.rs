//! A character for each base token.

use std::collections::HashMap;

use super::error::BytePairError;
use crate::tokenizer::TokenId;

/// The character of token 0, `!`.
pub(super) const FIRST: char = '!';

/// Base tokens as characters, and back.
#[derive(Debug, Clone)]
pub(super) struct Alphabet {
    characters: Vec<char>,
    tokens: HashMap<char, TokenId>,
}

impl Alphabet {
    /// Character `33 + id` for each token below `size`, which must be small enough to stay below the
    /// surrogates.
    pub(super) fn by_id(size: usize) -> Self {
        let characters: Vec<char> = (FIRST..).take(size).collect();
        let tokens = characters.iter().copied().zip(0..).collect();
        Self { characters, tokens }
    }

    /// These characters, in order of the tokens' ids.
    pub(super) fn new(characters: &[char]) -> Result<Self, BytePairError> {
        let mut tokens = HashMap::with_capacity(characters.len());
        for (character, token) in characters.iter().zip(0..) {
            if tokens.insert(*character, token).is_some() {
                let what = format!("two base tokens have the character {character:?}");
                return Err(BytePairError::Malformed(what));
            }
        }
        Ok(Self { characters: characters.to_vec(), tokens })
    }

    pub(super) fn size(&self) -> usize {
        self.characters.len()
    }

    pub(super) fn characters(&self) -> &[char] {
        &self.characters
    }

    pub(super) fn token(&self, character: char) -> Option<TokenId> {
        self.tokens.get(&character).copied()
    }

    /// Tokens as text; `place` is that of the first in the whole sequence.
    pub(super) fn text(&self, place: usize, tokens: &[TokenId]) -> Result<String, BytePairError> {
        let character = |(index, token): (usize, &TokenId)| {
            let found = usize::try_from(*token).ok().and_then(|t| self.characters.get(t));
            let unknown = || BytePairError::UnknownToken {
                token: *token,
                place: place + index,
                size: self.characters.len(),
            };
            found.copied().ok_or_else(unknown)
        };
        tokens.iter().enumerate().map(character).collect()
    }
}
