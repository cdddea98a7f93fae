//! Byte-pair vocabularies against those of MidiTok; `parity/byte_pair.py` made the numbers.
#![cfg(feature = "bpe")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use deepcompose_core::TokenId;
use deepcompose_core::tokenizer::{BytePairEncoding, BytePairOptions};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    split: bool,
    base: usize,
    special: Vec<TokenId>,
    size: usize,
    pieces: Vec<Vec<Vec<TokenId>>>,
    model: String,
    encoded: Vec<Vec<TokenId>>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("parity/byte_pair.json")).unwrap()
}

fn segments(piece: &[Vec<TokenId>]) -> Vec<&[TokenId]> {
    piece.iter().map(Vec::as_slice).collect()
}

fn encodes_as_expected(pairs: &BytePairEncoding, case: &Case) {
    for (piece, expected) in case.pieces.iter().zip(&case.encoded) {
        assert_eq!(pairs.encode(&segments(piece)).unwrap(), *expected, "{}", case.name);
        assert_eq!(pairs.decode(expected), (piece.concat(), 0), "{}", case.name);
    }
}

#[test]
fn a_vocabulary_that_miditok_learnt_is_read() {
    for case in cases() {
        let pairs = BytePairEncoding::from_json(&case.model, case.base, None).unwrap();
        assert_eq!((pairs.vocabulary_size(), pairs.is_segmented()), (case.size, case.split), "{}", case.name);
        encodes_as_expected(&pairs, &case);
    }
}

#[test]
fn the_same_pieces_teach_the_same_vocabulary() {
    for case in cases() {
        let options = BytePairOptions { vocabulary_size: case.size, min_frequency: 0, segmented: case.split };
        let pieces = case.pieces.iter().map(|p| segments(p));
        let pairs = BytePairEncoding::learn(case.base, &case.special, pieces, &options).unwrap();
        encodes_as_expected(&pairs, &case);
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(&pairs.to_json().unwrap()), json(&case.model), "{}", case.name);
    }
}
