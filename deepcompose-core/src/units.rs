//! Checked units: the small integers of symbolic music, each with its range.

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($repr:ty), $field:literal, $min:expr, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        pub struct $name($repr);

        impl $name {
            /// The smallest value.
            pub const MIN: Self = Self($min);
            /// The largest value.
            pub const MAX: Self = Self($max);

            /// Checks a value.
            ///
            /// # Errors
            ///
            /// [`ScoreError::OutOfRange`] outside `MIN..=MAX`.
            #[inline]
            pub fn new(value: u32) -> Result<Self, ScoreError> {
                match <$repr>::try_from(value) {
                    Ok(v) if ($min..=$max).contains(&v) => Ok(Self(v)),
                    _ => Err(ScoreError::OutOfRange {
                        field: $field,
                        value: i64::from(value),
                        min: i64::from($min as u32),
                        max: i64::from($max as u32),
                    }),
                }
            }

            /// The nearest value in range.
            #[must_use]
            #[inline]
            pub fn saturating(value: i64) -> Self {
                // The clamp makes the conversion exact.
                Self(value.clamp(i64::from($min as u32), i64::from($max as u32)) as $repr)
            }

            /// The plain number.
            #[must_use]
            #[inline]
            pub const fn get(self) -> $repr {
                self.0
            }
        }

        impl TryFrom<u32> for $name {
            type Error = ScoreError;

            #[inline]
            fn try_from(value: u32) -> Result<Self, ScoreError> {
                Self::new(value)
            }
        }

        impl From<$name> for u32 {
            fn from(value: $name) -> u32 {
                u32::from(value.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

unit!(
    /// A MIDI key number, 0..=127; 60 is middle C (C4).
    Pitch(u8), "pitch", 0, 127
);
unit!(
    /// A note-on velocity, 1..=127 (0 would be a note-off).
    Velocity(u8), "velocity", 1, 127
);
unit!(
    /// A General MIDI program, 0..=127, counted from zero (0 is the acoustic grand piano).
    Program(u8), "program", 0, 127
);
unit!(
    /// A time or a duration in ticks, 0..=2^28 − 1: whatever one MIDI delta time can say.
    Tick(u32), "tick", 0, 0x0FFF_FFFF
);
unit!(
    /// The resolution of a score, 1..=32767 ticks a quarter note.
    TicksPerQuarter(u16), "ticks per quarter", 1, 0x7FFF
);

unit!(
    /// The grid of a piano roll, 1..=960 steps a beat. A beat is a quarter note whatever the metre.
    StepsPerBeat(u16), "steps per beat", 1, 960
);

impl StepsPerBeat {
    /// 4: a step is a sixteenth note, as in all the reference models.
    pub const DEFAULT: Self = Self(4);
}

impl Default for StepsPerBeat {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Pitch {
    /// Middle C.
    pub const MIDDLE_C: Self = Self(60);

    /// Pitch class, 0 (C) to 11 (B).
    #[must_use]
    pub const fn class(self) -> u8 {
        self.0 % 12
    }

    /// The note name in scientific pitch notation, with sharps: `C4` is middle C.
    #[must_use]
    pub fn name(self) -> String {
        const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        format!("{}{}", NAMES[usize::from(self.class())], i32::from(self.0 / 12) - 1)
    }

    /// The pitch `semitones` higher, if it exists.
    #[must_use]
    pub fn transposed(self, semitones: i32) -> Option<Self> {
        let moved = i32::from(self.0).checked_add(semitones)?;
        u32::try_from(moved).ok().and_then(|p| Self::new(p).ok())
    }
}

impl Tick {
    /// The first tick.
    pub const ZERO: Self = Self(0);

    /// `self + other`, at most [`Tick::MAX`].
    #[must_use]
    #[inline]
    pub fn saturating_add(self, other: Self) -> Self {
        Self::saturating(i64::from(self.0) + i64::from(other.0))
    }

    /// `self - other`, at least zero.
    #[must_use]
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Velocity {
    /// The velocity given to a note that has none of its own.
    pub const DEFAULT: Self = Self(80);
}

impl TicksPerQuarter {
    /// 480, what most sequencers write.
    pub const DEFAULT: Self = Self(480);
}

impl Default for TicksPerQuarter {
    fn default() -> Self {
        Self::DEFAULT
    }
}
