//! [`ReadReport`]: what the reader mended and what it left out.

use std::collections::BTreeMap;
use std::fmt;

/// Something that was not as the Standard MIDI File specification has it, and that the reader put
/// right. No note is lost by any of these, unless [`Reader::salvage`](crate::Reader::salvage) is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// The header gives another number of tracks than there are. All that are there were read.
    /// Fewer than promised are accepted only if other chunks make up the number, or with
    /// [`Reader::salvage`](crate::Reader::salvage).
    TrackCount,
    /// A type 0 file with several tracks, read as type 1.
    TracksInType0,
    /// A header chunk longer than six bytes; the rest was passed over.
    LongHeader,
    /// A track chunk whose length does not fit its events. The end-of-track event was followed.
    TrackLength,
    /// Bytes in a track chunk after its end-of-track event, passed over.
    DataAfterEndOfTrack,
    /// A track that ends without an end-of-track event, or with half of one.
    MissingEndOfTrack,
    /// Bytes between or after the chunks that are no chunk, passed over.
    StrayBytes,
    /// A track cut off at its first unreadable event, or at the end of the file
    /// ([`Reader::salvage`](crate::Reader::salvage) only).
    DamagedTrack,
    /// Running status used after a meta event or system exclusive message, which should have
    /// ended it. The last channel status was taken up again.
    RunningStatusResumed,
    /// A system common or real-time message (status F1–F6, F8–FE), which a file may not hold.
    /// It was passed over.
    SystemMessage,
    /// A meta event with a value that means nothing: tempo 0, key of nine sharps, wrong length.
    /// It was passed over, or the part that means something was kept.
    InvalidMeta,
    /// A note that begins while the same key sounds on the same channel of the same file track.
    /// The first note on was paired with the first note off.
    OverlappingNotes,
    /// A note with no note off, ended where its key is struck again, or at the next "all notes off"
    /// of its channel, or else at the end of its file track.
    UnclosedNote,
    /// A note off with no note to end, passed over.
    StrayNoteOff,
    /// A track name over [`Limits::name_bytes`](crate::Limits::name_bytes), cut.
    LongName,
    /// Control changes or pitch bends for a channel that is played by other file tracks only. They
    /// were given to those tracks.
    ControlsMoved,
    /// A program change in the middle of a channel's part, which starts another track of the
    /// score. The new track begins with the controls then in force on the channel.
    ControlsCarried,
}

/// Something that a [`Score`](deepcompose_core::Score) has no place for, and that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// A system exclusive message (status F0).
    SysEx,
    /// An escape (status F7).
    Escape,
    /// Polyphonic key pressure.
    KeyPressure,
    /// Channel pressure.
    ChannelPressure,
    /// A note-off velocity other than 0 and 64, the two that say nothing.
    ReleaseVelocity,
    /// A program change on a channel that then plays nothing.
    UnusedProgram,
    /// A tempo in a file of SMPTE time, where it has no say.
    TempoInSmpteTime,
    /// A sequence number (FF 00).
    SequenceNumber,
    /// A text (FF 01).
    Text,
    /// A copyright notice (FF 02).
    Copyright,
    /// The name of a file track that plays nothing (FF 03): as a rule, the title of the piece. Or a
    /// second name of the same track.
    SequenceName,
    /// An instrument name (FF 04) beside a track name. Without one, it is the track's name.
    InstrumentName,
    /// A lyric (FF 05).
    Lyric,
    /// A marker (FF 06).
    Marker,
    /// A cue point (FF 07).
    CuePoint,
    /// A program name (FF 08) or device name (FF 09).
    DeviceName,
    /// A SMPTE offset (FF 54).
    SmpteOffset,
    /// Data of one sequencer program's own (FF 7F).
    SequencerSpecific,
    /// Any other meta event.
    UnknownMeta,
    /// A chunk that is neither `MThd` nor `MTrk`.
    UnknownChunk,
}

/// Where something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file track (`MTrk` chunk), counted from zero; `None` between the tracks.
    pub track: Option<usize>,
    /// Bytes from the start of the file.
    pub offset: usize,
}

/// How often something was found, and where first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    count: u64,
    first: Vec<Place>,
}

impl Tally {
    /// How many places are kept.
    pub const PLACES: usize = 4;

