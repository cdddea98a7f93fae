//! [`StepGrid`]: a score's bars in sixteenth-note steps, and the two-bar windows laid over them.

use deepcompose_core::{Note, Score, Tick, TimeSignature};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::rolls::with_gap;
use super::tune::HALF_BAR;
use super::{GanError, Genre, MAX_STEPS};

/// Steps of one bar of a window.
pub(crate) const BAR_STEPS: usize = 16;
/// Bars of a window.
pub(crate) const WINDOW_BARS: usize = 2;
/// Most bars that a score may have.
pub const MAX_BARS: usize = 8192;

/// How a bar is laid over the sixteen steps of a pattern in 4/4, for generators that know no other metre.
///
/// Which steps of the pattern sound in a bar of twelve, counted from 0:
///
/// | | steps | so that |
/// |---|---|---|
/// | `Straight` | 0..12 | nothing is left out but the end: for what was learnt so |
/// | `Waltz` | 0..8, 12..16 | what answers on the second and fourth beat does on the second and third |
/// | `Jig` | 0..6, 8..14 | what is on the beats is on the first and third eighth of each half |
///
/// A bar of another length is always straight; parts that a longer bar is cut into count as bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BarFill {
    /// The beginning of the pattern.
    #[default]
    Straight,
    /// The pattern without its third beat, for three beats of four sixteenths.
    Waltz,
    /// The pattern without the last eighth of each half, for two beats of six sixteenths.
    Jig,
}

impl BarFill {
    /// What suits a bar in this metre: a waltz for three beats of a quarter, also where two such bars are one as in 6/4, a
    /// jig for beats of a dotted quarter.
    ///
    /// ```
    /// use deepcompose_core::TimeSignature;
    /// use deepcompose_models::gan::BarFill;
    ///
    /// let of = |upper, lower| TimeSignature::new(upper, lower).map(BarFill::of);
    /// assert_eq!((of(3, 4)?, of(6, 8)?, of(12, 8)?), (BarFill::Waltz, BarFill::Jig, BarFill::Jig));
    /// assert_eq!((of(4, 4)?, of(9, 8)?), (BarFill::Straight, BarFill::Straight));
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    #[must_use]
    pub fn of(metre: TimeSignature) -> Self {
        let sixteenths = 16 * metre.numerator() as usize / metre.denominator() as usize;
        let parts = parts_of(sixteenths);
        if sixteenths != WALTZ_STEPS * parts {
            return Self::Straight;
        }
        match (usize::from(metre.beat_count()), parts) {
            (beats, parts) if beats == parts || beats == 3 * parts => Self::Waltz,
            (beats, parts) if beats == 2 * parts => Self::Jig,
            _ => Self::Straight,
        }
    }
}

/// Steps of the bars that are not straight.
const WALTZ_STEPS: usize = 12;

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
    bar_fills: Vec<BarFill>,
    ticks_per_quarter: u32,
}

impl StepGrid {
    /// The grid of the bars that begin before `end`; at least one bar.
    ///
    /// # Errors
    ///
    /// [`GanError::Limit`] for more than [`MAX_BARS`] bars or [`MAX_STEPS`] steps.
    pub fn of(score: &Score, end: Tick) -> Result<Self, GanError> {
        let ticks_per_quarter = u32::from(score.ticks_per_quarter().get());
        let (bar_steps, bar_fills) = (Vec::new(), Vec::new());
        let mut grid = Self { ticks: vec![0], steps: vec![0], bar_steps, bar_fills, ticks_per_quarter };
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
            if steps > MAX_STEPS {
                return Err(GanError::Limit { what: "steps", value: steps as u64, limit: MAX_STEPS as u64 });
            }
            grid.ticks.push(bar.end.get());
            grid.steps.push(steps);
            grid.bar_steps.push(length);
            grid.bar_fills.push(BarFill::of(bar.time_signature));
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

    /// How each bar is laid in a genre, in training data and in what is generated: as suits its metre; straight, which is an
    /// empty list, in classical music, of which the corpora have all metres.
    #[must_use]
    pub fn bar_fills(&self, genre: Genre) -> &[BarFill] {
        if genre == Genre::Classical { &[] } else { &self.bar_fills }
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

    /// The bar that has a tick; a tick past the last bar counts as of it.
    #[must_use]
    pub fn bar_at(&self, tick: Tick) -> usize {
        self.ticks.partition_point(|t| *t <= tick.get()).clamp(1, self.bar_steps.len()) - 1
    }

    /// One past the last step of the bar that has a step; the end for one past it.
    pub(crate) fn bar_end(&self, step: usize) -> usize {
        let bar = self.steps.partition_point(|s| *s <= step);
        self.steps.get(bar).copied().unwrap_or_else(|| self.steps())
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
    /// This is how the melodies of training data are made, so it is also how one that is given to a generator should be.
    #[must_use]
    pub fn sounding_roll<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) -> Array2<bool> {
        to_array(&self.sounding(notes))
    }

    /// [`StepGrid::sounding_roll`] as a set of pitches a step.
    pub(crate) fn sounding<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) -> Vec<u128> {
        let (mut sounding, onsets) = self.held(notes);
        for step in 1..sounding.len() {
            sounding[step - 1] = with_gap(sounding[step - 1], onsets[step - 1], onsets[step]);
        }
        sounding
    }

    /// The pitches that sound in each step, without gaps, and those of which a note begins.
    pub(crate) fn held<'a>(&self, notes: impl IntoIterator<Item = &'a Note>) -> (Vec<u128>, Vec<u128>) {
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
        (sounding, onsets)
    }
}

