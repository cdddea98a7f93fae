//! [`ReadReport`]: what the reader mended and what it left out.

use std::collections::BTreeMap;
use std::fmt;

use crate::reader::kinds::{Repair, Skipped};
use crate::reader::text::TextEncoding;

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
