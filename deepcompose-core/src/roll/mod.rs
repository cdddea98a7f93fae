//! [`PianoRoll`], [`VelocityRoll`] and [`MultiRoll`]: grids of steps and pitches.

mod cells;
mod multi;
mod text;
mod velocity;

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::error::ScoreError;
use crate::score::{Note, Score, Track};
use crate::units::{Pitch, Program, StepsPerBeat, Tick, TicksPerQuarter, Velocity};
use cells::Scale;

pub use multi::MultiRoll;
pub use velocity::VelocityRoll;

/// Which tracks go into a roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parts {
    /// All but the drums.
    #[default]
    Melodic,
    /// Drums only.
    Drums,
    /// All tracks.
    All,
}

impl Parts {
    /// The tracks of a score that are meant, in order.
    pub(crate) fn of(self, score: &Score) -> impl Iterator<Item = &Track> {
        score.tracks().iter().filter(move |track| match self {
            Self::Melodic => !track.is_drum(),
            Self::Drums => track.is_drum(),
            Self::All => true,
        })
    }
}

/// A grid of steps × 128 pitches in which *onset* is kept apart from *sounding*, so that two
/// repeated quarter notes are not one half note.
///
/// Row `i` is step [`start_step`](Self::start_step)` + i` of the piece, counted from tick 0;
/// column `p` is MIDI pitch `p`. Every onset cell sounds. A sounding cell without an onset
/// continues the cell before it; in the first row, or after a silent cell, it belongs to a note
/// whose onset lies elsewhere.
///
/// ```
/// use deepcompose_core::{InputTrack, PianoRoll, StepsPerBeat, Velocity};
///
/// let score = InputTrack::OdeToJoy.score();
/// let roll = PianoRoll::from_score(&score, StepsPerBeat::DEFAULT)?;
/// assert_eq!(roll.steps() % 16, 0); // whole bars of sixteenths
/// let notes = roll.to_notes(score.ticks_per_quarter(), Velocity::DEFAULT);
/// assert_eq!(notes.len(), score.note_count());
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PianoRoll {
    onsets: Array2<bool>,
    sounding: Array2<bool>,
    steps_per_beat: StepsPerBeat,
    start_step: usize,
}

impl PianoRoll {
    /// How many pitches (columns) a roll has.
    pub const PITCHES: usize = 128;

    /// The most steps (rows) that a roll may have: 2^18, eighteen hours of sixteenths at 60
    /// quarter notes a minute. Such a roll takes 64 MiB.
    pub const MAX_STEPS: usize = 1 << 18;

    /// A silent roll.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] over [`PianoRoll::MAX_STEPS`].
    pub fn empty(steps: usize, steps_per_beat: StepsPerBeat, start_step: usize) -> Result<Self, ScoreError> {
        check_steps(steps)?;
        Ok(Self {
            onsets: Array2::default((steps, Self::PITCHES)),
            sounding: Array2::default((steps, Self::PITCHES)),
            steps_per_beat,
            start_step,
        })
    }

    /// All tracks but the drums, merged by OR, from tick 0 to the end of the last note.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if the score is longer than [`PianoRoll::MAX_STEPS`].
    pub fn from_score(score: &Score, steps_per_beat: StepsPerBeat) -> Result<Self, ScoreError> {
        Self::from_parts(score, steps_per_beat, Parts::Melodic)
    }

    /// The tracks `parts`, merged by OR, from tick 0 to the end of their last note.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if the score is longer than [`PianoRoll::MAX_STEPS`].
    pub fn from_parts(score: &Score, steps_per_beat: StepsPerBeat, parts: Parts) -> Result<Self, ScoreError> {
        let tpq = score.ticks_per_quarter();
        let notes = || parts.of(score).flat_map(Track::notes);
        let steps = notes().map(|n| span(n, tpq, steps_per_beat).end).max().unwrap_or(0);
        let mut roll = Self::empty(steps, steps_per_beat, 0)?;
        roll.fill(notes(), tpq);
        Ok(roll)
    }

