//! File tracks to a score.

use deepcompose_core::{At, Note, Pitch, Score, Tempo, TempoMap, Tick, TicksPerQuarter, Track, Velocity};

use crate::error::MidiError;
use crate::reader::context::Context;
use crate::reader::in_force::Control;
use crate::reader::kinds::{Repair, Skipped};
use crate::reader::notes::{Begun, Ended, Off, without_all_offs};
use crate::reader::parts::{Part, Parts, Placed};
use crate::reader::report::Timing;
use crate::reader::strips::{Channel, Event, Song};
use crate::reader::text::TextEncoding;
use crate::reader::words::{Decoder, Names, place, silent_track};

/// Makes one score of a song.
pub(super) fn score(
    mut song: Song<'_>,
    encoding: TextEncoding,
    context: &mut Context<'_>,
) -> Result<Score, MidiError> {
    let (ticks_per_quarter, fixed_tempo) = resolution(context.report.timing());
    let mut score = Score::new(ticks_per_quarter);
    let mut tempos: Vec<At<Tempo>> = Vec::new();
    let mut time_signatures = Vec::new();
    let mut key_signatures = Vec::new();
    for track in &mut song.tracks {
        tempos.append(&mut track.tempos);
        time_signatures.append(&mut track.time_signatures);
        key_signatures.append(&mut track.key_signatures);
    }
    tempos.extend(fixed_tempo.map(|value| At { tick: Tick::ZERO, value }));
    score.set_tempo_map(TempoMap::new(tempos));
    score.set_time_signatures(time_signatures);
    score.set_key_signatures(key_signatures);

    let parts = distribute(&song, context)?;
    let notes = parts.iter().flat_map(|p| &p.notes).map(Note::end);
    let last = notes.chain(song.tracks.iter().map(|t| t.last)).max();
    check_duration(&score, last.unwrap_or(Tick::ZERO), context)?;
    push_tracks(&mut score, &song, parts, encoding, context)?;
    Ok(score)
}

/// The resolution and, in SMPTE time, the tempo at which seconds come out exactly: a quarter note
/// is a second (1.001 seconds where the frame rate is 30000/1001).
fn resolution(timing: Timing) -> (TicksPerQuarter, Option<Tempo>) {
    match timing {
        Timing::Metrical { ticks_per_quarter } => {
            (TicksPerQuarter::saturating(ticks_per_quarter.into()), None)
        }
        Timing::Smpte { frames, ticks_per_frame } => {
            let (frames, micros) = if frames == 29 { (30, 1_001_000) } else { (frames, 1_000_000) };
            let ticks = i64::from(frames) * i64::from(ticks_per_frame);
            (TicksPerQuarter::saturating(ticks), Tempo::from_micros(micros).ok())
        }
    }
}

/// Deals the events out to parts.
fn distribute(song: &Song<'_>, context: &mut Context<'_>) -> Result<Vec<Part>, MidiError> {
    let mut parts = Parts::new(song);
    for (order, event) in (0u32..).zip(&song.events) {
        let pitch = event.data[0];
        match (event.message, event.data[1]) {
            (0x9, velocity @ 1..) => {
                context.count_note(|| song.file_track(event.strip))?;
                let part = match parts.settled_part(song, event.strip) {
                    Some(part) => part,
                    None => parts.settle(song, event, order, context)?,
                };
                let begun = parts.begin(part, event, velocity, order);
                if let Some(strip) = parts.strips.get_mut(event.strip as usize) {
                    strip.keys.on(pitch, begun);
                }
            }
            (0x8 | 0x9, release) => {
                if !matches!(release, 0 | 64) {
                    skip(Skipped::ReleaseVelocity, event, song, context);
                }
                let Some(strip) = parts.strips.get_mut(event.strip as usize) else { continue };
                if let Some(begun) = strip.keys.off_only(pitch) {
                    parts.end(begun, event.tick);
                    continue;
                }
                match strip.keys.off(pitch, event.tick, order, context.overlaps) {
                    Off::Fewer => {}
                    Off::Span(ended) => ended.into_iter().for_each(|e| end(e, &mut parts, song, context)),
                    Off::Stray => repair(Repair::StrayNoteOff, order, song, context),
                }
            }
            (0xC, _) => parts.program(song, event),
            _ => parts.control(song, event, order, context)?,
        }
    }
    end_open(&mut parts, song, context);
    parts.finish(song, context)?;
    Ok(parts.parts)
}

impl Parts {
    /// Begins a note.
    #[inline]
    fn begin(&mut self, part: u32, event: &Event, velocity: u8, order: u32) -> Begun {
        let mut note = 0;
        if let Some(part) = self.parts.get_mut(part as usize) {
            note = part.notes.len() as u32;
            part.notes.push(Note {
                start: event.tick,
                pitch: Pitch::saturating(event.data[0].into()),
                duration: Tick::ZERO,
                velocity: Velocity::saturating(velocity.into()),
            });
        }
        Begun { part, note, tick: event.tick, order }
    }

    #[inline]
    fn end(&mut self, begun: Begun, tick: Tick) {
        let part = self.parts.get_mut(begun.part as usize);
        if let Some(note) = part.and_then(|p| p.notes.get_mut(begun.note as usize)) {
            note.duration = tick.saturating_sub(begun.tick);
        }
    }
}

fn end(ended: Ended, parts: &mut Parts, song: &Song<'_>, context: &mut Context<'_>) {
    if ended.overlaps {
        repair(Repair::OverlappingNotes, ended.begun.order, song, context);
    }
    if !ended.is_closed {
        repair(Repair::UnclosedNote, ended.begun.order, song, context);
    }
    parts.end(ended.begun, ended.tick);
}

