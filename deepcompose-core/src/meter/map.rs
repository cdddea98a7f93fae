//! [`MeterMap`]: ticks to bars and beats, and back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Bar, Beat, KeySignature, TimeSignature};
use crate::error::ScoreError;
use crate::score::{At, Score, in_order, without_repeats};
use crate::tempo::Tempo;
use crate::units::{Tick, TicksPerQuarter};

/// A place in a score as musicians count: all three from zero.
///
/// It is printed as sequencers do, bars and beats counted from one: `1:1:0` is the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The bar.
    pub bar: usize,
    /// The beat of the bar; see [`TimeSignature::beats`].
    pub beat: usize,
    /// Ticks from the start of the beat.
    pub tick: Tick,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.bar.saturating_add(1), self.beat.saturating_add(1), self.tick)
    }
}

/// Where the bars of a score are. A look-up takes time in the logarithm of the number of time
/// signatures, however far from the start it is.
///
/// ```
/// use deepcompose_core::{InputTrack, Position, Tick};
///
/// let score = InputTrack::OdeToJoy.score(); // 4/4, 480 ticks a quarter
/// let meter = score.meter_map();
/// let position = meter.position(Tick::new(4 * 480 + 500)?);
/// assert_eq!(position, Position { bar: 1, beat: 1, tick: Tick::new(20)? });
/// assert_eq!(position.to_string(), "2:2:20");
/// assert_eq!(meter.tick(position)?, Tick::new(4 * 480 + 500)?);
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterMap {
    segments: Vec<Segment>,
    ticks_per_quarter: TicksPerQuarter,
}

/// Bars of one time signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    start: Tick,
    /// Where the next time signature begins.
    end: Tick,
    first_bar: usize,
    time_signature: TimeSignature,
    bar_ticks: Tick,
}

impl MeterMap {
    /// The bars under these time signatures, which are put in order as in
    /// [`Score::set_time_signatures`].
    #[must_use]
    pub fn new(signatures: &[At<TimeSignature>], ticks_per_quarter: TicksPerQuarter) -> Self {
        let signatures = without_repeats(in_order(signatures.to_vec(), Some(TimeSignature::COMMON)));
        let mut segments = Vec::with_capacity(signatures.len());
        let mut first_bar = 0;
        for (i, signature) in signatures.iter().enumerate() {
            let end = signatures.get(i + 1).map_or(Tick::MAX, |next| next.tick);
            let bar_ticks = signature.value.bar_ticks(ticks_per_quarter);
            let time_signature = signature.value;
            segments.push(Segment { start: signature.tick, end, first_bar, time_signature, bar_ticks });
            first_bar += end.saturating_sub(signature.tick).get().div_ceil(bar_ticks.get()) as usize;
        }
        Self { segments, ticks_per_quarter }
    }

    /// The bar that a tick is in.
    #[must_use]
    pub fn bar_at(&self, tick: Tick) -> Bar {
        let segment = self.segment(self.segments.partition_point(|s| s.start <= tick));
        segment.bar((tick.saturating_sub(segment.start).get() / segment.bar_ticks.get()) as usize)
    }

    /// A bar, counted from zero; `None` if it would begin past [`Tick::MAX`].
    #[must_use]
    pub fn bar(&self, index: usize) -> Option<Bar> {
        let segment = self.segment(self.segments.partition_point(|s| s.first_bar <= index));
        let inside = index.saturating_sub(segment.first_bar);
        let ticks = (inside as u64).checked_mul(segment.bar_ticks.get().into())?;
        (ticks <= u64::from(Tick::MAX.saturating_sub(segment.start).get())).then(|| segment.bar(inside))
    }

    /// The beat that a tick is in.
    #[must_use]
    pub fn beat_at(&self, tick: Tick) -> Beat {
        let bar = self.bar_at(tick);
        let first = Beat { bar: bar.index, index: 0, start: bar.start, end: bar.end };
        bar.beats(self.ticks_per_quarter).take_while(|beat| beat.start <= tick).last().unwrap_or(first)
    }

    /// A beat by its number from tick 0, counted from zero through all bars; `None` if it would
    /// begin past [`Tick::MAX`]. Takes time in the number of time signatures.
    #[must_use]
    pub fn beat(&self, index: usize) -> Option<Beat> {
        let mut before = 0;
        for segment in &self.segments {
            // Not all that the metre has, where the resolution is too coarse for them.
            let full = Bar { end: segment.start.saturating_add(segment.bar_ticks), ..segment.bar(0) };
            let a_bar = full.beats(self.ticks_per_quarter).count().max(1);
            let length = segment.end.saturating_sub(segment.start).get();
            let whole = (length / segment.bar_ticks.get()) as usize;
            // Beats of the whole bars, then of a bar that is cut short.
            let cut = segment.bar(whole);
            let rest = if cut.start < segment.end { cut.beats(self.ticks_per_quarter).count() } else { 0 };
            let beats = whole.saturating_mul(a_bar).saturating_add(rest);
            let inside = index - before;
            if inside < beats {
                let bar = segment.bar((inside / a_bar).min(whole));
                return bar
                    .beats(self.ticks_per_quarter)
                    .nth(inside - (bar.index - segment.first_bar) * a_bar);
            }
            before += beats;
        }
        None
    }