fn to_array(steps: &[u128]) -> Array2<bool> {
    Array2::from_shape_fn((steps.len(), 128), |(step, pitch)| steps[step] >> pitch & 1 == 1)
}

/// A run of steps that is laid over one bar of a window; the steps of the bar that none of them has are silent, or, if it is not
/// straight, heard by the generator alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) fill: BarFill,
}

impl Cell {
    /// The step of the window's bar that has the cell's step `step`.
    pub(crate) const fn place(&self, step: usize) -> usize {
        match self.fill {
            BarFill::Waltz if step >= 8 => step + 4,
            BarFill::Jig if step >= 6 => step + 2,
            _ => step,
        }
    }

    /// Whether a step of the window's bar is of music: of the cell, or between its steps.
    pub(crate) const fn has(&self, place: usize) -> bool {
        match self.fill {
            BarFill::Straight => place < self.len,
            // A bar that the end cuts short is generated whole.
            BarFill::Waltz | BarFill::Jig => true,
        }
    }

    /// What sounds of a melody in each step of the window's bar; between the cell's steps what is held, or would be.
    pub(crate) fn keys(&self, melody: impl Fn(usize) -> u128) -> [u128; BAR_STEPS] {
        let mut keys = [0; BAR_STEPS];
        for step in 0..self.len {
            keys[self.place(step)..self.next_place(step)].fill(melody(self.start + step));
        }
        keys
    }

    /// One past the last step of the window's bar that the cell's step `step` stands for: its own, and those after it that are
    /// left out.
    pub(crate) const fn next_place(&self, step: usize) -> usize {
        match self.fill {
            BarFill::Jig if step + 1 == WALTZ_STEPS => BAR_STEPS,
            BarFill::Straight => step + 1,
            BarFill::Waltz | BarFill::Jig => self.place(step + 1),
        }
    }

    /// Whether the cell has steps in a half of the window's bar.
    pub(crate) const fn has_half(&self, half: usize) -> bool {
        self.len > 0 && self.place(self.len - 1) >= half * HALF_BAR
    }
}

/// How many bars of windows a bar of so many steps takes.
pub(crate) const fn parts_of(bar: usize) -> usize {
    bar.div_ceil(BAR_STEPS)
}

/// Lays bars over the bars of windows. A bar longer than 16 steps is cut into as few nearly equal
/// parts as fit. Bars go on as the last one until `steps` are covered.
#[cfg(any(test, feature = "train"))]
pub(crate) fn cells(bar_steps: &[usize], steps: usize) -> Vec<Cell> {
    filled_cells(bar_steps, &[], steps)
}

/// The same with each bar's way to be laid; the last one goes on, too.
pub(crate) fn filled_cells(bar_steps: &[usize], fills: &[BarFill], steps: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut start = 0;
    let mut bars = bar_steps.iter().copied().filter(|n| *n > 0);
    let mut fills = fills.iter().copied();
    let (mut bar, mut bar_fill) = (BAR_STEPS, BarFill::Straight);
    while start < steps {
        bar = bars.next().unwrap_or(bar);
        bar_fill = fills.next().unwrap_or(bar_fill);
        let parts = parts_of(bar);
        for part in 0..parts {
            let (from, to) = (start + part * bar / parts, start + (part + 1) * bar / parts);
            if from < steps {
                let fill = if to - from == WALTZ_STEPS { bar_fill } else { BarFill::Straight };
                cells.push(Cell { start: from, len: to.min(steps) - from, fill });
            }
        }
        start += bar;
    }
    cells
}

