//! [`PerformanceTokenizer`]: note-ons, note-offs, time shifts and velocities.

mod stream;

use super::performance_event::PerformanceEvent;
use super::report::{DecodeReport, EncodeReport};
use super::{Decoded, TokenId, TokenType, Tokenizer};
use crate::score::{Note, Score, Track};
use crate::tempo::Tempo;
use crate::units::{Program, Tick, TicksPerQuarter};
use stream::{UnitNote, read_events, within_limit, without_overlaps, write_events};

/// What a unit of a time shift is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PerformanceClock {
    /// 10 ms through the score's tempo map, as in the reference.
    #[default]
    Seconds,
    /// 1/48 of a quarter note, which is 10 ms at 125 quarter notes a minute: the tempo is taken as
    /// that whatever it is, so that sixteenths (12 units), triplet eighths (16) and
    /// thirty-seconds (6) are whole units. Who decodes keeps the real tempo map.
    Metric,
}

impl PerformanceClock {
    /// Units a quarter note of [`PerformanceClock::Metric`].
    pub const METRIC_UNITS_PER_QUARTER: u16 = 48;

    /// Units a second of [`PerformanceClock::Seconds`].
    pub const UNITS_PER_SECOND: u16 = 100;

    /// The unit nearest to `tick`, counted from `origin`; zero before it.
    #[must_use]
    pub fn units_at(self, tick: Tick, score: &Score, origin: Tick) -> u64 {
        match self {
            Self::Seconds => {
                let seconds = score.seconds_at(tick) - score.seconds_at(origin);
                // Negative numbers saturate to zero.
                (seconds * f64::from(Self::UNITS_PER_SECOND)).round() as u64
            }
            Self::Metric => {
                let ticks = u64::from(tick.saturating_sub(origin).get());
                let tpq = u64::from(score.ticks_per_quarter().get());
                (2 * ticks * u64::from(Self::METRIC_UNITS_PER_QUARTER) + tpq) / (2 * tpq)
            }
        }
    }

    /// The tick nearest to a time of `units` after `origin`, at most [`Tick::MAX`].
    #[must_use]
    pub fn tick_at(self, units: u64, score: &Score, origin: Tick) -> Tick {
        match self {
            Self::Seconds => {
                let seconds = units as f64 / f64::from(Self::UNITS_PER_SECOND);
                score.tick_at(score.seconds_at(origin) + seconds).max(origin)
            }
            Self::Metric => {
                let per_quarter = u128::from(Self::METRIC_UNITS_PER_QUARTER);
                let tpq = u128::from(score.ticks_per_quarter().get());
                let ticks = (2 * u128::from(units) * tpq + per_quarter) / (2 * per_quarter);
                origin.saturating_add(Tick::saturating(i64::try_from(ticks).unwrap_or(i64::MAX)))
            }
        }
    }
}

/// The reference's performance vocabulary of 310 tokens; see [`PerformanceEvent`] for its order.
///
/// Encoding merges all tracks but the drums. Times are rounded one by one from the start, so that
/// rounding never adds up. At one time note-offs come first, then note-ons, each by rising pitch;
/// a velocity token stands before a note-on whose bin differs from the last one's. A note of zero
/// units gets one; where a pitch begins while it sounds, the note before ends there. Pitches
/// outside 21..=108 are left out. [`encode_with_report`](Self::encode_with_report) counts all this.
///
/// Decoding gives one piano track in 4/4 at 480 ticks a quarter note; at 120 quarter notes a
/// minute on the [`Seconds`](PerformanceClock::Seconds) clock, at 125 on the
/// [`Metric`](PerformanceClock::Metric) one, so that both play at the same speed. Notes before any
/// velocity token get [`Velocity::DEFAULT`](crate::Velocity::DEFAULT).
///
/// ```
/// use deepcompose_core::{InputTrack, PerformanceClock, PerformanceTokenizer, Tokenizer};
///
/// let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
/// let tokens = tokenizer.encode(&InputTrack::OdeToJoy.score());
/// let names: Vec<_> = tokens.iter().take(5).filter_map(|t| tokenizer.token_name(*t)).collect();
/// assert_eq!(names, ["START", "VELOCITY_19", "NOTE_ON_66", "TIME_SHIFT_48", "NOTE_OFF_66"]);
/// let decoded = tokenizer.decode(&tokens);
/// assert!(decoded.repairs.is_clean());
/// assert_eq!(tokenizer.encode(&decoded.score), tokens);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PerformanceTokenizer {
    clock: PerformanceClock,
}

impl PerformanceTokenizer {
    /// The longest sequence that encoding gives: 2^22 tokens. A tiny file can hold a silence of
    /// years; what would go past the limit is left out and counted.
    pub const MAX_TOKENS: usize = 1 << 22;

