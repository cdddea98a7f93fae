//! Notes as the sustain pedal holds them; each case worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use deepcompose_core::{At, ControlChange, Note, Pitch, Program, Score, Tick, Track, Velocity};
use proptest::prelude::*;

fn note(start: u32, end: u32, pitch: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        duration: Tick::new(end - start).unwrap(),
        velocity: Velocity::DEFAULT,
    }
}

fn control(tick: u32, controller: u8, value: u8) -> At<ControlChange> {
    At { tick: Tick::new(tick).unwrap(), value: ControlChange::new(controller, value).unwrap() }
}

fn score(notes: Vec<Note>, controls: Vec<At<ControlChange>>) -> Score {
    let mut track = Track::new("", Program::MIN).with_notes(notes);
    track.set_controls(controls);
    let mut score = Score::default();
    score.push_track(track);
    score
}

/// The ends of the notes once sustained, in the order of the notes.
fn ends(notes: &[(u32, u32, u32)], controls: Vec<At<ControlChange>>) -> Vec<u32> {
    let notes = notes.iter().map(|(start, end, pitch)| note(*start, *end, *pitch)).collect();
    score(notes, controls).sustained().tracks()[0].notes().iter().map(|n| n.end().get()).collect()
}

#[test]
fn notes_go_on_to_the_release_the_next_onset_or_the_end() {
    let pedal = vec![control(0, 64, 64), control(100, 64, 63)];
    // Held; struck again at 50; let go after the release; not yet begun.
    let notes = [(0, 10, 60), (20, 30, 62), (50, 60, 62), (90, 110, 64), (120, 130, 65)];
    assert_eq!(ends(&notes, pedal), [100, 50, 100, 110, 130]);
    // A pedal that nobody lifts holds to the end of the piece.
    assert_eq!(ends(&[(0, 10, 60), (20, 40, 62)], vec![control(5, 64, 127)]), [40, 40]);
    // Struck again right where it is let go.
    assert_eq!(ends(&[(0, 10, 60), (10, 20, 60), (0, 99, 61)], vec![control(5, 64, 127)]), [10, 99, 99]);
}

#[test]
fn the_pedal_counts_before_the_key_is_let_go() {
    // Down at the very tick of the note off: too late. Up at it: nothing to hold.
    assert_eq!(ends(&[(0, 10, 60), (0, 99, 61)], vec![control(10, 64, 127)]), [10, 99]);
    let up = vec![control(0, 64, 127), control(10, 64, 0)];
    assert_eq!(ends(&[(0, 10, 60), (0, 99, 61)], up), [10, 99]);
    // Down, up and down again.
    let twice = vec![control(0, 64, 127), control(20, 64, 0), control(20, 64, 127), control(30, 64, 0)];
    assert_eq!(ends(&[(0, 10, 60), (0, 20, 61), (0, 25, 62), (0, 99, 63)], twice), [20, 20, 30, 99]);
}

#[test]
fn a_reset_lifts_the_pedal_and_other_controllers_do_not() {
    let reset = vec![control(0, 64, 127), control(30, 7, 0), control(50, 121, 0)];
    assert_eq!(ends(&[(0, 10, 60), (0, 99, 61)], reset), [50, 99]);
}

#[test]
fn overlapping_and_instant_notes_of_one_pitch() {
    let pedal = || vec![control(0, 64, 127), control(100, 64, 0)];
    // The inner note begins before the outer one is let go: no onset comes after either end.
    assert_eq!(ends(&[(10, 40, 60), (10, 100, 61), (20, 30, 60)], pedal()), [100, 100, 100]);
    // Of no length, twice at one tick.
    assert_eq!(ends(&[(10, 10, 60), (10, 10, 60), (0, 100, 61)], pedal()), [100, 100, 100]);
}

#[test]
fn drums_and_pedals_stay_and_the_end_is_that_of_the_piece() {
    let mut score = score(vec![note(0, 10, 60)], vec![control(0, 64, 127)]);
    let mut drums = Track::drums("", Program::MIN).with_notes(vec![note(0, 10, 36), note(400, 480, 38)]);
    drums.set_controls(vec![control(0, 64, 127)]);
    score.push_track(drums.clone());
    let sustained = score.clone().sustained();
    assert_eq!(sustained.tracks()[0].notes()[0].end().get(), 480);
    assert_eq!(sustained.tracks()[0].controls(), score.tracks()[0].controls());
    assert_eq!(sustained.tracks()[1], drums);
}

proptest! {
    /// Against a search through all notes and controls.
    #[test]
    fn sustained_notes_are_those_of_the_definition(
        notes in prop::collection::vec((0u32..60, 0u32..20, 60u32..63), 1..20),
        pedal in prop::collection::vec((0u32..80, any::<bool>()), 0..8),
    ) {
        let notes: Vec<Note> = notes.into_iter().map(|(start, length, p)| note(start, start + length, p)).collect();
        let controls = pedal.into_iter().map(|(t, down)| control(t, 64, if down { 127 } else { 0 })).collect();
        let score = score(notes, controls);
        let end = score.end();
        let sustained = score.clone().sustained();
        let mut expected: Vec<Note> = score.tracks()[0].notes().to_vec();
        for n in &mut expected {
            let controls = score.tracks()[0].controls();
            let before = controls.iter().rfind(|c| c.tick < n.end());
            if before.is_none_or(|c| c.value.value() < 64) {
                continue;
            }
            let release = controls.iter().find(|c| c.tick >= n.end() && c.value.value() < 64).map(|c| c.tick);
            let struck = score.tracks()[0].notes().iter().filter(|o| o.pitch == n.pitch && o.start > n.start);
            let struck = struck.map(|o| o.start).filter(|s| *s >= n.end()).min();
            let to = [release, struck, Some(end)].into_iter().flatten().min().unwrap().max(n.end());
            n.duration = to.saturating_sub(n.start);
        }
        expected.sort_unstable();
        prop_assert_eq!(sustained.tracks()[0].notes(), expected);
    }
}
