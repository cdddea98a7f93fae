//! One file track: its events at absolute ticks, its tempos and signatures, its names.

use std::collections::HashMap;
use std::ops::Range;

use deepcompose_core::{
    At, ControlChange, KeySignature, Mode, Pitch, PitchBend, Program, Tempo, Tick, TimeSignature, Velocity,
};

use crate::error::MidiError;
use crate::reader::Context;
use crate::reader::events::{Damage, END_OF_TRACK, EventReader, Message, RawEvent};
use crate::reader::report::{Repair, Skipped, Timing};

/// A channel event of a file track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) tick: Tick,
    /// Which channel of which file track, see [`FileTrack::first_strip`].
    pub(super) strip: u32,
    /// A file of more than 4 GiB is refused.
    pub(super) offset: u32,
    /// The upper half of the status, 8..=E.
    pub(super) kind: u8,
    pub(super) data: [u8; 2],
}

impl Event {
    /// What it says. `None` for what is never made: all data bytes are in 0..=127.
    #[inline]
    pub(super) fn decoded(&self) -> Option<EventKind> {
        let [first, second] = self.data;
        let pitch = Pitch::saturating(first.into());
        Some(match (self.kind, second) {
            (0x9, 1..) => EventKind::NoteOn(pitch, Velocity::saturating(second.into())),
            (0x8 | 0x9, _) => EventKind::NoteOff(pitch, second),
            (0xB, _) => EventKind::Control(ControlChange::new(first, second).ok()?),
            (0xC, _) => EventKind::Program(Program::saturating(first.into())),
            (0xE, _) => {
                EventKind::Bend(PitchBend::new((i16::from(second) << 7 | i16::from(first)) - 8192).ok()?)
            }
            _ => return None,
        })
    }
}

/// A channel of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Channel {
    pub(super) port: u8,
    pub(super) number: u8,
}

impl Channel {
    /// The percussion channel, counted from zero.
    pub(super) const DRUMS: u8 = 9;

    /// How many channels all ports have.
    pub(super) const COUNT: usize = 256 * 16;

    /// Its place among the channels of all ports, below [`Channel::COUNT`].
    pub(super) fn index(self) -> usize {
        usize::from(self.port) * 16 + usize::from(self.number & 0x0F)
    }

    pub(super) fn is_drum(self) -> bool {
        self.number == Self::DRUMS
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum EventKind {
    NoteOn(Pitch, Velocity),
    /// With its velocity.
    NoteOff(Pitch, u8),
    Control(ControlChange),
    Bend(PitchBend),
    Program(Program),
}

/// A name and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) offset: usize,
}

#[derive(Debug)]
pub(super) struct FileTrack {
    /// Counted from zero over the file.
    pub(super) index: usize,
    /// Its events, among those of all file tracks.
    pub(super) events: Range<usize>,
    /// The strip of its first channel; those of its other channels follow.
    pub(super) first_strip: u32,
    /// The channels that it plays or names, in the order in which they come up.
    pub(super) channels: Vec<Channel>,
    pub(super) tempos: Vec<At<Tempo>>,
    pub(super) time_signatures: Vec<At<TimeSignature>>,
    pub(super) key_signatures: Vec<At<KeySignature>>,
    pub(super) name: Option<Name>,
    pub(super) instrument: Option<Name>,
    pub(super) channel_names: HashMap<Channel, Name>,
    /// Where the track ends, in ticks.
    pub(super) end: Tick,
}

impl FileTrack {
    fn new(index: usize) -> Self {
        Self {
            index,
            events: 0..0,
            first_strip: 0,
            channels: Vec::new(),
            tempos: Vec::new(),
            time_signatures: Vec::new(),
            key_signatures: Vec::new(),
            name: None,
            instrument: None,
            channel_names: HashMap::new(),
            end: Tick::ZERO,
        }
    }
}

/// How reading a track ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    EndOfTrack,
    /// The end-of-track event, without its length byte.
    HalfEndOfTrack,
    /// The end of the bytes, between two events.
    EndOfBytes,
    Damaged(Damage),
}

