//! The 310 performance events and their ids.

use std::ops::Range;

use super::{TokenId, TokenType};
use crate::units::{Pitch, Velocity};

/// One event of the performance vocabulary (Oore et al. 2018, *This Time with Feeling*, section 3,
/// narrowed to a piano's 88 keys and 10 ms steps up to 1 s).
///
/// | ids | event | values |
/// |---|---|---|
/// | 0..88 | `NOTE_ON` | pitches 21 (A0) to 108 (C8) |
/// | 88..176 | `NOTE_OFF` | pitches 21 to 108 |
/// | 176..276 | `TIME_SHIFT` | 1 to 100 units of 10 ms |
/// | 276..308 | `VELOCITY` | bins 0 to 31, four velocities each |
/// | 308 | `START` | |
/// | 309 | `PAD` | |
///
/// ```
/// use deepcompose_core::PerformanceEvent;
///
/// assert_eq!(PerformanceEvent::from_id(276), Some(PerformanceEvent::Velocity(0)));
/// assert_eq!(PerformanceEvent::TimeShift(100).to_id(), Some(275));
/// assert_eq!(PerformanceEvent::TimeShift(101).to_id(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PerformanceEvent {
    /// The note begins.
    NoteOn(Pitch),
    /// The note ends.
    NoteOff(Pitch),
    /// Time passes: 1..=100 units.
    TimeShift(u8),
    /// The notes that follow have a velocity in this bin, 0..=31.
    Velocity(u8),
    /// A piece begins.
    Start,
    /// Nothing.
    Pad,
}

impl PerformanceEvent {
    /// How many events there are.
    pub const VOCABULARY_SIZE: usize = 310;
    /// The lowest pitch, A0.
    pub const MIN_PITCH: u8 = 21;
    /// The highest pitch, C8.
    pub const MAX_PITCH: u8 = 108;
    /// The longest time shift in units.
    pub const MAX_TIME_SHIFT: u8 = 100;
    /// How many velocity bins there are.
    pub const VELOCITY_BINS: u8 = 32;

    /// The ids of note-ons, from [`PerformanceEvent::MIN_PITCH`] up.
    pub const NOTE_ON_IDS: Range<TokenId> = 0..88;
    /// The ids of note-offs, from [`PerformanceEvent::MIN_PITCH`] up.
    pub const NOTE_OFF_IDS: Range<TokenId> = 88..176;
    /// The ids of time shifts, from 1 unit up.
    pub const TIME_SHIFT_IDS: Range<TokenId> = 176..276;
    /// The ids of velocities, from bin 0 up.
    pub const VELOCITY_IDS: Range<TokenId> = 276..308;
    /// The id of the start event.
    pub const START_ID: TokenId = 308;
    /// The id of the pad event.
    pub const PAD_ID: TokenId = 309;

    /// The event's id; `None` if its value is outside the event's range.
    #[must_use]
    pub fn to_id(self) -> Option<TokenId> {
        let within = |value: u8, first: u8, last: u8, ids: Range<TokenId>| {
            (first..=last).contains(&value).then(|| ids.start + TokenId::from(value - first))
        };
        match self {
            Self::NoteOn(p) => within(p.get(), Self::MIN_PITCH, Self::MAX_PITCH, Self::NOTE_ON_IDS),
            Self::NoteOff(p) => within(p.get(), Self::MIN_PITCH, Self::MAX_PITCH, Self::NOTE_OFF_IDS),
            Self::TimeShift(units) => within(units, 1, Self::MAX_TIME_SHIFT, Self::TIME_SHIFT_IDS),
            Self::Velocity(bin) => within(bin, 0, Self::VELOCITY_BINS - 1, Self::VELOCITY_IDS),
            Self::Start => Some(Self::START_ID),
            Self::Pad => Some(Self::PAD_ID),
        }
    }

    /// The event of an id; `None` outside the vocabulary.
    #[must_use]
    pub fn from_id(id: TokenId) -> Option<Self> {
        // The ranges keep every offset under 100.
        let offset = |ids: Range<TokenId>| (id - ids.start) as u8;
        let pitch = |ids| Pitch::saturating(i64::from(Self::MIN_PITCH + offset(ids)));
        match id {
            0..88 => Some(Self::NoteOn(pitch(Self::NOTE_ON_IDS))),
            88..176 => Some(Self::NoteOff(pitch(Self::NOTE_OFF_IDS))),
            176..276 => Some(Self::TimeShift(offset(Self::TIME_SHIFT_IDS) + 1)),
            276..308 => Some(Self::Velocity(offset(Self::VELOCITY_IDS))),
            Self::START_ID => Some(Self::Start),
            Self::PAD_ID => Some(Self::Pad),
            _ => None,
        }
    }

