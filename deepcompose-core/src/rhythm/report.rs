//! [`RhythmReport`]: what rhythm assist found and did.

use serde::{Deserialize, Serialize};

use crate::score::{Note, Score};
use crate::units::StepsPerBeat;

/// A cleaned score and what was done to get it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assisted {
    /// The score: the same tracks, pitches and velocities, and as many notes.
    pub score: Score,
    /// What was found and done.
    pub report: RhythmReport,
}

/// One note before and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NoteMove {
    /// Index in [`Score::tracks`].
    pub track: usize,
    /// The note as it was played, in ticks of the score that was given.
    pub played: Note,
    /// The note as it is now, in ticks of the score that came back.
    pub snapped: Note,
    /// How far the onset went, in seconds; later if positive.
    pub seconds: f64,
}

/// What rhythm assist found and did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RhythmReport {
    /// The tempo in quarter notes a minute: the one found, or the score's own at tick 0.
    pub bpm: f64,
    /// When tick 0 of the result is, in seconds from tick 0 of what was played: zero or less, and
    /// less than one beat. Zero where the score's tempo map was kept.
    pub phase: f64,
    /// The grid, in steps a quarter note.
    pub grid: StepsPerBeat,
    /// Mean distance that an onset went, in seconds; 0 with no notes.
    pub mean_move: f64,
    /// Longest distance that an onset went, in seconds.
    pub max_move: f64,
    /// Every note, track by track in the order they were played.
    pub moves: Vec<NoteMove>,
}
