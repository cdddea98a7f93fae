//! Byte-level building blocks, independent of the crate's writer.
#![allow(dead_code, missing_docs, unreachable_pub)]

use deepcompose_core::{Note, Pitch, Tick, Velocity};

/// End of track at once.
pub const END: &[u8] = &[0, 0xFF, 0x2F, 0];

/// A header chunk and the chunks after it.
pub fn file(format: u16, tracks: u16, division: u16, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"MThd\0\0\0\x06".to_vec();
    for field in [format, tracks, division] {
        out.extend(field.to_be_bytes());
    }
    out.extend(chunks.iter().flatten());
    out
}

/// A chunk of this name, with its length.
pub fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    chunk_of_length(name, body.len() as u32, body)
}

/// A chunk that gives this as its length, true or not.
pub fn chunk_of_length(name: &[u8; 4], length: u32, body: &[u8]) -> Vec<u8> {
    [name.as_slice(), &length.to_be_bytes(), body].concat()
}

/// A track chunk of these events and an end of track.
pub fn track(events: &[&[u8]]) -> Vec<u8> {
    chunk(b"MTrk", &[&events.concat(), END].concat())
}

/// A type 0 file of 96 ticks a quarter note with one track of these events.
pub fn single(events: &[&[u8]]) -> Vec<u8> {
    file(0, 1, 96, &[track(events)])
}

/// A type 1 file of 96 ticks a quarter note.
pub fn parallel(tracks: &[Vec<u8>]) -> Vec<u8> {
    file(1, tracks.len() as u16, 96, tracks)
}

pub fn note(start: u32, pitch: u32, duration: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        duration: Tick::new(duration).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}
