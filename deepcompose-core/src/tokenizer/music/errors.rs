//! What is wrong with a sequence, counted by kind.

use std::collections::{HashMap, HashSet, VecDeque};

use super::MusicTokenizer;
use super::config::ProgramId;
use super::vocabulary::{BAR_END, Entry};
use crate::tokenizer::{TokenId, TokenType};

/// Errors in a sequence of tokens. The total is MidiTok's, but where bars have numbers, which MidiTok passes over.
///
/// Where a token is wrong in more than one way it counts once: first its type, then its time or its note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenErrors {
    /// Tokens whose type may not come after the type before, and ids outside the vocabulary.
    pub successor: usize,
    /// Positions that are not after the one before in their bar.
    pub position: usize,
    /// Notes that begin a second time at one time. Counted if the configuration removes doubled notes.
    pub duplicate: usize,
    /// Note-offs of keys that do not sound.
    pub stray_note_offs: usize,
    /// Notes that are never ended.
    pub unclosed: usize,
}

impl TokenErrors {
    /// All errors together.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.successor + self.position + self.duplicate + self.stray_note_offs + self.unclosed
    }
}

impl MusicTokenizer {
    /// Counts what is wrong with a sequence.
    ///
    /// ```
    /// use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
    /// use deepcompose_core::{InputTrack, Tokenizer};
    ///
    /// let tokenizer = MusicTokenizer::new(Tokenization::Tsd, TokenizerConfig::default())?;
    /// let mut tokens = tokenizer.encode(&InputTrack::OdeToJoy.score());
    /// assert_eq!(tokenizer.token_errors(&tokens).total(), 0);
    /// tokens.remove(2); // a velocity
    /// assert_eq!(tokenizer.token_errors(&tokens).successor, 1);
    /// # Ok::<(), deepcompose_core::tokenizer::TokenizerError>(())
    /// ```
    #[must_use]
    pub fn token_errors(&self, tokens: &[TokenId]) -> TokenErrors {
        let mut errors = TokenErrors::default();
        let known = tokens.iter().filter_map(|token| self.vocabulary.entry(*token));
        let entries: Vec<Entry> = known.collect();
        errors.successor = tokens.len() - entries.len();
        let mut state = State::new(self);
        for (at, entry) in entries.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| entries.get(at));
            let earlier = at.checked_sub(2).and_then(|at| entries.get(at));
            if before.is_some_and(|before| !self.graph.after(before.kind).has(entry.kind)) {
                errors.successor += 1;
                continue;
            }
            if self.tokenization.has_note_offs() {
                state.midi_like(*entry, at + 1 == entries.len(), &mut errors);
            } else {
                state.other(*entry, before, earlier, &mut errors);
            }
        }
        errors.unclosed = state.open.values().map(VecDeque::len).sum();
        errors
    }
}

struct State<'a> {
    tokenizer: &'a MusicTokenizer,
    position: i64,
    program: ProgramId,
    /// The notes of this time.
    begun: HashSet<(ProgramId, i64)>,
    /// Pitch of the last onset and of the last note, by program.
    pitches: HashMap<ProgramId, (i64, i64)>,
    /// Notes that sound.
    open: HashMap<(ProgramId, i64), VecDeque<()>>,
}

impl<'a> State<'a> {
    fn new(tokenizer: &'a MusicTokenizer) -> Self {
        Self {
            tokenizer,
            position: -1,
            program: 0,
            begun: HashSet::new(),
            pitches: HashMap::new(),
            open: HashMap::new(),
        }
    }

    /// The pitch that a token tells, from then on the last one.
    fn pitch(&mut self, entry: Entry) -> i64 {
        let config = &self.tokenizer.config;
        let value = i64::from(entry.value);
        let interval = value - i64::from(config.max_pitch_interval);
        let last = self.pitches.entry(self.program).or_insert((-128, -128));
        match entry.kind {
            TokenType::PitchIntervalChord => last.1 += interval,
            TokenType::PitchIntervalTime => *last = (last.0 + interval, last.0 + interval),
            TokenType::PitchDrum | TokenType::DrumOn => {
                let pitch = i64::from(config.drums_pitch_range.0) + value;
                *last = (pitch, pitch);
            }
            _ => {
                let pitch = i64::from(config.pitch_range.0) + value;
                *last = (pitch, pitch);
            }
        }
        last.1
    }

    fn note(&mut self, entry: Entry, errors: &mut TokenErrors) -> i64 {
        let pitch = self.pitch(entry);
        let is_new = self.begun.insert((self.program, pitch));
        if self.tokenizer.config.remove_duplicated_notes && !is_new {
            errors.duplicate += 1;
        }
        pitch
    }

    fn midi_like(&mut self, entry: Entry, is_last: bool, errors: &mut TokenErrors) {
        let config = &self.tokenizer.config;
        match entry.kind {
            TokenType::NoteOn
            | TokenType::DrumOn
            | TokenType::PitchIntervalTime
            | TokenType::PitchIntervalChord => {
                let pitch = self.note(entry, errors);
                if !config.use_note_duration_programs.is_empty() {
                    self.open.entry((self.program, pitch)).or_default().push_back(());
                }
            }
            TokenType::NoteOff | TokenType::DrumOff => {
                let low = if entry.kind == TokenType::DrumOff {
                    config.drums_pitch_range.0
                } else {
                    config.pitch_range.0
                };
                let key = (self.program, i64::from(low) + i64::from(entry.value));
                if self.open.get_mut(&key).and_then(VecDeque::pop_front).is_none() {
                    errors.stray_note_offs += 1;
                }
            }
            TokenType::Program if !is_last => self.program = self.tokenizer.program(entry.value),
            TokenType::TimeShift | TokenType::Rest => self.begun.clear(),
            _ => {}
        }
    }

    fn other(
        &mut self,
        entry: Entry,
        before: Option<&Entry>,
        earlier: Option<&Entry>,
        errors: &mut TokenErrors,
    ) {
        match entry.kind {
            // MidiTok takes the first token only for what it says; and it takes bars with numbers for none.
            TokenType::Bar if before.is_some() && entry.value != BAR_END => {
                self.position = -1;
                self.begun.clear();
            }
            TokenType::TimeShift | TokenType::Rest => self.begun.clear(),
            TokenType::Pitch
            | TokenType::PitchDrum
            | TokenType::PitchIntervalTime
            | TokenType::PitchIntervalChord
                if before.is_some() =>
            {
                self.note(entry, errors);
            }
            TokenType::Pitch | TokenType::PitchDrum => {
                let low = match entry.kind {
                    TokenType::PitchDrum => self.tokenizer.config.drums_pitch_range.0,
                    _ => self.tokenizer.config.pitch_range.0,
                };
                self.begun.insert((self.program, i64::from(low) + i64::from(entry.value)));
            }
            TokenType::Position => {
                let after_rest = before.is_some_and(|b| b.kind == TokenType::Rest)
                    || (before.is_some_and(|b| b.kind == TokenType::TimeSignature)
                        && earlier.is_some_and(|e| e.kind == TokenType::Rest));
                if before.is_some() && i64::from(entry.value) <= self.position && !after_rest {
                    errors.position += 1;
                }
                self.position = entry.value.into();
                self.begun.clear();
            }
            TokenType::Program if before.is_some() => self.program = self.tokenizer.program(entry.value),
            _ => {}
        }
    }
}