    /// The steps `steps` of these notes. Onsets and ends are rounded to the nearest step (halves
    /// up), and a note is at least one step long. A note begun before the window sounds in it
    /// without an onset there; one that ends after it is cut at its end. A reversed range is
    /// empty.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if the window is longer than [`PianoRoll::MAX_STEPS`].
    pub fn from_notes(
        notes: &[Note],
        ticks_per_quarter: TicksPerQuarter,
        steps_per_beat: StepsPerBeat,
        steps: Range<usize>,
    ) -> Result<Self, ScoreError> {
        let mut roll = Self::empty(steps.len(), steps_per_beat, steps.start)?;
        roll.fill(notes.iter(), ticks_per_quarter);
        Ok(roll)
    }

    /// A roll of these cells, each array `[steps, 128]`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Shape`] if the arrays differ in shape or have not 128 columns,
    /// [`ScoreError::SilentOnset`] if an onset cell does not sound, [`ScoreError::Limit`] over
    /// [`PianoRoll::MAX_STEPS`].
    pub fn from_arrays(
        onsets: Array2<bool>,
        sounding: Array2<bool>,
        steps_per_beat: StepsPerBeat,
        start_step: usize,
    ) -> Result<Self, ScoreError> {
        let steps = sounding.nrows();
        check_steps(steps)?;
        check_shape("sounding", sounding.dim(), steps)?;
        check_shape("onsets", onsets.dim(), steps)?;
        check_onsets(onsets.indexed_iter(), sounding.iter().copied())?;
        Ok(Self { onsets, sounding, steps_per_beat, start_step })
    }

    /// How many steps (rows) there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.sounding.nrows()
    }

    /// The grid.
    #[must_use]
    pub const fn steps_per_beat(&self) -> StepsPerBeat {
        self.steps_per_beat
    }

    /// The step of the piece that row 0 is.
    #[must_use]
    pub const fn start_step(&self) -> usize {
        self.start_step
    }

    /// Whether no cell sounds.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        !self.sounding.iter().any(|s| *s)
    }

    /// Where notes begin, `[steps, 128]`.
    #[must_use]
    pub fn onsets(&self) -> ArrayView2<'_, bool> {
        self.onsets.view()
    }

    /// Where notes sound, `[steps, 128]`.
    #[must_use]
    pub fn sounding(&self) -> ArrayView2<'_, bool> {
        self.sounding.view()
    }

    /// The tick of the piece at which a step begins, rounded, at most [`Tick::MAX`]. `step` is
    /// counted from tick 0, not from the roll's first row.
    #[must_use]
    pub fn step_tick(&self, step: usize, ticks_per_quarter: TicksPerQuarter) -> Tick {
        Scale { ticks_per_quarter, steps_per_beat: self.steps_per_beat }.tick(step)
    }

    /// The steps of the piece that a note takes up: its onset and its end rounded to the nearest
    /// step, at least one step.
    #[must_use]
    pub fn note_steps(
        note: &Note,
        ticks_per_quarter: TicksPerQuarter,
        steps_per_beat: StepsPerBeat,
    ) -> Range<usize> {
        span(note, ticks_per_quarter, steps_per_beat)
    }

    /// The rows `rows`, counted from the roll's first; what lies outside the roll is left out. A
    /// note that the first row cuts sounds on without an onset.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let end = rows.end.min(self.steps());
        let start = rows.start.min(end);
        let cut = |cells: &Array2<bool>| cells.slice_axis(Axis(0), (start..end).into()).to_owned();
        Self {
            onsets: cut(&self.onsets),
            sounding: cut(&self.sounding),
            steps_per_beat: self.steps_per_beat,
            start_step: self.start_step.saturating_add(start),
        }
    }

    /// The notes, in ticks from the start of the piece, sorted by onset and pitch. An onset splits
    /// a sounding run in two notes; a run without an onset is a note from its first cell. Every
    /// note is at least one tick long.
    #[must_use]
    pub fn to_notes(&self, ticks_per_quarter: TicksPerQuarter, velocity: Velocity) -> Vec<Note> {
        let tick = |row: usize| self.step_tick(self.start_step.saturating_add(row), ticks_per_quarter);
        let mut notes = Vec::new();
        // Row by row, as the cells lie in memory: where each pitch's note began.
        let mut begun: [Option<usize>; Self::PITCHES] = [None; Self::PITCHES];
        let silence = Array1::from_elem(Self::PITCHES, false);
        let rows = self.sounding.rows().into_iter().zip(self.onsets.rows());
        for (row, (sounding, onsets)) in rows.chain([(silence.view(), silence.view())]).enumerate() {
            for (pitch, ((&sounds, &onset), begun)) in sounding.iter().zip(onsets).zip(&mut begun).enumerate()
            {
                if let Some(first) = begun.take_if(|_| !sounds || onset) {
                    let (start, end) = (tick(first), tick(row));
                    notes.push(Note {
                        start,
                        pitch: Pitch::saturating(pitch as i64),
                        duration: Tick::saturating(i64::from(end.saturating_sub(start).get()).max(1)),
                        velocity,
                    });
                }
                if sounds {
                    begun.get_or_insert(row);
                }
            }
        }
        notes.sort_unstable();
        notes
    }

    /// A score of one piano track, in 4/4 at 120 quarter notes a minute. To keep a score's tempo
    /// and metre use [`PianoRoll::to_notes`] with [`Score::without_tracks`].
    #[must_use]
    pub fn to_score(&self, ticks_per_quarter: TicksPerQuarter, velocity: Velocity) -> Score {
        let mut score = Score::new(ticks_per_quarter);
        let notes = self.to_notes(ticks_per_quarter, velocity);
        score.push_track(Track::new("Piano roll", Program::MIN).with_notes(notes));
        score
    }

    /// Fills in notes, clipped to the roll. No cell is filled twice, however many notes cover it.
    fn fill<'n>(&mut self, notes: impl Iterator<Item = &'n Note>, ticks_per_quarter: TicksPerQuarter) {
        let in_steps = |n: &Note| (span(n, ticks_per_quarter, self.steps_per_beat), n.pitch);
        let mut notes: Vec<(Range<usize>, Pitch)> = notes.map(in_steps).collect();
        notes.sort_unstable_by_key(|(steps, _)| steps.start);
        let first = self.start_step;
        let last = first.saturating_add(self.steps());
        let mut filled = [first; Self::PITCHES];
        for (steps, pitch) in notes {
            let pitch = usize::from(pitch.get());
            if (first..last).contains(&steps.start) {
                self.onsets[[steps.start - first, pitch]] = true;
            }
            let (from, to) = (steps.start.max(filled[pitch]), steps.end.min(last));
            if from < to {
                let rows = from - first..to - first;
                self.sounding.column_mut(pitch).slice_axis_mut(Axis(0), rows.into()).fill(true);
                filled[pitch] = to;
            }
        }
    }
}

