//! What is made of scores: `cargo bench -p deepcompose-core`.
//!
//! The pieces are made here, the same at every run. Throughput is in notes.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use deepcompose_core::metrics::Metrics;
use deepcompose_core::ops::{GridStep, Quantiser};
use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose_core::{
    Note, PerformanceClock, PerformanceTokenizer, PianoRoll, Pitch, Program, SatbTokenizer, Score,
    StepsPerBeat, Tick, TicksPerQuarter, Tokenizer, Track, Velocity,
};

/// A tune and its chords: about this many notes in two tracks, without a random number.
fn piece(notes: usize) -> Score {
    let mut score = Score::default();
    let note = |start: usize, pitch: usize, duration: usize, i: usize| Note {
        start: Tick::saturating(start as i64),
        pitch: Pitch::saturating(pitch as i64),
        duration: Tick::saturating(duration as i64),
        velocity: Velocity::saturating(40 + (i * 13 % 80) as i64),
    };
    let tune = (0..notes / 2).map(|i| note(240 * i, 60 + i * 7 % 24, 120 + i * 11 % 240, i));
    let chords = (0..notes / 2).map(|i| note(240 * (i / 3) * 3, 48 + i * 4 % 12, 700, i));
    score.push_track(Track::new("Tune", Program::new(73).unwrap()).with_notes(tune.collect()));
    score.push_track(Track::new("Chords", Program::MIN).with_notes(chords.collect()));
    score
}

const SIZES: [usize; 3] = [100, 10_000, 100_000];

/// Times `work` on a piece of each size.
fn each<T>(c: &mut Criterion, name: &str, work: impl Fn(&Score) -> T) {
    let mut group = c.benchmark_group(name);
    for size in SIZES {
        let score = piece(size);
        group.throughput(Throughput::Elements(score.note_count() as u64));
        if size > 50_000 {
            group.sample_size(10);
        }
        group.bench_function(BenchmarkId::from_parameter(size), |b| b.iter(|| work(black_box(&score))));
    }
}

fn rolls(c: &mut Criterion) {
    // 2^18 steps are the most: 100,000 notes of this piece are 100,000 steps.
    each(c, "roll from score", |score| PianoRoll::from_score(score, StepsPerBeat::DEFAULT).unwrap());
    let mut group = c.benchmark_group("notes from roll");
    for size in SIZES {
        let roll = PianoRoll::from_score(&piece(size), StepsPerBeat::DEFAULT).unwrap();
        group.throughput(Throughput::Elements(size as u64)).sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| black_box(&roll).to_notes(TicksPerQuarter::DEFAULT, Velocity::DEFAULT));
        });
    }
}

fn tokens(c: &mut Criterion) {
    let mut tokenizers: Vec<(String, Box<dyn Tokenizer>)> = vec![
        ("performance".into(), Box::new(PerformanceTokenizer::new(PerformanceClock::Metric))),
        ("SATB".into(), Box::new(SatbTokenizer)),
    ];
    for tokenization in Tokenization::ALL {
        let config = TokenizerConfig { use_programs: true, ..TokenizerConfig::default() };
        let tokenizer = MusicTokenizer::new(tokenization, config).unwrap();
        tokenizers.push((tokenization.to_string(), Box::new(tokenizer)));
    }
    for (name, tokenizer) in &tokenizers {
        each(c, &format!("encode {name}"), |score| tokenizer.encode(score));
        let mut group = c.benchmark_group(format!("decode {name}"));
        for size in SIZES {
            let tokens = tokenizer.encode(&piece(size));
            group.throughput(Throughput::Elements(size as u64)).sample_size(10);
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| tokenizer.decode(black_box(&tokens)));
            });
        }
    }
}

fn scores(c: &mut Criterion) {
    each(c, "metrics", Metrics::of);
    let quantiser = Quantiser::new(GridStep::EIGHTH);
    each(c, "quantise", |score| score.quantise(&quantiser));
}

criterion_group!(benches, rolls, tokens, scores);
criterion_main!(benches);
