//! Which track of the score each channel event belongs to.
//!
//! A *strip* is one channel within one file track; a *part* is what one program plays on a strip,
//! and becomes a track of the score.

use std::collections::HashMap;

use deepcompose_core::{At, ControlChange, Note, Pitch, PitchBend, Program, Tick, Velocity};

use crate::error::MidiError;
use crate::reader::Context;
use crate::reader::in_force::{Control, InForce, PEDALS};
use crate::reader::report::{Repair, Skipped};
use crate::reader::track::Channel;

/// When something comes: its place in the order of events, and where it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) order: u32,
    pub(super) tick: Tick,
    pub(super) offset: usize,
}

#[derive(Debug)]
pub(super) struct Strip {
    pub(super) file_track: usize,
    pub(super) channel: Channel,
    /// Set by a program change in this very file track.
    program: Option<Program>,
    /// Where the last program change stands that nothing has been played under so far.
    unused_program: Option<usize>,
    /// Controls that wait for the part they belong to: those before the first note after a program
    /// change, and bank selects, which are there for the next program change.
    waiting: Vec<(Moment, Control)>,
    is_settled: bool,
    /// The part of the last note.
    part: Option<usize>,
    /// Other parts and the pedals that hold their notes.
    held: Vec<(usize, u8)>,
    in_force: InForce,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) strip: usize,
    pub(super) program: Program,
    notes: Vec<Note>,
    controls: Vec<(u32, At<Control>)>,
    in_force: InForce,
}

impl Part {
    /// Begins a note, whose length is set later; gives its place.
    pub(super) fn begin(&mut self, start: Tick, pitch: Pitch, velocity: Velocity) -> u32 {
        self.notes.push(Note { start, pitch, duration: Tick::ZERO, velocity });
        // Notes are events, and those are counted in 32 bits.
        (self.notes.len() - 1) as u32
    }

    /// Its notes, sorted. They have begun in order of time, so only chords are left to be sorted.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        let mut notes = std::mem::take(&mut self.notes);
        for chord in notes.chunk_by_mut(|a, b| a.start == b.start) {
            if chord.len() > 1 {
                chord.sort_unstable();
            }
        }
        notes
    }

    /// Its control changes and its pitch bends in the order of the file.
    pub(super) fn take_controls(&mut self) -> (Vec<At<ControlChange>>, Vec<At<PitchBend>>) {
        let mut all = std::mem::take(&mut self.controls);
        all.sort_by_key(|(order, _)| *order);
        let (mut changes, mut bends) = (Vec::new(), Vec::new());
        for (_, At { tick, value }) in all {
            match value {
                Control::Change(value) => changes.push(At { tick, value }),
                Control::Bend(value) => bends.push(At { tick, value }),
            }
        }
        (changes, bends)
    }
}

/// The strips and parts of a score as they come up in the file.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) strips: Vec<Strip>,
    pub(super) parts: Vec<Part>,
    part_of: HashMap<(usize, Program), usize>,
    /// The program that any file track has last set on each [`Channel::index`], and the strip that
    /// did.
    programs: Vec<Option<(Program, usize)>>,
}

impl Parts {
    /// Adds the strips of a file track.
    pub(super) fn add_strips(
        &mut self,
        file_track: usize,
        channels: Vec<Channel>,
        context: &Context<'_>,
    ) -> Result<(), MidiError> {
        let strips = (self.strips.len() + channels.len()) as u64;
        super::check("channels in use", strips, context.limits.tracks, Some(file_track))?;
        let last = channels.iter().map(|channel| channel.index() + 1).max().unwrap_or(0);
        if self.programs.len() < last {
            self.programs.resize(last, None);
        }
        self.strips.extend(channels.into_iter().map(|channel| Strip {
            file_track,
            channel,
            program: None,
            unused_program: None,
            waiting: Vec::new(),
            is_settled: false,
            part: None,
            held: Vec::new(),
            in_force: InForce::default(),
        }));
        Ok(())
    }

