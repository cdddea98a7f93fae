//! [`EditParams`]: what an edit may do.

use std::ops::RangeInclusive;

use deepcompose_core::Pitch;
use serde::{Deserialize, Serialize};

use crate::error::{SamplerError, check_creative_risk, in_range};
use crate::rounding;

/// How many cells may be added.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaxAdd {
    /// So many for every window of the input, begun ones included, and for the piece as a whole.
    /// The console's inputs were one window (8 bars) long, so for them this is the console's
    /// "maximum notes to add".
    Cells(usize),
    /// So many times the input's sounding cells, rounded down; finite and at least 0 (1.0 may
    /// double them).
    Fraction(f64),
}

/// How much of the piano roll is flipped at once.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditUnit {
    /// The cell that was drawn.
    #[default]
    Cell,
    /// The cell that was drawn and the cells before and after it at its pitch, one by one and each
    /// side until one of them
    ///
    /// - has a logit more than `margin` (in nats, finite and at least 0) below the drawn cell's,
    /// - is not as the drawn cell was: sounding, or silent,
    /// - may not be edited,
    /// - or would make the run longer than `longest` steps, at least 1.
    ///
    /// A network that is trained on the uniform distribution over all wrong cells gives the cells of
    /// a missing note about the same logit, and so says how far the note reaches.
    ///
    /// Then, as far as cells may be edited and whatever their logits are: silent cells beside the run go along, the more probable ones
    /// first, until it is `shortest` steps long with what sounds right before it; and what a run that is removed leaves of its note on a side goes
    /// along if it is shorter than that. So no crumbs of notes are made.
    ///
    /// A run that a budget has not enough left for is not made at all, and the iteration passes: notes that end where a budget does are
    /// crumbs too.
    Run {
        /// How far below the drawn cell's logit another's may be.
        margin: f32,
        /// The most cells that are flipped at once, but for such remains.
        longest: usize,
        /// The least steps of a note that is made or left, 1..=`longest`; 1 if it is not said.
        #[serde(default = "one")]
        shortest: usize,
    },
}

const fn one() -> usize {
    1
}

/// What an [`EditSampler`](crate::EditSampler) may do. A note here is a cell of the piano roll:
/// one pitch at one step.
///
/// The default is the console's: 0.7, 90 cells, 90 iterations, 0.8. In serde a field that is not said has its default,
/// and one that is not known is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditParams {
    /// Maximum input notes to remove, as a fraction of the input's sounding cells, in
    /// `0.0..=1.0`. The budget is rounded down.
    pub max_remove: f64,
    /// Maximum notes to add.
    pub max_add: MaxAdd,
    /// Sampling iterations: how many edits are made in each window, at most
    /// [`EditParams::MAX_ITERATIONS`]. At 0 nothing is done.
    pub iterations: usize,
    /// Creative risk: the temperature of the softmax, finite and above 0.
    pub creative_risk: f64,
    /// Annealing: the creative risk of the last iteration as a share of that of the first, above 0
    /// and at most 1. In between it falls evenly. 1 keeps it as it is.
    pub annealing: f64,
    /// What one edit flips.
    pub unit: EditUnit,
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
            annealing: 1.0,
            unit: EditUnit::Cell,
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
        let accepted = "0 < share <= 1";
        in_range("annealing", self.annealing, self.annealing > 0.0 && self.annealing <= 1.0, accepted)?;
        if let EditUnit::Run { margin, longest, shortest } = self.unit {
            let is_accepted = margin.is_finite() && margin >= 0.0;
            in_range("run margin", margin.into(), is_accepted, "a finite number of nats, 0 or more")?;
            in_range("longest run", longest as f64, longest >= 1, "1 or more")?;
            let is_accepted = (1..=longest).contains(&shortest);
            in_range("shortest note", shortest as f64, is_accepted, "1 to the longest run")?;
        }
        in_range("window alignment", self.window_alignment as f64, self.window_alignment >= 1, "1 or more")?;
        if self.pitch_range.is_empty() {
            let (low, high) = (self.pitch_range.start().get(), self.pitch_range.end().get());
            return Err(SamplerError::PitchRange { low, high, min: Pitch::MIN.get(), max: Pitch::MAX.get() });
        }
        Ok(())
    }

    /// The creative risk of an iteration, counted from 0.
    pub(crate) fn creative_risk_at(&self, iteration: usize) -> f64 {
        let last = self.iterations.saturating_sub(1).max(1);
        let fallen = (1.0 - self.annealing) * (iteration as f64 / last as f64);
        let annealed = self.creative_risk * (1.0 - fallen).max(self.annealing);
        // A temperature is above 0.
        annealed.max(f64::MIN_POSITIVE.min(self.creative_risk))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn parameters_come_back_from_json() {
        let unit = EditUnit::Run { margin: 0.3, longest: 16, shortest: 2 };
        let pitch_range = Pitch::saturating(40)..=Pitch::saturating(41);
        for max_add in [MaxAdd::Cells(usize::MAX), MaxAdd::Fraction(0.1)] {
            let params =
                EditParams { max_add, unit, pitch_range: pitch_range.clone(), ..EditParams::default() };
            let json = serde_json::to_string(&params).unwrap();
            assert_eq!(serde_json::from_str::<EditParams>(&json).unwrap(), params, "{json}");
        }
        let said = r#"{"max_add":{"fraction":1.5},"unit":"cell","pitch_range":{"start":60,"end":72}}"#;
        let read: EditParams = serde_json::from_str(said).unwrap();
        let pitch_range = Pitch::saturating(60)..=Pitch::saturating(72);
        let max_add = MaxAdd::Fraction(1.5);
        assert_eq!(read, EditParams { max_add, pitch_range, ..EditParams::default() });
        assert!(serde_json::from_str::<EditParams>(r#"{"pitch_range":{"start":60,"end":128}}"#).is_err());
        assert!(serde_json::from_str::<EditParams>(r#"{"max_added":3}"#).is_err());
        // A range is checked where a sampler is made.
        let beyond: EditParams = serde_json::from_str(r#"{"max_remove":2}"#).unwrap();
        assert!(beyond.validate().is_err());
    }

    #[test]
    fn creative_risk_falls_from_its_value_to_its_share() {
        let params = EditParams { iterations: 3, annealing: 0.25, ..EditParams::default() };
        for (iteration, risk) in [(0, 0.8), (1, 0.5), (2, 0.2)] {
            assert!((params.creative_risk_at(iteration) - risk).abs() < 1e-15);
        }
        let constant = EditParams { annealing: 1.0, ..params };
        assert!((0..3).all(|iteration| constant.creative_risk_at(iteration).to_bits() == 0.8_f64.to_bits()));
        // One iteration has the risk of the first; a share of a small risk is above 0.
        let one = EditParams { iterations: 1, annealing: 0.5, ..EditParams::default() };
        assert!((one.creative_risk_at(0) - 0.8).abs() < 1e-15);
        let small = EditParams { iterations: 2, creative_risk: 1e-307, annealing: 1e-9, ..one };
        assert!(small.creative_risk_at(1) > 0.0);
    }
}
