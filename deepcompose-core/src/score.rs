//! [`Score`]: a piece of music as tracks of notes over a tempo map.

use serde::{Deserialize, Serialize};

use crate::error::ScoreError;
use crate::meter::{Bar, KeySignature, TimeSignature};
use crate::tempo::{Tempo, TempoMap};
use crate::units::{Pitch, Program, Tick, TicksPerQuarter, Velocity};

/// Something that happens at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At<T> {
    /// When.
    pub tick: Tick,
    /// What.
    pub value: T,
}

/// One note. It sounds over `start..start + duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Note {
    /// Onset, in ticks.
    pub start: Tick,
    /// MIDI key number; for a drum track, the General MIDI percussion key.
    pub pitch: Pitch,
    /// Length in ticks. Zero is allowed: some files hold such notes.
    pub duration: Tick,
    /// Note-on velocity.
    pub velocity: Velocity,
}

impl Note {
    /// The tick at which the note ends, at most [`Tick::MAX`].
    #[must_use]
    pub fn end(&self) -> Tick {
        self.start.saturating_add(self.duration)
    }
}

/// A control change: controller 0..=127 is set to 0..=127. Controller 64 is the sustain pedal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u8, u8)", into = "(u8, u8)")]
pub struct ControlChange {
    controller: u8,
    value: u8,
}

impl ControlChange {
    /// The sustain pedal's controller number.
    pub const SUSTAIN: u8 = 64;

    /// Checks a control change.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] if either number is over 127.
    pub fn new(controller: u8, value: u8) -> Result<Self, ScoreError> {
        for (field, v) in [("controller", controller), ("control value", value)] {
            if v > 127 {
                return Err(ScoreError::OutOfRange { field, value: v.into(), min: 0, max: 127 });
            }
        }
        Ok(Self { controller, value })
    }

    /// The controller's number, 0..=127.
    #[must_use]
    pub const fn controller(self) -> u8 {
        self.controller
    }

    /// The value it is set to, 0..=127.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.value
    }
}

impl TryFrom<(u8, u8)> for ControlChange {
    type Error = ScoreError;

    fn try_from((controller, value): (u8, u8)) -> Result<Self, ScoreError> {
        Self::new(controller, value)
    }
}

impl From<ControlChange> for (u8, u8) {
    fn from(c: ControlChange) -> Self {
        (c.controller, c.value)
    }
}

/// A pitch bend, −8192..=8191, zero at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i16", into = "i16")]
pub struct PitchBend(i16);

impl PitchBend {
    /// Checks a bend.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] outside −8192..=8191.
    pub fn new(value: i16) -> Result<Self, ScoreError> {
        if (-8192..=8191).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ScoreError::OutOfRange { field: "pitch bend", value: value.into(), min: -8192, max: 8191 })
        }
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> i16 {
        self.0
    }
}

impl TryFrom<i16> for PitchBend {
    type Error = ScoreError;

    fn try_from(value: i16) -> Result<Self, ScoreError> {
        Self::new(value)
    }
}

impl From<PitchBend> for i16 {
    fn from(b: PitchBend) -> i16 {
        b.0
    }
}

/// One instrument's part: notes in order of onset, and the controls that belong to them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "TrackParts")]
pub struct Track {
    name: String,
    program: ProgramOrDrums,
    notes: Vec<Note>,
    controls: Vec<At<ControlChange>>,
    pitch_bends: Vec<At<PitchBend>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct ProgramOrDrums {
    program: Program,
    is_drum: bool,
}

impl Default for ProgramOrDrums {
    fn default() -> Self {
        Self { program: Program::MIN, is_drum: false }
    }
}

#[derive(Deserialize)]
struct TrackParts {
    name: String,
    program: ProgramOrDrums,
    notes: Vec<Note>,
    controls: Vec<At<ControlChange>>,
    pitch_bends: Vec<At<PitchBend>>,
}

impl From<TrackParts> for Track {
    fn from(p: TrackParts) -> Self {
        let mut track = Self { name: p.name, program: p.program, ..Self::default() };
        track.set_notes(p.notes);
        track.set_controls(p.controls);
        track.set_pitch_bends(p.pitch_bends);
        track
    }
}

impl Track {
    /// An empty track played by a melodic program.
    #[must_use]
    pub fn new(name: impl Into<String>, program: Program) -> Self {
        Self { name: name.into(), program: ProgramOrDrums { program, is_drum: false }, ..Self::default() }
    }

    /// An empty drum track. `kit` is the program of the percussion channel, 0 for the standard kit.
    #[must_use]
    pub fn drums(name: impl Into<String>, kit: Program) -> Self {
        Self { name: name.into(), program: ProgramOrDrums { program: kit, is_drum: true }, ..Self::default() }
    }

