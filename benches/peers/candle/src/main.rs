//! Times candle-transformers' `LogitsProcessor` beside `TokenSampler`, both on the same logits, sixteen lists one after
//! the other, in turns of a few milliseconds: `cargo run --release [-- --json FILE]`.
//!
//! candle is used as its examples use it: logits in a tensor on the CPU, `LogitsProcessor::from_sampling`, one
//! `sample` a token. `TokenSampler` is used as `generate_tokens` uses it: a slice, memory kept from token to token.
//! Both draw with `StdRng`.

mod shapes;

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};
use deepcompose_samplers::{SampleScratch, SamplingTechnique, TokenSampler};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

const TEMPERATURE: f64 = 0.9;
const TURN: Duration = Duration::from_millis(2);
const TURNS: usize = 31;

/// One cut, as both are told of it.
struct Cut {
    name: &'static str,
    candle: Sampling,
    ours: TokenSampler,
}

fn cuts(vocabulary: usize) -> Result<Vec<Cut>, Box<dyn Error>> {
    let temperature = TEMPERATURE;
    let ours = |technique, threshold| TokenSampler::new(technique, threshold, temperature);
    let two_fifths = vocabulary * 2 / 5;
    Ok(vec![
        Cut {
            name: "random",
            candle: Sampling::All { temperature },
            ours: ours(SamplingTechnique::Random, 1.0)?,
        },
        Cut {
            name: "top-k, 40",
            candle: Sampling::TopK { k: 40, temperature },
            ours: ours(SamplingTechnique::TopK, 40.0 / vocabulary as f64)?,
        },
        Cut {
            name: "top-k, 0.4",
            candle: Sampling::TopK { k: two_fifths, temperature },
            ours: ours(SamplingTechnique::TopK, two_fifths as f64 / vocabulary as f64)?,
        },
        Cut {
            name: "nucleus, 0.9",
            candle: Sampling::TopP { p: 0.9, temperature },
            ours: ours(SamplingTechnique::Nucleus, 0.9)?,
        },
    ])
}

/// Seconds a call, over a turn of calls with one list after the other.
fn turn<T>(lists: &[T], mut call: impl FnMut(&T) -> u32) -> f64 {
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < TURN {
        for list in lists {
            black_box(call(list));
        }
        calls += lists.len() as u32;
    }
    begun.elapsed().as_secs_f64() / f64::from(calls)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Microseconds a token of candle and of ours.
fn compare(lists: &[Vec<f32>], cut: &Cut) -> Result<(f64, f64), Box<dyn Error>> {
    let tensor = |logits: &Vec<f32>| Tensor::from_slice(logits, logits.len(), &Device::Cpu);
    let tensors = lists.iter().map(tensor).collect::<Result<Vec<_>, _>>()?;
    let mut processor = LogitsProcessor::from_sampling(1, cut.candle.clone());
    let mut rng = StdRng::seed_from_u64(1);
    let mut scratch = SampleScratch::default();
    // Errors show here; below they would only be timed.
    for (tensor, logits) in tensors.iter().zip(lists) {
        processor.sample(tensor)?;
        cut.ours.sample_with(logits, &mut rng, &mut scratch)?;
    }
    let (mut candle, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        candle.push(turn(&tensors, |tensor| processor.sample(black_box(tensor)).unwrap_or(u32::MAX)));
        ours.push(turn(lists, |logits| {
            cut.ours.sample_with(black_box(logits), &mut rng, &mut scratch).unwrap_or(u32::MAX)
        }));
    }
    Ok((median(candle) * 1e6, median(ours) * 1e6))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let json_file = match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => None,
        (Some("--json"), Some(file), None) => Some(file),
        _ => return Err("usage: time-candle [--json FILE]".into()),
    };
    println!("| logits | shape | cut | candle 0.11.1, µs | ours, µs | ratio |");
    println!("|---|---|---|---|---|---|");
    let mut rows: Vec<Value> = Vec::new();
    for vocabulary in [310, 50_000] {
        for (shape, lists) in shapes::all(vocabulary) {
            for cut in cuts(vocabulary)? {
                let (candle, ours) = compare(&lists, &cut)?;
                let ratio = candle / ours;
                println!("| {vocabulary} | {shape} | {} | {candle:.2} | {ours:.2} | {ratio:.1} |", cut.name);
                rows.push(json!({
                    "logits": vocabulary, "shape": shape, "cut": cut.name,
                    "candle_us": candle, "ours_us": ours, "ratio": ratio,
                }));
            }
        }
    }
    if let Some(file) = json_file {
        let report = json!({ "candle-transformers": "0.11.1", "temperature": TEMPERATURE, "rows": rows });
        std::fs::write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(())
}
