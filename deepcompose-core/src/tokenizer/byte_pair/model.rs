//! The model of Hugging Face's `tokenizers`.

use serde_json::Value;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{AddedToken, Tokenizer as HuggingFace};

use super::alphabet::Alphabet;
use super::{BytePairError, BytePairOptions};
use crate::tokenizer::TokenId;

/// What a segment begins with, as in MidiTok.
pub(super) const SEGMENT_MARK: char = '▁';

/// Learns merges from texts.
pub(super) fn learn(
    alphabet: &Alphabet,
    special: Vec<String>,
    texts: Vec<String>,
    options: &BytePairOptions,
) -> Result<HuggingFace, BytePairError> {
    let failed = |e: tokenizers::Error| BytePairError::Malformed(e.to_string());
    let mut bpe = BPE::builder();
    let mut trainer = BpeTrainer::builder()
        .vocab_size(options.vocabulary_size)
        .min_frequency(options.min_frequency)
        .show_progress(false)
        .initial_alphabet(alphabet.characters().iter().copied().collect())
        .special_tokens(special.into_iter().map(|text| AddedToken::from(text, true)).collect());
    if options.segmented {
        bpe = bpe.continuing_subword_prefix(String::new()).end_of_word_suffix(String::new());
        trainer = trainer.continuing_subword_prefix(String::new()).end_of_word_suffix(String::new());
    }
    let mut model = HuggingFace::new(bpe.build().map_err(failed)?);
    if options.segmented {
        let marks = Metaspace::new(SEGMENT_MARK, PrependScheme::Always, true);
        model.with_pre_tokenizer(Some(marks.clone()));
        model.with_decoder(Some(marks));
    }
    model.train(&mut TrainerWrapper::from(trainer.build()), texts.into_iter()).map_err(failed)?;
    Ok(model)
}

/// Whether JSON is a model of a kind that is used here: byte pairs, either whole sequences or
/// segments that begin with a mark, and nothing else that would change a text.
pub(super) fn check(json: &str) -> Result<(), BytePairError> {
    let value: Value = serde_json::from_str(json).map_err(|e| BytePairError::Malformed(e.to_string()))?;
    let kind = value.pointer("/model/type").and_then(Value::as_str);
    if kind != Some("BPE") {
        let what = format!("a model of type {}; BPE is read", kind.unwrap_or("unknown"));
        return Err(BytePairError::Unsupported(what));
    }
    let has = |path: &str| value.pointer(path).is_some_and(|v| !v.is_null());
    for part in ["/normalizer", "/post_processor", "/truncation", "/padding", "/model/dropout"] {
        if has(part) {
            let part = part.trim_start_matches('/');
            return Err(BytePairError::Unsupported(format!("a model with a {part}")));
        }
    }
    let is_segmented = has("/pre_tokenizer");
    let metaspace = value.pointer("/pre_tokenizer/type").and_then(Value::as_str) == Some("Metaspace");
    let mark = value.pointer("/pre_tokenizer/replacement").and_then(Value::as_str);
    if is_segmented && !(metaspace && mark.is_some_and(|m| m.chars().eq([SEGMENT_MARK]))) {
        return Err(BytePairError::Unsupported(String::from("a pre-tokenizer other than MidiTok's")));
    }
    Ok(())
}

/// The base tokens that each token of a model stands for.
pub(super) fn pieces(model: &HuggingFace, alphabet: &Alphabet) -> Result<Vec<Vec<TokenId>>, BytePairError> {
    let vocabulary = model.get_vocab(true);
    let mut pieces: Vec<Option<Vec<TokenId>>> = vec![None; vocabulary.len()];
    for (text, id) in vocabulary {
        let slot = usize::try_from(id).ok().and_then(|id| pieces.get_mut(id));
        let Some(slot) = slot else {
            let what = format!("token {id} in a vocabulary whose ids should be dense");
            return Err(BytePairError::Malformed(what));
        };
        let body = text.strip_prefix(SEGMENT_MARK).unwrap_or(&text);
        let piece = body.chars().map(|c| alphabet.token(c)).collect::<Option<_>>().ok_or_else(|| {
            BytePairError::Malformed(format!("token {id}, {text:?}, is not made of base tokens"))
        })?;
        *slot = Some(piece);
    }
    let missing = || BytePairError::Malformed(String::from("two tokens have the same id"));
    let pieces: Vec<Vec<TokenId>> = pieces.into_iter().collect::<Option<_>>().ok_or_else(missing)?;
    let mut has_own = vec![false; alphabet.size()];
    for piece in &pieces {
        if let [only] = piece.as_slice()
            && let Some(own) = has_own.get_mut(*only as usize)
        {
            *own = true;
        }
    }
    match has_own.iter().position(|own| !own) {
        None => Ok(pieces),
        Some(token) => Err(BytePairError::Malformed(format!("base token {token} is missing"))),
    }
}
