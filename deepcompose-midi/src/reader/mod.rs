//! [`Reader`]: bytes to scores.

mod assemble;
mod chunks;
mod context;
mod events;
mod file;
mod in_force;
mod kinds;
mod limits;
mod notes;
mod parts;
mod programs;
mod recover;
mod report;
mod strips;
mod text;
mod track;
mod words;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use deepcompose_core::Score;

pub use kinds::{Repair, Skipped};
pub use limits::Limits;
pub use notes::Overlaps;
pub use report::{Place, ReadReport, Tally, Timing};
pub use text::TextEncoding;

use crate::error::MidiError;
use context::check;

/// Reads a file with the default [`Limits`], and recovers what can be recovered of a damaged one;
/// [`Reader::read`].
///
/// # Errors
///
/// As [`Reader::read`].
pub fn read(path: impl AsRef<Path>) -> Result<(Score, ReadReport), MidiError> {
    Reader::new().read(path)
}

/// Reads a file from memory with the default [`Limits`], and recovers what can be recovered of a
/// damaged one; [`Reader::read_bytes`].
///
/// ```
/// use deepcompose_midi::{Repair, read_bytes};
///
/// // Type 0, 96 ticks a quarter note, one track of 12 bytes: middle C for a quarter note.
/// let bytes = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x0C\0\x90\x3C\x50\x60\x80\x3C\x40\0\xFF\x2F\0";
/// let (score, report) = read_bytes(bytes)?;
/// let note = score.tracks()[0].notes()[0];
/// assert_eq!((note.pitch.get(), note.velocity.get(), note.duration.get()), (60, 80, 96));
/// assert!(report.is_clean());
///
/// // Without its last four bytes.
/// let (cut, report) = read_bytes(&bytes[..bytes.len() - 4])?;
/// assert_eq!(cut, score);
/// assert_eq!(report.repair_count(Repair::DamagedTrack), 1);
/// # Ok::<(), deepcompose_midi::MidiError>(())
/// ```
///
/// # Errors
///
/// As [`Reader::read_bytes`].
pub fn read_bytes(bytes: &[u8]) -> Result<(Score, ReadReport), MidiError> {
    Reader::new().read_bytes(bytes)
}

/// Reads a file with the default [`Limits`], and refuses one that is not as the Standard MIDI File
/// specification has it; [`Reader::strict`].
///
/// # Errors
///
/// As [`Reader::read`], and [`MidiError::Malformed`] with the offset of the first
/// [damage](Repair::is_damage).
pub fn read_strict(path: impl AsRef<Path>) -> Result<Score, MidiError> {
    Reader::new().strict(true).read(path).map(|(score, _)| score)
}

/// As [`read_strict`], from memory.
///
/// # Errors
///
/// As [`read_strict`], but for [`MidiError::Io`].
pub fn read_strict_bytes(bytes: &[u8]) -> Result<Score, MidiError> {
    Reader::new().strict(true).read_bytes(bytes).map(|(score, _)| score)
}

/// Reads a file of any type as separate patterns, with the default [`Limits`];
/// [`Reader::read_patterns`].
///
/// # Errors
///
/// As [`Reader::read_patterns`].
pub fn read_patterns(bytes: &[u8]) -> Result<(Vec<Score>, ReadReport), MidiError> {
    Reader::new().read_patterns(bytes)
}

/// Reads Standard MIDI Files as asked, and reports what was mended and what was left out.
///
/// ```
/// use deepcompose_core::{Program, Score, Track};
/// use deepcompose_midi::{Limits, Reader, to_bytes};
///
/// let mut score = Score::default();
/// score.push_track(Track::new("Melody", Program::MIN));
/// let bytes = to_bytes(&score)?;
///
/// let reader = Reader::new().limits(Limits::default().with_notes(10_000)).strict(true);
/// let (back, report) = reader.read_bytes(&bytes)?;
/// assert_eq!(back, score);
/// assert!(report.is_clean(), "{report}");
/// # Ok::<(), deepcompose_midi::MidiError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reader {
    limits: Limits,
    strict: bool,
    overlaps: Overlaps,
    sustain: bool,
    encoding: TextEncoding,
}

