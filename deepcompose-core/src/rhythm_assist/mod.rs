//! Rhythm assist: a melody as someone played it, put on the grid.
//!
//! [`RhythmAssist`] takes notes in seconds and gives a score: it finds the beat, decides between
//! straight sixteenths, triplets and swung eighths, puts onsets on the grid, and gives notes the lengths
//! that they were meant to have. If the beat is known already, use
//! [`Score::quantise`](crate::Score::quantise) or
//! [`Score::align_to_beats`](crate::Score::align_to_beats).
//!
//! # How
//!
//! 1. **Chords.** Onsets closer than [`RhythmAssist::with_chord_window`] are one.
//! 2. **Beat.** For every tempo of a fine comb and every [`Feel`], onsets are laid on the comb's teeth:
//!    the phase is their circular mean, as in the beat spectrum of Fourier tempograms (Grosche, Müller
//!    and Kurth 2010, *Cyclic tempogram*). The cost of an onset is how unlikely its place in the beat is
//!    (on the beat is likeliest), how far all lie from their teeth, and how far the tempo is from a
//!    usual one: the description length that Cemgil, Desain and Kappen (2000, *Rhythm quantization for
//!    transcription*) minimise, with weights set by hand. It is summed over stretches of at most 16
//!    onsets and 8 seconds, each with a phase and, within 6 %, a tempo of its own, so that a tempo that
//!    drifts is found too.
//! 3. **Following.** From the first stretch on, a line is fitted to the onsets so far (least squares
//!    that forget), and each next onset goes to the tooth that is nearest to where the line expects one.
//!    Of three ways to forget, by 3, 15 or 40 % an onset, the one of least cost is taken.
//! 4. **Lengths.** A note that is held for most of the time to the next onset, or a little beyond it,
//!    ends there: small gaps and overlaps close. Others end on the grid point nearest to their end, a
//!    step after their onset at least.
//!
//! # What it cannot know
//!
//! Nothing in a melody alone tells a quarter note at 60 from an eighth at 120, a beat from an off-beat
//! throughout, or where bars begin. Say what you know: a tempo, or a range of less than an octave.
//!
//! ```
//! use deepcompose_core::rhythm_assist::{PlayedNote, RhythmAssist};
//! use deepcompose_core::{Pitch, Velocity};
//!
//! // Quarter notes at about 120 a minute, by hand.
//! let onsets = [0.31, 0.80, 1.32, 1.81, 2.30, 2.82];
//! let played = onsets.map(|onset| PlayedNote {
//!     onset,
//!     duration: 0.45,
//!     pitch: Pitch::MIDDLE_C,
//!     velocity: Velocity::DEFAULT,
//! });
//! let clean = RhythmAssist::between(85.0, 165.0)?.assist(&played)?;
//! let starts: Vec<u32> = clean.score.tracks()[0].notes().iter().map(|n| n.start.get()).collect();
//! assert_eq!(starts, [0, 480, 960, 1440, 1920, 2400]);
//! assert!((clean.score.tempo_map().changes()[0].value.bpm() - 120.0).abs() < 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod beat;
mod follow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::ScoreError;
use crate::ops::fraction;
use crate::score::{Note, Score, Track};
use crate::tempo::Tempo;
use crate::units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};

/// A note as it was played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlayedNote {
    /// When it begins, in seconds; 0 or more, under a day.
    pub onset: f64,
    /// How long it is held, in seconds; 0 or more, under a day.
    pub duration: f64,
    /// Its pitch.
    pub pitch: Pitch,
    /// Its velocity.
    pub velocity: Velocity,
}

/// How a beat is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feel {
    /// In four: sixteenth notes.
    Straight,
    /// In three: eighth-note triplets.
    Triplets,
    /// In two, the second at two thirds of the beat. The score has straight eighths; to hear the swing
    /// give it to [`Quantiser::with_swing`](crate::ops::Quantiser::with_swing) at 2/3.
    Swing,
}