/// The first step of each half bar that a generator chooses a chord for, two a bar; a bar without a second half has its own
/// first step twice.
pub(crate) fn half_bars(bar_steps: &[usize], fills: &[BarFill], steps: usize) -> Vec<usize> {
    let halves = |cell: &Cell| {
        let second = (0..cell.len).find(|step| cell.place(*step) >= HALF_BAR).unwrap_or(0);
        [cell.start, cell.start + second]
    };
    filled_cells(bar_steps, fills, steps).iter().flat_map(halves).collect()
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
        assert_eq!(grid.held(&[note(0, 900, 36), note(120, 1, 36)]).1[..3], [1 << 36, 1 << 36, 0]);
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
            [0, 479, 480, 1919, 1920, 99_999].map(|t| grid.bar_at(Tick::new(t).unwrap())),
            [0, 0, 1, 1, 2, 2]
        );
        assert_eq!(
            cells(grid.bar_steps(), grid.steps()),
            [(0, 4), (4, 12), (16, 10), (26, 10)].map(|(start, len)| Cell {
                start,
                len,
                fill: BarFill::Straight
            })
        );
        assert_eq!(
            cells(&[], 20),
            [(0, 16), (16, 4)].map(|(start, len)| Cell { start, len, fill: BarFill::Straight })
        );
    }

    // Each step as a key of its own, so that it is seen where it comes from.
    #[test]
    fn bars_of_twelve_are_laid_as_their_metre_says() {
        let laid = |upper, lower, from: usize| {
            let metre = TimeSignature::new(upper, lower).unwrap();
            let steps = 16 * upper as usize / lower as usize;
            let cell = filled_cells(&[steps], &[BarFill::of(metre)], steps)[from];
            cell.keys(|step| 1 << (step - cell.start))
                .map(|set| if set == 0 { '.' } else { char::from(b'a' + set.trailing_zeros() as u8) })
        };
        let text = |of: [char; 16]| of.iter().collect::<String>();
        assert_eq!(text(laid(4, 4, 0)), "abcdefghijklmnop");
        assert_eq!(text(laid(3, 4, 0)), "abcdefghhhhhijkl");
        assert_eq!(text(laid(6, 8, 0)), "abcdefffghijklll");
        // 12/8 and 6/4 are cut into two, of two and of three beats; 9/8 into two of nine steps, 3/2 into no whole beats.
        assert_eq!(
            (text(laid(12, 8, 0)), text(laid(12, 8, 1))),
            ("abcdefffghijklll".into(), "abcdefffghijklll".into())
        );
        assert_eq!(text(laid(6, 4, 1)), "abcdefghhhhhijkl");
        assert_eq!(text(laid(9, 8, 1)), "abcdefghi.......");
        assert_eq!(text(laid(3, 2, 0)), "abcdefghijkl....");
        assert_eq!(text(laid(2, 4, 0)), "abcdefgh........");
        // Halves: of a bar that the end cuts short as far as it goes.
        let halves = |fill, len| {
            let cell = Cell { start: 0, len, fill };
            [cell.has_half(0), cell.has_half(1)]
        };
        assert_eq!(
            (halves(BarFill::Straight, 8), halves(BarFill::Straight, 9)),
            ([true, false], [true, true])
        );
        assert_eq!((halves(BarFill::Waltz, 8), halves(BarFill::Waltz, 9)), ([true, false], [true, true]));
        assert_eq!((halves(BarFill::Jig, 6), halves(BarFill::Jig, 7)), ([true, false], [true, true]));
    }

    #[test]
    fn endless_scores_are_refused() {
        let mut score = Score::default();
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(1, 128).unwrap() }]);
        assert!(matches!(StepGrid::of(&score, Tick::MAX), Err(GanError::Limit { what: "bars", .. })));
        // Eight thousand bars of 255 quarters, a tick each.
        let mut score = Score::new(TicksPerQuarter::new(1).unwrap());
        score.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(255, 1).unwrap() }]);
        let end = Tick::new(8000 * 1020).unwrap();
        assert!(matches!(StepGrid::of(&score, end), Err(GanError::Limit { what: "steps", .. })));
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
