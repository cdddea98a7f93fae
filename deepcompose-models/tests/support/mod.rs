//! Small pieces and folders of them.

#![allow(dead_code, unreachable_pub)]

use std::ops::Range;
use std::path::Path;

use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};

/// Notes as (quarter, length in quarters, pitch), at 480 ticks a quarter.
pub fn track(track: Track, notes: impl IntoIterator<Item = (u32, u32, u32)>) -> Track {
    let note = |(start, length, pitch): (u32, u32, u32)| Note {
        start: Tick::new(start * 480).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        duration: Tick::new(length * 480).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    track.with_notes(notes.into_iter().map(note).collect())
}

fn melody(number: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    let length = 20 + number % 7;
    (0..length).map(move |i| (i, 1, 60 + (i * (number % 5 + 1) + i / 4 * number) % 13))
}

/// A melody of 20 to 26 quarter notes; no two numbers under 60 give the same.
pub fn tune(number: u32) -> Score {
    let mut score = Score::default();
    // The number is also the pitch of a last note, so that no two are alike.
    let last = std::iter::once((30, 2, 40 + number));
    score.push_track(track(Track::new("Melody", Program::MIN), melody(number).chain(last)));
    score
}

/// The tune with drums, bass, guitar and keys.
pub fn band(number: u32) -> Score {
    let mut score = tune(number);
    let quarters = || 0..24 + number % 8;
    let low = quarters().map(|i| (i, 1, 36 + (i + number) % 12));
    score.push_track(track(Track::new("Bass", Program::new(33).unwrap()), low));
    score.push_track(track(Track::drums("Drums", Program::MIN), quarters().map(|i| (i, 1, 36 + i % 2 * 2))));
    let strums = quarters().step_by(2).map(|i| (i, 1, 52 + number % 9));
    score.push_track(track(Track::new("Guitar", Program::new(25).unwrap()), strums));
    let chords = quarters().step_by(4).flat_map(|i| [(i, 4, 48), (i, 4, 52), (i, 4, 55)]);
    score.push_track(track(Track::new("Piano", Program::MIN), chords));
    score
}

/// Writes `tune-000.mid` and so on.
pub fn write_tunes(folder: &Path, numbers: Range<u32>) {
    std::fs::create_dir_all(folder).unwrap();
    for number in numbers {
        deepcompose_midi::write(folder.join(format!("tune-{number:03}.mid")), &tune(number)).unwrap();
    }
}