/// A recording that cannot be put on a grid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RhythmError {
    /// A time that is no number of seconds from 0 to a day.
    #[error("note {index}: {field} {value} is out of range: 0 to 86400 seconds is accepted")]
    Time {
        /// The note's index.
        index: usize,
        /// Onset or duration.
        field: &'static str,
        /// The value given, as text.
        value: String,
    },
    /// Too few onsets to find a tempo in.
    #[error("there are {onsets} onsets: at least 3 are needed to find a tempo")]
    TooFew {
        /// How many onsets there are, a chord being one.
        onsets: usize,
    },
    /// A track that is not there, or a score that would be too long.
    #[error(transparent)]
    Score(#[from] ScoreError),
}

/// What came of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Assisted {
    /// One track at one tempo, in 4/4, at 480 ticks a quarter. It begins with the beat that the first
    /// note is in.
    pub score: Score,
    /// How the beat is divided.
    pub feel: Feel,
    /// How far onsets were from the grid: the root mean square, in seconds.
    pub deviation: f64,
}

/// How a recording is put on the grid: checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RhythmAssist {
    tempo: TempoHint,
    feel: Option<Feel>,
    chord_window: f64,
    legato: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum TempoHint {
    Known(Tempo),
    /// Seconds a beat, the shortest first.
    Between(f64, f64),
}

/// A known tempo may be played this much faster or slower.
const KNOWN_WITHIN: f64 = 0.03;

impl RhythmAssist {
    /// The tempo is known, as with a metronome: it is looked for within 3 %, and the score has it as it
    /// is given.
    #[must_use]
    pub const fn at(tempo: Tempo) -> Self {
        Self { tempo: TempoHint::Known(tempo), feel: None, chord_window: 0.035, legato: 0.7 }
    }

    /// The tempo is between two numbers of quarter notes a minute, each 20..=400.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Range`] for a tempo outside, or if the first is over the second.
    pub fn between(slowest: f64, fastest: f64) -> Result<Self, ScoreError> {
        for (field, bpm) in [("slowest tempo", slowest), ("fastest tempo", fastest)] {
            if !(20.0..=400.0).contains(&bpm) || slowest > fastest {
                return Err(ScoreError::Range {
                    field,
                    value: bpm.to_string(),
                    accepted: "20 to 400 quarter notes a minute, the slowest first,",
                });
            }
        }
        let tempo = TempoHint::Between(60.0 / fastest, 60.0 / slowest);
        Ok(Self { tempo, ..Self::at(Tempo::DEFAULT) })
    }

    /// How the beat is divided, if it is known.
    #[must_use]
    pub const fn with_feel(mut self, feel: Feel) -> Self {
        self.feel = Some(feel);
        self
    }

    /// Onsets within so many seconds of the first of them are a chord; 0.035 by default, at most 0.2.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Range`] outside 0..=0.2.
    pub fn with_chord_window(mut self, seconds: f64) -> Result<Self, ScoreError> {
        if !(0.0..=0.2).contains(&seconds) {
            return Err(ScoreError::Range {
                field: "chord window",
                value: seconds.to_string(),
                accepted: "0 to 0.2 seconds",
            });
        }
        self.chord_window = seconds;
        Ok(self)
    }

    /// A note that is held for at least this part of the time to the next onset ends with that onset;
    /// so does one that goes on past it by at most as much as could be missing. 0.7 by default; at 1
    /// only what touches exactly is closed.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Fraction`] outside 0..=1.
    pub fn with_legato(mut self, part: f64) -> Result<Self, ScoreError> {
        self.legato = fraction("legato", part)?;
        Ok(self)
    }

    /// A track of a score, heard at its tempo map.
    ///
    /// # Errors
    ///
    /// As [`RhythmAssist::assist`], and [`ScoreError::NoSuchTrack`].
    pub fn assist_track(&self, score: &Score, track: usize) -> Result<Assisted, RhythmError> {
        let seconds = |tick| score.seconds_at(tick);
        let played = score.track(track)?.notes().iter().map(|note| PlayedNote {
            onset: seconds(note.start),
            duration: seconds(note.end()) - seconds(note.start),
            pitch: note.pitch,
            velocity: note.velocity,
        });
        self.assist(&played.collect::<Vec<_>>())
    }

