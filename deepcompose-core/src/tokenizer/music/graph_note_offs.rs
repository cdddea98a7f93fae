//! The token-type graph of MIDI-Like.

use super::config::TokenizerConfig;
use super::graph::{Graph, Types};
use super::graph_durations::{after_global, after_pedals, after_rests};
use crate::tokenizer::TokenType;
use crate::tokenizer::TokenType::{
    Chord, ControlChange, DrumOff, DrumOn, Duration, KeySignature, NoteOff, NoteOn, Pedal, PedalOff,
    PitchBend, PitchIntervalChord, PitchIntervalTime, Program, Rest, Tempo, TimeShift, TimeSignature,
    Velocity,
};

const INTERVALS: [TokenType; 2] = [PitchIntervalTime, PitchIntervalChord];

pub(super) fn note_off_graph(config: &TokenizerConfig) -> Graph {
    let has_offs = !config.use_note_duration_programs.is_empty();
    let first = if config.use_programs && !config.program_changes { Program } else { NoteOn };
    let last = if config.use_velocities { Velocity } else { NoteOn };
    let mut graph = Graph::empty();
    notes(&mut graph, config, first, has_offs);
    intervals(&mut graph, config, last, has_offs);
    if config.program_changes {
        graph.add(last, &[Program]);
        graph.add(NoteOff, &[Program]);
    }
    if config.use_chords {
        graph.set(Chord, Types::of(&[first]));
        for kind in [TimeShift, NoteOff, Program] {
            graph.add(kind, &[Chord]);
        }
        let_intervals(&mut graph, config, &[Chord]);
    }
    global(&mut graph, config, first, has_offs);
    pedals(&mut graph, config, first);
    bends_and_controls(&mut graph, config, first);
    if config.use_rests {
        graph.set(Rest, Types::of(&[Rest, first, TimeShift]));
        graph.add(NoteOff, &[Rest]);
        after_rests(&mut graph, config);
        let_intervals(&mut graph, config, &[Rest]);
    }
    if config.program_changes {
        graph.let_programs_change();
    }
    if config.use_pitchdrum_tokens {
        graph.put_beside(DrumOn, NoteOn);
        if has_offs {
            graph.put_beside(DrumOff, NoteOff);
        }
    }
    if config.use_control_changes {
        graph.let_controls_anywhere();
    }
    graph
}

fn let_intervals(graph: &mut Graph, config: &TokenizerConfig, after: &[TokenType]) {
    for kind in after.iter().filter(|_| config.use_pitch_intervals) {
        graph.add(*kind, &INTERVALS);
    }
}

fn notes(graph: &mut Graph, config: &TokenizerConfig, first: TokenType, has_offs: bool) {
    if config.use_programs {
        graph.set(Program, Types::of(&[NoteOn]));
        if has_offs {
            graph.add(Program, &[NoteOff]);
        }
    }
    if config.use_velocities {
        graph.set(NoteOn, Types::of(&[Velocity]));
        graph.set(Velocity, Types::of(&[first, TimeShift]));
    } else {
        graph.set(NoteOn, Types::of(&[first, TimeShift]));
    }
    graph.set(TimeShift, Types::of(&[first, TimeShift]));
    if has_offs {
        graph.set(NoteOff, Types::of(&[NoteOff, first, TimeShift]));
        graph.add(TimeShift, &[NoteOff]);
    }
}

fn intervals(graph: &mut Graph, config: &TokenizerConfig, last: TokenType, has_offs: bool) {
    if !config.use_pitch_intervals {
        return;
    }
    for kind in INTERVALS {
        graph.set(kind, Types::of(&[last]));
        if !config.use_velocities {
            graph.add(kind, &[PitchIntervalTime, PitchIntervalChord, TimeShift]);
        }
        if config.one_token_stream_for_programs {
            graph.add(Program, &[kind]);
        } else {
            graph.add(last, &[kind]);
            graph.add(if has_offs { NoteOff } else { last }, &[kind]);
            graph.add(TimeShift, &[kind]);
        }
    }
}

/// Tempos, time signatures and key signatures.
fn global(graph: &mut Graph, config: &TokenizerConfig, first: TokenType, has_offs: bool) {
    let may_end_notes = has_offs && (!config.use_programs || config.program_changes);
    let used = [
        (config.use_tempos, Tempo),
        (config.use_time_signatures, TimeSignature),
        (config.use_key_signatures, KeySignature),
    ];
    for (_, kind) in used.into_iter().filter(|(is_used, _)| *is_used) {
        graph.add(TimeShift, &[kind]);
        graph.set(kind, Types::of(&[first, TimeShift]));
        for (may_follow, next) in
            [(may_end_notes, NoteOff), (config.use_chords, Chord), (config.use_rests, Rest)]
        {
            if may_follow {
                graph.add(kind, &[next]);
            }
        }
        let_intervals(graph, config, &[kind]);
    }
    if config.use_tempos {
        graph.add(TimeSignature, &[Tempo]);
    }
    if config.use_key_signatures {
        after_global(graph, &[KeySignature]);
    }
}

fn pedals(graph: &mut Graph, config: &TokenizerConfig, first: TokenType) {
    if !config.use_sustain_pedals {
        return;
    }
    graph.add(TimeShift, &[Pedal]);
    graph.add(NoteOff, &[Pedal]);
    if config.sustain_pedal_duration {
        graph.set(Pedal, Types::of(&[Duration]));
        graph.set(Duration, Types::of(&[first, TimeShift, Pedal]));
        if graph.has(NoteOff) {
            graph.add(Duration, &[NoteOff]);
        }
        let_intervals(graph, config, &[Duration]);
    } else {
        graph.add(NoteOff, &[PedalOff]);
        graph.set(PedalOff, Types::of(&[Pedal, PedalOff, first, TimeShift]));
        graph.set(Pedal, Types::of(&[Pedal, first, TimeShift]));
        if graph.has(NoteOff) {
            graph.add(Pedal, &[NoteOff]);
            graph.add(PedalOff, &[NoteOff]);
        }
        graph.add(TimeShift, &[PedalOff]);
        let_intervals(graph, config, &[Pedal, PedalOff]);
    }
    for (is_used, kind) in [(config.use_chords, Chord), (config.use_rests, Rest)] {
        if is_used {
            graph.add(Pedal, &[kind]);
            graph.add(PedalOff, &[kind]);
        }
    }
    after_global(graph, &[Pedal]);
    if graph.has(PedalOff) {
        graph.add(Chord, &[PedalOff]);
        after_global(graph, &[PedalOff]);
    }
}

fn bends_and_controls(graph: &mut Graph, config: &TokenizerConfig, first: TokenType) {
    if config.use_pitch_bends {
        graph.set(PitchBend, Types::of(&[first, TimeShift]));
        if graph.has(NoteOff) {
            graph.add(PitchBend, &[NoteOff]);
        }
        if config.use_programs && !config.program_changes {
            graph.add(Program, &[PitchBend]);
        } else {
            graph.add(TimeShift, &[PitchBend]);
            graph.add(NoteOff, &[PitchBend]);
            after_global(graph, &[PitchBend]);
            after_pedals(graph, config, PitchBend);
        }
        for (is_used, kind) in [(config.use_chords, Chord), (config.use_rests, Rest)] {
            if is_used {
                graph.add(PitchBend, &[kind]);
            }
        }
    }
    // The edges to and from all other types come last.
    if config.use_control_changes {
        graph.set(ControlChange, Types::of(&[first, ControlChange, TimeShift]));
    }
}
