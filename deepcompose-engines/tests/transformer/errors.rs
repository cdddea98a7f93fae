//! What an engine and its decoders do not take.

use std::sync::Arc;

use deepcompose_engines::EngineError;
use deepcompose_engines::transformer::{
    BatchDecoder, DecodePrecision, Decoder, TransformerEngine, TransformerSizes,
};

use super::network::random_weights;

const SMALL: TransformerSizes = TransformerSizes {
    layers: 1,
    heads: 2,
    d_model: 6,
    d_head: 3,
    d_inner: 5,
    vocabulary: 7,
    memory: 4,
    pre_norm: true,
};

fn message(sizes: TransformerSizes) -> String {
    // Sizes are looked at before weights.
    TransformerEngine::new(sizes, &random_weights(&SMALL, 0), DecodePrecision::Single)
        .unwrap_err()
        .to_string()
}

#[test]
fn sizes_out_of_range_are_named() {
    let cases = [
        (TransformerSizes { layers: 0, ..SMALL }, "layers 0 is out of range: 1..=64 is accepted"),
        (TransformerSizes { heads: 65, ..SMALL }, "heads 65 is out of range: 1..=64 is accepted"),
        (TransformerSizes { d_model: 7, ..SMALL }, "d_model 7 is out of range: an even number is accepted"),
        (TransformerSizes { d_model: 8194, ..SMALL }, "d_model 8194 is out of range: 2..=8192 is accepted"),
        (TransformerSizes { d_head: 0, ..SMALL }, "d_head 0 is out of range: 1..=1024 is accepted"),
        (TransformerSizes { d_inner: 0, ..SMALL }, "d_inner 0 is out of range: 1..=32768 is accepted"),
        (
            TransformerSizes { vocabulary: 1, ..SMALL },
            "vocabulary 1 is out of range: 2..=1000000 is accepted",
        ),
        (TransformerSizes { memory: 0, ..SMALL }, "memory 0 is out of range: 1..=65536 is accepted"),
        (
            TransformerSizes { layers: 64, heads: 64, d_head: 1024, memory: 65_536, ..SMALL },
            // Of each layer, head and number two rings of 65 600 slots.
            "the number of keys and values 550292684800 is out of range: up to 268435456 is accepted",
        ),
        (
            TransformerSizes { layers: 64, d_model: 8192, d_inner: 32_768, ..SMALL },
            "the number of weights 34372378624 is out of range: up to 4294967296 is accepted",
        ),
    ];
    for (sizes, expected) in cases {
        assert_eq!(message(sizes), expected);
    }
}

#[test]
fn lists_of_another_length_are_named() {
    let good = random_weights(&SMALL, 0);
    let short = |change: fn(&mut deepcompose_engines::transformer::TransformerWeights)| {
        let mut weights = good.clone();
        change(&mut weights);
        TransformerEngine::new(SMALL, &weights, DecodePrecision::Eight).unwrap_err().to_string()
    };
    assert_eq!(short(|w| w.embedding.truncate(41)), "embedding has 41 numbers: 42 are accepted");
    assert_eq!(short(|w| w.output_bias.clear()), "output_bias has 0 numbers: 7 are accepted");
    assert_eq!(short(|w| w.content_bias.push(0.0)), "content_bias has 7 numbers: 6 are accepted");
    assert_eq!(short(|w| w.position_bias.clear()), "position_bias has 0 numbers: 6 are accepted");
    assert_eq!(short(|w| w.layers.clear()), "layers has 0 numbers: 1 are accepted");
    assert_eq!(short(|w| w.layers[0].qkv.clear()), "layers[0].qkv has 0 numbers: 108 are accepted");
    assert_eq!(
        short(|w| w.layers[0].positions.clear()),
        "layers[0].positions has 0 numbers: 36 are accepted"
    );
    assert_eq!(short(|w| w.layers[0].output.clear()), "layers[0].output has 0 numbers: 36 are accepted");
    assert_eq!(short(|w| w.layers[0].expand.clear()), "layers[0].expand has 0 numbers: 30 are accepted");
    assert_eq!(
        short(|w| w.layers[0].expand_bias.clear()),
        "layers[0].expand_bias has 0 numbers: 5 are accepted"
    );
    assert_eq!(short(|w| w.layers[0].contract.clear()), "layers[0].contract has 0 numbers: 30 are accepted");
    assert_eq!(
        short(|w| w.layers[0].contract_bias.clear()),
        "layers[0].contract_bias has 0 numbers: 6 are accepted"
    );
    assert_eq!(
        short(|w| w.layers[0].attention_norm.gamma.clear()),
        "layers[0].attention_norm.gamma has 0 numbers: 6 are accepted"
    );
    assert_eq!(
        short(|w| w.layers[0].feed_forward_norm.beta.clear()),
        "layers[0].feed_forward_norm.beta has 0 numbers: 6 are accepted"
    );
    assert_eq!(
        short(|w| w.last_norm.as_mut().unwrap().beta.clear()),
        "last_norm.beta has 0 numbers: 6 are accepted"
    );
}

