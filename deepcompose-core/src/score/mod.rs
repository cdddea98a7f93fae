//! [`Score`]: a piece of music as tracks of notes over a tempo map.

mod controls;
mod events;
mod note;
mod sustain;
mod timed;
mod track;

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;
use crate::meter::{Bar, KeySignature, TimeSignature};
use crate::tempo::{Tempo, TempoMap};
use crate::units::{Tick, TicksPerQuarter};

pub use controls::{ControlChange, PitchBend, Pressure};
pub use events::{RawEvent, RawKind, Text, TextKind};
pub use note::{At, Note};
pub(crate) use timed::{in_order, without_repeats};
use timed::{map_ticks, sort};
pub use track::Track;

/// A piece of music.
///
/// A score is always valid: every value is in the range that a Standard MIDI File can hold, lists
/// are in order of time, and a tempo and a time signature are in force from tick 0 (120 beats a
/// minute and 4/4 unless said otherwise).
///
/// ```
/// use deepcompose_core::{Note, Pitch, Program, Score, Tick, TicksPerQuarter, Track, Velocity};
///
/// let note = Note {
///     start: Tick::ZERO,
///     pitch: Pitch::MIDDLE_C,
///     duration: Tick::new(480)?,
///     velocity: Velocity::DEFAULT,
/// };
/// let mut score = Score::new(TicksPerQuarter::DEFAULT);
/// score.push_track(Track::new("Melody", Program::MIN).with_notes(vec![note]));
/// assert_eq!(score.duration_seconds(), 0.5); // a quarter note at 120 beats a minute
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ScoreParts")]
pub struct Score {
    ticks_per_quarter: TicksPerQuarter,
    tempo_map: TempoMap,
    time_signatures: Vec<At<TimeSignature>>,
    key_signatures: Vec<At<KeySignature>>,
    texts: Vec<At<Text>>,
    raw_events: Vec<At<RawEvent>>,
    tracks: Vec<Track>,
}

#[derive(Deserialize)]
struct ScoreParts {
    ticks_per_quarter: TicksPerQuarter,
    tempo_map: TempoMap,
    time_signatures: Vec<At<TimeSignature>>,
    key_signatures: Vec<At<KeySignature>>,
    #[serde(default)]
    texts: Vec<At<Text>>,
    #[serde(default)]
    raw_events: Vec<At<RawEvent>>,
    tracks: Vec<Track>,
}

impl From<ScoreParts> for Score {
    fn from(p: ScoreParts) -> Self {
        let mut score = Self::new(p.ticks_per_quarter);
        score.tempo_map = p.tempo_map;
        score.set_time_signatures(p.time_signatures);
        score.set_key_signatures(p.key_signatures);
        score.set_texts(p.texts);
        score.set_raw_events(p.raw_events);
        score.tracks = p.tracks;
        score
    }
}

impl Default for Score {
    fn default() -> Self {
        Self::new(TicksPerQuarter::DEFAULT)
    }
}

impl Score {
    /// An empty score: 120 beats a minute, 4/4, no tracks.
    #[must_use]
    pub fn new(ticks_per_quarter: TicksPerQuarter) -> Self {
        Self {
            ticks_per_quarter,
            tempo_map: TempoMap::default(),
            time_signatures: vec![At { tick: Tick::ZERO, value: TimeSignature::COMMON }],
            key_signatures: Vec::new(),
            texts: Vec::new(),
            raw_events: Vec::new(),
            tracks: Vec::new(),
        }
    }

    /// The resolution.
    #[must_use]
    pub const fn ticks_per_quarter(&self) -> TicksPerQuarter {
        self.ticks_per_quarter
    }

    /// The tempo map.
    #[must_use]
    pub const fn tempo_map(&self) -> &TempoMap {
        &self.tempo_map
    }

    /// Replaces the tempo map.
    pub fn set_tempo_map(&mut self, tempo_map: TempoMap) {
        self.tempo_map = tempo_map;
    }

    /// Plays the whole score at one tempo.
    pub fn set_tempo(&mut self, tempo: Tempo) {
        self.tempo_map = TempoMap::constant(tempo);
    }

    /// Time signatures in order of time; the first is at tick 0.
    #[must_use]
    pub fn time_signatures(&self) -> &[At<TimeSignature>] {
        &self.time_signatures
    }

    /// Replaces the time signatures. 4/4 is in force before the first; of several at one tick the
    /// last wins. One that says the metre already in force again is dropped: it would begin a bar.
    pub fn set_time_signatures(&mut self, signatures: Vec<At<TimeSignature>>) {
        self.time_signatures = without_repeats(in_order(signatures, Some(TimeSignature::COMMON)));
    }

    /// Key signatures in order of time; there may be none.
    #[must_use]
    pub fn key_signatures(&self) -> &[At<KeySignature>] {
        &self.key_signatures
    }

    /// Replaces the key signatures; of several at one tick the last wins.
    pub fn set_key_signatures(&mut self, signatures: Vec<At<KeySignature>>) {
        self.key_signatures = in_order(signatures, None);
    }

