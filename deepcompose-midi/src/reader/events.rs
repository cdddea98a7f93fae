//! The event layer: bytes of a track chunk to delta times and messages, each byte checked.

use crate::reader::kinds::Repair;

/// A message with its delta time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawEvent<'a> {
    pub(super) delta: u32,
    /// Of the byte after the delta time.
    pub(super) offset: usize,
    pub(super) message: Message<'a>,
    /// What had to be mended in the event itself, and where.
    pub(super) mended: Option<(Repair, usize)>,
}

/// A channel message with nothing to be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainEvent {
    pub(super) delta: u32,
    /// Of the byte after the delta time.
    pub(super) offset: usize,
    /// 80..=EF.
    pub(super) status: u8,
    /// The second is 0 where the message has one only.
    pub(super) data: [u8; 2],
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
    SysEx(&'a [u8]),
    Escape(&'a [u8]),
    /// Status F1..=F6 or F8..=FE.
    System,
}

/// A byte that cannot be read as part of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) what: &'static str,
    pub(super) offset: usize,
}

/// The meta event that ends a track.
pub(super) const END_OF_TRACK: u8 = 0x2F;

/// The longest variable-length number that is read: four bytes that count, and four that add zeros
/// in front.
const MAX_NUMBER_BYTES: usize = 8;

/// Reads events one by one from `bytes[position..]`. Offsets count from the start of `bytes`.
#[derive(Debug, Clone)]
pub(super) struct EventReader<'a> {
    bytes: &'a [u8],
    position: usize,
    running: Option<u8>,
    interrupted: bool,
    /// Whether data bytes over 127 are taken as 127.
    clips: bool,
    mended: Option<(Repair, usize)>,
    half_end_of_track: bool,
}

impl<'a> EventReader<'a> {
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self {
            bytes,
            position,
            running: None,
            interrupted: false,
            clips: false,
            mended: None,
            half_end_of_track: false,
        }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// Whether the last event was an end of track without its length byte, cut off by the end.
    pub(super) fn half_end_of_track(&self) -> bool {
        self.half_end_of_track
    }

    /// The same reader at an earlier position, taking data bytes over 127 as 127.
    pub(super) fn clipping_from(&self, position: usize) -> Self {
        Self { position, clips: true, ..self.clone() }
    }

    /// The next event if it is a channel message with nothing special about it, as nearly all are, and
    /// a delta time of one or two bytes. Otherwise the reader stays where it is.
    #[inline]
    pub(super) fn next_plain(&mut self) -> Option<PlainEvent> {
        let rest = self.bytes.get(self.position..)?;
        let (delta, rest, offset) = match *rest {
            [low @ 0..=0x7F, ref rest @ ..] => (u32::from(low), rest, self.position + 1),
            [high, low @ 0..=0x7F, ref rest @ ..] => {
                (u32::from(high & 0x7F) << 7 | u32::from(low), rest, self.position + 2)
            }
            _ => return None,
        };
        let (status, data, length) = match *rest {
            [status @ (0x80..=0xBF | 0xE0..=0xEF), first @ 0..=0x7F, second @ 0..=0x7F, ..] => {
                (status, [first, second], 3)
            }
            [status @ 0xC0..=0xDF, first @ 0..=0x7F, ..] => (status, [first, 0], 2),
            [first @ 0..=0x7F, second @ 0..=0x7F, ..] if !self.interrupted => match self.running? {
                0xC0..=0xDF => return None,
                status => (status, [first, second], 2),
            },
            _ => return None,
        };
        self.running = Some(status);
        self.interrupted = false;
        self.position = offset + length;
        Some(PlainEvent { delta, offset, status, data })
    }

    pub(super) fn next_event(&mut self) -> Result<RawEvent<'a>, Damage> {
        let delta = self.variable_length()?;
        let offset = self.position;
        let first = self.byte()?;
        let message = match first {
            0x00..=0x7F => {
                let Some(status) = self.running else {
                    return Err(Damage { what: "a data byte where a status byte should be", offset });
                };
                if self.interrupted {
                    self.interrupted = false;
                    self.mended = Some((Repair::RunningStatusResumed, offset));
                }
                let second = if has_one_byte(status) { 0 } else { self.data_byte()? };
                Message::Channel { status, data: [first, second] }
            }
            0x80..=0xEF => {
                self.running = Some(first);
                self.interrupted = false;
                let data = self.data_byte()?;
                let second = if has_one_byte(first) { 0 } else { self.data_byte()? };
                Message::Channel { status: first, data: [data, second] }
            }
            _ => self.other(first)?,
        };
        Ok(RawEvent { delta, offset, message, mended: self.mended.take() })
    }

    /// The rest of an event of status F0 and up.
    fn other(&mut self, status: u8) -> Result<Message<'a>, Damage> {
        // Real-time messages (F8 to FE) leave running status alone.
        self.interrupted |= status < 0xF8 || status == 0xFF;
        Ok(match status {
            0xF0 => Message::SysEx(self.block()?),
            0xF7 => Message::Escape(self.block()?),
            0xFF => {
                let kind = self.strict_data_byte()?;
                if kind == END_OF_TRACK && self.is_at_end() {
                    self.half_end_of_track = true;
                    Message::Meta { kind, data: &[] }
                } else {
                    Message::Meta { kind, data: self.block()? }
                }
            }
            _ => {
                let operands = match status {
                    0xF1 | 0xF3 => 1,
                    0xF2 => 2,
                    _ => 0,
                };
                for _ in 0..operands {
                    self.strict_data_byte()?;
                }
                Message::System
            }
        })
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, Damage> {
        match self.bytes.get(self.position) {
            Some(&byte) => {
                self.position += 1;
                Ok(byte)
            }
            None => Err(Damage { what: "an event is cut short", offset: self.position }),
        }
    }

    #[inline]
    fn data_byte(&mut self) -> Result<u8, Damage> {
        let byte = self.byte()?;
        if byte < 0x80 { Ok(byte) } else { self.high_byte() }
    }

    #[cold]
    fn high_byte(&mut self) -> Result<u8, Damage> {
        if self.clips {
            self.mended = Some((Repair::ClippedData, self.position - 1));
            return Ok(127);
        }
        self.position -= 1;
        Err(Damage { what: "a status byte where a data byte should be", offset: self.position })
    }

    fn strict_data_byte(&mut self) -> Result<u8, Damage> {
        let offset = self.position;
        let byte = self.byte()?;
        if byte < 0x80 {
            Ok(byte)
        } else {
            Err(Damage { what: "a status byte where a data byte should be", offset })
        }
    }

    #[inline]
    fn variable_length(&mut self) -> Result<u32, Damage> {
        let byte = self.byte()?;
        if byte < 0x80 { Ok(byte.into()) } else { self.longer_number(byte) }
    }

    fn longer_number(&mut self, first: u8) -> Result<u32, Damage> {
        let offset = self.position - 1;
        let mut value = u32::from(first & 0x7F);
        for length in 2..=MAX_NUMBER_BYTES {
            if value >= 1 << 21 {
                break;
            }
            let byte = self.byte()?;
            value = value << 7 | u32::from(byte & 0x7F);
            if byte < 0x80 {
                if length > 4 {
                    self.mended = Some((Repair::LongNumber, offset));
                }
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

/// Program change and channel pressure have one data byte, the others two.
#[inline]
fn has_one_byte(status: u8) -> bool {
    matches!(status >> 4, 0xC | 0xD)
}

#[cfg(test)]
mod tests;
