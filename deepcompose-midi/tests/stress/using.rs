//! What the core crate makes of large scores.

use deepcompose_core::augment::{scale_velocity, stretch_tempo, stretch_ticks, transpose};
use deepcompose_core::metrics::Metrics;
use deepcompose_core::{
    PerformanceClock, PerformanceTokenizer, PianoRoll, Pitch, SatbTokenizer, Score, StepsPerBeat, Tokenizer,
    Velocity, melody_track,
};

use crate::files::{Events, notes};
use crate::measure::{alone, grows_linearly};
use crate::{MANY, read};

/// Large scores, each hard in its own way, by name.
fn scores(work: impl Fn(&str, &dyn Fn(usize) -> Score)) {
    let _alone = alone();
    let score = |bytes: Vec<u8>| read(&bytes).unwrap().0;
    work("a note at a time", &|n| score(notes(n)));
    work("one pitch, all at once", &|n| {
        let mut events = Events::repeat(n, |e, i| {
            e.on(u32::from(i % 64 == 0), 60);
        });
        for _ in 0..n {
            events.off(1, 60);
        }
        score(events.file())
    });
    work("every note held to the end", &|n| {
        let mut events = Events::repeat(n, |e, i| {
            e.on(16, 48 + i % 24);
        });
        for i in 0..n {
            events.off(0, 48 + i % 24);
        }
        score(events.file())
    });
    work("as many tempos and signatures as notes", &|n| {
        let mut events = Events::repeat(n, |e, i| {
            e.meta(0, 0x51, &[7, i as u8, (i >> 8) as u8]);
            e.meta(0, 0x58, &[2 + (i % 2) as u8, 2, 24, 8]);
            e.on(1, 48 + i % 24).off(30, 48 + i % 24);
        });
        score(events.file())
    });
    work("under the pedal", &|n| {
        let mut events = Events::repeat(n, |e, i| {
            e.on(1, 48 + i % 24).off(30, 48 + i % 24).control(0, 64, (i % 2 * 127) as u8);
        });
        score(events.file())
    });
}

fn each<T>(name: &str, bytes_each: usize, work: impl Fn(&Score) -> T) {
    scores(|kind, make| grows_linearly(&format!("{name}: {kind}"), MANY / 8, bytes_each, make, &work));
}

#[test]
fn rolls() {
    // A roll has a row of two times 128 cells a step, whatever the notes: at most 2^18 of them.
    each("roll", 4096, |score| {
        if let Ok(roll) = PianoRoll::from_score(score, StepsPerBeat::DEFAULT) {
            let back = roll.to_notes(score.ticks_per_quarter(), Velocity::DEFAULT);
            assert!(back.len() <= score.note_count());
        }
    });
}

#[test]
fn performance_tokens() {
    for clock in [PerformanceClock::Metric, PerformanceClock::Seconds] {
        each("performance", 512, |score| {
            let tokenizer = PerformanceTokenizer::new(clock);
            let tokens = tokenizer.encode(score);
            assert!(tokenizer.decode(&tokens).score.note_count() <= score.note_count());
        });
    }
}

#[test]
fn satb_tokens() {
    each("SATB", 4096, |score| {
        let tokens = SatbTokenizer.encode(score);
        SatbTokenizer.decode(&tokens)
    });
}

#[test]
fn metrics() {
    each("metrics", 4096, Metrics::of);
}

#[test]
fn melody() {
    each("melody", 512, melody_track);
}

#[test]
fn bars() {
    each("bars", 512, |score| {
        let end = score.end();
        score.bars().take_while(|bar| bar.start < end).count()
    });
}

#[test]
fn augmentation() {
    each("transposition", 1024, |score| transpose(score, 1, Pitch::MIN..=Pitch::MAX));
    each("stretching ticks", 1024, |score| stretch_ticks(score, 1.5));
    each("stretching tempo", 1024, |score| stretch_tempo(score, 1.5));
    each("velocity", 1024, |score| scale_velocity(score, 0.5));
}
