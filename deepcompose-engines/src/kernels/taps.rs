//! Which pixels a convolution reads.

use super::map::Map;
use super::tile::{Terms, Weights};
use crate::EngineError;

/// Which input pixel a term of a convolution reads: for output `(y, x)` that at row `y × stride + dy` and column
/// `x × stride + dx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// Rows down.
    pub dy: isize,
    /// Columns to the right.
    pub dx: isize,
}

impl Tap {
    /// The nine taps of a 3×3 convolution that keeps the size, row by row.
    pub const SQUARE: [Self; 9] = Self::grid();

    const fn grid() -> [Self; 9] {
        let mut taps = [Self { dy: 0, dx: 0 }; 9];
        let mut i = 0;
        while i < 9 {
            taps[i] = Self { dy: i as isize / 3 - 1, dx: i as isize % 3 - 1 };
            i += 1;
        }
        taps
    }
}

/// The taps of a convolution, checked.
#[derive(Debug, Clone)]
pub(super) struct Taps {
    taps: Vec<Tap>,
    stride: isize,
    /// What a tap reads outside of the input.
    zeros: Vec<f32>,
}

impl Taps {
    pub(super) fn new(taps: &[Tap], stride: usize, channels_in: usize) -> Result<Self, EngineError> {
        const FAR: usize = 1 << 20;
        let out_of_range = |field, value: String, accepted: &str| {
            Err(EngineError::OutOfRange { field, value, accepted: accepted.to_owned() })
        };
        if taps.is_empty() {
            return out_of_range("taps", "0".to_owned(), "1 or more");
        }
        if let Some(tap) = taps.iter().find(|tap| tap.dy.unsigned_abs() > FAR || tap.dx.unsigned_abs() > FAR)
        {
            return out_of_range("tap", format!("({}, {})", tap.dy, tap.dx), "at most 2^20 pixels away");
        }
        let stride = match isize::try_from(stride) {
            Ok(signed) if (1..=FAR).contains(&stride) => signed,
            _ => return out_of_range("stride", stride.to_string(), "1..=2^20"),
        };
        Ok(Self { taps: taps.to_vec(), stride, zeros: vec![0.0; channels_in] })
    }

    pub(super) fn count(&self) -> usize {
        self.taps.len()
    }

    /// The pixel that a tap reads for an output, if it is inside of the input.
    #[inline(always)]
    pub(super) fn read<'a>(&self, input: Map<'a>, tap: usize, (y, x): (usize, usize)) -> Option<&'a [f32]> {
        let Tap { dy, dx } = self.taps[tap];
        input.pixel(y as isize * self.stride + dy, x as isize * self.stride + dx)
    }
}

/// Some taps at some outputs, the blocks of output channels counted from `block` on.
pub(super) struct Pixels<'a, W> {
    pub(super) taps: &'a Taps,
    pub(super) weights: &'a W,
    pub(super) input: Map<'a>,
    pub(super) outputs: &'a [(usize, usize)],
    pub(super) first_tap: usize,
    pub(super) count: usize,
    pub(super) block: usize,
}

impl<W: Weights> Terms for Pixels<'_, W> {
    type Weights = W;

    #[inline(always)]
    fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    fn row(&self, term: usize, row: usize) -> &[f32] {
        self.taps.read(self.input, self.first_tap + term, self.outputs[row]).unwrap_or(&self.taps.zeros)
    }

    #[inline(always)]
    fn weights(&self, term: usize) -> (&W, usize, usize) {
        (self.weights, self.first_tap + term, self.block)
    }
}
