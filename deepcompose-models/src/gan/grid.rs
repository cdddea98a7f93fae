//! [`StepGrid`]: a score's bars in sixteenth-note steps, and the two-bar windows laid over them.

use deepcompose_core::{Note, Score, Tick};
use ndarray::Array2;

use super::GanError;

/// Steps of one bar of a window.
pub(crate) const BAR_STEPS: usize = 16;
/// Bars of a window.
pub(crate) const WINDOW_BARS: usize = 2;
/// Most bars that a score may have.
pub const MAX_BARS: usize = 8192;

/// The sixteenth-note grid of a score, bar by bar.
///
/// Every bar starts on a step, so a pick-up or an odd metre keeps its bar lines: a bar of a metre
/// whose length is no whole number of sixteenths is rounded to the nearest (at least one).
///
/// ```
/// use deepcompose_core::{At, Score, Tick, TimeSignature};
/// use deepcompose_models::gan::StepGrid;
///
/// let mut waltz = Score::default();
/// waltz.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(3, 4)? }]);
/// let grid = StepGrid::of(&waltz, Tick::new(480 * 6)?)?;
/// assert_eq!(grid.bar_steps(), [12, 12]);
/// assert_eq!(grid.step_at(Tick::new(480 * 3)?), 12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepGrid {
    /// First tick of each bar, and the end of the last.
    ticks: Vec<u32>,
    /// First step of each bar, and the end of the last.
    steps: Vec<usize>,
    bar_steps: Vec<usize>,
    ticks_per_quarter: u32,
}

impl StepGrid {
    /// The grid of the bars that begin before `end`; at least one bar.
    ///
    /// # Errors
    ///
    /// [`GanError::Limit`] for more than [`MAX_BARS`] bars.
    pub fn of(score: &Score, end: Tick) -> Result<Self, GanError> {
        let ticks_per_quarter = u32::from(score.ticks_per_quarter().get());
        let mut grid = Self { ticks: vec![0], steps: vec![0], bar_steps: Vec::new(), ticks_per_quarter };
        let mut steps = 0;
        for bar in score.bars().take_while(|b| b.index == 0 || b.start < end) {
            if bar.index == MAX_BARS {
                return Err(GanError::Limit {
                    what: "bars",
                    value: MAX_BARS as u64 + 1,
                    limit: MAX_BARS as u64,
                });
            }
            let length = grid.steps_in(bar.end.get() - bar.start.get()).max(1);
            steps += length;
            grid.ticks.push(bar.end.get());
            grid.steps.push(steps);
            grid.bar_steps.push(length);
        }
        Ok(grid)
    }

    /// Ticks in sixteenths, rounded.
    fn steps_in(&self, ticks: u32) -> usize {
        ((u64::from(ticks) * 8 / u64::from(self.ticks_per_quarter)).div_ceil(2)) as usize
    }

    /// Steps of each bar.
    #[must_use]
    pub fn bar_steps(&self) -> &[usize] {
        &self.bar_steps
    }

