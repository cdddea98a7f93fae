//! Scores, piano rolls, tokenizers and metrics for symbolic music.

mod error;
mod meter;
mod score;
mod tempo;
mod units;

pub use error::ScoreError;
pub use meter::{Bar, KeySignature, Mode, TimeSignature};
pub use score::{At, ControlChange, Note, PitchBend, Score, Track};
pub use tempo::{Tempo, TempoMap};
pub use units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};
