//! Which tracks a technique works on, and where new notes go.

use deepcompose_core::{Note, Score, ScoreError, Track, melody_track};
use serde::{Deserialize, Serialize};

use super::error::ComposeError;

/// Which of the input's tracks a technique works on. The others are kept as they are.
///
/// In serde: `"melody"`, `"all"`, or `{"index": 2}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackSelection {
    /// The track that [`melody_track`] takes for the melody.
    #[default]
    Melody,
    /// One track, counted from zero. It may not be a drum track.
    Index(usize),
    /// All tracks that are not drums and have notes. A new note goes to the track whose notes
    /// are nearest in pitch.
    All,
}

impl TrackSelection {
    /// Indices of the tracks selected: at least one, none of them drums or empty.
    ///
    /// # Errors
    ///
    /// [`ComposeError::NoNotes`], [`ComposeError::Drums`], [`ComposeError::Score`] for an index
    /// that is not there.
    pub fn select(self, score: &Score) -> Result<Vec<usize>, ComposeError> {
        let no_notes = |what: &str| ComposeError::NoNotes { what: what.to_owned() };
        if score.is_empty() {
            return Err(no_notes("the input"));
        }
        let playable = |t: &Track| !t.is_drum() && !t.notes().is_empty();
        match self {
            Self::Index(index) => {
                let track = score.track(index)?;
                if track.is_drum() {
                    Err(ComposeError::Drums(index))
                } else if track.notes().is_empty() {
                    Err(no_notes(&format!("track {index}")))
                } else {
                    Ok(vec![index])
                }
            }
            Self::Melody => {
                let melody = melody_track(score).filter(|i| score.tracks().get(*i).is_some_and(playable));
                melody.map(|i| vec![i]).ok_or_else(|| no_notes("every melodic track of the input"))
            }
            Self::All => {
                let all: Vec<usize> = (0..score.tracks().len())
                    .filter(|i| score.tracks().get(*i).is_some_and(playable))
                    .collect();
                if all.is_empty() { Err(no_notes("every melodic track of the input")) } else { Ok(all) }
            }
        }
    }
}

/// The selected tracks' notes, for deciding where a new note belongs.
pub(super) struct Selected<'a> {
    /// Index in the score, and the track.
    pub(super) tracks: Vec<(usize, &'a Track)>,
}

impl<'a> Selected<'a> {
    pub(super) fn new(selection: TrackSelection, score: &'a Score) -> Result<Self, ComposeError> {
        let indices = selection.select(score)?;
        let tracks = indices
            .into_iter()
            .map(|i| score.track(i).map(|t| (i, t)))
            .collect::<Result<Vec<_>, ScoreError>>()?;
        Ok(Self { tracks })
    }

    /// Every note, track by track.
    pub(super) fn notes(&self) -> Vec<Note> {
        self.tracks.iter().flat_map(|(_, t)| t.notes().iter().copied()).collect()
    }

    /// The index in `self.tracks` of the track that a note of this pitch belongs to: the one whose
    /// mean pitch is nearest.
    pub(super) fn home(&self, pitch: u8) -> usize {
        let distance = |track: &Track| {
            let sum: f64 = track.notes().iter().map(|n| f64::from(n.pitch.get())).sum();
            (sum / track.notes().len().max(1) as f64 - f64::from(pitch)).abs()
        };
        let distances: Vec<f64> = self.tracks.iter().map(|(_, t)| distance(t)).collect();
        (0..distances.len()).min_by(|a, b| distances[*a].total_cmp(&distances[*b])).unwrap_or(0)
    }
}