/// Reads file track `index` from `bytes[start..]` until its end-of-track event, or until the bytes
/// end. Also says where it stopped.
pub(super) fn read_track(
    bytes: &[u8],
    start: usize,
    index: usize,
    context: &mut Context<'_>,
) -> Result<(FileTrack, Stop, usize), MidiError> {
    let mut track = FileTrack::new(index);
    let first = context.channel_events.len();
    track.first_strip = context.strips;
    let strips = Strips::default();
    let mut state = TrackReader { track, strips, index, now: 0, port: 0, prefix: None, context };
    let mut events = EventReader::new(bytes, start);
    let stop = loop {
        while let Some(event) = events.next_plain() {
            state.now = state.now.saturating_add(event.delta.into());
            state.context.count_events(1, Some(index))?;
            state.channel_event(event.status, event.data, event.offset)?;
        }
        if events.is_at_end() {
            break Stop::EndOfBytes;
        }
        let event = match events.next_event() {
            Ok(event) => event,
            Err(damage) => break Stop::Damaged(damage),
        };
        state.now = state.now.saturating_add(event.delta.into());
        if let Message::Meta { kind: END_OF_TRACK, .. } = event.message {
            break if events.half_end_of_track() { Stop::HalfEndOfTrack } else { Stop::EndOfTrack };
        }
        state.context.count_events(1, Some(index))?;
        state.event(&event)?;
    };
    // An end of track past the last tick that a score can hold delays nothing but itself.
    state.track.events = first..state.context.channel_events.len();
    state.context.strips += state.track.channels.len() as u32;
    state.track.end = Tick::saturating(i64::try_from(state.now).unwrap_or(i64::MAX));
    Ok((state.track, stop, events.position()))
}

/// The place of each channel in [`FileTrack::channels`].
#[derive(Debug, Default)]
struct Strips {
    /// Of the port in use.
    current: [Option<u32>; 16],
    /// Of the other ports.
    others: HashMap<u8, [Option<u32>; 16]>,
}

struct TrackReader<'c, 'r> {
    track: FileTrack,
    strips: Strips,
    index: usize,
    now: u64,
    port: u8,
    /// The channel that a channel prefix has set for names.
    prefix: Option<u8>,
    context: &'c mut Context<'r>,
}

impl TrackReader<'_, '_> {
    fn event(&mut self, event: &RawEvent<'_>) -> Result<(), MidiError> {
        let offset = event.offset;
        if event.resumed {
            self.repair(Repair::RunningStatusResumed, offset);
        }
        match event.message {
            Message::Channel { status, data } => self.channel_event(status, data, offset)?,
            Message::Meta { kind, data } => self.meta_event(kind, data, offset)?,
            Message::SysEx => self.skip(Skipped::SysEx, offset),
            Message::Escape => self.skip(Skipped::Escape, offset),
            Message::System => self.repair(Repair::SystemMessage, offset),
        }
        Ok(())
    }

    #[inline]
    fn channel_event(&mut self, status: u8, data: [u8; 2], offset: usize) -> Result<(), MidiError> {
        self.prefix = None;
        let kind = status >> 4;
        match kind {
            0xA => self.skip(Skipped::KeyPressure, offset),
            0xD => self.skip(Skipped::ChannelPressure, offset),
            _ => {
                let (tick, strip) = (self.tick()?, self.strip(status & 0x0F));
                self.context.channel_events.push(Event { tick, strip, offset: offset as u32, kind, data });
            }
        }
        Ok(())
    }

    /// The place of a channel of the port in use, which it gets now if it has none.
    #[inline]
    fn strip(&mut self, number: u8) -> u32 {
        let Some(slot) = self.strips.current.get_mut(usize::from(number)) else { return 0 };
        *slot.get_or_insert_with(|| {
            self.track.channels.push(Channel { port: self.port, number });
            // A file track has 256 ports of 16 channels at most, and takes eight bytes at least.
            self.context.strips + (self.track.channels.len() - 1) as u32
        })
    }

    fn set_port(&mut self, port: u8) {
        if port != self.port {
            let next = self.strips.others.remove(&port).unwrap_or_default();
            let before = std::mem::replace(&mut self.strips.current, next);
            self.strips.others.insert(self.port, before);
            self.port = port;
        }
    }

