//! The AR-CNN's technique.

use std::ops::Range;

use deepcompose_core::{Note, PianoRoll, Pitch, Score, StepsPerBeat, Tick, Track, Velocity};
use deepcompose_samplers::{Edit, EditModel, StopReason};
use ndarray::ArrayView2;
use rand::Rng;

use super::error::ComposeError;
use super::params::ArCnnParams;
use super::tracks::Selected;
use super::{Composition, Event, Observer, Progress};

/// Adds and removes notes of the input, a cell of the piano roll at a time.
///
/// The selected track is laid on a grid of sixteenths; the sampler flips cells; what it flipped is
/// carried over to the notes. A note of which no cell was removed stays as it was, to the tick. A
/// note that lost cells keeps the rest: its onset and its end where those cells were kept. Cells
/// added right after a note at its pitch lengthen it; other added cells become notes of their own,
/// with the velocity of the nearest note of the input. Repeated notes stay apart.
///
/// Input of any length and metre works: see [`EditSampler`](deepcompose_samplers::EditSampler) on
/// windows.
///
/// # Errors
///
/// [`ComposeError`]: a parameter out of range, an input with nothing to edit or too long for a
/// piano roll, or a model that failed.
pub fn enhance<M, R>(
    model: &M,
    input: &Score,
    params: &ArCnnParams,
    rng: &mut R,
    observer: &mut Observer<'_>,
) -> Result<Composition, ComposeError>
where
    M: EditModel + ?Sized,
    R: Rng + ?Sized,
{
    let grid = StepsPerBeat::DEFAULT;
    let tpq = input.ticks_per_quarter();
    let bar = input.bars().next().map_or(Tick::ZERO, |bar| bar.end);
    let bar_steps = usize::from(grid.get()) * bar.get() as usize / usize::from(tpq.get());
    let sampler = params.sampler(bar_steps)?;
    let selected = Selected::new(params.track, input)?;

    let notes = selected.notes();
    let steps = notes.iter().map(|n| PianoRoll::note_steps(n, tpq, grid).end).max().unwrap_or(0);
    let roll = PianoRoll::from_notes(&notes, tpq, grid, 0..steps)?;
    let mut events = Vec::new();
    let outcome = sampler
        .edit(model, roll.sounding(), rng, &mut |p| {
            events.clear();
            events.extend(p.edits.iter().map(|edit| cell_event(edit, input, grid)));
            observer(Progress { done: p.done, total: p.iterations, events: &events })
        })
        .map_err(|e| match e {
            deepcompose_samplers::EditError::Model(e) => ComposeError::model(e),
            other => ComposeError::Model(other.to_string().into()),
        })?;

    let carry = Carry { input, grid, before: roll.sounding(), after: outcome.roll.view() };
    let mut score = input.clone();
    for (track, notes) in carry.tracks(&selected) {
        if let Some(track) = score.tracks_mut().get_mut(track) {
            track.set_notes(notes);
        }
    }
    let stop = if outcome.stopped { StopReason::Stopped } else { StopReason::DurationReached };
    let mut composition = Composition::new(input, score, stop);
    composition.summary.cells_added = outcome.added;
    composition.summary.cells_removed = outcome.removed;
    Ok(composition)
}

/// An edit, as the observer is told.
fn cell_event(edit: &Edit, input: &Score, grid: StepsPerBeat) -> Event {
    let start = tick_of(edit.step, input, grid);
    let duration = lasting(start, tick_of(edit.step + 1, input, grid));
    Event::Cell { start, duration, pitch: edit.pitch, on: edit.on }
}

/// The tick at which a step begins.
fn tick_of(step: usize, input: &Score, grid: StepsPerBeat) -> Tick {
    let ticks = step as u64 * u64::from(input.ticks_per_quarter().get()) / u64::from(grid.get());
    Tick::saturating(i64::try_from(ticks).unwrap_or(i64::MAX))
}

