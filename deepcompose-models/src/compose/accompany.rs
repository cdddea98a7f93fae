//! The GAN's technique.

use deepcompose_core::{Note, Pitch, Score, Tick, Track, Velocity};
use deepcompose_samplers::StopReason;
use ndarray::{ArrayView1, ArrayView2};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::error::ComposeError;
use super::params::check;
use super::tracks::Selected;
use super::{Composition, Observer, Progress, TrackSelection};
use crate::gan::{self, AccompanyOptions, Genre, RoleSet, StepGrid, TrackRole, WindowGenerator};

/// Parameters of [`accompany`].
///
/// | field | range | default |
/// |---|---|---|
/// | `genre` | rock, pop, jazz, classical, country, reggae, edm | rock |
/// | `seed` | any, or none to take the composer's | none |
/// | `binarisation_threshold` | above 0, below 1 | 0.5 |
/// | `tracks` | a list of drums, bass, guitar, keys | all that the genre has |
/// | `variation` | 0..=1 | 0.3 |
/// | `track` | | the melody |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanParams {
    /// The genre.
    pub genre: Genre,
    /// The seed of the latent. If not set, the rng that is passed in goes on.
    pub seed: Option<u64>,
    /// A cell of a generated roll becomes a note if its probability is at least this: lower values give
    /// more notes.
    pub binarisation_threshold: f64,
    /// Which tracks are generated; those that the genre does not have are left out.
    pub tracks: RoleSet,
    /// How much of the latent is drawn anew every two bars: 0 keeps one latent for the whole piece.
    pub variation: f64,
    /// Which track is accompanied.
    pub track: TrackSelection,
}

impl Default for GanParams {
    fn default() -> Self {
        Self::new(Genre::Rock)
    }
}

impl GanParams {
    /// The defaults, in a genre.
    #[must_use]
    pub const fn new(genre: Genre) -> Self {
        Self {
            genre,
            seed: None,
            binarisation_threshold: 0.5,
            tracks: RoleSet::ALL,
            variation: 0.3,
            track: TrackSelection::Melody,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Parameter`], naming the field, its value and the accepted range.
    pub fn validate(&self) -> Result<(), ComposeError> {
        let threshold = self.binarisation_threshold;
        check("binarisation_threshold", threshold, threshold > 0.0 && threshold < 1.0, "0 < threshold < 1")?;
        check("variation", self.variation, (0.0..=1.0).contains(&self.variation), "0..=1")?;
        let wanted = self.tracks.intersection(RoleSet::of(self.genre));
        check("tracks", 0.0, !wanted.is_empty(), "at least one track that the genre has")?;
        Ok(())
    }
}

/// Adds the tracks of a genre's band to the input, whose own tracks are kept as they are.
///
/// The selected track is laid on a grid of sixteenths bar by bar ([`StepGrid`]), so that pick-ups
/// and metres other than 4/4 keep their bar lines; the band is generated two bars at a time, each group
/// knowing the one before. Under way the observer counts groups. New notes are a little softer than the
/// melody's mean velocity.
///
/// # Errors
///
/// [`ComposeError`]: a parameter out of range, an input with no notes or too long, or a model that
/// failed.
pub fn accompany<G: WindowGenerator + ?Sized, R: Rng + ?Sized>(
    generator: &G,
    input: &Score,
    params: &GanParams,
    rng: &mut R,
    observer: &mut Observer<'_>,
) -> Result<Composition, ComposeError> {
    params.validate()?;
    let selected = Selected::new(params.track, input)?;
    let notes = selected.notes();
    let grid = StepGrid::of(input, input.end()).map_err(ComposeError::model)?;
    let options = AccompanyOptions {
        roles: params.tracks,
        threshold: params.binarisation_threshold as f32,
        variation: params.variation as f32,
        bar_steps: grid.bar_steps().to_vec(),
        ..AccompanyOptions::new(params.genre)
    };
    let melody = grid.sounding_roll(&notes);
    let band = gan::accompany(generator, melody.view(), &options, rng, &mut |done, total| {
        observer(Progress { done, total, events: &[] })
    })
    .map_err(ComposeError::model)?;

    let velocity = softer(&notes);
    let mut score = input.clone();
    for track in params.genre.tracks() {
        let Some(made) = band.rolls.iter().find(|made| made.role == track.role) else { continue };
        let mut part = if track.is_drum {
            Track::drums(track.name, track.program())
        } else {
            Track::new(track.name, track.program())
        };
        part.set_notes(part_notes(made.roll.view(), track.role, &grid, velocity));
        score.push_track(part);
    }
    let stop = if band.stopped { StopReason::Stopped } else { StopReason::DurationReached };
    Ok(Composition::new(input, score, stop))
}

/// Nine tenths of the mean velocity.
fn softer(notes: &[Note]) -> Velocity {
    let sum: i64 = notes.iter().map(|n| i64::from(n.velocity.get())).sum();
    Velocity::saturating(sum * 9 / (10 * notes.len().max(1) as i64))
}

/// Runs of cells as notes; for drums, every cell is a stroke.
fn part_notes(roll: ArrayView2<'_, bool>, role: TrackRole, grid: &StepGrid, velocity: Velocity) -> Vec<Note> {
    let strokes = role == TrackRole::Drums;
    let mut notes = Vec::new();
    for (pitch, column) in roll.columns().into_iter().enumerate() {
        let mut step = 0;
        while step < column.len() {
            let end = run_end(column, step, strokes);
            if end > step {
                let (start, stop) = (grid.tick_at(step), grid.tick_at(end));
                notes.push(Note {
                    start,
                    pitch: Pitch::saturating(pitch as i64),
                    duration: Tick::saturating(i64::from(stop.saturating_sub(start).get()).max(1)),
                    velocity,
                });
            }
            step = end.max(step + 1);
        }
    }
    notes
}

/// One past the last cell of the run that begins at `step`; `step` itself if that cell is silent.
fn run_end(column: ArrayView1<'_, bool>, step: usize, strokes: bool) -> usize {
    let sounds = |s: usize| column.get(s).copied().unwrap_or(false);
    match (sounds(step), strokes) {
        (false, _) => step,
        (true, true) => step + 1,
        (true, false) => (step..column.len()).find(|s| !sounds(*s)).unwrap_or(column.len()),
    }
}
