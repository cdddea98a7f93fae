//! [`BeatGrid`]: bars and beats for a recording whose beat times are known.

use crate::error::ScoreError;
use crate::meter::TimeSignature;
use crate::ops::remap::remap;
use crate::score::{At, Score};
use crate::tempo::{Tempo, TempoMap};
use crate::units::Tick;

/// The beats of a recording, in seconds from its start, as a beat tracker or an annotator gives them
/// (POP909's `beat_midi.txt`, for one).
#[derive(Debug, Clone, PartialEq)]
pub struct BeatGrid {
    times: Vec<f64>,
    downbeat: usize,
    time_signature: TimeSignature,
}

impl BeatGrid {
    /// Beats at these times, in 4/4 with the first a downbeat.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] for fewer than two beats; [`ScoreError::Order`] at the first time
    /// that is not a finite number, is negative, is not later than the one before, or is so far from
    /// it that no MIDI tempo has such a beat (1 µs to 16.777215 s).
    pub fn new(times: Vec<f64>) -> Result<Self, ScoreError> {
        if times.len() < 2 {
            let value = times.len() as i64;
            return Err(ScoreError::OutOfRange { field: "beats", value, min: 2, max: i64::MAX });
        }
        for (index, time) in times.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|i| times.get(i));
            let fits = before.is_none_or(|before| tempo(time - before).is_some());
            if !time.is_finite() || *time < 0.0 || !fits {
                return Err(ScoreError::Order { what: "beat time", index, value: time.to_string() });
            }
        }
        Ok(Self { times, downbeat: 0, time_signature: TimeSignature::COMMON })
    }

    /// The metre, and which beat, counted from zero, is a downbeat. A beat is a quarter note, so the
    /// metre is `beats_per_bar`/4.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] for no beats a bar or over 255.
    pub fn with_bars(mut self, downbeat: usize, beats_per_bar: u32) -> Result<Self, ScoreError> {
        self.time_signature = TimeSignature::new(beats_per_bar, 4)?;
        self.downbeat = downbeat;
        Ok(self)
    }

    /// Where a time is, in beats from the first. Before the first beat and after the last the nearest
    /// interval goes on.
    fn beat_at(&self, seconds: f64) -> f64 {
        let after = self.times.partition_point(|t| *t <= seconds).clamp(1, self.times.len() - 1);
        let (from, to) = (self.times[after - 1], self.times[after]);
        (after - 1) as f64 + (seconds - from) / (to - from)
    }

    /// Beats to put before the first, so that time 0 is not before tick 0 and bars begin at downbeats.
    fn lead(&self) -> u64 {
        let bar = u64::from(self.time_signature.numerator());
        let needed = (-self.beat_at(0.0)).ceil().max(0.0) as u64;
        let short = (needed + self.downbeat as u64 % bar) % bar;
        needed + (bar - short) % bar
    }

    fn tempo_map(&self, lead: u64, ticks_per_quarter: u64) -> TempoMap {
        let tick = |beat: u64| Tick::saturating(beat.saturating_mul(ticks_per_quarter).min(1 << 40) as i64);
        let changes = self.times.windows(2).enumerate().filter_map(|(i, pair)| {
            let at = if i == 0 { Tick::ZERO } else { tick(lead + i as u64) };
            Some(At { tick: at, value: tempo(pair[1] - pair[0])? })
        });
        TempoMap::new(changes.collect())
    }
}

/// The tempo of a beat of so many seconds.
fn tempo(seconds: f64) -> Option<Tempo> {
    // The conversion saturates; NaN gives 0.
    Tempo::from_micros((seconds * 1e6).round() as u32).ok().filter(|_| seconds > 0.0)
}

impl Score {
    /// The score in other ticks, so that the beats of `grid` fall on quarter notes; between two beats
    /// time is divided evenly. The tempo map follows the beats, so playing time stays, to within half
    /// a tick and half a microsecond a beat. Before the first beat there are as many more as it takes
    /// to begin with a whole bar at or before time 0, so everything may be later by a constant.
    ///
    /// Tempo and time signatures are those of the grid. All else moves along.
    ///
    /// ```
    /// use deepcompose_core::ops::BeatGrid;
    /// use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
    ///
    /// // Notes at 0.1, 0.6 and 1.2 s: the beats of someone who slows down.
    /// let mut score = Score::default(); // 960 ticks a second
    /// let notes = [0.1, 0.6, 1.2].map(|s| Note {
    ///     start: score.tick_at(s),
    ///     duration: Tick::saturating(240),
    ///     pitch: Pitch::MIDDLE_C,
    ///     velocity: Velocity::DEFAULT,
    /// });
    /// score.push_track(Track::new("", Program::MIN).with_notes(notes.to_vec()));
    /// let aligned = score.align_to_beats(&BeatGrid::new(vec![0.1, 0.6, 1.2])?)?;
    /// let starts: Vec<u32> = aligned.tracks()[0].notes().iter().map(|n| n.start.get()).collect();
    /// assert_eq!(starts, [1920, 2400, 2880]); // a bar of silence, then quarter notes
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if something would come past [`Tick::MAX`].
    pub fn align_to_beats(&self, grid: &BeatGrid) -> Result<Self, ScoreError> {
        let tpq = u64::from(self.ticks_per_quarter().get());
        let lead = grid.lead();
        let mut out = remap(self, |tick| {
            let beats = grid.beat_at(self.seconds_at(tick)) + lead as f64;
            // The conversion saturates.
            (beats * tpq as f64 + 0.5).floor() as u64
        })?;
        out.set_tempo_map(grid.tempo_map(lead, tpq));
        out.set_time_signatures(vec![At { tick: Tick::ZERO, value: grid.time_signature }]);
        Ok(out)
    }
}
