//! What may come next, token by token.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::config::{DRUMS, ProgramId};
use super::graph::Types;
use super::vocabulary::{BAR_END, Entry, NONE, finest};
use super::{MusicTokenizer, Tokenization};
use crate::tokenizer::{TokenId, TokenType};

/// Follows a sequence and says which tokens may come next, so that a sequence made of such tokens only has no
/// [`token_errors`](MusicTokenizer::token_errors) and needs no repairs when decoded, save that in REMI the positions
/// after a rest, or after a time signature within a bar, may lead back to before a pedal was pressed
/// ([`DecodeReport::reversed_pedals`](crate::DecodeReport::reversed_pedals)).
///
/// Beyond the token-type graph:
///
/// - positions rise within a bar, and are in it; after a rest any may come;
/// - where the configuration removes doubled notes, a note begins once at a time;
/// - intervals lead to pitches in range; with programs, drums have drum tokens and others have not;
/// - a note-off ends a note that sounds and has a length; the sequence ends when none sounds;
/// - a pedal is pressed while up and lifted while down; the sequence ends when none is down;
/// - where programs come with every note, they do; no control change stands within a note, and nothing between a pedal
///   and its duration;
/// - special tokens but the end do not come, and nothing comes after the end.
///
/// There always is a next token until the end.
///
/// ```
/// use deepcompose_core::Tokenizer;
/// use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
///
/// let tokenizer = MusicTokenizer::new(Tokenization::Remi, TokenizerConfig::default())?;
/// let mut grammar = tokenizer.grammar();
/// let mut tokens = Vec::new();
/// for _ in 0..40 {
///     // A model would choose among these.
///     let next = (0..tokenizer.vocabulary_size() as u32).rev().find(|token| grammar.allows(*token));
///     tokens.extend(next);
///     next.iter().for_each(|token| grammar.observe(*token));
/// }
/// grammar.close(&mut tokens);
/// assert_eq!(tokenizer.token_errors(&tokens).total(), 0);
/// # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Grammar<'a> {
    tokenizer: &'a MusicTokenizer,
    before: Option<TokenType>,
    earlier: Option<TokenType>,
    program: ProgramId,
    /// The program by which notes of one time are told apart; MidiTok does not take it from the first token.
    counted_program: ProgramId,
    is_bar_over: bool,
    position: i64,
    /// Positions in a bar.
    bar_positions: i64,
    /// The notes of this time.
    begun: HashSet<(ProgramId, i64)>,
    /// Pitch of the last onset and of the last note, by program.
    pitches: HashMap<ProgramId, (i64, i64)>,
    /// How often time has passed.
    moment: u64,
    /// The moments at which the notes that sound began.
    open: HashMap<(ProgramId, i64), VecDeque<u64>>,
    sounding: usize,
    /// The last note-on.
    last_note: (ProgramId, i64),
    /// The programs whose pedal is down, where pedals are pressed and lifted.
    pedals: BTreeSet<ProgramId>,
    /// The time signature in force, if one has been told.
    signature: Option<u32>,
    /// How many tokens at the end say nothing yet.
    pending: usize,
    /// The last token before those.
    settled: Option<TokenType>,
}

impl MusicTokenizer {
    /// A grammar at the beginning of a sequence.
    #[must_use]
    pub fn grammar(&self) -> Grammar<'_> {
        Grammar {
            tokenizer: self,
            before: None,
            earlier: None,
            program: 0,
            counted_program: 0,
            is_bar_over: false,
            position: -1,
            bar_positions: 4 * i64::from(finest(&self.config)),
            begun: HashSet::new(),
            pitches: HashMap::new(),
            moment: 0,
            open: HashMap::new(),
            sounding: 0,
            last_note: (0, 0),
            pedals: BTreeSet::new(),
            signature: None,
            pending: 0,
            settled: None,
        }
    }
}

