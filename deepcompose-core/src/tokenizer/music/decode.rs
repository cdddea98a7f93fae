//! Tokens to a score.

use std::collections::{HashMap, VecDeque, hash_map};

use super::MusicTokenizer;
use super::Tokenization;
use super::collect::{Found, FoundNote, FoundTrack};
use super::config::ProgramId;
use super::piece::PedalSpan;
use super::signatures::ticks_per_bar;
use super::values::BeatTime;
use super::vocabulary::{BAR_END, Entry, finest};
use crate::score::Score;
use crate::tokenizer::{DecodeReport, TokenId, TokenType};

/// The velocity of notes without velocity tokens.
const DEFAULT_VELOCITY: u8 = 100;

/// Reads sequences into a score. `programs` are those of the sequences, where tokens do not tell.
pub(super) fn decode(
    tokenizer: &MusicTokenizer,
    sequences: &[&[TokenId]],
    programs: &[ProgramId],
) -> (Score, DecodeReport) {
    let mut report = DecodeReport::default();
    let mut found = Found::default();
    for (index, tokens) in sequences.iter().enumerate() {
        let mut entries = Vec::with_capacity(tokens.len());
        let mut pads = 0;
        for (at, token) in tokens.iter().enumerate() {
            let Some(entry) = tokenizer.vocabulary.entry(*token) else {
                report.unknown_ids += 1;
                continue;
            };
            if entry.kind == TokenType::Pad {
                pads += 1;
            } else {
                report.misplaced_pad += std::mem::take(&mut pads);
            }
            report.misplaced_start += usize::from(entry.kind == TokenType::Start && at > 0);
            entries.push(entry);
        }
        let mut reader = Reader::new(tokenizer, &entries, index == 0, &mut found, &mut report);
        reader.program = programs.get(index).copied().unwrap_or(reader.program);
        reader.own.program = reader.program;
        reader.read();
        let own = std::mem::take(&mut reader.own);
        let says_nothing = own.notes.is_empty() && own.controls.is_empty() && own.bends.is_empty();
        if !tokenizer.config.one_token_stream_for_programs && !says_nothing {
            found.tracks.push(own);
        }
    }
    let score = found.into_score(tokenizer.time_division(), tokenizer.default_tempo(), &mut report);
    (score, report)
}

/// Reads one sequence.
struct Reader<'a> {
    tokenizer: &'a MusicTokenizer,
    entries: &'a [Entry],
    /// The first sequence tells tempos and signatures.
    is_first: bool,
    found: &'a mut Found,
    report: &'a mut DecodeReport,
    /// The track, if each sequence is one.
    own: FoundTrack,
    program: ProgramId,
    tick: i64,
    beat: i64,
    bar: i64,
    bar_start: i64,
    bar_ticks: i64,
    signature: (u8, u8),
    signature_bar: i64,
    signature_tick: i64,
    note_end: i64,
    /// Pitch of the last onset and of the last note, by program.
    pitches: HashMap<ProgramId, (i64, i64)>,
    open_pedals: HashMap<ProgramId, i64>,
    open_notes: HashMap<(ProgramId, i64), VecDeque<(i64, u8)>>,
    /// The entries before this one belong to a note or a pedal that has been read.
    taken: usize,
}

impl<'a> Reader<'a> {
    fn new(
        tokenizer: &'a MusicTokenizer,
        entries: &'a [Entry],
        is_first: bool,
        found: &'a mut Found,
        report: &'a mut DecodeReport,
    ) -> Self {
        let is_one_stream = tokenizer.config.one_token_stream_for_programs;
        let first_program = entries.iter().find(|e| e.kind == TokenType::Program).filter(|_| !is_one_stream);
        let program = first_program.map_or(0, |e| tokenizer.program(e.value));
        let is_remi = tokenizer.tokenization == Tokenization::Remi;
        if is_remi && is_first {
            let signature = first_signature(entries).and_then(|at| tokenizer.signature(at)).unwrap_or((4, 4));
            found.signatures.push((0, signature.0, signature.1));
        }
        let signature = found.signatures.last().filter(|_| is_remi).map_or((4, 4), |s| (s.1, s.2));
        let mut reader = Self {
            tokenizer,
            entries,
            is_first,
            found,
            report,
            own: FoundTrack::default(),
            program,
            tick: 0,
            beat: 1,
            bar: -1,
            bar_start: 0,
            bar_ticks: 1,
            signature,
            signature_bar: 0,
            signature_tick: 0,
            note_end: 0,
            pitches: HashMap::new(),
            open_pedals: HashMap::new(),
            open_notes: HashMap::new(),
            taken: 0,
        };
        reader.set_signature(signature);
        reader
    }

