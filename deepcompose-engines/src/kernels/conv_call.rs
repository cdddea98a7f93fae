//! What a convolution is run with.

use super::epilogue::{Epilogue, Start};
use super::map::{Map, MapMut, Rect};
use super::simd::Instructions;
use crate::EngineError;

/// What a convolution is run with, but for where its outputs go.
///
/// `B` is [`Start`] for direct convolutions and [`Addend`](super::Addend) for [`Winograd`](super::Winograd)'s.
#[derive(Debug, Clone, Copy)]
pub struct ConvCall<'a, B = Start<'a>> {
    /// The vector instructions.
    pub instructions: Instructions,
    /// The input.
    pub input: Map<'a>,
    /// What the sums start from, or are added to.
    pub begin: B,
    /// What is done to the sums where they are written.
    pub epilogue: Epilogue<'a>,
    /// Which outputs are computed.
    pub outputs: Rect,
}

impl ConvCall<'_> {
    /// Checks what a direct convolution is called with.
    pub(super) fn check(
        &self,
        [channels_in, channels_out]: [usize; 2],
        to: &MapMut<'_>,
    ) -> Result<(), EngineError> {
        if self.input.channels() != channels_in {
            return Err(EngineError::OutOfRange {
                field: "input channels",
                value: self.input.channels().to_string(),
                accepted: channels_in.to_string(),
            });
        }
        self.begin.check(channels_out)?;
        self.epilogue.check(channels_out)?;
        if self.outputs.is_empty() { Ok(()) } else { to.check(self.outputs, channels_out) }
    }
}
