//! The inner loops that the engines are made of.
//!
//! Every number that a kernel returns is one sum in one order, whatever the instructions, the number of threads
//! and the part of the work that is asked for. So results are the same to the bit on every machine that multiplies
//! and adds in one rounding, which all of [`Instructions`] do.

mod conv;
mod conv_by_channels;
mod conv_call;
mod epilogue;
pub(crate) mod gan_conv;
pub(crate) mod gan_linear;
pub(crate) mod gan_map;
pub(crate) mod gan_pack;
pub(crate) mod gan_tanh;
pub(crate) mod gan_tile;
pub(crate) mod gemm;
pub(crate) mod gradients;
mod halves;
mod map;
pub(crate) mod norm;
mod panels;
pub(crate) mod pool;
mod product_matrix;
mod product_packed;
mod product_strip;
#[cfg(test)]
mod product_tests;
mod product_tile;
mod rows;
mod rowwise;
mod simd;
mod softmax;
mod taps;
mod tile;
mod winograd;

pub use conv::Conv;
pub use conv_by_channels::CompactConv;
pub use conv_call::ConvCall;
pub use epilogue::{Epilogue, Start};
pub(crate) use map::check_length;
pub use map::{Map, MapMut, Placement, Rect};
pub(crate) use product_matrix::{Matrix, NumberFormat};
pub(crate) use product_packed::{BLOCK, PackedRows};
pub(crate) use product_strip::{STRIP, Strip, StripBf16, StripF32};
pub(crate) use product_tile::{along, tile};
pub(crate) use rows::layer_norm;
pub use simd::Instructions;
pub(crate) use softmax::{exponentials, largest};
pub use taps::Tap;
pub use winograd::{Addend, Filtering, Winograd};
