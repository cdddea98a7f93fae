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

    /// From quarter notes a minute, rounded to the microsecond: about 3.58 to 120 million are taken.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if the tempo is not a number or MIDI cannot hold it. The error speaks in
    /// whole numbers, of which 4 is the smallest that MIDI can hold.
    pub fn from_bpm(bpm: f64) -> Result<Self, ScoreError> {
        let micros = (60e6 / bpm).round();
        if micros.is_finite() && (1.0..=16_777_215.0).contains(&micros) {
            Self::from_micros(micros as u32)
        } else {
            Err(ScoreError::OutOfRange {
                field: "tempo (quarter notes a minute)",
                value: bpm as i64,
                min: 4,
                max: 120_000_000,
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
    /// Microseconds × ticks a quarter from tick 0 to each change. Integers, so that tick to seconds
    /// to tick is the identity; kept, so that a look-up in a long map stays cheap.
    elapsed: Vec<u64>,
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
    /// tick the last wins. One that says the tempo already in force again is kept, as files have them.
    #[must_use]
    pub fn new(changes: Vec<At<Tempo>>) -> Self {
        let changes = in_order(changes, Some(Tempo::DEFAULT));
        let mut elapsed = Vec::with_capacity(changes.len());
        let (mut before, mut now) = (At { tick: Tick::ZERO, value: Tempo::DEFAULT }, 0);
        for change in &changes {
            // Under 2^28 ticks of under 2^24 microseconds: below 2^52.
            now += micro_ticks(before, change.tick);
            elapsed.push(now);
            before = *change;
        }
        Self { changes, elapsed }
    }

    /// One tempo throughout.
    #[must_use]
    pub fn constant(tempo: Tempo) -> Self {
        Self { changes: vec![At { tick: Tick::ZERO, value: tempo }], elapsed: vec![0] }
    }

    /// The changes in order of time, the first at tick 0.
    #[must_use]
    pub fn changes(&self) -> &[At<Tempo>] {
        &self.changes
    }

    /// The tempo in force at a tick.
    #[must_use]
    pub fn tempo_at(&self, tick: Tick) -> Tempo {
        self.change_before(self.changes.partition_point(|c| c.tick <= tick)).0.value
    }

    /// Seconds from tick 0.
    #[must_use]
    pub fn seconds_at(&self, tick: Tick, ticks_per_quarter: TicksPerQuarter) -> f64 {
        let (change, elapsed) = self.change_before(self.changes.partition_point(|c| c.tick <= tick));
        let micro_ticks = elapsed + micro_ticks(change, tick);
        micro_ticks as f64 / (f64::from(ticks_per_quarter.get()) * 1e6)
    }

    /// The tick nearest to a time; see [`crate::Score::tick_at`].
    #[must_use]
    pub fn tick_at(&self, seconds: f64, ticks_per_quarter: TicksPerQuarter) -> Tick {
        if seconds.is_nan() || seconds <= 0.0 {
            return Tick::ZERO;
        }
        let target = seconds * f64::from(ticks_per_quarter.get()) * 1e6;
        let after = self.elapsed.partition_point(|e| *e as f64 <= target);
        let (change, elapsed) = self.change_before(after);
        let inside = ((target - elapsed as f64) / f64::from(change.value.micros())).round();
        // The conversion saturates.
        Tick::saturating(i64::from(change.tick.get()).saturating_add(inside as i64))
    }

    /// The change before `index` and the micro-ticks up to it.
    fn change_before(&self, index: usize) -> (At<Tempo>, u64) {
        let at = index.saturating_sub(1);
        let first = At { tick: Tick::ZERO, value: Tempo::DEFAULT };
        (self.changes.get(at).copied().unwrap_or(first), self.elapsed.get(at).copied().unwrap_or(0))
    }
}

/// Microseconds × ticks a quarter from a change to a tick at its tempo.
fn micro_ticks(from: At<Tempo>, to: Tick) -> u64 {
    u64::from(to.saturating_sub(from.tick).get()) * u64::from(from.value.micros())
}
