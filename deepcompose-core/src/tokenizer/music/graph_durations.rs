//! The token-type graphs of REMI, TSD and Structured.

use super::Tokenization;
use super::config::TokenizerConfig;
use super::graph::{Graph, Types};
use crate::tokenizer::TokenType;
use crate::tokenizer::TokenType::{
    Bar, Chord, ControlChange, Duration, KeySignature, Pedal, PedalOff, Pitch, PitchBend, PitchDrum,
    PitchIntervalChord, PitchIntervalTime, Position, Program, Rest, Tempo, TimeShift, TimeSignature,
    Velocity,
};

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
pub(super) fn duration_graph(config: &TokenizerConfig, tokenization: Tokenization) -> Graph {
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

pub(super) fn structured_graph(config: &TokenizerConfig) -> Graph {
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
