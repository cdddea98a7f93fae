//! The chunk layer: wrapper, header, and where each chunk begins and ends.

use crate::error::MidiError;
use crate::reader::report::Timing;

pub(super) const TRACK: &[u8; 4] = b"MTrk";

/// The header chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: u16,
    pub(super) tracks: u16,
    pub(super) timing: Timing,
    /// Where the chunk ends.
    pub(super) end: usize,
    pub(super) is_long: bool,
}

/// The part of `bytes` that is a Standard MIDI File, as `(start, end)`: all of it, or the `data`
/// chunk of a RIFF file of form `RMID`.
pub(super) fn smf_range(bytes: &[u8]) -> Result<(usize, usize), MidiError> {
    if bytes.is_empty() {
        return Err(malformed("the file is empty", 0));
    }
    if !bytes.starts_with(b"RIFF") {
        return Ok((0, bytes.len()));
    }
    if bytes.get(8..12) != Some(b"RMID") {
        return Err(malformed("a RIFF file, but not one of form RMID", 8));
    }
    let mut at = 12;
    while let Some(length) = bytes.get(at + 4..at + 8).and_then(|b| b.try_into().ok()) {
        let length = u32::from_le_bytes(length) as usize;
        let body = at + 8;
        if bytes.get(at..at + 4) == Some(b"data") {
            return Ok((body, body.saturating_add(length).min(bytes.len())));
        }
        // RIFF chunks are padded to an even length.
        at = body.saturating_add(length).saturating_add(length & 1);
        if at >= bytes.len() {
            break;
        }
    }
    Err(malformed("a RIFF file with no MIDI data in it", bytes.len()))
}

/// Reads the header chunk at `start`.
pub(super) fn header(bytes: &[u8], start: usize) -> Result<Header, MidiError> {
    if bytes.get(start..start + 4) != Some(b"MThd") {
        return Err(malformed("it does not begin with MThd, as a Standard MIDI File does", start));
    }
    let cut_short = || malformed("the header is cut short", bytes.len());
    let length = be_u32(bytes, start + 4).ok_or_else(cut_short)?;
    if length < 6 {
        return Err(malformed("the header chunk is shorter than six bytes", start + 4));
    }
    let format = be_u16(bytes, start + 8).ok_or_else(cut_short)?;
    let tracks = be_u16(bytes, start + 10).ok_or_else(cut_short)?;
    let division = be_u16(bytes, start + 12).ok_or_else(cut_short)?;
    let end = (start + 8).saturating_add(length as usize);
    if end > bytes.len() {
        return Err(cut_short());
    }
    if format > 2 {
        return Err(MidiError::Unsupported { what: format!("file type {format}; types 0, 1 and 2 exist") });
    }
    Ok(Header { format, tracks, timing: timing(division, start + 12)?, end, is_long: length > 6 })
}

fn timing(division: u16, offset: usize) -> Result<Timing, MidiError> {
    let [high, low] = division.to_be_bytes();
    if high < 0x80 {
        return match division {
            0 => Err(malformed("the division is 0 ticks a quarter note", offset)),
            ticks_per_quarter => Ok(Timing::Metrical { ticks_per_quarter }),
        };
    }
    // The upper byte is the negated frame rate.
    match (high.wrapping_neg(), low) {
        (_, 0) => Err(malformed("the division is 0 ticks a SMPTE frame", offset)),
        (frames @ (24 | 25 | 29 | 30), ticks_per_frame) => Ok(Timing::Smpte { frames, ticks_per_frame }),
        _ => Err(malformed("the division has a SMPTE frame rate other than 24, 25, 29 and 30", offset)),
    }
}

/// Whether a chunk could begin at `at`, or the file ends there.
pub(super) fn is_boundary(bytes: &[u8], at: usize) -> bool {
    match chunk_at(bytes, at) {
        None => at == bytes.len(),
        Some((TRACK, _)) => true,
        // Four printable bytes are weak evidence: what follows must look right, too.
        Some((_, end)) => {
            end == bytes.len() || matches!(chunk_at(bytes, end), Some((_, next)) if next <= bytes.len())
        }
    }
}

/// The name and the end of the chunk at `at`, if its name is of printable characters. The end may
/// lie past the end of the file.
pub(super) fn chunk_at(bytes: &[u8], at: usize) -> Option<(&[u8; 4], usize)> {
    let name: &[u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    let length = be_u32(bytes, at + 4)?;
    name.iter().all(|b| (0x20..0x7F).contains(b)).then(|| (name, (at + 8).saturating_add(length as usize)))
}

/// Where the next track chunk begins, at or after `from`.
pub(super) fn find_track(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(TRACK.len()).position(|w| w == TRACK).map(|i| from + i)
}

fn be_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_be_bytes)
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

fn malformed(what: &'static str, offset: usize) -> MidiError {
    MidiError::Malformed { what, offset, track: None }
}
