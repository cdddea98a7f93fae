//! The event layer: bytes of a track chunk to delta times and messages, each byte checked.

/// A message with its delta time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawEvent<'a> {
    pub(super) delta: u32,
    /// Of the byte after the delta time.
    pub(super) offset: usize,
    pub(super) message: Message<'a>,
    /// Running status after something that should have ended it.
    pub(super) resumed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Status 80..=EF; the second data byte is 0 where the message has one only.
    Channel {
        status: u8,
        data: [u8; 2],
    },
    Meta {
        kind: u8,
        data: &'a [u8],
    },
    SysEx,
    Escape,
    /// Status F1..=F6 or F8..=FE.
    System,
}

/// A channel message of two data bytes with its delta time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainEvent {
    pub(super) delta: u32,
    /// Of the byte after the delta time.
    pub(super) offset: usize,
    pub(super) status: u8,
    pub(super) data: [u8; 2],
}

/// A byte that cannot be read as part of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) what: &'static str,
    pub(super) offset: usize,
}

/// The meta event that ends a track.
pub(super) const END_OF_TRACK: u8 = 0x2F;

/// Reads events one by one from `bytes[position..]`. Offsets count from the start of `bytes`.
#[derive(Debug)]
pub(super) struct EventReader<'a> {
    bytes: &'a [u8],
    position: usize,
    running: Option<u8>,
    interrupted: bool,
    half_end_of_track: bool,
}

