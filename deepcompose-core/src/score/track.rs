//! [`Track`]: one instrument's part.

use serde::{Deserialize, Serialize};

use crate::score::timed::{map_ticks, sort};
use crate::score::{At, ControlChange, Note, PitchBend, Pressure, RawEvent, Text};
use crate::units::{Pitch, Program, Tick};

/// One instrument's part: notes in order of onset, and the controls and words that belong to them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "TrackParts")]
pub struct Track {
    name: String,
    program: ProgramOrDrums,
    notes: Vec<Note>,
    #[serde(skip)]
    given: GivenOrder,
    controls: Vec<At<ControlChange>>,
    pitch_bends: Vec<At<PitchBend>>,
    pressures: Vec<At<Pressure>>,
    texts: Vec<At<Text>>,
    raw_events: Vec<At<RawEvent>>,
}

/// The places among a track's sorted notes of the first, the second … as they were given; nothing
/// if that is the same. It says nothing about the music, so all orders are equal.
#[derive(Debug, Clone, Default)]
struct GivenOrder(Option<Box<[u32]>>);

impl PartialEq for GivenOrder {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for GivenOrder {}

impl GivenOrder {
    /// Sorts notes that are in order of onset, and keeps how they were.
    fn sort(notes: &mut [Note]) -> Self {
        let mut order: Option<Box<[u32]>> = None;
        let length = notes.len() as u32;
        let mut first = 0;
        for chord in notes.chunk_by_mut(|a, b| a.start == b.start) {
            if !chord.is_sorted() {
                let order = order.get_or_insert_with(|| (0..length).collect());
                if let Some(order) = order.get_mut(first..first + chord.len()) {
                    sort_chord(chord, first as u32, order);
                }
            }
            first += chord.len();
        }
        Self(order)
    }
}

/// Sorts the notes of one onset, whose places begin at `first`, and writes down the order in which
/// they were. Those of one pitch are in the sorted order there, too: a file could not say
/// otherwise, as a note off ends the note that began first.
fn sort_chord(chord: &mut [Note], first: u32, order: &mut [u32]) {
    let mut by_pitch: Vec<(Pitch, usize)> = chord.iter().map(|note| note.pitch).zip(0..).collect();
    by_pitch.sort_unstable();
    chord.sort_unstable();
    for ((_, given), place) in by_pitch.into_iter().zip(first..) {
        if let Some(slot) = order.get_mut(given) {
            *slot = place;
        }
    }
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
    #[serde(default)]
    pressures: Vec<At<Pressure>>,
    #[serde(default)]
    texts: Vec<At<Text>>,
    #[serde(default)]
    raw_events: Vec<At<RawEvent>>,
}

impl From<TrackParts> for Track {
    fn from(p: TrackParts) -> Self {
        let mut track = Self { name: p.name, program: p.program, ..Self::default() };
        track.set_notes(p.notes);
        track.set_controls(p.controls);
        track.set_pitch_bends(p.pitch_bends);
        track.set_pressures(p.pressures);
        track.set_texts(p.texts);
        track.set_raw_events(p.raw_events);
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

    /// The same notes, but those of one onset in the order in which they were given: for a track that
    /// was read from a file, the order of the file. (Those of one pitch are as in
    /// [`notes`](Self::notes).) The tokens of a [`MusicTokenizer`](crate::MusicTokenizer) and the events
    /// of a MIDI file have this order. Operations on scores and edits of notes keep it; where they look
    /// for what sounds at once ([`resolve_overlaps`](Self::resolve_overlaps) and the like, rhythm
    /// assist) the order is that of [`notes`](Self::notes) after them. Tracks that differ in nothing
    /// else are equal, and it is not serialised.
    pub fn notes_as_given(&self) -> impl Iterator<Item = &Note> + Clone + '_ {
        let order = self.given.0.as_deref();
        (0..self.notes.len()).filter_map(move |at| {
            // The order holds each place once.
            let place = order.and_then(|order| order.get(at)).map_or(at, |place| *place as usize);
            self.notes.get(place)
        })
    }

