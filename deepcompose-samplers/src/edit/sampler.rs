//! [`EditSampler`]: notes are added to and removed from a piano roll, one cell or one run of cells a pass.

use std::iter;
use std::ops::ControlFlow;

use deepcompose_core::Pitch;
use ndarray::{Array2, ArrayView2, Axis, Slice};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::budget::EditState;
use super::error::EditError;
use super::model::EditModel;
use super::params::{EditParams, EditUnit};
use super::pass::{Candidates, EditedPitches, PITCHES, Pass};
use super::sessions::Sessions;
use super::windows::windows;
use crate::error::SamplerError;

/// The longest window a model may have, in steps.
pub const MAX_WINDOW_STEPS: usize = 1 << 16;

/// For how many edits memory is reserved at once.
const MOST_EDITS_RESERVED: usize = 1 << 16;

/// One flipped cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The iteration that flipped it, from 0.
    pub iteration: usize,
    /// The step, from the beginning of the piece.
    pub step: usize,
    /// The pitch.
    pub pitch: Pitch,
    /// Whether the cell now sounds.
    pub on: bool,
}

/// What an edit made of its input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EditOutcome {
    /// The sounding cells, `[steps, 128]`. As long as the input, or as the model's window if that
    /// is longer and [`EditParams::extend_to_window`] is set.
    pub roll: Array2<bool>,
    /// Every flip, in order; replaying them on the input gives `roll`.
    pub edits: Vec<Edit>,
    /// How many of the input's cells no longer sound.
    pub removed: usize,
    /// How many cells sound that did not in the input.
    pub added: usize,
    /// How many iterations were completed.
    pub iterations: usize,
    /// Whether the observer ended the edit before its last iteration.
    pub stopped: bool,
}

/// How far an edit has got, told after every iteration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EditProgress<'a> {
    /// How many iterations are done, this one included.
    pub done: usize,
    /// How many there will be.
    pub iterations: usize,
    /// How many of the input's cells do not sound now.
    pub removed: usize,
    /// How many cells sound now that did not in the input.
    pub added: usize,
    /// What this iteration flipped: of each window one cell, or one run of them
    /// ([`EditUnit::Run`](crate::EditUnit::Run)).
    pub edits: &'a [Edit],
    /// The roll as it is now.
    pub roll: ArrayView2<'a, bool>,
}

/// Edits a piano roll by drawing one cell at a time from an [`EditModel`]'s distribution and
/// flipping it.
///
/// In each iteration, in each window: the model's logits over the window are divided by the
/// creative risk and turned into probabilities by a softmax; cells that may not be edited are
/// masked and the rest scaled to sum to 1; one cell is drawn and flipped. The next window, and the
/// next iteration, see the result. The creative risk may fall from iteration to iteration
/// ([`EditParams::annealing`]), and the cell may be flipped together with its neighbours at the same
/// pitch that the model likes as much, if the budgets have room for all of them ([`EditParams::unit`]). What is masked:
///
/// - cells that sound in the input and still do, when the removal budget is spent;
/// - cells that are silent in the input and still are, when the addition budget is spent;
/// - cells outside [`EditParams::pitch_range`], and padding after the end of the piece;
/// - cells whose logit is −∞.
///
/// Flipping a cell back gives its budget back. Where everything is masked the pass does nothing.
/// The budgets hold for the piece as a whole, after every cell.
///
/// A piece longer than the model's window is covered by windows that overlap by half. Each edits
/// only the cells nearest its own centre (the first and the last also own the piece's ends), so
/// what is on either side of a seam between them is edited with context from both sides, including
/// earlier edits. A shorter piece is padded with silence.
///
/// The model is asked through its [sessions](crate::EditSession), one a window within
/// [`EditParams::session_memory`].
///
/// The sampler has no state; the rng is passed in, and each edit takes one `f64` from it.
///
/// ```
/// use deepcompose_samplers::{EditModel, EditParams, EditSampler, MaxAdd};
/// use ndarray::{Array2, ArrayView2};
/// use rand::SeedableRng;
/// use std::ops::ControlFlow;
///
/// /// Wants middle C at every step.
/// struct MiddleC;
///
/// impl EditModel for MiddleC {
///     type Error = std::convert::Infallible;
///
///     fn window_steps(&self) -> usize {
///         16
///     }
///
///     fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Self::Error> {
///         Ok(Array2::from_shape_fn(roll.dim(), |(step, pitch)| {
///             if pitch == 60 && !roll[[step, pitch]] { 100.0 } else { 0.0 }
///         }))
///     }
/// }
///
/// let params = EditParams { max_add: MaxAdd::Cells(5), iterations: 20, ..EditParams::default() };
/// let sampler = EditSampler::new(params)?;
/// let silence = Array2::from_elem((16, 128), false);
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
/// let outcome =
///     sampler.edit(&MiddleC, silence.view(), &mut rng, &mut |_| ControlFlow::Continue(()))?;
/// assert!(outcome.added <= 5);
/// assert_eq!(outcome.roll.iter().filter(|sounds| **sounds).count(), outcome.added);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EditSampler {
    params: EditParams,
}

