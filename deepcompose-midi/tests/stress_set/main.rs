//! Files made to break a reader, and what they cost.
//!
//! Each case makes its file in memory, reads it, and checks what came of it against what its
//! construction says must come of it. How time and memory grow is checked by doubling: see
//! [`measure`]. Sizes are a million events in an optimised build and an eighth of that otherwise;
//! `cargo test --release -p deepcompose-midi --test stress_set -- --nocapture` prints what each case
//! took.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod files;
mod measure;
mod reading;
mod refusing;
mod using;
mod writing;

use deepcompose_core::Score;
use deepcompose_midi::{Limits, MidiError, ReadReport, Reader};

/// Events of the large files.
const MANY: usize = if cfg!(debug_assertions) { 125_000 } else { 1_000_000 };

/// Reads under no limits, and mends what can be mended.
fn read(bytes: &[u8]) -> Result<(Score, ReadReport), MidiError> {
    Reader::new().limits(Limits::unlimited()).read_bytes(bytes)
}

/// Reads under no limits, and refuses what is damaged.
fn read_strict(bytes: &[u8]) -> Result<(Score, ReadReport), MidiError> {
    Reader::new().limits(Limits::unlimited()).strict(true).read_bytes(bytes)
}

/// Reads under the default limits.
fn read_limited(bytes: &[u8]) -> Result<(Score, ReadReport), MidiError> {
    Reader::new().read_bytes(bytes)
}
