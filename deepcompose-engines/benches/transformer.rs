//! Decoding with random weights at two sizes, the memory full: one token, several sequences, a prompt.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../tests/transformer/network.rs"]
mod network;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use deepcompose_engines::transformer::{
    BatchDecoder, DecodePrecision, Decoder, TransformerEngine, TransformerSizes,
};
use rayon::ThreadPool;

use network::{random_tokens, random_weights};

/// The sizes of the shipped network.
const SHIPPED: TransformerSizes = TransformerSizes {
    layers: 5,
    heads: 3,
    d_model: 192,
    d_head: 32,
    d_inner: 768,
    vocabulary: 310,
    memory: 256,
    pre_norm: true,
};

fn decode(criterion: &mut Criterion) {
    for (name, sizes) in [("reference", TransformerSizes::reference()), ("shipped", SHIPPED)] {
        let weights = random_weights(&sizes, 1);
        let tokens = random_tokens(&sizes, 512, 2);
        for precision in [DecodePrecision::Single, DecodePrecision::Bfloat16, DecodePrecision::Eight] {
            let engine = Arc::new(TransformerEngine::new(sizes, &weights, precision).unwrap());
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let group = format!("transformer/{name}/{precision:?}/{threads} threads").to_lowercase();
                run(criterion, &group, &pool, &engine, &tokens);
            }
        }
    }
}

/// Times `step` in the pool, so that a step does not change threads.
fn time(bencher: &mut Bencher<'_>, pool: &ThreadPool, mut step: impl FnMut() + Send) {
    bencher.iter_custom(|steps| {
        pool.install(|| {
            let start = Instant::now();
            (0..steps).for_each(|_| step());
            start.elapsed()
        })
    });
}

fn run(
    criterion: &mut Criterion,
    group: &str,
    pool: &ThreadPool,
    engine: &Arc<TransformerEngine>,
    tokens: &[u32],
) {
    let mut group = criterion.benchmark_group(group);
    let mut decoder = Decoder::new(engine);
    decoder.push_all(tokens).unwrap();
    let mut next = tokens.iter().copied().cycle();
    group.throughput(Throughput::Elements(1));
    group.bench_function("push", |bencher| {
        time(bencher, pool, || {
            black_box(decoder.push(next.next().unwrap()).unwrap());
        });
    });
    for sequences in [4, 16] {
        let mut batch = BatchDecoder::fork(&decoder, sequences).unwrap();
        let mut windows = tokens.windows(sequences).cycle();
        group.throughput(Throughput::Elements(sequences as u64));
        group.bench_function(format!("step of {sequences}"), |bencher| {
            time(bencher, pool, || {
                black_box(batch.step(windows.next().unwrap()).unwrap());
            });
        });
    }
    group.throughput(Throughput::Elements(tokens.len() as u64));
    group.sample_size(10);
    group.bench_function("prompt of 512", |bencher| {
        time(bencher, pool, || {
            decoder.reset();
            black_box(decoder.push_all(tokens).unwrap());
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