    pub(super) fn program(&mut self, strip: usize, program: Program, at: Moment, context: &mut Context<'_>) {
        let Some(s) = self.strips.get_mut(strip) else { return };
        if let Some(slot) = self.programs.get_mut(s.channel.index()) {
            *slot = Some((program, strip));
        }
        if s.program == Some(program) {
            return;
        }
        s.program = Some(program);
        s.is_settled = false;
        if let Some(offset) = s.unused_program.replace(at.offset) {
            context.report.skip(Skipped::UnusedProgram, Some(s.file_track), offset);
        }
    }

    /// The end of the last note.
    pub(super) fn end(&self) -> Option<Tick> {
        self.parts.iter().flat_map(|part| &part.notes).map(Note::end).max()
    }

    pub(super) fn end_note(&mut self, part: u32, index: u32, end: Tick) {
        let part = self.parts.get_mut(part as usize);
        if let Some(note) = part.and_then(|part| part.notes.get_mut(index as usize)) {
            note.duration = end.saturating_sub(note.start);
        }
    }

    pub(super) fn control(
        &mut self,
        strip: usize,
        control: Control,
        at: Moment,
        context: &mut Context<'_>,
    ) -> Result<(), MidiError> {
        self.release_others(strip, control, at, context)?;
        let Some(s) = self.strips.get_mut(strip) else { return Ok(()) };
        let is_bank = matches!(control, Control::Change(c) if matches!(c.controller(), 0 | 32));
        match s.part {
            Some(part) if s.is_settled && !is_bank => self.give(strip, part, control, at),
            _ => s.waiting.push((at, control)),
        }
        Ok(())
    }

    /// The part of a note that begins now on a strip.
    pub(super) fn part_of_note(
        &mut self,
        strip: usize,
        at: Moment,
        context: &mut Context<'_>,
    ) -> Result<usize, MidiError> {
        let Some(s) = self.strips.get_mut(strip) else { return Ok(0) };
        s.unused_program = None;
        let program = match (s.program, self.programs.get(s.channel.index())) {
            (Some(program), _) => program,
            (None, Some(&Some((program, by)))) => {
                if let Some(other) = self.strips.get_mut(by) {
                    other.unused_program = None;
                }
                program
            }
            (None, _) => Program::MIN,
        };
        if let Some(s) = self.strips.get(strip)
            && s.is_settled
            && s.waiting.is_empty()
            && let Some(part) = s.part
            && self.parts.get(part).is_some_and(|p| p.program == program)
        {
            return Ok(part);
        }
        let part = self.part(strip, program, context)?;
        self.settle(strip, part, at, context)?;
        Ok(part)
    }

    fn part(
        &mut self,
        strip: usize,
        program: Program,
        context: &mut Context<'_>,
    ) -> Result<usize, MidiError> {
        if let Some(&part) = self.part_of.get(&(strip, program)) {
            return Ok(part);
        }
        context.count_track(self.strips.get(strip).map_or(0, |s| s.file_track))?;
        let part = self.parts.len();
        let in_force = InForce::default();
        self.parts.push(Part { strip, program, notes: Vec::new(), controls: Vec::new(), in_force });
        self.part_of.insert((strip, program), part);
        Ok(part)
    }

    /// Makes `part` the one that plays, and gives it what waits for it.
    fn settle(
        &mut self,
        strip: usize,
        part: usize,
        at: Moment,
        context: &mut Context<'_>,
    ) -> Result<(), MidiError> {
        let Some(s) = self.strips.get_mut(strip) else { return Ok(()) };
        let left = s.part.filter(|old| *old != part);
        if let Some((old, p)) = left.and_then(|old| Some((old, self.parts.get(old)?))) {
            s.held.retain(|(index, _)| *index != part);
            s.held.extend(PEDALS.filter(|pedal| p.in_force.is_down(*pedal)).map(|pedal| (old, pedal)));
        }
        s.part = Some(part);
        s.is_settled = true;
        let waiting = std::mem::take(&mut s.waiting);
        if left.is_some() {
            // Before what waits, which may change it again.
            let from = waiting.first().map_or(at, |(first, _)| *first);
            let missing = match self.parts.get(part) {
                Some(p) => p.in_force.missing_from(&s.in_force),
                None => Vec::new(),
            };
            if !missing.is_empty() {
                context.report.repair(Repair::ControlsCarried, Some(s.file_track), at.offset);
                context.count_events(missing.len() as u64, Some(s.file_track))?;
            }
            for control in missing {
                self.give(strip, part, control, from);
            }
        }
        for (at, control) in waiting {
            self.give(strip, part, control, at);
        }
        Ok(())
    }

