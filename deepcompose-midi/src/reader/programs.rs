//! Program changes: which one is in force on a channel, and which were made for nothing.

use deepcompose_core::{Program, Tick};

use crate::reader::context::Context;
use crate::reader::kinds::Skipped;
use crate::reader::strips::Song;

/// The program changes of a song by their place in [`Song::programs`], as its events are gone
/// through in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// The next one.
    next: usize,
    /// For each one whether something is played under it. One that sets what is set already counts
    /// as used: it changes nothing.
    used: Vec<bool>,
    /// For each strip its last change that changed something.
    current: Vec<Option<u32>>,
    /// For each channel its changes in order of time, each with the one that first set the same on
    /// its strip; made when first needed.
    by_channel: Option<Vec<Vec<(u32, u32)>>>,
}

impl Programs {
    /// Takes note of the next program change.
    pub(super) fn next(&mut self, song: &Song<'_>, changes_nothing: bool) {
        let Some(change) = song.programs.get(self.next) else { return };
        self.make_room(song);
        if let Some(used) = self.used.get_mut(self.next) {
            *used |= changes_nothing;
        }
        if let Some(current) = self.current.get_mut(change.strip as usize)
            && !changes_nothing
        {
            *current = Some(self.next as u32);
        }
        self.next += 1;
    }

    fn make_room(&mut self, song: &Song<'_>) {
        self.used.resize(song.programs.len(), false);
        self.current.resize(song.strips.len(), None);
    }

    fn current(&self, strip: u32) -> Option<usize> {
        self.current.get(strip as usize).copied().flatten().map(|c| c as usize)
    }

    /// Something is played under a strip's own last program change.
    pub(super) fn use_own(&mut self, strip: u32) {
        if let Some(used) = self.current(strip).and_then(|c| self.used.get_mut(c)) {
            *used = true;
        }
    }

    /// The program that another strip of the channel has set before the event at `tick` and `order`,
    /// which is played under it.
    pub(super) fn use_other(
        &mut self,
        song: &Song<'_>,
        strip: u32,
        tick: Tick,
        order: u32,
    ) -> Option<Program> {
        if song.programs.is_empty() {
            return None;
        }
        self.make_room(song);
        let channel = song.strips.get(strip as usize)?.channel_id;
        let by_channel = self.by_channel.get_or_insert_with(|| by_channel(song));
        let changes = by_channel.get(channel as usize)?;
        let is_before = |(change, _): &(u32, u32)| {
            song.programs.get(*change as usize).is_some_and(|c| (c.tick, c.order) < (tick, order))
        };
        let last = changes.partition_point(is_before).checked_sub(1)?;
        let (change, first) = *changes.get(last)?;
        if let Some(used) = self.used.get_mut(first as usize) {
            *used = true;
        }
        song.programs.get(change as usize).map(|c| c.program)
    }

    /// Whether nothing is played under a strip's own last program change.
    pub(super) fn is_unused(&self, strip: u32) -> bool {
        self.current(strip).is_some_and(|c| self.used.get(c) == Some(&false))
    }

    pub(super) fn report_unused(&self, song: &Song<'_>, context: &mut Context<'_>) {
        for (change, _) in song.programs.iter().zip(&self.used).filter(|(_, used)| !**used) {
            context.skip(Skipped::UnusedProgram, song.file_track(change.strip), change.offset as usize);
        }
    }
}

fn by_channel(song: &Song<'_>) -> Vec<Vec<(u32, u32)>> {
    let mut out = vec![Vec::new(); song.channels()];
    let mut of_strip: Vec<Option<(Program, u32)>> = vec![None; song.strips.len()];
    for (index, change) in (0u32..).zip(&song.programs) {
        let Some(strip) = song.strips.get(change.strip as usize) else { continue };
        let Some(last) = of_strip.get_mut(change.strip as usize) else { continue };
        let first = last.filter(|(p, _)| *p == change.program).map_or(index, |(_, first)| first);
        *last = Some((change.program, first));
        if let Some(changes) = out.get_mut(strip.channel_id as usize) {
            changes.push((index, first));
        }
    }
    for changes in &mut out {
        changes
            .sort_unstable_by_key(|(index, _)| song.programs.get(*index as usize).map(|c| (c.tick, c.order)));
    }
    out
}
