//! What the example `record` makes of a keyboard's messages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../examples/record/recording.rs"]
mod recording;

use deepcompose::core::{Note, Pitch, Tick, Velocity};
use recording::Recording;

fn note(start: u32, duration: u32, pitch: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

#[test]
fn messages_become_notes_controls_and_bends() {
    let mut played = Recording::default();
    let messages: [(u64, &[u8]); 12] = [
        (4_000_000, &[0xB0, 64, 127]),
        (5_000_000, &[0x90, 60, 100]),
        (5_500_000, &[0x80, 60, 0]),
        // Another channel, and a note off that is a note on.
        (5_500_000, &[0x91, 62, 80]),
        (6_000_000, &[0x91, 62, 0]),
        // Struck again while held, and held to the end.
        (6_000_000, &[0x90, 64, 70]),
        (6_250_000, &[0x90, 64, 71]),
        (6_250_000, &[0xE0, 0, 96]),
        // Passed over: aftertouch, a clock, half a message, a data byte that is none.
        (6_300_000, &[0xD0, 1]),
        (6_300_000, &[0xF8]),
        (6_400_000, &[0x90, 200, 1]),
        (7_000_000, &[0xB0, 64, 0]),
    ];
    messages.into_iter().for_each(|(micros, message)| played.push(micros, message));
    assert_eq!(played.notes(), 4);
    // 60 a minute: a second is 480 ticks.
    let score = played.score(60.0).unwrap();
    let track = &score.tracks()[0];
    assert_eq!(
        track.notes(),
        [note(0, 240, 60, 100), note(240, 240, 62, 80), note(480, 120, 64, 70), note(600, 360, 64, 71)]
    );
    let controls: Vec<_> =
        track.controls().iter().map(|c| (c.tick.get(), c.value.controller(), c.value.value())).collect();
    assert_eq!(controls, [(0, 64, 127), (960, 64, 0)]);
    // 96 × 128 − 8192.
    assert_eq!((track.pitch_bends()[0].tick.get(), track.pitch_bends()[0].value.get()), (600, 4096));
    // At 120 a minute there are twice as many ticks in a second.
    assert_eq!(played.score(120.0).unwrap().tracks()[0].notes()[3], note(1200, 720, 64, 71));
    assert!(played.score(f64::NAN).is_err());
    assert!(Recording::default().score(120.0).unwrap().is_empty());
}
