#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::units::{Pitch, Velocity};

/// Notes of 480 ticks: at each step of the list these pitches.
fn track(name: &str, program: u32, steps: &[&[u32]]) -> Track {
    let mut notes = Vec::new();
    for (step, pitches) in steps.iter().enumerate() {
        for pitch in *pitches {
            notes.push(Note {
                start: Tick::new(step as u32 * 480).unwrap(),
                pitch: Pitch::new(*pitch).unwrap(),
                duration: Tick::new(480).unwrap(),
                velocity: Velocity::DEFAULT,
            });
        }
    }
    Track::new(name, Program::new(program).unwrap()).with_notes(notes)
}

const LINE: &[&[u32]] = &[&[72], &[74], &[76], &[74], &[72], &[71], &[72], &[72]];
const CHORDS: &[&[u32]] = &{
    let chord: &[u32] = &[60, 64, 67];
    [chord; 8]
};
const HIGH_CHORDS: &[&[u32]] = &[&[79, 84, 88], &[], &[], &[], &[], &[], &[], &[79, 83, 86]];
const BASS: &[&[u32]] = &[&[36], &[36], &[43], &[43], &[36], &[36], &[43], &[36]];

fn chosen(tracks: Vec<Track>) -> Option<usize> {
    let mut score = Score::default();
    *score.tracks_mut() = tracks;
    melody_track(&score)
}

#[test]
fn nothing_to_choose_from() {
    let drums = Track::drums("Melody", Program::MIN).with_notes(track("", 0, LINE).notes().to_vec());
    assert_eq!(chosen(vec![]), None);
    assert_eq!(chosen(vec![drums.clone(), track("Melody", 0, &[])]), None);
    assert_eq!(chosen(vec![drums, track("Bass", 33, BASS)]), Some(1));
}

#[test]
fn the_name_decides_before_the_notes() {
    let named = |name| track(name, 0, CHORDS);
    let line = || track("Strings", 48, LINE);
    for name in [
        "Melody",
        "MELODIE 2",
        "main_melody",
        "Vocals",
        "Voice",
        "vox",
        "Lead Synth",
        "Lead 1 (vocals)",
        "Soprano",
    ] {
        assert_eq!(chosen(vec![line(), named(name)]), Some(1), "{name}");
    }
    // The last three are instruments of General MIDI.
    for name in [
        "Piano",
        "",
        "Backing Vocals",
        "Harmony vocal",
        "Pleading",
        "Singles",
        "Lead 2 (sawtooth)",
        "Voice Oohs",
        "Synth Voice",
    ] {
        assert_eq!(chosen(vec![line(), named(name)]), Some(0), "{name}");
    }
    assert_eq!(chosen(vec![named("Lead guitar"), named("Voice"), named("Melody"), line()]), Some(2));
}

#[test]
fn a_name_shared_by_all_decides_nothing() {
    assert_eq!(chosen(vec![track("Voice", 0, CHORDS), track("Voice", 0, LINE)]), Some(1));
}

#[test]
fn without_names_it_is_the_line_on_top() {
    let piano = || track("", 0, CHORDS);
    let bass = || track("", 33, BASS);
    let line = || track("", 73, LINE);
    assert_eq!(chosen(vec![bass(), piano(), line()]), Some(2));
    assert_eq!(chosen(vec![line(), bass(), piano()]), Some(0));
    // Not the few high chords, and not the pad that doubles the line an octave up.
    assert_eq!(chosen(vec![track("", 0, HIGH_CHORDS), bass(), piano(), line()]), Some(3));
    let octave: Vec<Vec<u32>> = LINE.iter().map(|s| s.iter().map(|p| p + 12).collect()).collect();
    let octave: Vec<&[u32]> = octave.iter().map(Vec::as_slice).collect();
    assert_eq!(chosen(vec![track("", 89, &octave), line()]), Some(1));
    // Of equals the first.
    assert_eq!(chosen(vec![line(), line()]), Some(0));
}

#[test]
fn notes_without_length_do_not_trip_it() {
    let instant = Note { duration: Tick::ZERO, ..track("", 0, LINE).notes()[0] };
    let track = Track::new("", Program::MIN).with_notes(vec![instant; 3]);
    assert_eq!(chosen(vec![track]), Some(0));
}
