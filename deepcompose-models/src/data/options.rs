//! [`CorpusOptions`]: how a corpus is read.

use deepcompose_midi::Limits;

use super::{CorpusError, SplitShares};
use crate::gan::Genre;

/// How a corpus is read.
///
/// ```
/// use deepcompose_models::data::{CorpusOptions, SplitShares};
/// use deepcompose_models::gan::Genre;
///
/// let options =
///     CorpusOptions { shares: SplitShares::new(0.05, 0.05)?, genre: Genre::Rock, ..CorpusOptions::default() };
/// assert_eq!(options.min_notes, 8);
/// # Ok::<(), deepcompose_models::data::CorpusError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CorpusOptions {
    /// What is held out. A JSON file that has splits of its own keeps them.
    pub shares: SplitShares,
    /// The genre of pieces whose folder is not named after one. Default [`Genre::Pop`].
    pub genre: Genre,
    /// The fewest notes of a piece, 1 or more. Default 8.
    pub min_notes: usize,
    /// How many folders deep files are looked for, 1 to 64. Default 16.
    pub depth: usize,
    /// What one MIDI file may ask for.
    pub limits: Limits,
}

impl Default for CorpusOptions {
    fn default() -> Self {
        Self {
            shares: SplitShares::default(),
            genre: Genre::Pop,
            min_notes: 8,
            depth: 16,
            limits: Limits::default(),
        }
    }
}

impl CorpusOptions {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Option`] with the field, its value and what is accepted.
    pub fn validate(&self) -> Result<(), CorpusError> {
        let wrong = |field, value: usize, accepted| {
            Err(CorpusError::Option { field, value: value.to_string(), accepted })
        };
        match self {
            Self { min_notes: 0, .. } => wrong("min_notes", 0, "1 or more"),
            Self { depth, .. } if !(1..=64).contains(depth) => wrong("depth", *depth, "1 to 64"),
            _ => Ok(()),
        }
    }
}
