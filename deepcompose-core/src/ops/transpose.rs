//! Transposition.

use std::ops::RangeInclusive;

use crate::error::ScoreError;
use crate::meter::KeySignature;
use crate::score::{At, Note, Pressure, Score, Track};
use crate::units::Pitch;

/// What becomes of a note that a transposition takes out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PitchOverflow {
    /// There is no such transposition: an error.
    #[default]
    Refuse,
    /// The note is left out.
    Drop,
    /// It goes to the nearest octave that is in range; if the range is so narrow that there is none,
    /// it is left out.
    Octave,
}

impl Score {
    /// The score `semitones` higher, drums as they are, and how many notes were out of `range` and so
    /// left out or moved by octaves. Key pressure goes along with its key. Key signatures go along,
    /// spelt with at most six sharps or five flats; a transposition by whole octaves leaves them as
    /// they are.
    ///
    /// ```
    /// use deepcompose_core::ops::PitchOverflow;
    /// use deepcompose_core::{InputTrack, Pitch};
    ///
    /// let score = InputTrack::TwinkleTwinkle.score(); // C4 to A4, C major
    /// let (higher, changed) = score.transpose(2, Pitch::MIN..=Pitch::MAX, PitchOverflow::Refuse)?;
    /// assert_eq!(changed, 0);
    /// assert_eq!(higher.tracks()[0].notes()[0].pitch.name(), "D4");
    /// assert_eq!(higher.key_signatures()[0].value.sharps(), 2);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] with the first such pitch, under [`PitchOverflow::Refuse`].
    pub fn transpose(
        &self,
        semitones: i32,
        range: RangeInclusive<Pitch>,
        overflow: PitchOverflow,
    ) -> Result<(Self, usize), ScoreError> {
        let shift = Shift { semitones, range, overflow };
        let mut out = self.clone();
        let mut changed = 0;
        for track in out.tracks_mut().iter_mut().filter(|t| !t.is_drum()) {
            changed += shift.track(track)?;
        }
        let keys = self.key_signatures().iter();
        out.set_key_signatures(
            keys.map(|key| At { tick: key.tick, value: transposed_key(key.value, semitones) }).collect(),
        );
        Ok((out, changed))
    }
}

/// The key signature of the music `semitones` higher.
fn transposed_key(key: KeySignature, semitones: i32) -> KeySignature {
    let within_octave = semitones.rem_euclid(12) as i8;
    if within_octave == 0 {
        return key;
    }
    // A semitone up is seven fifths up.
    let fifths = (key.sharps() + 7 * within_octave).rem_euclid(12);
    let sharps = if fifths > 6 { fifths - 12 } else { fifths };
    KeySignature::new(sharps, key.mode()).unwrap_or(key)
}

struct Shift {
    semitones: i32,
    range: RangeInclusive<Pitch>,
    overflow: PitchOverflow,
}

impl Shift {
    /// Transposes a track; how many of its notes were out of range.
    fn track(&self, track: &mut Track) -> Result<usize, ScoreError> {
        let mut changed = 0;
        let mut notes = Vec::with_capacity(track.notes().len());
        for note in track.notes_as_given() {
            let (pitch, in_range) = self.pitch(note.pitch)?;
            changed += usize::from(!in_range);
            notes.extend(pitch.map(|pitch| Note { pitch, ..*note }));
        }
        track.set_notes(notes);
        let mut pressures = Vec::with_capacity(track.pressures().len());
        for at in track.pressures() {
            let value = match at.value.pitch() {
                None => Some(at.value),
                Some(pitch) => match self.pitch(pitch) {
                    Ok((Some(pitch), _)) => Pressure::key(pitch, at.value.value()).ok(),
                    // Pressure of a key that no note can be on.
                    _ => None,
                },
            };
            pressures.extend(value.map(|value| At { tick: at.tick, value }));
        }
        track.set_pressures(pressures);
        Ok(changed)
    }

    /// Where a pitch goes, and whether it went there by the transposition alone.
    fn pitch(&self, pitch: Pitch) -> Result<(Option<Pitch>, bool), ScoreError> {
        let moved = i64::from(pitch.get()) + i64::from(self.semitones);
        let (low, high) = (i64::from(self.range.start().get()), i64::from(self.range.end().get()));
        if (low..=high).contains(&moved) {
            return Ok((Some(Pitch::saturating(moved)), true));
        }
        match self.overflow {
            PitchOverflow::Refuse => {
                Err(ScoreError::OutOfRange { field: "pitch", value: moved, min: low, max: high })
            }
            PitchOverflow::Drop => Ok((None, false)),
            PitchOverflow::Octave => {
                let nearest = if moved < low {
                    low + (moved - low).rem_euclid(12)
                } else {
                    high - (high - moved).rem_euclid(12)
                };
                let pitch = (low..=high).contains(&nearest).then(|| Pitch::saturating(nearest));
                Ok((pitch, false))
            }
        }
    }
}
