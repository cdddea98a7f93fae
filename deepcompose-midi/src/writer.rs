//! Scores to bytes and files.

use std::path::Path;

use deepcompose_core::{At, ControlChange, Mode, RawEvent, RawKind, Score, Text, Tick, TimeSignature, Track};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Timing, TrackEvent, TrackEventKind};

use crate::channels::{Allotment, Slot, allot, allot_one_port};
use crate::error::MidiError;

/// An event at a tick; those of one tick are written in order of rank.
type Placed<'a> = (Tick, Rank, TrackEventKind<'a>);

/// Order within a tick. Notes that end make room for those that begin, and these find the controls
/// set that they are played with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Setup,
    NoteOff,
    Control,
    Pressure,
    Bend,
    /// With the note off right after it, for a note of no length.
    NoteOn,
}

/// Writes a score as a type 1 file; see [`to_bytes`].
///
/// The bytes go to a temporary file in the same folder, which then takes the place of `path`: a
/// file that was there stays whole until the new one is.
///
/// # Errors
///
/// [`MidiError::Io`] if the folder cannot be written to or the file is read-only, and those of
/// [`to_bytes`].
pub fn write(path: impl AsRef<Path>, score: &Score) -> Result<(), MidiError> {
    let bytes = to_bytes(score)?;
    deepcompose_files::write(path.as_ref(), &bytes).map_err(|e| MidiError::io(path.as_ref(), e))
}

/// A score as a Standard MIDI File of type 1: a first track with tempos, time signatures, key
/// signatures and what else belongs to the piece as a whole, then one track for each track of the
/// score.
///
/// Each melodic track gets a channel of its own, 1 to 16 without 10; drum tracks play on channel
/// 10, several on the same one if they share a kit and have no controls, bends or aftertouch. Past
/// fifteen melodic tracks, the next port (meta event FF 21) is used. Past 128 ports, which is 1920
/// melodic tracks or 128 drum tracks that cannot share, channels are shared: the file tracks still
/// tell them apart, for this crate and for others that look at them, but a player plays them
/// with one program at a time. At one tick, texts and raw events come first, then note offs,
/// controls, aftertouch, pitch bends and note ons. Texts are UTF-8.
///
/// Reading the bytes gives [`canonical`](crate::canonical)`(score)`.
///
/// ```
/// use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
///
/// let mut score = Score::default();
/// score.push_track(Track::new("Bass", Program::new(33)?).with_notes(vec![Note {
///     start: Tick::ZERO,
///     pitch: Pitch::new(40)?,
///     duration: Tick::new(960)?,
///     velocity: Velocity::DEFAULT,
/// }]));
/// let bytes = deepcompose_midi::to_bytes(&score)?;
/// assert_eq!(deepcompose_midi::read_strict_bytes(&bytes)?, score);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`MidiError::Limit`] past 65 534 tracks, or for a name or a track too long for the format.
pub fn to_bytes(score: &Score) -> Result<Vec<u8>, MidiError> {
    check_names(score)?;
    limit("tracks", score.tracks().len(), usize::from(u16::MAX) - 1)?;
    let Allotment { slots, ports } = allot(score.tracks());
    let mut tracks = vec![chunk(conductor(score))];
    for (track, slot) in score.tracks().iter().zip(slots) {
        let mut events = Vec::new();
        let mut meta = |m| events.push((Tick::ZERO, Rank::Setup, TrackEventKind::Meta(m)));
        // Also an empty name, where another text could be taken for one.
        if !track.name().is_empty() || !track.texts().is_empty() {
            meta(MetaMessage::TrackName(track.name().as_bytes()));
        }
        if ports > 1 {
            meta(MetaMessage::MidiPort(u7::new(slot.port)));
        }
        push_words(&mut events, track.texts(), track.raw_events());
        push_track(&mut events, track, slot);
        tracks.push(chunk(events));
    }
    encode(score, Format::Parallel, &tracks)
}

