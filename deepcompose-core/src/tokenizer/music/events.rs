//! The events of a piece, before time is told.

use super::chords::detect_chords;
use super::config::{DRUMS, ProgramId, TokenizerConfig};
use super::piece::{GridNote, GridTrack, Piece};
use super::sections::Cursor;
use super::values::BeatTime;
use super::vocabulary::{NONE, Vocabulary};
use crate::tokenizer::TokenId;

/// What an event is; the order in which MIDI-Like with chords puts those of one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventKind {
    TimeSignature {
        upper: u8,
        lower: u8,
    },
    Tempo,
    Key,
    NoteOff,
    Pedal,
    PedalDuration,
    PedalOff,
    Bend,
    Control,
    Chord,
    Program(ProgramOf),
    /// A pitch, an interval or a note-on.
    Note,
    Velocity,
    Duration,
}

/// What a program token announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgramOf {
    Note,
    NoteOff,
    Chord,
    Bend,
    Control,
    Change,
}

/// A token and when it is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) time: i64,
    /// Of a note, its end.
    pub(super) end: i64,
    pub(super) token: TokenId,
    pub(super) program: ProgramId,
    pub(super) kind: EventKind,
}

impl Event {
    pub(super) fn order(&self) -> u8 {
        match self.kind {
            EventKind::TimeSignature { .. } | EventKind::Tempo | EventKind::Key => 0,
            EventKind::NoteOff | EventKind::Program(ProgramOf::NoteOff) => 1,
            EventKind::Pedal | EventKind::PedalOff | EventKind::PedalDuration => 2,
            EventKind::Bend | EventKind::Program(ProgramOf::Bend) => 3,
            EventKind::Control | EventKind::Program(ProgramOf::Control) => 4,
            _ => 10,
        }
    }

    /// Until when the event keeps rests away.
    pub(super) const fn holds_until(&self) -> i64 {
        match self.kind {
            EventKind::Note => self.end,
            EventKind::NoteOff | EventKind::Velocity | EventKind::Duration | EventKind::PedalDuration => 0,
            _ => self.time,
        }
    }
}

/// What events are made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) config: &'a TokenizerConfig,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) has_note_offs: bool,
}

impl Maker<'_> {
    /// Time signatures, tempos and key signatures.
    pub(super) fn global(&self, piece: &Piece, out: &mut Vec<Event>) {
        let v = self.vocabulary;
        let event = |time, token, kind| Event { time, end: 0, token, program: 0, kind };
        out.extend(piece.signatures.iter().map(|&(time, upper, lower)| {
            let kind = EventKind::TimeSignature { upper, lower };
            event(time, self.signature(upper, lower), kind)
        }));
        out.extend(piece.tempos.iter().map(|&(time, at)| event(time, v.tempos.id(at), EventKind::Tempo)));
        out.extend(piece.keys.iter().map(|&(time, at)| event(time, v.key_signatures.id(at), EventKind::Key)));
    }

    fn signature(&self, upper: u8, lower: u8) -> TokenId {
        let all = &self.vocabulary.values.time_signatures;
        let at = all.iter().position(|s| *s == (upper, lower));
        at.map_or(NONE, |at| self.vocabulary.time_signatures.id(at as u32))
    }

    /// The events of a track: pedals, bends, controls, chords and notes, each kind in order of time.
    pub(super) fn track(&self, track: &GridTrack, piece: &Piece, out: &mut Vec<Event>) {
        let v = self.vocabulary;
        let says_program = self.config.use_programs && !self.config.program_changes;
        let event = |time, token, kind| Event { time, end: 0, token, program: track.program, kind };
        let announce = |out: &mut Vec<Event>, time, of| {
            if says_program {
                out.push(event(time, v.programs.id(track.program), EventKind::Program(of)));
            }
        };
        let mut lengths = LengthIds::new(&v.values.durations, piece.beats.cursor());
        let pedal_program = if self.config.use_programs { track.program } else { 0 };
        for span in &track.pedals {
            out.push(event(span.time, v.pedals.id(pedal_program), EventKind::Pedal));
            if self.config.sustain_pedal_duration {
                let length = v.durations.id(lengths.index(span.time, span.duration));
                out.push(event(span.time, length, EventKind::PedalDuration));
            } else {
                let end = span.time + span.duration;
                out.push(event(end, v.pedal_offs.id(pedal_program), EventKind::PedalOff));
            }
        }
        for &(time, index) in &track.bends {
            announce(out, time, ProgramOf::Bend);
            out.push(event(time, v.pitch_bends.id(index as u32), EventKind::Bend));
        }
        for control in &track.controls {
            announce(out, control.time, ProgramOf::Control);
            let token = v.control_changes.get(control.controller).map_or(NONE, |b| b.id(control.value));
            out.push(event(control.time, token, EventKind::Control));
        }
        if self.config.use_chords && track.program != DRUMS {
            for (time, token) in detect_chords(&track.notes, &piece.beats, self.config, v) {
                announce(out, time, ProgramOf::Chord);
                out.push(event(time, token, EventKind::Chord));
            }
        }
        self.notes(track, piece, out);
    }

    fn notes(&self, track: &GridTrack, piece: &Piece, out: &mut Vec<Event>) {
        let v = self.vocabulary;
        let is_drum = track.program == DRUMS;
        let (pitches, offs, low) = if is_drum && self.config.use_pitchdrum_tokens {
            (v.drums, v.drum_offs, self.config.drums_pitch_range.0)
        } else {
            (v.notes, v.note_offs, self.config.pitch_range.0)
        };
        let has_lengths = self.config.use_note_duration_programs.contains(&track.program);
        let says_program = self.config.use_programs && !self.config.program_changes;
        let program = v.programs.id(track.program);
        let mut intervals =
            (self.config.use_pitch_intervals && !is_drum).then(|| Intervals::new(self.config, piece));
        let mut lengths = LengthIds::new(&v.values.durations, piece.beats.cursor());
        for note in &track.notes {
            let index = u32::from(note.pitch.saturating_sub(low));
            let interval = intervals.as_mut().and_then(|state| state.next(note));
            let token = match interval {
                Some(Interval::Time(interval)) => v.intervals_time.id(interval),
                Some(Interval::Chord(interval)) => v.intervals_chord.id(interval),
                None => pitches.id(index),
            };
            let event =
                |token, kind| Event { time: note.time, end: note.end(), token, program: track.program, kind };
            if says_program {
                out.push(event(program, EventKind::Program(ProgramOf::Note)));
            }
            out.push(event(token, EventKind::Note));
            if self.config.use_velocities {
                out.push(event(v.velocities.id(note.velocity.into()), EventKind::Velocity));
            }
            if has_lengths && self.has_note_offs {
                let off = |token, kind| Event { time: note.end(), ..event(token, kind) };
                if says_program {
                    out.push(off(program, EventKind::Program(ProgramOf::NoteOff)));
                }
                out.push(off(offs.id(index), EventKind::NoteOff));
            } else if has_lengths {
                let length = v.durations.id(lengths.index(note.time, note.duration));
                out.push(event(length, EventKind::Duration));
            }
        }
    }

    /// Puts a program token before each event whose program is not that of the events before.
    /// What speaks of all tracks, and pedals, which name their program, has none.
    pub(super) fn insert_program_changes(&self, events: &[Event]) -> Vec<Event> {
        let mut out = Vec::with_capacity(events.len() + events.len() / 4);
        let mut program = None;
        for event in events {
            let names_none = matches!(
                event.kind,
                EventKind::TimeSignature { .. }
                    | EventKind::Tempo
                    | EventKind::Pedal
                    | EventKind::PedalOff
                    | EventKind::PedalDuration
            );
            if !names_none && program != Some(event.program) {
                program = Some(event.program);
                out.push(Event {
                    token: self.vocabulary.programs.id(event.program),
                    end: 0,
                    program: 0,
                    kind: EventKind::Program(ProgramOf::Change),
                    time: event.time,
                });
            }
            out.push(*event);
        }
        out
    }
}

