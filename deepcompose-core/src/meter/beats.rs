//! Beats of a bar, in simple, compound and additive metres.

use super::{Bar, TimeSignature};
use crate::score::Score;
use crate::units::{Tick, TicksPerQuarter};

/// One beat of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The bar, counted from zero.
    pub bar: usize,
    /// The beat of its bar, counted from zero: 0 is the downbeat.
    pub index: usize,
    /// First tick.
    pub start: Tick,
    /// One past the last tick.
    pub end: Tick,
}

impl TimeSignature {
    /// The lengths of a bar's beats, in notes of `1/denominator`.
    ///
    /// | metre | beats | example |
    /// |---|---|---|
    /// | compound: an upper number over 3 that 3 divides | groups of three | 6/8 has two, 9/8 three, 12/8 four |
    /// | additive: any other upper number over 4, over 8 or a shorter note | groups of two; the last has three if the number is odd | 5/8 is 2 + 3, 7/8 is 2 + 2 + 3, 8/8 is 2 + 2 + 2 + 2 |
    /// | simple: all else | one each | 3/4 has three, 3/8 three, 5/4 five, 2/2 two |
    ///
    /// A time signature does not say how an additive bar is grouped: 2 + 2 + 3 is the usual default
    /// (music21's too), 3 + 2 + 2 is as good music. That 6/4 is compound and 3/8 is not is as in
    /// `pretty_midi`'s `qpm_to_bpm`.
    ///
    /// ```
    /// use deepcompose_core::TimeSignature;
    ///
    /// let beats = |n, d| TimeSignature::new(n, d).map(|t| t.beats().collect::<Vec<_>>());
    /// assert_eq!(beats(4, 4)?, [1, 1, 1, 1]);
    /// assert_eq!(beats(6, 8)?, [3, 3]);
    /// assert_eq!(beats(7, 8)?, [2, 2, 3]);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    pub fn beats(self) -> impl ExactSizeIterator<Item = u8> {
        let (group, count) = (self.beat_group(), self.beat_count());
        (0..count).map(move |i| if i + 1 < count { group } else { self.numerator - group * i })
    }

    /// How many beats a bar has; see [`TimeSignature::beats`].
    #[must_use]
    pub fn beat_count(self) -> u8 {
        self.numerator / self.beat_group()
    }

    /// Notes of `1/denominator` in a beat; what is left over goes to the last beat.
    fn beat_group(self) -> u8 {
        match (self.numerator, self.denominator) {
            (n, _) if n > 3 && n % 3 == 0 => 3,
            (n, d) if n > 4 && d >= 8 => 2,
            _ => 1,
        }
    }

    /// Ticks from the start of a bar to one of its beats, rounded down.
    pub(super) fn beat_offset(self, beat: usize, ticks_per_quarter: TicksPerQuarter) -> Tick {
        let units = (beat as u64).saturating_mul(self.beat_group().into());
        let ticks = units.saturating_mul(4 * u64::from(ticks_per_quarter.get()));
        Tick::saturating(i64::try_from(ticks / u64::from(self.denominator)).unwrap_or(i64::MAX))
    }
}

impl Bar {
    /// The beats of the bar. A bar that a new time signature cuts short has those that begin in it,
    /// the last one cut. Where the resolution is too coarse for the metre, beats have no length.
    pub fn beats(self, ticks_per_quarter: TicksPerQuarter) -> impl Iterator<Item = Beat> {
        let start = move |beat: usize| {
            self.start.saturating_add(self.time_signature.beat_offset(beat, ticks_per_quarter))
        };
        let count = usize::from(self.time_signature.beat_count());
        (0..count).map_while(move |index| {
            let end = if index + 1 < count { start(index + 1).min(self.end) } else { self.end };
            let beat = Beat { bar: self.index, index, start: start(index), end };
            (beat.start < self.end).then_some(beat)
        })
    }
}

impl Score {
    /// Beats from tick 0 under the time signatures, without end. What a beat is in which metre is
    /// said at [`TimeSignature::beats`].
    ///
    /// ```
    /// use deepcompose_core::InputTrack;
    ///
    /// // Silent Night: 6/8, two beats a bar, here in seconds too.
    /// let score = InputTrack::SilentNight.score();
    /// let beats: Vec<_> = score.beats().take_while(|beat| beat.start < score.end()).collect();
    /// assert_eq!(beats.len(), 12 * 2);
    /// let seconds: Vec<f64> = beats.iter().map(|beat| score.seconds_at(beat.start)).collect();
    /// assert_eq!(beats[1].start.get(), 720); // a dotted quarter
    /// assert!(seconds[1] > 0.0);
    /// ```
    pub fn beats(&self) -> impl Iterator<Item = Beat> + '_ {
        let tpq = self.ticks_per_quarter();
        self.bars().flat_map(move |bar| bar.beats(tpq))
    }
}
