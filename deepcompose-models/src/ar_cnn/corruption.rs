//! Clean windows to training pairs.

use ndarray::{Array2, ArrayView2};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::notes::{Run, runs};
use crate::error::ModelError;

/// How a clean window is spoilt: a share of its sounding cells is cleared and a share of its
/// silent cells is set, each share drawn uniformly from a range for every window.
///
/// Which cells these are is drawn in one of three ways, for each window anew. Single cells, as published, teach to mend
/// holes and specks. Notes (runs of cells at one pitch) teach what is missing where nothing of a note is left; with
/// the melody kept, they teach to harmonise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Corruption {
    /// Smallest and largest share of sounding cells that are cleared, within 0..=1.
    pub remove: (f64, f64),
    /// Smallest and largest share of silent cells that are set, within 0..=1.
    pub add: (f64, f64),
    /// Probability that whole notes are cleared and set: those that are set are as long as notes of the window.
    pub notes: f64,
    /// Probability that this is so and that only notes are cleared that do not begin as the highest; `remove` is then
    /// a share of those. `notes + melody` is at most 1.
    pub melody: f64,
}

impl Default for Corruption {
    /// The published ranges, of single cells: 0..=100 % cleared, 0..=1.5 % set.
    fn default() -> Self {
        Self { remove: (0.0, 1.0), add: (0.0, 0.015), notes: 0.0, melody: 0.0 }
    }
}

impl Corruption {
    /// Checks both ranges and both probabilities.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`].
    pub fn validate(&self) -> Result<(), ModelError> {
        for (field, (low, high)) in [("corruption.remove", self.remove), ("corruption.add", self.add)] {
            if !(low >= 0.0 && low <= high && high <= 1.0) {
                return Err(ModelError::range(field, format!("({low}, {high})"), "0 <= low <= high <= 1"));
            }
        }
        for (field, value) in [("corruption.notes", self.notes), ("corruption.melody", self.melody)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(ModelError::range(field, value, "0..=1"));
            }
        }
        if self.notes + self.melody > 1.0 {
            let sum = format!("{} and corruption.melody {}", self.notes, self.melody);
            return Err(ModelError::range("corruption.notes", sum, "a sum of at most 1"));
        }
        Ok(())
    }

    /// A spoilt copy of `clean`. The number of cells of either kind that change is the share
    /// drawn, rounded down; which ones is uniform. Where whole notes are spoilt, the last one cleared is the one with
    /// which the share is reached, and as many are set as fit between those that sound.
    pub fn apply<R: Rng + ?Sized>(&self, clean: ArrayView2<'_, bool>, rng: &mut R) -> Array2<bool> {
        // A window of single cells draws nothing more than it has to.
        if self.notes + self.melody > 0.0 {
            let kind: f64 = rng.random();
            if kind < self.notes + self.melody {
                return self.apply_to_notes(clean, kind >= self.notes, rng);
            }
        }
        let (remove, add) = (share(self.remove, rng), share(self.add, rng));
        let mut spoilt = clean.to_owned();
        let (sounding, silent): (Vec<usize>, Vec<usize>) = {
            let cells: Vec<bool> = clean.iter().copied().collect();
            (0..cells.len()).partition(|i| cells[*i])
        };
        let pitches = clean.ncols();
        for (mut cells, share) in [(sounding, remove), (silent, add)] {
            let count = (share * cells.len() as f64) as usize;
            // The first steps of a Fisher–Yates shuffle: a uniform choice of `count` cells.
            for i in 0..count.min(cells.len()) {
                let j = rng.random_range(i..cells.len());
                cells.swap(i, j);
                if let Some(cell) = spoilt.get_mut((cells[i] / pitches, cells[i] % pitches)) {
                    *cell = !*cell;
                }
            }
        }
        spoilt
    }

    fn apply_to_notes<R: Rng + ?Sized>(
        &self,
        clean: ArrayView2<'_, bool>,
        keeps_melody: bool,
        rng: &mut R,
    ) -> Array2<bool> {
        let (remove, add) = (share(self.remove, rng), share(self.add, rng));
        let mut spoilt = clean.to_owned();
        let mut notes = runs(clean);
        if notes.is_empty() {
            return spoilt;
        }
        let lengths: Vec<usize> = notes.iter().map(|note| note.steps.len()).collect();
        if keeps_melody {
            notes
                .retain(|note| clean.row(note.steps.start).iter().skip(note.pitch + 1).any(|sounds| *sounds));
        }
        notes.shuffle(rng);
        let cells: usize = notes.iter().map(|note| note.steps.len()).sum();
        let (goal, mut cleared) = ((remove * cells as f64) as usize, 0);
        for note in notes {
            if cleared >= goal {
                break;
            }
            cleared += note.steps.len();
            note.fill(&mut spoilt, false);
        }
        let (steps, pitches) = clean.dim();
        let silent = clean.iter().filter(|sounds| !**sounds).count();
        let mut left = (add * silent as f64) as usize;
        // Where all is full no note fits: tries are limited.
        for _ in 0..20 * left {
            if left == 0 {
                break;
            }
            let length = lengths[rng.random_range(0..lengths.len())].min(left);
            let start = rng.random_range(0..=steps - length);
            let note = Run { pitch: rng.random_range(0..pitches), steps: start..start + length };
            if note.steps.clone().any(|step| clean[[step, note.pitch]] || spoilt[[step, note.pitch]]) {
                continue;
            }
            note.fill(&mut spoilt, true);
            left -= length;
        }
        spoilt
    }
}

