//! [`repair`]: whole notes are cleared and wrong ones set; are they found?

use deepcompose_core::Score;
use deepcompose_samplers::{EditModel, EditParams, EditUnit, MaxAdd};
use ndarray::{Array2, ArrayView2};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::super::notes::{Run, runs};
use super::{EditScore, sample};
use crate::error::ModelError;
use crate::training::{TrainError, step_rng};

/// How pieces are spoilt before they are repaired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepairOptions {
    /// Share of the notes that are cleared, 0..=1; 0.3 by default. A note is a run of cells at one pitch.
    pub cleared: f64,
    /// Share of the silent cells, between the piece's lowest and highest pitch, that wrong notes fill, 0..=0.25;
    /// 0.015 by default. Wrong notes are as long as random notes of the piece, and touch no other note at their
    /// pitch.
    pub set: f64,
    /// The seed of how pieces are spoilt and edited; 1 by default.
    pub seed: u64,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self { cleared: 0.3, set: 0.015, seed: 1 }
    }
}

impl RepairOptions {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        if !(0.0..=1.0).contains(&self.cleared) {
            return Err(ModelError::range("cleared", self.cleared, "0..=1"));
        }
        if !(0.0..=0.25).contains(&self.set) {
            return Err(ModelError::range("set", self.set, "0..=0.25"));
        }
        Ok(())
    }
}

/// Edits of one kind, counted by cells and by notes. In a score of notes `differing`, `flipped` and `hits` are notes:
/// those that were spoilt, those that the edits made or took away, and those of the latter that share at least half
/// of their steps with one that was spoilt in that way.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepairScore {
    /// By cells.
    pub cells: EditScore,
    /// By notes.
    pub notes: EditScore,
}

/// How well spoilt pieces are repaired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepairEvaluation {
    /// How many pieces were spoilt and repaired.
    pub pieces: usize,
    /// Everything.
    pub all: RepairScore,
    /// Notes that were missing, and cells that the edits set.
    pub additions: RepairScore,
    /// Notes that were wrong, and cells that the edits cleared.
    pub removals: RepairScore,
}

/// Spoils pieces note by note, lets the sampler edit them with `params`, and compares its edits with what was spoilt.
///
/// All melodic tracks are merged on a grid of sixteenths. Creative risk, annealing and unit are those of `params`;
/// both budgets are open, and the edit ends when as many cells were flipped as differ. It has as many iterations as
/// that takes if windows need about the same number: for single cells one a cell, for runs half of that.
///
/// # Errors
///
/// [`TrainError::NoData`] for no pieces, [`TrainError::Config`] for an option out of range, or a model that fails.
pub fn repair<'a, M>(
    model: &M,
    pieces: impl IntoIterator<Item = &'a Score>,
    params: &EditParams,
    options: &RepairOptions,
) -> Result<RepairEvaluation, TrainError>
where
    M: EditModel<Error = ModelError> + ?Sized,
{
    options.validate()?;
    let mut counts = Counts::default();
    for (number, score) in pieces.into_iter().enumerate() {
        let clean = sample::roll_of(score.tracks().iter().filter(|t| !t.is_drum()), score)?;
        let spoilt = spoil(&clean, options, &mut step_rng(options.seed, 4, number));
        let differing = clean.iter().zip(&spoilt).filter(|(a, b)| a != b).count();
        let unit = if params.unit == EditUnit::Cell { 1 } else { 2 };
        let params = EditParams {
            max_remove: 1.0,
            max_add: MaxAdd::Cells(usize::MAX),
            iterations: sample::iterations(differing / unit, clean.nrows(), model.window_steps()),
            ..params.clone()
        };
        let mut rng = step_rng(options.seed, 5, number);
        if differing == 0 {
            counts.add(&clean, &spoilt, &spoilt);
            continue;
        }
        let after =
            sample::edit(model, spoilt.view(), &params, &mut rng, &mut |_, flipped, _| flipped >= differing)?;
        counts.add(&clean, &spoilt, &after);
    }
    match counts.pieces {
        0 => Err(TrainError::NoData { split: "repaired" }),
        _ => Ok(counts.evaluation()),
    }
}

/// A copy of `clean` with notes cleared and wrong ones set.
fn spoil<R: Rng + ?Sized>(clean: &Array2<bool>, options: &RepairOptions, rng: &mut R) -> Array2<bool> {
    let mut notes = runs(clean.view());
    let mut spoilt = clean.clone();
    if notes.is_empty() {
        return spoilt;
    }
    notes.shuffle(rng);
    let cleared = (options.cleared * notes.len() as f64).round() as usize;
    notes.iter().take(cleared).for_each(|note| note.fill(&mut spoilt, false));
    let lowest = notes.iter().map(|note| note.pitch).min().unwrap_or(0);
    let highest = notes.iter().map(|note| note.pitch).max().unwrap_or(0);
    let sounding = clean.iter().filter(|sounds| **sounds).count();
    let silent = clean.nrows() * (highest + 1 - lowest) - sounding;
    let mut left = (options.set * silent as f64).round() as usize;
    // A note that touches neither what sounds nor what did: what is wrong with it is its pitch or its time.
    let mut taken = clean.clone();
    for _ in 0..100 * left {
        if left == 0 {
            break;
        }
        let length = notes[rng.random_range(0..notes.len())].steps.len().min(left);
        let start = rng.random_range(0..=clean.nrows() - length.min(clean.nrows()));
        let note = Run { pitch: rng.random_range(lowest..=highest), steps: start..start + length };
        let around = start.saturating_sub(1)..(start + length + 1).min(clean.nrows());
        if around.into_iter().any(|step| taken[[step, note.pitch]]) {
            continue;
        }
        note.fill(&mut taken, true);
        note.fill(&mut spoilt, true);
        left -= length;
    }
    spoilt
}

