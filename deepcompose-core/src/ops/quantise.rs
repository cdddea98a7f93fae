//! [`Quantiser`]: notes to a grid.

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;
use crate::meter::{Bar, MeterMap};
use crate::score::{Note, Score};
use crate::units::{Tick, TicksPerQuarter};

/// The step of a grid: a fraction of a quarter note, each number 1..=1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct GridStep {
    numerator: u16,
    denominator: u16,
}

impl GridStep {
    /// A quarter note.
    pub const QUARTER: Self = Self { numerator: 1, denominator: 1 };
    /// An eighth note.
    pub const EIGHTH: Self = Self { numerator: 1, denominator: 2 };
    /// An eighth-note triplet's note: three of them are a quarter.
    pub const EIGHTH_TRIPLET: Self = Self { numerator: 1, denominator: 3 };
    /// A sixteenth note.
    pub const SIXTEENTH: Self = Self { numerator: 1, denominator: 4 };
    /// A sixteenth-note triplet's note: six of them are a quarter.
    pub const SIXTEENTH_TRIPLET: Self = Self { numerator: 1, denominator: 6 };
    /// A thirty-second note.
    pub const THIRTY_SECOND: Self = Self { numerator: 1, denominator: 8 };

    /// `numerator / denominator` of a quarter note: `(1, 3)` is an eighth-note triplet's note,
    /// `(3, 2)` a dotted quarter.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] for a number outside 1..=1024.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, ScoreError> {
        let check = |field, value: u32| match u16::try_from(value) {
            Ok(v @ 1..=1024) => Ok(v),
            _ => Err(ScoreError::OutOfRange { field, value: value.into(), min: 1, max: 1024 }),
        };
        Ok(Self {
            numerator: check("grid numerator", numerator)?,
            denominator: check("grid denominator", denominator)?,
        })
    }

    /// The step in quarter notes.
    #[must_use]
    pub fn quarters(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl TryFrom<(u32, u32)> for GridStep {
    type Error = ScoreError;

    fn try_from((numerator, denominator): (u32, u32)) -> Result<Self, ScoreError> {
        Self::new(numerator, denominator)
    }
}

impl From<GridStep> for (u32, u32) {
    fn from(g: GridStep) -> Self {
        (g.numerator.into(), g.denominator.into())
    }
}

/// How notes are moved to a grid.
///
/// The grid starts anew at each bar line, under any metre, and each bar line is on it. A time halfway
/// between two points goes to the later.
///
/// ```
/// use deepcompose_core::ops::{GridStep, Quantiser};
/// use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
///
/// let note = |start, duration| -> Result<Note, deepcompose_core::ScoreError> {
///     let (start, duration) = (Tick::new(start)?, Tick::new(duration)?);
///     Ok(Note { start, duration, pitch: Pitch::MIDDLE_C, velocity: Velocity::DEFAULT })
/// };
/// let mut score = Score::default(); // 480 ticks a quarter
/// score.push_track(Track::new("", Program::MIN).with_notes(vec![note(7, 200)?, note(250, 230)?]));
/// let clean = score.quantise(&Quantiser::new(GridStep::EIGHTH).with_ends(true));
/// assert_eq!(clean.tracks()[0].notes(), [note(0, 240)?, note(240, 240)?]);
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Quantiser {
    step: GridStep,
    onsets: bool,
    ends: bool,
    strength: f64,
    swing: f64,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    step: GridStep,
    onsets: bool,
    ends: bool,
    strength: f64,
    swing: f64,
}

impl TryFrom<Parts> for Quantiser {
    type Error = ScoreError;

    fn try_from(p: Parts) -> Result<Self, ScoreError> {
        let plain = Self::new(p.step).with_onsets(p.onsets).with_ends(p.ends);
        plain.with_strength(p.strength)?.with_swing(p.swing)
    }
}

impl From<Quantiser> for Parts {
    fn from(q: Quantiser) -> Self {
        Self { step: q.step, onsets: q.onsets, ends: q.ends, strength: q.strength, swing: q.swing }
    }
}

impl Quantiser {
    /// Onsets to a straight grid at full strength; durations stay.
    #[must_use]
    pub const fn new(step: GridStep) -> Self {
        Self { step, onsets: true, ends: false, strength: 1.0, swing: 0.0 }
    }

    /// Whether onsets are moved (they are unless you say otherwise). If ends are not, they go along
    /// and the duration stays.
    #[must_use]
    pub const fn with_onsets(mut self, onsets: bool) -> Self {
        self.onsets = onsets;
        self
    }

    /// Whether ends are moved to the grid (they are not unless you say so). An end that would fall on
    /// its onset goes to the next point of the grid.
    #[must_use]
    pub const fn with_ends(mut self, ends: bool) -> Self {
        self.ends = ends;
        self
    }

    /// What part of the way to the grid a note is moved, 0..=1; 1 by default.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Fraction`] for anything else.
    pub fn with_strength(mut self, strength: f64) -> Result<Self, ScoreError> {
        self.strength = fraction("quantise strength", strength)?;
        Ok(self)
    }

    /// How late the second step of each pair is, 0..=1 times half a step; pairs are counted from the
    /// bar line. At 0, the default, the grid is straight; at 2/3 the pair is 2 : 1, the swing of
    /// triplets; at 1 it is 3 : 1, a dotted note and a short one.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Fraction`] for anything else.
    pub fn with_swing(mut self, swing: f64) -> Result<Self, ScoreError> {
        self.swing = fraction("swing", swing)?;
        Ok(self)
    }

    /// The step of the grid.
    #[must_use]
    pub const fn step(&self) -> GridStep {
        self.step
    }
}

/// Checks a number in 0..=1.
pub(super) fn fraction(field: &'static str, value: f64) -> Result<f64, ScoreError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(ScoreError::Fraction { field, value: value.to_string() })
    }
}

