//! [`ReadReport`]: what the reader mended and what it left out.

use std::collections::BTreeMap;
use std::fmt;

use crate::reader::text::TextEncoding;

/// Something that the reader put right or had to decide on.
///
/// [`Repair::is_damage`] tells what is not as the Standard MIDI File specification has it, which
/// [`read_strict`](crate::read_strict) refuses, from what the specification leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// The header gives another number of tracks than there are. All that are there were read.
    TrackCount,
    /// A type 0 file with several tracks, read as type 1.
    TracksInType0,
    /// A type above 2 in the header, read as type 1.
    UnknownType,
    /// The separate patterns of a type 2 file read as one score, each from its own start. (Not by
    /// [`read_patterns`](crate::read_patterns).)
    PatternsTogether,
    /// A division of 0, taken for 480 ticks a quarter note; or a SMPTE frame rate that does not
    /// exist, taken as it is.
    Division,
    /// A header chunk longer than six bytes, as later versions of the format may have it; the rest
    /// was passed over.
    LongHeader,
    /// A header chunk whose length is wrong: the tracks begin right behind its six bytes.
    HeaderLength,
    /// A track chunk whose length does not fit its events. The end-of-track event was followed.
    TrackLength,
    /// Bytes in a track chunk after its end-of-track event, passed over.
    DataAfterEndOfTrack,
    /// A track that ends without an end-of-track event, or with half of one.
    MissingEndOfTrack,
    /// Bytes before, between or after the chunks that are no chunk, passed over.
    StrayBytes,
    /// A track cut off at its first unreadable event, or by the end of the file.
    DamagedTrack,
    /// Bytes in a track that cannot be read, passed over; from behind them all else in the track is
    /// events up to its end. The time of what follows may be early or late.
    Resynchronised,
    /// A data byte over 127, taken as 127: so read, all else in the track is events up to its end.
    ClippedData,
    /// A delta time or length written with more bytes than the four it may have.
    LongNumber,
    /// Running status used after a meta event or system exclusive message, which should have
    /// ended it. The last channel status was taken up again.
    RunningStatusResumed,
    /// A system common or real-time message (status F1–F6, F8–FE), which a file may not hold.
    /// It was passed over.
    SystemMessage,
    /// A system exclusive message with bytes over 127, kept as an escape, which can hold any.
    InvalidSysEx,
    /// A meta event with a value that means nothing: tempo 0, key of nine sharps, wrong length.
    /// It was passed over, or the part that means something was kept.
    InvalidMeta,
    /// A note that begins while the same key sounds on the same channel of the same file track.
    /// [`Overlaps`](crate::Overlaps) says which note off ends which.
    OverlappingNotes,
    /// A note with no note off, ended where its key is struck again, or at the next "all notes off"
    /// of its channel, or else at the end of its file track.
    UnclosedNote,
    /// A note off with no note to end, passed over.
    StrayNoteOff,
    /// A track name over [`Limits::name_bytes`](crate::Limits::name_bytes), cut.
    LongName,
    /// A text with bytes that are none in the encoding of the file's texts
    /// ([`ReadReport::text_encoding`]), replaced by U+FFFD.
    UndecodableText,
    /// Control changes, pitch bends or aftertouch for a channel that is played by other file tracks
    /// only. They were given to those tracks.
    ControlsMoved,
    /// A program change in the middle of a channel's part, which starts another track of the
    /// score. The new track begins with the controls then in force on the channel.
    ControlsCarried,
}

impl Repair {
    /// Whether the file is not as the specification has it. The rest are ambiguities of music, and
    /// what becomes of a file's channels when they are made into tracks.
    ///
    /// ```
    /// use deepcompose_midi::Repair;
    ///
    /// assert!(Repair::MissingEndOfTrack.is_damage());
    /// assert!(!Repair::OverlappingNotes.is_damage());
    /// ```
    #[must_use]
    pub const fn is_damage(self) -> bool {
        !matches!(
            self,
            Self::LongHeader
                | Self::PatternsTogether
                | Self::OverlappingNotes
                | Self::UnclosedNote
                | Self::StrayNoteOff
                | Self::LongName
                | Self::UndecodableText
                | Self::ControlsMoved
                | Self::ControlsCarried
        )
    }

