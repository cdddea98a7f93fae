//! The inner loops of the training passes that `deepcompose-models` has written by hand. For that crate alone, and no
//! part of this one's interface: like slices, they panic on places outside their lists.

pub use crate::kernels::Instructions;
pub use crate::kernels::gemm::{Begin, End, Packed, Place, multiply};
pub use crate::kernels::gradients::{Pair, Shift, outer_products};
pub use crate::kernels::norm::{
    Slopes, add_columns, add_products, add_squares, gate, normalise, normalise_backward,
};
pub use crate::kernels::pool::{halve, halve_backward};
