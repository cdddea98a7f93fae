//! One pass over one window: which cells may be flipped, and the draw of one of them.

use std::ops::{Range, RangeInclusive};

use deepcompose_core::Pitch;
use ndarray::ArrayView2;
use pulp::{Arch, Simd, WithSimd};
use rand::{Rng, RngExt};

use super::budget::{Barred, EditState, Flip};
use super::windows::Window;
use crate::error::SampleError;
use crate::softmax::{self, BLOCK, Temper, Weights};

/// A row of a roll, which is whole blocks.
pub(super) const PITCHES: usize = 4 * BLOCK;

/// How many cells of a window's core, within the pitch range, have each kind of flip. Kept up to
/// date flip by flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidates([usize; 4]);

impl Candidates {
    /// Those of a window.
    pub(super) fn of(window: &Window, state: &EditState, pitches: &EditedPitches) -> Self {
        let mut counts = [0; 4];
        for row in state.flips(window.core.clone()).as_chunks::<PITCHES>().0 {
            for (flip, _) in row.iter().zip(&pitches.0).filter(|(_, is_edited)| **is_edited) {
                counts[usize::from(*flip)] += 1;
            }
        }
        Self(counts)
    }

    /// Whether there is a cell whose flip is not barred.
    pub(super) fn is_any(&self, barred: Barred) -> bool {
        (0..).zip(self.0).any(|(flip, count)| count > 0 && barred.lets(flip))
    }

    /// A cell of the window went from one kind of flip to another.
    pub(super) const fn change(&mut self, before: Flip, after: Flip) {
        self.0[before as usize] -= 1;
        self.0[after as usize] += 1;
    }
}

/// Whether each pitch may be edited.
#[derive(Debug, Clone, Copy)]
pub(super) struct EditedPitches([bool; PITCHES]);

impl EditedPitches {
    pub(super) fn new(range: &RangeInclusive<Pitch>) -> Self {
        let (low, high) = (usize::from(range.start().get()), usize::from(range.end().get()));
        Self(std::array::from_fn(|pitch| (low..=high).contains(&pitch)))
    }
}

/// What passes work with; the memory is kept from one to the next.
#[derive(Debug)]
pub(super) struct Pass {
    pitches: EditedPitches,
    /// The logits of a core, −∞ where a cell may not be flipped.
    masked: Vec<f32>,
    weights: Weights,
    /// A window's logits, if the model keeps them in another order.
    ordered: Vec<f32>,
}

impl Pass {
    pub(super) fn new(pitches: EditedPitches) -> Self {
        Self { pitches, masked: Vec::new(), weights: Weights::default(), ordered: Vec::new() }
    }

    /// Draws the cell to flip, if any may be, from the model's `logits` of `window`.
    ///
    /// # Errors
    ///
    /// [`SampleError`] for NaN and +∞ anywhere among the logits.
    pub(super) fn draw<R: Rng + ?Sized>(
        &mut self,
        logits: ArrayView2<'_, f32>,
        window: &Window,
        state: &EditState,
        creative_risk: f64,
        rng: &mut R,
    ) -> Result<Option<[usize; 2]>, SampleError> {
        let logits = match logits.to_slice() {
            Some(logits) => logits,
            None => {
                self.ordered.clear();
                self.ordered.extend(&logits);
                &self.ordered
            }
        };
        let core = window.core.start - window.start..window.core.end - window.start;
        let is_any = Arch::new().dispatch(Weigh {
            logits,
            core: logits.get(core.start * PITCHES..core.end * PITCHES).unwrap_or_default(),
            flips: state.flips(window.core.clone()),
            pitches: &self.pitches.0,
            barred: state.barred(),
            creative_risk,
            masked: &mut self.masked,
            weights: &mut self.weights,
        })?;
        if !is_any {
            return Ok(None);
        }
        let index = self.weights.draw(rng.random());
        Ok(index.map(|index| [window.core.start + index / PITCHES, index % PITCHES]))
    }