    fn set_signature(&mut self, signature: (u8, u8)) {
        self.signature = signature;
        self.beat = self.tokenizer.ticks_per_beat(signature.1);
        self.bar_ticks = ticks_per_bar(signature.0, signature.1, self.tokenizer.time_division());
    }

    fn read(&mut self) {
        for at in 0..self.entries.len() {
            self.token(at);
        }
        self.close_notes();
        self.close_pedals();
    }

    fn token(&mut self, at: usize) {
        let Some(&Entry { kind, value }) = self.entries.get(at) else { return };
        let vocabulary = &self.tokenizer.vocabulary;
        match kind {
            TokenType::Bar if value != BAR_END => self.new_bar(),
            TokenType::Position => {
                self.bar = self.bar.max(0);
                let position_ticks = (self.beat / i64::from(finest(&self.tokenizer.config))).max(1);
                self.tick = self.bar_start + i64::from(value) * position_ticks;
            }
            TokenType::TimeShift => self.shift(value),
            TokenType::Rest => self.rest(value),
            TokenType::Pitch
            | TokenType::PitchDrum
            | TokenType::NoteOn
            | TokenType::DrumOn
            | TokenType::PitchIntervalTime
            | TokenType::PitchIntervalChord => self.note(kind, value, at),
            TokenType::NoteOff | TokenType::DrumOff => self.note_off(kind, value),
            TokenType::Program => {
                self.program = self.tokenizer.program(value);
                if self.tokenizer.config.program_changes {
                    self.own.program = self.program;
                }
            }
            TokenType::Tempo if self.is_first => {
                let tempo = vocabulary.values.tempos.get(value as usize);
                self.found.tempos.extend(tempo.map(|bpm| (self.tick, *bpm)));
            }
            TokenType::KeySignature if self.is_first => self.found.keys.push((self.tick, value)),
            TokenType::TimeSignature => self.time_signature(value),
            TokenType::Pedal => self.pedal(value, at),
            TokenType::PedalOff => {
                let program = self.pedal_program(value);
                match self.open_pedals.remove(&program) {
                    Some(time) => self.pedal_span(program, time, self.tick),
                    None => self.report.stray_pedals += 1,
                }
            }
            TokenType::Velocity | TokenType::Duration => {
                self.report.stray_parts += usize::from(at >= self.taken);
            }
            TokenType::PitchBend => {
                let bend = vocabulary.values.pitch_bends.get(value as usize).copied().unwrap_or(0);
                let tick = self.tick;
                self.track_of(self.program).bends.push((tick, bend));
            }
            TokenType::ControlChange => {
                if let Some((number, value)) = vocabulary.control_change(value) {
                    let tick = self.tick;
                    self.track_of(self.program).controls.push((tick, number, value));
                }
            }
            _ => {}
        }
        if matches!(
            kind,
            TokenType::Program
                | TokenType::Tempo
                | TokenType::TimeSignature
                | TokenType::KeySignature
                | TokenType::Pedal
                | TokenType::PedalOff
                | TokenType::PitchBend
                | TokenType::ControlChange
                | TokenType::Chord
        ) {
            self.note_end = self.note_end.max(self.tick);
        }
    }

    fn track_of(&mut self, program: ProgramId) -> &mut FoundTrack {
        if self.tokenizer.config.one_token_stream_for_programs {
            self.found.track(program)
        } else {
            &mut self.own
        }
    }

    fn ticks(&self, times: &[BeatTime], index: u32) -> i64 {
        times.get(index as usize).map_or(0, |time| time.ticks(self.beat))
    }

