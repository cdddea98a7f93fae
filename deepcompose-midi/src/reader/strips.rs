//! The channel events of file tracks that sound together, as the first pass over the bytes leaves
//! them: each knows its *strip*, which is one channel within one file track.

use deepcompose_core::{Program, Tick};

use crate::error::MidiError;
use crate::reader::context::Context;
use crate::reader::track::FileTrack;

/// A channel event. Sixteen bytes: there may be millions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) tick: Tick,
    /// In the file.
    pub(super) offset: u32,
    pub(super) strip: u32,
    /// The status byte without its channel, 8 to E.
    pub(super) message: u8,
    pub(super) data: [u8; 2],
}

/// A channel of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Channel {
    pub(super) port: u8,
    pub(super) number: u8,
}

impl Channel {
    /// The percussion channel, counted from zero.
    const DRUMS: u8 = 9;

    pub(super) fn is_drum(self) -> bool {
        self.number == Self::DRUMS
    }
}

/// One channel within one file track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip {
    /// In [`Song::tracks`].
    pub(super) track: u32,
    pub(super) channel: Channel,
    /// The channel's number among those of the song.
    pub(super) channel_id: u32,
}

/// A program change.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProgramChange {
    pub(super) tick: Tick,
    /// The event's place in the file.
    pub(super) order: u32,
    pub(super) strip: u32,
    pub(super) program: Program,
    pub(super) offset: u32,
}

/// File tracks that sound together.
#[derive(Debug, Default)]
pub(super) struct Song<'a> {
    /// In the order of the file.
    pub(super) events: Vec<Event>,
    /// In the order of the file: by file track, then by first event.
    pub(super) strips: Vec<Strip>,
    /// In the order of the file.
    pub(super) programs: Vec<ProgramChange>,
    pub(super) tracks: Vec<FileTrack<'a>>,
    /// The ports in use; a channel's number is sixteen times the place of its port and its own.
    ports: Vec<u8>,
}

impl Song<'_> {
    pub(super) fn channels(&self) -> usize {
        self.ports.len() * 16
    }

    /// The file track of a strip, as reports count it.
    pub(super) fn file_track(&self, strip: u32) -> Option<usize> {
        let track = self.strips.get(strip as usize)?.track;
        self.tracks.get(track as usize).map(|t| t.index)
    }

    fn port_id(&mut self, port: u8) -> usize {
        self.ports.iter().position(|p| *p == port).unwrap_or_else(|| {
            self.ports.push(port);
            self.ports.len() - 1
        })
    }
}

const NONE: u32 = u32::MAX;

/// Finds the strips of one file track.
#[derive(Debug)]
pub(super) struct StripFinder {
    track: u32,
    port: u8,
    current: Option<[u32; 16]>,
    /// The strips on ports that were in use before.
    others: Vec<(u8, [u32; 16])>,
}

impl StripFinder {
    pub(super) fn new(track: usize) -> Self {
        Self { track: track as u32, port: 0, current: None, others: Vec::new() }
    }

    pub(super) fn port(&self) -> u8 {
        self.port
    }

    pub(super) fn set_port(&mut self, port: u8) {
        if port == self.port {
            return;
        }
        if let Some(strips) = self.current.take() {
            self.others.push((self.port, strips));
        }
        self.port = port;
        let known = self.others.iter().position(|(p, _)| *p == port);
        self.current = known.map(|at| self.others.swap_remove(at).1);
    }

    /// The strip of a channel (0..=15) on the current port, if there is one.
    #[inline]
    pub(super) fn find(&self, number: u8) -> Option<u32> {
        let strip = self.current.as_ref()?.get(usize::from(number & 15)).copied();
        strip.filter(|strip| *strip != NONE)
    }

    /// The strip of a channel (0..=15) on the current port.
    pub(super) fn strip(
        &mut self,
        number: u8,
        song: &mut Song<'_>,
        context: &Context<'_>,
    ) -> Result<u32, MidiError> {
        match self.find(number) {
            Some(strip) => Ok(strip),
            None => self.add(number & 15, song, context),
        }
    }

    #[cold]
    fn add(&mut self, number: u8, song: &mut Song<'_>, context: &Context<'_>) -> Result<u32, MidiError> {
        let strip = song.strips.len();
        context.check_strips(strip as u64 + 1, self.track as usize)?;
        let channel = Channel { port: self.port, number };
        let channel_id = (song.port_id(self.port) * 16 + usize::from(number)) as u32;
        song.strips.push(Strip { track: self.track, channel, channel_id });
        let strips = self.current.get_or_insert([NONE; 16]);
        if let Some(slot) = strips.get_mut(usize::from(number)) {
            *slot = strip as u32;
        }
        Ok(strip as u32)
    }
}