/// Differing, flipped and rightly flipped; of additions, then of removals.
#[derive(Default)]
struct Counts {
    pieces: usize,
    cells: [[usize; 3]; 2],
    notes: [[usize; 3]; 2],
}

impl Counts {
    fn add(&mut self, clean: &Array2<bool>, spoilt: &Array2<bool>, after: &Array2<bool>) {
        self.pieces += 1;
        for (kind, sounds) in [true, false].into_iter().enumerate() {
            // Where a roll has `sounds` and the spoilt one has not.
            let change = |roll: &Array2<bool>| {
                Array2::from_shape_fn(spoilt.dim(), |cell| roll[cell] == sounds && spoilt[cell] != sounds)
            };
            let (wanted, made) = (change(clean), change(after));
            let count = |cells: ArrayView2<'_, bool>| cells.iter().filter(|is| **is).count();
            let both = Array2::from_shape_fn(spoilt.dim(), |cell| wanted[cell] && made[cell]);
            let (wanted_notes, made_notes) = (runs(wanted.view()), runs(made.view()));
            let found = made_notes.iter().filter(|note| wanted_notes.iter().any(|w| w.matches(note))).count();
            let cells = [count(wanted.view()), count(made.view()), count(both.view())];
            let notes = [wanted_notes.len(), made_notes.len(), found];
            for index in 0..3 {
                self.cells[kind][index] += cells[index];
                self.notes[kind][index] += notes[index];
            }
        }
    }

    fn evaluation(&self) -> RepairEvaluation {
        let score = |[differing, flipped, hits]: [usize; 3]| EditScore::of(differing, flipped, hits);
        let both = |[a, b]: [[usize; 3]; 2]| std::array::from_fn(|i| a[i] + b[i]);
        let of = |kind: usize| RepairScore { cells: score(self.cells[kind]), notes: score(self.notes[kind]) };
        RepairEvaluation {
            pieces: self.pieces,
            all: RepairScore { cells: score(both(self.cells)), notes: score(both(self.notes)) },
            additions: of(0),
            removals: of(1),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::ops::Range;

    use super::*;

    fn roll(steps: usize, notes: &[(usize, Range<usize>)]) -> Array2<bool> {
        let mut roll = Array2::from_elem((steps, 128), false);
        for (pitch, steps) in notes {
            Run { pitch: *pitch, steps: steps.clone() }.fill(&mut roll, true);
        }
        roll
    }

    #[test]
    fn edits_are_counted_by_cells_and_by_notes() {
        // Missing: 60 over 0..4 and 62 over 4..8. Wrong: 70 over 2..4 and 71 over 6..7.
        let clean = roll(8, &[(60, 0..4), (62, 4..8), (50, 0..8)]);
        let spoilt = roll(8, &[(50, 0..8), (70, 2..4), (71, 6..7)]);
        // Made: 60 over 0..3, half and more of the missing one; one cell of 62; 65, which nobody missed. Taken
        // away: the wrong 70, and a part of the 50.
        let after = roll(8, &[(60, 0..3), (62, 6..7), (65, 0..1), (50, 0..6), (71, 6..7)]);
        let mut counts = Counts::default();
        counts.add(&clean, &spoilt, &after);
        let e = counts.evaluation();
        let counted = |s: EditScore| (s.differing, s.flipped, s.hits);
        assert_eq!(counted(e.additions.cells), (8, 5, 4));
        assert_eq!(counted(e.additions.notes), (2, 3, 1));
        assert_eq!(counted(e.removals.cells), (3, 4, 2));
        assert_eq!(counted(e.removals.notes), (2, 2, 1));
        assert_eq!((counted(e.all.cells), counted(e.all.notes)), ((11, 9, 6), (4, 5, 2)));
        assert_eq!((e.all.notes.precision, e.all.notes.recall), (0.4, 0.5));
    }

    #[test]
    fn pieces_are_spoilt_note_by_note() {
        let notes: Vec<(usize, Range<usize>)> = (0..40).map(|i| (40 + i, i..i + 3)).collect();
        let clean = roll(60, &notes);
        let options = RepairOptions { cleared: 0.25, set: 0.02, seed: 0 };
        let spoilt = spoil(&clean, &options, &mut step_rng(7, 0, 0));
        let cleared = runs(Array2::from_shape_fn(clean.dim(), |c| clean[c] && !spoilt[c]).view());
        assert_eq!(cleared.len(), 10);
        assert!(cleared.iter().all(|note| note.steps.len() == 3));
        // 40 pitches by 60 steps without 120 cells that sound: 2 % of 2280 are 45.6 cells.
        let set = runs(Array2::from_shape_fn(clean.dim(), |c| !clean[c] && spoilt[c]).view());
        assert_eq!(set.iter().map(|note| note.steps.len()).sum::<usize>(), 46);
        assert!(set.iter().all(|note| (40..80).contains(&note.pitch)));
        // None of them touches a note of the clean piece.
        let together = Array2::from_shape_fn(clean.dim(), |c| clean[c] || spoilt[c]);
        assert_eq!(runs(together.view()).len(), 40 + set.len());
    }
}