#[test]
fn the_width_of_sizes_that_are_not_checked_saturates() {
    let huge = TransformerSizes { heads: usize::MAX, d_head: 2, ..SMALL };
    assert_eq!(huge.d_attention(), usize::MAX);
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    let good = random_weights(&SMALL, 0);
    let spoilt = |change: fn(&mut deepcompose_engines::transformer::TransformerWeights)| {
        let mut weights = good.clone();
        change(&mut weights);
        TransformerEngine::new(SMALL, &weights, DecodePrecision::Bfloat16).unwrap_err().to_string()
    };
    let message = |number: &str| format!("weight {number} is out of range: a finite number is accepted");
    assert_eq!(spoilt(|w| w.embedding[41] = f32::NAN), message("NaN at index 41 of embedding"));
    assert_eq!(spoilt(|w| w.layers[0].qkv[5] = f32::INFINITY), message("inf at index 5 of layers[0].qkv"));
    assert_eq!(
        spoilt(|w| w.layers[0].contract_bias[0] = f32::NEG_INFINITY),
        message("-inf at index 0 of layers[0].contract_bias")
    );
    assert_eq!(
        spoilt(|w| w.layers[0].attention_norm.beta[1] = f32::NAN),
        message("NaN at index 1 of layers[0].attention_norm.beta")
    );
    assert_eq!(
        spoilt(|w| w.last_norm.as_mut().unwrap().gamma[2] = f32::NAN),
        message("NaN at index 2 of last_norm.gamma")
    );
}

// 64 slots for each of 6 numbers of keys and of values. Two parts of a head each: a strip of 9 queries, keys and values,
// one of outputs, and 3 numbers twice with a sum. The feed-forward layer: two strips, and 5 numbers with a sum. States
// twice and packed with a sum, and 7 logits twice, once in a strip.
#[test]
fn a_batch_is_limited_by_all_that_it_needs() {
    let engine = TransformerEngine::new(SMALL, &random_weights(&SMALL, 3), DecodePrecision::Single).unwrap();
    let numbers = 2 * 6 * 64 + 2 * (2 * 64 + 3 + 4) + (2 * 64 + 6) + (2 * 6 + 7) + (64 + 7);
    assert_eq!((numbers, (1_u64 << 32) / numbers), (1262, 3_403_302));
    let many = usize::MAX;
    assert_eq!(
        BatchDecoder::new(&Arc::new(engine), many).unwrap_err().to_string(),
        format!("the number of sequences {many} is out of range: up to 3403302 is accepted")
    );
}

#[test]
fn what_is_refused_changes_nothing() {
    let engine = TransformerEngine::new(SMALL, &random_weights(&SMALL, 3), DecodePrecision::Single).unwrap();
    let engine = Arc::new(engine);
    let mut decoder = Decoder::new(&engine);
    assert!(decoder.logits().is_empty());
    decoder.push(2).unwrap();
    let before = decoder.logits().to_vec();
    let message = decoder.push(7).unwrap_err().to_string();
    assert_eq!(message, "token 7 is out of range: below 7 is accepted");
    assert!(decoder.push_all(&[1, 2, 3, u32::MAX]).is_err());
    assert!(matches!(decoder.push_all(&[]), Err(EngineError::OutOfRange { .. })));
    assert_eq!((decoder.positions(), decoder.logits()), (1, &before[..]));

    let mut batch = BatchDecoder::fork(&decoder, 2).unwrap();
    let message = batch.step(&[1]).unwrap_err().to_string();
    assert_eq!(message, "tokens has 1 numbers: 2 are accepted");
    assert!(batch.step(&[1, 7]).is_err());
    assert_eq!((batch.positions(), batch.logits(1)), (&[1, 1][..], &before[..]));
    assert!(batch.logits(2).is_empty());
    assert!(BatchDecoder::new(&engine, usize::MAX).is_err());
    batch.retain(|_| false);
    assert!(batch.is_empty());
    assert_eq!(batch.step(&[]).unwrap(), &[0f32; 0]);
}
