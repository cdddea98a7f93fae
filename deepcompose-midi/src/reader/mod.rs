//! [`Reader`]: bytes to scores.

mod assemble;
mod chunks;
mod events;
mod in_force;
mod limits;
mod notes;
mod parts;
mod report;
mod track;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use deepcompose_core::Score;

pub use limits::Limits;
pub use report::{Place, ReadReport, Repair, Skipped, Tally, Timing};

use crate::error::MidiError;
use chunks::Header;
use track::{Event, FileTrack, Stop};

/// Reads a file of type 0 or 1 with the default [`Limits`]; [`Reader::read`].
///
/// # Errors
///
/// As [`Reader::read`].
pub fn read(path: impl AsRef<Path>) -> Result<Score, MidiError> {
    Reader::new().read(path)
}

/// Reads a file of type 0 or 1 from memory with the default [`Limits`]; [`Reader::read_bytes`].
///
/// ```
/// use deepcompose_midi::read_bytes;
///
/// // Type 0, 96 ticks a quarter note, one track of 12 bytes: middle C for a quarter note.
/// let score = read_bytes(
///     b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x0C\0\x90\x3C\x50\x60\x80\x3C\x40\0\xFF\x2F\0",
/// )?;
/// let note = score.tracks()[0].notes()[0];
/// assert_eq!((note.pitch.get(), note.velocity.get(), note.duration.get()), (60, 80, 96));
/// # Ok::<(), deepcompose_midi::MidiError>(())
/// ```
///
/// # Errors
///
/// As [`Reader::read_bytes`].
pub fn read_bytes(bytes: &[u8]) -> Result<Score, MidiError> {
    Reader::new().read_bytes(bytes)
}

/// Reads a file of any type as separate patterns, with the default [`Limits`];
/// [`Reader::read_patterns`].
///
/// # Errors
///
/// As [`Reader::read_patterns`].
pub fn read_patterns(bytes: &[u8]) -> Result<Vec<Score>, MidiError> {
    Reader::new().read_patterns(bytes).map(|(scores, _)| scores)
}

/// Reads Standard MIDI Files under given limits, and reports what it mended and left out.
///
/// ```
/// use deepcompose_core::{Program, Score, Track};
/// use deepcompose_midi::{Limits, Reader, to_bytes};
///
/// let mut score = Score::default();
/// score.push_track(Track::new("Melody", Program::MIN));
/// let bytes = to_bytes(&score)?;
///
/// let reader = Reader::new().limits(Limits::default().with_notes(10_000));
/// let (back, report) = reader.read_bytes_with_report(&bytes)?;
/// assert_eq!(back, score);
/// assert!(report.is_clean(), "{report}");
/// # Ok::<(), deepcompose_midi::MidiError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reader {
    limits: Limits,
    salvage: bool,
}

impl Reader {
    /// A reader with the default [`Limits`] that refuses damaged tracks.
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

    /// Whether a damaged file is read as far as it goes, rather than refused: a track with an
    /// unreadable event, or one cut short by the end of the file, is kept up to there and reported
    /// as [`Repair::DamagedTrack`]; a file with fewer tracks than its header promises is reported as
    /// [`Repair::TrackCount`]. Off by default: music is lost by it.
    #[must_use]
    pub const fn salvage(mut self, salvage: bool) -> Self {
        self.salvage = salvage;
        self
    }

