//! A score on the grid of a tokenizer.

use super::config::{DRUMS, ProgramId, TokenizerConfig};
use super::sections::Sections;
use super::signatures::{preprocess_signatures, ticks_per_beat};
use super::tracks::{Rules, preprocess_track};
use super::values::nearest;
use super::vocabulary::{Values, finest};
use crate::meter::Mode;
use crate::score::{ControlChange, Note, Score, Track};

/// A note on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GridNote {
    pub(super) time: i64,
    pub(super) duration: i64,
    pub(super) pitch: u8,
    /// An index into the velocities, if there are velocity tokens.
    pub(super) velocity: u8,
}

impl GridNote {
    pub(super) const fn end(&self) -> i64 {
        self.time + self.duration
    }
}

/// One stretch of a pressed pedal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PedalSpan {
    pub(super) time: i64,
    pub(super) duration: i64,
}

/// A controller's index and its value's among [`Values::controllers`], with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GridControl {
    pub(super) time: i64,
    pub(super) controller: usize,
    pub(super) value: u32,
}

/// One track, or all of one program.
#[derive(Debug, Clone, Default)]
pub(super) struct GridTrack {
    pub(super) program: ProgramId,
    pub(super) notes: Vec<GridNote>,
    pub(super) pedals: Vec<PedalSpan>,
    /// Times and values; the values are raw until the track has been put on the grid, and indices after.
    pub(super) bends: Vec<(i64, i32)>,
    pub(super) controls: Vec<GridControl>,
}

impl GridTrack {
    pub(super) fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.pedals.is_empty() && self.bends.is_empty() && self.controls.is_empty()
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) ticks_per_quarter: i64,
    pub(super) tracks: Vec<GridTrack>,
    /// `(tick, upper, lower)`; none if they are not used.
    pub(super) signatures: Vec<(i64, u8, u8)>,
    /// Ticks and indices.
    pub(super) tempos: Vec<(i64, u32)>,
    pub(super) keys: Vec<(i64, u32)>,
    /// Ticks a beat.
    pub(super) beats: Sections,
    /// Notes of the score that are not in the piece.
    pub(super) left_out: LeftOut,
}

/// Notes that have no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LeftOut {
    pub(super) out_of_range: usize,
    pub(super) drums: usize,
    pub(super) other_programs: usize,
    pub(super) doubled: usize,
}

impl Piece {
    /// Puts a score on the grid, step by step as MidiTok's `preprocess_score`.
    pub(super) fn new(score: &Score, config: &TokenizerConfig, values: &Values, has_note_offs: bool) -> Self {
        let resolution = i64::from(finest(config));
        let mut signatures: Vec<(i64, u8, u8)> = Vec::new();
        if config.use_time_signatures {
            signatures.extend(
                (score.time_signatures().iter())
                    .map(|s| (i64::from(s.tick.get()), s.value.numerator(), s.value.denominator()))
                    .filter(|(_, upper, lower)| values.time_signatures.contains(&(*upper, *lower))),
            );
        }
        if signatures.first().is_none_or(|s| s.0 != 0) {
            signatures.insert(0, (0, 4, 4));
        }
        let finest_beat = signatures.iter().map(|s| i64::from(s.2)).max().unwrap_or(4);
        let target = (resolution * finest_beat / 4).max(1);
        let clock = Clock::new(score, target);
        if config.use_time_signatures {
            signatures.iter_mut().for_each(|s| s.0 = clock.truncated(s.0));
            signatures = preprocess_signatures(&signatures, target);
        }
        let beats = if config.use_time_signatures {
            Sections::new(&signatures, |lower| ticks_per_beat(lower, target))
        } else {
            Sections::of_one(target)
        };
        let lower_numbers_differ = signatures.windows(2).any(|pair| matches!(pair, [a, b] if a.2 != b.2));
        let grid = lower_numbers_differ
            .then(|| Sections::new(&signatures, |lower| 4 * target / (resolution * i64::from(lower))));

        let mut left_out = LeftOut::default();
        let mut tracks: Vec<GridTrack> = (score.tracks().iter())
            .filter(|track| !track.notes().is_empty())
            .map(|track| resampled(track, clock, config, values, grid.as_ref()))
            .collect();
        if config.one_token_stream_for_programs {
            tracks = merged(tracks);
        }
        let rules = Rules { config, values, has_note_offs, grid: grid.as_ref(), beats: &beats };
        tracks.retain_mut(|track| {
            if config.use_programs && !config.programs.contains(&track.program) {
                let count =
                    if track.program == DRUMS { &mut left_out.drums } else { &mut left_out.other_programs };
                *count += track.notes.len();
                return false;
            }
            preprocess_track(track, &rules, &mut left_out);
            !track.is_empty()
        });
        let snap = |tick: i64| grid.as_ref().map_or(tick, |grid| grid.snap(tick));
        Self {
            ticks_per_quarter: target,
            tempos: if config.use_tempos { tempos(score, clock, config, values, snap) } else { Vec::new() },
            keys: if config.use_key_signatures { keys(score, clock, snap) } else { Vec::new() },
            signatures: if config.use_time_signatures { signatures } else { Vec::new() },
            tracks,
            beats,
            left_out,
        }
    }
}

/// From the ticks of the score to those of the grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    source: i64,
    target: i64,
}

