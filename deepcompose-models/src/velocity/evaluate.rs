//! [`evaluate`]: velocities against those that were played.

use serde::{Deserialize, Serialize};

use super::{VelocityDataset, VelocityModel};
use crate::gan::{Genre, TrackRole};

/// A genre's parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GenreVelocities {
    /// The genre.
    pub genre: Genre,
    /// In the order of [`TrackRole::ALL`]; `None` for a part without notes.
    pub parts: [Option<PartVelocities>; TrackRole::COUNT],
}

/// How near a model's velocities come to the played ones of one part, over all pieces of a genre.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartVelocities {
    /// Notes compared.
    pub notes: usize,
    /// Mean of the velocities that were played.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// Root of the mean squared difference of the model's velocities from them.
    pub error: f64,
    /// The share of their variance that the model explains: 1 if it is always right, 0 if it is no better than giving
    /// every note their mean, below 0 if it is worse.
    pub explained: f64,
    /// The same of each piece's differences from its own mean: accents, whatever the level of the piece. 1 where
    /// no piece has any.
    pub accents: f64,
}

/// Compares the velocities that a model gives with those that were played, in the genres that the model knows, of which
/// there are pieces.
#[must_use]
pub fn evaluate(model: &VelocityModel, data: &VelocityDataset) -> Vec<GenreVelocities> {
    let of = |genre: Genre| GenreVelocities {
        genre,
        parts: TrackRole::ALL.map(|role| {
            let pieces = data.pieces().iter().filter(|piece| piece.band.genre() == genre);
            let pairs = pieces.map(|piece| {
                let played = piece.played[role.index()].iter().map(|velocity| f64::from(*velocity));
                let given = model.part(&piece.band, role).into_iter().map(f64::from);
                played.zip(given).collect::<Vec<_>>()
            });
            compare(&pairs.filter(|pairs| !pairs.is_empty()).collect::<Vec<_>>())
        }),
    };
    let known = data.genres().iter().filter(|genre| model.genres().contains(genre));
    known.map(|genre| of(*genre)).collect()
}

/// Played and given velocities, piece by piece.
fn compare(pieces: &[Vec<(f64, f64)>]) -> Option<PartVelocities> {
    let notes: usize = pieces.iter().map(Vec::len).sum();
    if notes == 0 {
        return None;
    }
    let all = || pieces.iter().flatten();
    let mean = all().map(|(played, _)| played).sum::<f64>() / notes as f64;
    let squares = all().map(|(played, _)| (played - mean).powi(2)).sum::<f64>();
    let errors = all().map(|(played, given)| (played - given).powi(2)).sum::<f64>();
    let (mut within, mut missed) = (0.0, 0.0);
    for piece in pieces {
        let count = piece.len() as f64;
        let played = piece.iter().map(|(played, _)| played).sum::<f64>() / count;
        let given = piece.iter().map(|(_, given)| given).sum::<f64>() / count;
        within += piece.iter().map(|(x, _)| (x - played).powi(2)).sum::<f64>();
        missed += piece.iter().map(|(x, y)| (x - played - y + given).powi(2)).sum::<f64>();
    }
    let share = |missed: f64, of: f64| if of > 0.0 { 1.0 - missed / of } else { 1.0 };
    Some(PartVelocities {
        notes,
        mean,
        deviation: (squares / notes as f64).sqrt(),
        error: (errors / notes as f64).sqrt(),
        explained: share(errors, squares),
        accents: share(missed, within),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    // Two pieces of two notes, played 40 and 60, and 80 and 100; given 50 and 60, and 70 and 80.
    // Mean 70; squares 900 + 100 + 100 + 900 = 2000; errors 100 + 0 + 100 + 400 = 600. Within a piece, notes are ten from
    // their mean, 400 in all, and given as five from theirs: 25 missed four times.
    #[test]
    fn shares_are_worked_out_by_hand() {
        let pieces = [vec![(40.0, 50.0), (60.0, 60.0)], vec![(80.0, 70.0), (100.0, 80.0)]];
        let found = compare(&pieces).unwrap();
        let expected = PartVelocities {
            notes: 4,
            mean: 70.0,
            deviation: 500.0_f64.sqrt(),
            error: 150.0_f64.sqrt(),
            explained: 0.7,
            accents: 0.75,
        };
        assert_eq!(found, expected);
        assert_eq!(compare(&[vec![(5.0, 9.0)]]).unwrap().accents, 1.0);
        assert_eq!(compare(&[]), None);
    }
}