/// A share drawn from a range, which [`Corruption::validate`] may not have seen.
fn share<R: Rng + ?Sized>((low, high): (f64, f64), rng: &mut R) -> f64 {
    let (low, high) = (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
    if low < high { rng.random_range(low..=high) } else { low }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Four voices of notes of four steps, 24 steps long: 96 cells of 960.
    fn clean() -> Array2<bool> {
        // Neighbours in a voice differ in pitch.
        Array2::from_shape_fn((24, 40), |(step, pitch)| pitch % 10 == step / 4)
    }

    fn spoilt(corruption: &Corruption, seed: u64) -> Array2<bool> {
        corruption.validate().unwrap();
        corruption.apply(clean().view(), &mut ChaCha8Rng::seed_from_u64(seed))
    }

    fn changed(from: &Array2<bool>, to: &Array2<bool>, sounds: bool) -> Array2<bool> {
        Array2::from_shape_fn(from.dim(), |cell| from[cell] != sounds && to[cell] == sounds)
    }

    #[test]
    fn whole_notes_are_cleared_and_set() {
        let corruption = Corruption { remove: (0.3, 0.3), add: (0.05, 0.05), notes: 1.0, melody: 0.0 };
        for seed in 0..20 {
            let after = spoilt(&corruption, seed);
            // 30 % of 96 cells are 28, seven notes. 5 % of 864 are 43.
            let cleared = runs(changed(&clean(), &after, false).view());
            assert!(cleared.iter().all(|note| note.steps.len() == 4), "{cleared:?}");
            assert_eq!(cleared.len(), 7);
            let set = changed(&clean(), &after, true);
            assert_eq!(set.iter().filter(|is| **is).count(), 43);
        }
    }

    #[test]
    fn the_melody_is_kept() {
        let corruption = Corruption { remove: (1.0, 1.0), add: (0.0, 0.0), notes: 0.0, melody: 1.0 };
        let melody = Array2::from_shape_fn((24, 40), |(step, pitch)| pitch == 30 + step / 4);
        assert_eq!(spoilt(&corruption, 1), melody);
        let half = spoilt(&Corruption { remove: (0.5, 0.5), ..corruption }, 1);
        assert!(half.indexed_iter().all(|(cell, sounds)| *sounds || !melody[cell]));
        // 36 of the 72 cells below: nine notes.
        assert_eq!(changed(&clean(), &half, false).iter().filter(|is| **is).count(), 36);
    }

    #[test]
    fn probabilities_are_shares_of_windows_and_nothing_changes_without() {
        let single = Corruption { remove: (0.5, 0.5), add: (0.0, 0.0), ..Corruption::default() };
        let mixed = Corruption { notes: 0.25, melody: 0.25, ..single.clone() };
        let is_whole = |after: &Array2<bool>| runs(after.view()).iter().all(|note| note.steps.len() == 4);
        // Half of 96 single cells never leave whole notes only, to all intents and purposes.
        let whole = (0..1000).filter(|seed| is_whole(&spoilt(&mixed, *seed))).count();
        // Binomial(1000, 1/2): the standard deviation is 16.
        assert!((420..580).contains(&whole), "{whole}");
        assert!((0..100).all(|seed| !is_whole(&spoilt(&single, seed))));
    }

    #[test]
    fn probabilities_out_of_range_are_refused() {
        for (notes, melody, field) in [
            (-0.1, 0.0, "corruption.notes"),
            (f64::NAN, 0.0, "corruption.notes"),
            (0.0, 1.1, "corruption.melody"),
            (0.6, 0.6, "corruption.notes"),
        ] {
            let error = Corruption { notes, melody, ..Corruption::default() }.validate().unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }
}
