//! Notes to render, and how to measure what was rendered.

#![allow(dead_code)]

use std::f64::consts::TAU;

use deepcompose_audio::{Audio, Instruments, RenderOptions, render};
use deepcompose_core::{At, ControlChange, Note, Pitch, PitchBend, Program, Score, Tick, Track, Velocity};

/// 480 ticks a quarter at 120 quarters a minute: 960 ticks a second.
pub(crate) fn note(start: f64, seconds: f64, pitch: u32) -> Note {
    louder(start, seconds, pitch, 100)
}

pub(crate) fn louder(start: f64, seconds: f64, pitch: u32, velocity: u32) -> Note {
    Note {
        start: tick(start),
        duration: tick(seconds),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

pub(crate) fn tick(seconds: f64) -> Tick {
    Tick::new((seconds * 960.0).round() as u32).unwrap()
}

pub(crate) fn track(program: u32, notes: Vec<Note>) -> Track {
    Track::new("", Program::new(program).unwrap()).with_notes(notes)
}

pub(crate) fn drums(notes: Vec<Note>) -> Track {
    Track::drums("", Program::MIN).with_notes(notes)
}

pub(crate) fn score(tracks: Vec<Track>) -> Score {
    let mut score = Score::default();
    tracks.into_iter().for_each(|t| score.push_track(t));
    score
}

pub(crate) fn controls(track: &mut Track, list: &[(f64, u8, u8)]) {
    let at = |(s, c, v): &(f64, u8, u8)| At { tick: tick(*s), value: ControlChange::new(*c, *v).unwrap() };
    track.set_controls(list.iter().map(at).collect());
}

pub(crate) fn bends(track: &mut Track, list: &[(f64, i16)]) {
    let at = |(s, v): &(f64, i16)| At { tick: tick(*s), value: PitchBend::new(*v).unwrap() };
    track.set_pitch_bends(list.iter().map(at).collect());
}

/// Without a room.
pub(crate) fn dry() -> RenderOptions {
    RenderOptions { reverb: 0.0, tail: 0.5, ..RenderOptions::default() }
}

pub(crate) fn built_in(score: &Score, options: &RenderOptions) -> Audio {
    render(score, &Instruments::BuiltIn, options).unwrap()
}

pub(crate) fn rms(samples: &[f32]) -> f64 {
    (samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// The samples between two times.
pub(crate) fn part(samples: &[f32], from: f64, to: f64, rate: f64) -> &[f32] {
    &samples[(from * rate) as usize..(to * rate) as usize]
}

/// The strength of a frequency, by the definition of the Fourier transform under a Hann window.
pub(crate) fn strength(samples: &[f32], hertz: f64, rate: f64) -> f64 {
    let n = samples.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (i, x) in samples.iter().enumerate() {
        let window = 0.5 - 0.5 * (TAU * i as f64 / n).cos();
        let angle = TAU * hertz * i as f64 / rate;
        re += f64::from(*x) * window * angle.cos();
        im -= f64::from(*x) * window * angle.sin();
    }
    re.hypot(im) * 4.0 / n
}

/// By how many cents the strongest frequency within a semitone of `hertz` is off it.
pub(crate) fn cents_off(samples: &[f32], hertz: f64, rate: f64) -> f64 {
    let at = |cents: f64| strength(samples, hertz * 2_f64.powf(cents / 1200.0), rate);
    let best = |from: f64, to: f64, step: f64| {
        let steps = ((to - from) / step).round() as i32;
        let all = (0..=steps).map(|i| from + f64::from(i) * step);
        all.max_by(|a, b| at(*a).total_cmp(&at(*b))).unwrap()
    };
    let coarse = best(-100.0, 100.0, 4.0);
    best(coarse - 4.0, coarse + 4.0, 0.25)
}
