//! What a composition and a training spend their time on: `cargo bench --bench compose`.
//!
//! Networks are the shipped ones; `benches/peers/run_all.py` times those of the reference sizes beside other programs.
//! Throughput is in logits, iterations, tokens, bars, bytes, and in windows or tokens trained on.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use deepcompose::core::{PerformanceClock, PerformanceTokenizer, Tokenizer};
use deepcompose::midi;
use deepcompose::models::ar_cnn::{ArCnnTrainConfig, ArCnnTrainer, ArCnnTraining, RollWindows};
use deepcompose::models::training::Trainer;
use deepcompose::models::transformer::{
    Decoder, Piece, TokenDataset, TokenLayout, TransformerTrainConfig, TransformerTrainer,
    TransformerTraining,
};
use deepcompose::models::{Device, pretrained};
use deepcompose::prelude::*;
use deepcompose::samplers::{EditModel, SampleScratch, TokenSampler};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn samplers(c: &mut Criterion) {
    let mut group = c.benchmark_group("token sampler");
    for count in [310, 50_000] {
        // About normal, as a model's are.
        let logits: Vec<f32> =
            (0..count).map(|i| (0..6).map(|j| ((i * 6 + j) as f32 * 1.7).sin()).sum()).collect();
        group.throughput(Throughput::Elements(count as u64));
        for technique in SamplingTechnique::ALL {
            let sampler = TokenSampler::new(technique, 0.9, 0.9).unwrap();
            let (mut rng, mut scratch) = (ChaCha8Rng::seed_from_u64(1), SampleScratch::default());
            group.bench_function(BenchmarkId::new(technique.name(), count), |b| {
                b.iter(|| sampler.sample_with(black_box(&logits), &mut rng, &mut scratch).unwrap());
            });
        }
    }
}

fn ar_cnn(c: &mut Criterion) {
    let network = pretrained::ar_cnn(&Device::default()).unwrap();
    let model = network.prepare().unwrap();
    let melody = InputTrack::OdeToJoy.score();
    let roll = PianoRoll::from_score(&melody, Default::default()).unwrap();
    let window = roll.slice(0..model.window_steps());
    let mut group = c.benchmark_group("AR-CNN");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("logits of a window", |b| {
        b.iter(|| model.edit_logits(black_box(window.sounding())).unwrap());
    });
    let (mut session, mut roll) = (model.session(), window.sounding().to_owned());
    group.bench_function("logits after a flip", |b| {
        b.iter(|| {
            roll[[40, 60]] ^= true;
            session.logits(black_box(roll.view())).unwrap()[[0, 60]]
        });
    });

    // Sixteen bars are three windows.
    let composer = Composer::builder().build().unwrap();
    let params = ArCnnParams { sampling_iterations: 10, ..ArCnnParams::default() };
    group.throughput(Throughput::Elements(3 * 10)).sample_size(10);
    group.bench_function("sampling iterations, 16 bars", |b| {
        b.iter(|| composer.enhance(black_box(&melody), &params).unwrap());
    });
}

fn transformer(c: &mut Criterion) {
    let network = pretrained::transformer(&Device::default()).unwrap();
    let tokens = PerformanceTokenizer::new(PerformanceClock::Metric).encode(&InputTrack::OdeToJoy.score());
    let context: Vec<u32> = tokens.iter().copied().cycle().take(network.config().memory + 1).collect();
    let mut decoder = Decoder::new(&network).unwrap();
    decoder.push(&context).unwrap();
    let mut group = c.benchmark_group("Transformer");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a token, context full", |b| {
        b.iter(|| decoder.push(black_box(&tokens[1..2])).unwrap()[0]);
    });
    group.throughput(Throughput::Elements(context.len() as u64)).sample_size(20);
    group.bench_function("a prompt as long as the context", |b| {
        let fresh = || {
            let mut decoder = decoder.clone();
            decoder.reset();
            decoder
        };
        b.iter_batched_ref(
            fresh,
            |decoder| decoder.push(black_box(&context)).unwrap()[0],
            BatchSize::LargeInput,
        );
    });
}

fn gan(c: &mut Criterion) {
    let composer = Composer::builder().build().unwrap();
    let melody = InputTrack::OdeToJoy.score();
    let mut group = c.benchmark_group("GAN");
    group.throughput(Throughput::Elements(16)).sample_size(20);
    group.bench_function("16 bars accompanied", |b| {
        b.iter(|| composer.accompany(black_box(&melody), &GanParams::default()).unwrap());
    });
}

fn training(c: &mut Criterion) {
    let device = Device::default();
    let mut group = c.benchmark_group("training step");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));

    let piece =
        |key: usize| Array2::from_shape_fn((512, 128), |(step, pitch)| pitch == 40 + key + step / 2 * 7 % 24);
    let windows = RollWindows::new((0..8).map(piece).collect(), 128, 16);
    let config = ArCnnTrainConfig {
        training: ArCnnTraining { batch_size: 8, steps: 1_000_000, ..ArCnnTraining::default() },
        ..ArCnnTrainConfig::default()
    };
    let mut trainer = ArCnnTrainer::new(&config, windows.clone(), windows, &device).unwrap();
    group.throughput(Throughput::Elements(8));
    group.bench_function("AR-CNN, 8 windows", |b| b.iter(|| trainer.train_step().unwrap()));

    let piece = |lane: u32| Piece::new((0..10_000).map(|i| (i * 7 + i * i % 13 + lane) % 300).collect());
    let data = TokenDataset::new((0..8).map(piece).collect(), TokenLayout::performance()).unwrap();
    let config = TransformerTrainConfig {
        training: TransformerTraining { lanes: 8, steps: 1_000_000, ..TransformerTraining::default() },
        ..TransformerTrainConfig::default()
    };
    let tokens = (config.training.lanes * config.model.segment) as u64;
    let mut trainer = TransformerTrainer::new(&config, data.clone(), data, &device).unwrap();
    group.throughput(Throughput::Elements(tokens));
    group.bench_function(format!("Transformer, {tokens} tokens"), |b| {
        b.iter(|| trainer.train_step().unwrap())
    });
}

fn files(c: &mut Criterion) {
    let bytes = midi::to_bytes(&InputTrack::OdeToJoy.score()).unwrap();
    let mut group = c.benchmark_group("MIDI");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("read", |b| b.iter(|| midi::read_bytes(black_box(&bytes)).unwrap()));
}

criterion_group!(benches, samplers, ar_cnn, transformer, gan, training, files);
criterion_main!(benches);