    /// Steps of all bars together.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.bar_steps.iter().sum()
    }

    /// The step nearest to a tick; a tick past the last bar counts as its end.
    #[must_use]
    pub fn step_at(&self, tick: Tick) -> usize {
        let bar = self.ticks.partition_point(|t| *t <= tick.get()) - 1;
        match self.steps.get(bar + 1) {
            Some(next) => {
                let inside = self.steps_in(tick.get() - self.ticks[bar]);
                (self.steps[bar] + inside).min(*next)
            }
            None => self.steps[bar],
        }
    }

    /// The tick at which a step begins; a step past the last bar counts as its end.
    #[must_use]
    pub fn tick_at(&self, step: usize) -> Tick {
        let bar = self.steps.partition_point(|s| *s <= step) - 1;
        let tick = match self.ticks.get(bar + 1) {
            Some(next) => {
                let inside = (step - self.steps[bar]) as u64 * u64::from(self.ticks_per_quarter) / 4;
                (u64::from(self.ticks[bar]) + inside).min(u64::from(*next))
            }
            None => u64::from(self.ticks[bar]),
        };
        Tick::saturating(tick as i64)
    }

    /// The roll of pitched notes, `[steps, 128]`: a cell is true while the note sounds, and a note
    /// that follows another of its pitch without a gap takes the last step of the one before, so that
    /// repeated notes can be told from held ones.
    ///
    /// This is how the training data's rolls are made, so it is also how the melody that is given to
    /// the generator should be.
    #[must_use]
    pub fn sounding_roll<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) -> Array2<bool> {
        to_array(&self.sounding(notes))
    }

    /// [`StepGrid::sounding_roll`] as a set of pitches a step.
    pub(crate) fn sounding<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) -> Vec<u128> {
        let mut sounding = vec![0_u128; self.steps()];
        let mut onsets = sounding.clone();
        for note in notes {
            let from = self.step_at(note.start);
            let to = self.step_at(note.end()).max(from + 1).min(sounding.len());
            let bit = 1 << note.pitch.get();
            for step in sounding.get_mut(from..to).into_iter().flatten() {
                *step |= bit;
            }
            if let Some(onset) = onsets.get_mut(from) {
                *onset |= bit;
            }
        }
        for step in 1..sounding.len() {
            sounding[step - 1] &= !(onsets[step] & !onsets[step - 1]);
        }
        sounding
    }

    /// Onsets only, for drums: a set of pitches a step.
    #[cfg(any(test, feature = "train"))]
    pub(crate) fn onsets<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) -> Vec<u128> {
        let mut onsets = vec![0_u128; self.steps()];
        for note in notes {
            if let Some(onset) = onsets.get_mut(self.step_at(note.start)) {
                *onset |= 1 << note.pitch.get();
            }
        }
        onsets
    }
}

fn to_array(steps: &[u128]) -> Array2<bool> {
    Array2::from_shape_fn((steps.len(), 128), |(step, pitch)| steps[step] >> pitch & 1 == 1)
}

/// A run of steps that fills one bar of a window, from its first step; the bar's other steps are
/// silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// How many bars of windows a bar of so many steps takes.
pub(crate) const fn parts_of(bar: usize) -> usize {
    bar.div_ceil(BAR_STEPS)
}