    /// The same track with these notes. They are sorted; a note that would end past
    /// [`Tick::MAX`] ends there.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<Note>) -> Self {
        self.set_notes(notes);
        self
    }

    /// The track's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Renames the track.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// The General MIDI program; for a drum track, the kit.
    #[must_use]
    pub const fn program(&self) -> Program {
        self.program.program
    }

    /// Sets the program.
    pub fn set_program(&mut self, program: Program) {
        self.program.program = program;
    }

    /// Whether the track is percussion (MIDI channel 10).
    #[must_use]
    pub const fn is_drum(&self) -> bool {
        self.program.is_drum
    }

    /// Notes, sorted by onset, then pitch, then duration.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Replaces the notes; see [`Track::with_notes`].
    pub fn set_notes(&mut self, mut notes: Vec<Note>) {
        for note in &mut notes {
            note.duration = note.end().saturating_sub(note.start);
        }
        notes.sort_unstable();
        self.notes = notes;
    }

    /// Adds notes, keeping the order.
    pub fn extend_notes(&mut self, notes: impl IntoIterator<Item = Note>) {
        let mut all = std::mem::take(&mut self.notes);
        all.extend(notes);
        self.set_notes(all);
    }

    /// Control changes in order of time.
    #[must_use]
    pub fn controls(&self) -> &[At<ControlChange>] {
        &self.controls
    }

    /// Replaces the control changes. Those of one tick keep their order.
    pub fn set_controls(&mut self, mut controls: Vec<At<ControlChange>>) {
        controls.sort_by_key(|c| c.tick);
        self.controls = controls;
    }

    /// Pitch bends in order of time.
    #[must_use]
    pub fn pitch_bends(&self) -> &[At<PitchBend>] {
        &self.pitch_bends
    }

    /// Replaces the pitch bends. Those of one tick keep their order.
    pub fn set_pitch_bends(&mut self, mut bends: Vec<At<PitchBend>>) {
        bends.sort_by_key(|b| b.tick);
        self.pitch_bends = bends;
    }

    /// The end of the last note; zero for a track with none.
    #[must_use]
    pub fn end(&self) -> Tick {
        self.notes.iter().map(Note::end).max().unwrap_or(Tick::ZERO)
    }
}

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
    tracks: Vec<Track>,
}

#[derive(Deserialize)]
struct ScoreParts {
    ticks_per_quarter: TicksPerQuarter,
    tempo_map: TempoMap,
    time_signatures: Vec<At<TimeSignature>>,
    key_signatures: Vec<At<KeySignature>>,
    tracks: Vec<Track>,
}

impl From<ScoreParts> for Score {
    fn from(p: ScoreParts) -> Self {
        let mut score = Self::new(p.ticks_per_quarter);
        score.tempo_map = p.tempo_map;
        score.set_time_signatures(p.time_signatures);
        score.set_key_signatures(p.key_signatures);
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
    /// last wins.
    pub fn set_time_signatures(&mut self, signatures: Vec<At<TimeSignature>>) {
        self.time_signatures = in_order(signatures, Some(TimeSignature::COMMON));
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

    /// The same tempo map, signatures and resolution, with no tracks.
    #[must_use]
    pub fn without_tracks(&self) -> Self {
        Self {
            ticks_per_quarter: self.ticks_per_quarter,
            tempo_map: self.tempo_map.clone(),
            time_signatures: self.time_signatures.clone(),
            key_signatures: self.key_signatures.clone(),
            tracks: Vec::new(),
        }
    }

    /// How many notes there are over all tracks.
    #[must_use]
    pub fn note_count(&self) -> usize {
        self.tracks.iter().map(|t| t.notes.len()).sum()
    }

    /// Whether there is no note at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracks.iter().all(|t| t.notes.is_empty())
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

/// Sorts, keeps the last of each tick, drops repeats of what is in force, and puts `initial` at
/// tick 0 if nothing is there.
pub(crate) fn in_order<T: PartialEq + Copy>(mut items: Vec<At<T>>, initial: Option<T>) -> Vec<At<T>> {
    items.sort_by_key(|i| i.tick);
    let mut out: Vec<At<T>> = Vec::with_capacity(items.len() + 1);
    if let Some(value) = initial {
        out.push(At { tick: Tick::ZERO, value });
    }
    for item in items {
        match out.last_mut() {
            Some(last) if last.tick == item.tick => last.value = item.value,
            _ => out.push(item),
        }
    }
    out.dedup_by(|next, kept| next.value == kept.value);
    out
}
