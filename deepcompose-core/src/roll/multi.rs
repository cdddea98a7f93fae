//! [`MultiRoll`]: a piano roll for each track.

use ndarray::{Array3, ArrayView3, Axis};

use super::cells::{Scale, draw, read};
use super::velocity::check_velocities;
use super::{Parts, PianoRoll, VelocityRoll, check_shape};
use crate::error::ScoreError;
use crate::score::{Score, Track};
use crate::units::{StepsPerBeat, TicksPerQuarter};

/// A grid of tracks × steps × 128 pitches of velocities, 0 for silence, with the onsets apart, from
/// tick 0. What [`VelocityRoll`] says of cells, steps and round trips holds for each track.
///
/// pypianoroll's `Multitrack` is a list of such tracks, each with a length of its own; here all have
/// the length of the longest, so that they are one array for a network.
///
/// ```
/// use deepcompose_core::{InputTrack, MultiRoll, Parts, Program, StepsPerBeat};
///
/// let mut score = InputTrack::OdeToJoy.score();
/// let [upper, lower] = score.tracks()[0].split_at_pitch(deepcompose_core::Pitch::new(66)?);
/// *score.tracks_mut() = vec![upper, lower];
/// let roll = MultiRoll::from_score(&score, StepsPerBeat::DEFAULT, Parts::All)?;
/// assert_eq!(roll.velocities().dim(), (2, 256, 128));
/// assert_eq!(roll.to_tracks(score.ticks_per_quarter()), score.tracks());
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiRoll {
    velocities: Array3<u8>,
    onsets: Array3<bool>,
    /// Name, program and kind of each track: tracks without notes.
    tracks: Vec<Track>,
    steps_per_beat: StepsPerBeat,
}

impl MultiRoll {
    /// The most tracks × steps: 2^19. Such a roll takes 128 MiB. The steps of one track are limited
    /// by [`PianoRoll::MAX_STEPS`].
    pub const MAX_ROWS: usize = 1 << 19;

    /// The tracks `parts` of a score, those without notes too, to the end of the last note. Controls
    /// and other events are left out.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] over [`PianoRoll::MAX_STEPS`] or [`MultiRoll::MAX_ROWS`].
    pub fn from_score(score: &Score, steps_per_beat: StepsPerBeat, parts: Parts) -> Result<Self, ScoreError> {
        let scale = Scale { ticks_per_quarter: score.ticks_per_quarter(), steps_per_beat };
        let steps = parts.of(score).flat_map(Track::notes).map(|n| scale.span(n).end).max().unwrap_or(0);
        let count = parts.of(score).count();
        check_rows(count, steps)?;
        let mut velocities = Array3::zeros((count, steps, PianoRoll::PITCHES));
        let mut onsets = Array3::default((count, steps, PianoRoll::PITCHES));
        for (i, track) in parts.of(score).enumerate() {
            let lanes = (velocities.index_axis_mut(Axis(0), i), onsets.index_axis_mut(Axis(0), i));
            draw(track.notes(), scale, 0, lanes.0, lanes.1);
        }
        let tracks = parts.of(score).map(empty_like).collect();
        Ok(Self { velocities, onsets, tracks, steps_per_beat })
    }

