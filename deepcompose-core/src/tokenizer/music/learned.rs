//! [`BytePairTokenizer`]: byte pairs on top of a tokenizer of the REMI family.

use std::collections::HashMap;

use serde_json::Value;

use super::{MusicTokenizer, TokenizerError};
use crate::score::Score;
use crate::tokenizer::{
    BytePairEncoding, BytePairError, BytePairOptions, Decoded, IdsSplit, TokenId, TokenType, Tokenizer,
};

/// A [`MusicTokenizer`] whose tokens are merged by a [`BytePairEncoding`], in segments as its configuration says
/// ([`encode_ids_split`](super::TokenizerConfig::encode_ids_split)). It reads the tokenizers that MidiTok has
/// trained with byte pairs, and writes files that MidiTok reads; on the same pieces it learns the same tokens.
///
/// ```
/// use deepcompose_core::tokenizer::{BytePairTokenizer, MusicTokenizer, Tokenization, TokenizerConfig};
/// use deepcompose_core::{InputTrack, Tokenizer};
///
/// let base = MusicTokenizer::new(Tokenization::Remi, TokenizerConfig::default())?;
/// let tunes: Vec<_> = InputTrack::ALL.iter().map(|track| track.score()).collect();
/// let tokenizer = BytePairTokenizer::learn(base.clone(), &tunes, 500)?;
///
/// let tokens = tokenizer.encode(&tunes[0]);
/// assert!(2 * tokens.len() < base.encode(&tunes[0]).len());
/// assert_eq!(tokenizer.decode(&tokens), base.decode(&base.encode(&tunes[0])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct BytePairTokenizer {
    base: MusicTokenizer,
    pairs: BytePairEncoding,
}

impl BytePairTokenizer {
    /// Learns a vocabulary of `vocabulary_size` tokens, those of `base` included, from scores. Pairs that are there
    /// once count too, as in MidiTok.
    ///
    /// # Errors
    ///
    /// Those of [`BytePairEncoding::learn`].
    pub fn learn<'a>(
        base: MusicTokenizer,
        scores: impl IntoIterator<Item = &'a Score>,
        vocabulary_size: usize,
    ) -> Result<Self, BytePairError> {
        let sequences: Vec<Vec<Vec<TokenId>>> =
            scores.into_iter().flat_map(|score| base.encode_segments(score)).collect();
        let special: Vec<TokenId> = (0..).take(base.config().special_tokens.len()).collect();
        let options = BytePairOptions {
            vocabulary_size,
            min_frequency: 0,
            segmented: base.config().encode_ids_split != IdsSplit::No,
        };
        let sequences = sequences.iter().map(|segments| segments.iter().map(Vec::as_slice).collect());
        let pairs = BytePairEncoding::learn(base.vocabulary_size(), &special, sequences, &options)?;
        Ok(Self { base, pairs })
    }

    /// Reads a tokenizer that MidiTok 3 has trained, or that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// Those of [`MusicTokenizer::from_json`], and [`TokenizerError::BytePair`] for a model that is missing, not of
    /// byte pairs, or does not fit the base vocabulary.
    pub fn from_json(json: &str) -> Result<Self, TokenizerError> {
        let (base, others) = MusicTokenizer::read_json(json)?;
        let mut members: HashMap<String, Value> = others.into_iter().collect();
        let mut take = |name: &str| {
            let missing = || BytePairError::Malformed(format!("the file has no {name}"));
            members.remove(name).ok_or_else(missing)
        };
        let (model, vocabulary, characters) =
            (take("_model")?, take("_vocab_base")?, take("_vocab_base_byte_to_token")?);
        if let Some((field, _)) = members.into_iter().next() {
            let accepted = "what MidiTok 3.1 writes";
            return Err(TokenizerError::Unsupported { field, value: String::from("…"), accepted });
        }
        let wrong = |what: &str| BytePairError::Malformed(what.to_owned());
        let model = model.as_str().ok_or_else(|| wrong("_model is not a string"))?;
        let vocabulary = vocabulary.as_object().ok_or_else(|| wrong("_vocab_base is not an object"))?;
        let characters =
            characters.as_object().ok_or_else(|| wrong("_vocab_base_byte_to_token is not an object"))?;

        let size = base.vocabulary_size();
        if vocabulary.len() != size {
            let what = format!("_vocab_base has {} tokens, its configuration {size}", vocabulary.len());
            return Err(BytePairError::Malformed(what).into());
        }
        let by_name: HashMap<&str, char> =
            (characters.iter()).filter_map(|(text, name)| Some((name.as_str()?, single(text)?))).collect();
        let mut alphabet = Vec::with_capacity(size);
        for id in (0..).take(size) {
            let name = base.token_name(id).unwrap_or_default();
            if vocabulary.get(&name).and_then(Value::as_u64) != Some(id.into()) {
                let what = format!("_vocab_base has not {name} as token {id}, as its configuration has");
                return Err(BytePairError::Malformed(what).into());
            }
            let character = by_name.get(name.as_str()).copied();
            alphabet.push(character.ok_or_else(|| wrong(&format!("{name} has no character")))?);
        }
        let pairs = BytePairEncoding::from_json(model, size, Some(&alphabet))?;
        Ok(Self { base, pairs })
    }

    /// The text of a `tokenizer.json` that MidiTok 3 and [`from_json`](Self::from_json) read.
    ///
    /// # Errors
    ///
    /// Those of [`BytePairEncoding::to_json`].
    pub fn to_json(&self) -> Result<String, BytePairError> {
        let names: Vec<String> = (0..).map_while(|id| self.base.token_name(id)).collect();
        let vocabulary: Value =
            names.iter().cloned().zip(0_u32..).map(|(name, id)| (name, Value::from(id))).collect();
        let characters = self.pairs.characters().iter().map(char::to_string);
        let characters: Value = characters.zip(names).map(|(text, name)| (text, Value::from(name))).collect();
        Ok(self.base.json_with(vec![
            (String::from("_vocab_base"), vocabulary),
            (String::from("_model"), Value::from(self.pairs.to_json()?)),
            (String::from("_vocab_base_byte_to_token"), characters),
        ]))
    }

    /// The tokenizer underneath.
    #[must_use]
    pub const fn base(&self) -> &MusicTokenizer {
        &self.base
    }

    /// What has been learnt on top of it.
    #[must_use]
    pub const fn pairs(&self) -> &BytePairEncoding {
        &self.pairs
    }

    /// Whether token `after` may come directly after `before`: the token-type graph of the base tokens where they
    /// meet. Ids outside the vocabulary follow nothing, and nothing follows them.
    #[must_use]
    pub fn may_meet(&self, before: TokenId, after: TokenId) -> bool {
        let kind = |token: Option<&TokenId>| token.and_then(|t| self.base.token_type(*t));
        let (Some(before), Some(after)) = (self.pairs.base_tokens(before), self.pairs.base_tokens(after))
        else {
            return false;
        };
        match (kind(before.last()), kind(after.first())) {
            (Some(before), Some(after)) => self.base.may_follow(before, after),
            // The mark of a segment says nothing.
            _ => true,
        }
    }

    fn merged(&self, segments: &[Vec<TokenId>]) -> Vec<TokenId> {
        let segments: Vec<&[TokenId]> = segments.iter().map(Vec::as_slice).collect();
        // The segments are of base tokens, so nothing is unknown.
        self.pairs.encode(&segments).unwrap_or_default()
    }
}