    /// Puts notes, in any order, on the grid. Every note comes back; onsets nearest to one grid point
    /// become a chord.
    ///
    /// # Errors
    ///
    /// [`RhythmError::Time`]; [`RhythmError::TooFew`] if the tempo is not known and there are fewer than
    /// three onsets; [`ScoreError::Limit`] if the score would end past [`Tick::MAX`].
    pub fn assist(&self, notes: &[PlayedNote]) -> Result<Assisted, RhythmError> {
        check_times(notes)?;
        let mut notes = notes.to_vec();
        notes.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.pitch.cmp(&b.pitch)));
        let chords = gather(&notes, self.chord_window);
        let onsets: Vec<f64> = chords.iter().map(|chord| mean_onset(chord)).collect();
        let (shortest, longest) = match self.tempo {
            TempoHint::Known(tempo) => {
                let beat = f64::from(tempo.micros()) / 1e6;
                (beat * (1.0 - KNOWN_WITHIN), beat * (1.0 + KNOWN_WITHIN))
            }
            TempoHint::Between(..) if onsets.len() < 3 => {
                return Err(RhythmError::TooFew { onsets: onsets.len() });
            }
            TempoHint::Between(shortest, longest) => (shortest, longest),
        };
        let found = beat::find(&onsets, shortest, longest, self.feel);
        let line = follow::follow(&onsets, &found);
        let tempo = match self.tempo {
            TempoHint::Known(tempo) => tempo,
            // Within 20 to 400 quarter notes a minute but for rounding.
            TempoHint::Between(..) => Tempo::from_micros((line.beat() * 1e6).round() as u32)?,
        };
        let mut score = Score::new(TicksPerQuarter::DEFAULT);
        score.set_tempo(tempo);
        let notes = self.place(&chords, &onsets, &line)?;
        score.push_track(Track::new("Melody", Program::MIN).with_notes(notes));
        Ok(Assisted { score, feel: found.feel, deviation: line.deviation })
    }

    /// The notes of each chord at their grid points, with the lengths that were meant.
    fn place(
        &self,
        chords: &[&[PlayedNote]],
        onsets: &[f64],
        line: &follow::Line,
    ) -> Result<Vec<Note>, ScoreError> {
        let mut notes = Vec::new();
        // For each chord the next one that has another grid point.
        let mut nexts = vec![None; chords.len()];
        for i in (1..chords.len()).rev() {
            nexts[i - 1] = if line.points[i] > line.points[i - 1] { Some(i) } else { nexts[i] };
        }
        for ((i, chord), next) in chords.iter().enumerate().zip(nexts) {
            let (onset, point) = (onsets[i], line.points[i]);
            for note in *chord {
                let end = note.onset + note.duration;
                let touching = next.filter(|j| {
                    let gap = onsets[*j] - onset;
                    let slack = (1.0 - self.legato) * gap;
                    (end - onsets[*j]).abs() <= slack
                });
                let last = match touching {
                    Some(j) => line.points[j],
                    None => line.end_point(i, onset, end).max(point + 1),
                };
                let (start, end) = (line.tick(point), line.tick(last));
                if end > i64::from(Tick::MAX.get()) {
                    let (value, limit) = (end as u64, Tick::MAX.get().into());
                    return Err(ScoreError::Limit { what: "ticks of the score", value, limit });
                }
                notes.push(Note {
                    start: Tick::saturating(start),
                    duration: Tick::saturating((end - start).max(1)),
                    pitch: note.pitch,
                    velocity: note.velocity,
                });
            }
        }
        Ok(notes)
    }
}

fn check_times(notes: &[PlayedNote]) -> Result<(), RhythmError> {
    for (index, note) in notes.iter().enumerate() {
        for (field, value) in [("onset", note.onset), ("duration", note.duration)] {
            if !(0.0..86_400.0).contains(&value) {
                return Err(RhythmError::Time { index, field, value: value.to_string() });
            }
        }
    }
    Ok(())
}

/// Notes, in order, by chords.
fn gather(notes: &[PlayedNote], window: f64) -> Vec<&[PlayedNote]> {
    let mut chords = Vec::new();
    let mut rest = notes;
    while let Some(first) = rest.first() {
        let (chord, after) = rest.split_at(rest.partition_point(|n| n.onset <= first.onset + window));
        chords.push(chord);
        rest = after;
    }
    chords
}

fn mean_onset(chord: &[PlayedNote]) -> f64 {
    chord.iter().map(|note| note.onset).sum::<f64>() / chord.len().max(1) as f64
}

#[cfg(test)]
mod tests;
