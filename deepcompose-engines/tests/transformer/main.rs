//! The Transformer-XL engine against a plain network in `f64`, and against itself: cut differently, batched, with
//! other instructions and threads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod errors;
mod network;
mod reference;
mod sameness;

use std::sync::Arc;

use deepcompose_engines::transformer::{DecodePrecision, Decoder, TransformerEngine, TransformerSizes};
use proptest::prelude::*;

use network::{random_tokens, random_weights};

/// Small sizes of every kind: odd widths, one head, one number a head, a memory of one position.
pub(crate) fn sizes() -> impl Strategy<Value = TransformerSizes> {
    sizes_from(2)
}

/// The same of so great a width or more.
fn sizes_from(width: usize) -> impl Strategy<Value = TransformerSizes> {
    let network = (1..3usize, 1..5usize, width / 2..40usize, prop_oneof![1..6usize, 1..20usize], 1..150usize);
    let rest = (2..90usize, prop_oneof![1..6usize, 1..80usize, Just(96), 120..140usize], any::<bool>());
    (network, rest).prop_map(|((layers, heads, half, d_head, d_inner), (vocabulary, memory, pre_norm))| {
        TransformerSizes { layers, heads, d_model: 2 * half, d_head, d_inner, vocabulary, memory, pre_norm }
    })
}

pub(crate) fn engine(
    sizes: &TransformerSizes,
    precision: DecodePrecision,
    seed: u64,
) -> Arc<TransformerEngine> {
    Arc::new(TransformerEngine::new(*sizes, &random_weights(sizes, seed), precision).unwrap())
}

/// The largest distance from the reference, over the logits' root mean square.
fn error(engine: &Arc<TransformerEngine>, tokens: &[u32], seed: u64) -> f64 {
    let sizes = engine.sizes();
    let reference = reference::logits(sizes, &random_weights(sizes, seed), tokens);
    let mut decoder = Decoder::new(engine);
    let (mut largest, mut squares) = (0f64, 0f64);
    for (token, expected) in tokens.iter().zip(&reference) {
        let logits = decoder.push(*token).unwrap();
        assert_eq!(logits.len(), expected.len());
        for (logit, expected) in logits.iter().zip(expected) {
            largest = largest.max((f64::from(*logit) - expected).abs());
            squares += expected * expected;
        }
    }
    largest / (squares / (tokens.len() * sizes.vocabulary) as f64).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The ring goes round several times: sequences are longer than its slots. A layer norm over two or four numbers may
    /// divide by next to nothing, which makes much of any rounding; over eight it hardly ever does.
    #[test]
    fn single_precision_is_the_reference(sizes in sizes_from(8), length in 1..400usize, seed in 0..1000u64) {
        let tokens = random_tokens(&sizes, length, seed);
        let error = error(&engine(&sizes, DecodePrecision::Single, seed), &tokens, seed);
        prop_assert!(error < 2e-4, "{error}");
    }
}

fn check_bounds(errors: [f64; 3], bounds: [f64; 3]) {
    assert!(errors.iter().zip(bounds).all(|(error, bound)| *error < bound), "{errors:?}");
    // More bits are better.
    assert!(errors.is_sorted(), "{errors:?}");
}

#[test]
fn fewer_bits_stay_near_the_reference() {
    for pre_norm in [false, true] {
        let sizes = TransformerSizes {
            layers: 3,
            heads: 4,
            d_model: 128,
            d_head: 32,
            d_inner: 256,
            vocabulary: 100,
            memory: 70,
            pre_norm,
        };
        let tokens = random_tokens(&sizes, 200, 5);
        let errors = [DecodePrecision::Single, DecodePrecision::Bfloat16, DecodePrecision::Eight]
            .map(|precision| error(&engine(&sizes, precision, 5), &tokens, 5));
        // The worst of 20 000 logits, four deviations from the mean.
        check_bounds(errors, [1e-4, 0.04, 0.12]);
    }
}
