//! What a composition spends its time on: `cargo bench --bench compose`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use deepcompose::core::{PerformanceClock, PerformanceTokenizer, Tokenizer};
use deepcompose::midi;
use deepcompose::models::transformer::Decoder;
use deepcompose::models::{Device, pretrained};
use deepcompose::prelude::*;
use deepcompose::samplers::{EditModel, TokenSampler};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn samplers(c: &mut Criterion) {
    let logits: Vec<f32> = (0..310).map(|i| (i as f32 * 0.7).sin() * 4.0).collect();
    let mut group = c.benchmark_group("token sampler, 310 logits");
    for technique in SamplingTechnique::ALL {
        let sampler = TokenSampler::new(technique, 0.9, 0.9).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        group.bench_function(technique.name(), |b| {
            b.iter(|| sampler.sample(black_box(&logits), &mut rng).unwrap());
        });
    }
}

fn networks(c: &mut Criterion) {
    let device = Device::default();
    let melody = InputTrack::OdeToJoy.score();
    let tokens = PerformanceTokenizer::new(PerformanceClock::Metric).encode(&melody);
    let mut decoder = Decoder::new(&pretrained::transformer(&device).unwrap()).unwrap();
    decoder.push(&tokens).unwrap();
    c.bench_function("transformer, one token", |b| {
        b.iter(|| decoder.push(black_box(&tokens[1..2])).unwrap()[0])
    });

    let model = pretrained::ar_cnn(&device).unwrap();
    let roll = PianoRoll::from_score(&melody, Default::default()).unwrap();
    let window = roll.slice(0..model.window_steps());
    c.bench_function("AR-CNN, one window", |b| {
        b.iter(|| model.edit_logits(black_box(window.sounding())).unwrap());
    });

    let composer = Composer::builder().build().unwrap();
    c.bench_function("GAN, 16 bars", |b| {
        b.iter(|| composer.accompany(black_box(&melody), &GanParams::default()).unwrap());
    });
}

fn files(c: &mut Criterion) {
    let bytes = midi::to_bytes(&InputTrack::OdeToJoy.score()).unwrap();
    let mut group = c.benchmark_group("MIDI");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("read", |b| b.iter(|| midi::read_bytes(black_box(&bytes)).unwrap()));
}

criterion_group!(benches, samplers, networks, files);
criterion_main!(benches);
