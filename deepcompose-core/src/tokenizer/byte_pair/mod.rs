//! [`BytePairEncoding`]: a vocabulary learnt on top of a tokenizer's.

mod alphabet;
mod error;
mod model;

pub use error::BytePairError;

use std::str::FromStr;

use tokenizers::Tokenizer as HuggingFace;

use super::TokenId;
use alphabet::Alphabet;

/// How a byte-pair vocabulary is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BytePairOptions {
    /// How many tokens there are to be, those of the base vocabulary included. Fewer come of it if
    /// the sequences have not as many pairs that repeat.
    pub vocabulary_size: usize,
    /// How often a pair must be there to become a token; 0 is taken as any number of times.
    pub min_frequency: u64,
    /// Whether the sequences are cut into segments (bars, beats), which no token reaches across.
    /// A segment then begins with a mark, which may be a part of a token.
    pub segmented: bool,
}

/// Byte-pair encoding (Gage 1994, *A New Algorithm for Data Compression*; Sennrich et al. 2016,
/// *Neural Machine Translation of Rare Words with Subword Units*; for music Fradet et al. 2023,
/// *Byte Pair Encoding for Symbolic Music*): the pair of neighbouring tokens that is there most
/// often becomes a token of its own, again and again. Sequences become two to four times shorter.
///
/// Learning and merging are done by Hugging Face's `tokenizers`; each base token is a character to
/// it, number `33 + id` of Unicode as in MidiTok, so the two read each other's files.
///
/// ```
/// use deepcompose_core::tokenizer::{BytePairEncoding, BytePairOptions};
///
/// // Ten base tokens, of which 0 is special. "1 2" is there often, "1 2 3" too.
/// let sequence = [vec![1, 2, 3, 4], vec![1, 2, 3], vec![1, 2, 5]];
/// let options = BytePairOptions { vocabulary_size: 12, min_frequency: 2, segmented: false };
/// let pairs = BytePairEncoding::learn(10, &[0], sequence.iter().map(|s| vec![s.as_slice()]), &options)?;
/// assert_eq!(pairs.vocabulary_size(), 12);
///
/// let encoded = pairs.encode(&[&[1, 2, 3, 4]])?;
/// assert_eq!(encoded, [11, 4]);
/// assert_eq!(pairs.decode(&encoded), (vec![1, 2, 3, 4], 0));
/// # Ok::<(), deepcompose_core::tokenizer::BytePairError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BytePairEncoding {
    model: HuggingFace,
    alphabet: Alphabet,
    /// The base tokens that each token stands for.
    pieces: Vec<Vec<TokenId>>,
    is_segmented: bool,
}

impl BytePairEncoding {
    /// The most base tokens that there may be: with one character each, all of them lie below the
    /// one that marks segments.
    pub const MAX_BASE: usize = (model::SEGMENT_MARK as usize) - (alphabet::FIRST as usize);
    /// The most tokens that may be learnt, those of the base vocabulary included.
    pub const MAX_VOCABULARY: usize = 1 << 20;