impl Score {
    /// The score with its notes, drums too, moved to a grid. A note keeps a length of at least one
    /// tick (one that had none keeps none unless ends are moved). Only notes are moved: controls,
    /// bends, texts and the rest stay at their ticks.
    #[must_use]
    pub fn quantise(&self, quantiser: &Quantiser) -> Self {
        let mut out = self.clone();
        if quantiser.strength > 0.0 {
            let tpq = self.ticks_per_quarter();
            let grid = Grid { quantiser, meter: self.meter_map(), ticks_per_quarter: tpq };
            for track in out.tracks_mut() {
                track.set_notes(track.notes_as_given().map(|note| grid.note(note)).collect());
            }
        }
        out
    }
}

struct Grid<'a> {
    quantiser: &'a Quantiser,
    meter: MeterMap,
    ticks_per_quarter: TicksPerQuarter,
}

impl Grid<'_> {
    fn note(&self, note: &Note) -> Note {
        let q = self.quantiser;
        let on_grid = if q.onsets { self.nearest(note.start) } else { note.start };
        let start = self.toward(note.start, on_grid);
        if !q.ends {
            return Note { start, ..*note };
        }
        let nearest = self.nearest(note.end());
        let end = if nearest > on_grid { nearest } else { self.after(on_grid) };
        let end = self.toward(note.end(), end).max(start.saturating_add(Tick::saturating(1)));
        Note { start, duration: end.saturating_sub(start), ..*note }
    }

    /// `from`, moved toward `to` by the strength.
    fn toward(&self, from: Tick, to: Tick) -> Tick {
        let way = f64::from(to.get()) - f64::from(from.get());
        Tick::saturating(i64::from(from.get()) + (way * self.quantiser.strength).round() as i64)
    }

    /// The point of the grid nearest to a tick; of two the later.
    fn nearest(&self, tick: Tick) -> Tick {
        let distance = |point: &Tick| (i64::from(point.get()) - i64::from(tick.get())).abs();
        let points = self.points(tick).into_iter().rev();
        points.min_by_key(distance).unwrap_or(tick)
    }

    /// The first point of the grid after a tick.
    fn after(&self, tick: Tick) -> Tick {
        let next = self.points(tick).into_iter().filter(|point| *point > tick).min();
        next.unwrap_or(tick.saturating_add(Tick::saturating(1)))
    }

    /// The points of a tick's bar around it, in order.
    fn points(&self, tick: Tick) -> [Tick; 4] {
        let bar = self.meter.bar_at(tick);
        let step = self.quantiser.step;
        let inside = u64::from(tick.saturating_sub(bar.start).get()) * u64::from(step.denominator);
        let at = inside / (u64::from(step.numerator) * u64::from(self.ticks_per_quarter.get()));
        // Swing can put the point before this one behind the tick.
        [at.saturating_sub(1), at, at + 1, at + 2].map(|index| self.point(&bar, index))
    }

    /// One point of a bar, at most the next bar line.
    fn point(&self, bar: &Bar, index: u64) -> Tick {
        let q = self.quantiser;
        let late = if index % 2 == 1 { q.swing / 2.0 } else { 0.0 };
        let ticks =
            (index as f64 + late) * f64::from(q.step.numerator) * f64::from(self.ticks_per_quarter.get())
                / f64::from(q.step.denominator);
        bar.start.saturating_add(Tick::saturating((ticks + 0.5).floor() as i64)).min(bar.end)
    }
}
