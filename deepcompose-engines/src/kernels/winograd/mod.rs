//! 3×3 convolutions with fewer multiplications: patches of the input are mapped to points, multiplied there, and the
//! products mapped to patches of the output.

mod algorithm;
mod call;
mod steps;

use self::algorithm::{Algorithm, Doubled, Four, MOST, Two};
use self::call::Call;
use super::conv_call::ConvCall;
use super::halves::Halves;
use super::map::{MapMut, Rect, check_length};
use super::panels::Panels;
use super::tile::BLOCK;
use crate::EngineError;

/// Which minimal filtering algorithm a [`Winograd`] convolution uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filtering {
    /// F(2×2, 3×3): 16 multiplications for 36.
    Two,
    /// F(4×4, 3×3): 36 multiplications for 144.
    Four,
    /// Of the input with every row and every column doubled (nearest upsampling by 2): 9 multiplications for 36.
    Doubled,
}

impl Filtering {
    /// Products of a patch: how many weights there are for an input and an output channel.
    #[must_use]
    pub const fn points(self) -> usize {
        match self {
            Self::Two => Two::POINTS * Two::POINTS,
            Self::Four => Four::POINTS * Four::POINTS,
            Self::Doubled => Doubled::POINTS * Doubled::POINTS,
        }
    }

    /// Rows, and columns, of a patch of outputs.
    const fn outputs(self) -> usize {
        match self {
            Self::Two => Two::OUTPUTS,
            Self::Four => Four::OUTPUTS,
            Self::Doubled => Doubled::OUTPUTS,
        }
    }

    /// How many times as high and as wide the output is.
    const fn growth(self) -> usize {
        match self {
            Self::Two | Self::Four => 1,
            Self::Doubled => 2,
        }
    }

    fn weights(self, taps: [f64; 3]) -> [f64; MOST] {
        match self {
            Self::Two => Two::weights(taps),
            Self::Four => Four::weights(taps),
            Self::Doubled => Doubled::weights(taps),
        }
    }
}

