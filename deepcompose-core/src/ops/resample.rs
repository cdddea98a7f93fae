//! Other resolutions and other tempos.

use crate::augment::stretch_tempo;
use crate::error::ScoreError;
use crate::ops::remap::{remap, with_resolution};
use crate::score::Score;
use crate::tempo::TempoMap;
use crate::units::{Tick, TicksPerQuarter};

impl Score {
    /// The score at another resolution. Ticks are rounded to the nearest, halves up, onsets and ends
    /// one by one; a note that had a length keeps at least one tick, and one that had none keeps none.
    /// To a multiple of the resolution and back is the identity. Of tempos and of signatures that come
    /// to one tick the last stays.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if something would come past [`Tick::MAX`].
    pub fn resample(&self, ticks_per_quarter: TicksPerQuarter) -> Result<Self, ScoreError> {
        let (old, new) = (u64::from(self.ticks_per_quarter().get()), u64::from(ticks_per_quarter.get()));
        let out = remap(self, |tick| (2 * u64::from(tick.get()) * new + old) / (2 * old))?;
        Ok(with_resolution(out, ticks_per_quarter))
    }

    /// The score at `factor` times its tempo: 2 is twice as fast. Ticks and metre stay.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Factor`] if the factor is no finite number over 0; [`ScoreError::OutOfRange`] if
    /// a tempo would leave its range.
    pub fn scale_tempo(&self, factor: f64) -> Result<Self, ScoreError> {
        if !factor.is_finite() || factor <= 0.0 {
            return Err(ScoreError::Factor { field: "tempo factor", value: factor.to_string() });
        }
        stretch_tempo(self, 1.0 / factor)
    }

    /// The score under another tempo map, in other ticks, so that everything is played at the same
    /// time in seconds, to within half a tick of the new map. A note that had a length keeps at least
    /// one tick. Signatures move along, so bars no longer agree with the music unless the new map
    /// makes them: this is for recordings whose ticks mean nothing but time. To play the same ticks
    /// at another tempo use [`Score::set_tempo_map`].
    ///
    /// ```
    /// use deepcompose_core::{InputTrack, Tempo, TempoMap};
    ///
    /// let score = InputTrack::OdeToJoy.score();
    /// let slow = score.retime(TempoMap::constant(Tempo::from_bpm(60.0)?))?;
    /// assert!((slow.duration_seconds() - score.duration_seconds()).abs() < 1e-3);
    /// assert_eq!(slow.tempo_map().changes()[0].value.bpm(), 60.0);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if something would come past [`Tick::MAX`].
    pub fn retime(&self, tempo_map: TempoMap) -> Result<Self, ScoreError> {
        let tpq = self.ticks_per_quarter();
        let last = tempo_map.seconds_at(Tick::MAX, tpq);
        let mut out = remap(self, |tick| {
            let seconds = self.seconds_at(tick);
            u64::from(tempo_map.tick_at(seconds, tpq).get()) + u64::from(seconds > last)
        })?;
        out.set_tempo_map(tempo_map);
        Ok(out)
    }
}