impl EditSampler {
    /// Checks the parameters.
    ///
    /// # Errors
    ///
    /// [`SamplerError`] names the parameter that is outside its range.
    pub fn new(params: EditParams) -> Result<Self, SamplerError> {
        params.validate()?;
        Ok(Self { params })
    }

    /// The parameters.
    #[must_use]
    pub const fn params(&self) -> &EditParams {
        &self.params
    }

    /// Edits `roll`, the sounding cells of a piece, `[steps, 128]` with any number of steps. The
    /// observer is told of every iteration and may end the edit by [`ControlFlow::Break`].
    ///
    /// The result depends on the arguments only: the same model, roll, parameters and rng state
    /// give the same edits.
    ///
    /// # Errors
    ///
    /// [`EditError`]: a roll that is not 128 pitches wide, a model that fails, has an impossible
    /// window, or returns logits of the wrong shape or with NaN or +∞ among them (anywhere in the
    /// window, since such a model is broken).
    pub fn edit<M, R>(
        &self,
        model: &M,
        roll: ArrayView2<'_, bool>,
        rng: &mut R,
        observer: &mut dyn FnMut(&EditProgress<'_>) -> ControlFlow<()>,
    ) -> Result<EditOutcome, EditError<M::Error>>
    where
        M: EditModel + ?Sized,
        R: Rng + ?Sized,
    {
        let (steps, pitches) = roll.dim();
        if pitches != PITCHES {
            return Err(EditError::RollShape { pitches });
        }
        let window_steps = model.window_steps();
        if !(1..=MAX_WINDOW_STEPS).contains(&window_steps) {
            return Err(EditError::WindowSteps { steps: window_steps, limit: MAX_WINDOW_STEPS });
        }
        let input_cells = roll.iter().filter(|sounds| **sounds).count();
        let max_removed = self.params.removal_budget(input_cells);
        let max_added = self.params.addition_budget(input_cells, steps, window_steps);
        let length = if self.params.extend_to_window { steps.max(window_steps) } else { steps };
        let windows = windows(length, window_steps, self.params.window_alignment);
        let seen = windows.last().map_or(0, |last| last.start + window_steps);
        let mut padded = Array2::from_elem((seen.max(length), PITCHES), false);
        padded.slice_axis_mut(Axis(0), Slice::from(..steps)).assign(&roll);

        let mut state = EditState::new(padded, length, max_removed, max_added);
        let pitches = EditedPitches::new(&self.params.pitch_range);
        let mut candidates: Vec<Candidates> =
            windows.iter().map(|window| Candidates::of(window, &state, &pitches)).collect();
        let mut pass = Pass::new(pitches);
        let mut sessions = Sessions::new(model, windows.len(), self.params.session_memory);
        let iterations = self.params.iterations;
        let capacity = iterations.saturating_mul(windows.len()).min(MOST_EDITS_RESERVED);
        let mut edits: Vec<Edit> = Vec::with_capacity(capacity);
        let mut done = 0;
        let mut stopped = false;
        while done < iterations && !stopped {
            let before = edits.len();
            let creative_risk = self.params.creative_risk_at(done);
            for (index, window) in windows.iter().enumerate() {
                if !candidates[index].is_any(state.barred()) {
                    continue;
                }
                let seen = state.window(window.start..window.start + window_steps);
                let expected = seen.dim();
                let logits = sessions.logits(index, seen).map_err(EditError::Model)?;
                if logits.dim() != expected {
                    return Err(EditError::LogitShape { returned: logits.dim(), expected });
                }
                let cell = pass.draw(logits, window, &state, creative_risk, rng).map_err(|source| {
                    EditError::Sample { iteration: done, window_start: window.start, source }
                })?;
                let Some(cell) = cell else { continue };
                let (back, on) = match self.params.unit {
                    EditUnit::Cell => (0..0, 0..0),
                    EditUnit::Run { margin, longest, shortest } => {
                        pass.run(cell, window, &state, (margin, longest, shortest))
                    }
                };
                let run = || back.clone().chain([cell[0]]).chain(on.clone());
                if !state.have_room_for(run().map(|step| [step, cell[1]])) {
                    continue;
                }
                for step in iter::once(cell[0]).chain(back.rev()).chain(on) {
                    let cell = [step, cell[1]];
                    let Some([before, after]) = state.flip(cell) else { break };
                    candidates[index].change(before, after);
                    edits.push(Edit {
                        iteration: done,
                        step,
                        // The array is 128 pitches wide.
                        pitch: Pitch::saturating(cell[1] as i64),
                        on: state.sounds(cell),
                    });
                }
            }
            done += 1;
            let progress = EditProgress {
                done,
                iterations,
                removed: state.removed,
                added: state.added,
                edits: &edits[before..],
                roll: state.roll(),
            };
            stopped = observer(&progress).is_break() && done < iterations;
        }
        let EditState { removed, added, .. } = state;
        Ok(EditOutcome { roll: state.into_roll(), edits, removed, added, iterations: done, stopped })
    }
}
