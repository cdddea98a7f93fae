//! The work of each point.

use deepcompose::core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose::core::{Pitch, Program, Tick, Tokenizer, Velocity};
use deepcompose::midi;
use deepcompose::models::pretrained;
use deepcompose::models::transformer::Decoder;
use deepcompose::prelude::*;
use deepcompose::samplers::{SampleScratch, TokenSampler};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::Outcome;

/// What is done once, over and over.
pub(crate) type Work = Box<dyn FnMut() -> Outcome<()>>;

pub(crate) fn work(sweep: &str, line: &str, value: usize) -> Outcome<Work> {
    match (sweep, line) {
        ("enhance", _) => enhance(piece(value, 1), 4),
        ("accompany", _) => accompany(piece(value, 1)),
        ("extend", _) => extend(piece(8, 1), value as f64),
        ("tracks", "enhance") => enhance(piece(8, value), 4),
        ("tracks", "extend") => extend(piece(8, value), 10.0),
        ("tracks", _) => accompany(piece(8, value)),
        ("tokens", "read") => {
            let bytes = midi::to_bytes(&piece(64, value))?;
            Ok(Box::new(move || Ok(midi::read_bytes(&bytes).map(|_| ())?)))
        }
        ("tokens", _) => {
            let config = TokenizerConfig { use_programs: true, ..TokenizerConfig::default() };
            let tokenizer = MusicTokenizer::new(Tokenization::Remi, config)?;
            let score = piece(64, value);
            Ok(Box::new(move || {
                std::hint::black_box(tokenizer.encode(&score));
                Ok(())
            }))
        }
        ("vocabulary", technique) => draw(technique, value),
        ("threads", "enhance") => enhance(piece(16, 1), 4),
        ("threads", "extend") => extend(piece(16, 1), 20.0),
        ("threads", _) => accompany(piece(16, 1)),
        ("batch", _) => decode(value),
        _ => Err(format!("there is no sweep `{sweep}`").into()),
    }
}

/// Bars of 4/4 in eighths; every track a tune of its own.
fn piece(bars: usize, tracks: usize) -> Score {
    let mut score = Score::default();
    let eighth = i64::from(score.ticks_per_quarter().get()) / 2;
    for track in 0..tracks {
        let notes = (0..8 * bars).map(|i| Note {
            start: Tick::saturating(eighth * i as i64),
            pitch: Pitch::saturating(48 + ((i * 7 + track * 5 + i / 8) % 36) as i64),
            duration: Tick::saturating(eighth),
            velocity: Velocity::saturating(80),
        });
        let program = Program::new(track as u32 % 96).unwrap_or(Program::MIN);
        score.push_track(Track::new(format!("Tune {track}"), program).with_notes(notes.collect()));
    }
    score
}

/// All tracks where there are several.
fn selection(score: &Score) -> TrackSelection {
    if score.tracks().len() > 1 { TrackSelection::All } else { TrackSelection::Melody }
}

fn enhance(score: Score, iterations: usize) -> Outcome<Work> {
    let composer = Composer::builder().build()?;
    let track = selection(&score);
    let params = ArCnnParams { sampling_iterations: iterations, track, ..ArCnnParams::default() };
    Ok(Box::new(move || Ok(composer.enhance(&score, &params).map(|_| ())?)))
}

fn accompany(score: Score) -> Outcome<Work> {
    let composer = Composer::builder().build()?;
    let params = GanParams { track: selection(&score), ..GanParams::new(Genre::Rock) };
    Ok(Box::new(move || Ok(composer.accompany(&score, &params).map(|_| ())?)))
}

fn extend(score: Score, seconds: f64) -> Outcome<Work> {
    let composer = Composer::builder().build()?;
    let track = selection(&score);
    let params =
        TransformerParams { track_extension_duration: seconds, track, ..TransformerParams::default() };
    Ok(Box::new(move || Ok(composer.extend(&score, &params).map(|_| ())?)))
}

fn draw(technique: &str, logits: usize) -> Outcome<Work> {
    let sampler = TokenSampler::new(technique.parse()?, 0.9, 0.9)?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // About normal, as a model's are.
    let logits: Vec<f32> =
        (0..logits).map(|i| (0..6).map(|j| ((i * 6 + j) as f32 * 1.7).sin()).sum()).collect();
    let mut scratch = SampleScratch::default();
    Ok(Box::new(move || Ok(sampler.sample_with(&logits, &mut rng, &mut scratch).map(|_| ())?)))
}

fn decode(sequences: usize) -> Outcome<Work> {
    let network = pretrained::transformer(&Device::default())?;
    let memory = network.config().memory;
    let prompt: Vec<u32> = (0..memory as u32).map(|i| i * 7 % 310).collect();
    let mut decoder = Decoder::new(&network)?;
    decoder.push(&prompt)?;
    let mut batch = decoder.fork(sequences)?;
    let tokens: Vec<u32> = (0..sequences as u32).collect();
    Ok(Box::new(move || {
        batch.step(&tokens)?;
        Ok(())
    }))
}
