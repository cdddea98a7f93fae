//! What a draw costs beside a model that costs nothing: `cargo bench -p deepcompose-samplers`.
//!
//! Throughput is in logits, for edits in cells and for generation in tokens. The logits are made here, the same
//! at every run.

#![allow(missing_docs, clippy::unwrap_used)]

use std::convert::Infallible;
use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose_core::{PerformanceEvent, Tokenizer};
use deepcompose_samplers::{
    Constraint, EditModel, EditParams, EditSampler, EditSession, GrammarConstraint, MaxAdd,
    PerformanceConstraints, PerformanceLimits, SampleScratch, SamplingTechnique, TokenId, TokenModel,
    TokenSampler, Unconstrained, generate_tokens,
};
use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Roughly normal: twelve uniform numbers added up.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

/// An untrained model's, a very sure model's, and those of a model of music: one token in eight fits.
fn shapes(vocabulary: usize) -> [(&'static str, Vec<f32>); 3] {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let flat = (0..vocabulary).map(|_| 0.1 * normal(&mut rng)).collect();
    let mut peaked: Vec<f32> = (0..vocabulary).map(|_| 2.0 * normal(&mut rng)).collect();
    peaked[vocabulary / 3] = 25.0;
    let below = |id: usize| if id.is_multiple_of(8) { 0.0 } else { 9.0 };
    let music = (0..vocabulary).map(|id| 2.0 * normal(&mut rng) - below(id)).collect();
    [("flat", flat), ("peaked", peaked), ("music", music)]
}

fn tokens(c: &mut Criterion) {
    for vocabulary in [310, 50_000] {
        let mut group = c.benchmark_group(format!("token, {vocabulary} logits"));
        group.throughput(Throughput::Elements(vocabulary as u64));
        for (technique, threshold) in [
            (SamplingTechnique::Random, 1.0),
            (SamplingTechnique::TopK, 0.01),
            (SamplingTechnique::TopK, 0.4),
            (SamplingTechnique::Nucleus, 0.9),
        ] {
            let sampler = TokenSampler::new(technique, threshold, 0.9).unwrap();
            for (shape, logits) in shapes(vocabulary) {
                let mut rng = ChaCha8Rng::seed_from_u64(1);
                let mut scratch = SampleScratch::default();
                group.bench_function(BenchmarkId::new(format!("{technique} {threshold}"), shape), |b| {
                    b.iter(|| sampler.sample_with(black_box(&logits), &mut rng, &mut scratch).unwrap());
                });
            }
        }
    }
}

/// The same logits for every roll, already made.
struct Ready(Array2<f32>);

impl EditModel for Ready {
    type Error = Infallible;

    fn window_steps(&self) -> usize {
        self.0.nrows()
    }

    fn edit_logits(&self, _: ArrayView2<'_, bool>) -> Result<Array2<f32>, Infallible> {
        Ok(self.0.clone())
    }

    fn session(&self) -> Box<dyn EditSession<Error = Infallible> + '_> {
        Box::new(Shown(self.0.view()))
    }
}

/// Shows them.
struct Shown<'a>(ArrayView2<'a, f32>);

impl EditSession for Shown<'_> {
    type Error = Infallible;

    fn logits(&mut self, _: ArrayView2<'_, bool>) -> Result<ArrayView2<'_, f32>, Infallible> {
        Ok(self.0)
    }
}

fn edits(c: &mut Criterion) {
    const ITERATIONS: usize = 100;
    let mut group = c.benchmark_group("edit, windows of 128 steps");
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let model = Ready(Array2::from_shape_simple_fn((128, 128), || 3.0 * normal(&mut rng)));
    for (name, steps, max_add) in
        [("one", 128, 90), ("one, little budget", 128, 5), ("thirteen", 100 * 16 / 2, 90)]
    {
        let params =
            EditParams { iterations: ITERATIONS, max_add: MaxAdd::Cells(max_add), ..EditParams::default() };
        let sampler = EditSampler::new(params).unwrap();
        let roll = Array2::from_shape_fn((steps, 128), |(step, pitch)| pitch == 60 + step % 12);
        group.throughput(Throughput::Elements((ITERATIONS * steps * 88) as u64));
        group.bench_function(format!("{ITERATIONS} iterations, {name}"), |b| {
            b.iter(|| {
                let roll = black_box(roll.view());
                sampler.edit(&model, roll, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap()
            });
        });
    }
}

impl TokenModel for Ready {
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        self.0.ncols()
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn push(&mut self, _: &[TokenId]) -> Result<&[f32], Infallible> {
        Ok(self.0.as_slice().unwrap_or_default())
    }
}

fn generation(c: &mut Criterion) {
    const TOKENS: usize = 1000;
    let mut group = c.benchmark_group("generate 1000 tokens");
    group.throughput(Throughput::Elements(TOKENS as u64));
    let sampler = TokenSampler::new(SamplingTechnique::Nucleus, 0.9, 0.9).unwrap();
    let mut run = |name: &str, vocabulary: usize, constraint: &dyn Fn() -> Box<dyn Constraint>| {
        let [.., (_, music)] = shapes(vocabulary);
        let mut model = Ready(Array2::from_shape_vec((1, vocabulary), music).unwrap());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut observer = |_| ControlFlow::Continue(());
        group.bench_function(name, |b| {
            b.iter(|| {
                let constraint = &mut *constraint();
                generate_tokens(&mut model, &[0], &sampler, constraint, TOKENS, &mut rng, &mut observer)
                    .unwrap()
            });
        });
    };
    run("310 logits", 310, &|| Box::new(Unconstrained));
    run("310 logits, performance constraints", PerformanceEvent::VOCABULARY_SIZE, &|| {
        Box::new(PerformanceConstraints::new(PerformanceLimits::for_duration(u32::MAX)).unwrap())
    });
    let tokenizer: &'static MusicTokenizer =
        Box::leak(Box::new(MusicTokenizer::new(Tokenization::Remi, TokenizerConfig::default()).unwrap()));
    run("REMI, grammar", tokenizer.vocabulary_size(), &|| Box::new(GrammarConstraint::new(tokenizer)));
}

criterion_group!(benches, tokens, edits, generation);
criterion_main!(benches);