/// A score as a Standard MIDI File of type 0: everything in one track, for players that know no
/// other type. Names are written for each channel (channel prefix FF 20, instrument name FF 04).
///
/// Reading the bytes gives [`canonical`](crate::canonical)`(score)`, but for two things. Tracks with
/// neither notes nor controls are lost unless there is one track only. Which texts and raw events
/// were the score's and which a track's is not kept: of several tracks, those after tick 0 are all
/// the score's.
///
/// # Errors
///
/// [`MidiError::Unsupported`] for a score with more than fifteen melodic tracks or more than one
/// drum track: there is a channel for each track, or the file could not tell them apart.
/// [`MidiError::Limit`] for a name or a track too long for the format.
pub fn to_bytes_type0(score: &Score) -> Result<Vec<u8>, MidiError> {
    check_names(score)?;
    let slots = allot_one_port(score.tracks()).ok_or_else(|| MidiError::Unsupported {
        what: "type 0 for more than 15 melodic tracks or more than one drum track; write type 1".to_owned(),
    })?;
    let mut events = conductor(score);
    for (track, slot) in score.tracks().iter().zip(slots) {
        let mut meta = |m| events.push((Tick::ZERO, Rank::Setup, TrackEventKind::Meta(m)));
        meta(MetaMessage::MidiChannel(u4::new(slot.channel)));
        meta(MetaMessage::InstrumentName(track.name().as_bytes()));
        push_words(&mut events, track.texts(), track.raw_events());
        push_track(&mut events, track, slot);
    }
    encode(score, Format::SingleTrack, &[chunk(events)])
}

fn check_names(score: &Score) -> Result<(), MidiError> {
    let longest = score.tracks().iter().map(|t| t.name().len()).max().unwrap_or(0);
    limit("bytes in a track name", longest, u28::max_value().as_int() as usize)
}

fn limit(what: &'static str, value: usize, limit: usize) -> Result<(), MidiError> {
    if value > limit {
        Err(MidiError::Limit { what, value: value as u64, limit: limit as u64, track: None })
    } else {
        Ok(())
    }
}

/// A metronome click each denominator note, in MIDI clocks of 24 a quarter note.
pub(crate) fn clocks(signature: TimeSignature) -> u8 {
    (96 / signature.denominator()).max(1)
}

/// Tempos, signatures, and the texts and raw events of the score.
fn conductor(score: &Score) -> Vec<Placed<'_>> {
    let time = score.time_signatures().iter().map(|at| {
        let power = at.value.denominator().trailing_zeros() as u8;
        (at.tick, MetaMessage::TimeSignature(at.value.numerator(), power, clocks(at.value), 8))
    });
    let keys = score
        .key_signatures()
        .iter()
        .map(|at| (at.tick, MetaMessage::KeySignature(at.value.sharps(), at.value.mode() == Mode::Minor)));
    let tempos = score
        .tempo_map()
        .changes()
        .iter()
        .map(|at| (at.tick, MetaMessage::Tempo(u24::new(at.value.micros()))));
    let metas = time.chain(keys).chain(tempos);
    let mut events: Vec<_> =
        metas.map(|(tick, meta)| (tick, Rank::Setup, TrackEventKind::Meta(meta))).collect();
    push_words(&mut events, score.texts(), score.raw_events());
    events
}

/// Texts, then raw events.
fn push_words<'a>(events: &mut Vec<Placed<'a>>, texts: &'a [At<Text>], raw: &'a [At<RawEvent>]) {
    events.extend(texts.iter().map(|at| {
        let message = MetaMessage::Unknown(at.value.kind().meta_type(), at.value.as_str().as_bytes());
        (at.tick, Rank::Setup, TrackEventKind::Meta(message))
    }));
    events.extend(raw.iter().map(|at| {
        let data = at.value.data();
        let kind = match at.value.kind() {
            RawKind::SysEx => TrackEventKind::SysEx(data),
            RawKind::Escape => TrackEventKind::Escape(data),
            RawKind::Meta(meta) => TrackEventKind::Meta(MetaMessage::Unknown(meta, data)),
        };
        (at.tick, Rank::Setup, kind)
    }));
}

