//! [`EditParams`]: what an edit may do.

use std::ops::RangeInclusive;

use deepcompose_core::Pitch;

use crate::error::{SamplerError, check_creative_risk, in_range};
use crate::rounding;

/// How many cells may be added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxAdd {
    /// So many for every window of the input, begun ones included, and for the piece as a whole.
    /// The console's inputs were one window (8 bars) long, so for them this is the console's
    /// "maximum notes to add".
    Cells(usize),
    /// So many times the input's sounding cells, rounded down; finite and at least 0 (1.0 may
    /// double them).
    Fraction(f64),
}

/// What an [`EditSampler`](crate::EditSampler) may do. A note here is a cell of the piano roll:
/// one pitch at one step.
///
/// The default is the console's: 0.7, 90 cells, 90 iterations, 0.8.
#[derive(Debug, Clone, PartialEq)]
pub struct EditParams {
    /// Maximum input notes to remove, as a fraction of the input's sounding cells, in
    /// `0.0..=1.0`. The budget is rounded down.
    pub max_remove: f64,
    /// Maximum notes to add.
    pub max_add: MaxAdd,
    /// Sampling iterations: how many cells are flipped in each window, at most
    /// [`EditParams::MAX_ITERATIONS`]. At 0 nothing is done.
    pub iterations: usize,
    /// Creative risk: the temperature of the softmax, finite and above 0.
    pub creative_risk: f64,
    /// The pitches that may be edited; what sounds outside them stays.
    pub pitch_range: RangeInclusive<Pitch>,
    /// Windows of a piece longer than the model's window begin at multiples of so many steps, if
    /// that is at most half a window. A bar's length keeps the bars where the model has learned
    /// to expect them. At least 1; 16 by default, a bar of 4/4 in sixteenths.
    pub window_alignment: usize,
    /// Whether an input shorter than the model's window may be edited past its end, up to the
    /// window's; the outcome then has that length.
    pub extend_to_window: bool,
    /// How much memory the model's [sessions](crate::EditSession) may take together, in bytes:
    /// as many windows as fit have one of their own, by what the model says of
    /// [its size](crate::EditModel::session_bytes), and the rest share one. There is always at
    /// least one. It makes a difference to the time of an edit of a long piece, and none to its
    /// result.
    pub session_memory: usize,
}

impl Default for EditParams {
    fn default() -> Self {
        Self {
            max_remove: 0.7,
            max_add: MaxAdd::Cells(90),
            iterations: 90,
            creative_risk: 0.8,
            pitch_range: Pitch::saturating(21)..=Pitch::saturating(108),
            window_alignment: 16,
            extend_to_window: false,
            session_memory: 512 << 20,
        }
    }
}

impl EditParams {
    /// The most iterations.
    pub const MAX_ITERATIONS: usize = 100_000;

    pub(crate) fn validate(&self) -> Result<(), SamplerError> {
        in_range(
            "maximum input notes to remove",
            self.max_remove,
            (0.0..=1.0).contains(&self.max_remove),
            "0 <= fraction <= 1",
        )?;
        if let MaxAdd::Fraction(fraction) = self.max_add {
            let is_accepted = fraction.is_finite() && fraction >= 0.0;
            in_range("maximum notes to add", fraction, is_accepted, "a finite fraction, 0 or more")?;
        }
        in_range(
            "sampling iterations",
            self.iterations as f64,
            self.iterations <= Self::MAX_ITERATIONS,
            "0..=100000",
        )?;
        check_creative_risk(self.creative_risk)?;
        in_range("window alignment", self.window_alignment as f64, self.window_alignment >= 1, "1 or more")?;
        if self.pitch_range.is_empty() {
            let (low, high) = (self.pitch_range.start().get(), self.pitch_range.end().get());
            return Err(SamplerError::PitchRange { low, high, min: Pitch::MIN.get(), max: Pitch::MAX.get() });
        }
        Ok(())
    }

    /// The most original cells that may be gone, of `input_cells`.
    pub(crate) fn removal_budget(&self, input_cells: usize) -> usize {
        rounding::floor_of(self.max_remove, input_cells)
    }

    /// The most cells that may have been added to an input of `input_cells` over `steps`.
    pub(crate) fn addition_budget(&self, input_cells: usize, steps: usize, window_steps: usize) -> usize {
        match self.max_add {
            MaxAdd::Cells(cells) => cells.saturating_mul(steps.div_ceil(window_steps.max(1)).max(1)),
            MaxAdd::Fraction(fraction) => rounding::floor_of(fraction, input_cells),
        }
    }
}
