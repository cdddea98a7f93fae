//! The state of an edit: the roll, what it was, and what is left of the budgets.

use ndarray::{Array2, ArrayView2};

/// A roll under edit.
///
/// Flipping a cell does one of four things:
///
/// | cell | originally sounding | originally silent |
/// |---|---|---|
/// | sounds | removal: needs budget | takes back an addition |
/// | is silent | takes back a removal | addition: needs budget |
#[derive(Debug, Clone)]
pub(super) struct EditState {
    original: Array2<bool>,
    roll: Array2<bool>,
    pub(super) removed: usize,
    pub(super) added: usize,
    max_removed: usize,
    max_added: usize,
}

impl EditState {
    pub(super) fn new(original: Array2<bool>, max_removed: usize, max_added: usize) -> Self {
        Self { roll: original.clone(), original, removed: 0, added: 0, max_removed, max_added }
    }

    pub(super) fn roll(&self) -> ArrayView2<'_, bool> {
        self.roll.view()
    }

    pub(super) fn into_roll(self) -> Array2<bool> {
        self.roll
    }

    /// Whether the budgets let this cell be flipped.
    pub(super) fn may_flip(&self, cell: [usize; 2]) -> bool {
        match (self.roll.get(cell), self.original.get(cell)) {
            (Some(true), Some(true)) => self.removed < self.max_removed,
            (Some(false), Some(false)) => self.added < self.max_added,
            (Some(_), Some(_)) => true,
            _ => false,
        }
    }

    /// Flips a cell that may be flipped, and says whether it now sounds.
    pub(super) fn flip(&mut self, cell: [usize; 2]) -> bool {
        let was_original = self.original.get(cell).copied().unwrap_or(false);
        let Some(sounds) = self.roll.get_mut(cell) else { return false };
        *sounds = !*sounds;
        match (*sounds, was_original) {
            (false, true) => self.removed += 1,
            (true, true) => self.removed -= 1,
            (true, false) => self.added += 1,
            (false, false) => self.added -= 1,
        }
        *sounds
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use ndarray::array;

    use super::*;

    #[test]
    fn budgets_are_spent_and_given_back() {
        let mut state = EditState::new(array![[true, true, false, false]], 1, 1);
        let flippable = |s: &EditState| [0, 1, 2, 3].map(|p| s.may_flip([0, p]));
        assert_eq!(flippable(&state), [true; 4]);

        assert!(!state.flip([0, 0]));
        // The other original cell is safe now; the removed one may come back.
        assert_eq!(flippable(&state), [true, false, true, true]);
        assert!(state.flip([0, 2]));
        assert_eq!(flippable(&state), [true, false, true, false]);
        assert_eq!((state.removed, state.added), (1, 1));

        assert!(state.flip([0, 0]));
        assert_eq!(flippable(&state), [true, true, true, false]);
        assert!(!state.flip([0, 2]));
        assert_eq!(flippable(&state), [true; 4]);
        assert_eq!((state.removed, state.added), (0, 0));
        assert_eq!(state.into_roll(), array![[true, true, false, false]]);
    }

    #[test]
    fn nothing_may_be_flipped_without_a_budget_or_outside() {
        let state = EditState::new(array![[true, false]], 0, 0);
        assert!(!state.may_flip([0, 0]));
        assert!(!state.may_flip([0, 1]));
        assert!(!state.may_flip([0, 2]));
        assert!(!state.may_flip([1, 0]));
    }
}
