//! One file track: its channel events into the song, its tempos, signatures, texts and raw events.

use std::collections::HashMap;

use deepcompose_core::{At, KeySignature, Mode, Program, RawKind, Tempo, TextKind, Tick, TimeSignature};

use crate::error::MidiError;
use crate::reader::context::Context;
use crate::reader::events::{Damage, END_OF_TRACK, EventReader, Message, PlainEvent, RawEvent};
use crate::reader::kinds::{Repair, Skipped};
use crate::reader::recover::{Recovery, recover};
use crate::reader::report::Timing;
use crate::reader::strips::{Channel, Event, ProgramChange, Song, StripFinder};

/// A text or a raw event, its bytes still those of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) tick: Tick,
    pub(super) offset: usize,
    pub(super) kind: WordKind,
    pub(super) data: &'a [u8],
    /// The channel it is for, if a channel prefix says so.
    pub(super) channel: Option<Channel>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordKind {
    Text(TextKind),
    Raw(RawKind),
}

#[derive(Debug)]
pub(super) struct FileTrack<'a> {
    /// Counted from zero over the file.
    pub(super) index: usize,
    pub(super) tempos: Vec<At<Tempo>>,
    pub(super) time_signatures: Vec<At<TimeSignature>>,
    pub(super) key_signatures: Vec<At<KeySignature>>,
    pub(super) words: Vec<Word<'a>>,
    /// The first track name (FF 03) that is for no channel alone, by its place among the words.
    pub(super) name: Option<usize>,
    /// The first instrument name (FF 04), likewise.
    pub(super) instrument: Option<usize>,
    /// The first name of either kind for a channel.
    pub(super) channel_names: HashMap<Channel, usize>,
    /// The tick of its last event, but for the end of track.
    pub(super) last: Tick,
    /// Where the track ends, in ticks.
    pub(super) end: Tick,
}

impl FileTrack<'_> {
    fn new(index: usize) -> Self {
        Self {
            index,
            tempos: Vec::new(),
            time_signatures: Vec::new(),
            key_signatures: Vec::new(),
            words: Vec::new(),
            name: None,
            instrument: None,
            channel_names: HashMap::new(),
            last: Tick::ZERO,
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
    /// The event that begins (with its delta time) here cannot be read.
    Damaged {
        start: usize,
        damage: Damage,
    },
}

/// Reads file track `index` from `bytes[start..]` into the song, until its end-of-track event or
/// until the bytes end. Says how and where it stopped.
pub(super) fn read_track<'a>(
    bytes: &'a [u8],
    start: usize,
    index: usize,
    song: &mut Song<'a>,
    context: &mut Context<'_>,
) -> Result<(Stop, usize), MidiError> {
    let strips = StripFinder::new(song.tracks.len());
    let mut state = TrackReader { track: FileTrack::new(index), now: 0, prefix: None, strips, song, context };
    let mut events = EventReader::new(bytes, start);
    let mut last = 0;
    let stop = loop {
        if let Some(event) = events.next_plain() {
            state.now += u64::from(event.delta);
            state.context.count_events(1, index)?;
            if !state.plain_event(event) {
                state.channel_event(event.status, event.data, event.offset)?;
            }
            last = state.now;
            continue;
        }
        if events.is_at_end() {
            break Stop::EndOfBytes;
        }
        let start = events.position();
        let event = match events.next_event() {
            Ok(event) => event,
            Err(damage) => match recover(&events, start, damage) {
                Some(recovery) => {
                    // Clipped bytes are reported event by event.
                    if let Recovery { repair: repair @ Repair::Resynchronised, bytes, .. } = recovery {
                        state.context.mend(repair, damage.what, Some(index), damage.offset, bytes);
                    }
                    events = recovery.events;
                    continue;
                }
                None => break Stop::Damaged { start, damage },
            },
        };
        state.now = state.now.saturating_add(event.delta.into());
        if let Message::Meta { kind: END_OF_TRACK, .. } = event.message {
            break if events.half_end_of_track() { Stop::HalfEndOfTrack } else { Stop::EndOfTrack };
        }
        state.context.count_events(1, index)?;
        last = state.now;
        if let Some((repair, offset)) = event.mended {
            state.repair(repair, offset);
        }
        match event.message {
            Message::Channel { status, data } => state.channel_event(status, data, event.offset)?,
            _ => state.other_event(&event)?,
        }
    };
    // An end of track past the last tick that a score can hold delays nothing but itself.
    let tick = |ticks: u64| Tick::saturating(i64::try_from(ticks).unwrap_or(i64::MAX));
    state.track.end = tick(state.now);
    state.track.last = tick(last);
    let track = state.track;
    song.tracks.push(track);
    Ok((stop, events.position()))
}

struct TrackReader<'a, 's, 'c, 'r> {
    track: FileTrack<'a>,
    now: u64,
    /// The channel that a channel prefix has set for texts.
    prefix: Option<Channel>,
    strips: StripFinder,
    song: &'s mut Song<'a>,
    context: &'c mut Context<'r>,
}

