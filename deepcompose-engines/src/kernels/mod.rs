//! The inner loops that the engines, and the training steps written by hand, are made of.
//!
//! Every number that a kernel returns is one sum in one order, whatever the instructions, the number of threads
//! and the part of the work that is asked for. So results are the same to the bit on every machine that multiplies
//! and adds in one rounding, which all of [`Instructions`] do.

mod conv;
mod conv_by_channels;
mod epilogue;
mod halves;
mod map;
mod panels;
mod simd;
mod taps;
mod tile;
mod winograd;

pub use conv::Conv;
pub use conv_by_channels::CompactConv;
pub use epilogue::{Epilogue, Start};
pub(crate) use map::check_length;
pub use map::{Map, MapMut, Placement, Rect};
pub use simd::Instructions;
pub use taps::Tap;
pub use winograd::{Addend, Filtering, Winograd};