fn push_track(events: &mut Vec<Placed<'_>>, track: &Track, slot: Slot) {
    let channel = u4::new(slot.channel);
    let mut push = |tick, rank, message| events.push((tick, rank, TrackEventKind::Midi { channel, message }));
    let key = |pitch: deepcompose_core::Pitch| u7::new(pitch.get());

    // A bank select takes effect with the program change after it.
    let is_bank = |c: &At<ControlChange>| matches!(c.value.controller(), 0 | 32);
    let first_note = track.notes().first().map_or(Tick::MAX, |n| n.start);
    let program = MidiMessage::ProgramChange { program: u7::new(track.program().get()) };
    if !track.controls().iter().take_while(|c| c.tick <= first_note).any(is_bank) {
        push(Tick::ZERO, Rank::Control, program);
    }
    for of_tick in track.controls().chunk_by(|a, b| a.tick == b.tick) {
        let last_bank = of_tick.iter().rposition(is_bank);
        for (i, control) in of_tick.iter().enumerate() {
            let controller = u7::new(control.value.controller());
            let value = u7::new(control.value.value());
            push(control.tick, Rank::Control, MidiMessage::Controller { controller, value });
            if last_bank == Some(i) {
                push(control.tick, Rank::Control, program);
            }
        }
    }
    for at in track.pressures() {
        let vel = u7::new(at.value.value());
        let message = match at.value.pitch() {
            Some(pitch) => MidiMessage::Aftertouch { key: key(pitch), vel },
            None => MidiMessage::ChannelAftertouch { vel },
        };
        push(at.tick, Rank::Pressure, message);
    }
    for bend in track.pitch_bends() {
        let bend_message = MidiMessage::PitchBend { bend: midly::PitchBend::from_int(bend.value.get()) };
        push(bend.tick, Rank::Bend, bend_message);
    }
    for note in track.notes_as_given() {
        let off = MidiMessage::NoteOff { key: key(note.pitch), vel: u7::new(64) };
        let vel = u7::new(note.velocity.get());
        push(note.start, Rank::NoteOn, MidiMessage::NoteOn { key: key(note.pitch), vel });
        let is_instant = note.duration == Tick::ZERO;
        push(note.end(), if is_instant { Rank::NoteOn } else { Rank::NoteOff }, off);
    }
}

/// The events of a track chunk in order, with delta times and an end of track.
fn chunk(mut events: Vec<Placed<'_>>) -> Vec<TrackEvent<'_>> {
    events.sort_by_key(|(tick, rank, _)| (*tick, *rank));
    let mut now = Tick::ZERO;
    let mut out: Vec<_> = events
        .into_iter()
        .map(|(tick, _, kind)| {
            let delta = u28::new(tick.saturating_sub(now).get());
            now = tick;
            TrackEvent { delta, kind }
        })
        .collect();
    let kind = TrackEventKind::Meta(MetaMessage::EndOfTrack);
    out.push(TrackEvent { delta: u28::new(0), kind });
    out
}

fn encode(score: &Score, format: Format, tracks: &[Vec<TrackEvent<'_>>]) -> Result<Vec<u8>, MidiError> {
    let ticks = u15::new(score.ticks_per_quarter().get());
    let header = Header { format, timing: Timing::Metrical(ticks) };
    let mut bytes = Vec::new();
    // Writing to memory fails only for a chunk whose length does not fit its 32 bits.
    midly::write_std(&header, tracks, &mut bytes).map_err(|_| MidiError::Limit {
        what: "bytes in a track",
        value: u64::from(u32::MAX) + 1,
        limit: u32::MAX.into(),
        track: None,
    })?;
    Ok(bytes)
}
