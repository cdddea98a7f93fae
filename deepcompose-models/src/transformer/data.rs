//! Token streams to train on, and how they are served in lanes.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::error::TransformerError;
use super::fused::Segment;
use super::tokens::Tokens;
use crate::data::content::Hasher;

/// Which tokens of a vocabulary name pitches, start a piece and fill up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLayout {
    /// The tokens that start notes, one a pitch, rising.
    pub note_on: Range<u32>,
    /// The tokens that end notes, for the same pitches in the same order.
    pub note_off: Range<u32>,
    /// The token before the first of every piece.
    pub start: u32,
    /// The token that fills up; never learnt.
    pub pad: u32,
    /// Number of tokens.
    pub vocabulary: usize,
}

impl TokenLayout {
    /// The 310 performance tokens of the reference: NOTE_ON 0..88 and NOTE_OFF 88..176 for pitches 21..=108,
    /// TIME_SHIFT 176..276, VELOCITY 276..308, start 308, pad 309.
    pub fn performance() -> Self {
        Self { note_on: 0..88, note_off: 88..176, start: 308, pad: 309, vocabulary: 310 }
    }

    /// The 131 tokens of four voices: pitches 0..128, which end by the next token of their voice; rest 128,
    /// start 129, pad 130.
    pub fn satb() -> Self {
        Self { note_on: 0..128, note_off: 0..128, start: 129, pad: 130, vocabulary: 131 }
    }

    /// The pitch of a token, counted from the lowest, if it names one.
    fn pitch(&self, token: u32) -> Option<u32> {
        [&self.note_on, &self.note_off]
            .into_iter()
            .find(|range| range.contains(&token))
            .map(|range| token - range.start)
    }

    fn transposed(&self, token: u32, semitones: i32) -> u32 {
        if self.pitch(token).is_some() { token.wrapping_add_signed(semitones) } else { token }
    }
}

/// A piece of music as tokens, without a start token.
///
/// It may come in several renditions, the same music stretched in time for example, of which each visit
/// takes one at random.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Token lists, each of the whole piece. Validation reads the first.
    pub renditions: Vec<Tokens>,
    /// Visits in an epoch, 0 to 1000; a fraction is a chance. The usual value is 1.
    pub weight: f64,
}

impl Piece {
    /// A piece in one rendition, visited once an epoch.
    pub fn new(tokens: Vec<u32>) -> Self {
        Self { renditions: vec![tokens.into()], weight: 1.0 }
    }
}

/// Checked pieces to train or to validate on.
///
/// ```
/// use deepcompose_models::transformer::{Piece, TokenDataset, TokenLayout};
///
/// let scale: Vec<u32> = [39, 41, 43, 44].into_iter().flat_map(|on| [on, 200, on + 88]).collect();
/// let data = TokenDataset::new(vec![Piece::new(scale)], TokenLayout::performance())?;
/// assert_eq!(data.tokens(), 12);
/// # Ok::<(), deepcompose_models::transformer::TransformerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenDataset {
    pieces: Vec<Piece>,
    layout: TokenLayout,
    /// The lowest and the highest pitch of every rendition, as numbers of the layout's note-ons; none where there is no note.
    pitches: Vec<Vec<Option<(u32, u32)>>>,
}