    fn new_bar(&mut self) {
        self.bar += 1;
        if self.bar > 0 {
            self.tick = self.bar_start + self.bar_ticks;
        }
        self.bar_start = self.tick;
    }

    fn shift(&mut self, value: u32) {
        // The first time shift of Structured is none.
        let index = match self.tokenizer.tokenization {
            Tokenization::Structured => value.checked_sub(1),
            _ => Some(value),
        };
        let durations = &self.tokenizer.vocabulary.values.durations;
        self.tick += index.map_or(0, |index| self.ticks(durations, index));
    }

    fn rest(&mut self, value: u32) {
        let is_midi_like = self.tokenizer.tokenization == Tokenization::MidiLike;
        let from = if is_midi_like { self.tick } else { self.tick.max(self.note_end) };
        self.tick = from + self.ticks(&self.tokenizer.vocabulary.values.rests, value);
        if self.tokenizer.tokenization == Tokenization::Remi {
            let now = self.signature_bar + (self.tick - self.signature_tick).div_euclid(self.bar_ticks);
            if now > self.bar {
                self.bar = self.bar.max(0);
                self.bar_start += (now - self.bar) * self.bar_ticks;
                self.bar = now;
            }
        }
    }

    fn time_signature(&mut self, value: u32) {
        let Some(signature) = self.tokenizer.signature(value) else { return };
        let is_remi = self.tokenizer.tokenization == Tokenization::Remi;
        if is_remi && signature == self.signature {
            return;
        }
        if self.is_first {
            self.found.signatures.push((self.tick, signature.0, signature.1));
        }
        self.signature_tick = self.bar_start;
        self.signature_bar = self.bar;
        self.set_signature(signature);
    }

    /// The pitch that a token tells.
    fn pitch(&mut self, kind: TokenType, value: u32) -> i64 {
        let config = &self.tokenizer.config;
        let (of_onset, of_chord) = self.pitches.get(&self.program).copied().unwrap_or((-128, -128));
        let interval = i64::from(value) - i64::from(config.max_pitch_interval);
        match kind {
            TokenType::PitchIntervalTime => of_onset + interval,
            TokenType::PitchIntervalChord => of_chord + interval,
            TokenType::PitchDrum | TokenType::DrumOn | TokenType::DrumOff => {
                i64::from(config.drums_pitch_range.0) + i64::from(value)
            }
            _ => i64::from(config.pitch_range.0) + i64::from(value),
        }
    }

    fn note(&mut self, kind: TokenType, value: u32, at: usize) {
        let config = &self.tokenizer.config;
        self.taken = at + self.length_of_note(at);
        let pitch = self.pitch(kind, value);
        let is_drum = matches!(kind, TokenType::PitchDrum | TokenType::DrumOn);
        let (low, high) = if is_drum { config.drums_pitch_range } else { config.pitch_range };
        if !(i64::from(low)..=i64::from(high)).contains(&pitch) {
            self.report.impossible_pitches += 1;
            return;
        }
        let before = self.pitches.entry(self.program).or_insert((-128, -128));
        before.1 = pitch;
        if kind != TokenType::PitchIntervalChord {
            before.0 = pitch;
        }
        let next = |offset: usize, kind: TokenType| {
            self.entries.get(at + offset).filter(|entry| entry.kind == kind).map(|entry| entry.value)
        };
        let velocities = &self.tokenizer.vocabulary.values.velocities;
        let velocity = if config.use_velocities {
            next(1, TokenType::Velocity).and_then(|index| velocities.get(index as usize).copied())
        } else {
            Some(DEFAULT_VELOCITY)
        };
        let has_length = config.use_note_duration_programs.contains(&self.program);
        let duration = if !has_length {
            Some((config.default_note_duration * self.beat as f64) as i64)
        } else if self.tokenizer.tokenization.has_note_offs() {
            None
        } else {
            let index = next(1 + usize::from(config.use_velocities), TokenType::Duration);
            index.map(|index| self.ticks(&self.tokenizer.vocabulary.values.durations, index))
        };
        match (velocity, duration) {
            (Some(velocity), Some(duration)) => {
                let time = self.tick;
                self.track_of(self.program).notes.push(FoundNote { time, duration, pitch, velocity });
                self.note_end = self.note_end.max(time + duration);
            }
            (Some(velocity), None) if has_length && self.tokenizer.tokenization.has_note_offs() => {
                self.open_notes.entry((self.program, pitch)).or_default().push_back((self.tick, velocity));
            }
            _ => self.report.incomplete_notes += 1,
        }
    }

