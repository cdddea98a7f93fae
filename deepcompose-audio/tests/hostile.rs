//! Scores that ask for too much, or for nothing sensible.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use deepcompose_audio::{AudioError, Instruments, RenderOptions, Renderer};
use deepcompose_core::{Note, Pitch, Score, Tick, Velocity};
use support::*;

#[test]
fn a_million_notes_at_once_are_bounded() {
    let notes: Vec<Note> = (0..1_000_000_u32).map(|i| louder(0.0, 1.0, i % 128, 1 + i % 127)).collect();
    for program in [0, 25, 48] {
        let audio =
            built_in(&score(vec![track(program, notes.clone())]), &RenderOptions { tail: 0.1, ..dry() });
        assert!(audio.peak() <= 0.892 && audio.rms() > 0.05);
    }
    let audio = built_in(&score(vec![drums(notes)]), &RenderOptions { tail: 0.1, ..dry() });
    assert!(audio.peak() <= 0.892 && audio.rms() > 0.01);
}

#[test]
fn the_loudest_of_too_many_notes_are_the_ones_heard() {
    // Soft ones of one pitch before and after one loud note of another.
    let soft = |i: u32| louder(0.0, 1.0, 40 + i % 12, 2);
    let mut notes: Vec<Note> = (0..2000).map(soft).collect();
    notes.push(louder(0.0, 1.0, 81, 127));
    notes.extend((0..2000).map(soft));
    let audio = built_in(&score(vec![track(16, notes)]), &dry());
    let heard = strength(part(audio.left(), 0.1, 0.9, 44_100.0), 880.0, 44_100.0);
    assert!(heard > 0.02, "{heard}");
}

#[test]
fn notes_without_length_are_heard() {
    for program in [0, 16, 25, 40, 56] {
        let audio = built_in(&score(vec![track(program, vec![note(0.0, 0.0, 60)])]), &dry());
        assert!(audio.peak() > 0.005, "program {program}");
    }
}

#[test]
fn the_widest_bends_and_highest_notes_stay_finite_and_bounded() {
    for program in 0..128 {
        let mut only = track(program, vec![note(0.0, 0.3, 0), note(0.0, 0.3, 127), note(0.1, 0.3, 64)]);
        let range = [(0.0, 101, 0), (0.0, 100, 0), (0.0, 6, 127), (0.0, 38, 127), (0.0, 1, 127)];
        controls(&mut only, &range);
        bends(&mut only, &[(0.05, 8191), (0.15, -8192), (0.25, 8191)]);
        for sample_rate in [8000, 44_100] {
            let options = RenderOptions { sample_rate, tail: 0.1, ..RenderOptions::default() };
            let audio = built_in(&score(vec![only.clone()]), &options);
            assert!(audio.left().iter().chain(audio.right()).all(|x| x.is_finite() && x.abs() <= 0.892));
        }
    }
}

#[test]
fn a_band_at_four_times_the_gain_does_not_clip() {
    let chord =
        |program, low: u32| track(program, (0..10).map(|i| louder(0.0, 2.0, low + 3 * i, 127)).collect());
    let mut tracks: Vec<_> = (0..16).map(|i| chord(i * 8, 36)).collect();
    tracks.push(drums((0..40).map(|i| louder(0.0, 0.1, 35 + i, 127)).collect()));
    let audio = built_in(&score(tracks), &RenderOptions { gain: 4.0, ..RenderOptions::default() });
    assert!(audio.peak() <= 0.892, "{}", audio.peak());
    assert!(audio.rms() > 0.1);
}

#[test]
fn too_long_is_refused_before_anything_is_made() {
    let last =
        Note { start: Tick::MAX, duration: Tick::MAX, pitch: Pitch::MIDDLE_C, velocity: Velocity::MAX };
    let mut long = Score::default();
    long.push_track(track(0, vec![last]));
    let error = Renderer::new(&long, &Instruments::BuiltIn, &RenderOptions::default()).unwrap_err();
    assert!(matches!(error, AudioError::Limit { limit: 1200, .. }), "{error}");
    // A part of it can be had.
    let part = RenderOptions { from: 200_000.0, to: Some(200_000.5), ..dry() };
    assert_eq!(built_in(&long, &part).peak(), 0.0);
}