    /// A roll of these cells, each array `[tracks, steps, 128]`, for tracks of the names, programs and
    /// kinds of `tracks`, whose notes and events are not looked at.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Shape`] if the arrays have not 128 columns or differ in shape;
    /// [`ScoreError::OutOfRange`] for a velocity over 127, or if there are not as many tracks as
    /// rolls; [`ScoreError::SilentOnset`] for an onset of velocity 0; [`ScoreError::Limit`] over
    /// [`PianoRoll::MAX_STEPS`] or [`MultiRoll::MAX_ROWS`].
    pub fn from_arrays(
        velocities: Array3<u8>,
        onsets: Array3<bool>,
        tracks: &[Track],
        steps_per_beat: StepsPerBeat,
    ) -> Result<Self, ScoreError> {
        let (count, steps, columns) = velocities.dim();
        check_rows(count, steps)?;
        check_shape("velocities", (steps, columns), steps)?;
        let (onset_tracks, onset_steps, onset_columns) = onsets.dim();
        check_shape("onsets", (onset_steps, onset_columns), steps)?;
        for (field, value) in [("tracks of the onsets", onset_tracks), ("tracks", tracks.len())] {
            if value != count {
                let (value, count) = (value as i64, count as i64);
                return Err(ScoreError::OutOfRange { field, value, min: count, max: count });
            }
        }
        check_velocities(velocities.iter())?;
        let cells = onsets.indexed_iter().map(|((_, step, pitch), onset)| ((step, pitch), onset));
        super::check_onsets(cells, velocities.iter().map(|v| *v > 0))?;
        let tracks = tracks.iter().map(empty_like).collect();
        Ok(Self { velocities, onsets, tracks, steps_per_beat })
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.velocities.len_of(Axis(1))
    }

    /// The grid.
    #[must_use]
    pub const fn steps_per_beat(&self) -> StepsPerBeat {
        self.steps_per_beat
    }

    /// Name, program and kind of each track, as tracks without notes.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// How loud each cell is, 0..=127, `[tracks, steps, 128]`.
    #[must_use]
    pub fn velocities(&self) -> ArrayView3<'_, u8> {
        self.velocities.view()
    }

    /// Where notes begin, `[tracks, steps, 128]`.
    #[must_use]
    pub fn onsets(&self) -> ArrayView3<'_, bool> {
        self.onsets.view()
    }

    /// Where notes sound, `[tracks, steps, 128]`.
    #[must_use]
    pub fn to_sounding(&self) -> Array3<bool> {
        self.velocities.mapv(|v| v > 0)
    }

    /// The roll of one track.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NoSuchTrack`].
    pub fn roll(&self, index: usize) -> Result<VelocityRoll, ScoreError> {
        if index >= self.tracks.len() {
            return Err(ScoreError::NoSuchTrack { index, tracks: self.tracks.len() });
        }
        let velocities = self.velocities.index_axis(Axis(0), index).to_owned();
        let onsets = self.onsets.index_axis(Axis(0), index).to_owned();
        VelocityRoll::from_arrays(velocities, onsets, self.steps_per_beat, 0)
    }

    /// The tracks with their notes; see [`VelocityRoll::to_notes`].
    #[must_use]
    pub fn to_tracks(&self, ticks_per_quarter: TicksPerQuarter) -> Vec<Track> {
        let scale = Scale { ticks_per_quarter, steps_per_beat: self.steps_per_beat };
        let lanes = self.velocities.outer_iter().zip(self.onsets.outer_iter());
        let notes = lanes.map(|(velocities, onsets)| read(velocities, onsets, scale, 0));
        self.tracks.iter().cloned().zip(notes).map(|(track, notes)| track.with_notes(notes)).collect()
    }

    /// A score of the tracks, in 4/4 at 120 quarter notes a minute. To keep a score's tempo and metre
    /// put [`MultiRoll::to_tracks`] into its [`Score::without_tracks`].
    #[must_use]
    pub fn to_score(&self, ticks_per_quarter: TicksPerQuarter) -> Score {
        let mut score = Score::new(ticks_per_quarter);
        *score.tracks_mut() = self.to_tracks(ticks_per_quarter);
        score
    }
}

fn empty_like(track: &Track) -> Track {
    if track.is_drum() {
        Track::drums(track.name(), track.program())
    } else {
        Track::new(track.name(), track.program())
    }
}

fn check_rows(tracks: usize, steps: usize) -> Result<(), ScoreError> {
    super::check_steps(steps)?;
    let rows = tracks.saturating_mul(steps);
    if rows > MultiRoll::MAX_ROWS {
        let (value, limit) = (rows as u64, MultiRoll::MAX_ROWS as u64);
        return Err(ScoreError::Limit { what: "tracks times steps of a roll", value, limit });
    }
    Ok(())
}
