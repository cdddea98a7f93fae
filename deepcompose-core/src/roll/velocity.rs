//! [`VelocityRoll`]: a piano roll that keeps how loud notes are.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Zip};

use super::cells::{Scale, draw, read};
use super::{Parts, PianoRoll, check_onsets, check_shape, check_steps};
use crate::error::ScoreError;
use crate::score::{Note, Score, Track};
use crate::units::{StepsPerBeat, TicksPerQuarter, Velocity};

/// A grid of steps × 128 pitches of velocities, 0 for silence, with the onsets apart.
///
/// Row `i` is step `start_step + i` of the piece, column `p` is MIDI pitch `p`; steps, rounding and
/// limits are those of [`PianoRoll`].
///
/// # What comes back
///
/// *Notes → roll → notes* is the identity for notes that begin and end on steps, are a step long at
/// least, lie in the roll, and of which no two of one pitch overlap, if a quarter note has at least as
/// many ticks as steps. Other notes come back rounded to the grid and at least a step long; of notes of
/// one pitch that overlap the earlier ends where the later begins, and the later where the last of
/// them ends; and of those that begin in one cell one comes back, the longest, as loud as the loudest.
///
/// *Roll → notes → roll* is the identity for a roll in which every run of sounding cells begins with
/// an onset and the velocity changes only at onsets, with as many ticks as steps. A roll drawn from
/// notes is of that kind, but for notes that its first row cuts.
///
/// # Beside pypianoroll
///
/// A `StandardTrack` of pypianoroll 1.0 is the array [`velocities`](Self::velocities) without the
/// onsets, by default with 24 steps a beat. It differs in this:
///
/// | | pypianoroll | here |
/// |---|---|---|
/// | repeated notes | told apart by a silent cell, taken from the end of the first; cells that touch are one note | told apart by the onset |
/// | velocity of a note read back | the mean of its cells | that of its first cell |
/// | ends of notes | rounded down; what then has no length is left out | rounded to the nearest step, at least one step |
/// | drums | one cell each | as long as they are |
/// | tempo, metre, downbeats | arrays beside the rolls | stay in the [`Score`] |
///
/// ```
/// use deepcompose_core::{InputTrack, Parts, StepsPerBeat, VelocityRoll};
///
/// let score = InputTrack::OdeToJoy.score();
/// let roll = VelocityRoll::from_score(&score, StepsPerBeat::DEFAULT, Parts::Melodic)?;
/// assert_eq!(roll.velocities()[[0, 66]], 80); // F sharp
/// assert_eq!(roll.to_notes(score.ticks_per_quarter()), score.tracks()[0].notes());
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VelocityRoll {
    velocities: Array2<u8>,
    onsets: Array2<bool>,
    steps_per_beat: StepsPerBeat,
    start_step: usize,
}

impl VelocityRoll {
    /// The tracks `parts`, from tick 0 to the end of their last note. Where several play one pitch,
    /// the note that begins last is heard.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] over [`PianoRoll::MAX_STEPS`].
    pub fn from_score(score: &Score, steps_per_beat: StepsPerBeat, parts: Parts) -> Result<Self, ScoreError> {
        let notes: Vec<Note> = parts.of(score).flat_map(Track::notes).copied().collect();
        let scale = Scale { ticks_per_quarter: score.ticks_per_quarter(), steps_per_beat };
        let steps = notes.iter().map(|n| scale.span(n).end).max().unwrap_or(0);
        Self::from_notes(&notes, score.ticks_per_quarter(), steps_per_beat, 0..steps)
    }

    /// The steps `steps` of these notes; see [`PianoRoll::from_notes`].
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
        check_steps(steps.len())?;
        let mut velocities = Array2::zeros((steps.len(), PianoRoll::PITCHES));
        let mut onsets = Array2::default((steps.len(), PianoRoll::PITCHES));
        let mut sorted: Vec<&Note> = notes.iter().collect();
        sorted.sort_unstable();
        let scale = Scale { ticks_per_quarter, steps_per_beat };
        draw(sorted, scale, steps.start, velocities.view_mut(), onsets.view_mut());
        Ok(Self { velocities, onsets, steps_per_beat, start_step: steps.start })
    }

    /// A roll of these cells, each array `[steps, 128]`.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Shape`] if the arrays differ in shape or have not 128 columns;
    /// [`ScoreError::OutOfRange`] for a velocity over 127; [`ScoreError::SilentOnset`] for an onset of
    /// velocity 0; [`ScoreError::Limit`] over [`PianoRoll::MAX_STEPS`].
    pub fn from_arrays(
        velocities: Array2<u8>,
        onsets: Array2<bool>,
        steps_per_beat: StepsPerBeat,
        start_step: usize,
    ) -> Result<Self, ScoreError> {
        check_steps(velocities.nrows())?;
        check_shape("velocities", velocities.dim(), velocities.nrows())?;
        check_shape("onsets", onsets.dim(), velocities.nrows())?;
        check_velocities(velocities.iter())?;
        check_onsets(onsets.indexed_iter(), velocities.iter().map(|v| *v > 0))?;
        Ok(Self { velocities, onsets, steps_per_beat, start_step })
    }

    /// How many steps (rows) there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.velocities.nrows()
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

    /// How loud each cell is, 0..=127, `[steps, 128]`.
    #[must_use]
    pub fn velocities(&self) -> ArrayView2<'_, u8> {
        self.velocities.view()
    }

    /// Where notes begin, `[steps, 128]`.
    #[must_use]
    pub fn onsets(&self) -> ArrayView2<'_, bool> {
        self.onsets.view()
    }

    /// The notes, in ticks from the start of the piece, sorted. An onset splits a sounding run in two
    /// notes; a run without an onset is a note from its first cell. A note has the velocity of its
    /// first cell, and is at least one tick long.
    #[must_use]
    pub fn to_notes(&self, ticks_per_quarter: TicksPerQuarter) -> Vec<Note> {
        let scale = Scale { ticks_per_quarter, steps_per_beat: self.steps_per_beat };
        read(self.velocities.view(), self.onsets.view(), scale, self.start_step)
    }

    /// The same cells without their velocities.
    #[must_use]
    pub fn to_piano_roll(&self) -> PianoRoll {
        PianoRoll {
            onsets: self.onsets.clone(),
            sounding: self.velocities.mapv(|v| v > 0),
            steps_per_beat: self.steps_per_beat,
            start_step: self.start_step,
        }
    }
}

impl PianoRoll {
    /// The same cells, each sounding one with this velocity.
    #[must_use]
    pub fn with_velocity(&self, velocity: Velocity) -> VelocityRoll {
        let velocities = Zip::from(&self.sounding).map_collect(|s| if *s { velocity.get() } else { 0 });
        VelocityRoll {
            velocities,
            onsets: self.onsets.clone(),
            steps_per_beat: self.steps_per_beat,
            start_step: self.start_step,
        }
    }
}

/// Checks that cells hold no velocity over 127.
pub(super) fn check_velocities<'a>(mut cells: impl Iterator<Item = &'a u8>) -> Result<(), ScoreError> {
    match cells.find(|v| **v > 127) {
        Some(v) => {
            Err(ScoreError::OutOfRange { field: "velocity of a cell", value: (*v).into(), min: 0, max: 127 })
        }
        None => Ok(()),
    }
}