    fn meta_event(&mut self, kind: u8, data: &[u8], offset: usize) -> Result<(), MidiError> {
        match (kind, data) {
            (0x00, _) => self.skip(Skipped::SequenceNumber, offset),
            (0x01, _) => self.skip(Skipped::Text, offset),
            (0x02, _) => self.skip(Skipped::Copyright, offset),
            (0x03 | 0x04, text) => self.name(kind == 0x03, text, offset),
            (0x05, _) => self.skip(Skipped::Lyric, offset),
            (0x06, _) => self.skip(Skipped::Marker, offset),
            (0x07, _) => self.skip(Skipped::CuePoint, offset),
            (0x08 | 0x09, _) => self.skip(Skipped::DeviceName, offset),
            (0x20, &[number, ..]) if number < 16 => {
                self.check_length(data, 1, offset);
                // Named before it plays.
                self.strip(number);
                self.prefix = Some(number);
            }
            (0x21, &[port, ..]) => {
                self.check_length(data, 1, offset);
                self.set_port(port);
            }
            (0x51, &[a, b, c, ..]) => {
                self.check_length(data, 3, offset);
                if let Timing::Smpte { .. } = self.context.report.timing() {
                    self.skip(Skipped::TempoInSmpteTime, offset);
                } else if let Ok(value) = Tempo::from_micros(u32::from_be_bytes([0, a, b, c])) {
                    let tick = self.tick()?;
                    self.track.tempos.push(At { tick, value });
                } else {
                    self.repair(Repair::InvalidMeta, offset);
                }
            }
            (0x54, _) => self.skip(Skipped::SmpteOffset, offset),
            (0x58, &[numerator, power, ..]) => {
                self.check_length(data, 4, offset);
                let denominator = 1u32.checked_shl(power.into()).unwrap_or(0);
                if let Ok(value) = TimeSignature::new(numerator.into(), denominator) {
                    let tick = self.tick()?;
                    self.track.time_signatures.push(At { tick, value });
                } else {
                    self.repair(Repair::InvalidMeta, offset);
                }
            }
            (0x59, &[sharps, minor @ (0 | 1), ..]) => {
                self.check_length(data, 2, offset);
                let mode = if minor == 1 { Mode::Minor } else { Mode::Major };
                if let Ok(value) = KeySignature::new(sharps.cast_signed(), mode) {
                    let tick = self.tick()?;
                    self.track.key_signatures.push(At { tick, value });
                } else {
                    self.repair(Repair::InvalidMeta, offset);
                }
            }
            (0x20 | 0x21 | 0x51 | 0x58 | 0x59, _) => self.repair(Repair::InvalidMeta, offset),
            (0x7F, _) => self.skip(Skipped::SequencerSpecific, offset),
            _ => self.skip(Skipped::UnknownMeta, offset),
        }
        Ok(())
    }

    fn check_length(&mut self, data: &[u8], expected: usize, offset: usize) {
        if data.len() != expected {
            self.repair(Repair::InvalidMeta, offset);
        }
    }

    fn name(&mut self, is_track_name: bool, text: &[u8], offset: usize) {
        let skipped = if is_track_name { Skipped::SequenceName } else { Skipped::InstrumentName };
        let channel = self.prefix.map(|number| Channel { port: self.port, number });
        let taken = match channel {
            Some(channel) => self.track.channel_names.contains_key(&channel),
            None if is_track_name => self.track.name.is_some(),
            None => self.track.instrument.is_some(),
        };
        if text.is_empty() {
            return;
        }
        if taken {
            self.skip(skipped, offset);
            return;
        }
        let (text, is_cut) = decode(text, self.context.limits.name_bytes);
        if is_cut {
            self.repair(Repair::LongName, offset);
        }
        let name = Name { text, offset };
        match channel {
            Some(channel) => {
                self.track.channel_names.insert(channel, name);
            }
            None if is_track_name => self.track.name = Some(name),
            None => self.track.instrument = Some(name),
        }
    }

    #[inline]
    fn tick(&self) -> Result<Tick, MidiError> {
        u32::try_from(self.now).ok().and_then(|t| Tick::new(t).ok()).ok_or(MidiError::Limit {
            what: "ticks from the start",
            value: self.now,
            limit: Tick::MAX.get().into(),
            track: Some(self.index),
        })
    }

    fn repair(&mut self, repair: Repair, offset: usize) {
        self.context.report.repair(repair, Some(self.index), offset);
    }

    fn skip(&mut self, skipped: Skipped, offset: usize) {
        self.context.report.skip(skipped, Some(self.index), offset);
    }
}

/// Text as UTF-8 if it is that, else as Latin-1; at most `limit` bytes of UTF-8, and whether it
/// was longer.
fn decode(bytes: &[u8], limit: usize) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => cut(text.chars(), limit),
        Err(_) => cut(bytes.iter().map(|b| char::from(*b)), limit),
    }
}

fn cut(text: impl Iterator<Item = char>, limit: usize) -> (String, bool) {
    let mut out = String::new();
    for c in text {
        if out.len() + c.len_utf8() > limit {
            return (out, true);
        }
        out.push(c);
    }
    (out, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf8_or_else_latin1() {
        assert_eq!(decode("Flöte".as_bytes(), 99), ("Flöte".to_owned(), false));
        assert_eq!(decode(b"Fl\xF6te", 99), ("Flöte".to_owned(), false));
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(decode("Flöte".as_bytes(), 3), ("Fl".to_owned(), true));
        assert_eq!(decode("Flöte".as_bytes(), 4), ("Flö".to_owned(), true));
        assert_eq!(decode("Flöte".as_bytes(), 6), ("Flöte".to_owned(), false));
    }
}