    fn give(&mut self, strip: usize, part: usize, control: Control, at: Moment) {
        if let Some(s) = self.strips.get_mut(strip) {
            s.in_force.set(control);
        }
        if let Some(p) = self.parts.get_mut(part) {
            p.in_force.set(control);
            p.controls.push((at.order, At { tick: at.tick, value: control }));
        }
    }

    /// Lifts a pedal in the parts of a strip that do not play now but are still held by it.
    fn release_others(
        &mut self,
        strip: usize,
        control: Control,
        at: Moment,
        context: &mut Context<'_>,
    ) -> Result<(), MidiError> {
        let Control::Change(change) = control else { return Ok(()) };
        let Some(s) = self.strips.get_mut(strip) else { return Ok(()) };
        if s.held.is_empty() || !PEDALS.contains(&change.controller()) || change.value() >= 64 {
            return Ok(());
        }
        for (index, _) in s.held.extract_if(.., |(_, pedal)| *pedal == change.controller()) {
            if let Some(part) = self.parts.get_mut(index) {
                part.in_force.set(control);
                part.controls.push((at.order, At { tick: at.tick, value: control }));
                context.report.repair(Repair::ControlsCarried, Some(s.file_track), at.offset);
                context.count_events(1, Some(s.file_track))?;
            }
        }
        Ok(())
    }

    /// Gives away the controls that still wait, and makes a part for each file track that sets a
    /// program and plays nothing.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) -> Result<(), MidiError> {
        // The first part of each strip: what moves was, as a rule, set up before the piece.
        let mut played: HashMap<Channel, Vec<usize>> = HashMap::new();
        let mut strip_seen = vec![false; self.strips.len()];
        for (index, part) in self.parts.iter().enumerate() {
            let is_first = strip_seen.get_mut(part.strip).is_some_and(|seen| !std::mem::replace(seen, true));
            if let Some(s) = self.strips.get(part.strip).filter(|_| is_first) {
                played.entry(s.channel).or_default().push(index);
            }
        }
        for strip in 0..self.strips.len() {
            let Some(s) = self.strips.get_mut(strip) else { continue };
            let (file_track, own) = (s.file_track, s.part);
            let program = s.program.unwrap_or(Program::MIN);
            let waiting = std::mem::take(&mut s.waiting);
            let Some((first, _)) = waiting.first() else { continue };
            let targets = match (own, played.get(&s.channel)) {
                (Some(part), _) => vec![part],
                (None, Some(others)) => {
                    context.report.repair(Repair::ControlsMoved, Some(file_track), first.offset);
                    context.count_events((waiting.len() * others.len()) as u64, Some(file_track))?;
                    others.clone()
                }
                (None, None) => {
                    let part = self.part(strip, program, context)?;
                    if let Some(s) = self.strips.get_mut(strip) {
                        s.part = Some(part);
                        s.unused_program = None;
                    }
                    vec![part]
                }
            };
            for part in targets {
                for &(at, control) in &waiting {
                    self.give(strip, part, control, at);
                }
            }
        }
        self.finish_programs(context)
    }

    fn finish_programs(&mut self, context: &mut Context<'_>) -> Result<(), MidiError> {
        // How many strips of each file track set a program, and whether any of them plays.
        let mut of_track: HashMap<usize, (usize, bool)> = HashMap::new();
        for s in &self.strips {
            let (programs, plays) = of_track.entry(s.file_track).or_default();
            *programs += usize::from(s.program.is_some());
            *plays |= s.part.is_some();
        }
        for strip in 0..self.strips.len() {
            let Some(s) = self.strips.get_mut(strip) else { continue };
            let (Some(offset), Some(program)) = (s.unused_program.take(), s.program) else { continue };
            let file_track = s.file_track;
            if of_track.get(&file_track) == Some(&(1, false)) {
                self.part(strip, program, context)?;
            } else {
                context.report.skip(Skipped::UnusedProgram, Some(file_track), offset);
            }
        }
        Ok(())
    }
}
