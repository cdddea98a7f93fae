//! Pieces as windows of the piano roll.

use burn::tensor::{Device, Tensor, TensorData};
use deepcompose_core::{PianoRoll, Score, ScoreError, StepsPerBeat};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Slice};
use rand::{Rng, RngExt};

use super::{ArCnnConfig, Corruption};
use crate::data::column::Column;
use crate::data::content::Hasher;

/// Windows over the rolls of a corpus.
#[derive(Debug, Clone)]
pub struct RollWindows {
    /// For every step, the set of pitches that sound.
    pieces: Vec<Column<u128>>,
    windows: Vec<(usize, usize)>,
    steps: usize,
}

/// A batch of training pairs, each tensor `[batch, steps, pitches]` of 0 and 1.
#[derive(Debug, Clone)]
pub struct EditBatch {
    /// The spoilt windows.
    pub input: Tensor<3>,
    /// Where the spoilt window differs from the clean one.
    pub difference: Tensor<3>,
}

impl RollWindows {
    /// Windows of `steps` steps every `hop` steps over `[length, 128]` rolls. A piece shorter than a
    /// window gives one window with silence behind it; what is left at the end of a piece is
    /// covered by a window that ends with it. More steps than [`PianoRoll::MAX_STEPS`] count as these.
    #[must_use]
    pub fn new(pieces: Vec<Array2<bool>>, steps: usize, hop: usize) -> Self {
        Self::from_columns(pieces.iter().map(|piece| pitch_sets(piece.view()).into()).collect(), steps, hop)
    }

    /// The same over sets of sounding pitches, one a step.
    pub(crate) fn from_columns(pieces: Vec<Column<u128>>, steps: usize, hop: usize) -> Self {
        let steps = steps.min(PianoRoll::MAX_STEPS);
        let mut windows = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let last = piece.len().saturating_sub(steps);
            windows.extend((0..last).step_by(hop.max(1)).map(|start| (index, start)));
            windows.push((index, last));
        }
        Self { pieces, windows, steps }
    }

    /// Windows over scores, all melodic tracks merged, on a grid of sixteenths.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] for a piece longer than a piano roll may be.
    pub fn from_scores<'a>(
        scores: impl IntoIterator<Item = &'a Score>,
        steps: usize,
        hop: usize,
    ) -> Result<Self, ScoreError> {
        let pieces =
            scores.into_iter().map(|score| sounding(score).map(Column::from)).collect::<Result<_, _>>()?;
        Ok(Self::from_columns(pieces, steps, hop))
    }

    /// How many windows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Window `index`, `[steps, 128]`, moved by `transpose` semitones as far as its notes allow.
    /// Out of range gives silence.
    #[must_use]
    pub fn window(&self, index: usize, transpose: i32) -> Array2<bool> {
        let mut out = Array2::from_elem((self.steps, 128), false);
        let Some((piece, start)) =
            self.windows.get(index).and_then(|(p, s)| Some((self.pieces.get(*p)?, *s)))
        else {
            return out;
        };
        let sets: Vec<u128> = (start..start + self.steps).map_while(|step| piece.get(step)).collect();
        let used = sets.iter().fold(0, |used, set| used | set);
        if used != 0 {
            let (lowest, highest) = (used.trailing_zeros() as i32, 127 - used.leading_zeros() as i32);
            let shift = transpose.clamp(-lowest, 127 - highest);
            for (set, mut row) in sets.into_iter().zip(out.rows_mut()) {
                let set = if shift >= 0 { set << shift } else { set >> -shift };
                for (pitch, cell) in row.iter_mut().enumerate() {
                    *cell = set >> pitch & 1 == 1;
                }
            }
        }
        out
    }

    /// 16 hex digits that tell these windows from others: a hash of the rolls and of where the windows are. The
    /// same for a prepared corpus and for the same pieces in memory.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Hasher::new("rolls");
        hash.number(self.steps as u64);
        self.pieces.iter().for_each(|piece| hash.hash(&piece.digest()));
        for (piece, start) in &self.windows {
            hash.number(*piece as u64);
            hash.number(*start as u64);
        }
        hash.fingerprint()
    }

    /// A batch of spoilt windows of the network's pitches. Notes outside them are left out.
    ///
    /// `transpose` is the largest shift in semitones either way; `band` is how many of the
    /// network's pitches to train on at once, a random band for each batch (all if `None`).
    pub fn batch<R: Rng + ?Sized>(
        &self,
        indices: &[usize],
        config: &ArCnnConfig,
        corruption: &Corruption,
        augmentation: (i32, Option<usize>),
        rng: &mut R,
        device: &Device,
    ) -> EditBatch {
        let (transpose, band) = augmentation;
        let pitches = band.unwrap_or(config.pitches).min(config.pitches).min(128);
        let mut input = Vec::with_capacity(indices.len() * self.steps * pitches);
        let mut difference = Vec::with_capacity(input.capacity());
        for index in indices {
            let shift = if transpose > 0 { rng.random_range(-transpose..=transpose) } else { 0 };
            let whole = self.window(*index, shift);
            // A configuration that was not checked may have pitches beyond the roll's.
            let low = config.lowest_pitch.saturating_add(band_offset(&whole, config, pitches, rng));
            let low = low.min(whole.ncols().saturating_sub(pitches));
            let clean = whole.slice_axis(Axis(1), Slice::from(low..low + pitches));
            let spoilt = corruption.apply(clean, rng);
            input.extend(spoilt.iter().map(|on| f32::from(u8::from(*on))));
            difference.extend(spoilt.iter().zip(clean.iter()).map(|(a, b)| f32::from(u8::from(a != b))));
        }
        let shape = [indices.len(), self.steps, pitches];
        EditBatch {
            input: Tensor::from_data(TensorData::new(input, shape), device),
            difference: Tensor::from_data(TensorData::new(difference, shape), device),
        }
    }
}

