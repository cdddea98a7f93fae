//! What is known and counted while one file is read.

use crate::error::MidiError;
use crate::reader::Reader;
use crate::reader::kinds::{Repair, Skipped};
use crate::reader::limits::Limits;
use crate::reader::notes::Overlaps;
use crate::reader::report::ReadReport;

#[derive(Debug)]
pub(super) struct Context<'r> {
    pub(super) limits: &'r Limits,
    pub(super) overlaps: Overlaps,
    pub(super) report: ReadReport,
    events: u64,
    notes: u64,
    /// Of the score, not of the file.
    tracks: u64,
    text_bytes: u64,
    damage: Option<(&'static str, Option<usize>, usize)>,
}

impl<'r> Context<'r> {
    pub(super) fn new(reader: &'r Reader, report: ReadReport) -> Self {
        let Reader { limits, overlaps, .. } = reader;
        let (events, notes, tracks, text_bytes) = (0, 0, 0, 0);
        Self { limits, overlaps: *overlaps, report, events, notes, tracks, text_bytes, damage: None }
    }

    #[inline]
    pub(super) fn count_events(&mut self, more: u64, track: usize) -> Result<(), MidiError> {
        self.events = self.events.saturating_add(more);
        check("events", self.events, self.limits.events, Some(track))
    }

    #[inline]
    pub(super) fn count_note(&mut self, track: impl FnOnce() -> Option<usize>) -> Result<(), MidiError> {
        self.notes += 1;
        if self.notes > self.limits.notes {
            return check("notes", self.notes, self.limits.notes, track());
        }
        Ok(())
    }

    pub(super) fn count_track(&mut self, track: usize) -> Result<(), MidiError> {
        self.tracks += 1;
        check("tracks", self.tracks, self.limits.tracks, Some(track))
    }

    pub(super) fn count_text(&mut self, bytes: usize, track: usize) -> Result<(), MidiError> {
        self.text_bytes = self.text_bytes.saturating_add(bytes as u64);
        check("bytes of text and raw events", self.text_bytes, self.limits.text_bytes, Some(track))
    }

    pub(super) fn check_strips(&self, strips: u64, track: usize) -> Result<(), MidiError> {
        check("channels in use", strips, self.limits.tracks, Some(track))
    }

    #[cold]
    pub(super) fn repair(&mut self, repair: Repair, track: Option<usize>, offset: usize) {
        self.mend(repair, repair.what(), track, offset, 0);
    }

    /// Reports a repair, why it was made, and how many bytes were passed over.
    #[cold]
    pub(super) fn mend(
        &mut self,
        repair: Repair,
        what: &'static str,
        track: Option<usize>,
        offset: usize,
        bytes: usize,
    ) {
        self.report.repair(repair, track, offset, bytes as u64);
        let is_first = self.damage.is_none_or(|(_, _, first)| offset < first);
        if repair.is_damage() && is_first {
            self.damage = Some((what, track, offset));
        }
    }

    /// The first damage in the file, as an error.
    pub(super) fn first_damage(&self) -> Option<MidiError> {
        self.damage.map(|(what, track, offset)| MidiError::Malformed { what, offset, track })
    }

    #[cold]
    pub(super) fn skip(&mut self, skipped: Skipped, track: Option<usize>, offset: usize) {
        self.report.skip(skipped, track, offset);
    }
}

#[inline]
pub(super) fn check(
    what: &'static str,
    value: u64,
    limit: u64,
    track: Option<usize>,
) -> Result<(), MidiError> {
    if value > limit { Err(MidiError::Limit { what, value, limit, track }) } else { Ok(()) }
}