/// Ends the notes that lack note offs.
fn end_open(parts: &mut Parts, song: &Song<'_>, context: &mut Context<'_>) {
    let mut open: Vec<_> = Vec::new();
    for (strip, state) in (0u32..).zip(&mut parts.strips) {
        open.extend(state.keys.open().map(|span| (strip, span)));
    }
    if open.is_empty() {
        return;
    }
    let silences = Silences::of(song);
    for (strip, span) in open {
        let (notes, strays) = without_all_offs(&span, |begun| silences.after(begun, strip, song));
        notes.into_iter().for_each(|e| end(e, parts, song, context));
        strays.into_iter().for_each(|off| repair(Repair::StrayNoteOff, off, song, context));
    }
}

/// The "all notes off" messages of each channel in order of time, each with its place in the file.
struct Silences(Vec<Vec<(Tick, u32)>>);

impl Silences {
    fn of(song: &Song<'_>) -> Self {
        let mut channels = vec![Vec::new(); song.channels()];
        for (order, event) in (0u32..).zip(&song.events) {
            if event.message == 0xB && matches!(event.data[0], 120 | 123..=127) {
                let channel = song.strips.get(event.strip as usize).map(|s| s.channel_id as usize);
                if let Some(of) = channel.and_then(|c| channels.get_mut(c)) {
                    of.push((event.tick, order));
                }
            }
        }
        channels.iter_mut().for_each(|of: &mut Vec<(Tick, u32)>| of.sort_unstable());
        Self(channels)
    }

    /// When a note that is never ended falls silent: at the next "all notes off" of its channel, or
    /// else at the end of its file track.
    fn after(&self, begun: Begun, strip: u32, song: &Song<'_>) -> Tick {
        let Some(strip) = song.strips.get(strip as usize) else { return begun.tick };
        let of = self.0.get(strip.channel_id as usize).map(Vec::as_slice).unwrap_or_default();
        let after = of.partition_point(|silence| *silence < (begun.tick, begun.order));
        let end = || song.tracks.get(strip.track as usize).map_or(begun.tick, |t| t.end);
        of.get(after).map_or_else(end, |(tick, _)| *tick)
    }
}

fn repair(repair: Repair, order: u32, song: &Song<'_>, context: &mut Context<'_>) {
    if let Some(event) = song.events.get(order as usize) {
        context.repair(repair, song.file_track(event.strip), event.offset as usize);
    }
}

fn skip(skipped: Skipped, event: &Event, song: &Song<'_>, context: &mut Context<'_>) {
    context.skip(skipped, song.file_track(event.strip), event.offset as usize);
}

fn check_duration(score: &Score, last: Tick, context: &Context<'_>) -> Result<(), MidiError> {
    let limit = context.limits.duration;
    let seconds = score.seconds_at(last);
    if seconds <= limit.as_secs_f64() {
        return Ok(());
    }
    Err(MidiError::Limit {
        what: "seconds of playing time",
        value: seconds.ceil() as u64,
        limit: limit.as_secs(),
        track: None,
    })
}

/// Adds the tracks to the score: in the order of the file's tracks, then of the channels' first
/// events, then of the programs' first notes.
fn push_tracks(
    score: &mut Score,
    song: &Song<'_>,
    mut parts: Vec<Part>,
    encoding: TextEncoding,
    context: &mut Context<'_>,
) -> Result<(), MidiError> {
    let decoder = Decoder::new(encoding, &song.tracks, context);
    if !parts.is_sorted_by_key(|p| p.strip) {
        parts.sort_by_key(|p| p.strip);
    }
    let mut parts = parts.into_iter().peekable();
    let mut own = Vec::new();
    for (number, track) in (0u32..).zip(&song.tracks) {
        let mut names = Names::new(track, decoder);
        own.clear();
        while let Some((part, strip)) =
            parts.peek().and_then(|p| Some((p, song.strips.get(p.strip as usize)?)))
            && strip.track == number
        {
            let name = names.of(Some(strip.channel), context);
            let make = if strip.channel.is_drum() { Track::drums } else { Track::new };
            let mut track = make(name, part.program);
            own.push((strip.channel, score.tracks().len()));
            if let Some(part) = parts.next() {
                fill(&mut track, part);
            }
            score.push_track(track);
        }
        if own.is_empty() && number > 0 && !track.words.is_empty() {
            context.count_track(track.index)?;
            score.push_track(silent_track(&mut names, context));
            own.push((Channel { port: 0, number: 0 }, score.tracks().len() - 1));
        }
        place(score, &own, number == 0, &names, context)?;
    }
    Ok(())
}

fn fill(track: &mut Track, part: Part) {
    let Part { notes, mut controls, .. } = part;
    track.set_notes(notes);
    if controls.is_empty() {
        return;
    }
    let key = |placed: &Placed| (placed.tick, placed.order);
    if !controls.is_sorted_by_key(key) {
        controls.sort_by_key(key);
    }
    let (mut changes, mut bends, mut pressures) = (Vec::new(), Vec::new(), Vec::new());
    for Placed { tick, control, .. } in controls {
        match control {
            Control::Change(value) => changes.push(At { tick, value }),
            Control::Bend(value) => bends.push(At { tick, value }),
            Control::Pressure(value) => pressures.push(At { tick, value }),
        }
    }
    track.set_controls(changes);
    track.set_pitch_bends(bends);
    track.set_pressures(pressures);
}