/// The only character of a text.
fn single(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

impl Tokenizer for BytePairTokenizer {
    fn vocabulary_size(&self) -> usize {
        self.pairs.vocabulary_size()
    }

    fn encode(&self, score: &Score) -> Vec<TokenId> {
        self.base.encode_segments(score).first().map(|segments| self.merged(segments)).unwrap_or_default()
    }

    fn decode(&self, tokens: &[TokenId]) -> Decoded {
        self.decode_tracks(&[tokens.to_vec()])
    }

    fn encode_tracks(&self, score: &Score) -> Vec<Vec<TokenId>> {
        self.base.encode_segments(score).iter().map(|segments| self.merged(segments)).collect()
    }

    fn decode_tracks(&self, sequences: &[Vec<TokenId>]) -> Decoded {
        let mut outside = 0;
        let base: Vec<Vec<TokenId>> = (sequences.iter())
            .map(|tokens| {
                let (base, unknown) = self.pairs.decode(tokens);
                outside += unknown;
                base
            })
            .collect();
        let mut decoded = self.base.decode_tracks(&base);
        decoded.repairs.unknown_ids += outside;
        decoded
    }

    /// The names of its base tokens, such as `Pitch_60+Velocity_79`.
    fn token_name(&self, token: TokenId) -> Option<String> {
        let names: Vec<_> =
            self.pairs.base_tokens(token)?.iter().filter_map(|base| self.base.token_name(*base)).collect();
        Some(if names.is_empty() { String::from("Segment_None") } else { names.join("+") })
    }

    /// The type of its first base token.
    fn token_type(&self, token: TokenId) -> Option<TokenType> {
        match self.pairs.base_tokens(token)?.first() {
            Some(first) => self.base.token_type(*first),
            None => Some(TokenType::Special),
        }
    }

    /// Always, if both types are in the vocabulary: a token begins with one type and ends with another, so types say
    /// little here. [`may_meet`](Self::may_meet) knows more.
    fn may_follow(&self, before: TokenType, after: TokenType) -> bool {
        let known = |kind| (0..).map_while(|id| self.base.token_type(id)).any(|of| of == kind);
        [before, after].into_iter().all(|kind| kind == TokenType::Special || known(kind))
    }
}
