//! The softmax that both samplers draw from, in vector instructions.
//!
//! The functions are plain loops over blocks of a fixed size, inlined into a kernel that [`pulp`]
//! compiles once for each set of instructions and chooses from at run time. Every number is the
//! same whichever is chosen: multiply-adds are fused everywhere, and sums are taken in an order
//! that the length of the input alone decides.

mod blocks;
mod exp2;
mod scan;
mod weights;

pub(crate) use blocks::{BLOCK, Blocks, fill};
pub(crate) use scan::{Scan, float_of, order_of, scan};
pub(crate) use weights::{Keep, LANES, Temper, Weights, halved};

/// Every set of instructions that this machine has.
#[cfg(test)]
pub(crate) fn instructions() -> Vec<pulp::Arch> {
    #[cfg(target_arch = "x86_64")]
    let own = [pulp::x86::V4::try_new().map(pulp::Arch::V4), pulp::x86::V3::try_new().map(pulp::Arch::V3)];
    #[cfg(target_arch = "aarch64")]
    let own = [pulp::aarch64::Neon::try_new().map(pulp::Arch::Neon)];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let own: [Option<pulp::Arch>; 0] = [];
    own.into_iter().flatten().chain([pulp::Arch::Scalar]).collect()
}