/// The index of a length among the durations, section by section.
struct LengthIds<'a> {
    times: &'a [BeatTime],
    beats: Cursor<'a>,
    of_beat: i64,
    ticks: Vec<i64>,
}

impl<'a> LengthIds<'a> {
    fn new(times: &'a [BeatTime], beats: Cursor<'a>) -> Self {
        Self { times, beats, of_beat: 0, ticks: Vec::new() }
    }

    /// Of lengths that are the same in ticks, the last.
    fn index(&mut self, time: i64, duration: i64) -> u32 {
        let beat = self.beats.ticks_at(time);
        if beat != self.of_beat {
            self.of_beat = beat;
            self.ticks = self.times.iter().map(|t| t.ticks(beat)).collect();
        }
        self.ticks.partition_point(|ticks| *ticks <= duration).saturating_sub(1) as u32
    }
}

/// An interval as an index, the widest one down being 0.
enum Interval {
    /// From the last onset.
    Time(u32),
    /// From the last note of the same onset.
    Chord(u32),
}

struct Intervals<'a> {
    beats: Cursor<'a>,
    max_beats: f64,
    widest: i64,
    max_time: i64,
    previous_onset: i64,
    pitch_of_onset: i64,
    pitch_of_chord: i64,
}

impl<'a> Intervals<'a> {
    fn new(config: &TokenizerConfig, piece: &'a Piece) -> Self {
        let beats = piece.beats.cursor();
        let max_beats = config.pitch_intervals_max_time_dist;
        let max_time = max_ticks(beats.ticks(), max_beats);
        Self {
            beats,
            max_beats,
            widest: config.max_pitch_interval.into(),
            max_time,
            previous_onset: -max_time - 1,
            pitch_of_onset: -128,
            pitch_of_chord: -128,
        }
    }

    /// How the next note is told, if not by its pitch.
    fn next(&mut self, note: &GridNote) -> Option<Interval> {
        if self.beats.step_to(note.time) {
            self.max_time = max_ticks(self.beats.ticks(), self.max_beats);
        }
        let pitch = i64::from(note.pitch);
        let index = |from: i64| {
            let interval = pitch - from;
            (interval.abs() <= self.widest).then_some((interval + self.widest) as u32)
        };
        let told = if note.time == self.previous_onset {
            index(self.pitch_of_chord).map(Interval::Chord)
        } else if note.time - self.previous_onset <= self.max_time {
            index(self.pitch_of_onset).map(Interval::Time)
        } else {
            None
        };
        if note.time != self.previous_onset || told.is_none() {
            self.pitch_of_onset = pitch;
        }
        self.pitch_of_chord = pitch;
        self.previous_onset = note.time;
        told
    }
}

fn max_ticks(beat: i64, beats: f64) -> i64 {
    (beat as f64 * beats).round_ties_even() as i64
}