impl Clock {
    pub(super) fn new(score: &Score, target: i64) -> Self {
        Self { source: score.ticks_per_quarter().get().into(), target }
    }

    /// Rounded to the nearest, halves up.
    pub(super) const fn time(self, tick: i64) -> i64 {
        if self.source == self.target {
            tick
        } else {
            (2 * tick * self.target + self.source) / (2 * self.source)
        }
    }

    /// At least one tick, unless nothing is resampled.
    fn duration(self, ticks: i64) -> i64 {
        if self.source == self.target { ticks } else { self.time(ticks).max(1) }
    }

    /// Rounded down, in floating point.
    fn truncated(self, tick: i64) -> i64 {
        if self.source == self.target {
            tick
        } else {
            (tick as f64 * (self.target as f64 / self.source as f64)) as i64
        }
    }
}

fn resampled(
    track: &Track,
    clock: Clock,
    config: &TokenizerConfig,
    values: &Values,
    grid: Option<&Sections>,
) -> GridTrack {
    let note = |n: &Note| GridNote {
        time: clock.time(n.start.get().into()),
        duration: clock.duration(n.duration.get().into()),
        pitch: n.pitch.get(),
        velocity: n.velocity.get(),
    };
    let mut out = GridTrack {
        program: if track.is_drum() { DRUMS } else { track.program().get().into() },
        notes: track.notes_as_given().map(note).collect(),
        ..GridTrack::default()
    };
    if config.use_sustain_pedals {
        out.pedals = pedals(track, clock);
    }
    if config.use_pitch_bends {
        let bend = |b: &crate::score::At<_>| {
            (clock.time(b.tick.get().into()), crate::score::PitchBend::get(b.value).into())
        };
        out.bends = track.pitch_bends().iter().map(bend).collect();
    }
    if config.use_control_changes {
        out.controls = super::tracks::controls(track, values, |tick| {
            let time = clock.time(tick);
            grid.map_or(time, |grid| grid.snap(time))
        });
    }
    out
}

/// The stretches over which the pedal is down. One that is never lifted is none.
fn pedals(track: &Track, clock: Clock) -> Vec<PedalSpan> {
    let mut spans = Vec::new();
    let mut down: Option<i64> = None;
    for change in track.controls().iter().filter(|c| c.value.controller() == ControlChange::SUSTAIN) {
        let tick = i64::from(change.tick.get());
        if change.value.value() >= 64 {
            down.get_or_insert(tick);
        } else if let Some(time) = down.take() {
            spans.push(PedalSpan { time: clock.time(time), duration: clock.duration(tick - time) });
        }
    }
    spans
}

/// One track a program, where the first of its tracks was.
fn merged(tracks: Vec<GridTrack>) -> Vec<GridTrack> {
    let mut out: Vec<GridTrack> = Vec::new();
    let mut of_program = std::collections::HashMap::new();
    let mut is_merged = Vec::new();
    for mut track in tracks {
        let at = *of_program.entry(track.program).or_insert(out.len());
        match out.get_mut(at) {
            Some(first) => {
                first.notes.append(&mut track.notes);
                first.pedals.append(&mut track.pedals);
                first.bends.append(&mut track.bends);
                first.controls.append(&mut track.controls);
                if let Some(flag) = is_merged.get_mut(at) {
                    *flag = true;
                }
            }
            None => {
                out.push(track);
                is_merged.push(false);
            }
        }
    }
    for (track, _) in out.iter_mut().zip(is_merged).filter(|(_, is_merged)| *is_merged) {
        track.notes.sort_by_key(|n| (n.time, n.duration, n.pitch, n.velocity));
        track.pedals.sort_unstable();
        track.bends.sort_by_key(|b| b.0);
        track.controls.sort_by_key(|c| c.time);
    }
    out
}

fn tempos(
    score: &Score,
    clock: Clock,
    config: &TokenizerConfig,
    values: &Values,
    snap: impl Fn(i64) -> i64,
) -> Vec<(i64, u32)> {
    // Microseconds a quarter note, ascending; so the tempos descend.
    let micros: Vec<f64> = values.tempos.iter().rev().map(|bpm| 60e6 / bpm).collect();
    let mut out: Vec<(i64, u32)> = Vec::new();
    for change in score.tempo_map().changes() {
        let time = snap(clock.time(change.tick.get().into()));
        let index = micros.len() - 1 - nearest(&micros, change.value.micros().into());
        match out.last_mut() {
            Some(last) if last.0 == time => last.1 = index as u32,
            _ => out.push((time, index as u32)),
        }
    }
    if config.delete_equal_successive_tempo_changes {
        out.dedup_by_key(|(_, index)| *index);
    }
    out
}

fn keys(score: &Score, clock: Clock, snap: impl Fn(i64) -> i64) -> Vec<(i64, u32)> {
    let mut out: Vec<(i64, u32)> = Vec::new();
    for change in score.key_signatures() {
        let time = snap(clock.time(change.tick.get().into()));
        let sharps = i64::from(change.value.sharps()) + 7;
        let index = sharps as u32 * 2 + u32::from(change.value.mode() == Mode::Minor);
        match out.last_mut() {
            Some(last) if last.0 == time => last.1 = index,
            _ => out.push((time, index)),
        }
    }
    if out.first().is_none_or(|first| first.0 != 0) {
        out.insert(0, (0, 14));
    }
    out
}
