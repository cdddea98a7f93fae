//! The token-type graph: which type of token may come after which.
//!
//! It is MidiTok's graph, edge by edge, also where an edge is never used.

use super::Tokenization;
use super::config::TokenizerConfig;
use super::graph_durations::{duration_graph, structured_graph};
use super::graph_note_offs::note_off_graph;
use super::vocabulary::Vocabulary;
use crate::tokenizer::TokenType;
use crate::tokenizer::TokenType::{
    Chord, ControlChange, End, KeySignature, Pedal, PedalOff, PitchBend, Position, Program, Rest, Start,
    Tempo, TimeShift, TimeSignature,
};

/// A set of token types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Types(u32);

impl Types {
    pub(super) const fn of(types: &[TokenType]) -> Self {
        let mut set = 0;
        let mut at = 0;
        while at < types.len() {
            set |= 1 << types[at] as u32;
            at += 1;
        }
        Self(set)
    }

    pub(super) const fn has(self, kind: TokenType) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn without(self, types: &[TokenType]) -> Self {
        Self(self.0 & !Self::of(types).0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graph {
    /// The types in the graph.
    types: Types,
    next: [Types; 32],
}

impl Graph {
    pub(super) fn new(config: &TokenizerConfig, tokenization: Tokenization, vocabulary: &Vocabulary) -> Self {
        let mut graph = match tokenization {
            Tokenization::Remi | Tokenization::Tsd => duration_graph(config, tokenization),
            Tokenization::MidiLike => note_off_graph(config),
            Tokenization::Structured => structured_graph(config),
        };
        graph.add_special(vocabulary);
        graph
    }

    pub(super) const fn empty() -> Self {
        Self { types: Types(0), next: [Types(0); 32] }
    }

    /// The types that may come after one.
    pub(super) const fn after(&self, kind: TokenType) -> Types {
        self.next[kind as usize]
    }

    /// Puts a type in, with what may follow it.
    pub(super) fn set(&mut self, kind: TokenType, next: Types) {
        self.types = self.types.and(Types::of(&[kind]));
        self.next[kind as usize] = next;
    }

    /// Lets more types follow one that is in.
    pub(super) fn add(&mut self, kind: TokenType, next: &[TokenType]) {
        if self.types.has(kind) {
            self.next[kind as usize] = self.after(kind).and(Types::of(next));
        }
    }

    pub(super) const fn has(&self, kind: TokenType) -> bool {
        self.types.has(kind)
    }

    /// Where `like` may come `also` may, too, and it has the same followers.
    pub(super) fn put_beside(&mut self, also: TokenType, like: TokenType) {
        for kind in TokenType::ALL {
            if self.after(kind).has(like) {
                self.add(kind, &[also]);
            }
        }
        self.set(also, self.after(like));
    }

    /// Control changes may come anywhere, and anything after them.
    pub(super) fn let_controls_anywhere(&mut self) {
        let types = self.types;
        for kind in TokenType::ALL {
            self.add(kind, &[ControlChange]);
        }
        self.next[ControlChange as usize] = self.after(ControlChange).and(types);
    }

    /// A program change may come anywhere.
    pub(super) fn let_programs_change(&mut self) {
        for kind in [
            Position,
            TimeShift,
            Rest,
            PitchBend,
            ControlChange,
            Pedal,
            PedalOff,
            Tempo,
            TimeSignature,
            KeySignature,
            Chord,
        ] {
            if self.has(kind) {
                self.add(Program, &[kind]);
                self.add(kind, &[Program]);
            }
        }
    }

    /// Special tokens may come after any other, but the start, which comes first; nothing comes after the end.
    fn add_special(&mut self, vocabulary: &Vocabulary) {
        let music = self.types;
        for kind in vocabulary.special_types() {
            if kind == End {
                self.set(End, Types::default());
            } else {
                self.set(kind, music);
            }
        }
        for kind in TokenType::ALL.into_iter().filter(|kind| music.has(*kind)) {
            for special in vocabulary.special_types().filter(|special| *special != Start) {
                self.add(kind, &[special]);
            }
        }
    }
}