impl Grammar<'_> {
    /// Whether a token may come next. No id outside the vocabulary may.
    #[must_use]
    pub fn allows(&self, token: TokenId) -> bool {
        let next = self.next_types();
        self.tokenizer.vocabulary.entry(token).is_some_and(|entry| next.has(entry.kind) && self.entry(entry))
    }

    /// Sets each place of `allowed` to whether the token with that id may come next.
    pub fn mask(&self, allowed: &mut [bool]) {
        let next = self.next_types();
        for (token, allowed) in (0..).zip(allowed) {
            let entry = self.tokenizer.vocabulary.entry(token);
            *allowed = entry.is_some_and(|entry| next.has(entry.kind) && self.entry(entry));
        }
    }

    /// Whether the end has come.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.before == Some(TokenType::End)
    }

    /// The types that may come next, as far as types tell.
    fn next_types(&self) -> Types {
        let graph = &self.tokenizer.graph;
        match self.before {
            Some(TokenType::End) => Types::default(),
            _ if self.is_bar_over => Types::of(&[TokenType::Bar]),
            Some(TokenType::Start | TokenType::Pad | TokenType::Mask | TokenType::Special) => {
                self.first_types()
            }
            None => self.first_types().and(Types::of(&[TokenType::Start])),
            // MidiTok's graph lets programs and chords come between a pedal and its duration, and control changes stand even
            // within a note.
            Some(TokenType::Pedal) if self.tokenizer.config.sustain_pedal_duration => {
                Types::of(&[TokenType::Duration])
            }
            Some(TokenType::ControlChange) => {
                graph.after(TokenType::ControlChange).without(&[TokenType::Velocity, TokenType::Duration])
            }
            Some(before) if self.is_within(before) => {
                graph.after(before).without(&[TokenType::ControlChange])
            }
            Some(before) => graph.after(before),
        }
    }

    /// Whether a note, or a stretch of pedal, is told in part.
    fn is_within(&self, before: TokenType) -> bool {
        self.says_nothing_yet(before) && !matches!(before, TokenType::Program | TokenType::Chord)
    }

    fn first_types(&self) -> Types {
        let config = &self.tokenizer.config;
        let is_track = config.program_changes && !config.one_token_stream_for_programs;
        match self.tokenizer.tokenization {
            _ if is_track => Types::of(&[TokenType::Program]),
            Tokenization::Remi => Types::of(&[TokenType::Bar]),
            Tokenization::Structured => Types::of(&[TokenType::TimeShift]),
            _ => self.tokenizer.graph.after(TokenType::TimeShift).and(Types::of(&[TokenType::TimeShift])),
        }
    }

    /// Whether a token may come, if its type may.
    fn entry(&self, Entry { kind, value }: Entry) -> bool {
        let config = &self.tokenizer.config;
        let is_announced = config.use_programs && !config.program_changes;
        match kind {
            _ if is_announced && is_of_program(kind) && self.before != Some(TokenType::Program) => false,
            TokenType::Pad | TokenType::Mask | TokenType::Special => false,
            TokenType::Start => self.before.is_none(),
            TokenType::End => {
                let may_end = |before| self.tokenizer.graph.after(before).has(TokenType::End);
                let is_over = self.pending == 0 && self.sounding == 0 && self.pedals.is_empty();
                is_over && self.before.is_some_and(may_end)
            }
            // What ends a bar needs one, and another after it.
            TokenType::Bar if value == BAR_END => self.moment > 0 && self.before != Some(TokenType::Bar),
            TokenType::Position => {
                let after_rest = self.before == Some(TokenType::Rest)
                    || (self.before == Some(TokenType::TimeSignature)
                        && self.earlier == Some(TokenType::Rest));
                let value = i64::from(value);
                value < self.bar_positions && (after_rest || value > self.position)
            }
            TokenType::Program => self.has_next(self.tokenizer.program(value)),
            TokenType::Pedal => !self.pedals.contains(&self.pedal_program(value)),
            TokenType::PedalOff => self.pedals.contains(&self.pedal_program(value)),
            TokenType::Chord => self.may_begin_any(self.program, self.counted_program),
            TokenType::NoteOff | TokenType::DrumOff => {
                self.suits(kind == TokenType::DrumOff, self.program)
                    && self.may_end(self.program, self.plain_pitch(kind, value))
            }
            _ if is_note(kind) => {
                let is_drum = matches!(kind, TokenType::PitchDrum | TokenType::DrumOn);
                let is_interval =
                    matches!(kind, TokenType::PitchIntervalTime | TokenType::PitchIntervalChord);
                let pitch = self.pitch(kind, value);
                let (low, high) = if is_drum { config.drums_pitch_range } else { config.pitch_range };
                (i64::from(low)..=i64::from(high)).contains(&pitch)
                    && self.suits(is_drum, self.program)
                    && !(is_interval && self.program == DRUMS)
                    && self.may_begin(self.counted_program, pitch)
            }
            _ => true,
        }
    }

    /// Whether a program's notes are told by drum tokens or not.
    fn suits(&self, is_drum: bool, program: ProgramId) -> bool {
        let config = &self.tokenizer.config;
        !(config.use_programs && config.use_pitchdrum_tokens) || is_drum == (program == DRUMS)
    }

    fn may_begin(&self, program: ProgramId, pitch: i64) -> bool {
        !self.tokenizer.config.remove_duplicated_notes || !self.begun.contains(&(program, pitch))
    }

    fn may_begin_any(&self, program: ProgramId, counted: ProgramId) -> bool {
        let config = &self.tokenizer.config;
        let is_drum = program == DRUMS && config.use_pitchdrum_tokens;
        let (low, high) = if is_drum { config.drums_pitch_range } else { config.pitch_range };
        (low..=high).any(|pitch| self.may_begin(counted, pitch.into()))
    }

    fn may_end(&self, program: ProgramId, pitch: i64) -> bool {
        let onset = self.open.get(&(program, pitch)).and_then(VecDeque::front);
        onset.is_some_and(|onset| *onset < self.moment)
    }

    /// The program whose pedal a token speaks of; without programs the only one.
    fn pedal_program(&self, value: u32) -> ProgramId {
        if self.tokenizer.config.use_programs { self.tokenizer.program(value) } else { 0 }
    }

    /// Whether something may follow a program.
    fn has_next(&self, program: ProgramId) -> bool {
        const ANY: Types = Types::of(&[
            TokenType::TimeShift,
            TokenType::Rest,
            TokenType::PitchBend,
            TokenType::ControlChange,
            TokenType::Pedal,
            TokenType::Tempo,
        ]);
        let after = self.tokenizer.graph.after(TokenType::Program);
        let has_room = self.position + 1 < self.bar_positions;
        after.meets(ANY)
            || (after.has(TokenType::Position) && has_room)
            || self.may_begin_any(program, program)
    }

    fn plain_pitch(&self, kind: TokenType, value: u32) -> i64 {
        let config = &self.tokenizer.config;
        let is_drum = matches!(kind, TokenType::PitchDrum | TokenType::DrumOn | TokenType::DrumOff);
        let low = if is_drum { config.drums_pitch_range.0 } else { config.pitch_range.0 };
        i64::from(low) + i64::from(value)
    }

    fn pitch(&self, kind: TokenType, value: u32) -> i64 {
        let (of_onset, of_chord) = self.pitches.get(&self.program).copied().unwrap_or((-128, -128));
        let interval = i64::from(value) - i64::from(self.tokenizer.config.max_pitch_interval);
        match kind {
            TokenType::PitchIntervalTime => of_onset + interval,
            TokenType::PitchIntervalChord => of_chord + interval,
            _ => self.plain_pitch(kind, value),
        }
    }

    /// Notes that a token has come. Any token is taken, also one that may not come.
    pub fn observe(&mut self, token: TokenId) {
        let Some(entry) = self.tokenizer.vocabulary.entry(token) else { return };
        let Entry { kind, value } = entry;
        match kind {
            TokenType::Bar if value != BAR_END => self.pass(-1),
            TokenType::Position => self.pass(value.into()),
            TokenType::TimeShift | TokenType::Rest => self.pass(self.position),
            TokenType::Program => {
                self.program = self.tokenizer.program(value);
                if self.before.is_some() || self.tokenizer.tokenization.has_note_offs() {
                    self.counted_program = self.program;
                }
            }
            TokenType::TimeSignature => {
                if let Some((upper, _)) = self.tokenizer.signature(value) {
                    self.bar_positions = i64::from(upper) * i64::from(finest(&self.tokenizer.config));
                    self.signature = Some(value);
                }
            }
            TokenType::Pedal if !self.tokenizer.config.sustain_pedal_duration => {
                self.pedals.insert(self.pedal_program(value));
            }
            TokenType::PedalOff => {
                self.pedals.remove(&self.pedal_program(value));
            }
            TokenType::NoteOff | TokenType::DrumOff => {
                let key = (self.program, self.plain_pitch(kind, value));
                let ended = self.open.get_mut(&key).and_then(VecDeque::pop_front);
                self.sounding -= usize::from(ended.is_some());
            }
            _ if is_note(kind) => self.begin(kind, value),
            _ => {}
        }
        self.is_bar_over = kind == TokenType::Bar && value == BAR_END;
        if self.says_nothing_yet(kind) {
            self.pending += 1;
        } else {
            self.pending = 0;
            self.settled = Some(kind);
        }
        self.earlier = self.before.replace(kind);
    }

    fn pass(&mut self, position: i64) {
        self.position = position;
        self.moment += 1;
        self.begun.clear();
    }

    fn begin(&mut self, kind: TokenType, value: u32) {
        let pitch = self.pitch(kind, value);
        let last = self.pitches.entry(self.program).or_insert((-128, -128));
        last.1 = pitch;
        if kind != TokenType::PitchIntervalChord {
            last.0 = pitch;
        }
        self.last_note = (self.program, pitch);
        self.begun.insert((self.counted_program, pitch));
        let config = &self.tokenizer.config;
        // As `token_errors` counts: any program has note-offs if one has.
        if self.tokenizer.tokenization.has_note_offs() && !config.use_note_duration_programs.is_empty() {
            self.open.entry(self.last_note).or_default().push_back(self.moment);
            self.sounding += 1;
        }
    }

    /// Whether a token needs another after it.
    fn says_nothing_yet(&self, kind: TokenType) -> bool {
        let config = &self.tokenizer.config;
        let has_durations =
            !self.tokenizer.tokenization.has_note_offs() && !config.use_note_duration_programs.is_empty();
        match kind {
            TokenType::Program | TokenType::Chord => true,
            TokenType::Pedal => config.sustain_pedal_duration,
            TokenType::Velocity => has_durations,
            _ if is_note(kind) => config.use_velocities || has_durations,
            _ => false,
        }
    }

    /// Ends `tokens`, whose last token is the last one observed, so that it stands by itself: takes off what only
    /// announces something, ends the notes that sound, and lifts the pedals that are down.
    pub fn close(&self, tokens: &mut Vec<TokenId>) {
        let cut = tokens.get(tokens.len().saturating_sub(self.pending)..).unwrap_or_default();
        let has_note = cut.iter().filter_map(|t| self.tokenizer.token_kind(*t)).any(is_note);
        tokens.truncate(tokens.len().saturating_sub(self.pending));
        let mut open: Vec<(ProgramId, i64)> =
            self.open.iter().flat_map(|(key, notes)| std::iter::repeat_n(*key, notes.len())).collect();
        open.sort_unstable();
        if has_note && let Some(at) = open.iter().position(|key| *key == self.last_note) {
            open.remove(at);
        }
        if (open.is_empty() && self.pedals.is_empty()) || self.is_finished() {
            return;
        }
        let (vocabulary, config) = (&self.tokenizer.vocabulary, &self.tokenizer.config);
        if self.tokenizer.tokenization == Tokenization::Remi {
            // Pedals alone: notes have durations.
            self.begin_bar(tokens);
        } else {
            tokens.push(vocabulary.time_shifts.id(0));
        }
        for (program, pitch) in open {
            if config.use_programs {
                // Program 0, in force from the start, may have no token.
                tokens.extend(Some(vocabulary.programs.id(program)).filter(|id| *id != NONE));
            }
            let (low, high) = config.pitch_range;
            let is_out = !(i64::from(low)..=i64::from(high)).contains(&pitch);
            let is_drum = config.use_pitchdrum_tokens && (program == DRUMS || is_out);
            let drums_low = config.drums_pitch_range.0;
            let (offs, low) =
                if is_drum { (vocabulary.drum_offs, drums_low) } else { (vocabulary.note_offs, low) };
            tokens.push(offs.id((pitch - i64::from(low)).clamp(0, 127) as u32));
        }
        tokens.extend(self.pedals.iter().map(|program| vocabulary.pedal_offs.id(*program)));
    }

    /// Goes on to a place at which pedals may be lifted: in the next bar, if not here.
    fn begin_bar(&self, tokens: &mut Vec<TokenId>) {
        let (vocabulary, graph) = (&self.tokenizer.vocabulary, &self.tokenizer.graph);
        let may_lift = |kind: TokenType| graph.after(kind).has(TokenType::PedalOff);
        if self.settled.is_some_and(may_lift) {
            return;
        }
        if self.settled != Some(TokenType::Bar) || self.is_bar_over {
            tokens.push(vocabulary.bars.last_id());
        }
        if graph.after(TokenType::Bar).has(TokenType::TimeSignature) {
            let common = || vocabulary.values.time_signatures.iter().position(|s| *s == (4, 4));
            let signature = self.signature.or_else(|| u32::try_from(common()?).ok()).unwrap_or(0);
            tokens.push(vocabulary.time_signatures.id(signature));
        } else {
            tokens.push(vocabulary.positions.id(0));
        }
    }
}

/// Whether a program is told before such a token, if one is told each time.
const fn is_of_program(kind: TokenType) -> bool {
    is_note(kind)
        || matches!(
            kind,
            TokenType::NoteOff
                | TokenType::DrumOff
                | TokenType::Chord
                | TokenType::PitchBend
                | TokenType::ControlChange
        )
}

const fn is_note(kind: TokenType) -> bool {
    matches!(
        kind,
        TokenType::Pitch
            | TokenType::PitchDrum
            | TokenType::NoteOn
            | TokenType::DrumOn
            | TokenType::PitchIntervalTime
            | TokenType::PitchIntervalChord
    )
}