/// The steps of the piece that a note takes up: at least one.
pub(crate) fn span(
    note: &Note,
    ticks_per_quarter: TicksPerQuarter,
    steps_per_beat: StepsPerBeat,
) -> Range<usize> {
    let step = |tick: Tick| {
        let tpq = u64::from(ticks_per_quarter.get());
        let step = (2 * u64::from(tick.get()) * u64::from(steps_per_beat.get()) + tpq) / (2 * tpq);
        usize::try_from(step).unwrap_or(usize::MAX - 1)
    };
    let start = step(note.start);
    start..step(note.end()).max(start + 1)
}

fn check_steps(steps: usize) -> Result<(), ScoreError> {
    if steps > PianoRoll::MAX_STEPS {
        return Err(ScoreError::Limit {
            what: "piano roll steps",
            value: steps as u64,
            limit: PianoRoll::MAX_STEPS as u64,
        });
    }
    Ok(())
}

/// Checks that an array has so many rows, and a column a pitch.
fn check_shape(what: &'static str, shape: (usize, usize), steps: usize) -> Result<(), ScoreError> {
    if shape == (steps, PianoRoll::PITCHES) {
        return Ok(());
    }
    Err(ScoreError::Shape {
        what,
        rows: shape.0,
        columns: shape.1,
        expected_rows: steps,
        expected_columns: PianoRoll::PITCHES,
    })
}

/// Checks that every onset sounds: cells with their step and pitch, and whether each sounds.
fn check_onsets<'a>(
    onsets: impl Iterator<Item = ((usize, usize), &'a bool)>,
    sounding: impl Iterator<Item = bool>,
) -> Result<(), ScoreError> {
    match onsets.zip(sounding).find(|((_, onset), sounds)| **onset && !*sounds) {
        Some((((step, pitch), _), _)) => Err(ScoreError::SilentOnset { step, pitch }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod velocity_tests;
