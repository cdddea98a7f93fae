//! The tokens of a configuration: their ids, types and names.
//!
//! Each kind of token has a block of consecutive ids, so an id is the block's first one plus an index.

use super::super::{TokenId, TokenType};
use super::config::{ProgramId, TokenizerConfig};
use super::values::{self, BeatTime};
use super::{Tokenization, TokenizerError};

/// The id that stands for a token that the vocabulary has not.
pub(super) const NONE: TokenId = TokenId::MAX;
/// The value of the token that ends a bar, among those that begin one.
pub(super) const BAR_END: u32 = u32::MAX;

const PITCH_CLASSES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// What a token says: its type, and an index into the values of that type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: TokenType,
    pub(super) value: u32,
}

/// Consecutive ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Block {
    first: u32,
    len: u32,
}

impl Block {
    pub(super) const fn id(self, index: u32) -> TokenId {
        if index < self.len { self.first + index } else { NONE }
    }

    pub(super) const fn last_id(self) -> TokenId {
        if self.len == 0 { NONE } else { self.first + self.len - 1 }
    }

    pub(super) const fn len(self) -> u32 {
        self.len
    }
}

/// Ids by program, [`NONE`] for programs without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProgramIds([TokenId; 129]);

impl ProgramIds {
    const EMPTY: Self = Self([NONE; 129]);

    pub(super) fn id(&self, program: ProgramId) -> TokenId {
        usize::try_from(program + 1).ok().and_then(|at| self.0.get(at)).copied().unwrap_or(NONE)
    }

    fn set(&mut self, program: ProgramId, id: TokenId) {
        if let Some(slot) = usize::try_from(program + 1).ok().and_then(|at| self.0.get_mut(at)) {
            *slot = id;
        }
    }
}

/// All values that tokens stand for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    pub(super) durations: Vec<BeatTime>,
    pub(super) rests: Vec<BeatTime>,
    pub(super) velocities: Vec<u8>,
    /// Quarter notes a minute, ascending, each once.
    pub(super) tempos: Vec<f64>,
    pub(super) time_signatures: Vec<(u8, u8)>,
    pub(super) pitch_bends: Vec<i32>,
    pub(super) controllers: Vec<(u8, Vec<u8>)>,
    /// In the order of the vocabulary.
    pub(super) programs: Vec<ProgramId>,
    pub(super) chords: Vec<String>,
}

impl Values {
    pub(super) fn new(config: &TokenizerConfig) -> Self {
        let mut tempos = if config.use_tempos { values::tempos(config) } else { Vec::new() };
        tempos.dedup();
        let mut time_signatures = Vec::new();
        for (lower, upper) in config.time_signature_range.iter().filter(|_| config.use_time_signatures) {
            // Both numbers have been checked.
            for signature in upper.iter().map(|upper| (*upper as u8, *lower as u8)) {
                if !time_signatures.contains(&signature) {
                    time_signatures.push(signature);
                }
            }
        }
        let controllers: std::collections::BTreeSet<u8> =
            config.control_change_numbers.iter().copied().filter(|_| config.use_control_changes).collect();
        Self {
            durations: values::beat_times(&config.beat_res),
            rests: if config.use_rests { values::beat_times(&config.beat_res_rest) } else { Vec::new() },
            velocities: if config.use_velocities { values::velocities(config) } else { Vec::new() },
            tempos,
            time_signatures,
            pitch_bends: if config.use_pitch_bends { values::pitch_bends(config) } else { Vec::new() },
            controllers: controllers.into_iter().map(|n| (n, values::controller_values(n, config))).collect(),
            programs: config.programs.clone(),
            chords: if config.use_chords { chord_names(config) } else { Vec::new() },
        }
    }
}

