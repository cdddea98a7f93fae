//! [`TempoMap`]: ticks to seconds and back.

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;
use crate::score::{At, in_order};
use crate::units::{Tick, TicksPerQuarter};

/// A tempo, kept as MIDI keeps it: 1..=16 777 215 microseconds a quarter note (about 3.58
/// quarter notes a minute and up).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Tempo(u32);

impl Tempo {
    /// 120 quarter notes a minute, MIDI's default.
    pub const DEFAULT: Self = Self(500_000);

    /// From microseconds a quarter note.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] outside 1..=16 777 215.
    pub fn from_micros(micros: u32) -> Result<Self, ScoreError> {
        if (1..=0x00FF_FFFF).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(ScoreError::OutOfRange {
                field: "tempo (microseconds a quarter)",
                value: micros.into(),
                min: 1,
                max: 0x00FF_FFFF,
            })
        }
    }

    /// From quarter notes a minute, rounded to the microsecond.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if the tempo is not a number or MIDI cannot hold it.
    pub fn from_bpm(bpm: f64) -> Result<Self, ScoreError> {
        let micros = (60e6 / bpm).round();
        if micros.is_finite() && (1.0..=16_777_215.0).contains(&micros) {
            Self::from_micros(micros as u32)
        } else {
            Err(ScoreError::OutOfRange {
                field: "tempo (quarter notes a minute)",
                value: bpm as i64,
                min: 4,
                max: 60_000_000,
            })
        }
    }

    /// Microseconds a quarter note.
    #[must_use]
    pub const fn micros(self) -> u32 {
        self.0
    }

    /// Quarter notes a minute.
    #[must_use]
    pub fn bpm(self) -> f64 {
        60e6 / f64::from(self.0)
    }
}

impl Default for Tempo {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<u32> for Tempo {
    type Error = ScoreError;

    fn try_from(value: u32) -> Result<Self, ScoreError> {
        Self::from_micros(value)
    }
}

impl From<Tempo> for u32 {
    fn from(t: Tempo) -> u32 {
        t.0
    }
}

/// The tempo changes of a score. The first is always at tick 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<At<Tempo>>", into = "Vec<At<Tempo>>")]
pub struct TempoMap {
    changes: Vec<At<Tempo>>,
}

impl Default for TempoMap {
    fn default() -> Self {
        Self::constant(Tempo::DEFAULT)
    }
}

impl From<Vec<At<Tempo>>> for TempoMap {
    fn from(changes: Vec<At<Tempo>>) -> Self {
        Self::new(changes)
    }
}

impl From<TempoMap> for Vec<At<Tempo>> {
    fn from(map: TempoMap) -> Self {
        map.changes
    }
}

impl TempoMap {
    /// A map of these changes. 120 beats a minute is in force before the first; of several at one
    /// tick the last wins; a change to the tempo already in force is dropped.
    #[must_use]
    pub fn new(changes: Vec<At<Tempo>>) -> Self {
        Self { changes: in_order(changes, Some(Tempo::DEFAULT)) }
    }

    /// One tempo throughout.
    #[must_use]
    pub fn constant(tempo: Tempo) -> Self {
        Self { changes: vec![At { tick: Tick::ZERO, value: tempo }] }
    }

    /// The changes in order of time, the first at tick 0.
    #[must_use]
    pub fn changes(&self) -> &[At<Tempo>] {
        &self.changes
    }

    /// The tempo in force at a tick.
    #[must_use]
    pub fn tempo_at(&self, tick: Tick) -> Tempo {
        let after = self.changes.partition_point(|c| c.tick <= tick);
        self.changes.get(after.saturating_sub(1)).map_or(Tempo::DEFAULT, |c| c.value)
    }

    /// Seconds from tick 0.
    #[must_use]
    pub fn seconds_at(&self, tick: Tick, ticks_per_quarter: TicksPerQuarter) -> f64 {
        // Integer micro-ticks: exact, so that tick → seconds → tick is the identity.
        let micro_ticks: u128 = self
            .segments()
            .take_while(|(from, _, _)| *from < tick)
            .map(|(from, to, tempo)| u128::from(to.min(tick).get() - from.get()) * u128::from(tempo.micros()))
            .sum();
        micro_ticks as f64 / (f64::from(ticks_per_quarter.get()) * 1e6)
    }

    /// The tick nearest to a time; see [`crate::Score::tick_at`].
    #[must_use]
    pub fn tick_at(&self, seconds: f64, ticks_per_quarter: TicksPerQuarter) -> Tick {
        if seconds.is_nan() || seconds <= 0.0 {
            return Tick::ZERO;
        }
        let target = seconds * f64::from(ticks_per_quarter.get()) * 1e6;
        let mut before = 0.0;
        for (from, to, tempo) in self.segments() {
            let rate = f64::from(tempo.micros());
            let length = f64::from(to.get() - from.get()) * rate;
            if target <= before + length {
                let inside = ((target - before) / rate).round();
                return Tick::saturating(i64::from(from.get()) + inside as i64);
            }
            before += length;
        }
        Tick::MAX
    }

    /// `(from, to, tempo)`, the last one ending at [`Tick::MAX`].
    fn segments(&self) -> impl Iterator<Item = (Tick, Tick, Tempo)> + '_ {
        let ends = self.changes.iter().skip(1).map(|c| c.tick).chain([Tick::MAX]);
        self.changes.iter().zip(ends).map(|(c, to)| (c.tick, to, c.value))
    }
}