    /// How many tokens of a note stand together: its first, a velocity and a duration. The duration may be one that
    /// is not used: MidiTok's graph has them for all programs if one has.
    fn length_of_note(&self, at: usize) -> usize {
        let is =
            |offset: usize, kind: TokenType| self.entries.get(at + offset).is_some_and(|e| e.kind == kind);
        let length = 1 + usize::from(is(1, TokenType::Velocity));
        let has_duration = !self.tokenizer.tokenization.has_note_offs() && is(length, TokenType::Duration);
        length + usize::from(has_duration)
    }

    fn note_off(&mut self, kind: TokenType, value: u32) {
        let pitch = self.pitch(kind, value);
        match self.open_notes.get_mut(&(self.program, pitch)).and_then(VecDeque::pop_front) {
            Some((time, velocity)) => {
                let note = FoundNote { time, duration: self.tick - time, pitch, velocity };
                self.track_of(self.program).notes.push(note);
            }
            None => self.report.stray_note_offs += 1,
        }
    }

    /// Ends what sounds where the sequence ends.
    fn close_notes(&mut self) {
        let mut open: Vec<_> = std::mem::take(&mut self.open_notes).into_iter().collect();
        open.sort_unstable_by_key(|(key, _)| *key);
        for ((program, pitch), notes) in open {
            for (time, velocity) in notes {
                self.report.unclosed += 1;
                let note = FoundNote { time, duration: self.tick - time, pitch, velocity };
                self.track_of(program).notes.push(note);
            }
        }
    }

    fn pedal_program(&self, value: u32) -> ProgramId {
        if self.tokenizer.config.use_programs { self.tokenizer.program(value) } else { self.program }
    }

    fn pedal(&mut self, value: u32, at: usize) {
        let program = self.pedal_program(value);
        if !self.tokenizer.config.sustain_pedal_duration {
            match self.open_pedals.entry(program) {
                hash_map::Entry::Vacant(up) => {
                    up.insert(self.tick);
                }
                hash_map::Entry::Occupied(_) => self.report.stray_pedals += 1,
            }
            return;
        }
        match self.entries.get(at + 1).filter(|next| next.kind == TokenType::Duration) {
            Some(next) => {
                self.taken = at + 2;
                let duration = self.ticks(&self.tokenizer.vocabulary.values.durations, next.value);
                let span = PedalSpan { time: self.tick, duration };
                self.track_of(program).pedals.push(span);
            }
            None => self.report.stray_pedals += 1,
        }
    }

    /// A pedal pressed at one tick and lifted at another.
    fn pedal_span(&mut self, program: ProgramId, time: i64, end: i64) {
        self.report.reversed_pedals += usize::from(end < time);
        let span = PedalSpan { time, duration: (end - time).max(0) };
        self.track_of(program).pedals.push(span);
    }

    /// Lifts the pedals that are down where the sequence and its last note end.
    fn close_pedals(&mut self) {
        let mut open: Vec<_> = std::mem::take(&mut self.open_pedals).into_iter().collect();
        open.sort_unstable();
        let end = self.tick.max(self.note_end);
        for (program, time) in open {
            self.report.unclosed_pedals += 1;
            self.pedal_span(program, time, end.max(time));
        }
    }
}

/// The first time signature, if it comes before any note.
fn first_signature(entries: &[Entry]) -> Option<u32> {
    for entry in entries {
        match entry.kind {
            TokenType::TimeSignature => return Some(entry.value),
            TokenType::Pitch
            | TokenType::PitchDrum
            | TokenType::Velocity
            | TokenType::Duration
            | TokenType::PitchBend
            | TokenType::ControlChange
            | TokenType::Pedal => return None,
            _ => {}
        }
    }
    None
}
