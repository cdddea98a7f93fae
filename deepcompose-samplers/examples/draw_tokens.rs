//! Draws tokens and does nothing else, to count instructions or to profile:
//! `valgrind --tool=callgrind target/release/examples/draw_tokens nucleus 0.9 50000 100`.

use std::error::Error;

use deepcompose_samplers::{SampleScratch, SamplingTechnique, TokenSampler};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [technique, threshold, vocabulary, draws] = &arguments[..] else {
        return Err("usage: draw_tokens top-k|nucleus|random THRESHOLD LOGITS DRAWS".into());
    };
    let (vocabulary, draws): (usize, usize) = (vocabulary.parse()?, draws.parse()?);
    let technique: SamplingTechnique = technique.parse()?;
    let sampler = TokenSampler::new(technique, threshold.parse()?, 0.9)?;
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    // One token in eight fits what came before; the others are far below.
    let mut logit = |id: usize| rng.random_range(-4.0..4.0) - if id.is_multiple_of(8) { 0.0 } else { 9.0 };
    let logits: Vec<f32> = (0..vocabulary).map(&mut logit).collect();
    let mut scratch = SampleScratch::default();
    let mut sum = 0_u64;
    let begun = std::time::Instant::now();
    for _ in 0..draws {
        sum += u64::from(sampler.sample_with(&logits, &mut rng, &mut scratch)?);
    }
    let each = begun.elapsed().as_secs_f64() * 1e6 / draws as f64;
    println!("{draws} draws, sum of tokens {sum}, {each:.3} µs each");
    Ok(())
}
