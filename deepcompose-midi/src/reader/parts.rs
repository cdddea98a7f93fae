//! Which track of the score each channel event belongs to.
//!
//! A *part* is what one program plays on a strip, and becomes a track of the score. Each strip is
//! looked at by itself, in the order of the file; what other strips of its channel have to say (a
//! program, controls for those that play) is looked up by time.

use deepcompose_core::{Note, Program, Tick};

use crate::error::MidiError;
use crate::reader::context::Context;
use crate::reader::in_force::{Control, InForce, PEDALS};
use crate::reader::kinds::Repair;
use crate::reader::notes::Keys;
use crate::reader::programs::Programs;
use crate::reader::strips::{Event, Song};

/// A control and its event's place in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) tick: Tick,
    pub(super) order: u32,
    pub(super) offset: u32,
    pub(super) control: Control,
}

/// What is known of a strip while its events are gone through.
#[derive(Debug, Default)]
pub(super) struct StripState {
    /// Set by a program change of its own.
    program: Option<Program>,
    /// The parts by their programs.
    parts: Vec<(Program, u32)>,
    /// Controls that wait for the part they belong to: those before the first note after a program
    /// change, and bank selects, which are there for the next program change.
    waiting: Vec<Placed>,
    is_settled: bool,
    /// The part of the last note.
    part: Option<u32>,
    /// Other parts and the pedals that hold their notes.
    held: Vec<(u32, u8)>,
    in_force: InForce,
    pub(super) keys: Keys,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) strip: u32,
    pub(super) program: Program,
    /// In the order of their note ons.
    pub(super) notes: Vec<Note>,
    pub(super) controls: Vec<Placed>,
    /// What the first `in_force_of` of the controls come to.
    in_force: InForce,
    in_force_of: usize,
}

/// The strips and parts of a song.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    pub(super) strips: Vec<StripState>,
    pub(super) programs: Programs,
}

impl Parts {
    pub(super) fn new(song: &Song<'_>) -> Self {
        let strips = song.strips.iter().map(|_| StripState::default()).collect();
        Self { parts: Vec::new(), strips, programs: Programs::default() }
    }

    pub(super) fn program(&mut self, song: &Song<'_>, event: &Event) {
        let program = Program::saturating(event.data[0].into());
        let Some(s) = self.strips.get_mut(event.strip as usize) else { return };
        self.programs.next(song, s.program == Some(program));
        if s.program != Some(program) {
            s.program = Some(program);
            s.is_settled = false;
        }
    }

    pub(super) fn control(
        &mut self,
        song: &Song<'_>,
        event: &Event,
        order: u32,
        context: &mut Context<'_>,
    ) -> Result<(), MidiError> {
        let Some(control) = Control::of_message(event.message, event.data) else { return Ok(()) };
        let placed = Placed { tick: event.tick, order, offset: event.offset, control };
        self.release_others(song, event.strip, placed, context)?;
        let Some(s) = self.strips.get_mut(event.strip as usize) else { return Ok(()) };
        let is_bank = matches!(control, Control::Change(c) if matches!(c.controller(), 0 | 32));
        match s.part {
            Some(part) if s.is_settled && !is_bank => give(&mut self.parts, part, placed),
            _ => s.waiting.push(placed),
        }
        Ok(())
    }

    /// The part of a note that begins now on a strip, if it is the one that has played so far and
    /// nothing waits for it.
    #[inline]
    pub(super) fn settled_part(&self, song: &Song<'_>, strip: u32) -> Option<u32> {
        let s = self.strips.get(strip as usize)?;
        let has_own = s.program.is_some() || song.programs.is_empty();
        s.part.filter(|_| s.is_settled && has_own && s.waiting.is_empty())
    }

    /// Finds the part that plays from now on, and gives it what waits for it.
    pub(super) fn settle(
        &mut self,
        song: &Song<'_>,
        event: &Event,
        order: u32,
        context: &mut Context<'_>,
    ) -> Result<u32, MidiError> {
        let strip = event.strip;
        let Some(own) = self.strips.get(strip as usize).map(|s| s.program) else { return Ok(0) };
        let program = match own {
            Some(program) => {
                self.programs.use_own(strip);
                program
            }
            None => self.programs.use_other(song, strip, event.tick, order).unwrap_or(Program::MIN),
        };
        let part = self.part(song, strip, program, context)?;
        let Some(s) = self.strips.get_mut(strip as usize) else { return Ok(part) };
        let left = s.part.filter(|old| *old != part);
        if let Some(p) = left.and_then(|old| self.parts.get_mut(old as usize)) {
            bring_up_to_date(s, p);
        }
        if let Some((old, p)) = left.and_then(|old| Some((old, self.parts.get(old as usize)?))) {
            s.held.retain(|(index, _)| *index != part);
            s.held.extend(PEDALS.filter(|pedal| p.in_force.is_down(*pedal)).map(|pedal| (old, pedal)));
        }
        s.part = Some(part);
        s.is_settled = true;
        let waiting = std::mem::take(&mut s.waiting);
        // A pedal may have been lifted since the program changed.
        for placed in &waiting {
            self.release_others(song, strip, *placed, context)?;
        }
        let Some(s) = self.strips.get_mut(strip as usize) else { return Ok(part) };
        if left.is_some() {
            // Before what waits, which may change it again.
            let (tick, from) = waiting.first().map_or((event.tick, order), |first| (first.tick, first.order));
            let missing = match self.parts.get(part as usize) {
                Some(p) => p.in_force.missing_from(&s.in_force),
                None => Vec::new(),
            };
            if !missing.is_empty() {
                let track = song.file_track(strip).unwrap_or_default();
                context.repair(Repair::ControlsCarried, Some(track), event.offset as usize);
                context.count_events(missing.len() as u64, track)?;
            }
            for control in missing {
                give(&mut self.parts, part, Placed { tick, order: from, offset: event.offset, control });
            }
        }
        for placed in waiting {
            give(&mut self.parts, part, placed);
        }
        Ok(part)
    }

