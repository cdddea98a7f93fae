//! What the core crate makes of large scores.

use deepcompose_core::augment::{scale_velocity, stretch_tempo, stretch_ticks, transpose};
use deepcompose_core::editing::{EditList, History, NoteEdit};
use deepcompose_core::metrics::Metrics;
use deepcompose_core::ops::{GridStep, Join, Overlaps, Quantiser, Straddle, TrimTo};
use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose_core::{
    MultiRoll, Note, Parts, PerformanceClock, PerformanceTokenizer, PianoRoll, Pitch, SatbTokenizer, Score,
    StepsPerBeat, TempoMap, Tick, TicksPerQuarter, Tokenizer, Track, Velocity, VelocityRoll, melody_track,
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
fn velocity_rolls() {
    each("velocity roll", 8192, |score| {
        let roll = VelocityRoll::from_score(score, StepsPerBeat::DEFAULT, Parts::All);
        roll.map(|roll| roll.to_notes(score.ticks_per_quarter()).len())
    });
    each("rolls by track", 8192, |score| {
        let rolls = MultiRoll::from_score(score, StepsPerBeat::DEFAULT, Parts::All);
        rolls.map(|rolls| rolls.to_score(score.ticks_per_quarter()))
    });
}

#[test]
fn tokens_of_the_remi_family() {
    for tokenization in Tokenization::ALL {
        let config = TokenizerConfig {
            use_programs: true,
            use_chords: tokenization == Tokenization::Remi,
            use_rests: tokenization != Tokenization::Remi,
            use_tempos: true,
            use_sustain_pedals: true,
            ..TokenizerConfig::default()
        };
        let Ok(tokenizer) = MusicTokenizer::new(tokenization, config) else { continue };
        each(tokenization.name(), 4096, |score| {
            let tokens = tokenizer.encode(score);
            (tokenizer.decode(&tokens), tokenizer.token_errors(&tokens))
        });
    }
}

#[test]
fn notes_held_by_the_pedal() {
    each("sustained", 1024, |score| score.clone().sustained());
}

#[test]
fn operations() {
    let (early, late) = (Tick::saturating(1000), Tick::saturating(100_000));
    each("slice", 1024, |score| score.slice(early..late, Straddle::Clip));
    each("slice bars", 1024, |score| score.slice_bars(2..1000, Straddle::Keep));
    each("trim, pad", 1024, |score| score.trim(TrimTo::Beat).pad(early));
    each("join", 2048, |score| score.join(score, Join::Bar));
    each("quantise", 1024, |score| score.quantise(&Quantiser::new(GridStep::EIGHTH)));
    each("resample", 1024, |score| score.resample(TicksPerQuarter::saturating(96)));
    each("retime", 1024, |score| score.retime(TempoMap::default()));
    each("merge", 1024, Score::merge_same_programs);
    let tracks =
        |score: &Score, work: &dyn Fn(&Track) -> usize| score.tracks().iter().map(work).sum::<usize>();
    each("hands", 1024, |score| tracks(score, &|t| t.split_hands().len()));
    each("overlaps", 1024, |score| tracks(score, &|t| t.resolve_overlaps(Overlaps::Cut).1));
    each("drums", 1024, |score| tracks(score, &|t| t.split_drums().len()));
}

#[test]
fn voices() {
    each("voices", 4096, |score| {
        let voices = |t: &Track| t.split_voices().map_or(0, |voices| voices.len());
        score.tracks().iter().map(voices).sum::<usize>()
    });
}

#[test]
fn edits() {
    each("edits", 1024, |score| {
        let notes = score.tracks().first().map_or(&[][..], |t| t.notes());
        let lift = |note: &Note| NoteEdit::SetPitch { track: 0, note: *note, pitch: Pitch::MIDDLE_C };
        let edits = EditList::new("Lift", notes.iter().map(lift).collect());
        let mut history = History::default();
        let mut edited = score.clone();
        history.apply(&mut edited, edits).unwrap();
        assert!(history.undo(&mut edited).unwrap().is_some());
        assert!(edited == *score);
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