    /// Reads a file of type 0 or 1 (a type 2 file, if it has one pattern only).
    ///
    /// # Errors
    ///
    /// [`MidiError::Io`] if the file cannot be read, and those of [`Reader::read_bytes`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Score, MidiError> {
        self.read_with_report(path).map(|(score, _)| score)
    }

    /// As [`Reader::read`], with a report of what was mended and what was left out.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub fn read_with_report(&self, path: impl AsRef<Path>) -> Result<(Score, ReadReport), MidiError> {
        self.read_bytes_with_report(&self.load(path.as_ref())?)
    }

    /// Reads a file of type 0 or 1 from memory (a type 2 file, if it has one pattern only).
    ///
    /// # Errors
    ///
    /// [`MidiError::Malformed`] with the offset of the first byte that makes no sense,
    /// [`MidiError::Unsupported`] for a type that does not exist or a type 2 file with several
    /// patterns, [`MidiError::Limit`] for a file that asks for more than [`Limits`] allows.
    pub fn read_bytes(&self, bytes: &[u8]) -> Result<Score, MidiError> {
        self.read_bytes_with_report(bytes).map(|(score, _)| score)
    }

    /// As [`Reader::read_bytes`], with a report of what was mended and what was left out.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_bytes`].
    pub fn read_bytes_with_report(&self, bytes: &[u8]) -> Result<(Score, ReadReport), MidiError> {
        let (tracks, mut context) = self.file_tracks(bytes)?;
        if context.report.format() == 2 && tracks.len() > 1 {
            return Err(MidiError::Unsupported {
                what: format!("type 2 with {} patterns; read_patterns reads them", tracks.len()),
            });
        }
        let score = assemble::score(tracks, &mut context)?;
        Ok((score, context.report))
    }

    /// Reads a file of any type as separate patterns: one score for each track of a type 2 file,
    /// one score for a file of type 0 or 1.
    ///
    /// # Errors
    ///
    /// As [`Reader::read_bytes`], but for type 2. Limits hold for all patterns together.
    pub fn read_patterns(&self, bytes: &[u8]) -> Result<(Vec<Score>, ReadReport), MidiError> {
        let (tracks, mut context) = self.file_tracks(bytes)?;
        let scores = if context.report.format() == 2 {
            let patterns = tracks.into_iter().map(|track| assemble::score(vec![track], &mut context));
            patterns.collect::<Result<_, _>>()?
        } else {
            vec![assemble::score(tracks, &mut context)?]
        };
        Ok((scores, context.report))
    }

    fn load(&self, path: &Path) -> Result<Vec<u8>, MidiError> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| MidiError::io(path, e))?;
        // One byte over the limit is enough to know, whatever the file says its length is.
        file.take(self.limits.bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| MidiError::io(path, e))?;
        Ok(bytes)
    }

    fn file_tracks(&self, bytes: &[u8]) -> Result<(Vec<FileTrack>, Context<'_>), MidiError> {
        check("bytes", bytes.len() as u64, self.limits.bytes.min(u32::MAX.into()), None)?;
        let (start, end) = chunks::smf_range(bytes)?;
        let bytes = bytes.get(..end).unwrap_or(bytes);
        let header = chunks::header(bytes, start)?;
        let report = ReadReport::new(header.format, header.timing);
        let mut context = Context::new(&self.limits, report, bytes.len());
        if header.is_long {
            context.report.repair(Repair::LongHeader, None, start + 4);
        }
        let tracks = self.tracks_after(bytes, &header, &mut context)?;
        context.report.set_file_tracks(tracks.len());
        let promised = usize::from(header.tracks);
        // Some programs count chunks of their own among the tracks.
        let others = context.report.skipped_count(Skipped::UnknownChunk) as usize;
        if tracks.len() + others < promised && !self.salvage {
            let what = "the file ends before all the tracks that its header promises";
            return Err(MidiError::Malformed { what, offset: bytes.len(), track: Some(tracks.len()) });
        }
        if tracks.len() != promised {
            context.report.repair(Repair::TrackCount, None, start + 10);
        }
        if header.format == 0 && tracks.len() > 1 {
            context.report.repair(Repair::TracksInType0, None, start + 8);
        }
        Ok((tracks, context))
    }

    /// Reads every track chunk behind the header.
    fn tracks_after(
        &self,
        bytes: &[u8],
        header: &Header,
        context: &mut Context<'_>,
    ) -> Result<Vec<FileTrack>, MidiError> {
        let mut tracks = Vec::new();
        let mut at = header.end;
        while at < bytes.len() {
            match chunks::chunk_at(bytes, at) {
                Some((chunks::TRACK, end)) => {
                    let index = tracks.len();
                    check("file tracks", index as u64 + 1, context.limits.tracks, Some(index))?;
                    let (track, next) = self.track(bytes, at + 8, end, index, context)?;
                    tracks.push(track);
                    at = next;
                }
                Some((_, end)) if end <= bytes.len() => {
                    context.report.skip(Skipped::UnknownChunk, None, at);
                    at = end;
                }
                _ => {
                    let is_track = bytes.get(at..).is_some_and(|b| b.starts_with(chunks::TRACK));
                    if is_track {
                        self.damage("a track's header is cut short", at, tracks.len(), context)?;
                        break;
                    }
                    context.report.repair(Repair::StrayBytes, None, at);
                    match chunks::find_track(bytes, at) {
                        Some(next) => at = next,
                        None => break,
                    }
                }
            }
        }
        Ok(tracks)
    }

    /// Reads the track chunk whose events begin at `start` and should end at `declared_end`; also
    /// says where to look for the next chunk.
    fn track(
        &self,
        bytes: &[u8],
        start: usize,
        declared_end: usize,
        index: usize,
        context: &mut Context<'_>,
    ) -> Result<(FileTrack, usize), MidiError> {
        // A length is believed if a chunk, or nothing, follows. Otherwise the events say where
        // the track ends, at the latest before the next thing that looks like a track.
        let is_believed = chunks::is_boundary(bytes, declared_end);
        let limit =
            if is_believed { declared_end } else { chunks::find_track(bytes, start).unwrap_or(bytes.len()) };
        let visible = bytes.get(..limit).unwrap_or(bytes);
        let (track, stop, position) = track::read_track(visible, start, index, context)?;
        let report = &mut context.report;
        let next = match stop {
            Stop::EndOfTrack | Stop::HalfEndOfTrack => {
                if stop == Stop::HalfEndOfTrack {
                    report.repair(Repair::MissingEndOfTrack, Some(index), position);
                }
                let swallows_track =
                    || bytes.get(position..).is_some_and(|rest| rest.starts_with(chunks::TRACK));
                if position == declared_end {
                    position
                } else if is_believed && !swallows_track() {
                    report.repair(Repair::DataAfterEndOfTrack, Some(index), position);
                    declared_end
                } else {
                    report.repair(Repair::TrackLength, Some(index), start.saturating_sub(4));
                    position
                }
            }
            Stop::EndOfBytes if declared_end > bytes.len() && limit == bytes.len() => {
                self.damage("the track is cut short by the end of the file", limit, index, context)?;
                limit
            }
            Stop::EndOfBytes => {
                if !is_believed {
                    report.repair(Repair::TrackLength, Some(index), start.saturating_sub(4));
                }
                report.repair(Repair::MissingEndOfTrack, Some(index), limit);
                limit
            }
            Stop::Damaged(damage) => {
                self.damage(damage.what, damage.offset, index, context)?;
                limit
            }
        };
        Ok((track, next))
    }

    fn damage(
        &self,
        what: &'static str,
        offset: usize,
        track: usize,
        context: &mut Context<'_>,
    ) -> Result<(), MidiError> {
        if !self.salvage {
            return Err(MidiError::Malformed { what, offset, track: Some(track) });
        }
        context.report.repair(Repair::DamagedTrack, Some(track), offset);
        Ok(())
    }
}

