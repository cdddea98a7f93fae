//! The chunks of a file, one after the other, to songs.

use crate::error::MidiError;
use crate::reader::Reader;
use crate::reader::chunks::{self, Header};
use crate::reader::context::{Context, check};
use crate::reader::kinds::{Repair, Skipped};
use crate::reader::report::ReadReport;
use crate::reader::strips::Song;
use crate::reader::track::{Stop, read_track};

/// Reads all chunks. One song, or one for each file track if the file is of type 2 and
/// `separates_patterns`.
pub(super) fn read_file<'a, 'r>(
    bytes: &'a [u8],
    reader: &'r Reader,
    separates_patterns: bool,
) -> Result<(Vec<Song<'a>>, Context<'r>), MidiError> {
    let wrapper = chunks::unwrap(bytes)?;
    let bytes = bytes.get(..wrapper.end).unwrap_or(bytes);
    let header = chunks::header(bytes, wrapper.start)?;
    let mut context = Context::new(reader, ReadReport::new(header.format, header.timing));
    for offset in wrapper.others {
        context.skip(Skipped::RiffChunk, None, offset);
    }
    for (repair, offset, passed_over) in &header.repairs {
        context.mend(*repair, repair.what(), None, *offset, *passed_over);
    }
    let songs = Vec::new();
    let separates = header.format == 2 && separates_patterns;
    let mut file = FileReader { bytes, songs, separates, tracks: 0, context };
    file.chunks(header.end)?;
    file.check_header(&header)?;
    Ok((file.songs, file.context))
}

struct FileReader<'a, 'r> {
    bytes: &'a [u8],
    songs: Vec<Song<'a>>,
    /// Whether each file track is a song.
    separates: bool,
    /// How many there were so far.
    tracks: usize,
    context: Context<'r>,
}

impl<'a> FileReader<'a, '_> {
    /// Reads every track chunk from `at` on.
    fn chunks(&mut self, mut at: usize) -> Result<(), MidiError> {
        let bytes = self.bytes;
        while at < bytes.len() {
            match chunks::chunk_at(bytes, at) {
                Some((chunks::TRACK, end)) => at = self.track(at + 8, end)?,
                Some((_, end)) if end <= bytes.len() => {
                    self.context.skip(Skipped::UnknownChunk, None, at);
                    at = end;
                }
                _ if bytes.get(at..).is_some_and(|b| b.starts_with(chunks::TRACK)) => {
                    let what = "a track's header is cut short";
                    let passed_over = bytes.len() - at;
                    self.context.mend(Repair::DamagedTrack, what, Some(self.tracks), at, passed_over);
                    return Ok(());
                }
                _ => {
                    let next = chunks::find_track(bytes, at).unwrap_or(bytes.len());
                    let what = Repair::StrayBytes.what();
                    self.context.mend(Repair::StrayBytes, what, None, at, next - at);
                    at = next;
                }
            }
        }
        Ok(())
    }

    /// Reads the track chunk whose events begin at `start` and should end at `declared_end`; says
    /// where to look for the next chunk.
    fn track(&mut self, start: usize, declared_end: usize) -> Result<usize, MidiError> {
        let (bytes, index) = (self.bytes, self.tracks);
        check("file tracks", index as u64 + 1, self.context.limits.tracks, Some(index))?;
        self.tracks += 1;
        // A length is believed if a chunk, or nothing, follows. Otherwise the events say where
        // the track ends, at the latest before the next thing that looks like a track.
        let is_believed = chunks::is_boundary(bytes, declared_end);
        let limit =
            if is_believed { declared_end } else { chunks::find_track(bytes, start).unwrap_or(bytes.len()) };
        let visible = bytes.get(..limit).unwrap_or(bytes);
        if self.songs.is_empty() || self.separates {
            self.songs.push(Song::default());
        }
        let Some(song) = self.songs.last_mut() else { return Ok(limit) };
        // An event takes three or four bytes as a rule, and sixteen in memory.
        let coming = if self.separates { limit } else { bytes.len() };
        song.events.reserve(coming.saturating_sub(start) / 4);
        let (stop, position) = read_track(visible, start, index, song, &mut self.context)?;
        if self.separates {
            // Each song would keep room for the rest of the file.
            song.events.shrink_to_fit();
        }
        Ok(match stop {
            Stop::EndOfTrack | Stop::HalfEndOfTrack => {
                if stop == Stop::HalfEndOfTrack {
                    self.repair(Repair::MissingEndOfTrack, position, 0);
                }
                let swallows_track =
                    || bytes.get(position..).is_some_and(|rest| rest.starts_with(chunks::TRACK));
                if position == declared_end {
                    position
                } else if is_believed && !swallows_track() {
                    self.repair(Repair::DataAfterEndOfTrack, position, declared_end - position);
                    declared_end
                } else {
                    self.repair(Repair::TrackLength, start.saturating_sub(4), 0);
                    position
                }
            }
            Stop::EndOfBytes if declared_end > bytes.len() && limit == bytes.len() => {
                self.damage("the track is cut short by the end of the file", limit, 0);
                limit
            }
            Stop::EndOfBytes => {
                if !is_believed {
                    self.repair(Repair::TrackLength, start.saturating_sub(4), 0);
                }
                self.repair(Repair::MissingEndOfTrack, limit, 0);
                limit
            }
            Stop::Damaged { start, damage } => {
                self.damage(damage.what, damage.offset, limit - start);
                limit
            }
        })
    }

    fn repair(&mut self, repair: Repair, offset: usize, passed_over: usize) {
        self.context.mend(repair, repair.what(), Some(self.tracks - 1), offset, passed_over);
    }

    fn damage(&mut self, what: &'static str, offset: usize, passed_over: usize) {
        self.context.mend(Repair::DamagedTrack, what, Some(self.tracks - 1), offset, passed_over);
    }

    /// Compares what the header says with what was there.
    fn check_header(&mut self, header: &Header) -> Result<(), MidiError> {
        let (promised, found) = (usize::from(header.tracks), self.tracks);
        self.context.report.set_file_tracks(found);
        if found == 0 && promised > 0 {
            let what = "the file ends before the tracks that its header promises";
            return Err(MidiError::Malformed { what, offset: self.bytes.len(), track: Some(0) });
        }
        if found != promised {
            self.context.repair(Repair::TrackCount, None, header.start + 10);
        }
        if header.format == 0 && found > 1 {
            self.context.repair(Repair::TracksInType0, None, header.start + 8);
        }
        if header.format == 2 && found > 1 && !self.separates {
            self.context.repair(Repair::PatternsTogether, None, header.start + 8);
        }
        Ok(())
    }
}
