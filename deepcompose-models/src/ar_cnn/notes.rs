//! Runs of cells as notes.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

/// A note of a roll: a maximal run of cells at one pitch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) pitch: usize,
    pub(super) steps: Range<usize>,
}

impl Run {
    pub(super) fn fill(&self, roll: &mut Array2<bool>, sounds: bool) {
        for step in self.steps.clone() {
            if let Some(cell) = roll.get_mut((step, self.pitch)) {
                *cell = sounds;
            }
        }
    }

    /// Whether at least half of the steps of either are steps of both.
    pub(super) fn matches(&self, other: &Self) -> bool {
        let common =
            self.steps.end.min(other.steps.end).saturating_sub(self.steps.start.max(other.steps.start));
        let either = self.steps.len() + other.steps.len() - common;
        self.pitch == other.pitch && 2 * common >= either
    }
}

/// The notes of a roll, pitch by pitch.
pub(super) fn runs(roll: ArrayView2<'_, bool>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (pitch, column) in roll.columns().into_iter().enumerate() {
        let first = runs.len();
        for step in column.iter().enumerate().filter(|(_, sounds)| **sounds).map(|(step, _)| step) {
            match runs.get_mut(first..).and_then(|of_pitch| of_pitch.last_mut()) {
                Some(run) if run.steps.end == step => run.steps.end += 1,
                _ => runs.push(Run { pitch, steps: step..step + 1 }),
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use ndarray::array;

    use super::*;

    #[test]
    fn runs_are_maximal_and_of_one_pitch() {
        let roll = array![[true, false], [true, true], [false, true], [true, false]];
        let run = |pitch, steps| Run { pitch, steps };
        assert_eq!(runs(roll.view()), [run(0, 0..2), run(0, 3..4), run(1, 1..3)]);
        let mut again = Array2::from_elem((4, 2), false);
        runs(roll.view()).iter().for_each(|run| run.fill(&mut again, true));
        assert_eq!(again, roll);
    }

    #[test]
    fn notes_match_by_half_of_what_either_has() {
        let run = |pitch, steps| Run { pitch, steps };
        let quarter = run(60, 4..8);
        for (other, matches) in [
            (run(60, 4..8), true),
            (run(61, 4..8), false),
            (run(60, 4..6), true), // 2 of 4
            (run(60, 5..6), false),
            (run(60, 2..6), false), // 2 of 6
            (run(60, 0..8), true),  // 4 of 8
            (run(60, 0..9), false),
            (run(60, 8..12), false),
        ] {
            assert_eq!((quarter.matches(&other), other.matches(&quarter)), (matches, matches), "{other:?}");
        }
    }
}