impl Reader {
    /// A reader with the default [`Limits`] that recovers what can be recovered, pairs overlapping
    /// notes first on, first off, leaves notes as long as their keys are down, and finds out how
    /// texts are encoded.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same reader under other limits.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether a file with any [damage](Repair::is_damage) is refused, rather than read as far as it
    /// can be. Off by default.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Which note a note off ends where several of its key sound. First in, first out by default.
    #[must_use]
    pub const fn overlaps(mut self, overlaps: Overlaps) -> Self {
        self.overlaps = overlaps;
        self
    }

    /// Whether notes last as long as the sustain pedal holds them; see [`Score::sustained`]. Off by
    /// default.
    #[must_use]
    pub const fn sustain(mut self, sustain: bool) -> Self {
        self.sustain = sustain;
        self
    }

    /// How the texts of the file are encoded. [`TextEncoding::Auto`] by default.
    #[must_use]
    pub const fn encoding(mut self, encoding: TextEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Reads a file. The patterns of a type 2 file are laid one upon the other, and
    /// [reported](Repair::PatternsTogether); [`Reader::read_patterns`] keeps them apart.
    ///
    /// # Errors
    ///
    /// [`MidiError::Io`] if the file cannot be read, and those of [`Reader::read_bytes`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<(Score, ReadReport), MidiError> {
        self.read_bytes(&self.load(path.as_ref())?)
    }

    /// As [`Reader::read`], from memory.
    ///
    /// # Errors
    ///
    /// [`MidiError::Malformed`] for bytes with no MIDI header or no track in them,
    /// [`MidiError::Limit`] for a file that asks for more than [`Limits`] allows. With
    /// [`Reader::strict`] also [`MidiError::Malformed`] with the offset of the first
    /// [damage](Repair::is_damage), and [`MidiError::Unsupported`] for a type 2 file with several
    /// patterns.
    pub fn read_bytes(&self, bytes: &[u8]) -> Result<(Score, ReadReport), MidiError> {
        let (mut scores, report) = self.songs(bytes, false)?;
        Ok((scores.pop().unwrap_or_default(), report))
    }

    /// Reads a file of any type as separate patterns: one score for each track of a type 2 file,
    /// one score for a file of type 0 or 1.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_bytes`], but for type 2. Limits hold for all patterns together.
    pub fn read_patterns(&self, bytes: &[u8]) -> Result<(Vec<Score>, ReadReport), MidiError> {
        self.songs(bytes, true)
    }

    fn songs(&self, bytes: &[u8], separates: bool) -> Result<(Vec<Score>, ReadReport), MidiError> {
        // Offsets are kept in four bytes.
        check("bytes", bytes.len() as u64, self.limits.bytes.min(u32::MAX.into()), None)?;
        let (mut songs, mut context) = file::read_file(bytes, self, separates)?;
        let patterns = context.report.repair_count(Repair::PatternsTogether);
        if self.strict && patterns > 0 {
            let tracks = context.report.file_tracks();
            return Err(MidiError::Unsupported {
                what: format!("type 2 with {tracks} patterns; read_patterns reads them"),
            });
        }
        if songs.is_empty() && !separates_nothing(separates, &context.report) {
            songs.push(strips::Song::default());
        }
        let scores = songs.into_iter().map(|song| {
            let score = assemble::score(song, self.encoding, &mut context)?;
            Ok(if self.sustain { score.sustained() } else { score })
        });
        let scores = scores.collect::<Result<_, _>>()?;
        match context.first_damage() {
            Some(damage) if self.strict => Err(damage),
            _ => Ok((scores, context.report)),
        }
    }

    fn load(&self, path: &Path) -> Result<Vec<u8>, MidiError> {
        let mut bytes = Vec::new();
        let mut file = File::open(path).map_err(|e| MidiError::io(path, e))?;
        // One byte over the limit is enough to know, whatever the file says its length is.
        let limit = self.limits.bytes.saturating_add(1);
        let length = file.metadata().map_or(0, |m| m.len()).min(limit);
        bytes.reserve(usize::try_from(length).unwrap_or(0).saturating_add(1));
        (&mut file).take(limit).read_to_end(&mut bytes).map_err(|e| MidiError::io(path, e))?;
        Ok(bytes)
    }
}

/// A type 2 file with no patterns is no score; another file with no tracks is an empty one.
fn separates_nothing(separates: bool, report: &ReadReport) -> bool {
    separates && report.format() == 2
}