impl TokenDataset {
    /// Checks the pieces.
    ///
    /// # Errors
    ///
    /// [`TransformerError::Data`] where a piece or rendition is empty, a weight is out of range, all weights
    /// together are less than one visit, or a start or pad token stands in a piece;
    /// [`TransformerError::Token`] for a token outside the vocabulary.
    pub fn new(pieces: Vec<Piece>, layout: TokenLayout) -> Result<Self, TransformerError> {
        let wrong = |index: usize, what: &str| Err(TransformerError::Data(format!("piece {index} {what}")));
        if layout.note_on.len() != layout.note_off.len()
            || [
                layout.note_on.end,
                layout.note_off.end,
                layout.start.saturating_add(1),
                layout.pad.saturating_add(1),
            ]
            .iter()
            .any(|end| *end as usize > layout.vocabulary)
        {
            return Err(TransformerError::Data("the token layout does not fit its vocabulary".to_string()));
        }
        let mut bounds = Vec::with_capacity(pieces.len());
        for (index, piece) in pieces.iter().enumerate() {
            if !(0.0..=1000.0).contains(&piece.weight) {
                return wrong(index, &format!("has weight {}: 0 to 1000 is accepted", piece.weight));
            }
            if piece.renditions.is_empty() || piece.renditions.iter().any(Tokens::is_empty) {
                return wrong(index, "has no rendition or an empty one");
            }
            let mut of_piece = Vec::with_capacity(piece.renditions.len());
            for tokens in &piece.renditions {
                let mut pitches: Option<(u32, u32)> = None;
                for token in tokens.iter() {
                    if token as usize >= layout.vocabulary {
                        let vocabulary = layout.vocabulary;
                        return Err(TransformerError::Token { token: i64::from(token), vocabulary });
                    }
                    if [layout.start, layout.pad].contains(&token) {
                        return wrong(index, "holds a start or pad token");
                    }
                    if let Some(pitch) = layout.pitch(token) {
                        let (low, high) = pitches.unwrap_or((pitch, pitch));
                        pitches = Some((pitch.min(low), pitch.max(high)));
                    }
                }
                of_piece.push(pitches);
            }
            bounds.push(of_piece);
        }
        if pieces.iter().map(|piece| piece.weight).sum::<f64>() < 1.0 {
            return Err(TransformerError::Data("the pieces' weights are less than one visit".to_string()));
        }
        Ok(Self { pieces, layout, pitches: bounds })
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What the tokens mean.
    pub fn layout(&self) -> &TokenLayout {
        &self.layout
    }

    /// Tokens in the first renditions of all pieces.
    pub fn tokens(&self) -> usize {
        self.pieces.iter().map(|piece| piece.renditions[0].len()).sum()
    }

    /// 16 hex digits that tell these data from others: a hash of tokens, weights and layout. The same for a
    /// prepared corpus and for the same pieces in memory.
    pub fn fingerprint(&self) -> String {
        let mut hash = Hasher::new("tokens");
        let TokenLayout { note_on, note_off, start, pad, vocabulary } = &self.layout;
        let numbers = [note_on.start, note_on.end, note_off.start, note_off.end, *start, *pad];
        numbers.into_iter().for_each(|number| hash.number(number.into()));
        hash.number(*vocabulary as u64);
        for piece in &self.pieces {
            hash.number(piece.weight.to_bits());
            hash.number(piece.renditions.len() as u64);
            piece.renditions.iter().for_each(|tokens| hash.hash(&tokens.digest()));
        }
        hash.fingerprint()
    }

    /// Semitones from -`most` to `most` by which a rendition can move and stay in the range of pitches.
    fn shifts(&self, piece: usize, rendition: usize, most: u32) -> Range<i32> {
        let bounds = self.pitches.get(piece).and_then(|bounds| bounds.get(rendition));
        let Some((low, high)) = bounds.copied().flatten() else { return 0..1 };
        let above = self.layout.note_on.len() as u32 - 1 - high;
        -(most.min(low) as i32)..most.min(above) as i32 + 1
    }

    /// The visits of an epoch in order.
    fn epoch(&self, seed: u64, epoch: u64, transpose: u32) -> Vec<Visit> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(epoch);
        let mut visits = Vec::new();
        for (piece, Piece { renditions, weight }) in self.pieces.iter().enumerate() {
            let times = weight.floor() as usize + usize::from(rng.random_bool(weight.fract()));
            for _ in 0..times {
                let rendition = rng.random_range(0..renditions.len());
                let semitones = rng.random_range(self.shifts(piece, rendition, transpose));
                visits.push(Visit { piece, rendition, semitones });
            }
        }
        visits.shuffle(&mut rng);
        visits
    }
}

/// One going-through of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Visit {
    piece: usize,
    rendition: usize,
    semitones: i32,
}

/// Where the lanes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Epochs begun, from zero.
    pub(crate) epoch: u64,
    /// Visits of the epoch handed out.
    taken: usize,
    /// For each lane, its visit and the number of tokens of it already served.
    lanes: Vec<Option<(Visit, usize)>>,
}

/// Lanes that walk through pieces, one after another, side by side.
///
/// A piece of `n` tokens is served as `n` inputs, the start token and all but its last, each with the token
/// that follows as its target. The next piece follows at once in the same lane; `Segment::starts` says
/// where, so that nothing sees past the start of its own piece.
#[derive(Debug)]
pub(crate) struct Lanes<'a> {
    data: &'a TokenDataset,
    seed: u64,
    transpose: u32,
    /// One pass in order of falling length, or epochs without end.
    once: bool,
    queue: Vec<Visit>,
    position: Position,
}

