//! Byte-pair vocabularies against those of MidiTok; `parity/byte_pair.py` made the numbers.
#![cfg(feature = "bpe")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use deepcompose_core::tokenizer::{BytePairEncoding, BytePairOptions, BytePairTokenizer};
use deepcompose_core::{Note, Pitch, Program, Score, Tick, TokenId, Tokenizer, Track, Velocity};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    split: bool,
    base: usize,
    special: Vec<TokenId>,
    size: usize,
    pieces: Vec<Vec<Vec<TokenId>>>,
    /// Onset, duration, pitch, velocity; 480 ticks a quarter note.
    notes: Vec<Vec<[u32; 4]>>,
    file: String,
    encoded: Vec<Vec<TokenId>>,
}

impl Case {
    /// The model of Hugging Face's `tokenizers` in the file.
    fn model(&self) -> String {
        json(&self.file)["_model"].as_str().unwrap().to_owned()
    }

    fn scores(&self) -> Vec<Score> {
        let note = |&[start, duration, pitch, velocity]: &[u32; 4]| Note {
            start: Tick::new(start).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            duration: Tick::new(duration).unwrap(),
            velocity: Velocity::new(velocity).unwrap(),
        };
        let score = |notes: &Vec<[u32; 4]>| {
            let mut score = Score::default();
            let notes = notes.iter().map(note).collect();
            score.push_track(Track::new("", Program::MIN).with_notes(notes));
            score
        };
        self.notes.iter().map(score).collect()
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
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
        let pairs = BytePairEncoding::from_json(&case.model(), case.base, None).unwrap();
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
        assert_eq!(json(&pairs.to_json().unwrap()), json(&case.model()), "{}", case.name);
    }
}

#[test]
fn a_tokenizer_that_miditok_trained_is_read_used_and_written() {
    for case in cases() {
        let tokenizer = BytePairTokenizer::from_json(&case.file).unwrap();
        for (score, expected) in case.scores().iter().zip(&case.encoded) {
            assert_eq!(tokenizer.encode(score), *expected, "{}", case.name);
            let base = tokenizer.base();
            assert_eq!(tokenizer.decode(expected), base.decode(&base.encode(score)), "{}", case.name);
        }
        let (mut written, mut read) = (json(&tokenizer.to_json().unwrap()), json(&case.file));
        for file in [&mut written, &mut read] {
            file.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_version"));
            let model = json(file["_model"].as_str().unwrap());
            file["_model"] = model;
        }
        assert_eq!(written, read, "{}", case.name);
    }
}

#[test]
fn the_same_scores_teach_the_same_tokenizer() {
    for case in cases() {
        let base = BytePairTokenizer::from_json(&case.file).unwrap().base().clone();
        let learnt = BytePairTokenizer::learn(base, &case.scores(), case.size).unwrap();
        assert_eq!(json(&learnt.pairs().to_json().unwrap()), json(&case.model()), "{}", case.name);
    }
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let case = &cases()[0];
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut file = json(&case.file);
        change(&mut file);
        BytePairTokenizer::from_json(&file.to_string()).unwrap_err().to_string()
    };
    let without = |name: &str| {
        refused(&|file| {
            file.as_object_mut().unwrap().remove(name);
        })
    };
    assert_eq!(without("_model"), "malformed byte-pair vocabulary: the file has no _model");
    assert!(without("_vocab_base").contains("has no _vocab_base"));
    let renamed = refused(&|file| file["_vocab_base"]["Bar_None"] = 9.into());
    assert!(renamed.contains("Bar_None as token 4"), "{renamed}");
    let other = case.file.replace("\"num_velocities\": 8,", "\"num_velocities\": 16,");
    let other = BytePairTokenizer::from_json(&other).unwrap_err().to_string();
    assert!(other.contains("_vocab_base has 333 tokens, its configuration 341"), "{other}");
    let model = case.file.replace("\\\"BPE\\\"", "\\\"WordLevel\\\"");
    let model = BytePairTokenizer::from_json(&model).unwrap_err().to_string();
    assert!(model.contains("a model of type WordLevel; BPE is read"), "{model}");
}
