//! Steps and prompts allocate nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "transformer/network.rs"]
mod network;

use std::sync::Arc;

use deepcompose_engines::transformer::{
    BatchDecoder, DecodePrecision, Decoder, TransformerEngine, TransformerSizes,
};
use peak_alloc::PeakAlloc;

use network::{random_tokens, random_weights};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that were in use at the most while `work` ran, beyond those before.
fn most_allocated(work: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage() - before
}

/// One test, so that no other thread allocates.
#[test]
fn decoding_allocates_nothing() {
    let sizes = TransformerSizes { layers: 2, vocabulary: 2000, memory: 90, ..TransformerSizes::reference() };
    let weights = random_weights(&sizes, 1);
    let tokens = random_tokens(&sizes, 300, 2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    for precision in [DecodePrecision::Single, DecodePrecision::Bfloat16, DecodePrecision::Eight] {
        let engine = Arc::new(TransformerEngine::new(sizes, &weights, precision).unwrap());
        pool.install(|| {
            let mut decoder = Decoder::new(&engine);
            let mut batch = BatchDecoder::new(&engine, 7).unwrap();
            // The threads' own first steps.
            decoder.push(1).unwrap();
            let pushed = most_allocated(|| {
                for token in &tokens {
                    decoder.push(*token).unwrap();
                }
            });
            let prompted = most_allocated(|| {
                decoder.push_all(&tokens).unwrap();
            });
            let stepped = most_allocated(|| {
                for tokens in tokens.chunks_exact(7) {
                    batch.step(tokens).unwrap();
                }
            });
            assert_eq!([pushed, prompted, stepped], [0; 3], "{precision:?}");
            // What is counted is seen.
            assert_ne!(most_allocated(|| drop(decoder.clone())), 0);
        });
    }
}
