//! The generator on eight bars: four windows of two.

#[path = "../tests/gan_reference/mod.rs"]
mod gan_reference;

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use deepcompose_engines::gan::{GeneratorEngine, GeneratorInput, GeneratorSession, GeneratorSizes};
use gan_reference::{numbers, random_weights, roll};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const WINDOWS: usize = 4;

/// The reference architecture, 64 to 512 filters.
const REFERENCE: GeneratorSizes = GeneratorSizes {
    steps: 32,
    pitches: 128,
    tracks: 4,
    filters: 64,
    latent_channels: 512,
    attributes: 0,
    attribute_channels: 8,
    chords: false,
    previous: false,
    output_map: false,
};

/// That of the weights that the library ships.
const SHIPPED: GeneratorSizes = GeneratorSizes {
    steps: 32,
    pitches: 80,
    // Rolls: what sounds in four tracks, and where notes begin in three.
    tracks: 7,
    filters: 24,
    latent_channels: 32,
    attributes: 11,
    attribute_channels: 16,
    chords: true,
    previous: true,
    output_map: true,
};

fn bars(c: &mut Criterion) {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let mut group = c.benchmark_group("gan eight bars");
    group.throughput(Throughput::Elements(8)).sample_size(20);
    for (name, sizes) in [("reference", REFERENCE), ("shipped", SHIPPED)] {
        let weights = random_weights(&sizes, rng);
        let melody = roll(WINDOWS * sizes.melody_len(), rng);
        let chords = roll(WINDOWS * sizes.chords_len(), rng);
        let latent = numbers(WINDOWS * sizes.latent_len(), -2.0, 2.0, rng);
        let attributes = numbers(sizes.attributes, 0.0, 1.0, rng).repeat(WINDOWS);
        let previous = roll(if sizes.previous { WINDOWS * sizes.tracks_len() } else { 0 }, rng);
        let input =
            GeneratorInput { melody: &melody, chords: &chords, latent: &latent, attributes: &attributes };
        let Ok(engine) = GeneratorEngine::new(&sizes, &weights) else { continue };
        let Ok(mut session) = GeneratorSession::new(Arc::new(engine), WINDOWS) else { continue };
        for (how, at_once) in [("one by one", 1), ("together", WINDOWS)] {
            group.bench_function(format!("{name}, windows {how}"), |b| {
                b.iter(|| {
                    session.prepare(&input)?;
                    for first in (0..WINDOWS).step_by(at_once) {
                        let part = previous.len() / WINDOWS;
                        let previous = &previous[first * part..(first + at_once) * part];
                        session.forward(first..first + at_once, previous)?;
                    }
                    Ok::<(), deepcompose_engines::EngineError>(())
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bars);
criterion_main!(benches);
