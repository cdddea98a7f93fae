//! Chorales to learn from.

use std::ops::Range;
use std::sync::Arc;

use rand::{Rng, RngExt};

use super::history::{Cells, History, REST};
use super::learner::ChoraleBatch;
use super::steps::Steps;
use super::training::ChoraleTraining;
use super::tunes::{Forgotten, OwnTune, Tunes};
use crate::data::content::Hasher;
use crate::training::TrainError;
use crate::transformer::{TokenDataset, TokenLayout};

/// Pieces of four voices, each a list of steps.
///
/// ```
/// use deepcompose_models::chorale::ChoraleDataset;
///
/// let piece = vec![[72, 67, 64, 48]; 16];
/// let data = ChoraleDataset::new(vec![piece])?;
/// assert_eq!(data.notes(), 64);
/// # Ok::<(), deepcompose_models::training::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ChoraleDataset {
    pieces: Vec<Vec<Cells>>,
    /// How many of them, from the first, have tunes to be known; the others were invented.
    real: usize,
    /// Steps before the end of each piece, from the first.
    ends: Vec<usize>,
    /// The lowest and the highest pitch of all pieces.
    range: (u8, u8),
}

impl ChoraleDataset {
    /// Most sixteenths of a piece, 512 bars of 4/4: the time that a step takes grows with those before it.
    pub const MAX_STEPS: usize = 1 << 13;

    /// Checks the pieces, of which empty ones are left out.
    ///
    /// # Errors
    ///
    /// [`TrainError::NoData`] if none is left, [`TrainError::Config`] for a cell above 128 or a piece of over
    /// [`MAX_STEPS`](Self::MAX_STEPS).
    pub fn new(pieces: Vec<Vec<Cells>>) -> Result<Self, TrainError> {
        let pieces: Vec<Vec<Cells>> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        if pieces.is_empty() {
            return Err(TrainError::NoData { split: "chorales" });
        }
        if let Some(piece) = pieces.iter().find(|piece| piece.len() > Self::MAX_STEPS) {
            let accepted = format!("up to {}", Self::MAX_STEPS);
            return Err(crate::ModelError::range("steps of a piece", piece.len(), accepted).into());
        }
        let cells = || pieces.iter().flatten().flatten().copied();
        if let Some(cell) = cells().find(|cell| *cell > REST) {
            return Err(crate::ModelError::range("cell", cell, "0..=128").into());
        }
        let pitches = || cells().filter(|cell| *cell < REST);
        let range = (pitches().min().unwrap_or(0), pitches().max().unwrap_or(127));
        Ok(Self { ends: ends(&pieces), real: pieces.len(), pieces, range })
    }

    /// The pieces of a corpus of the [`SatbTokenizer`](deepcompose_core::SatbTokenizer)'s tokens, in their first
    /// renditions.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`TrainError::Transformer`] for a corpus of other tokens.
    pub fn from_tokens(tokens: &TokenDataset) -> Result<Self, TrainError> {
        let (found, wanted) = (tokens.layout(), TokenLayout::satb());
        if *found != wanted {
            let error = crate::transformer::TransformerError::Shape {
                what: "the corpus' vocabulary",
                expected: wanted.vocabulary.to_string(),
                actual: found.vocabulary.to_string(),
            };
            return Err(error.into());
        }
        let cell = |token: Option<&u32>| token.map_or(REST, |token| (*token).min(REST.into()) as u8);
        let steps = |tokens: Vec<u32>| -> Vec<Cells> {
            tokens.chunks(4).map(|step| [0, 1, 2, 3].map(|voice| cell(step.get(voice)))).collect()
        };
        let pieces = tokens.pieces().iter().filter_map(|piece| piece.renditions.first());
        Self::new(pieces.map(|tokens| steps(tokens.to_vec())).collect())
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[Vec<Cells>] {
        &self.pieces
    }

    /// Cells of all pieces, rests included.
    #[must_use]
    pub fn notes(&self) -> usize {
        4 * self.ends.last().copied().unwrap_or(0)
    }

    /// 16 hex digits that tell these pieces from others.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Hasher::new("chorales");
        hash.number(self.real as u64);
        for piece in &self.pieces {
            hash.number(piece.len() as u64);
            piece.iter().for_each(|cells| hash.number(u32::from_be_bytes(*cells).into()));
        }
        hash.fingerprint()
    }

    /// Semitones by which a piece can move, up to `most` either way, within the pitches of all pieces.
    fn shifts(&self, piece: &[Cells], most: i32) -> Range<i32> {
        let pitches = || piece.iter().flatten().filter(|cell| **cell < REST).map(|cell| i32::from(*cell));
        let (low, high) = (i32::from(self.range.0), i32::from(self.range.1));
        let down = pitches().min().map_or(0, |least| least - low);
        let up = pitches().max().map_or(0, |greatest| high - greatest);
        -most.min(down)..most.min(up) + 1
    }