    /// Texts that belong to the piece as a whole (its title, markers, copyright notices), in order
    /// of time.
    #[must_use]
    pub fn texts(&self) -> &[At<Text>] {
        &self.texts
    }

    /// Replaces the texts of the piece. Those of one tick keep their order.
    pub fn set_texts(&mut self, mut texts: Vec<At<Text>>) {
        sort(&mut texts);
        self.texts = texts;
    }

    /// System exclusive messages and the like that belong to the piece as a whole, in order of
    /// time.
    #[must_use]
    pub fn raw_events(&self) -> &[At<RawEvent>] {
        &self.raw_events
    }

    /// Replaces the raw events of the piece. Those of one tick keep their order.
    pub fn set_raw_events(&mut self, mut events: Vec<At<RawEvent>>) {
        sort(&mut events);
        self.raw_events = events;
    }

    /// The tracks.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The tracks, to be changed. Each stays valid by itself.
    pub fn tracks_mut(&mut self) -> &mut Vec<Track> {
        &mut self.tracks
    }

    /// Adds a track.
    pub fn push_track(&mut self, track: Track) {
        self.tracks.push(track);
    }

    /// One track.
    ///
    /// # Errors
    ///
    /// [`ScoreError::NoSuchTrack`].
    pub fn track(&self, index: usize) -> Result<&Track, ScoreError> {
        self.tracks.get(index).ok_or(ScoreError::NoSuchTrack { index, tracks: self.tracks.len() })
    }

    /// The same tempo map, signatures, texts, raw events and resolution, with no tracks.
    #[must_use]
    pub fn without_tracks(&self) -> Self {
        Self {
            ticks_per_quarter: self.ticks_per_quarter,
            tempo_map: self.tempo_map.clone(),
            time_signatures: self.time_signatures.clone(),
            key_signatures: self.key_signatures.clone(),
            texts: self.texts.clone(),
            raw_events: self.raw_events.clone(),
            tracks: Vec::new(),
        }
    }

    /// Moves everything in time: what is at a tick goes to `tick` of it. Of tempos and of signatures
    /// that come to one tick the last stays. See [`Track::map_ticks`].
    ///
    /// ```
    /// use deepcompose_core::{InputTrack, Tick};
    ///
    /// let mut score = InputTrack::OdeToJoy.score();
    /// let end = score.end();
    /// let pause = Tick::new(960)?;
    /// score.map_ticks(|tick| tick.saturating_add(pause));
    /// assert_eq!(score.tracks()[0].notes()[0].start, pause);
    /// assert_eq!(score.end(), end.saturating_add(pause));
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    pub fn map_ticks(&mut self, mut tick: impl FnMut(Tick) -> Tick) {
        let mut tempos = self.tempo_map.changes().to_vec();
        map_ticks(&mut tempos, &mut tick);
        self.tempo_map = TempoMap::new(tempos);
        let mut meters = std::mem::take(&mut self.time_signatures);
        map_ticks(&mut meters, &mut tick);
        self.set_time_signatures(meters);
        let mut keys = std::mem::take(&mut self.key_signatures);
        map_ticks(&mut keys, &mut tick);
        self.set_key_signatures(keys);
        map_ticks(&mut self.texts, &mut tick);
        map_ticks(&mut self.raw_events, &mut tick);
        for track in &mut self.tracks {
            track.map_ticks(&mut tick);
        }
    }

    /// How many notes there are over all tracks.
    #[must_use]
    pub fn note_count(&self) -> usize {
        self.tracks.iter().map(|t| t.notes().len()).sum()
    }

    /// Whether there is no note at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracks.iter().all(|t| t.notes().is_empty())
    }

    /// The end of the last note.
    #[must_use]
    pub fn end(&self) -> Tick {
        self.tracks.iter().map(Track::end).max().unwrap_or(Tick::ZERO)
    }

    /// Seconds from tick 0 to the end of the last note.
    #[must_use]
    pub fn duration_seconds(&self) -> f64 {
        self.seconds_at(self.end())
    }

    /// The time of a tick in seconds from tick 0, through every tempo change.
    #[must_use]
    pub fn seconds_at(&self, tick: Tick) -> f64 {
        self.tempo_map.seconds_at(tick, self.ticks_per_quarter)
    }

    /// The tick nearest to a time in seconds; times before the start (and NaN) give tick 0, times
    /// past the representable end give [`Tick::MAX`].
    #[must_use]
    pub fn tick_at(&self, seconds: f64) -> Tick {
        self.tempo_map.tick_at(seconds, self.ticks_per_quarter)
    }

    /// Bars from tick 0 under the time signatures, without end. A new time signature starts a new
    /// bar, so the bar before it may be cut short.
    pub fn bars(&self) -> impl Iterator<Item = Bar> + '_ {
        crate::meter::bars(&self.time_signatures, self.ticks_per_quarter)
    }
}