fn chord_names(config: &TokenizerConfig) -> Vec<String> {
    let known = config.chord_maps.iter().map(|(name, _)| name.clone());
    let unknown = config.chord_unknown.map_or(0..0, |(from, to)| from..to);
    if config.chord_tokens_with_root_note {
        let qualities = known.chain(unknown.map(|notes| format!("ukn{notes}")));
        qualities.flat_map(|q| PITCH_CLASSES.map(|root| format!("{root}:{q}"))).collect()
    } else {
        known.chain(unknown.map(|notes| notes.to_string())).collect()
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vocabulary {
    entries: Vec<Entry>,
    pub(super) special_names: Vec<String>,
    pub(super) values: Values,
    pub(super) bars: Block,
    pub(super) bar_end: TokenId,
    /// Pitches, or note-ons.
    pub(super) notes: Block,
    pub(super) note_offs: Block,
    pub(super) velocities: Block,
    pub(super) durations: Block,
    pub(super) positions: Block,
    pub(super) time_shifts: Block,
    pub(super) intervals_time: Block,
    pub(super) intervals_chord: Block,
    /// Pitches of drums, or their note-ons.
    pub(super) drums: Block,
    pub(super) drum_offs: Block,
    pub(super) chords: Block,
    pub(super) rests: Block,
    pub(super) tempos: Block,
    pub(super) programs: ProgramIds,
    pub(super) time_signatures: Block,
    pub(super) key_signatures: Block,
    pub(super) pedals: ProgramIds,
    pub(super) pedal_offs: ProgramIds,
    pub(super) pitch_bends: Block,
    /// Parallel to [`Values::controllers`].
    pub(super) control_changes: Vec<Block>,
}

impl Vocabulary {
    /// The most tokens a vocabulary can have.
    const MAX_SIZE: u64 = 1 << 22;

    /// The tokens of a checked configuration, in MidiTok's order.
    pub(super) fn new(config: &TokenizerConfig, tokenization: Tokenization) -> Result<Self, TokenizerError> {
        let mut vocabulary = Self::empty(config);
        for name in config.special_tokens.clone() {
            let index = vocabulary.special_names.len() as u32;
            vocabulary.entries.push(Entry { kind: special_type(&name), value: index });
            vocabulary.special_names.push(name);
        }
        if tokenization == Tokenization::Remi {
            vocabulary.bars = vocabulary.block(TokenType::Bar, config.max_bar_embedding.unwrap_or(1));
            if config.use_bar_end_tokens {
                vocabulary.bar_end = vocabulary.entries.len() as TokenId;
                vocabulary.entries.push(Entry { kind: TokenType::Bar, value: BAR_END });
            }
        }
        vocabulary.add_notes(config, tokenization);
        vocabulary.add_times(config, tokenization);
        vocabulary.add_more(config, tokenization);
        let size = vocabulary.entries.len() as u64;
        if size > Self::MAX_SIZE {
            return Err(TokenizerError::Limit {
                what: "tokens of a vocabulary",
                value: size,
                limit: Self::MAX_SIZE,
            });
        }
        match vocabulary.name_of_two(config) {
            None => Ok(vocabulary),
            Some(value) => Err(TokenizerError::OutOfRange {
                field: "special_tokens",
                value,
                accepted: "a name that no token of the music has",
            }),
        }
    }

    fn empty(config: &TokenizerConfig) -> Self {
        let none = Block::default();
        Self {
            entries: Vec::new(),
            special_names: Vec::new(),
            values: Values::new(config),
            bars: none,
            bar_end: NONE,
            notes: none,
            note_offs: none,
            velocities: none,
            durations: none,
            positions: none,
            time_shifts: none,
            intervals_time: none,
            intervals_chord: none,
            drums: none,
            drum_offs: none,
            chords: none,
            rests: none,
            tempos: none,
            programs: ProgramIds::EMPTY,
            time_signatures: none,
            key_signatures: none,
            pedals: ProgramIds::EMPTY,
            pedal_offs: ProgramIds::EMPTY,
            pitch_bends: none,
            control_changes: Vec::new(),
        }
    }

    fn block(&mut self, kind: TokenType, len: u32) -> Block {
        let first = self.entries.len() as u32;
        self.entries.extend((0..len).map(|value| Entry { kind, value }));
        Block { first, len }
    }

    fn program_block(&mut self, kind: TokenType, programs: &[ProgramId]) -> ProgramIds {
        let mut ids = ProgramIds::EMPTY;
        let block = self.block(kind, programs.len() as u32);
        for (index, program) in (0..).zip(programs) {
            ids.set(*program, block.id(index));
        }
        ids
    }

    fn add_notes(&mut self, config: &TokenizerConfig, tokenization: Tokenization) {
        let pitches = span(config.pitch_range);
        let has_durations = !config.use_note_duration_programs.is_empty();
        if tokenization.has_note_offs() {
            self.notes = self.block(TokenType::NoteOn, pitches);
            if has_durations {
                self.note_offs = self.block(TokenType::NoteOff, pitches);
            }
        } else {
            self.notes = self.block(TokenType::Pitch, pitches);
        }
        self.velocities = self.block(TokenType::Velocity, self.values.velocities.len() as u32);
        if (has_durations && !tokenization.has_note_offs()) || config.sustain_pedal_duration {
            self.durations = self.block(TokenType::Duration, self.values.durations.len() as u32);
        }
    }

    fn add_times(&mut self, config: &TokenizerConfig, tokenization: Tokenization) {
        match tokenization {
            Tokenization::Remi => {
                let beats = self.values.time_signatures.iter().map(|(upper, _)| u32::from(*upper)).max();
                let positions = beats.unwrap_or(4) * finest(config);
                self.positions = self.block(TokenType::Position, positions);
            }
            // Its first token is no time at all.
            Tokenization::Structured => {
                self.time_shifts = self.block(TokenType::TimeShift, self.values.durations.len() as u32 + 1);
            }
            Tokenization::Tsd | Tokenization::MidiLike => {
                self.time_shifts = self.block(TokenType::TimeShift, self.values.durations.len() as u32);
            }
        }
    }

    fn add_more(&mut self, config: &TokenizerConfig, tokenization: Tokenization) {
        if config.use_pitch_intervals {
            let intervals = 2 * u32::from(config.max_pitch_interval) + 1;
            self.intervals_time = self.block(TokenType::PitchIntervalTime, intervals);
            self.intervals_chord = self.block(TokenType::PitchIntervalChord, intervals);
        }
        if config.use_pitchdrum_tokens {
            let pitches = span(config.drums_pitch_range);
            if tokenization.has_note_offs() {
                self.drums = self.block(TokenType::DrumOn, pitches);
                self.drum_offs = self.block(TokenType::DrumOff, pitches);
            } else {
                self.drums = self.block(TokenType::PitchDrum, pitches);
            }
        }
        self.chords = self.block(TokenType::Chord, self.values.chords.len() as u32);
        self.rests = self.block(TokenType::Rest, self.values.rests.len() as u32);
        self.tempos = self.block(TokenType::Tempo, self.values.tempos.len() as u32);
        let programs = self.values.programs.clone();
        if config.use_programs {
            self.programs = self.program_block(TokenType::Program, &programs);
        }
        self.time_signatures = self.block(TokenType::TimeSignature, self.values.time_signatures.len() as u32);
        if config.use_key_signatures {
            self.key_signatures = self.block(TokenType::KeySignature, 30);
        }
        if config.use_sustain_pedals {
            let of = if config.use_programs { programs.as_slice() } else { &[0] };
            self.pedals = self.program_block(TokenType::Pedal, of);
            if !config.sustain_pedal_duration {
                self.pedal_offs = self.program_block(TokenType::PedalOff, of);
            }
        }
        self.pitch_bends = self.block(TokenType::PitchBend, self.values.pitch_bends.len() as u32);
        let counts: Vec<u32> =
            self.values.controllers.iter().map(|(_, values)| values.len() as u32).collect();
        let first = self.entries.len() as u32;
        let all = self.block(TokenType::ControlChange, counts.iter().sum());
        let mut next = first;
        for len in counts {
            self.control_changes.push(Block { first: next, len });
            next += len;
        }
        debug_assert_eq!(next, first + all.len());
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The types of the special tokens.
    pub(super) fn special_types(&self) -> impl Iterator<Item = TokenType> + '_ {
        self.special_names.iter().map(|name| special_type(name))
    }

    pub(super) fn entry(&self, id: TokenId) -> Option<Entry> {
        self.entries.get(id as usize).copied()
    }

    /// The controller and the value of a control change.
    pub(super) fn control_change(&self, mut value: u32) -> Option<(u8, u8)> {
        for (number, values) in &self.values.controllers {
            if let Some(found) = values.get(value as usize) {
                return Some((*number, *found));
            }
            value -= values.len() as u32;
        }
        None
    }
}

/// Positions a beat.
pub(super) fn finest(config: &TokenizerConfig) -> u32 {
    config.beat_res.iter().map(|r| r.resolution).max().unwrap_or(1)
}

fn span((low, high): (u8, u8)) -> u32 {
    u32::from(high - low) + 1
}

fn special_type(name: &str) -> TokenType {
    match name.split('_').next() {
        Some("PAD") => TokenType::Pad,
        Some("BOS") => TokenType::Start,
        Some("EOS") => TokenType::End,
        Some("MASK") => TokenType::Mask,
        _ => TokenType::Special,
    }
}
