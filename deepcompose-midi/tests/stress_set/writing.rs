//! What was read from large files can be written, and reads as it was.

use deepcompose_core::Score;
use deepcompose_midi::{MidiError, to_bytes};

use crate::files::{Events, notes, tracks};
use crate::measure::{alone, grows_linearly};
use crate::{MANY, read};

fn survives(name: &str, size: usize, bytes_each: usize, make: impl Fn(usize) -> Vec<u8>) {
    let _alone = alone();
    let score = |size| read(&make(size)).unwrap().0;
    grows_linearly(name, size, bytes_each, score, |score: &Score| to_bytes(score).unwrap());
    let before = score(size);
    let after = read(&to_bytes(&before).unwrap()).unwrap().0;
    assert!(after == before, "{name}: reading what was written gives another score");
}

#[test]
fn notes_are_written() {
    survives("writing notes", MANY, 256, notes);
}

#[test]
fn nested_notes_are_written() {
    survives("writing nested notes", MANY / 2, 256, |n| {
        let mut events = Events::repeat(n, |e, _| {
            e.on(1, 60);
        });
        for _ in 0..n {
            events.off(1, 60);
        }
        events.file()
    });
}

#[test]
fn thousands_of_tracks_are_written() {
    // A track has a name, a channel, vectors.
    for count in [4_000, 65_534] {
        survives(&format!("writing {count} tracks"), count, 4096, |n| {
            tracks(n, |e, i| {
                e.on(1, i).off(1, i);
            })
        });
    }
}

#[test]
fn a_track_too_many_is_refused() {
    let _alone = alone();
    let bytes = tracks(65_535, |e, i| {
        e.on(1, i).off(1, i);
    });
    let (score, _) = read(&bytes).unwrap();
    let refused = to_bytes(&score);
    assert!(matches!(refused, Err(MidiError::Limit { .. } | MidiError::Unsupported { .. })), "{refused:?}");
}

#[test]
fn controls_are_written() {
    survives("writing controls", MANY, 256, |n| {
        let mut events = Events::repeat(n, |e, i| {
            e.control(1, 64, if i % 2 == 0 { 127 } else { 0 });
        });
        events.on(0, 60).off(1, 60).file()
    });
}