    /// Replaces the notes; see [`Track::with_notes`].
    pub fn set_notes(&mut self, mut notes: Vec<Note>) {
        for note in &mut notes {
            note.duration = note.duration.min(Tick::MAX.saturating_sub(note.start));
        }
        if !notes.is_sorted_by_key(|note| note.start) {
            notes.sort_by_key(|note| note.start);
        }
        self.given = GivenOrder::sort(&mut notes);
        self.notes = notes;
    }

    /// Adds notes, keeping the order.
    pub fn extend_notes(&mut self, notes: impl IntoIterator<Item = Note>) {
        let mut all: Vec<Note> = self.notes_as_given().copied().collect();
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
        sort(&mut controls);
        self.controls = controls;
    }

    /// Pitch bends in order of time.
    #[must_use]
    pub fn pitch_bends(&self) -> &[At<PitchBend>] {
        &self.pitch_bends
    }

    /// Replaces the pitch bends. Those of one tick keep their order.
    pub fn set_pitch_bends(&mut self, mut bends: Vec<At<PitchBend>>) {
        sort(&mut bends);
        self.pitch_bends = bends;
    }

    /// Aftertouch in order of time.
    #[must_use]
    pub fn pressures(&self) -> &[At<Pressure>] {
        &self.pressures
    }

    /// Replaces the aftertouch. That of one tick keeps its order.
    pub fn set_pressures(&mut self, mut pressures: Vec<At<Pressure>>) {
        sort(&mut pressures);
        self.pressures = pressures;
    }

    /// Lyrics and other texts in order of time.
    #[must_use]
    pub fn texts(&self) -> &[At<Text>] {
        &self.texts
    }

    /// Replaces the texts. Those of one tick keep their order.
    pub fn set_texts(&mut self, mut texts: Vec<At<Text>>) {
        sort(&mut texts);
        self.texts = texts;
    }

    /// System exclusive messages and the like in order of time.
    #[must_use]
    pub fn raw_events(&self) -> &[At<RawEvent>] {
        &self.raw_events
    }

    /// Replaces the raw events. Those of one tick keep their order.
    pub fn set_raw_events(&mut self, mut events: Vec<At<RawEvent>>) {
        sort(&mut events);
        self.raw_events = events;
    }

    /// The end of the last note; zero for a track with none.
    #[must_use]
    pub fn end(&self) -> Tick {
        self.notes.iter().map(Note::end).max().unwrap_or(Tick::ZERO)
    }

    /// Moves everything in time: what is at a tick goes to `tick` of it. A note's onset and end
    /// are moved one by one, so that notes that met still meet; one that would end before its onset
    /// has no length.
    pub fn map_ticks(&mut self, mut tick: impl FnMut(Tick) -> Tick) {
        let mut notes: Vec<Note> = self.notes_as_given().copied().collect();
        for note in &mut notes {
            let end = tick(note.end());
            note.start = tick(note.start);
            note.duration = end.saturating_sub(note.start);
        }
        self.set_notes(notes);
        map_ticks(&mut self.controls, &mut tick);
        map_ticks(&mut self.pitch_bends, &mut tick);
        map_ticks(&mut self.pressures, &mut tick);
        map_ticks(&mut self.texts, &mut tick);
        map_ticks(&mut self.raw_events, &mut tick);
    }

    /// Keeps the events at ticks for which `keep` is true: controls, pitch bends, aftertouch, texts
    /// and raw events. Notes stay.
    pub fn retain_events(&mut self, mut keep: impl FnMut(Tick) -> bool) {
        self.controls.retain(|e| keep(e.tick));
        self.pitch_bends.retain(|e| keep(e.tick));
        self.pressures.retain(|e| keep(e.tick));
        self.texts.retain(|e| keep(e.tick));
        self.raw_events.retain(|e| keep(e.tick));
    }

    /// Adds the events of another track, behind those of the same tick: controls, pitch bends,
    /// aftertouch, texts and raw events. Notes stay as they are.
    pub fn extend_events(&mut self, other: &Self) {
        fn extend<T: Clone>(to: &mut Vec<At<T>>, from: &[At<T>]) {
            to.extend_from_slice(from);
            sort(to);
        }
        extend(&mut self.controls, &other.controls);
        extend(&mut self.pitch_bends, &other.pitch_bends);
        extend(&mut self.pressures, &other.pressures);
        extend(&mut self.texts, &other.texts);
        extend(&mut self.raw_events, &other.raw_events);
    }
}
