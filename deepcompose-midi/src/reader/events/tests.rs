//! Bytes to events, by the tables of the specification and by hand.
#![allow(clippy::unwrap_used)]

use super::*;

/// The table of variable-length numbers in the specification (Standard MIDI Files 1.0, p. 2).
#[test]
fn variable_length_numbers_are_those_of_the_specification() {
    for (bytes, value) in [
        (&[0x00][..], 0),
        (&[0x40], 0x40),
        (&[0x7F], 0x7F),
        (&[0x81, 0x00], 0x80),
        (&[0xC0, 0x00], 0x2000),
        (&[0xFF, 0x7F], 0x3FFF),
        (&[0x81, 0x80, 0x00], 0x4000),
        (&[0xC0, 0x80, 0x00], 0x10_0000),
        (&[0xFF, 0xFF, 0x7F], 0x1F_FFFF),
        (&[0x81, 0x80, 0x80, 0x00], 0x20_0000),
        (&[0xC0, 0x80, 0x80, 0x00], 0x0800_0000),
        (&[0xFF, 0xFF, 0xFF, 0x7F], 0x0FFF_FFFF),
    ] {
        assert_eq!(EventReader::new(bytes, 0).variable_length(), Ok(value));
    }
    assert!(EventReader::new(&[0x80, 0x80], 0).variable_length().is_err());
    // Five bytes: zeros in front, or more than 28 bits.
    let mut padded = EventReader::new(&[0x80, 0x80, 0x80, 0x81, 0x01, 7], 0);
    assert_eq!((padded.variable_length(), padded.position()), (Ok(0x81), 5));
    assert!(EventReader::new(&[0x81, 0x80, 0x80, 0x80, 0x00], 0).variable_length().is_err());
    assert!(EventReader::new(&[0x80; 9], 0).variable_length().is_err());
}

#[test]
fn running_status_spans_messages_and_its_resumption_is_marked() {
    let bytes = [0, 0x90, 60, 1, 5, 61, 2, 0, 0xFF, 1, 0, 0, 62, 3, 0, 63, 4];
    let mut reader = EventReader::new(&bytes, 0);
    let seen: Vec<_> = std::iter::from_fn(|| (!reader.is_at_end()).then(|| reader.next_event().unwrap()))
        .map(|e| (e.delta, e.message, e.mended.is_some()))
        .collect();
    let on = |key, velocity| Message::Channel { status: 0x90, data: [key, velocity] };
    assert_eq!(
        seen,
        [
            (0, on(60, 1), false),
            (5, on(61, 2), false),
            (0, Message::Meta { kind: 1, data: &[] }, false),
            (0, on(62, 3), true),
            (0, on(63, 4), false),
        ]
    );
}

/// What is plain is read as it would be otherwise, and nothing else is plain.
#[test]
fn plain_events_are_those_that_need_no_care() {
    let mut bytes = vec![0, 0x90, 60, 1, 5, 61, 2, 0x81, 0, 62, 3, 0, 0xC0, 7, 0, 8, 0, 0xE1, 1, 2];
    bytes.extend([0, 0xFF, 1, 0, 0, 3, 4, 0, 5, 6, 0x81, 0x80, 0, 7, 8, 0, 0x91, 0x80, 1]);
    let mut plain = 0;
    let mut reader = EventReader::new(&bytes, 0);
    loop {
        let mut other = reader.clone();
        let event = other.next_event();
        match reader.next_plain() {
            Some(p) => {
                plain += 1;
                let message = Message::Channel { status: p.status, data: p.data };
                let expected = RawEvent { delta: p.delta, offset: p.offset, message, mended: None };
                assert_eq!(event, Ok(expected));
                assert_eq!((reader.position, reader.running), (other.position, other.running));
                assert_eq!(reader.interrupted, other.interrupted);
            }
            None if event.is_ok() => reader = other,
            None => break,
        }
    }
    // All but the second program change, the meta event, what resumes its running status, and the
    // delta time of three bytes.
    assert_eq!((plain, reader.position), (6, bytes.len() - 4));
}

#[test]
fn every_bad_byte_is_seen() {
    for (bytes, at) in [
        (&[0, 60, 64][..], 1),             // no status yet
        (&[0, 0x90, 0x80, 1], 2),          // status in place of the key
        (&[0, 0x90, 60, 0x90], 3),         // status in place of the velocity
        (&[0, 0x90, 60], 3),               // cut short
        (&[0, 0xC0], 2),                   // cut short
        (&[0, 0xFF, 0x80, 0], 2),          // meta type over 7F
        (&[0, 0xFF, 1, 4, b'a'], 3),       // longer than what is left
        (&[0, 0xF0, 3, 1], 2),             // the same
        (&[0, 0xF2, 1, 0xFF], 3),          // status in place of a song position
        (&[0xFF, 0xFF, 0xFF, 0xFF, 0], 0), // delta time too long
        (&[0], 1),
    ] {
        let damage = EventReader::new(bytes, 0).next_event().unwrap_err();
        assert_eq!(damage.offset, at, "{bytes:?}");
    }
}