impl<'a> TrackReader<'a, '_, '_, '_> {
    /// Does what [`Self::channel_event`] does where that is little: no program change, a strip that
    /// is known.
    #[inline]
    fn plain_event(&mut self, event: PlainEvent) -> bool {
        let PlainEvent { offset, status, data, .. } = event;
        let message = status >> 4;
        let tick = u32::try_from(self.now).map(Tick::new);
        match (tick, self.strips.find(status)) {
            (Ok(Ok(tick)), Some(strip)) if message != 0xC => {
                self.prefix = None;
                self.song.events.push(Event { tick, offset: offset as u32, strip, message, data });
                true
            }
            _ => false,
        }
    }

    fn channel_event(&mut self, status: u8, data: [u8; 2], offset: usize) -> Result<(), MidiError> {
        self.prefix = None;
        let tick = self.tick()?;
        let strip = match self.strips.find(status) {
            Some(strip) => strip,
            None => self.strips.strip(status & 0x0F, self.song, self.context)?,
        };
        let message = status >> 4;
        // Files are shorter than 4 GiB.
        let offset = offset as u32;
        if message == 0xC {
            let program = Program::saturating(data[0].into());
            let order = self.song.events.len() as u32;
            self.song.programs.push(ProgramChange { tick, order, strip, program, offset });
        }
        self.song.events.push(Event { tick, offset, strip, message, data });
        Ok(())
    }

    fn other_event(&mut self, event: &RawEvent<'a>) -> Result<(), MidiError> {
        let offset = event.offset;
        match event.message {
            Message::Channel { .. } => {}
            Message::Meta { kind, data } => self.meta_event(kind, data, offset)?,
            Message::SysEx(data) => self.word(WordKind::Raw(RawKind::SysEx), data, offset)?,
            Message::Escape(data) => self.word(WordKind::Raw(RawKind::Escape), data, offset)?,
            Message::System => self.repair(Repair::SystemMessage, offset),
        }
        Ok(())
    }

    fn meta_event(&mut self, kind: u8, data: &'a [u8], offset: usize) -> Result<(), MidiError> {
        if let Some(text) = TextKind::from_meta_type(kind) {
            return self.text(text, data, offset);
        }
        match (kind, data) {
            (0x20, &[number, ..]) if number < 16 => {
                self.check_length(data, 1, offset);
                self.strips.strip(number, self.song, self.context)?;
                self.prefix = Some(Channel { port: self.strips.port(), number });
            }
            (0x21, &[port, ..]) => {
                self.check_length(data, 1, offset);
                self.strips.set_port(port);
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
            (0x58, &[numerator, power, ..]) => self.time_signature(numerator, power, data, offset)?,
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
            _ => self.word(WordKind::Raw(RawKind::Meta(kind)), data, offset)?,
        }
        Ok(())
    }

    fn time_signature(
        &mut self,
        numerator: u8,
        power: u8,
        data: &[u8],
        offset: usize,
    ) -> Result<(), MidiError> {
        self.check_length(data, 4, offset);
        let denominator = 1u32.checked_shl(power.into()).unwrap_or(0);
        let Ok(value) = TimeSignature::new(numerator.into(), denominator) else {
            self.repair(Repair::InvalidMeta, offset);
            return Ok(());
        };
        // What says nothing: a click each denominator note or each quarter note, and 8 to a quarter.
        if let &[_, _, clocks, thirty_seconds] = data
            && (thirty_seconds != 8 || !(clocks == 24 || clocks == crate::writer::clocks(value)))
        {
            self.skip(Skipped::Metronome, offset);
        }
        let tick = self.tick()?;
        self.track.time_signatures.push(At { tick, value });
        Ok(())
    }

    fn check_length(&mut self, data: &[u8], expected: usize, offset: usize) {
        if data.len() != expected {
            self.repair(Repair::InvalidMeta, offset);
        }
    }

    /// A text; perhaps a name.
    fn text(&mut self, kind: TextKind, data: &'a [u8], offset: usize) -> Result<(), MidiError> {
        let place = self.track.words.len();
        match (kind, self.prefix) {
            (TextKind::SequenceName | TextKind::InstrumentName, Some(channel)) => {
                self.track.channel_names.entry(channel).or_insert(place);
            }
            (TextKind::SequenceName, None) => {
                self.track.name.get_or_insert(place);
            }
            (TextKind::InstrumentName, None) => {
                self.track.instrument.get_or_insert(place);
            }
            _ => {}
        }
        self.word(WordKind::Text(kind), data, offset)
    }

    fn word(&mut self, kind: WordKind, data: &'a [u8], offset: usize) -> Result<(), MidiError> {
        let (tick, channel) = (self.tick()?, self.prefix);
        self.track.words.push(Word { tick, offset, kind, data, channel });
        Ok(())
    }

    #[inline]
    fn tick(&self) -> Result<Tick, MidiError> {
        match u32::try_from(self.now).map(Tick::new) {
            Ok(Ok(tick)) => Ok(tick),
            _ => Err(self.too_late()),
        }
    }

    #[cold]
    fn too_late(&self) -> MidiError {
        MidiError::Limit {
            what: "ticks from the start",
            value: self.now,
            limit: Tick::MAX.get().into(),
            track: Some(self.track.index),
        }
    }

    fn repair(&mut self, repair: Repair, offset: usize) {
        self.context.repair(repair, Some(self.track.index), offset);
    }

    fn skip(&mut self, skipped: Skipped, offset: usize) {
        self.context.skip(skipped, Some(self.track.index), offset);
    }
}
