#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod grid;
mod parts;
mod time;

use proptest::prelude::*;

use crate::meter::TimeSignature;
use crate::score::{At, ControlChange, Note, PitchBend, Pressure, Score, Text, TextKind, Track};
use crate::tempo::{Tempo, TempoMap};
use crate::units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};

fn tick(value: u32) -> Tick {
    Tick::new(value).unwrap()
}

fn tpq(value: u32) -> TicksPerQuarter {
    TicksPerQuarter::new(value).unwrap()
}

fn pitch(value: u32) -> Pitch {
    Pitch::new(value).unwrap()
}

fn note(start: u32, duration: u32, key: u32) -> Note {
    Note { start: tick(start), duration: tick(duration), pitch: pitch(key), velocity: Velocity::DEFAULT }
}

fn at<T>(when: u32, value: T) -> At<T> {
    At { tick: tick(when), value }
}

fn control(when: u32, controller: u8, value: u8) -> At<ControlChange> {
    at(when, ControlChange::new(controller, value).unwrap())
}

fn tempo(when: u32, micros: u32) -> At<Tempo> {
    at(when, Tempo::from_micros(micros).unwrap())
}

fn meter(when: u32, n: u32, d: u32) -> At<TimeSignature> {
    at(when, TimeSignature::new(n, d).unwrap())
}

fn track(notes: &[Note]) -> Track {
    Track::new("t", Program::MIN).with_notes(notes.to_vec())
}

fn score(notes: &[Note]) -> Score {
    let mut score = Score::default();
    score.push_track(track(notes));
    score
}

fn starts(track: &Track) -> Vec<u32> {
    track.notes().iter().map(|n| n.start.get()).collect()
}

/// Notes `(start, duration, pitch)` of a small score, with tempos, metres, controls and texts.
fn any_score() -> impl Strategy<Value = Score> {
    let notes = prop::collection::vec((0_u32..4000, 0_u32..900, 30_u32..100, 1_u32..=127), 0..25);
    let tempos = prop::collection::vec((0_u32..4000, 100_000_u32..2_000_000), 0..4);
    let meters = prop::collection::vec((0_u32..4000, 1_u32..9, 1_u32..4), 0..4);
    let controls = prop::collection::vec((0_u32..4000, 0_u8..120, 0_u8..=127), 0..10);
    (1_u32..1000, notes, tempos, meters, controls).prop_map(
        |(resolution, notes, tempos, meters, controls)| {
            let mut score = Score::new(tpq(resolution));
            score.set_tempo_map(TempoMap::new(tempos.iter().map(|(t, m)| tempo(*t, *m)).collect()));
            score.set_time_signatures(meters.iter().map(|(t, n, d)| meter(*t, *n, 1 << d)).collect());
            let (a, b): (Vec<_>, Vec<_>) = notes.into_iter().partition(|n| n.2 % 2 == 0);
            let make = |n: (u32, u32, u32, u32)| Note {
                velocity: Velocity::new(n.3).unwrap(),
                ..note(n.0, n.1, n.2)
            };
            let mut first = track(&a.into_iter().map(make).collect::<Vec<_>>());
            first.set_controls(controls.iter().map(|(t, c, v)| control(*t, *c, *v)).collect());
            first.set_pitch_bends(
                controls.iter().map(|(t, c, _)| at(*t, PitchBend::new(i16::from(*c)).unwrap())).collect(),
            );
            first.set_texts(vec![at(77, Text::new(TextKind::Lyric, "la").unwrap())]);
            score.push_track(first);
            let drums = b.into_iter().map(make).collect();
            score.push_track(Track::drums("kit", Program::MIN).with_notes(drums));
            score
        },
    )
}
