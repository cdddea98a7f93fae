//! The chunk layer: wrapper, header, and where each chunk begins and ends.

use deepcompose_core::TicksPerQuarter;

use crate::error::MidiError;
use crate::reader::kinds::Repair;
use crate::reader::report::Timing;

pub(super) const TRACK: &[u8; 4] = b"MTrk";

/// The header chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Where it begins.
    pub(super) start: usize,
    pub(super) format: u16,
    pub(super) tracks: u16,
    pub(super) timing: Timing,
    /// Where the chunk ends.
    pub(super) end: usize,
    /// What had to be mended, where, and how many bytes were passed over.
    pub(super) repairs: Vec<(Repair, usize, usize)>,
}

/// The part of the bytes that is a Standard MIDI File: all of it, or the `data` chunk of a RIFF file
/// of form `RMID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapper {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the other chunks of a RIFF file are.
    pub(super) others: Vec<usize>,
}

/// Unwraps a file.
pub(super) fn unwrap(bytes: &[u8]) -> Result<Wrapper, MidiError> {
    if bytes.is_empty() {
        return Err(malformed("the file is empty", 0));
    }
    if !bytes.starts_with(b"RIFF") {
        return Ok(Wrapper { start: 0, end: bytes.len(), others: Vec::new() });
    }
    if bytes.get(8..12) != Some(b"RMID") {
        return Err(malformed("a RIFF file, but not one of form RMID", 8));
    }
    let mut at = 12;
    let (mut data, mut others) = (None, Vec::new());
    while let Some(length) = bytes.get(at + 4..at + 8).and_then(|b| b.try_into().ok()) {
        let length = u32::from_le_bytes(length) as usize;
        let body = at + 8;
        if data.is_none() && bytes.get(at..at + 4) == Some(b"data") {
            data = Some((body, body.saturating_add(length).min(bytes.len())));
        } else {
            others.push(at);
        }
        // RIFF chunks are padded to an even length.
        at = body.saturating_add(length).saturating_add(length & 1);
        if at >= bytes.len() {
            break;
        }
    }
    let (start, end) = data.ok_or_else(|| malformed("a RIFF file with no MIDI data in it", bytes.len()))?;
    Ok(Wrapper { start, end, others })
}

/// Reads the header chunk at `start`, or behind other bytes.
pub(super) fn header(bytes: &[u8], start: usize) -> Result<Header, MidiError> {
    let mut repairs = Vec::new();
    let start = if bytes.get(start..start + 4) == Some(b"MThd") {
        start
    } else {
        // A wrapper, perhaps: that of a Macintosh is 128 bytes. No header could be plainer.
        let found = find(bytes, start, b"MThd\0\0\0\x06")
            .ok_or_else(|| malformed("it does not begin with MThd, as a Standard MIDI File does", start))?;
        repairs.push((Repair::StrayBytes, start, found - start));
        found
    };
    let cut_short = || malformed("the header is cut short", bytes.len());
    let length = be_u32(bytes, start + 4).ok_or_else(cut_short)?;
    let fields = bytes.get(start + 8..start + 14);
    let has_track_next = bytes.get(start + 14..).is_some_and(|b| b.starts_with(TRACK));
    if length < 6 && !has_track_next {
        return Err(malformed("the header chunk is shorter than six bytes", start + 4));
    }
    let &[f0, f1, t0, t1, d0, d1] = fields.ok_or_else(cut_short)? else { return Err(cut_short()) };
    let declared = (start + 8).saturating_add(length as usize);
    let end = match length {
        6 => declared,
        7.. if is_boundary(bytes, declared) || (declared <= bytes.len() && !has_track_next) => {
            repairs.push((Repair::LongHeader, start + 4, declared - (start + 14)));
            declared
        }
        _ if has_track_next => {
            repairs.push((Repair::HeaderLength, start + 4, 0));
            start + 14
        }
        _ => return Err(cut_short()),
    };
    let format = u16::from_be_bytes([f0, f1]);
    if format > 2 {
        repairs.push((Repair::UnknownType, start + 8, 0));
    }
    let timing = timing([d0, d1]).unwrap_or_else(|guess| {
        repairs.push((Repair::Division, start + 12, 0));
        guess
    });
    Ok(Header { start, format, tracks: u16::from_be_bytes([t0, t1]), timing, end, repairs })
}

/// What a division says, or else what it is taken for.
fn timing([high, low]: [u8; 2]) -> Result<Timing, Timing> {
    let unknown = Timing::Metrical { ticks_per_quarter: TicksPerQuarter::DEFAULT.get() };
    if high < 0x80 {
        return match u16::from_be_bytes([high, low]) {
            0 => Err(unknown),
            ticks_per_quarter => Ok(Timing::Metrical { ticks_per_quarter }),
        };
    }
    // The upper byte is the negated frame rate.
    match (high.wrapping_neg(), low) {
        (_, 0) => Err(unknown),
        (frames @ (24 | 25 | 29 | 30), ticks_per_frame) => Ok(Timing::Smpte { frames, ticks_per_frame }),
        (frames, ticks_per_frame) => Err(Timing::Smpte { frames, ticks_per_frame }),
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
    find(bytes, from, TRACK)
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|w| w == what).map(|at| from + at)
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

fn malformed(what: &'static str, offset: usize) -> MidiError {
    MidiError::Malformed { what, offset, track: None }
}
