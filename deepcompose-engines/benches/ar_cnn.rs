//! A sampling iteration of the AR-CNN engine: one cell flipped, all logits asked for; beside it a first pass.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use deepcompose_engines::ar_cnn::{ArCnnEngine, ArCnnSizes};

#[path = "../tests/ar_cnn_support/mod.rs"]
mod ar_cnn_support;

const SIZES: [(&str, ArCnnSizes); 2] = [
    ("reference", ArCnnSizes { steps: 128, pitches: 128, filters: 32, levels: 5 }),
    ("shipped", ArCnnSizes { steps: 128, pitches: 96, filters: 16, levels: 4 }),
];

fn iterations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ar_cnn");
    group.sample_size(20);
    for (name, sizes) in SIZES {
        let engine = ArCnnEngine::new(sizes, &ar_cnn_support::random_weights(&sizes, 1)).unwrap();
        let mut roll: Vec<bool> =
            (0..sizes.steps * sizes.pitches).map(|cell| cell * 7919 % 20 == 0).collect();
        group.throughput(Throughput::Elements(1));
        let mut session = engine.session();
        let mut cell = 0;
        group.bench_function(format!("{name}/flip"), |bencher| {
            bencher.iter(|| {
                cell = (cell + 7919) % roll.len();
                roll[cell] = !roll[cell];
                session.logits(&roll).unwrap()[0]
            });
        });
        let fresh = engine.session();
        group.bench_function(format!("{name}/first"), |bencher| {
            let pass =
                |mut session: deepcompose_engines::ar_cnn::ArCnnSession| session.logits(&roll).unwrap()[0];
            bencher.iter_batched(|| fresh.clone(), pass, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, iterations);
criterion_main!(benches);
