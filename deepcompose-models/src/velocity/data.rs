//! Training data: bands with their velocities.

use deepcompose_core::{Note, Score};
use rand::{Rng, RngExt};

use super::band::Band;
use crate::gan::{GanError, Genre, StepGrid, TrackRole, assign_roles};

/// A piece's band on the sixteenth grid, with the velocities that were played.
#[derive(Debug, Clone)]
pub struct VelocityPiece {
    pub(super) band: Band,
    /// As the band's notes.
    pub(super) played: [Vec<u8>; TrackRole::COUNT],
}

impl VelocityPiece {
    /// From a score whose tracks are assigned by [`assign_roles`]. `melody` is the index of the melody's track, or `None` to
    /// have it found; it is not part of the band.
    ///
    /// # Errors
    ///
    /// [`GanError::Condition`] if there is no melody or nothing that accompanies it, [`GanError::Limit`] for a score of
    /// more than [`MAX_BARS`](crate::gan::MAX_BARS) bars.
    pub fn from_score(score: &Score, genre: Genre, melody: Option<usize>) -> Result<Self, GanError> {
        let assignment = assign_roles(score, genre, melody)
            .ok_or(GanError::Condition("the score has no melody track with notes"))?;
        let grid = StepGrid::of(score, score.end())?;
        let parts = TrackRole::ALL.map(|role| {
            let tracks = assignment.tracks(role).iter().filter_map(|index| score.tracks().get(*index));
            tracks.flat_map(|track| track.notes()).copied().collect::<Vec<Note>>()
        });
        if parts.iter().all(Vec::is_empty) {
            return Err(GanError::Condition("no track accompanies the melody"));
        }
        Ok(Self {
            band: Band::new(genre, &grid, parts.each_ref().map(Vec::as_slice)),
            played: parts.map(|part| part.iter().map(|note| note.velocity.get()).collect()),
        })
    }
}

/// One note of the pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    piece: u32,
    note: u32,
}

/// The notes of many pieces.
#[derive(Debug, Clone)]
pub struct VelocityDataset {
    pieces: Vec<VelocityPiece>,
    genres: Vec<Genre>,
    /// The notes of each part of each genre that is learnt from and has any.
    parts: Vec<(TrackRole, Vec<Place>)>,
}

impl VelocityDataset {
    /// Genres of whose notes all have one velocity, as in notation without dynamics, are left out.
    #[must_use]
    pub fn new(pieces: Vec<VelocityPiece>) -> Self {
        let differ = |genre: &Genre| {
            let mut all =
                pieces.iter().filter(|p| p.band.genre() == *genre).flat_map(|p| p.played.iter().flatten());
            let first = all.next();
            all.any(|velocity| Some(velocity) != first)
        };
        let genres: Vec<Genre> = Genre::ALL.into_iter().filter(differ).collect();
        let mut parts = Vec::new();
        for genre in &genres {
            for role in TrackRole::ALL {
                let of_genre = pieces.iter().enumerate().filter(|(_, piece)| piece.band.genre() == *genre);
                let places = of_genre.flat_map(|(index, piece)| {
                    let notes = 0..piece.band.len(role) as u32;
                    notes.map(move |note| Place { piece: index as u32, note })
                });
                let places: Vec<Place> = places.collect();
                if !places.is_empty() {
                    parts.push((role, places));
                }
            }
        }
        Self { pieces, genres, parts }
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[VelocityPiece] {
        &self.pieces
    }

    /// The genres that are learnt from, in the order of [`Genre::ALL`].
    #[must_use]
    pub fn genres(&self) -> &[Genre] {
        &self.genres
    }

    /// How many notes are learnt from.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|(_, places)| places.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Draws notes with replacement, evenly of the parts of each genre: what they are told by, one after another, and
    /// their velocities as shares of 127.
    pub(super) fn draw<R: Rng + ?Sized>(&self, count: usize, rng: &mut R) -> (Vec<f32>, Vec<f32>) {
        let (mut features, mut shares) = (Vec::new(), Vec::with_capacity(count));
        for _ in 0..count {
            let (role, places) = &self.parts[rng.random_range(0..self.parts.len())];
            let Place { piece, note } = places[rng.random_range(0..places.len())];
            let piece = &self.pieces[piece as usize];
            piece.band.features(*role, note as usize, &mut features);
            shares.push(f32::from(piece.played[role.index()][note as usize]) / 127.0);
        }
        (features, shares)
    }
}
