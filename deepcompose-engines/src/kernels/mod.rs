//! The inner loops that the engines, and the training steps written by hand, are made of.
//!
//! Every number that a kernel returns is one sum in one order, whatever the instructions, the number of threads
//! and the part of the work that is asked for. So results are the same to the bit on every machine that multiplies
//! and adds in one rounding, which all of [`Instructions`] do.

mod conv;
mod conv_by_channels;
mod epilogue;
mod gemm;
mod gradients;
mod map;
mod norm;
mod panels;
mod pool;
mod rowwise;
mod simd;
mod tile;
mod winograd;

pub use conv::{Conv, Tap};
pub use epilogue::{Epilogue, Start};
pub use gemm::{Begin, End, Packed, Place, multiply};
pub use gradients::{Pair, Shift, outer_products};
pub(crate) use map::check_length;
pub use map::{Map, MapMut, Placement, Rect};
pub use norm::{Slopes, add_columns, add_products, add_squares, gate, normalise, normalise_backward};
pub use pool::{halve, halve_backward};
pub use simd::Instructions;
pub use winograd::{Addend, Filtering, Winograd};
