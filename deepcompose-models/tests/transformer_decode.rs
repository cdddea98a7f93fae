//! Decoding with cached keys and values against the full forward pass: at most 1e-4 apart, over sequences
//! shorter and much longer than the memory, however they are pushed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;

use burn::tensor::{Device, Int, Tensor};
use deepcompose_models::transformer::{Decoder, TransformerError, TransformerXl, TransformerXlConfig};

const MEMORY: usize = 24;
const TOLERANCE: f32 = 1e-4;

fn network(pre_norm: bool) -> TransformerXl {
    let config = TransformerXlConfig {
        layers: 3,
        heads: 2,
        d_model: 24,
        d_head: 10,
        d_inner: 30,
        vocabulary: 40,
        tokenizer: None,
        segment: 7,
        memory: MEMORY,
        dropout: 0.1,
        pre_norm,
    };
    let device = Device::default();
    drawn::drawn(TransformerXl::new(&config, 2, &device).unwrap(), 4)
}

fn sequence(length: usize) -> Vec<u32> {
    (0..length as u32).map(|i| (i * i * 7 + i / 3) % 40).collect()
}

/// Logits after every token, from the full forward pass in one segment.
fn full(network: &TransformerXl, tokens: &[u32]) -> Vec<Vec<f32>> {
    let tokens: Vec<i64> = tokens.iter().map(|token| i64::from(*token)).collect();
    let tokens = Tensor::<1, Int>::from_data(tokens.as_slice(), &Device::default()).unsqueeze::<2>();
    let logits = network.forward(tokens, None).unwrap().0.into_data();
    logits.as_slice::<f32>().unwrap().chunks(40).map(<[f32]>::to_vec).collect()
}

fn assert_close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() <= TOLERANCE, "{what}: {ours} {theirs}");
    }
}

#[test]
fn every_step_agrees_with_the_full_forward_pass() {
    for pre_norm in [false, true] {
        let network = network(pre_norm);
        // Four memories long; with three layers the first token still matters beyond the first memory.
        let tokens = sequence(4 * MEMORY + 5);
        let expected = full(&network, &tokens);
        let spread = expected[50].iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(spread > 0.5, "logits are too small to compare: {spread}");
        let mut decoder = Decoder::new(&network).unwrap();
        for (index, token) in tokens.iter().enumerate() {
            let logits = decoder.push(&[*token]).unwrap();
            assert_close(&format!("pre-norm {pre_norm}, token {index}"), logits, &expected[index]);
        }
    }
}

#[test]
fn the_full_pass_does_not_depend_on_how_it_is_cut() {
    for pre_norm in [false, true] {
        let network = network(pre_norm);
        let tokens = sequence(3 * MEMORY);
        let expected = full(&network, &tokens);
        for segment in [1, 5, MEMORY, 50] {
            let (mut memory, mut at) = (None, 0);
            for part in tokens.chunks(segment) {
                let ids: Vec<i64> = part.iter().map(|token| i64::from(*token)).collect();
                let ids = Tensor::<1, Int>::from_data(ids.as_slice(), &Device::default()).unsqueeze::<2>();
                let (logits, next) = network.forward(ids, memory).unwrap();
                assert_eq!(next.positions(), (at + part.len()).min(MEMORY));
                memory = Some(next);
                for row in logits.into_data().as_slice::<f32>().unwrap().chunks(40) {
                    assert_close(&format!("segments of {segment}, token {at}"), row, &expected[at]);
                    at += 1;
                }
            }
        }
    }
}

#[test]
fn prompts_of_any_length_at_any_time_agree() {
    for pre_norm in [false, true] {
        let network = network(pre_norm);
        let tokens = sequence(200);
        let expected = full(&network, &tokens);
        for sizes in
            [vec![17, 1, 1, 60, 2], vec![100, 1, 1], vec![3, 30, 1, 16, 1, 1], vec![1, 40, 40, 40, 1]]
        {
            let mut decoder = Decoder::new(&network).unwrap();
            let mut at = 0;
            for size in &sizes {
                let logits = decoder.push(&tokens[at..at + size]).unwrap();
                at += size;
                assert_close(&format!("pre-norm {pre_norm}, {sizes:?} at {at}"), logits, &expected[at - 1]);
                assert_eq!(decoder.positions(), at);
            }
        }
    }
}

#[test]
fn what_is_farther_than_all_layers_reach_does_not_matter() {
    let network = network(true);
    let mut tokens = sequence(3 * MEMORY + 20);
    let mut decoder = Decoder::new(&network).unwrap();
    let logits = decoder.push(&tokens).unwrap().to_vec();
    // Three layers see three memories back from the last token.
    tokens[..19].fill(1);
    decoder.reset();
    assert_close("beyond reach", decoder.push(&tokens).unwrap(), &logits);
    tokens[20 + 2 * MEMORY] ^= 1;
    decoder.reset();
    let changed = decoder.push(&tokens).unwrap();
    assert!(changed.iter().zip(&logits).any(|(a, b)| (a - b).abs() > 1e-3), "within reach");
}

#[test]
fn a_reset_decoder_and_a_clone_start_and_go_on_alike() {
    let network = network(true);
    let mut decoder = Decoder::new(&network).unwrap();
    let first = decoder.push(&sequence(30)).unwrap().to_vec();
    let mut fork = decoder.clone();
    assert_eq!(fork.push(&[3]).unwrap(), decoder.push(&[3]).unwrap());
    decoder.reset();
    assert_eq!(decoder.positions(), 0);
    assert_eq!(decoder.push(&sequence(30)).unwrap(), first);
}

#[test]
fn bad_tokens_are_refused_and_leave_the_decoder_as_it_was() {
    let network = network(true);
    let mut decoder = Decoder::new(&network).unwrap();
    let mut other = decoder.clone();
    assert!(matches!(decoder.push(&[]), Err(TransformerError::Shape { .. })));
    assert!(matches!(decoder.push(&[1, 40]), Err(TransformerError::Token { token: 40, vocabulary: 40 })));
    assert_eq!(decoder.positions(), 0);
    assert_eq!(decoder.push(&[1]).unwrap(), other.push(&[1]).unwrap());

    let device = Device::default();
    let bad = Tensor::<2, Int>::from_data([[1, 40]], &device);
    assert!(matches!(network.forward(bad, None), Err(TransformerError::Token { token: 40, .. })));
    let negative = Tensor::<2, Int>::from_data([[1, -1]], &device);
    assert!(matches!(network.forward(negative, None), Err(TransformerError::Token { token: -1, .. })));
    let empty = Tensor::<2, Int>::zeros([1, 0], &device);
    assert!(matches!(network.forward(empty, None), Err(TransformerError::Shape { .. })));
    let two_lanes = Tensor::<2, Int>::zeros([2, 3], &device);
    let (_, memory) = network.forward(two_lanes, None).unwrap();
    let one_lane = Tensor::<2, Int>::zeros([1, 3], &device);
    assert!(matches!(network.forward(one_lane, Some(memory)), Err(TransformerError::Shape { .. })));
}
