//! Time signatures, key signatures, bars and beats.

mod beats;
mod map;

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;
use crate::score::At;
use crate::units::{Tick, TicksPerQuarter};

pub use beats::Beat;
pub(crate) use map::in_force;
pub use map::{MeterMap, Position};

/// A time signature: `numerator` notes of `1/denominator` a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct TimeSignature {
    numerator: u8,
    denominator: u8,
}

impl TimeSignature {
    /// 4/4.
    pub const COMMON: Self = Self { numerator: 4, denominator: 4 };

    /// Checks a time signature.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] for a numerator outside 1..=255, [`ScoreError::Denominator`] for
    /// a denominator that is no power of two in 1..=128.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, ScoreError> {
        let n = u8::try_from(numerator).ok().filter(|n| *n > 0).ok_or(ScoreError::OutOfRange {
            field: "time signature numerator",
            value: numerator.into(),
            min: 1,
            max: 255,
        })?;
        match u8::try_from(denominator) {
            Ok(d) if d.is_power_of_two() => Ok(Self { numerator: n, denominator: d }),
            _ => Err(ScoreError::Denominator(denominator)),
        }
    }

    /// The upper number.
    #[must_use]
    pub const fn numerator(self) -> u8 {
        self.numerator
    }

    /// The lower number.
    #[must_use]
    pub const fn denominator(self) -> u8 {
        self.denominator
    }

    /// The length of a bar in ticks, at least 1 (rounded down where the resolution is too coarse).
    #[must_use]
    pub fn bar_ticks(self, ticks_per_quarter: TicksPerQuarter) -> Tick {
        let ticks =
            u64::from(ticks_per_quarter.get()) * 4 * u64::from(self.numerator) / u64::from(self.denominator);
        Tick::saturating((ticks as i64).max(1))
    }

    /// The length of a bar in quarter notes.
    #[must_use]
    pub fn quarters(self) -> f64 {
        4.0 * f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl Default for TimeSignature {
    /// 4/4, which MIDI takes where nothing is said.
    fn default() -> Self {
        Self::COMMON
    }
}

impl TryFrom<(u32, u32)> for TimeSignature {
    type Error = ScoreError;

    fn try_from((n, d): (u32, u32)) -> Result<Self, ScoreError> {
        Self::new(n, d)
    }
}

impl From<TimeSignature> for (u32, u32) {
    fn from(t: TimeSignature) -> Self {
        (t.numerator.into(), t.denominator.into())
    }
}

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Major.
    Major,
    /// Minor.
    Minor,
}

/// A key signature: −7 (seven flats) to 7 (seven sharps), major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(i8, Mode)", into = "(i8, Mode)")]
pub struct KeySignature {
    sharps: i8,
    mode: Mode,
}

impl KeySignature {
    /// Checks a key signature.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] outside −7..=7.
    pub fn new(sharps: i8, mode: Mode) -> Result<Self, ScoreError> {
        if (-7..=7).contains(&sharps) {
            Ok(Self { sharps, mode })
        } else {
            Err(ScoreError::OutOfRange { field: "key signature", value: sharps.into(), min: -7, max: 7 })
        }
    }

    /// Sharps, or flats if negative.
    #[must_use]
    pub const fn sharps(self) -> i8 {
        self.sharps
    }

    /// Major or minor.
    #[must_use]
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// Pitch class of the tonic, 0 (C) to 11 (B).
    #[must_use]
    pub fn tonic(self) -> u8 {
        let major = (i32::from(self.sharps) * 7).rem_euclid(12);
        let tonic = match self.mode {
            Mode::Major => major,
            Mode::Minor => (major + 9) % 12,
        };
        tonic as u8
    }
}

impl TryFrom<(i8, Mode)> for KeySignature {
    type Error = ScoreError;

    fn try_from((sharps, mode): (i8, Mode)) -> Result<Self, ScoreError> {
        Self::new(sharps, mode)
    }
}

impl From<KeySignature> for (i8, Mode) {
    fn from(k: KeySignature) -> Self {
        (k.sharps, k.mode)
    }
}

/// One bar of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Counted from zero.
    pub index: usize,
    /// First tick.
    pub start: Tick,
    /// One past the last tick.
    pub end: Tick,
    /// The time signature in force.
    pub time_signature: TimeSignature,
}

/// Bars under `signatures` (sorted, the first at tick 0) until [`Tick::MAX`].
pub(crate) fn bars(
    signatures: &[At<TimeSignature>],
    ticks_per_quarter: TicksPerQuarter,
) -> impl Iterator<Item = Bar> + '_ {
    let mut start = Tick::ZERO;
    let mut index = 0;
    std::iter::from_fn(move || {
        if start >= Tick::MAX {
            return None;
        }
        let after = signatures.partition_point(|s| s.tick <= start);
        let time_signature =
            signatures.get(after.saturating_sub(1)).map_or(TimeSignature::COMMON, |s| s.value);
        let full = start.saturating_add(time_signature.bar_ticks(ticks_per_quarter));
        let end = signatures.get(after).map_or(full, |next| full.min(next.tick));
        let bar = Bar { index, start, end, time_signature };
        start = end;
        index += 1;
        Some(bar)
    })
}

#[cfg(test)]
mod tests;