impl<'a> EventReader<'a> {
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position, running: None, interrupted: false, half_end_of_track: false }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// Whether the last event was an end of track without its length byte, cut off by the end.
    pub(super) fn half_end_of_track(&self) -> bool {
        self.half_end_of_track
    }

    /// The next event, if it is a channel message of two data bytes with a short delta time and its
    /// bytes are as they should be: what nearly all events are. [`EventReader::next_event`] reads
    /// the others; this one takes no byte of those.
    #[inline]
    pub(super) fn next_plain(&mut self) -> Option<PlainEvent> {
        let window: &[u8; 5] = self.bytes.get(self.position..)?.first_chunk()?;
        let (delta, at, rest) = match *window {
            [delta @ 0..0x80, a, b, c, _] => (u32::from(delta), 1, [a, b, c]),
            [high, low @ 0..0x80, a, b, c] => (u32::from(high & 0x7F) << 7 | u32::from(low), 2, [a, b, c]),
            _ => return None,
        };
        let [first, second, third] = rest;
        let (status, data, length) = if first >= 0x80 {
            (first, [second, third], 3)
        } else {
            (self.running.filter(|_| !self.interrupted)?, [first, second], 2)
        };
        let has_two = matches!(status, 0x80..=0xBF | 0xE0..=0xEF);
        if !has_two || data[0] | data[1] >= 0x80 {
            return None;
        }
        self.running = Some(status);
        self.interrupted = false;
        let offset = self.position + at;
        self.position = offset + length;
        Some(PlainEvent { delta, offset, status, data })
    }

    pub(super) fn next_event(&mut self) -> Result<RawEvent<'a>, Damage> {
        let delta = self.variable_length()?;
        let offset = self.position;
        let first = self.byte()?;
        let mut resumed = false;
        let message = match first {
            0x00..=0x7F => {
                let Some(status) = self.running else {
                    return Err(Damage { what: "a data byte where a status byte should be", offset });
                };
                resumed = std::mem::take(&mut self.interrupted);
                self.position = offset;
                self.channel(status)?
            }
            0x80..=0xEF => {
                self.running = Some(first);
                self.interrupted = false;
                self.channel(first)?
            }
            0xF0 | 0xF7 => {
                self.interrupted = true;
                self.block()?;
                if first == 0xF0 { Message::SysEx } else { Message::Escape }
            }
            0xFF => {
                self.interrupted = true;
                let kind = self.data_byte()?;
                if kind == END_OF_TRACK && self.is_at_end() {
                    self.half_end_of_track = true;
                    Message::Meta { kind, data: &[] }
                } else {
                    Message::Meta { kind, data: self.block()? }
                }
            }
            0xF1..=0xF6 | 0xF8..=0xFE => {
                // Real-time messages (F8 and up) leave running status alone.
                self.interrupted |= first < 0xF8;
                let operands = match first {
                    0xF1 | 0xF3 => 1,
                    0xF2 => 2,
                    _ => 0,
                };
                for _ in 0..operands {
                    self.data_byte()?;
                }
                Message::System
            }
        };
        Ok(RawEvent { delta, offset, message, resumed })
    }

    fn channel(&mut self, status: u8) -> Result<Message<'a>, Damage> {
        let first = self.data_byte()?;
        // Program change and channel pressure have one data byte.
        let second = if matches!(status >> 4, 0xC | 0xD) { 0 } else { self.data_byte()? };
        Ok(Message::Channel { status, data: [first, second] })
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        let byte = self.bytes.get(self.position).copied();
        let byte = byte.ok_or(Damage { what: "an event is cut short", offset: self.position })?;
        self.position += 1;
        Ok(byte)
    }

    fn data_byte(&mut self) -> Result<u8, Damage> {
        let offset = self.position;
        let byte = self.byte()?;
        if byte < 0x80 {
            Ok(byte)
        } else {
            Err(Damage { what: "a status byte where a data byte should be", offset })
        }
    }

    fn variable_length(&mut self) -> Result<u32, Damage> {
        let offset = self.position;
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.byte()?;
            value = value << 7 | u32::from(byte & 0x7F);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damage { what: "a variable-length number is longer than four bytes", offset })
    }

    /// A length and as many bytes.
    fn block(&mut self) -> Result<&'a [u8], Damage> {
        let offset = self.position;
        let length = self.variable_length()? as usize;
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let block = rest.get(..length).ok_or(Damage { what: "an event is cut short", offset })?;
        self.position += length;
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
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
        assert!(EventReader::new(&[0x80, 0x80, 0x80, 0x80, 0x00], 0).variable_length().is_err());
        assert!(EventReader::new(&[0x80, 0x80], 0).variable_length().is_err());
    }

    #[test]
    fn running_status_spans_messages_and_its_resumption_is_marked() {
        let bytes = [0, 0x90, 60, 1, 5, 61, 2, 0, 0xFF, 1, 0, 0, 62, 3, 0, 63, 4];
        let mut reader = EventReader::new(&bytes, 0);
        let seen: Vec<_> = std::iter::from_fn(|| (!reader.is_at_end()).then(|| reader.next_event().unwrap()))
            .map(|e| (e.delta, e.message, e.resumed))
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

    /// Event by event, the short way and the long way read the same.
    #[test]
    fn plain_events_are_read_as_all_events_are() {
        let mut plain = 0;
        // Every status, each kind of delta time, running status, and bytes that are wrong.
        for bytes in (0..=0xFF_u8).flat_map(|status| {
            [0x00, 0x7F, 0x80, 0xFF].into_iter().flat_map(move |delta| {
                [0x01, 0x81].into_iter().map(move |odd| {
                    vec![0, 0x90, 60, 1, delta, odd, status, odd, 3, 0, 0xFF, 1, 0, delta, 60, odd, 1, 0, 0]
                })
            })
        }) {
            let (mut short, mut long) = (EventReader::new(&bytes, 0), EventReader::new(&bytes, 0));
            while !long.is_at_end() {
                let expected = long.next_event();
                let Some(event) = short.next_plain() else {
                    assert_eq!(short.next_event(), expected);
                    if expected.is_err() {
                        break;
                    }
                    continue;
                };
                plain += 1;
                let message = Message::Channel { status: event.status, data: event.data };
                let event = RawEvent { delta: event.delta, offset: event.offset, message, resumed: false };
                assert_eq!(Ok(event), expected, "{bytes:?}");
                assert_eq!(short.position(), long.position());
            }
        }
        assert!(plain > 2048, "{plain}");
    }

    #[test]
    fn every_bad_byte_is_seen() {
        for (bytes, at) in [
            (&[0, 60, 64][..], 1),          // no status yet
            (&[0, 0x90, 0x80, 1], 2),       // status in place of the key
            (&[0, 0x90, 60, 0x90], 3),      // status in place of the velocity
            (&[0, 0x90, 60], 3),            // cut short
            (&[0, 0xC0], 2),                // cut short
            (&[0, 0xFF, 0x80, 0], 2),       // meta type over 7F
            (&[0, 0xFF, 1, 4, b'a'], 3),    // longer than what is left
            (&[0, 0xF0, 3, 1], 2),          // the same
            (&[0, 0xF2, 1, 0xFF], 3),       // status in place of a song position
            (&[0x80, 0x80, 0x80, 0x80], 0), // delta time too long
            (&[0], 1),
        ] {
            let damage = EventReader::new(bytes, 0).next_event().unwrap_err();
            assert_eq!(damage.offset, at, "{bytes:?}");
        }
    }
}