    /// The steps around a cell that was just drawn which are flipped with it, in the order in which
    /// they are: backwards from it, then forwards. Budgets apart.
    pub(super) fn run(
        &self,
        [step, pitch]: [usize; 2],
        window: &Window,
        state: &EditState,
        (margin, longest, shortest): (f32, usize, usize),
    ) -> (Range<usize>, Range<usize>) {
        // Of the pass before: −∞ where a cell may not be flipped.
        let logit = |step: usize| {
            let cell = step.checked_sub(window.core.start).map(|row| row * PITCHES + pitch);
            cell.and_then(|cell| self.masked.get(cell)).copied().unwrap_or(f32::NEG_INFINITY)
        };
        // A wide margin reaches below all numbers, but not to what is masked.
        let least = (logit(step) - margin).max(f32::MIN);
        let sounds = state.sounds([step, pitch]);
        let belongs = |step: usize| logit(step) >= least && state.sounds([step, pitch]) == sounds;
        let (mut start, mut end) = (step, step + 1);
        // Outwards by turns, so that a limit leaves the drawn cell in the middle.
        loop {
            let length = end - start;
            if length < longest && start > window.core.start && belongs(start - 1) {
                start -= 1;
            }
            if end - start < longest && end < window.core.end && belongs(end) {
                end += 1;
            }
            if end - start == length {
                break;
            }
        }
        let may_follow =
            |step: usize| logit(step) > f32::NEG_INFINITY && state.sounds([step, pitch]) == sounds;
        // Steps at the pitch that sound without a gap, counted as far as they matter.
        let before = |start: usize| {
            let steps = (0..start).rev().take(shortest);
            steps.take_while(|step| state.sounds([*step, pitch])).count()
        };
        let after =
            |end: usize| (end..).take(shortest).take_while(|step| state.sounds([*step, pitch])).count();
        if sounds {
            let (before, after) = (before(start), after(end));
            if before < shortest {
                start -= (0..before).take_while(|back| may_follow(start - 1 - back)).count();
            }
            if after < shortest {
                end += (end..end + after).take_while(|step| may_follow(*step)).count();
            }
        } else {
            let likely =
                |step: Option<usize>| step.filter(|step| may_follow(*step)).map_or(f32::NEG_INFINITY, logit);
            while before(start) + (end - start) < shortest {
                let beside = [likely(start.checked_sub(1)), likely(Some(end))];
                match beside {
                    [f32::NEG_INFINITY, f32::NEG_INFINITY] => break,
                    [before, after] if before > after => start -= 1,
                    _ => end += 1,
                }
            }
        }
        (start..step, step + 1..end)
    }
}

/// Weighs the cells of a core, in vector instructions.
struct Weigh<'a> {
    /// Of the whole window.
    logits: &'a [f32],
    core: &'a [f32],
    flips: &'a [Flip],
    pitches: &'a [bool; PITCHES],
    barred: Barred,
    creative_risk: f64,
    masked: &'a mut Vec<f32>,
    weights: &'a mut Weights,
}

impl WithSimd for Weigh<'_> {
    /// Whether there is a cell to draw.
    type Output = Result<bool, SampleError>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        match softmax::scan(self.logits.as_chunks().0) {
            Ok(_) => {}
            Err(SampleError::AllMasked) => return Ok(false),
            Err(refused) => return Err(refused),
        }
        self.masked.resize(self.core.len(), f32::NEG_INFINITY);
        let masked = self.masked.as_chunks_mut::<PITCHES>().0.iter_mut();
        let core = self.core.as_chunks::<PITCHES>().0;
        for ((masked, logits), flips) in masked.zip(core).zip(self.flips.as_chunks::<PITCHES>().0) {
            for pitch in 0..PITCHES {
                let is_open = self.pitches[pitch] & self.barred.lets(flips[pitch]);
                masked[pitch] = if is_open { logits[pitch] } else { f32::NEG_INFINITY };
            }
        }
        let cells = self.masked.as_chunks::<BLOCK>().0;
        // The largest of those that may be drawn: the softmax over them is that over all cells,
        // masked and scaled, without the loss of precision where all that is likely is masked.
        let Ok(scan) = softmax::scan(cells) else { return Ok(false) };
        self.weights.weigh(simd, cells, Temper::new(scan.max, self.creative_risk));
        Ok(true)
    }
}
