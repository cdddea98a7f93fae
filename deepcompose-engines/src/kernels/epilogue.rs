//! What is done to a convolution's sums where they are written.

use pulp::Simd;

use super::map::check_length;
use crate::EngineError;

/// What the sums of a convolution start from.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// Zero.
    Zero,
    /// A number a channel.
    Bias(&'a [f32]),
    /// What is there.
    Sums,
}

/// What is done to a convolution's sums where they are written.
#[derive(Debug, Clone, Copy)]
pub enum Epilogue<'a> {
    /// Nothing.
    None,
    /// Numbers that are not above zero become zero.
    Relu,
    /// Numbers that are not above zero are multiplied by the slope.
    LeakyRelu(f32),
    /// `sum × scale + shift`, a pair of them a channel: a batch normalisation.
    Affine {
        /// The factor of each channel.
        scale: &'a [f32],
        /// What is added to each channel.
        shift: &'a [f32],
    },
    /// [`Relu`](Self::Relu), then [`Affine`](Self::Affine).
    ReluAffine {
        /// The factor of each channel.
        scale: &'a [f32],
        /// What is added to each channel.
        shift: &'a [f32],
    },
}

impl Start<'_> {
    pub(crate) fn check(&self, channels: usize) -> Result<(), EngineError> {
        match self {
            Start::Bias(bias) => check_length("the bias", bias.len(), &[channels]),
            Start::Zero | Start::Sums => Ok(()),
        }
    }
}

impl Epilogue<'_> {
    pub(crate) fn check(&self, channels: usize) -> Result<(), EngineError> {
        match self {
            Epilogue::Affine { scale, shift } | Epilogue::ReluAffine { scale, shift } => {
                check_length("the scale", scale.len(), &[channels])?;
                check_length("the shift", shift.len(), &[channels])
            }
            Epilogue::None | Epilogue::Relu | Epilogue::LeakyRelu(_) => Ok(()),
        }
    }

    /// Does it to a vector of channels from `first` on.
    #[inline(always)]
    pub(crate) fn of_vector<S: Simd>(&self, simd: S, x: S::f32s, first: usize) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        let load = |list: &[f32]| S::as_simd_f32s(&list[first..first + S::F32_LANES]).0[0];
        let is_above = simd.less_than_f32s(zero, x);
        match self {
            Epilogue::None => x,
            Epilogue::Relu => simd.select_f32s(is_above, x, zero),
            Epilogue::LeakyRelu(slope) => {
                simd.select_f32s(is_above, x, simd.mul_f32s(x, simd.splat_f32s(*slope)))
            }
            Epilogue::Affine { scale, shift } => simd.mul_add_f32s(x, load(scale), load(shift)),
            Epilogue::ReluAffine { scale, shift } => {
                simd.mul_add_f32s(simd.select_f32s(is_above, x, zero), load(scale), load(shift))
            }
        }
    }

    /// Does it to the sums of the channels from `first` on.
    #[inline(always)]
    pub(crate) fn apply(&self, sums: &mut [f32], first: usize) {
        match self {
            Epilogue::None => {}
            Epilogue::Relu => sums.iter_mut().for_each(|x| *x = relu(*x)),
            Epilogue::LeakyRelu(slope) => {
                sums.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { *x * slope });
            }
            Epilogue::Affine { scale, shift } => {
                for ((x, scale), shift) in sums.iter_mut().zip(&scale[first..]).zip(&shift[first..]) {
                    *x = x.mul_add(*scale, *shift);
                }
            }
            Epilogue::ReluAffine { scale, shift } => {
                for ((x, scale), shift) in sums.iter_mut().zip(&scale[first..]).zip(&shift[first..]) {
                    *x = relu(*x).mul_add(*scale, *shift);
                }
            }
        }
    }
}

/// The same zero for everything that is not above it, which `max` does not promise.
#[inline(always)]
pub(crate) fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}