    /// A tokenizer on a clock.
    #[must_use]
    pub const fn new(clock: PerformanceClock) -> Self {
        Self { clock }
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> PerformanceClock {
        self.clock
    }

    /// [`Tokenizer::encode`], with what was left out or changed.
    #[must_use]
    pub fn encode_with_report(&self, score: &Score) -> (Vec<TokenId>, EncodeReport) {
        let pitched = || score.tracks().iter().filter(|t| !t.is_drum()).flat_map(Track::notes);
        let mut tokens = vec![PerformanceEvent::START_ID];
        let mut report = self.encode_into(&mut tokens, pitched(), score, Tick::ZERO);
        report.drums = score.tracks().iter().filter(|t| t.is_drum()).map(|t| t.notes().len()).sum();
        (tokens, report)
    }

    /// The tokens of some notes, with no start token: the notes of one track, say, or the last few
    /// bars of one. `like` gives the resolution and the tempo map; time is counted from `origin`.
    /// A note begun before the origin counts from there, one ended by then is left out without
    /// being counted.
    #[must_use]
    pub fn encode_notes(&self, notes: &[Note], like: &Score, origin: Tick) -> (Vec<TokenId>, EncodeReport) {
        let mut tokens = Vec::new();
        let report = self.encode_into(&mut tokens, notes.iter(), like, origin);
        (tokens, report)
    }

    fn encode_into<'a>(
        &self,
        tokens: &mut Vec<TokenId>,
        notes: impl Iterator<Item = &'a Note>,
        like: &Score,
        origin: Tick,
    ) -> EncodeReport {
        let mut report = EncodeReport::default();
        let mut unit_notes = Vec::new();
        for note in notes.filter(|n| n.start >= origin || n.end() > origin) {
            if !(PerformanceEvent::MIN_PITCH..=PerformanceEvent::MAX_PITCH).contains(&note.pitch.get()) {
                report.out_of_range += 1;
                continue;
            }
            let start = self.clock.units_at(note.start, like, origin);
            let end = self.clock.units_at(note.end(), like, origin);
            report.lengthened += usize::from(end <= start);
            unit_notes.push(UnitNote {
                start,
                end: end.max(start + 1),
                pitch: note.pitch,
                velocity: note.velocity,
            });
        }
        let mut unit_notes = without_overlaps(unit_notes, &mut report);
        within_limit(&mut unit_notes, &mut report);
        write_events(tokens, &unit_notes);
        report
    }

    /// The notes that the tokens say, in ticks from time 0, sorted. On the metric clock a quarter
    /// note is 48 units; on the seconds clock it is 50, as at 120 quarter notes a minute. Start
    /// tokens are only right at the beginning, as in [`Tokenizer::decode`].
    #[must_use]
    pub fn decode_notes(
        &self,
        tokens: &[TokenId],
        ticks_per_quarter: TicksPerQuarter,
    ) -> (Vec<Note>, DecodeReport) {
        self.decode_notes_onto(tokens, &Score::new(ticks_per_quarter), Tick::ZERO)
    }

    /// The notes that the tokens say, in ticks of `like`, from `origin` on: through its tempo map
    /// on the seconds clock, in quarter notes on the metric one. The inverse of
    /// [`PerformanceTokenizer::encode_notes`] up to rounding. Every note is at least one tick
    /// long.
    #[must_use]
    pub fn decode_notes_onto(
        &self,
        tokens: &[TokenId],
        like: &Score,
        origin: Tick,
    ) -> (Vec<Note>, DecodeReport) {
        let (unit_notes, mut report) = read_events(tokens);
        let mut notes = Vec::with_capacity(unit_notes.len());
        for note in unit_notes {
            let start = self.clock.tick_at(note.start, like, origin);
            let end = self.clock.tick_at(note.end, like, origin);
            report.past_end += usize::from(end == Tick::MAX);
            if start < Tick::MAX {
                notes.push(Note {
                    start,
                    pitch: note.pitch,
                    duration: Tick::saturating(i64::from(end.saturating_sub(start).get()).max(1)),
                    velocity: note.velocity,
                });
            }
        }
        notes.sort_unstable();
        (notes, report)
    }
}

impl Tokenizer for PerformanceTokenizer {
    fn vocabulary_size(&self) -> usize {
        PerformanceEvent::VOCABULARY_SIZE
    }

    fn encode(&self, score: &Score) -> Vec<TokenId> {
        self.encode_with_report(score).0
    }

    fn decode(&self, tokens: &[TokenId]) -> Decoded {
        let mut score = Score::default();
        if self.clock == PerformanceClock::Metric
            && let Ok(tempo) = Tempo::from_micros(480_000)
        {
            score.set_tempo(tempo);
        }
        let (notes, repairs) = self.decode_notes_onto(tokens, &score, Tick::ZERO);
        score.push_track(Track::new("Piano", Program::MIN).with_notes(notes));
        Decoded { score, repairs }
    }

    fn token_name(&self, token: TokenId) -> Option<String> {
        PerformanceEvent::from_id(token).map(|event| event.to_string())
    }

    fn token_type(&self, token: TokenId) -> Option<TokenType> {
        PerformanceEvent::from_id(token).map(PerformanceEvent::token_type)
    }

    fn may_follow(&self, before: TokenType, after: TokenType) -> bool {
        use TokenType::{NoteOff, NoteOn, Pad, Start, TimeShift, Velocity};
        let is_own = |kind| matches!(kind, NoteOff | NoteOn | Pad | Start | TimeShift | Velocity);
        match (before, after) {
            (before, after) if !is_own(before) || !is_own(after) => false,
            (_, Start) => false,
            (_, Pad) => true,
            (Pad, _) => false,
            (_, NoteOn) => true,
            // A velocity speaks of the note-on right after it.
            (Velocity, _) => false,
            // At one time note-offs come first, and no note is shorter than a unit.
            (_, NoteOff) => matches!(before, NoteOff | TimeShift),
            (_, after) => matches!(after, TimeShift | Velocity),
        }
    }
}

#[cfg(test)]
mod tests;