    /// Learns from sequences of base tokens below `base`, each given as its segments (one segment, if
    /// the sequence is not cut). Tokens in `special` are never merged.
    ///
    /// The same sequences give the same vocabulary, whatever their order and the number of threads.
    ///
    /// # Errors
    ///
    /// [`BytePairError::OutOfRange`] for a base over [`BytePairEncoding::MAX_BASE`] or a vocabulary
    /// that is no larger than it or over [`BytePairEncoding::MAX_VOCABULARY`];
    /// [`BytePairError::UnknownToken`] for a token that is not below `base`.
    pub fn learn<'a>(
        base: usize,
        special: &[TokenId],
        sequences: impl IntoIterator<Item = Vec<&'a [TokenId]>>,
        options: &BytePairOptions,
    ) -> Result<Self, BytePairError> {
        in_range("base vocabulary", base, 1, Self::MAX_BASE)?;
        in_range("vocabulary size", options.vocabulary_size, base + 1, Self::MAX_VOCABULARY)?;
        let alphabet = Alphabet::by_id(base);
        let special: Vec<String> = special
            .iter()
            .enumerate()
            .map(|(place, id)| alphabet.text(place, &[*id]))
            .collect::<Result<_, _>>()?;
        let mut texts = Vec::new();
        for segments in sequences {
            for segment in segments.into_iter().filter(|s| !s.is_empty()) {
                texts.push(alphabet.text(0, segment)?);
            }
        }
        let model = model::learn(&alphabet, special, texts, options)?;
        Self::new(model, alphabet)
    }

    /// Reads what [`BytePairEncoding::to_json`] wrote, or the `_model` of a tokenizer saved by
    /// MidiTok. `characters` are the characters that the file gives to the base tokens, in order of
    /// their ids, or `None` for those of this crate and of a tokenizer that MidiTok has trained anew.
    ///
    /// # Errors
    ///
    /// [`BytePairError::Malformed`] for text that is no such vocabulary, or one whose tokens are not
    /// made of base tokens; [`BytePairError::Unsupported`] for another model than byte pairs;
    /// [`BytePairError::OutOfRange`] for sizes over the limits, and for more or fewer characters than
    /// base tokens.
    pub fn from_json(json: &str, base: usize, characters: Option<&[char]>) -> Result<Self, BytePairError> {
        in_range("base vocabulary", base, 1, Self::MAX_BASE)?;
        let alphabet = match characters {
            Some(characters) => {
                in_range("characters of base tokens", characters.len(), base, base)?;
                Alphabet::new(characters)?
            }
            None => Alphabet::by_id(base),
        };
        model::check(json)?;
        let model = HuggingFace::from_str(json).map_err(|e| BytePairError::Malformed(e.to_string()))?;
        in_range("vocabulary size", model.get_vocab_size(true), base, Self::MAX_VOCABULARY)?;
        Self::new(model, alphabet)
    }

    /// The vocabulary as JSON of Hugging Face's `tokenizers`.
    ///
    /// # Errors
    ///
    /// [`BytePairError::Malformed`] if it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, BytePairError> {
        self.model.to_string(false).map_err(|e| BytePairError::Malformed(e.to_string()))
    }

    fn new(model: HuggingFace, alphabet: Alphabet) -> Result<Self, BytePairError> {
        let pieces = model::pieces(&model, &alphabet)?;
        let is_segmented = model.get_pre_tokenizer().is_some();
        Ok(Self { model, alphabet, pieces, is_segmented })
    }

    /// How many tokens there are, those of the base vocabulary included.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.pieces.len()
    }

    /// How many tokens the base vocabulary has.
    #[must_use]
    pub fn base_size(&self) -> usize {
        self.alphabet.size()
    }

    /// Whether sequences are to be given in segments; see [`BytePairOptions::segmented`].
    #[must_use]
    pub const fn is_segmented(&self) -> bool {
        self.is_segmented
    }

    /// The base tokens that a token stands for; `None` outside the vocabulary. Only the mark of a
    /// segment stands for none.
    #[must_use]
    pub fn base_tokens(&self, token: TokenId) -> Option<&[TokenId]> {
        self.pieces.get(usize::try_from(token).ok()?).map(Vec::as_slice)
    }

    /// The character of each base token, in order of their ids.
    #[must_use]
    pub fn characters(&self) -> &[char] {
        self.alphabet.characters()
    }

    /// Merges base tokens, given in segments, each on its own. A vocabulary that is not
    /// [segmented](Self::is_segmented) takes them as segments as well, but without a mark.
    ///
    /// # Errors
    ///
    /// [`BytePairError::UnknownToken`] for a token that is not in the base vocabulary.
    pub fn encode(&self, segments: &[&[TokenId]]) -> Result<Vec<TokenId>, BytePairError> {
        let mut tokens = Vec::new();
        let mut place = 0;
        for segment in segments {
            let text = self.alphabet.text(place, segment)?;
            place += segment.len();
            // An empty text would still get a mark.
            if segment.is_empty() {
                continue;
            }
            let encoded =
                self.model.encode_fast(text, false).map_err(|e| BytePairError::Malformed(e.to_string()))?;
            tokens.extend_from_slice(encoded.get_ids());
        }
        Ok(tokens)
    }

    /// The base tokens that tokens stand for, and how many of them are outside the vocabulary: those
    /// are passed over.
    #[must_use]
    pub fn decode(&self, tokens: &[TokenId]) -> (Vec<TokenId>, usize) {
        let mut base = Vec::with_capacity(tokens.len());
        let mut unknown = 0;
        for token in tokens {
            match self.base_tokens(*token) {
                Some(piece) => base.extend_from_slice(piece),
                None => unknown += 1,
            }
        }
        (base, unknown)
    }
}

fn in_range(field: &'static str, value: usize, min: usize, max: usize) -> Result<(), BytePairError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(BytePairError::OutOfRange { field, value, min, max })
    }
}

#[cfg(test)]
mod tests;