/// The pitches that sound in each step of a `[steps, 128]` roll.
fn pitch_sets(roll: ArrayView2<'_, bool>) -> Vec<u128> {
    let set = |row: ArrayView1<'_, bool>| {
        row.iter().take(128).enumerate().fold(0, |set, (pitch, on)| set | u128::from(*on) << pitch)
    };
    roll.rows().into_iter().map(set).collect()
}

/// The pitches that sound in each sixteenth of a score, all melodic tracks merged.
pub(crate) fn sounding(score: &Score) -> Result<Vec<u128>, ScoreError> {
    Ok(pitch_sets(PianoRoll::from_score(score, StepsPerBeat::DEFAULT)?.sounding()))
}

/// Where a band of `pitches` begins within the network's pitches: anywhere that keeps the window's
/// notes inside, if they fit, else centred on them.
fn band_offset<R: Rng + ?Sized>(
    window: &Array2<bool>,
    config: &ArCnnConfig,
    pitches: usize,
    rng: &mut R,
) -> usize {
    let room = config.pitches - pitches;
    if room == 0 {
        return 0;
    }
    let used = |p: &usize| window.column(*p).iter().any(|on| *on);
    // A configuration that was not checked may have pitches beyond the roll's.
    let end = config.lowest_pitch.saturating_add(config.pitches).min(window.ncols());
    let range = config.lowest_pitch.min(end)..end;
    let (Some(low), Some(high)) = (range.clone().find(used), range.rev().find(used)) else {
        return rng.random_range(0..=room);
    };
    let (low, high) = (low - config.lowest_pitch, high - config.lowest_pitch);
    let first = (high + 1).saturating_sub(pitches);
    let last = low.min(room);
    if first <= last { rng.random_range(first..=last) } else { (first + last) / 2 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    /// A window, cell by cell.
    fn cells(piece: &Array2<bool>, start: usize, steps: usize, transpose: i32) -> Array2<bool> {
        let cells: Vec<(usize, i32)> = (start..(start + steps).min(piece.nrows()))
            .flat_map(|step| (0..128).map(move |pitch| (step, pitch)))
            .filter(|cell| piece[*cell])
            .map(|(step, pitch)| (step - start, pitch as i32))
            .collect();
        let lowest = cells.iter().map(|c| c.1).min().unwrap_or(0);
        let highest = cells.iter().map(|c| c.1).max().unwrap_or(127);
        let shift = transpose.clamp(-lowest, 127 - highest);
        let mut out = Array2::from_elem((steps, 128), false);
        cells.into_iter().for_each(|(step, pitch)| out[[step, (pitch + shift) as usize]] = true);
        out
    }

    #[test]
    fn pitches_beyond_the_roll_are_none() {
        // 64 to 159, of which a roll has 64 to 127; a band of 64 of them.
        let config = ArCnnConfig { lowest_pitch: 64, pitches: 96, ..ArCnnConfig::compact() };
        let windows = RollWindows::new(vec![Array2::from_elem((8, 128), true)], 8, 8);
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let none = Corruption { remove: (0.0, 0.0), add: (0.0, 0.0), ..Corruption::default() };
        let batch = windows.batch(&[0], &config, &none, (0, Some(64)), &mut rng, &Device::default());
        assert_eq!(batch.input.dims(), [1, 8, 64]);
        assert_eq!(batch.input.sum().into_scalar::<f32>(), 512.0);
    }

    proptest! {
        #[test]
        fn windows_are_cut_and_moved_cell_by_cell(
            notes in proptest::collection::vec((0_usize..40, 0_usize..128), 0..12),
            length in 0_usize..40,
            steps in 1_usize..20,
            transpose in -140_i32..140,
        ) {
            let mut piece = Array2::from_elem((length, 128), false);
            notes.into_iter().filter(|(step, _)| *step < length).for_each(|cell| piece[cell] = true);
            let windows = RollWindows::new(vec![piece.clone()], steps, 3);
            let last = length.saturating_sub(steps);
            let starts: Vec<usize> = (0..last).step_by(3).chain([last]).collect();
            prop_assert_eq!(windows.len(), starts.len());
            for (index, start) in starts.into_iter().enumerate() {
                prop_assert_eq!(windows.window(index, transpose), cells(&piece, start, steps, transpose));
            }
            prop_assert!(windows.window(windows.len(), 0).iter().all(|on| !on));
        }
    }
}
