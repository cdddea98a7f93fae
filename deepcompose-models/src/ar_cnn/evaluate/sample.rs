//! What the evaluations by sampling share.

use std::ops::ControlFlow;

use deepcompose_core::{PianoRoll, Score, StepsPerBeat, Track};
use deepcompose_samplers::{EditError, EditModel, EditParams, EditSampler};
use ndarray::{Array2, ArrayView2};
use rand::Rng;

use crate::error::ModelError;
use crate::training::TrainError;

/// The sounding cells of some of a score's tracks, as many sixteenths as the score is long.
pub(super) fn roll_of<'a>(
    tracks: impl Iterator<Item = &'a Track>,
    score: &Score,
) -> Result<Array2<bool>, TrainError> {
    let (tpq, grid) = (score.ticks_per_quarter(), StepsPerBeat::DEFAULT);
    let all = score.tracks().iter().filter(|t| !t.is_drum()).flat_map(Track::notes);
    let steps = all.map(|note| PianoRoll::note_steps(note, tpq, grid).end).max().unwrap_or(0);
    let notes: Vec<_> = tracks.flat_map(Track::notes).copied().collect();
    let roll = PianoRoll::from_notes(&notes, tpq, grid, 0..steps)
        .map_err(|e| TrainError::Config(ModelError::Device(e.to_string())))?;
    Ok(roll.sounding().to_owned())
}

/// How many iterations make `edits` edits in a piece, if all of its windows need about the same number.
pub(super) fn iterations(edits: usize, steps: usize, window_steps: usize) -> usize {
    let windows = 1 + steps.saturating_sub(window_steps).div_ceil((window_steps / 2).max(1));
    edits.div_ceil(windows).clamp(1, EditParams::MAX_ITERATIONS)
}

/// An edit that ends when `is_done` says so of the numbers of iterations, of flipped cells and of added cells, asked
/// after every iteration.
pub(super) fn edit<M, R>(
    model: &M,
    roll: ArrayView2<'_, bool>,
    params: &EditParams,
    rng: &mut R,
    is_done: &mut dyn FnMut(usize, usize, usize) -> bool,
) -> Result<Array2<bool>, ModelError>
where
    M: EditModel<Error = ModelError> + ?Sized,
    R: Rng + ?Sized,
{
    let sampler = EditSampler::new(params.clone()).map_err(|e| ModelError::Device(e.to_string()))?;
    let mut flipped = 0;
    let outcome = sampler.edit(model, roll, rng, &mut |progress| {
        flipped += progress.edits.len();
        let is_done = is_done(progress.done, flipped, progress.added);
        if is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match outcome {
        Ok(outcome) => Ok(outcome.roll),
        Err(EditError::Model(error)) => Err(error),
        Err(error) => Err(ModelError::Device(error.to_string())),
    }
}