    /// A tick as bar, beat and tick.
    #[must_use]
    pub fn position(&self, tick: Tick) -> Position {
        let beat = self.beat_at(tick);
        Position { bar: beat.bar, beat: beat.index, tick: tick.saturating_sub(beat.start) }
    }

    /// The tick of a bar, beat and tick.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] past [`Tick::MAX`]; [`ScoreError::OutOfRange`] for a beat that the bar
    /// does not have, or a tick at or past the end of the beat.
    pub fn tick(&self, position: Position) -> Result<Tick, ScoreError> {
        let limit = |what, value: usize| ScoreError::Limit {
            what,
            value: value as u64,
            limit: self.bar_at(Tick::MAX).index as u64,
        };
        let bar = self.bar(position.bar).ok_or_else(|| limit("bar", position.bar))?;
        let mut beats = bar.beats(self.ticks_per_quarter);
        let out = |field, value: i64, max: i64| ScoreError::OutOfRange { field, value, min: 0, max };
        let count = bar.beats(self.ticks_per_quarter).count() as i64;
        let asked = i64::try_from(position.beat).unwrap_or(i64::MAX);
        let Some(beat) = beats.nth(position.beat) else {
            // Only the very last tick can be in a bar without beats.
            let last = bar.start == Tick::MAX && asked == 0 && position.tick == Tick::ZERO;
            return if last { Ok(Tick::MAX) } else { Err(out("beat", asked, (count - 1).max(0))) };
        };
        let length = i64::from(beat.end.saturating_sub(beat.start).get());
        let inside = i64::from(position.tick.get());
        // The last tick of all has no bar after it to be the start of.
        let past = if beat.end == Tick::MAX { inside > length } else { inside >= length };
        if past {
            Err(out("tick of the beat", inside, length - 1))
        } else {
            Ok(beat.start.saturating_add(position.tick))
        }
    }

    /// The segment before `index`.
    fn segment(&self, index: usize) -> Segment {
        let whole = Segment {
            start: Tick::ZERO,
            end: Tick::MAX,
            first_bar: 0,
            time_signature: TimeSignature::COMMON,
            bar_ticks: TimeSignature::COMMON.bar_ticks(self.ticks_per_quarter),
        };
        self.segments.get(index.saturating_sub(1)).copied().unwrap_or(whole)
    }
}

impl Segment {
    /// One of its bars, counted from its own first.
    fn bar(&self, inside: usize) -> Bar {
        let offset = i64::try_from(inside as u64 * u64::from(self.bar_ticks.get())).unwrap_or(i64::MAX);
        let start = self.start.saturating_add(Tick::saturating(offset));
        Bar {
            index: self.first_bar + inside,
            start,
            end: start.saturating_add(self.bar_ticks).min(self.end),
            time_signature: self.time_signature,
        }
    }
}

impl Score {
    /// Where the bars are: for many look-ups.
    #[must_use]
    pub fn meter_map(&self) -> MeterMap {
        MeterMap::new(self.time_signatures(), self.ticks_per_quarter())
    }

    /// A tick as bar, beat and tick; see [`MeterMap`] for many.
    #[must_use]
    pub fn position(&self, tick: Tick) -> Position {
        self.meter_map().position(tick)
    }

    /// The time signature in force at a tick.
    #[must_use]
    pub fn time_signature_at(&self, tick: Tick) -> TimeSignature {
        in_force(self.time_signatures(), tick).unwrap_or_default()
    }

    /// The key signature in force at a tick, if there is one.
    #[must_use]
    pub fn key_signature_at(&self, tick: Tick) -> Option<KeySignature> {
        in_force(self.key_signatures(), tick)
    }

    /// The tempo in force at a tick.
    #[must_use]
    pub fn tempo_at(&self, tick: Tick) -> Tempo {
        self.tempo_map().tempo_at(tick)
    }
}

/// The last value at or before a tick.
pub(crate) fn in_force<T: Copy>(items: &[At<T>], tick: Tick) -> Option<T> {
    let after = items.partition_point(|item| item.tick <= tick);
    items.get(after.checked_sub(1)?).map(|item| item.value)
}