impl<'a> Lanes<'a> {
    /// Epochs without end, each shuffled and transposed by its own draws.
    pub(crate) fn training(
        data: &'a TokenDataset,
        lanes: usize,
        seed: u64,
        transpose: u32,
        position: Option<Position>,
    ) -> Self {
        let position = position.unwrap_or_else(|| Position { epoch: 0, taken: 0, lanes: vec![None; lanes] });
        let queue = data.epoch(seed, position.epoch, transpose);
        Self { data, seed, transpose, once: false, queue, position }
    }

    /// Every piece once as it is, the longest first so that lanes finish about together.
    pub(crate) fn validation(data: &'a TokenDataset, lanes: usize) -> Self {
        let mut queue: Vec<Visit> =
            (0..data.pieces.len()).map(|piece| Visit { piece, rendition: 0, semitones: 0 }).collect();
        queue.sort_by_key(|visit| std::cmp::Reverse(data.pieces[visit.piece].renditions[0].len()));
        let position = Position { epoch: 0, taken: 0, lanes: vec![None; lanes] };
        Self { data, seed: 0, transpose: 0, once: true, queue, position }
    }

    /// Where the lanes are, to go on from later.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    fn next_visit(&mut self) -> Option<Visit> {
        // More than there are, where a run goes on with other transpositions than it began with.
        while self.position.taken >= self.queue.len() {
            if self.once {
                return None;
            }
            // An epoch may be empty where all weights are fractions: then the next one counts.
            self.position.epoch += 1;
            self.position.taken = 0;
            self.queue = self.data.epoch(self.seed, self.position.epoch, self.transpose);
        }
        let visit = self.queue[self.position.taken];
        self.position.taken += 1;
        Some(visit)
    }

    /// The next `time` tokens of every lane, lanes split as evenly as can be into `parts`; `None` when all
    /// pieces have been served.
    pub(crate) fn next(&mut self, time: usize, parts: usize) -> Option<Vec<Segment>> {
        let lanes = self.position.lanes.len();
        let mut segments = Vec::with_capacity(parts);
        let mut served = false;
        let mut lane = 0;
        for part in 0..parts {
            let mut segment = Segment { time, ..Segment::default() };
            let to = lanes * (part + 1) / parts;
            while lane < to {
                segment.starts.push(Vec::new());
                for at in 0..time {
                    served |= self.serve(lane, at, &mut segment);
                }
                lane += 1;
            }
            segments.push(segment);
        }
        served.then_some(segments)
    }

    /// Serves one token to one lane; whether there was one.
    fn serve(&mut self, lane: usize, at: usize, segment: &mut Segment) -> bool {
        let (visit, served) = match self.position.lanes[lane].take() {
            Some(state) => state,
            None => match self.next_visit() {
                Some(visit) => (visit, 0),
                None => {
                    segment.tokens.push(self.data.layout.pad);
                    segment.targets.push(None);
                    return false;
                }
            },
        };
        let tokens = &self.data.pieces[visit.piece].renditions[visit.rendition];
        let layout = &self.data.layout;
        let token = |index| tokens.get(index).map_or(layout.pad, |t| layout.transposed(t, visit.semitones));
        if served == 0 {
            segment.tokens.push(self.data.layout.start);
            if let Some(starts) = segment.starts.last_mut() {
                starts.push(at);
            }
        } else {
            segment.tokens.push(token(served - 1));
        }
        segment.targets.push(Some(token(served)));
        if served + 1 < tokens.len() {
            self.position.lanes[lane] = Some((visit, served + 1));
        }
        true
    }

    /// Whether a saved position fits these lanes and pieces.
    pub(crate) fn fits(
        data: &TokenDataset,
        position: &Position,
        (lanes, seed, transpose): (usize, u64, u32),
    ) -> bool {
        let fits = |visit: &Visit, served: usize| {
            let rendition =
                data.pieces.get(visit.piece).and_then(|piece| piece.renditions.get(visit.rendition));
            rendition.is_some_and(|tokens| {
                let range = data.layout.note_on.len() as i32;
                served < tokens.len()
                    && data.shifts(visit.piece, visit.rendition, range as u32).contains(&visit.semitones)
            })
        };
        // Streams of random numbers beyond are those of steps.
        position.epoch < 1 << 62
            && position.taken <= data.epoch(seed, position.epoch, transpose).len()
            && position.lanes.len() == lanes
            && position.lanes.iter().flatten().all(|(visit, served)| fits(visit, *served))
    }
}

#[cfg(test)]
mod tests;
