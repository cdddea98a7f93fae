//! The token-type graph: which type of token may come after which.
//!
//! It is MidiTok's graph, edge by edge, also where an edge is never used.

use super::Tokenization;
use super::config::TokenizerConfig;
use super::graph_note_offs::note_off_graph;
use super::vocabulary::Vocabulary;
use crate::tokenizer::TokenType;
use crate::tokenizer::TokenType::{
    Bar, Chord, ControlChange, Duration, End, KeySignature, Pedal, PedalOff, Pitch, PitchBend, PitchDrum,
    PitchIntervalChord, PitchIntervalTime, Position, Program, Rest, Start, Tempo, TimeShift, TimeSignature,
    Velocity,
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

/// What all graphs of one note after the other depend on.
struct Shape<'a> {
    config: &'a TokenizerConfig,
    /// The first token of a note.
    first: TokenType,
    has_durations: bool,
    /// The tokens that move time.
    times: Types,
    /// The one of them after which things happen.
    place: TokenType,
}

impl Shape<'_> {
    fn of(&self, types: &[TokenType]) -> Types {
        self.times.and(Types::of(&[self.first])).and(Types::of(types))
    }
}

/// REMI and TSD.
fn duration_graph(config: &TokenizerConfig, tokenization: Tokenization) -> Graph {
    let is_remi = tokenization == Tokenization::Remi;
    let shape = Shape {
        config,
        first: if config.use_programs && !config.program_changes { Program } else { Pitch },
        has_durations: !config.use_note_duration_programs.is_empty(),
        times: if is_remi { Types::of(&[Position, Bar]) } else { Types::of(&[TimeShift]) },
        place: if is_remi { Position } else { TimeShift },
    };
    let mut graph = Graph::empty();
    notes(&mut graph, &shape, is_remi);
    intervals(&mut graph, &shape);
    if config.program_changes {
        graph.add(shape.last_of_note(), &[Program]);
        if config.use_bar_end_tokens {
            graph.add(Program, &[Bar]);
        }
    }
    if config.use_chords {
        graph.set(Chord, Types::of(&[shape.first]));
        graph.add(shape.place, &[Chord]);
        graph.add(Program, &[Chord]);
        shape.let_intervals(&mut graph, &[Chord]);
    }
    tempos(&mut graph, &shape, is_remi);
    pedals(&mut graph, &shape);
    bends(&mut graph, &shape);
    controls(&mut graph, &shape);
    rests(&mut graph, &shape);
    if config.program_changes {
        graph.let_programs_change();
    }
    if config.use_pitchdrum_tokens {
        graph.put_beside(PitchDrum, Pitch);
    }
    if config.use_control_changes {
        graph.let_controls_anywhere();
    }
    graph
}

impl Shape<'_> {
    fn last_of_note(&self) -> TokenType {
        if self.has_durations {
            Duration
        } else if self.config.use_velocities {
            Velocity
        } else {
            self.first
        }
    }

    fn let_intervals(&self, graph: &mut Graph, after: &[TokenType]) {
        for kind in after.iter().filter(|_| self.config.use_pitch_intervals) {
            graph.add(*kind, &[PitchIntervalTime, PitchIntervalChord]);
        }
    }
}

fn notes(graph: &mut Graph, shape: &Shape<'_>, is_remi: bool) {
    let config = shape.config;
    if config.use_programs {
        graph.set(Program, Types::of(&[Pitch]));
    }
    if config.use_velocities {
        graph.set(Pitch, Types::of(&[Velocity]));
        graph.set(Velocity, if shape.has_durations { Types::of(&[Duration]) } else { shape.of(&[]) });
    } else {
        graph.set(Pitch, if shape.has_durations { Types::of(&[Duration]) } else { shape.of(&[]) });
    }
    if shape.has_durations {
        graph.set(Duration, shape.of(&[]));
    }
    if is_remi {
        graph.set(Bar, Types::of(&[Position, Bar]));
        graph.set(Position, Types::of(&[shape.first]));
    } else {
        graph.set(TimeShift, shape.of(&[]));
    }
}

fn intervals(graph: &mut Graph, shape: &Shape<'_>) {
    let config = shape.config;
    if !config.use_pitch_intervals {
        return;
    }
    for kind in [PitchIntervalTime, PitchIntervalChord] {
        let next = if config.use_velocities {
            Types::of(&[Velocity])
        } else if shape.has_durations {
            Types::of(&[Duration])
        } else {
            shape.of(&[PitchIntervalTime, PitchIntervalChord])
        };
        graph.set(kind, next);
        if config.one_token_stream_for_programs {
            graph.add(Program, &[kind]);
        } else {
            let last = match (shape.has_durations, config.use_velocities) {
                (true, _) => Duration,
                (false, true) => Velocity,
                (false, false) => Pitch,
            };
            graph.add(last, &[kind]);
            graph.add(shape.place, &[kind]);
        }
    }
}

