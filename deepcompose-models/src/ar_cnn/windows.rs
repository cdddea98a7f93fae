//! Pieces as windows of the piano roll.

use burn::tensor::{Device, Tensor, TensorData};
use deepcompose_core::{PianoRoll, Score, ScoreError, StepsPerBeat};
use ndarray::{Array2, Axis, Slice};
use rand::{Rng, RngExt};

use super::{ArCnnConfig, Corruption};

/// Windows over the rolls of a corpus.
#[derive(Debug, Clone)]
pub struct RollWindows {
    pieces: Vec<Array2<bool>>,
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
    /// covered by a window that ends with it.
    #[must_use]
    pub fn new(pieces: Vec<Array2<bool>>, steps: usize, hop: usize) -> Self {
        let mut windows = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let last = piece.nrows().saturating_sub(steps);
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
        let rolls = scores
            .into_iter()
            .map(|score| PianoRoll::from_score(score, StepsPerBeat::DEFAULT).map(|r| r.sounding().to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self::new(rolls, steps, hop))
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
        let end = (start + self.steps).min(piece.nrows());
        let cells: Vec<(usize, i32)> = piece
            .slice_axis(Axis(0), Slice::from(start..end))
            .indexed_iter()
            .filter_map(|((t, p), on)| on.then_some((t, p as i32)))
            .collect();
        let lowest = cells.iter().map(|c| c.1).min().unwrap_or(0);
        let highest = cells.iter().map(|c| c.1).max().unwrap_or(127);
        let shift = transpose.clamp(-lowest, 127 - highest);
        for (t, p) in cells {
            if let Some(cell) = out.get_mut((t, (p + shift) as usize)) {
                *cell = true;
            }
        }
        out
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
        let pitches = band.unwrap_or(config.pitches).min(config.pitches);
        let mut input = Vec::with_capacity(indices.len() * self.steps * pitches);
        let mut difference = Vec::with_capacity(input.capacity());
        for index in indices {
            let shift = if transpose > 0 { rng.random_range(-transpose..=transpose) } else { 0 };
            let whole = self.window(*index, shift);
            let low = config.lowest_pitch + band_offset(&whole, config, pitches, rng);
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
    let range = config.lowest_pitch..config.lowest_pitch + config.pitches;
    let (Some(low), Some(high)) = (range.clone().find(used), range.rev().find(used)) else {
        return rng.random_range(0..=room);
    };
    let (low, high) = (low - config.lowest_pitch, high - config.lowest_pitch);
    let first = (high + 1).saturating_sub(pitches);
    let last = low.min(room);
    if first <= last { rng.random_range(first..=last) } else { (first + last) / 2 }
}