    /// What was wrong, for an error message.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::TrackCount => "the header gives another number of tracks than there are",
            Self::TracksInType0 => "a type 0 file with several tracks",
            Self::UnknownType => "a type that does not exist",
            Self::PatternsTogether => "separate patterns",
            Self::Division => "a division that means nothing",
            Self::LongHeader => "the header chunk is longer than six bytes",
            Self::HeaderLength => "the header chunk has a wrong length",
            Self::TrackLength => "the track chunk has a wrong length",
            Self::DataAfterEndOfTrack => "bytes in the track after its end",
            Self::MissingEndOfTrack => "the track has no end-of-track event",
            Self::StrayBytes => "bytes that are no chunk",
            Self::DamagedTrack | Self::Resynchronised => "bytes that are no event",
            Self::ClippedData => "a data byte over 127",
            Self::LongNumber => "a variable-length number is longer than four bytes",
            Self::RunningStatusResumed => "running status across a meta event or system exclusive message",
            Self::SystemMessage => "a system common or real-time message",
            Self::InvalidSysEx => "a system exclusive message with a byte over 127",
            Self::InvalidMeta => "a meta event of a wrong length or with a value that means nothing",
            Self::OverlappingNotes => "overlapping notes",
            Self::UnclosedNote => "a note with no note off",
            Self::StrayNoteOff => "a note off with no note",
            Self::LongName => "a long name",
            Self::UndecodableText => "a text that is none",
            Self::ControlsMoved | Self::ControlsCarried => "controls",
        }
    }
}

/// Something that a [`Score`](deepcompose_core::Score) has no place for, and that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// A note-off velocity other than 0 and 64, the two that say nothing.
    ReleaseVelocity,
    /// A program change on a channel that then plays nothing.
    UnusedProgram,
    /// A tempo in a file of SMPTE time, where it has no say.
    TempoInSmpteTime,
    /// In a time signature: a metronome that does not click with the quarter note or the lower number,
    /// or a quarter note of other than eight thirty-seconds. The signature itself is kept.
    Metronome,
    /// A text or escape that would be longer than the longest event, 256 MiB.
    TooLong,
    /// A chunk that is neither `MThd` nor `MTrk`.
    UnknownChunk,
    /// A chunk of a RIFF file other than the one with the MIDI data.
    RiffChunk,
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
    bytes: u64,
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

    /// How many bytes of the file were passed over unread; 0 where that is not the matter.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first few places in the order in which the reader met them, [`Tally::PLACES`] at most.
    #[must_use]
    pub fn first(&self) -> &[Place] {
        &self.first
    }

    fn add(&mut self, place: Place, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
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
        /// Frames a second: 24, 25, 29 (which means 30 drop-frame, 30000/1001) or 30; another number,
        /// at most 128, only with [`Repair::Division`].
        frames: u8,
        /// Ticks a frame, 1..=255.
        ticks_per_frame: u8,
    },
}

/// What kind of file was read, what was mended on the way and what was left out.
///
/// ```
/// use deepcompose_core::Score;
/// use deepcompose_midi::{read_bytes, to_bytes};
///
/// let bytes = to_bytes(&Score::default())?;
/// let (_, report) = read_bytes(&bytes)?;
/// assert_eq!(report.format(), 1);
/// assert!(report.is_clean());
/// # Ok::<(), deepcompose_midi::MidiError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReport {
    format: u16,
    timing: Timing,
    file_tracks: usize,
    text_encoding: TextEncoding,
    repairs: BTreeMap<Repair, Tally>,
    skipped: BTreeMap<Skipped, Tally>,
}

impl ReadReport {
    pub(super) fn new(format: u16, timing: Timing) -> Self {
        Self {
            format,
            timing,
            file_tracks: 0,
            text_encoding: TextEncoding::Utf8,
            repairs: BTreeMap::new(),
            skipped: BTreeMap::new(),
        }
    }

    pub(super) fn set_file_tracks(&mut self, file_tracks: usize) {
        self.file_tracks = file_tracks;
    }

    pub(super) fn repair(&mut self, repair: Repair, track: Option<usize>, offset: usize, bytes: u64) {
        self.repairs.entry(repair).or_default().add(Place { track, offset }, bytes);
    }

    pub(super) fn skip(&mut self, skipped: Skipped, track: Option<usize>, offset: usize) {
        self.skipped.entry(skipped).or_default().add(Place { track, offset }, 0);
    }

    pub(super) fn set_text_encoding(&mut self, encoding: TextEncoding) {
        self.text_encoding = encoding;
    }

    /// The type in the header: 0, 1 or 2; another only with [`Repair::UnknownType`].
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

    /// How the texts were decoded: as [`TextEncoding::Utf8`] unless there are some that are not UTF-8
    /// or [`Reader::encoding`](crate::Reader::encoding) asks for another. Of the patterns of a type 2
    /// file, the last.
    #[must_use]
    pub const fn text_encoding(&self) -> TextEncoding {
        self.text_encoding
    }

    /// Whether there is something that is not as the specification has it; see
    /// [`Repair::is_damage`].
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.repairs.keys().any(|repair| repair.is_damage())
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
        f.write_str(if self.count > self.first.len() as u64 { "; …)" } else { ")" })?;
        match self.bytes {
            0 => Ok(()),
            bytes => write!(f, ", {bytes} bytes passed over"),
        }
    }
}
