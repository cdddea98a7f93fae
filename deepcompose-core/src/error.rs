//! What can be wrong with a value, a score or a piano roll.

use thiserror::Error;

/// A score, or a value of one, that may not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// A number outside its field's range.
    #[error("{field} {value} is out of range: {min}..={max} is accepted")]
    OutOfRange {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given.
        value: i64,
        /// Smallest accepted value.
        min: i64,
        /// Largest accepted value.
        max: i64,
    },
    /// A factor that is no finite number over zero.
    #[error("{field} {value} is out of range: a finite number over 0 is accepted")]
    Factor {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given, as text.
        value: String,
    },
    /// A part of a whole that is no number in 0..=1.
    #[error("{field} {value} is out of range: a number in 0..=1 is accepted")]
    Fraction {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given, as text.
        value: String,
    },
    /// A number outside its field's range, which is not one of integers.
    #[error("{field} {value} is out of range: {accepted} is accepted")]
    Range {
        /// The field, by its name in the docs.
        field: &'static str,
        /// The value given, as text.
        value: String,
        /// What is accepted, in words.
        accepted: &'static str,
    },
    /// A list of times that is not in order, or has a time that may not be there.
    #[error("{what} {index} ({value}) does not follow the one before it in time, or is too far from it")]
    Order {
        /// What the list is of.
        what: &'static str,
        /// Where in the list, from zero.
        index: usize,
        /// The value given, as text.
        value: String,
    },
    /// A time signature whose lower number is no power of two in 1..=128.
    #[error("time signature denominator {0} is not a power of two in 1..=128")]
    Denominator(u32),
    /// A raw event for something that a score holds in a place of its own.
    #[error("meta event type {0:#04x} is none for a raw event: a score holds it elsewhere")]
    MetaType(u8),
    /// A score that asks for more than the stated limit.
    #[error("{what} {value} is over the limit of {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The value asked for.
        value: u64,
        /// The largest value.
        limit: u64,
    },
    /// Arrays whose shape is not that of a piano roll.
    #[error("{what} is {rows} x {columns}: {expected_rows} x {expected_columns} is expected")]
    Shape {
        /// Which array.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// The rows it should have.
        expected_rows: usize,
        /// The columns it should have.
        expected_columns: usize,
    },
    /// A piano roll with an onset in a cell that does not sound.
    #[error("step {step}, pitch {pitch} has an onset but does not sound")]
    SilentOnset {
        /// The row.
        step: usize,
        /// The column.
        pitch: usize,
    },
    /// A track that the score does not have.
    #[error("there is no track {index}: the score has {tracks}")]
    NoSuchTrack {
        /// The index asked for, from zero.
        index: usize,
        /// How many tracks there are.
        tracks: usize,
    },
    /// Drums and other tracks where only one kind can be.
    #[error("track {other} cannot be merged with track {first}: only one of them is drums")]
    MixedDrums {
        /// The track that was first.
        first: usize,
        /// The track of the other kind.
        other: usize,
    },
}
