//! Notes to cells of velocity and onset, and back.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

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
    // The first and the last row, from the start of the piece, of the run of each pitch.
    let mut runs = vec![(0_usize, 0_usize, 0_u8); 128];
    for note in notes {
        let steps = scale.span(note);
        let pitch = usize::from(note.pitch.get());
        let Some(run) = runs.get_mut(pitch) else { continue };
        let velocity = note.velocity.get();
        let velocity = if run.1 > 0 && run.0 == steps.start { velocity.max(run.2) } else { velocity };
        *run = (steps.start, steps.end.max(run.1), velocity);
        let (from, to) = (steps.start.max(start_step), run.1.min(last));
        if from >= to {
            continue;
        }
        for row in from..to {
            velocities[[row - start_step, pitch]] = velocity;
        }
        if from == steps.start {
            onsets[[from - start_step, pitch]] = true;
        }
    }
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
    for (pitch, (cells, onsets)) in velocities.columns().into_iter().zip(onsets.columns()).enumerate() {
        let mut begun: Option<(usize, u8)> = None;
        for row in 0..=cells.len() {
            let velocity = cells.get(row).copied().unwrap_or(0);
            let onset = onsets.get(row).copied().unwrap_or(false);
            if let Some((first, velocity)) = begun.filter(|_| velocity == 0 || onset) {
                let (start, end) = (tick(first), tick(row));
                notes.push(Note {
                    start,
                    pitch: Pitch::saturating(pitch as i64),
                    duration: Tick::saturating(i64::from(end.saturating_sub(start).get()).max(1)),
                    velocity: Velocity::saturating(velocity.into()),
                });
                begun = None;
            }
            if velocity > 0 && begun.is_none() {
                begun = Some((row, velocity));
            }
        }
    }
    notes.sort_unstable();
    notes
}