/// From a tick to another, at least one tick: a step may be shorter than that.
fn lasting(start: Tick, end: Tick) -> Tick {
    end.saturating_sub(start).max(Tick::saturating(1))
}

/// Carries edits of a roll over to the notes it was made of.
struct Carry<'a> {
    input: &'a Score,
    grid: StepsPerBeat,
    before: ArrayView2<'a, bool>,
    after: ArrayView2<'a, bool>,
}

/// A note, and the steps it takes up.
struct Placed {
    note: Note,
    steps: Range<usize>,
}

impl Carry<'_> {
    /// The notes of each selected track, by its index in the score.
    fn tracks(&self, selected: &Selected<'_>) -> Vec<(usize, Vec<Note>)> {
        let mut kept: Vec<(usize, Vec<Placed>)> = selected
            .tracks
            .iter()
            .map(|(index, track)| (*index, track.notes().iter().flat_map(|n| self.kept(n)).collect()))
            .collect();
        for (pitch, run) in self.added() {
            let end = self.tick(run.end);
            let before = kept
                .iter_mut()
                .flat_map(|(_, placed)| placed)
                .find(|p| p.note.pitch == pitch && p.steps.end == run.start);
            match before {
                Some(placed) => {
                    placed.note.duration = lasting(placed.note.start, end);
                    placed.steps.end = run.end;
                }
                None => {
                    let home = selected.home(pitch.get());
                    let start = self.tick(run.start);
                    let velocity =
                        selected.tracks.get(home).map_or(Velocity::DEFAULT, |t| nearest(t.1, start));
                    let duration = lasting(start, end);
                    if let Some((_, placed)) = kept.get_mut(home) {
                        placed.push(Placed { note: Note { start, pitch, duration, velocity }, steps: run });
                    }
                }
            }
        }
        kept.into_iter().map(|(i, placed)| (i, placed.into_iter().map(|p| p.note).collect())).collect()
    }

    /// What is left of a note.
    fn kept(&self, note: &Note) -> Vec<Placed> {
        let steps = PianoRoll::note_steps(note, self.input.ticks_per_quarter(), self.grid);
        let pitch = usize::from(note.pitch.get());
        runs(steps.clone(), |s| self.after.get((s, pitch)).copied().unwrap_or(false))
            .into_iter()
            .map(|run| {
                let start = if run.start == steps.start { note.start } else { self.tick(run.start) };
                let end = if run.end == steps.end { note.end() } else { self.tick(run.end) };
                let duration = if run == steps { note.duration } else { lasting(start, end) };
                Placed { note: Note { start, duration, ..*note }, steps: run }
            })
            .collect()
    }

    /// Runs of cells that sound and did not.
    fn added(&self) -> Vec<(Pitch, Range<usize>)> {
        let is_new = |s: usize, p: usize| {
            self.after.get((s, p)).copied().unwrap_or(false)
                && !self.before.get((s, p)).copied().unwrap_or(false)
        };
        (0..self.after.ncols())
            .flat_map(|p| runs(0..self.after.nrows(), |s| is_new(s, p)).into_iter().map(move |r| (p, r)))
            .map(|(p, run)| (Pitch::saturating(p as i64), run))
            .collect()
    }

    fn tick(&self, step: usize) -> Tick {
        tick_of(step, self.input, self.grid)
    }
}

/// Maximal runs of steps for which `is_in` holds.
fn runs(steps: Range<usize>, is_in: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for step in steps.filter(|s| is_in(*s)) {
        match runs.last_mut() {
            Some(run) if run.end == step => run.end += 1,
            _ => runs.push(step..step + 1),
        }
    }
    runs
}

/// The velocity of the note of a track that begins nearest to a tick.
fn nearest(track: &Track, tick: Tick) -> Velocity {
    let note = track.notes().iter().min_by_key(|n| n.start.get().abs_diff(tick.get()));
    note.map_or(Velocity::DEFAULT, |n| n.velocity)
}
