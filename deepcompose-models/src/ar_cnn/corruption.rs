//! Clean windows to training pairs.

use ndarray::{Array2, ArrayView2};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// How a clean window is spoilt: a share of its sounding cells is cleared and a share of its
/// silent cells is set, each share drawn uniformly from a range for every window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// Smallest and largest share of sounding cells that are cleared, within 0..=1.
    pub remove: (f64, f64),
    /// Smallest and largest share of silent cells that are set, within 0..=1.
    pub add: (f64, f64),
}

impl Default for Corruption {
    /// The published ranges: 0..=100 % cleared, 0..=1.5 % set.
    fn default() -> Self {
        Self { remove: (0.0, 1.0), add: (0.0, 0.015) }
    }
}

impl Corruption {
    /// Checks both ranges.
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
        Ok(())
    }

    /// A spoilt copy of `clean`. The number of cells of either kind that change is the share
    /// drawn, rounded down; which ones is uniform.
    pub fn apply<R: Rng + ?Sized>(&self, clean: ArrayView2<'_, bool>, rng: &mut R) -> Array2<bool> {
        let mut share = |(low, high): (f64, f64)| if low < high { rng.random_range(low..=high) } else { low };
        let (remove, add) = (share(self.remove), share(self.add));
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
}