/// Lays bars over the bars of windows. A bar longer than 16 steps is cut into as few nearly equal
/// parts as fit. Bars go on as the last one until `steps` are covered.
pub(crate) fn cells(bar_steps: &[usize], steps: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut start = 0;
    let mut bars = bar_steps.iter().copied().filter(|n| *n > 0);
    let mut bar = BAR_STEPS;
    while start < steps {
        bar = bars.next().unwrap_or(bar);
        let parts = parts_of(bar);
        for part in 0..parts {
            let (from, to) = (start + part * bar / parts, start + (part + 1) * bar / parts);
            if from < steps {
                cells.push(Cell { start: from, len: to.min(steps) - from });
            }
        }
        start += bar;
    }
    cells
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use deepcompose_core::{At, Pitch, TicksPerQuarter, TimeSignature, Velocity};
    use proptest::prelude::*;

    fn note(start: u32, duration: u32, pitch: u32) -> Note {
        Note {
            start: Tick::new(start).unwrap(),
            duration: Tick::new(duration).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::DEFAULT,
        }
    }

    fn four_four(end: u32) -> StepGrid {
        StepGrid::of(&Score::default(), Tick::new(end).unwrap()).unwrap()
    }

    #[test]
    fn repeated_notes_are_told_from_held_ones() {
        // Two quarters, then a half, of one pitch; 120 ticks a step.
        let grid = four_four(1920);
        let notes = [note(0, 480, 60), note(480, 480, 60), note(960, 960, 60)];
        let cells: String =
            grid.sounding(&notes).iter().map(|s| if s >> 60 & 1 == 1 { 'x' } else { '.' }).collect();
        assert_eq!(cells, "xxx.xxx.xxxxxxxx");
        // Sixteenths leave no room for a gap: each keeps its onset.
        let fast = [note(0, 120, 60), note(120, 120, 60)];
        assert_eq!(grid.sounding(&fast)[..3], [1 << 60, 1 << 60, 0]);
        let array = grid.sounding_roll(&notes);
        assert_eq!(array.dim(), (16, 128));
        assert_eq!(array.iter().filter(|c| **c).count(), 14);
    }

    #[test]
    fn notes_round_to_the_nearest_step_and_last_one_at_least() {
        let grid = four_four(1920);
        let roll = grid.sounding(&[note(59, 0, 1), note(60, 10, 2), note(1900, 200, 3)]);
        assert_eq!(roll[0], 1 << 1);
        assert_eq!(roll[1], 1 << 2);
        assert!(roll.iter().all(|s| s >> 3 & 1 == 0), "rounds to the end of the last bar");
        assert_eq!(grid.onsets(&[note(0, 900, 36), note(120, 1, 36)])[..3], [1 << 36, 1 << 36, 0]);
    }

    #[test]
    fn changes_of_metre_keep_bar_lines() {
        let mut score = Score::default();
        let signature = |n, d| TimeSignature::new(n, d).unwrap();
        // A pick-up of one quarter, then 6/8, then 5/4.
        score.set_time_signatures(vec![
            At { tick: Tick::ZERO, value: signature(1, 4) },
            At { tick: Tick::new(480).unwrap(), value: signature(6, 8) },
            At { tick: Tick::new(480 + 1440).unwrap(), value: signature(5, 4) },
        ]);
        let grid = StepGrid::of(&score, Tick::new(480 + 1440 + 1).unwrap()).unwrap();
        assert_eq!(grid.bar_steps(), [4, 12, 20]);
        assert_eq!(grid.step_at(Tick::new(480).unwrap()), 4);
        assert_eq!(grid.tick_at(16).get(), 480 + 1440);
        assert_eq!(
            cells(grid.bar_steps(), grid.steps()),
            [(0, 4), (4, 12), (16, 10), (26, 10)].map(|(start, len)| Cell { start, len })
        );
        assert_eq!(cells(&[], 20), [(0, 16), (16, 4)].map(|(start, len)| Cell { start, len }));
    }

    #[test]
    fn endless_scores_are_refused() {
        let mut score = Score::default();
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(1, 128).unwrap() }]);
        assert!(matches!(StepGrid::of(&score, Tick::MAX), Err(GanError::Limit { what: "bars", .. })));
    }

    proptest! {
        #[test]
        fn steps_and_ticks_agree(tpq in 1_u32..2000, n in 1_u32..20, d in 0_u32..5, step in 0_usize..200) {
            let mut score = Score::new(TicksPerQuarter::new(tpq).unwrap());
            score.set_time_signatures(vec![At {
                tick: Tick::ZERO,
                value: TimeSignature::new(n, 1 << d).unwrap(),
            }]);
            let grid = StepGrid::of(&score, Tick::new(tpq * 16).unwrap()).unwrap();
            prop_assert_eq!(grid.step_at(Tick::MAX), grid.steps());
            let step = step.min(grid.steps());
            // Exact whenever the resolution has a whole number of ticks a step.
            if tpq % 4 == 0 && d <= 4 {
                prop_assert_eq!(grid.step_at(grid.tick_at(step)), step);
            }
            let laid = cells(grid.bar_steps(), grid.steps());
            prop_assert_eq!(laid.iter().map(|c| c.len).sum::<usize>(), grid.steps());
            prop_assert!(laid.iter().all(|c| c.len <= BAR_STEPS));
        }
    }
}
