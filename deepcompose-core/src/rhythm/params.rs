//! [`RhythmParams`]: what rhythm assist is asked to do.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::ScoreError;
use crate::units::StepsPerBeat;

/// Where the beats come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TempoSource {
    /// The score's own tempo map: the player heard a metronome. Tick 0 is on the grid, and beats are
    /// counted from where the metre of most notes first comes.
    Score,
    /// The onsets. One tempo in this range, in quarter notes a minute, is found for the whole score.
    Estimate {
        /// Slowest tempo, 10 or more.
        min_bpm: f64,
        /// Fastest tempo, 1000 or less.
        max_bpm: f64,
    },
}

impl TempoSource {
    /// An estimate between 50 and 200 quarter notes a minute.
    pub const ESTIMATE: Self = Self::Estimate { min_bpm: 50.0, max_bpm: 200.0 };
}

/// The grid that onsets are put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RhythmGrid {
    /// 2, 3 or 4 steps a quarter note (eighths, triplets of eighths, sixteenths), whichever explains
    /// the onsets best; in 6/8, 9/8 and 12/8 there are no triplets.
    Auto,
    /// So many steps a quarter note, at most the score's ticks a quarter note.
    Steps(StepsPerBeat),
}

/// What rhythm assist is asked to do. [`RhythmAssist::new`](super::RhythmAssist::new) checks it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RhythmParams {
    /// Where the beats come from; the score's tempo map by default.
    pub tempo: TempoSource,
    /// The grid; [`RhythmGrid::Auto`] by default.
    pub grid: RhythmGrid,
    /// How far onsets and ends go towards the grid, 0 (not at all) to 1 (onto it, the default).
    pub strength: f64,
    /// Onsets of one track this close to the first of them are a chord and fall together, in
    /// seconds, 0..=1; 0.03 by default. Notes of one pitch are never a chord.
    pub chord_window: f64,
    /// A note that ends this close to the next onset of its track ends there: a gap is closed, an
    /// overlap cut. In seconds, 0..=1; 0.08 by default.
    pub join_window: f64,
}

impl Default for RhythmParams {
    fn default() -> Self {
        Self {
            tempo: TempoSource::Score,
            grid: RhythmGrid::Auto,
            strength: 1.0,
            chord_window: 0.03,
            join_window: 0.08,
        }
    }
}

/// What rhythm assist cannot do.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RhythmError {
    /// A parameter outside its range.
    #[error("{field} {value} is out of range: {min}..={max} is accepted")]
    Param {
        /// The field of [`RhythmParams`].
        field: &'static str,
        /// The value given.
        value: f64,
        /// Smallest accepted value.
        min: f64,
        /// Largest accepted value.
        max: f64,
    },
    /// A grid finer than the score's ticks, or a result that ends past the last tick.
    #[error(transparent)]
    Score(#[from] ScoreError),
}

impl RhythmParams {
    pub(super) fn check(&self) -> Result<(), RhythmError> {
        range("strength", self.strength, 0.0, 1.0)?;
        range("chord_window", self.chord_window, 0.0, 1.0)?;
        range("join_window", self.join_window, 0.0, 1.0)?;
        if let TempoSource::Estimate { min_bpm, max_bpm } = self.tempo {
            range("min_bpm", min_bpm, 10.0, 1000.0)?;
            range("max_bpm", max_bpm, min_bpm, 1000.0)?;
        }
        Ok(())
    }
}

fn range(field: &'static str, value: f64, min: f64, max: f64) -> Result<(), RhythmError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(RhythmError::Param { field, value, min, max }) }
}
