//! Notes to cells of velocity and onset, and back.

use std::ops::Range;

use ndarray::{Array1, ArrayView2, ArrayViewMut2};

use super::span;
use crate::score::Note;
use crate::units::{Pitch, StepsPerBeat, Tick, TicksPerQuarter, Velocity};

/// A grid's resolution on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) ticks_per_quarter: TicksPerQuarter,
    pub(super) steps_per_beat: StepsPerBeat,
}

impl Scale {
    pub(super) fn span(self, note: &Note) -> Range<usize> {
        span(note, self.ticks_per_quarter, self.steps_per_beat)
    }

    /// The tick at which a step begins, rounded, at most [`Tick::MAX`].
    pub(super) fn tick(self, step: usize) -> Tick {
        let spb = u128::from(self.steps_per_beat.get());
        let doubled = 2 * step as u128 * u128::from(self.ticks_per_quarter.get()) + spb;
        Tick::saturating(i64::try_from(doubled / (2 * spb)).unwrap_or(i64::MAX))
    }
}

/// Draws notes, in order of onset, clipped to the rows. A note begun under one of its pitch ends that
/// one: what was left of it sounds on with the new velocity. Of notes that begin in one cell the
/// loudest counts.
pub(super) fn draw<'a>(
    notes: impl IntoIterator<Item = &'a Note>,
    scale: Scale,
    start_step: usize,
    mut velocities: ArrayViewMut2<'_, u8>,
    mut onsets: ArrayViewMut2<'_, bool>,
) {
    let last = start_step.saturating_add(velocities.nrows());
    let mut fill = |steps: Range<usize>, pitch: usize, velocity: u8| {
        for step in steps.start.max(start_step)..steps.end.min(last) {
            velocities[[step - start_step, pitch]] = velocity;
        }
    };
    let mut runs: [Run; 128] = [Run::default(); 128];
    for note in notes {
        let steps = scale.span(note);
        let pitch = usize::from(note.pitch.get());
        let Some(run) = runs.get_mut(pitch) else { continue };
        let mut velocity = note.velocity.get();
        if run.end > 0 && run.start == steps.start {
            velocity = velocity.max(run.velocity);
        }
        // Up to here the note before sounds as it began: so no cell is filled twice.
        fill(run.start..run.end.min(steps.start), pitch, run.velocity);
        *run = Run { start: steps.start, end: steps.end.max(run.end), velocity };
        if (start_step..last).contains(&steps.start) {
            onsets[[steps.start - start_step, pitch]] = true;
        }
    }
    for (pitch, run) in runs.into_iter().enumerate() {
        fill(run.start..run.end, pitch, run.velocity);
    }
}

/// The steps of the piece over which a pitch sounds since its last onset, and how loud.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    start: usize,
    end: usize,
    velocity: u8,
}

/// The notes, sorted. An onset splits a run in two notes; a run without one is a note from its first
/// cell. A note has the velocity of its first cell, and at least one tick.
pub(super) fn read(
    velocities: ArrayView2<'_, u8>,
    onsets: ArrayView2<'_, bool>,
    scale: Scale,
    start_step: usize,
) -> Vec<Note> {
    let tick = |row: usize| scale.tick(start_step.saturating_add(row));
    let mut notes = Vec::new();
    // Row by row, as the cells lie in memory: where each pitch's note began, and how loud.
    let mut begun: [Option<(usize, u8)>; 128] = [None; 128];
    let silence = (Array1::from_elem(128, 0), Array1::from_elem(128, false));
    let rows = velocities.rows().into_iter().zip(onsets.rows());
    for (row, (cells, onsets)) in rows.chain([(silence.0.view(), silence.1.view())]).enumerate() {
        for (pitch, ((&velocity, &onset), begun)) in cells.iter().zip(onsets).zip(&mut begun).enumerate() {
            if let Some((first, velocity)) = begun.take_if(|_| velocity == 0 || onset) {
                let (start, end) = (tick(first), tick(row));
                notes.push(Note {
                    start,
                    pitch: Pitch::saturating(pitch as i64),
                    duration: Tick::saturating(i64::from(end.saturating_sub(start).get()).max(1)),
                    velocity: Velocity::saturating(velocity.into()),
                });
            }
            if velocity > 0 {
                begun.get_or_insert((row, velocity));
            }
        }
    }
    notes.sort_unstable();
    notes
}
