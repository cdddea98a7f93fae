#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};

use super::*;
use crate::transformer::{Piece, TransformerXlConfig};

fn sizes(tokenizer: Vocabulary) -> TransformerXlConfig {
    let sizes = TransformerXlConfig {
        layers: 2,
        heads: 2,
        d_model: 16,
        d_head: 8,
        d_inner: 24,
        segment: 12,
        memory: 64,
        ..TransformerXlConfig::compact()
    };
    sizes.with_tokenizer(tokenizer)
}

/// Pieces of 40, 28 and 8 cells: pitches and rests.
fn chorales() -> TokenDataset {
    let cells =
        |length: u32, key: u32| (0..length).map(move |i| if i % 7 == 3 { 128 } else { 48 + key + i % 5 * 3 });
    let pieces = [(40, 0), (28, 2), (8, 5)].map(|(length, key)| Piece::new(cells(length, key).collect()));
    TokenDataset::new(pieces.to_vec(), Vocabulary::Satb.layout()).unwrap()
}

/// Minus the log-probability, and whether it is the likeliest, of each token: one plain pass over each piece.
fn token_by_token(network: &TransformerXl, data: &TokenDataset) -> Vec<(u32, f64, bool)> {
    let vocabulary = data.layout().vocabulary;
    let mut scores = Vec::new();
    for piece in data.pieces() {
        let tokens = piece.renditions[0].to_vec();
        let fed: Vec<i64> =
            std::iter::once(data.layout().start).chain(tokens.iter().copied()).map(i64::from).collect();
        let input = Tensor::<1, Int>::from_data(&fed[..tokens.len()], &Device::flex()).unsqueeze::<2>();
        let log = log_softmax(network.forward(input, None).unwrap().0, 2).into_data();
        let log = log.as_slice::<f32>().unwrap();
        for (row, token) in log.chunks(vocabulary).zip(&tokens) {
            let best = (0..vocabulary).fold(0, |best, t| if row[t] > row[best] { t } else { best });
            scores.push((*token, -f64::from(row[*token as usize]), best == *token as usize));
        }
    }
    scores
}

// The memory is longer than the pieces, so cutting them into segments of 12 must change nothing.
#[test]
fn nats_are_the_sum_over_single_tokens() {
    let network = TransformerXl::new(&sizes(Vocabulary::Satb), 4, &Device::flex()).unwrap();
    let data = chorales();
    let scores = token_by_token(&network, &data);
    let nats: f64 = scores.iter().map(|score| score.1).sum();
    for workers in [1, 2] {
        let evaluation = evaluate_tokens(&network, &data, workers).unwrap();
        assert_eq!((evaluation.pieces, evaluation.tokens), (3, 76));
        assert!((evaluation.nats - nats).abs() < 1e-4, "{} {nats}", evaluation.nats);
        assert!((evaluation.nats_per_token - nats / 76.0).abs() < 1e-6);
        // 76 cells are 19 frames.
        assert!((evaluation.nats_per_note.unwrap() - nats / 76.0).abs() < 1e-6);
        assert!((evaluation.nats_per_frame.unwrap() - nats / 19.0).abs() < 1e-5);
        let right = scores.iter().filter(|score| score.2).count();
        assert!((evaluation.accuracy - right as f64 / 76.0).abs() < 1e-12);
        assert_eq!(evaluate(&network, &data, workers).unwrap(), evaluation.nats_per_token);

        let rests: Vec<f64> = scores.iter().filter(|score| score.0 == 128).map(|score| score.1).collect();
        // Of the indices below 40, 28 and 8 these are 3 more than a multiple of 7: 6 + 4 + 1.
        assert_eq!(rests.len(), 11);
        let [pitch, rest] = &evaluation.by_type[..] else { panic!("{evaluation:?}") };
        assert_eq!((pitch.token_type.as_str(), pitch.tokens), ("pitch", 65));
        assert_eq!((rest.token_type.as_str(), rest.tokens), ("rest", 11));
        assert!((rest.nats_per_token - rests.iter().sum::<f64>() / 11.0).abs() < 1e-5);
        let both = 65.0 * pitch.nats_per_token + 11.0 * rest.nats_per_token;
        assert!((both - evaluation.nats).abs() < 1e-9);
    }
}

#[test]
fn a_network_that_knows_nothing_pays_the_logarithm_of_the_vocabulary() {
    struct Zero;
    impl ModuleMapper for Zero {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.zeros_like())
        }
    }
    let network = TransformerXl::new(&sizes(Vocabulary::Performance), 0, &Device::flex()).unwrap();
    let network = network.map(&mut Zero);
    // A note: velocity, note-on, time, note-off. And the token with the lowest id, which ties go to.
    let tokens = vec![290, 39, 200, 127, 0];
    let data = TokenDataset::new(vec![Piece::new(tokens)], Vocabulary::Performance.layout()).unwrap();
    let evaluation = evaluate_tokens(&network, &data, 1).unwrap();
    let expected = 310f64.ln();
    assert!((evaluation.nats_per_token - expected).abs() < 1e-9);
    assert_eq!(evaluation.uniform_nats_per_token, expected);
    assert_eq!(evaluation.accuracy, 0.2);
    assert_eq!((evaluation.nats_per_note, evaluation.nats_per_frame), (None, None));
    let types: Vec<_> =
        evaluation.by_type.iter().map(|t| (t.token_type.as_str(), t.tokens, t.accuracy)).collect();
    assert_eq!(
        types,
        [("note-on", 2, 0.5), ("note-off", 1, 0.0), ("time-shift", 1, 0.0), ("velocity", 1, 0.0)]
    );
}

// Logits 0, ln 2 and ln 5: probabilities 1/8, 2/8 and 5/8.
#[test]
fn scores_worked_by_hand() {
    let logits = [0.0, 2f32.ln(), 5f32.ln()];
    for (target, probability, is_right) in [(0, 0.125, false), (1, 0.25, false), (2, 0.625, true)] {
        let (nats, right) = score(&logits, target);
        assert!((nats + f64::ln(probability)).abs() < 1e-6);
        assert_eq!(right, is_right);
    }
    // Shifted far up, where the exponentials themselves would overflow.
    assert!((score(&[1000.0, 1000.0], 1).0 - 2f64.ln()).abs() < 1e-12);
}

#[test]
fn a_prepared_network_is_measured_alike() {
    let network = TransformerXl::new(&sizes(Vocabulary::Satb), 3, &Device::flex()).unwrap();
    let data = chorales();
    let expected = evaluate_tokens(&network, &data, 2).unwrap();
    for workers in [1, 2] {
        let single = network.prepare(super::super::DecodePrecision::Single).unwrap();
        let found = evaluate_prepared(&single, &data, workers).unwrap();
        assert_eq!((found.pieces, found.tokens), (expected.pieces, expected.tokens));
        assert!(
            (found.nats - expected.nats).abs() < 1e-4 * expected.nats,
            "{} {}",
            found.nats,
            expected.nats
        );
        assert!(matches!(evaluate_prepared(&single, &data, 0), Err(TransformerError::Config { .. })));
    }
}
