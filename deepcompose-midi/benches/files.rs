//! Reading and writing MIDI files: `cargo bench -p deepcompose-midi`.
//!
//! The pieces are made here, the same at every run: chords, a tune, a bass and drums over four
//! tracks, with a pedal. Throughput is in notes; the bytes of each file are in its name.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use deepcompose_core::{At, ControlChange, Note, Pitch, Program, Score, Tick, Track, Velocity};
use deepcompose_midi::{Limits, Reader, to_bytes};

/// A piece of about this many notes over four tracks.
fn piece(notes: usize) -> Score {
    let mut score = Score::default();
    for (index, (name, program)) in
        [("Tune", 73), ("Chords", 0), ("Bass", 32), ("Drums", 0)].iter().enumerate()
    {
        let program = Program::new(*program).unwrap();
        let track = if *name == "Drums" { Track::drums(*name, program) } else { Track::new(*name, program) };
        let mut track = track.with_notes((0..notes / 4).map(|i| note(index, i)).collect());
        if *name == "Chords" {
            track.set_controls((0..notes / 16).map(pedal).collect());
        }
        score.push_track(track);
    }
    score
}

/// The `i`-th note of a part, without a random number: steps that are prime to each other.
fn note(part: usize, i: usize) -> Note {
    let (start, pitch, duration) = match part {
        0 => (240 * i, 60 + i * 7 % 24, 120 + i * 11 % 240),
        1 => (240 * (i / 3) * 3, 48 + i * 4 % 24, 700),
        2 => (240 * i, 28 + i * 5 % 20, 230),
        _ => (240 * i, [36, 42, 38, 42][i % 4], 60),
    };
    Note {
        start: Tick::saturating(start as i64),
        pitch: Pitch::saturating(pitch as i64),
        duration: Tick::saturating(duration as i64),
        velocity: Velocity::saturating(40 + (i * 13 % 80) as i64),
    }
}

fn pedal(i: usize) -> At<ControlChange> {
    let value = ControlChange::new(ControlChange::SUSTAIN, (i % 2 * 127) as u8).unwrap();
    At { tick: Tick::saturating(960 * i as i64), value }
}

fn files(c: &mut Criterion) {
    let reader = Reader::new().limits(Limits::unlimited());
    for (name, is_reading) in [("read", true), ("write", false)] {
        let mut group = c.benchmark_group(name);
        for size in [100, 10_000, 1_000_000] {
            let score = piece(size);
            let bytes = to_bytes(&score).unwrap();
            group.throughput(Throughput::Elements(score.note_count() as u64));
            if size > 100_000 {
                group.sample_size(10);
            }
            let id = BenchmarkId::new(format!("{} bytes", bytes.len()), size);
            if is_reading {
                group.bench_function(id, |b| b.iter(|| reader.read_bytes(black_box(&bytes)).unwrap()));
            } else {
                group.bench_function(id, |b| b.iter(|| to_bytes(black_box(&score)).unwrap()));
            }
        }
    }
}

criterion_group!(benches, files);
criterion_main!(benches);