    /// The pieces whose tunes a network is to know.
    pub(crate) fn real(&self) -> &[Vec<Cells>] {
        self.pieces.get(..self.real).unwrap_or_default()
    }

    /// These pieces and those that were `invented` in their manner, which count as their lengths say. What is learnt by
    /// tune is learnt of these alone.
    #[must_use]
    pub fn with_invented(&self, invented: &Self) -> Self {
        let pieces: Vec<_> = self.pieces.iter().chain(&invented.pieces).cloned().collect();
        let range = (self.range.0.min(invented.range.0), self.range.1.max(invented.range.1));
        Self { ends: ends(&pieces), real: self.real, pieces, range }
    }

    /// So many windows, each of a piece drawn by its length, transposed and partly hidden as the training says.
    pub(crate) fn windows(
        &self,
        training: &ChoraleTraining,
        count: usize,
        rng: &mut impl Rng,
        is_taught: bool,
        tunes: &Arc<Tunes>,
    ) -> ChoraleBatch {
        let all = self.ends.last().copied().unwrap_or(1);
        let whole = is_taught.then(Steps::default);
        let mut batch = ChoraleBatch { pieces: count, whole, ..ChoraleBatch::default() };
        for _ in 0..count {
            let place = rng.random_range(0..all);
            let number = self.ends.partition_point(|end| *end <= place);
            let piece = &self.pieces[number];
            // What a piece tells of itself is not what others tell of it.
            let own = (number < self.real && !tunes.is_empty()).then(|| Arc::new(OwnTune::of(piece)));
            // A quarter of the windows' places reach past an end, and are moved back: the ends are seen as often.
            let window = training.window;
            let most = piece.len().saturating_sub(window) as i64;
            let beyond = (window / 4) as i64;
            let begin = rng.random_range(-beyond..=most + beyond).clamp(0, most) as usize;
            let semitones = rng.random_range(self.shifts(piece, training.transpose));
            let hidden = rng.random_range(0.0..1.0) * (2.0 * training.hide).min(1.0);
            let forget = rng.random_range(0.0..1.0) * (2.0 * training.forget).min(1.0);
            let forgotten = Forgotten::new(forget, rng.random());
            let mut history = History::new(tunes.clone()).apart_from(own, forgotten);
            for (number, cells) in piece.iter().take(begin + window).enumerate() {
                let cells = cells.map(|cell| transposed(cell, semitones));
                if number >= begin {
                    let told = std::array::from_fn(|_| hidden == 0.0 || !rng.random_bool(hidden));
                    batch.steps.push(&history, told, cells);
                    if let Some(whole) = &mut batch.whole {
                        whole.push(&history, [true; 4], cells);
                    }
                }
                history.push(cells);
            }
            for _ in piece.len().min(begin + window) - begin..window {
                batch.steps.pad();
                if let Some(whole) = &mut batch.whole {
                    whole.pad();
                }
            }
        }
        batch
    }
}

/// Steps before the end of each piece, from the first.
fn ends(pieces: &[Vec<Cells>]) -> Vec<usize> {
    let ends = pieces.iter().scan(0, |end, piece| {
        *end += piece.len();
        Some(*end)
    });
    ends.collect()
}

fn transposed(cell: u8, semitones: i32) -> u8 {
    // The range of all pieces bounds the semitones.
    if cell < REST { (i32::from(cell) + semitones).clamp(0, 127) as u8 } else { cell }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn windows_lie_in_their_pieces() {
        let piece = |length: u8| (0..length).map(|step| [72 + step % 5, 67, REST, 48]).collect::<Vec<_>>();
        let data = ChoraleDataset::new(vec![piece(3), vec![], piece(90)]).unwrap();
        assert_eq!((data.pieces().len(), data.notes(), data.range), (2, 372, (48, 76)));
        let training = ChoraleTraining { window: 16, ..ChoraleTraining::default() };
        let batch = data.windows(&training, 40, &mut ChaCha8Rng::seed_from_u64(1), false, &Arc::default());
        assert_eq!(batch.steps.len(), 640);
        // Of 40 windows about one is of the short piece, and all others are full.
        let short = (640 - batch.steps.counted()) / 13;
        assert!(batch.steps.counted() == 640 - 13 * short && short <= 6);
    }

    #[test]
    fn a_piece_moves_within_the_range_of_all() {
        let data = ChoraleDataset::new(vec![vec![[70, 65, 60, 50]], vec![[72, 65, REST, 40]]]).unwrap();
        assert_eq!(data.shifts(&data.pieces[0], 6), -6..3);
        assert_eq!(data.shifts(&data.pieces[1], 6), 0..1);
        assert_eq!((transposed(70, -6), transposed(REST, 3)), (64, REST));
    }
}
