//! The inner loops that the engines, and the training steps written by hand, are made of.
//!
//! Every number that a kernel returns is one sum in one order, whatever the instructions, the number of threads
//! and the part of the work that is asked for. So results are the same to the bit on every machine that multiplies
//! and adds in one rounding, which all of [`Instructions`] do.

pub(crate) mod gan_conv;
pub(crate) mod gan_linear;
pub(crate) mod gan_map;
pub(crate) mod gan_pack;
pub(crate) mod gan_tanh;
pub(crate) mod gan_tile;
mod simd;

pub use simd::Instructions;