    /// The event's type.
    #[must_use]
    pub const fn token_type(self) -> TokenType {
        match self {
            Self::NoteOn(_) => TokenType::NoteOn,
            Self::NoteOff(_) => TokenType::NoteOff,
            Self::TimeShift(_) => TokenType::TimeShift,
            Self::Velocity(_) => TokenType::Velocity,
            Self::Start => TokenType::Start,
            Self::Pad => TokenType::Pad,
        }
    }

    /// The bin of a velocity: `(velocity − 1) / 4`, rounded down.
    #[must_use]
    pub const fn velocity_bin(velocity: Velocity) -> u8 {
        (velocity.get() - 1) / 4
    }

    /// The velocity that a bin stands for, `4·bin + 3`: within 2 of every velocity of the bin.
    /// Bins over 31 are taken as 31.
    #[must_use]
    pub fn bin_velocity(bin: u8) -> Velocity {
        Velocity::saturating(4 * i64::from(bin.min(Self::VELOCITY_BINS - 1)) + 3)
    }

    /// The time shifts that pass `units`: as many of 100 units as there are, then the rest.
    pub fn time_shifts(units: u64) -> impl Iterator<Item = TokenId> {
        let longest = u64::from(Self::MAX_TIME_SHIFT);
        let whole = usize::try_from(units / longest).unwrap_or(usize::MAX);
        let id = |units: u64| Self::TIME_SHIFT_IDS.start + (units - 1) as TokenId;
        let rest = units % longest;
        std::iter::repeat_n(id(longest), whole).chain((rest > 0).then(|| id(rest)))
    }
}

/// The event's name, such as `NOTE_ON_60`.
impl std::fmt::Display for PerformanceEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoteOn(pitch) => write!(f, "NOTE_ON_{pitch}"),
            Self::NoteOff(pitch) => write!(f, "NOTE_OFF_{pitch}"),
            Self::TimeShift(units) => write!(f, "TIME_SHIFT_{units}"),
            Self::Velocity(bin) => write!(f, "VELOCITY_{bin}"),
            Self::Start => f.write_str("START"),
            Self::Pad => f.write_str("PAD"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_vocabulary_is_the_references() {
        let event = |id| PerformanceEvent::from_id(id).map(|e| e.to_string()).unwrap_or_default();
        let named = [
            (0, "NOTE_ON_21"),
            (39, "NOTE_ON_60"),
            (87, "NOTE_ON_108"),
            (88, "NOTE_OFF_21"),
            (127, "NOTE_OFF_60"),
            (175, "NOTE_OFF_108"),
            (176, "TIME_SHIFT_1"),
            (275, "TIME_SHIFT_100"),
            (276, "VELOCITY_0"),
            (307, "VELOCITY_31"),
            (308, "START"),
            (309, "PAD"),
            (310, ""),
            (u32::MAX, ""),
        ];
        for (id, name) in named {
            assert_eq!(event(id), name, "id {id}");
        }
        assert_eq!(88 + 88 + 100 + 32 + 2, PerformanceEvent::VOCABULARY_SIZE);
        for id in 0..PerformanceEvent::VOCABULARY_SIZE as TokenId {
            assert_eq!(PerformanceEvent::from_id(id).unwrap().to_id(), Some(id));
        }
        for pitch in [0, 20, 109, 127] {
            let pitch = Pitch::new(pitch).unwrap();
            assert_eq!(PerformanceEvent::NoteOn(pitch).to_id(), None);
            assert_eq!(PerformanceEvent::NoteOff(pitch).to_id(), None);
        }
        assert_eq!(PerformanceEvent::TimeShift(0).to_id(), None);
        assert_eq!(PerformanceEvent::Velocity(32).to_id(), None);
    }

    #[test]
    fn velocity_bins_cover_1_to_127_within_2() {
        let bins: Vec<u8> = [1, 4, 5, 8, 80, 81, 124, 125, 127]
            .map(|v| PerformanceEvent::velocity_bin(Velocity::new(v).unwrap()))
            .to_vec();
        assert_eq!(bins, [0, 0, 1, 1, 19, 20, 30, 31, 31]);
        for v in 1..=127 {
            let bin = PerformanceEvent::velocity_bin(Velocity::new(v).unwrap());
            let back = PerformanceEvent::bin_velocity(bin);
            assert!(back.get().abs_diff(v as u8) <= 2);
            assert_eq!(PerformanceEvent::velocity_bin(back), bin);
        }
        assert_eq!(PerformanceEvent::bin_velocity(255), Velocity::MAX);
    }

    #[test]
    fn time_shifts_are_longest_first() {
        let shifts = |units| PerformanceEvent::time_shifts(units).map(|id| id - 175).collect::<Vec<_>>();
        assert_eq!(shifts(0), [0_u32; 0]);
        assert_eq!(shifts(1), [1]);
        assert_eq!(shifts(100), [100]);
        assert_eq!(shifts(101), [100, 1]);
        assert_eq!(shifts(350), [100, 100, 100, 50]);
    }
}