/// What the sums of a [`Winograd`] convolution are added to.
#[derive(Debug, Clone, Copy)]
pub enum Addend<'a> {
    /// A number a channel.
    Bias(&'a [f32]),
    /// A map of the output's shape.
    Map(&'a [f32]),
}

/// A 3×3 convolution of stride 1 that keeps the size, outside of the input zero, by a [`Filtering`] algorithm.
///
/// Patches of outputs lie on a fixed grid, and each output is one sum in one order: so a part of the outputs,
/// computed alone, is to the bit what it is among all of them. Channels in and out are multiples of 16.
#[derive(Debug, Clone)]
pub struct Winograd {
    filtering: Filtering,
    stored: Stored,
    zeros: Vec<f32>,
}

#[derive(Debug, Clone)]
enum Stored {
    Floats(Panels),
    Halves(Halves),
}

impl Winograd {
    /// Packs the weights, `[out, in, 3, 3]` as burn and PyTorch have them.
    ///
    /// # Errors
    ///
    /// [`EngineError::OutOfRange`] for channels that are not multiples of 16 above zero, [`EngineError::Length`] for
    /// another number of weights.
    pub fn new(
        filtering: Filtering,
        weights: &[f32],
        channels_in: usize,
        channels_out: usize,
    ) -> Result<Self, EngineError> {
        Self::pack(filtering, weights, channels_in, channels_out, false)
    }

    /// [`new`](Self::new) with weights kept in 16 bits, for where it takes longest to read them: at each point each is
    /// rounded to a step of a scale of its output channel, 1/32 767 of the largest there.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`EngineError::OutOfRange`] for [`Filtering::Four`], which makes errors of products
    /// more than ten times larger.
    pub fn compact(
        filtering: Filtering,
        weights: &[f32],
        channels_in: usize,
        channels_out: usize,
    ) -> Result<Self, EngineError> {
        if filtering == Filtering::Four {
            let (value, accepted) = ("Four".to_owned(), "Two or Doubled with weights of 16 bits".to_owned());
            return Err(EngineError::OutOfRange { field: "filtering", value, accepted });
        }
        Self::pack(filtering, weights, channels_in, channels_out, true)
    }

    fn pack(
        filtering: Filtering,
        weights: &[f32],
        channels_in: usize,
        channels_out: usize,
        is_compact: bool,
    ) -> Result<Self, EngineError> {
        for (field, value) in [("channels_in", channels_in), ("channels_out", channels_out)] {
            if value == 0 || !value.is_multiple_of(BLOCK) {
                let accepted = "a multiple of 16 above zero".to_owned();
                return Err(EngineError::OutOfRange { field, value: value.to_string(), accepted });
            }
        }
        check_length("the convolution's weights", weights.len(), &[channels_out, channels_in, 9])?;
        let (points, side) = (filtering.points(), filtering.points().isqrt());
        let at_point = |point: usize, from: usize, to: usize| {
            let taps = &weights[(to * channels_in + from) * 9..][..9];
            let row = |row: usize| std::array::from_fn(|column| f64::from(taps[row * 3 + column]));
            let rows: [f64; 3] = std::array::from_fn(|index| filtering.weights(row(index))[point % side]);
            filtering.weights(rows)[point / side] as f32
        };
        let stored = if is_compact {
            Stored::Halves(Halves::pack(points, channels_in, channels_out, false, at_point))
        } else {
            Stored::Floats(Panels::pack(points, channels_in, channels_out, at_point))
        };
        Ok(Self { filtering, stored, zeros: vec![0.0; channels_in] })
    }

    /// Channels of the input.
    #[must_use]
    pub const fn channels_in(&self) -> usize {
        self.zeros.len()
    }

    /// Channels of the output.
    #[must_use]
    pub const fn channels_out(&self) -> usize {
        match &self.stored {
            Stored::Floats(panels) => panels.channels(),
            Stored::Halves(halves) => halves.channels(),
        }
    }

    fn blocks(&self) -> usize {
        self.channels_out() / BLOCK
    }

    /// Computes the call's outputs, and those that share a patch with one of them, and writes them to `to`, on
    /// the threads of the current rayon pool. Gives back what it wrote.
    ///
    /// `scratch` is made longer where it must be, which the size of `outputs` and the number of threads decide: a call
    /// in which they are as in one before allocates nothing.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the channels of `input` or `to` are others, if `to` has not the size of the input (twice
    /// that with [`Filtering::Doubled`]) or is placed, if `outputs` is not inside, or for lists of another length
    /// in `begin` and `epilogue`.
    pub fn run(
        &self,
        call: ConvCall<'_, Addend<'_>>,
        to: MapMut<'_>,
        scratch: &mut Vec<f32>,
    ) -> Result<Rect, EngineError> {
        self.check(&call, &to)?;
        let outputs = call.outputs;
        if outputs.is_empty() {
            return Ok(outputs);
        }
        let side = self.filtering.outputs();
        let patches = Rect::between(
            [outputs.top / side, outputs.left / side],
            [outputs.bottom().div_ceil(side), outputs.right().div_ceil(side)],
        );
        let written = Rect::between(
            [patches.top * side, patches.left * side],
            [to.height.min(patches.bottom() * side), to.width.min(patches.right() * side)],
        );
        let call = Call { conv: self, with: call };
        match self.filtering {
            Filtering::Two => call.run::<Two>(to, patches, scratch),
            Filtering::Four => call.run::<Four>(to, patches, scratch),
            Filtering::Doubled => call.run::<Doubled>(to, patches, scratch),
        }
        Ok(written)
    }

    fn check(&self, call: &ConvCall<'_, Addend<'_>>, to: &MapMut<'_>) -> Result<(), EngineError> {
        let ConvCall { input, begin, epilogue, outputs, .. } = *call;
        let growth = self.filtering.growth();
        // A map of no pixels may have any number of rows.
        let [height, width] = [input.height(), input.width()].map(|side| side.saturating_mul(growth));
        for (field, value, accepted) in [
            ("input channels", input.channels(), self.channels_in()),
            ("output channels", to.channels, self.channels_out()),
            ("output rows", to.height, height),
            ("output columns", to.width, width),
        ] {
            if value != accepted {
                let (value, accepted) = (value.to_string(), accepted.to_string());
                return Err(EngineError::OutOfRange { field, value, accepted });
            }
        }
        if to.place != super::Placement::default() {
            let (value, accepted) = (format!("{:?}", to.place), "every output at its own place".to_owned());
            return Err(EngineError::OutOfRange { field: "placement", value, accepted });
        }
        match begin {
            Addend::Bias(bias) => check_length("the bias", bias.len(), &[self.channels_out()])?,
            Addend::Map(map) => check_length("the addend", map.len(), &[height, width, self.channels_out()])?,
        }
        epilogue.check(self.channels_out())?;
        if outputs.is_empty() { Ok(()) } else { to.check(outputs, self.channels_out()) }
    }
}
