//! The state of an edit: the roll, what it was, and what is left of the budgets.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, Slice};

/// What a flip of a cell would do to the budgets. In a cell's byte the first bit is whether it
/// sounds, the second whether it did in the input.
///
/// | cell | originally sounding | originally silent |
/// |---|---|---|
/// | sounds | [`REMOVAL`]: needs budget | [`TAKES_BACK_ADDITION`] |
/// | is silent | [`TAKES_BACK_REMOVAL`] | [`ADDITION`]: needs budget |
pub(super) type Flip = u8;

const ADDITION: Flip = 0;
const TAKES_BACK_ADDITION: Flip = SOUNDS;
const TAKES_BACK_REMOVAL: Flip = SOUNDED;
const REMOVAL: Flip = SOUNDS | SOUNDED;

const SOUNDS: u8 = 1;
const SOUNDED: u8 = 2;

/// A roll under edit, followed by the silence that the last window reaches into.
///
/// A flip changes the byte of one cell. Which flips the budgets let through is worked out anew
/// for each of the four kinds, not for each cell.
#[derive(Debug, Clone)]
pub(super) struct EditState {
    roll: Array2<bool>,
    flips: Array2<Flip>,
    /// How long the piece is; the rest is padding.
    steps: usize,
    pub(super) removed: usize,
    pub(super) added: usize,
    max_removed: usize,
    max_added: usize,
}

impl EditState {
    /// The first `steps` of `original` are the piece.
    pub(super) fn new(original: Array2<bool>, steps: usize, max_removed: usize, max_added: usize) -> Self {
        let flips = original.map(|sounds| if *sounds { REMOVAL } else { ADDITION });
        Self { roll: original, flips, steps, removed: 0, added: 0, max_removed, max_added }
    }

    /// The piece as it is now.
    pub(super) fn roll(&self) -> ArrayView2<'_, bool> {
        self.window(0..self.steps)
    }

    pub(super) fn into_roll(mut self) -> Array2<bool> {
        self.roll.slice_axis_inplace(Axis(0), Slice::from(..self.steps));
        self.roll
    }

    /// Some of the steps, padding included.
    pub(super) fn window(&self, steps: Range<usize>) -> ArrayView2<'_, bool> {
        self.roll.slice_axis(Axis(0), Slice::from(steps))
    }

    /// Whether a cell sounds.
    pub(super) fn sounds(&self, cell: [usize; 2]) -> bool {
        self.roll.get(cell).copied().unwrap_or(false)
    }

    /// The kinds of flip of some of the steps, cell by cell.
    pub(super) fn flips(&self, steps: Range<usize>) -> &[Flip] {
        let pitches = self.flips.ncols();
        let cells = steps.start * pitches..steps.end * pitches;
        self.flips.as_slice().and_then(|flips| flips.get(cells)).unwrap_or_default()
    }

    /// The two kinds of flip for which there is no budget now.
    pub(super) const fn barred(&self) -> Barred {
        Barred { additions: self.added >= self.max_added, removals: self.removed >= self.max_removed }
    }

    /// Whether the budgets have enough left to flip all of these cells.
    pub(super) fn have_room_for(&self, cells: impl Iterator<Item = [usize; 2]>) -> bool {
        let (mut added, mut removed) = (self.added, self.removed);
        for flip in cells.filter_map(|cell| self.flips.get(cell)) {
            added += usize::from(*flip == ADDITION);
            removed += usize::from(*flip == REMOVAL);
        }
        added <= self.max_added && removed <= self.max_removed
    }

    /// Flips a cell that may be flipped. Tells the kinds of its flip before and now.
    pub(super) fn flip(&mut self, cell: [usize; 2]) -> Option<[Flip; 2]> {
        let (sounds, flip) = (self.roll.get_mut(cell)?, self.flips.get_mut(cell)?);
        let before = *flip;
        match before {
            REMOVAL => self.removed += 1,
            TAKES_BACK_REMOVAL => self.removed -= 1,
            TAKES_BACK_ADDITION => self.added -= 1,
            _ => self.added += 1,
        }
        *flip ^= SOUNDS;
        *sounds = !*sounds;
        Some([before, *flip])
    }
}

/// Which kinds of flip have no budget left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Barred {
    additions: bool,
    removals: bool,
}

impl Barred {
    /// Whether a flip of this kind may be made.
    #[inline(always)]
    pub(super) const fn lets(self, flip: Flip) -> bool {
        !(self.additions & (flip == ADDITION) | self.removals & (flip == REMOVAL))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use ndarray::array;

    use super::*;

    #[test]
    fn budgets_are_spent_and_given_back() {
        let mut state = EditState::new(array![[true, true, false, false]], 1, 1, 1);
        let flippable =
            |s: &EditState| s.flips(0..1).iter().map(|flip| s.barred().lets(*flip)).collect::<Vec<_>>();
        assert_eq!(flippable(&state), [true; 4]);

        assert_eq!(state.flip([0, 0]), Some([REMOVAL, TAKES_BACK_REMOVAL]));
        // The other original cell is safe now; the removed one may come back.
        assert_eq!(flippable(&state), [true, false, true, true]);
        assert_eq!(state.flip([0, 2]), Some([ADDITION, TAKES_BACK_ADDITION]));
        assert_eq!(flippable(&state), [true, false, true, false]);
        assert_eq!((state.removed, state.added), (1, 1));

        assert_eq!(state.flip([0, 0]), Some([TAKES_BACK_REMOVAL, REMOVAL]));
        assert_eq!(flippable(&state), [true, true, true, false]);
        assert_eq!(state.flip([0, 2]), Some([TAKES_BACK_ADDITION, ADDITION]));
        assert_eq!(flippable(&state), [true; 4]);
        assert_eq!((state.removed, state.added), (0, 0));
        assert_eq!(state.into_roll(), array![[true, true, false, false]]);
    }

    #[test]
    fn nothing_may_be_flipped_without_a_budget_or_outside() {
        let mut state = EditState::new(array![[true, false]], 1, 0, 0);
        assert!(state.flips(0..1).iter().all(|flip| !state.barred().lets(*flip)));
        assert_eq!((state.flip([0, 2]), state.flip([1, 0])), (None, None));
        assert_eq!(state.roll(), array![[true, false]]);
    }

    #[test]
    fn padding_is_seen_in_windows_only() {
        let state = EditState::new(array![[true], [false], [false]], 1, 1, 1);
        assert_eq!(state.window(0..3).dim(), (3, 1));
        assert_eq!(state.roll(), array![[true]]);
        assert_eq!(state.into_roll(), array![[true]]);
    }
}
