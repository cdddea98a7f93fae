#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod invariants;
mod parts;
mod tunes;

use super::*;
use crate::units::{Pitch, Program, TicksPerQuarter, Velocity};

fn tick(value: u32) -> Tick {
    Tick::new(value).unwrap()
}

fn note(start: u32, duration: u32, pitch: u32) -> Note {
    Note {
        start: tick(start),
        duration: tick(duration),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

fn score(notes: Vec<Note>) -> Score {
    let mut score = Score::new(TicksPerQuarter::DEFAULT);
    score.push_track(Track::new("", Program::MIN).with_notes(notes));
    score
}

fn with(params: RhythmParams) -> RhythmAssist {
    RhythmAssist::new(params).unwrap()
}

fn estimating() -> RhythmAssist {
    with(RhythmParams { tempo: TempoSource::ESTIMATE, ..RhythmParams::default() })
}

/// Normal deviates: SplitMix64 (Steele, Lea and Flood 2014) and Box and Muller's transform.
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// How a tune is played.
#[derive(Clone, Copy)]
struct Performance {
    bpm: f64,
    /// Seconds of silence before tick 0.
    offset: f64,
    /// Standard deviation of onsets and ends, in seconds.
    deviation: f64,
    seed: u64,
    /// The tempo of the recording, whose ticks say nothing unless it is the one played.
    recorded_at: f64,
}

fn perform(tune: &Score, how: Performance) -> Score {
    let mut normal = Normal(how.seed);
    let mut out = tune.without_tracks();
    out.set_tempo(Tempo::from_bpm(how.recorded_at).unwrap());
    let per_tick = 60.0 / how.bpm / f64::from(tune.ticks_per_quarter().get());
    for track in tune.tracks() {
        let mut at = |tick: Tick| {
            out.tick_at(f64::from(tick.get()) * per_tick + how.offset + how.deviation * normal.next())
        };
        let notes = track.notes().iter().map(|note| {
            let (start, end) = (at(note.start), at(note.end()));
            Note { start, duration: end.saturating_sub(start), ..*note }
        });
        let notes = notes.collect();
        out.push_track(Track::new(track.name(), track.program()).with_notes(notes));
    }
    out
}