/// Tempos, time signatures and key signatures.
fn tempos(graph: &mut Graph, shape: &Shape<'_>, is_remi: bool) {
    let config = shape.config;
    let said = |graph: &mut Graph, kind: TokenType, also: &[TokenType]| {
        graph.set(kind, shape.of(also));
        if config.use_chords {
            graph.add(kind, &[Chord]);
        }
        if config.use_rests {
            graph.add(kind, &[Rest]);
        }
        shape.let_intervals(graph, &[kind]);
    };
    if config.use_tempos {
        graph.add(shape.place, &[Tempo]);
        said(graph, Tempo, &[]);
    }
    if config.use_time_signatures {
        if is_remi {
            graph.set(Bar, Types::of(&[TimeSignature]));
            if config.use_bar_end_tokens {
                graph.add(Bar, &[Bar]);
            }
        } else {
            graph.add(TimeShift, &[TimeSignature]);
        }
        said(graph, TimeSignature, &[]);
        if config.use_tempos {
            let (before, after) = if is_remi { (Tempo, TimeSignature) } else { (TimeSignature, Tempo) };
            graph.add(before, &[after]);
        }
    }
    if config.use_key_signatures {
        graph.add(shape.place, &[KeySignature]);
        said(graph, KeySignature, &[KeySignature]);
        graph.add(Tempo, &[KeySignature]);
        graph.add(TimeSignature, &[KeySignature]);
    }
}

fn pedals(graph: &mut Graph, shape: &Shape<'_>) {
    let config = shape.config;
    if !config.use_sustain_pedals {
        return;
    }
    graph.add(shape.place, &[Pedal]);
    if config.sustain_pedal_duration {
        graph.set(Pedal, Types::of(&[Duration]));
        if shape.has_durations {
            graph.add(Duration, &[Pedal]);
        } else {
            graph.set(Duration, shape.of(&[]));
            graph.add(if config.use_velocities { Velocity } else { Pitch }, &[Pedal]);
        }
    } else {
        graph.set(PedalOff, shape.of(&[Pedal, PedalOff]));
        graph.set(Pedal, shape.of(&[Pedal]));
        graph.add(shape.place, &[PedalOff]);
    }
    for (is_used, kind) in [(config.use_chords, Chord), (config.use_rests, Rest)] {
        if is_used {
            graph.add(Pedal, &[kind]);
            graph.add(PedalOff, &[kind]);
        }
    }
    if graph.has(PedalOff) {
        graph.add(Chord, &[PedalOff]);
    }
    after_global(graph, &[Pedal]);
    if config.sustain_pedal_duration {
        shape.let_intervals(graph, &[Duration]);
    } else {
        after_global(graph, &[PedalOff]);
        shape.let_intervals(graph, &[Pedal, PedalOff]);
    }
}

/// Lets types follow tempos, time signatures and key signatures.
pub(super) fn after_global(graph: &mut Graph, next: &[TokenType]) {
    for kind in [Tempo, TimeSignature, KeySignature] {
        graph.add(kind, next);
    }
}

fn bends(graph: &mut Graph, shape: &Shape<'_>) {
    let config = shape.config;
    if !config.use_pitch_bends {
        return;
    }
    graph.set(PitchBend, shape.of(&[]));
    if config.use_programs && !config.program_changes {
        graph.add(Program, &[PitchBend]);
    } else {
        graph.add(shape.place, &[PitchBend]);
        after_global(graph, &[PitchBend]);
        after_pedals(graph, config, PitchBend);
    }
    if config.use_chords {
        graph.add(PitchBend, &[Chord]);
    }
    if config.use_rests {
        graph.add(PitchBend, &[Rest]);
    }
}

/// Lets a type follow the pedal.
pub(super) fn after_pedals(graph: &mut Graph, config: &TokenizerConfig, kind: TokenType) {
    if config.use_sustain_pedals {
        graph.add(Pedal, &[kind]);
        graph.add(if config.sustain_pedal_duration { Duration } else { PedalOff }, &[kind]);
    }
}

fn controls(graph: &mut Graph, shape: &Shape<'_>) {
    // The edges to and from all other types come last.
    if shape.config.use_control_changes {
        graph.set(ControlChange, shape.of(&[ControlChange]));
        if shape.config.use_rests {
            graph.add(ControlChange, &[Rest]);
        }
    }
}

fn rests(graph: &mut Graph, shape: &Shape<'_>) {
    let config = shape.config;
    if !config.use_rests {
        return;
    }
    graph.set(Rest, shape.of(&[Rest]));
    graph.add(shape.last_of_note(), &[Rest]);
    after_rests(graph, config);
    shape.let_intervals(graph, &[Rest]);
}

/// Lets follow rests whatever is there.
pub(super) fn after_rests(graph: &mut Graph, config: &TokenizerConfig) {
    for kind in [Chord, Tempo, TimeSignature, KeySignature, Pedal, PitchBend, ControlChange, PedalOff] {
        if graph.has(kind) {
            graph.add(Rest, &[kind]);
        }
    }
    if config.use_sustain_pedals {
        graph.add(if config.sustain_pedal_duration { Duration } else { PedalOff }, &[Rest]);
    }
}

fn structured_graph(config: &TokenizerConfig) -> Graph {
    let has_durations = !config.use_note_duration_programs.is_empty();
    let length = if has_durations { Duration } else { TimeShift };
    let mut graph = Graph::empty();
    let after_pitch = Types::of(&[if config.use_velocities { Velocity } else { length }]);
    graph.set(Pitch, after_pitch);
    graph.set(PitchDrum, after_pitch);
    graph.set(TimeShift, Types::of(&[Pitch, PitchDrum]));
    if config.use_velocities {
        graph.set(Velocity, Types::of(&[length]));
    }
    if has_durations {
        graph.set(Duration, Types::of(&[TimeShift]));
    }
    if config.use_programs {
        graph.set(Program, Types::of(&[Pitch, PitchDrum]));
        graph.set(TimeShift, Types::of(&[Program]));
    }
    graph
}
