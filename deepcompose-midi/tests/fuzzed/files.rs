//! Bytes to scores.

use arbitrary::{Arbitrary, Unstructured};
use deepcompose_midi::{Limits, Reader};

use super::scores::survives_writing;

/// Any bytes are read, or refused, and what was read can be written and reads the same.
pub fn read(bytes: &[u8]) {
    for reader in readers() {
        if let Ok((scores, report)) = reader.read_patterns_bytes(bytes) {
            let _ = report.to_string();
            scores.iter().for_each(survives_writing);
        }
    }
    // Whatever a limit is set to, no more than it is read.
    let limits = Limits::default().with_notes(3).with_events(20).with_tracks(2).with_bytes(400);
    if let Ok((score, _)) = Reader::new().limits(limits).read_bytes(bytes) {
        assert!(score.note_count() <= 3 && score.tracks().len() <= 2 && bytes.len() <= 400);
    }
}

/// The ways of reading: lenient and strict.
fn readers() -> [Reader; 2] {
    [Reader::new(), Reader::new().strict(true)]
}

/// An event as a fuzzer makes it, most of them notes.
#[derive(Debug, Arbitrary)]
enum Event {
    On { channel: u8, pitch: u8, velocity: u8 },
    Off { channel: u8, pitch: u8 },
    Control { channel: u8, controller: u8, value: u8 },
    Program { channel: u8, program: u8 },
    Bend { channel: u8, value: [u8; 2] },
    Pressure { channel: u8, value: u8 },
    Meta { kind: u8, data: Vec<u8> },
    System { status: u8, data: Vec<u8> },
    Raw(u8),
}

#[derive(Debug, Arbitrary)]
struct File {
    format: u8,
    division: u16,
    tracks: Vec<Vec<(u16, Event)>>,
}

/// Files that are whole as files, of any events: further into the reader than bytes alone come.
pub fn read_events(bytes: &[u8]) {
    let Ok(file) = File::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let mut out = b"MThd\0\0\0\x06\0".to_vec();
    out.push(file.format % 4);
    out.extend((file.tracks.len() as u16).to_be_bytes());
    out.extend(file.division.to_be_bytes());
    for events in &file.tracks {
        let mut body = Vec::new();
        for (delta, event) in events {
            variable_length(u32::from(*delta), &mut body);
            push(event, &mut body);
        }
        body.extend([0, 0xFF, 0x2F, 0]);
        out.extend(b"MTrk");
        out.extend((body.len() as u32).to_be_bytes());
        out.extend(body);
    }
    read(&out);
}

fn push(event: &Event, out: &mut Vec<u8>) {
    // Few channels and pitches, so that events meet.
    let status = |high: u8, channel: &u8| high | (channel % 10);
    match event {
        Event::On { channel, pitch, velocity } => {
            out.extend([status(0x90, channel), 56 + pitch % 8, velocity & 0x7F]);
        }
        Event::Off { channel, pitch } => out.extend([status(0x80, channel), 56 + pitch % 8, 64]),
        Event::Control { channel, controller, value } => {
            out.extend([status(0xB0, channel), controller & 0x7F, value & 0x7F]);
        }
        Event::Program { channel, program } => out.extend([status(0xC0, channel), program % 8]),
        Event::Bend { channel, value } => {
            out.extend([status(0xE0, channel), value[0] & 0x7F, value[1] & 0x7F]);
        }
        Event::Pressure { channel, value } => out.extend([status(0xD0, channel), value & 0x7F]),
        Event::Meta { kind, data } => {
            out.extend([0xFF, kind & 0x7F]);
            variable_length(data.len() as u32, out);
            out.extend(data);
        }
        Event::System { status, data } => {
            out.push(0xF0 | status);
            variable_length(data.len() as u32, out);
            out.extend(data);
        }
        Event::Raw(byte) => out.push(*byte),
    }
}

fn variable_length(value: u32, out: &mut Vec<u8>) {
    let groups = [21, 14, 7, 0].map(|shift| (value >> shift) as u8 & 0x7F);
    let first = groups.iter().position(|g| *g > 0).unwrap_or(3);
    for (i, group) in groups.iter().enumerate().skip(first) {
        out.push(if i == 3 { *group } else { group | 0x80 });
    }
}