    /// How often.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The first few places in the order in which the reader met them, [`Tally::PLACES`] at most.
    #[must_use]
    pub fn first(&self) -> &[Place] {
        &self.first
    }

    fn add(&mut self, place: Place) {
        self.count += 1;
        if self.first.len() < Self::PLACES {
            self.first.push(place);
        }
    }
}

/// How a file counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timing {
    /// In fractions of a quarter note.
    Metrical {
        /// Ticks a quarter note, 1..=32767.
        ticks_per_quarter: u16,
    },
    /// In fractions of a SMPTE frame.
    Smpte {
        /// Frames a second: 24, 25, 29 (which means 30 drop-frame, 30000/1001) or 30.
        frames: u8,
        /// Ticks a frame, 1..=255.
        ticks_per_frame: u8,
    },
}

/// What kind of file was read, what was mended on the way and what was left out.
///
/// ```
/// use deepcompose_core::Score;
/// use deepcompose_midi::{Reader, to_bytes};
///
/// let bytes = to_bytes(&Score::default())?;
/// let (_, report) = Reader::new().read_bytes_with_report(&bytes)?;
/// assert_eq!(report.format(), 1);
/// assert!(report.is_clean());
/// # Ok::<(), deepcompose_midi::MidiError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReport {
    format: u16,
    timing: Timing,
    file_tracks: usize,
    repairs: BTreeMap<Repair, Tally>,
    skipped: BTreeMap<Skipped, Tally>,
}

impl ReadReport {
    pub(super) fn new(format: u16, timing: Timing) -> Self {
        Self { format, timing, file_tracks: 0, repairs: BTreeMap::new(), skipped: BTreeMap::new() }
    }

    pub(super) fn set_file_tracks(&mut self, file_tracks: usize) {
        self.file_tracks = file_tracks;
    }

    pub(super) fn repair(&mut self, repair: Repair, track: Option<usize>, offset: usize) {
        self.repairs.entry(repair).or_default().add(Place { track, offset });
    }

    pub(super) fn skip(&mut self, skipped: Skipped, track: Option<usize>, offset: usize) {
        self.skipped.entry(skipped).or_default().add(Place { track, offset });
    }

    /// The type in the header: 0, 1 or 2.
    #[must_use]
    pub const fn format(&self) -> u16 {
        self.format
    }

    /// How the file counts time.
    #[must_use]
    pub const fn timing(&self) -> Timing {
        self.timing
    }

    /// How many `MTrk` chunks there were.
    #[must_use]
    pub const fn file_tracks(&self) -> usize {
        self.file_tracks
    }

    /// Whether nothing was mended and nothing left out.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.repairs.is_empty() && self.skipped.is_empty()
    }

    /// What was mended.
    pub fn repairs(&self) -> impl Iterator<Item = (Repair, &Tally)> + '_ {
        self.repairs.iter().map(|(r, t)| (*r, t))
    }

    /// What was left out.
    pub fn skipped(&self) -> impl Iterator<Item = (Skipped, &Tally)> + '_ {
        self.skipped.iter().map(|(s, t)| (*s, t))
    }

    /// How often this was mended.
    #[must_use]
    pub fn repair_count(&self, repair: Repair) -> u64 {
        self.repairs.get(&repair).map_or(0, Tally::count)
    }

    /// How often this was left out.
    #[must_use]
    pub fn skipped_count(&self, skipped: Skipped) -> u64 {
        self.skipped.get(&skipped).map_or(0, Tally::count)
    }
}

impl fmt::Display for ReadReport {
    /// One line for each kind of repair and each kind of thing left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {}, {} file tracks", self.format, self.file_tracks)?;
        for (repair, tally) in &self.repairs {
            write!(f, "\nmended {repair:?}: {tally}")?;
        }
        for (skipped, tally) in &self.skipped {
            write!(f, "\nleft out {skipped:?}: {tally}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        for (i, place) in self.first.iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { "; " })?;
            if let Some(track) = place.track {
                write!(f, "track {track}, ")?;
            }
            write!(f, "byte {}", place.offset)?;
        }
        match self.count as usize {
            n if n > self.first.len() => f.write_str("; …)"),
            _ => f.write_str(")"),
        }
    }
}