    /// The part of a program on a strip.
    fn part(
        &mut self,
        song: &Song<'_>,
        strip: u32,
        program: Program,
        context: &mut Context<'_>,
    ) -> Result<u32, MidiError> {
        let Some(s) = self.strips.get_mut(strip as usize) else { return Ok(0) };
        if let Some((_, part)) = s.parts.iter().find(|(p, _)| *p == program) {
            return Ok(*part);
        }
        context.count_track(song.file_track(strip).unwrap_or_default())?;
        let part = self.parts.len() as u32;
        let in_force = InForce::default();
        let (notes, controls) = (Vec::new(), Vec::new());
        self.parts.push(Part { strip, program, notes, controls, in_force, in_force_of: 0 });
        s.parts.push((program, part));
        Ok(part)
    }

    /// Lifts a pedal in the parts of a strip that do not play now but are still held by it.
    fn release_others(
        &mut self,
        song: &Song<'_>,
        strip: u32,
        placed: Placed,
        context: &mut Context<'_>,
    ) -> Result<(), MidiError> {
        let Control::Change(change) = placed.control else { return Ok(()) };
        let Some(s) = self.strips.get_mut(strip as usize) else { return Ok(()) };
        if s.held.is_empty() || !PEDALS.contains(&change.controller()) || change.value() >= 64 {
            return Ok(());
        }
        let track = song.file_track(strip).unwrap_or_default();
        for (index, _) in s.held.extract_if(.., |(_, pedal)| *pedal == change.controller()) {
            if let Some(part) = self.parts.get_mut(index as usize) {
                // It was brought up to date when it was left.
                part.in_force.set(placed.control);
                part.controls.push(placed);
                part.in_force_of = part.controls.len();
                context.repair(Repair::ControlsCarried, Some(track), placed.offset as usize);
                context.count_events(1, track)?;
            }
        }
        Ok(())
    }

    /// Gives away the controls that still wait, and makes a part for each file track that sets a
    /// program and plays nothing.
    pub(super) fn finish(&mut self, song: &Song<'_>, context: &mut Context<'_>) -> Result<(), MidiError> {
        // The file tracks that do nothing but set one program, and play nothing.
        let mut sets = vec![(0u32, false); song.tracks.len()];
        // The first part of each strip: what moves was, as a rule, set up before the piece.
        let mut played: Vec<Vec<u32>> = Vec::new();
        for (state, strip) in self.strips.iter().zip(&song.strips) {
            if let Some((programs, plays)) = sets.get_mut(strip.track as usize) {
                *programs += u32::from(state.program.is_some());
                *plays |= state.part.is_some();
            }
        }
        if self.strips.iter().any(|s| !s.waiting.is_empty() && s.part.is_none()) {
            played.resize(song.channels(), Vec::new());
            for (state, strip) in self.strips.iter().zip(&song.strips) {
                if let (Some((_, part)), Some(of)) =
                    (state.parts.first(), played.get_mut(strip.channel_id as usize))
                {
                    of.push(*part);
                }
            }
        }
        for index in 0..self.strips.len() {
            let strip = index as u32;
            let (Some(s), Some(of)) = (self.strips.get_mut(index), song.strips.get(index)) else { continue };
            let (own, program) = (s.part, s.program);
            let waiting = std::mem::take(&mut s.waiting);
            let is_alone = sets.get(of.track as usize) == Some(&(1, false));
            let others = played.get(of.channel_id as usize).map(Vec::as_slice).unwrap_or_default();
            let targets = match (own, waiting.first()) {
                (_, None) => {
                    if let Some(program) = program.filter(|_| is_alone && self.programs.is_unused(strip)) {
                        self.part(song, strip, program, context)?;
                        self.programs.use_own(strip);
                    }
                    continue;
                }
                (Some(part), _) => vec![part],
                (None, Some(first)) => {
                    let stays = is_alone && program.is_some() && self.programs.is_unused(strip);
                    if others.is_empty() || stays {
                        self.programs.use_own(strip);
                        vec![self.part(song, strip, program.unwrap_or(Program::MIN), context)?]
                    } else {
                        let track = song.file_track(strip).unwrap_or_default();
                        context.repair(Repair::ControlsMoved, Some(track), first.offset as usize);
                        context.count_events((waiting.len() * others.len()) as u64, track)?;
                        others.to_vec()
                    }
                }
            };
            for part in targets {
                for placed in &waiting {
                    give(&mut self.parts, part, *placed);
                }
            }
        }
        self.programs.report_unused(song, context);
        Ok(())
    }
}

fn give(parts: &mut [Part], part: u32, placed: Placed) {
    if let Some(p) = parts.get_mut(part as usize) {
        p.controls.push(placed);
    }
}

/// Takes note of the controls that a part was given while it played on a strip.
fn bring_up_to_date(strip: &mut StripState, part: &mut Part) {
    for placed in part.controls.iter().skip(part.in_force_of) {
        strip.in_force.set(placed.control);
        part.in_force.set(placed.control);
    }
    part.in_force_of = part.controls.len();
}