/// What is known and counted while one file is read.
#[derive(Debug)]
struct Context<'r> {
    limits: &'r Limits,
    report: ReadReport,
    events: u64,
    notes: u64,
    /// Of the score, not of the file.
    tracks: u64,
    /// The channel events of all file tracks, in the order of the file.
    channel_events: Vec<Event>,
    /// How many channels of file tracks there were so far.
    strips: u32,
}

impl<'r> Context<'r> {
    fn new(limits: &'r Limits, report: ReadReport, bytes: usize) -> Self {
        // A channel event takes three bytes or four as a rule.
        let channel_events = Vec::with_capacity(bytes / 4);
        Self { limits, report, events: 0, notes: 0, tracks: 0, channel_events, strips: 0 }
    }

    #[inline]
    fn count_events(&mut self, more: u64, track: Option<usize>) -> Result<(), MidiError> {
        self.events = self.events.saturating_add(more);
        check("events", self.events, self.limits.events, track)
    }

    #[inline]
    fn count_note(&mut self, track: impl Fn() -> usize) -> Result<(), MidiError> {
        self.notes += 1;
        if self.notes > self.limits.notes {
            check("notes", self.notes, self.limits.notes, Some(track()))?;
        }
        Ok(())
    }

    fn count_track(&mut self, track: usize) -> Result<(), MidiError> {
        self.tracks += 1;
        check("tracks", self.tracks, self.limits.tracks, Some(track))
    }
}

fn check(what: &'static str, value: u64, limit: u64, track: Option<usize>) -> Result<(), MidiError> {
    if value > limit { Err(MidiError::Limit { what, value, limit, track }) } else { Ok(()) }
}
