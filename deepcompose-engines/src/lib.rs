//! Engines that run trained music models fast on a CPU: the AR-CNN, the Transformer-XL and the
//! GAN's generator, each prepared once from plain lists of weights.

pub mod ar_cnn;
mod error;
mod gan;
pub mod kernels;
mod transformer;

pub use error::EngineError;
