//! Decoded tracks, as they come up, and the score they make.

use std::collections::HashMap;

use super::config::{DRUMS, ProgramId};
use super::piece::PedalSpan;
use crate::error::ScoreError;
use crate::meter::{KeySignature, Mode, TimeSignature};
use crate::score::{At, ControlChange, Note, PitchBend, Score, Track};
use crate::tempo::{Tempo, TempoMap};
use crate::tokenizer::DecodeReport;
use crate::units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};

/// A decoded note.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundNote {
    pub(super) time: i64,
    pub(super) duration: i64,
    pub(super) pitch: i64,
    pub(super) velocity: u8,
}

#[derive(Debug, Default)]
pub(super) struct FoundTrack {
    pub(super) program: ProgramId,
    pub(super) notes: Vec<FoundNote>,
    pub(super) pedals: Vec<PedalSpan>,
    pub(super) bends: Vec<(i64, i32)>,
    pub(super) controls: Vec<(i64, u8, u8)>,
}

/// What the sequences have said so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tracks: Vec<FoundTrack>,
    by_program: HashMap<ProgramId, usize>,
    pub(super) tempos: Vec<(i64, f64)>,
    pub(super) signatures: Vec<(i64, u8, u8)>,
    pub(super) keys: Vec<(i64, u32)>,
}

impl Found {
    /// The track of a program, a new one if there is none.
    pub(super) fn track(&mut self, program: ProgramId) -> &mut FoundTrack {
        let at = *self.by_program.entry(program).or_insert(self.tracks.len());
        if at >= self.tracks.len() {
            self.tracks.push(FoundTrack { program, ..FoundTrack::default() });
        }
        let last = self.tracks.len() - 1;
        &mut self.tracks[at.min(last)]
    }

    /// Everything as a score. `default_tempo` is in force before the first.
    pub(super) fn into_score(
        self,
        ticks_per_quarter: i64,
        default_tempo: f64,
        report: &mut DecodeReport,
    ) -> Score {
        let mut score = Score::new(TicksPerQuarter::saturating(ticks_per_quarter));
        let mut tempos = vec![At { tick: Tick::ZERO, value: tempo(default_tempo) }];
        tempos.extend(
            self.tempos.iter().map(|(tick, bpm)| At { tick: Tick::saturating(*tick), value: tempo(*bpm) }),
        );
        score.set_tempo_map(TempoMap::new(tempos));
        score.set_time_signatures(events(&self.signatures, |&(tick, upper, lower)| {
            (tick, TimeSignature::new(upper.into(), lower.into()))
        }));
        score.set_key_signatures(events(&self.keys, |&(tick, index)| {
            let mode = if index % 2 == 1 { Mode::Minor } else { Mode::Major };
            (tick, KeySignature::new((index / 2) as i8 - 7, mode))
        }));
        for found in self.tracks {
            score.push_track(track(found, report));
        }
        score
    }
}

fn events<T, V>(all: &[T], read: impl Fn(&T) -> (i64, Result<V, ScoreError>)) -> Vec<At<V>> {
    let read = |item: &T| {
        let (tick, value) = read(item);
        Some(At { tick: Tick::saturating(tick), value: value.ok()? })
    };
    all.iter().filter_map(read).collect()
}

fn tempo(bpm: f64) -> Tempo {
    let slowest = Tempo::from_micros(0x00FF_FFFF).unwrap_or_default();
    Tempo::from_bpm(bpm).unwrap_or(slowest)
}

fn track(found: FoundTrack, report: &mut DecodeReport) -> Track {
    let mut track = if found.program == DRUMS {
        Track::drums("Drums", Program::MIN)
    } else {
        Track::new("", Program::saturating(found.program.into()))
    };
    let last = i64::from(Tick::MAX.get());
    let mut notes = Vec::with_capacity(found.notes.len());
    for note in found.notes {
        let end = note.time.saturating_add(note.duration);
        report.past_end += usize::from(end > last);
        if note.time < last {
            notes.push(Note {
                start: Tick::saturating(note.time),
                pitch: Pitch::saturating(note.pitch),
                duration: Tick::saturating(end.min(last) - note.time),
                velocity: Velocity::saturating(note.velocity.into()),
            });
        }
    }
    track.set_notes(notes);
    let mut controls =
        events(&found.controls, |&(tick, number, value)| (tick, ControlChange::new(number, value)));
    for span in &found.pedals {
        let ends = [(span.time, 127), (span.time.saturating_add(span.duration), 0)];
        controls.extend(events(&ends, |&(tick, value)| {
            (tick, ControlChange::new(ControlChange::SUSTAIN, value))
        }));
    }
    track.set_controls(controls);
    track.set_pitch_bends(events(&found.bends, |&(tick, bend)| (tick, PitchBend::new(bend as i16))));
    track
}
