//! [`ControlChange`], [`PitchBend`] and [`Pressure`]: what shapes the notes of a channel.

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;
use crate::units::Pitch;

/// Checks a number of seven bits.
fn seven_bits(field: &'static str, value: u8) -> Result<u8, ScoreError> {
    if value > 127 {
        return Err(ScoreError::OutOfRange { field, value: value.into(), min: 0, max: 127 });
    }
    Ok(value)
}

/// A control change: controller 0..=127 is set to 0..=127. Controller 64 is the sustain pedal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u8, u8)", into = "(u8, u8)")]
pub struct ControlChange {
    controller: u8,
    value: u8,
}

impl ControlChange {
    /// The sustain pedal's controller number.
    pub const SUSTAIN: u8 = 64;

    /// Checks a control change.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if either number is over 127.
    #[inline]
    pub fn new(controller: u8, value: u8) -> Result<Self, ScoreError> {
        let controller = seven_bits("controller", controller)?;
        Ok(Self { controller, value: seven_bits("control value", value)? })
    }

    /// The controller's number, 0..=127.
    #[must_use]
    #[inline]
    pub const fn controller(self) -> u8 {
        self.controller
    }

    /// The value it is set to, 0..=127.
    #[must_use]
    #[inline]
    pub const fn value(self) -> u8 {
        self.value
    }
}

impl TryFrom<(u8, u8)> for ControlChange {
    type Error = ScoreError;

    fn try_from((controller, value): (u8, u8)) -> Result<Self, ScoreError> {
        Self::new(controller, value)
    }
}

impl From<ControlChange> for (u8, u8) {
    fn from(c: ControlChange) -> Self {
        (c.controller, c.value)
    }
}

/// A pitch bend, −8192..=8191, zero at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i16", into = "i16")]
pub struct PitchBend(i16);

impl PitchBend {
    /// Checks a bend.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] outside −8192..=8191.
    #[inline]
    pub fn new(value: i16) -> Result<Self, ScoreError> {
        if (-8192..=8191).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ScoreError::OutOfRange { field: "pitch bend", value: value.into(), min: -8192, max: 8191 })
        }
    }

    /// The plain number.
    #[must_use]
    #[inline]
    pub const fn get(self) -> i16 {
        self.0
    }
}

impl TryFrom<i16> for PitchBend {
    type Error = ScoreError;

    fn try_from(value: i16) -> Result<Self, ScoreError> {
        Self::new(value)
    }
}

impl From<PitchBend> for i16 {
    fn from(b: PitchBend) -> i16 {
        b.0
    }
}

/// Aftertouch: how hard a key that is down, or the whole keyboard, is pressed, 0..=127.
///
/// ```
/// use deepcompose_core::{Pitch, Pressure};
///
/// assert_eq!(Pressure::key(Pitch::MIDDLE_C, 100)?.pitch(), Some(Pitch::MIDDLE_C));
/// assert_eq!(Pressure::channel(100)?.pitch(), None);
/// assert!(Pressure::channel(128).is_err());
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(Option<Pitch>, u8)", into = "(Option<Pitch>, u8)")]
pub struct Pressure {
    pitch: Option<Pitch>,
    value: u8,
}

impl Pressure {
    /// The pressure on one key (polyphonic key pressure).
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if the value is over 127.
    #[inline]
    pub fn key(pitch: Pitch, value: u8) -> Result<Self, ScoreError> {
        Self::try_from((Some(pitch), value))
    }

    /// The pressure on all keys of the channel.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if the value is over 127.
    #[inline]
    pub fn channel(value: u8) -> Result<Self, ScoreError> {
        Self::try_from((None, value))
    }

    /// The key; `None` if all are meant.
    #[must_use]
    pub const fn pitch(self) -> Option<Pitch> {
        self.pitch
    }

    /// How hard, 0..=127.
    #[must_use]
    #[inline]
    pub const fn value(self) -> u8 {
        self.value
    }
}

impl TryFrom<(Option<Pitch>, u8)> for Pressure {
    type Error = ScoreError;

    fn try_from((pitch, value): (Option<Pitch>, u8)) -> Result<Self, ScoreError> {
        Ok(Self { pitch, value: seven_bits("pressure", value)? })
    }
}

impl From<Pressure> for (Option<Pitch>, u8) {
    fn from(p: Pressure) -> Self {
        (p.pitch, p.value)
    }
}
