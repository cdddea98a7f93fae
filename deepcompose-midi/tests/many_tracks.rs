//! More tracks than a port has channels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::HashSet;

use deepcompose_core::{At, ControlChange, Program, Score, Tick, Track};
use deepcompose_midi::{Limits, Reader, to_bytes};
use support::note;

/// `tracks` tracks of one note each; every seventh is a drum track, every fifth has a control, every
/// eleventh has nothing but that.
fn score(tracks: u32) -> Score {
    let mut score = Score::default();
    for index in 0..tracks {
        let program = Program::new(index % 128).unwrap();
        let make = if index % 7 == 3 { Track::drums } else { Track::new };
        let mut track = make(format!("track {index}"), program);
        if index % 11 != 0 {
            track.set_notes(vec![note(index, 30 + index % 60, 10, 1 + index % 127)]);
        }
        if index % 5 == 0 || index % 11 == 0 {
            let value = ControlChange::new(7, (index % 128) as u8).unwrap();
            track.set_controls(vec![At { tick: Tick::ZERO, value }]);
        }
        score.push_track(track);
    }
    score
}

/// For each file track behind the first: port, channel of its program change, and whether it is
/// melodic and plays under a name that says it should be.
fn slots(bytes: &[u8]) -> Vec<(u8, u8)> {
    let mut at = 14;
    let mut slots = Vec::new();
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let body = &bytes[at + 8..at + 8 + length];
        let find = |what: &[u8]| body.windows(what.len()).position(|w| w == what).map(|i| i + what.len());
        let port = find(&[0, 0xFF, 0x21, 1]).map_or(0, |i| body[i]);
        if let Some(channel) = (0..16).find(|c| find(&[0, 0xC0 | c]).is_some()) {
            slots.push((port, channel));
        }
        at += 8 + length;
    }
    slots
}

#[test]
fn forty_tracks_do_not_collide_and_drums_are_on_channel_10() {
    let score = score(40);
    let bytes = to_bytes(&score).unwrap();
    let slots = slots(&bytes);
    assert_eq!(slots.len(), 40);
    for (track, (_, channel)) in score.tracks().iter().zip(&slots) {
        assert_eq!(track.is_drum(), *channel == 9, "{}", track.name());
    }
    let distinct: HashSet<_> = slots.iter().collect();
    assert_eq!(distinct.len(), 40);
    let (back, report) = Reader::new().strict(true).read_bytes(&bytes).unwrap();
    assert_eq!(back, score);
    assert!(report.is_clean(), "{report}");
}

/// Past 128 ports channels are shared, but the file still tells the tracks apart.
#[test]
fn three_thousand_tracks_survive() {
    let score = score(3000);
    let bytes = to_bytes(&score).unwrap();
    let slots = slots(&bytes);
    for (track, (_, channel)) in score.tracks().iter().zip(&slots) {
        assert_eq!(track.is_drum(), *channel == 9, "{}", track.name());
    }
    // 15 melodic channels of 128 ports, used one after the other.
    let melodic: Vec<_> = slots.iter().filter(|(_, channel)| *channel != 9).collect();
    assert!(melodic.len() > 1920);
    assert_eq!(melodic[..1920].iter().collect::<HashSet<_>>().len(), 1920);
    let (back, report) = Reader::new().strict(true).read_bytes(&bytes).unwrap();
    assert_eq!(back, score);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn as_many_tracks_as_a_file_can_have() {
    let mut score = Score::default();
    for index in 0..65_534u32 {
        let make = if index % 2 == 0 { Track::drums } else { Track::new };
        let mut track = make("", Program::new(index % 128).unwrap());
        track.set_controls(vec![At { tick: Tick::ZERO, value: ControlChange::new(7, 1).unwrap() }]);
        score.push_track(track);
    }
    let bytes = to_bytes(&score).unwrap();
    assert!(Reader::new().read_bytes(&bytes).is_err());
    let (back, _) = Reader::new().limits(Limits::unlimited()).strict(true).read_bytes(&bytes).unwrap();
    assert_eq!(back, score);
    score.push_track(Track::default());
    assert!(to_bytes(&score).is_err());
}
