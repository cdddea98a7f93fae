//! One track on the grid: notes, pedals, bends, controls.

use super::config::{DRUMS, TokenizerConfig};
use super::piece::{GridControl, GridTrack, LeftOut, PedalSpan};
use super::sections::Sections;
use super::values::{BeatTime, is_repeatable, nearest_int};
use super::vocabulary::Values;
use crate::score::Track;

/// What all tracks are brought to the grid by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) config: &'a TokenizerConfig,
    pub(super) values: &'a Values,
    /// Whether notes are note-ons and note-offs.
    pub(super) has_note_offs: bool,
    /// The grid of onsets, where it is not the same throughout.
    pub(super) grid: Option<&'a Sections>,
    pub(super) beats: &'a Sections,
}

pub(super) fn preprocess_track(track: &mut GridTrack, rules: &Rules<'_>, left_out: &mut LeftOut) {
    notes(track, rules, left_out);
    bends(track, rules);
    pedals(track, rules);
}

fn notes(track: &mut GridTrack, rules: &Rules<'_>, left_out: &mut LeftOut) {
    let Rules { config, values, .. } = *rules;
    let (low, high) = if track.program == DRUMS && config.use_pitchdrum_tokens {
        config.drums_pitch_range
    } else {
        config.pitch_range
    };
    let before = track.notes.len();
    track.notes.retain(|note| (low..=high).contains(&note.pitch));
    left_out.out_of_range += before - track.notes.len();
    if config.use_velocities {
        for note in &mut track.notes {
            note.velocity = nearest_int(&values.velocities, note.velocity.into()) as u8;
        }
    }
    let has_lengths = config.use_note_duration_programs.contains(&track.program);
    if let Some(grid) = rules.grid {
        for note in &mut track.notes {
            if rules.has_note_offs && has_lengths {
                (note.time, note.duration) = snapped_span(note.time, note.duration, grid);
            } else {
                note.time = grid.snap(note.time);
            }
        }
    }
    if !rules.has_note_offs && has_lengths {
        let mut lengths = Lengths::new(&values.durations, rules.beats);
        for note in &mut track.notes {
            note.duration = lengths.nearest(note.time, note.duration);
        }
    }
    if config.remove_duplicated_notes {
        track.notes.sort_by_key(|n| (n.time, n.pitch, n.duration, n.velocity));
        let before = track.notes.len();
        track.notes.dedup_by_key(|n| (n.time, n.pitch));
        left_out.doubled += before - track.notes.len();
    }
}

/// Both ends on the grid, a step apart at least.
fn snapped_span(time: i64, duration: i64, grid: &Sections) -> (i64, i64) {
    let onset = grid.snap(time);
    let offset = grid.snap(time + duration);
    (onset, if offset <= onset { grid.step_at(onset) } else { offset - onset })
}

/// The lengths that there are tokens for, in ticks, section by section.
struct Lengths<'a> {
    times: &'a [BeatTime],
    beats: super::sections::Cursor<'a>,
    of_beat: i64,
    ticks: Vec<i64>,
}

impl<'a> Lengths<'a> {
    fn new(times: &'a [BeatTime], beats: &'a Sections) -> Self {
        Self { times, beats: beats.cursor(), of_beat: 0, ticks: Vec::new() }
    }

    /// Times asked for may not go back.
    fn nearest(&mut self, time: i64, duration: i64) -> i64 {
        let beat = self.beats.ticks_at(time);
        if beat != self.of_beat {
            self.of_beat = beat;
            self.ticks = self.times.iter().map(|t| t.ticks(beat)).collect();
        }
        self.ticks.get(nearest_int(&self.ticks, duration)).copied().unwrap_or(duration)
    }
}

/// The bends as indices; of several at one time the widest, at the place of the first.
fn bends(track: &mut GridTrack, rules: &Rules<'_>) {
    let values = &rules.values.pitch_bends;
    let mut out: Vec<(i64, i32)> = Vec::with_capacity(track.bends.len());
    for (time, value) in &track.bends {
        let time = rules.grid.map_or(*time, |grid| grid.snap(*time));
        let index = nearest_int(values, (*value).into()) as i32;
        let width = |index: i32| values.get(index as usize).map_or(0, |v| v.abs());
        match out.last_mut() {
            Some(last) if last.0 == time => {
                if width(index) > width(last.1) {
                    last.1 = index;
                }
            }
            _ => out.push((time, index)),
        }
    }
    track.bends = out;
}

fn pedals(track: &mut GridTrack, rules: &Rules<'_>) {
    let has_durations = rules.config.sustain_pedal_duration;
    if let Some(grid) = rules.grid {
        for span in &mut track.pedals {
            if has_durations {
                span.time = grid.snap(span.time);
            } else {
                (span.time, span.duration) = snapped_span(span.time, span.duration, grid);
            }
        }
    }
    // Spans that touch are one.
    track.pedals.dedup_by(|next, kept| {
        let touches = kept.time + kept.duration >= next.time;
        if touches {
            kept.duration = kept.duration.max(next.time + next.duration - kept.time);
        }
        touches
    });
    if has_durations {
        let mut lengths = Lengths::new(&rules.values.durations, rules.beats);
        for PedalSpan { time, duration } in &mut track.pedals {
            *duration = lengths.nearest(*time, *duration);
        }
    }
}

/// The control changes that have tokens. A value said again at one time, without another between,
/// goes.
pub(super) fn controls(track: &Track, values: &Values, place: impl Fn(i64) -> i64) -> Vec<GridControl> {
    let mut before = None;
    let mut out = Vec::new();
    for change in track.controls() {
        let number = change.value.controller();
        let of_number = values.controllers.binary_search_by_key(&number, |(number, _)| *number);
        let raw = i64::from(change.value.value());
        let found = of_number.ok().and_then(|at| values.controllers.get(at).map(|(_, all)| (at, all)));
        let nearest = found.map(|(at, all)| (at, nearest_int(all, raw), all));
        let value =
            nearest.and_then(|(_, index, all)| all.get(index).copied()).unwrap_or(change.value.value());
        let this = (change.tick, number, value);
        let is_repeat = before.replace(this) == Some(this) && is_repeatable(number);
        if let Some((controller, index, _)) = nearest.filter(|_| !is_repeat) {
            out.push(GridControl { time: place(change.tick.get().into()), controller, value: index as u32 });
        }
    }
    out
}
