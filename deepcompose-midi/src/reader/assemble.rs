//! File tracks to a score.

use std::collections::{HashMap, HashSet};

use deepcompose_core::{At, Score, Tempo, TempoMap, Tick, TicksPerQuarter, Track};

use crate::error::MidiError;
use crate::reader::Context;
use crate::reader::in_force::Control;
use crate::reader::notes::{Ended, Keys, Open, Paired, in_order, without_all_offs};
use crate::reader::parts::{Moment, Part, Parts, Strip};
use crate::reader::report::{Repair, Skipped, Timing};
use crate::reader::track::{Channel, Event, EventKind, FileTrack, Name};

/// Makes one score of file tracks that sound together.
pub(super) fn score(mut tracks: Vec<FileTrack>, context: &mut Context<'_>) -> Result<Score, MidiError> {
    let mut parts = Parts::default();
    let events = events_in_order(&mut tracks, &mut parts, context)?;

    let (ticks_per_quarter, fixed_tempo) = resolution(context.report.timing());
    let mut score = Score::new(ticks_per_quarter);
    let mut tempos = Vec::new();
    let mut time_signatures = Vec::new();
    let mut key_signatures = Vec::new();
    for track in &mut tracks {
        tempos.append(&mut track.tempos);
        time_signatures.append(&mut track.time_signatures);
        key_signatures.append(&mut track.key_signatures);
    }
    let last = (events.iter().map(|e| e.tick))
        .max()
        .into_iter()
        .chain(tempos.iter().map(|t| t.tick))
        .chain(time_signatures.iter().map(|t| t.tick))
        .chain(key_signatures.iter().map(|k| k.tick))
        .max();
    tempos.extend(fixed_tempo.map(|value| At { tick: Tick::ZERO, value }));
    score.set_tempo_map(TempoMap::new(tempos));
    score.set_time_signatures(time_signatures);
    score.set_key_signatures(key_signatures);

    distribute(&events, &tracks, &mut parts, context)?;
    drop(events);
    parts.finish(context)?;

    let last = parts.end().into_iter().chain(last).max();
    check_duration(&score, last.unwrap_or(Tick::ZERO), context)?;
    push_tracks(&mut score, &tracks, parts, context);
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

/// The events of all file tracks; their strips become those of `parts`.
///
/// As a player does: all tracks at once, those of one tick in the order of the file. Where no two
/// file tracks play on one channel they have no say in each other, and the order of the file will do.
fn events_in_order(
    tracks: &mut [FileTrack],
    parts: &mut Parts,
    context: &mut Context<'_>,
) -> Result<Vec<Event>, MidiError> {
    let mut is_used = [false; Channel::COUNT];
    let mut is_shared = false;
    for track in tracks.iter_mut() {
        for channel in &track.channels {
            if let Some(used) = is_used.get_mut(channel.index()) {
                is_shared |= std::mem::replace(used, true);
            }
        }
        parts.add_strips(track.index, std::mem::take(&mut track.channels), context)?;
    }
    let (first, last) = (tracks.first(), tracks.last());
    let range = first.map_or(0, |t| t.events.start)..last.map_or(0, |t| t.events.end);
    let mut events = if range == (0..context.channel_events.len()) {
        std::mem::take(&mut context.channel_events)
    } else {
        // A pattern of several: its strips are counted from its own first.
        let first_strip = first.map_or(0, |t| t.first_strip);
        let of_pattern = context.channel_events.get(range).unwrap_or_default();
        of_pattern.iter().map(|e| Event { strip: e.strip - first_strip, ..*e }).collect()
    };
    if is_shared {
        events.sort_by_key(|e| e.tick);
    }
    Ok(events)
}

/// The "all notes off" messages of each channel, as `(order, tick)`.
type Silences = HashMap<Channel, Vec<(u32, Tick)>>;

/// Deals the events out to parts.
fn distribute(
    events: &[Event],
    tracks: &[FileTrack],
    parts: &mut Parts,
    context: &mut Context<'_>,
) -> Result<(), MidiError> {
    let mut keys = Keys::new(parts.strips.len());
    let mut silences = Silences::new();
    for (order, event) in (0..).zip(events) {
        let at = Moment { order, tick: event.tick, offset: event.offset as usize };
        let strip = event.strip as usize;
        match event.decoded() {
            None => {}
            Some(EventKind::NoteOn(pitch, velocity)) => {
                context.count_note(|| parts.strips.get(strip).map_or(0, |s| s.file_track))?;
                let part = parts.part_of_note(strip, at, context)?;
                let index = parts.parts.get_mut(part).map(|p| p.begin(event.tick, pitch, velocity));
                let open = Open { order, tick: event.tick, part: part as u32, index: index.unwrap_or(0) };
                keys.on(strip, pitch, open);
            }
            Some(EventKind::NoteOff(pitch, velocity)) => {
                // These two say nothing.
                if !matches!(velocity, 0 | 64) {
                    skip(Skipped::ReleaseVelocity, order, events, parts, context);
                }
                match keys.off(strip, pitch, order, event.tick) {
                    Ended::Alone(open) => parts.end_note(open.part, open.index, event.tick),
                    Ended::One => {}
                    Ended::Span(span) => {
                        in_order(&span).for_each(|paired| end(paired, events, parts, context))
                    }
                    Ended::Stray => repair(Repair::StrayNoteOff, order, events, parts, context),
                }
            }
            Some(EventKind::Control(change)) => {
                if matches!(change.controller(), 120 | 123..=127)
                    && let Some(s) = parts.strips.get(strip)
                {
                    silences.entry(s.channel).or_default().push((order, event.tick));
                }
                parts.control(strip, Control::Change(change), at, context)?;
            }
            Some(EventKind::Bend(bend)) => parts.control(strip, Control::Bend(bend), at, context)?,
            Some(EventKind::Program(program)) => parts.program(strip, program, at, context),
        }
    }
    for span in keys.into_open() {
        let silence = |order: u32| silence_after(order, events, parts, &silences, tracks);
        let (notes, strays) = without_all_offs(&span, silence);
        notes.into_iter().for_each(|paired| end(paired, events, parts, context));
        strays.into_iter().for_each(|off| repair(Repair::StrayNoteOff, off, events, parts, context));
    }
    Ok(())
}

fn end(paired: Paired, events: &[Event], parts: &mut Parts, context: &mut Context<'_>) {
    if paired.overlaps {
        repair(Repair::OverlappingNotes, paired.on.order, events, parts, context);
    }
    if paired.off.is_none() {
        repair(Repair::UnclosedNote, paired.on.order, events, parts, context);
    }
    parts.end_note(paired.on.part, paired.on.index, paired.end);
}

fn repair(repair: Repair, order: u32, events: &[Event], parts: &Parts, context: &mut Context<'_>) {
    if let Some((event, strip)) = with_strip(order, events, parts) {
        context.report.repair(repair, Some(strip.file_track), event.offset as usize);
    }
}

fn skip(skipped: Skipped, order: u32, events: &[Event], parts: &Parts, context: &mut Context<'_>) {
    if let Some((event, strip)) = with_strip(order, events, parts) {
        context.report.skip(skipped, Some(strip.file_track), event.offset as usize);
    }
}

fn with_strip<'p>(order: u32, events: &[Event], parts: &'p Parts) -> Option<(Event, &'p Strip)> {
    let event = events.get(order as usize)?;
    Some((*event, parts.strips.get(event.strip as usize)?))
}

/// When a note that is never ended falls silent: at the next "all notes off" of its channel, or
/// else at the end of its file track.
fn silence_after(
    order: u32,
    events: &[Event],
    parts: &Parts,
    silences: &Silences,
    tracks: &[FileTrack],
) -> Tick {
    let Some((event, strip)) = with_strip(order, events, parts) else { return Tick::ZERO };
    let of_channel = silences.get(&strip.channel).map(Vec::as_slice).unwrap_or_default();
    let after = of_channel.partition_point(|(silence, _)| *silence < order);
    let end = || by_index(tracks, strip.file_track).map_or(event.tick, |t| t.end);
    of_channel.get(after).map_or_else(end, |(_, tick)| *tick)
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

/// Adds the parts to the score: in the order of the file's tracks, then of the channels' first
/// events, then of the programs' first notes.
fn push_tracks(score: &mut Score, tracks: &[FileTrack], parts: Parts, context: &mut Context<'_>) {
    let Parts { strips, mut parts, .. } = parts;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let place = |p: &Part| (strips.get(p.strip).map(|s| s.file_track), p.strip);
    order.sort_by_key(|index| parts.get(*index).map(place));
    let mut named = HashSet::new();
    for index in order {
        let Some(part) = parts.get_mut(index) else { continue };
        let Some(strip) = strips.get(part.strip) else { continue };
        let name = by_index(tracks, strip.file_track).and_then(|t| name_of(t, strip.channel));
        named.extend(name.map(|n| n.offset));
        let make = if strip.channel.is_drum() { Track::drums } else { Track::new };
        let mut track = make(name.map(|n| n.text.as_str()).unwrap_or_default(), part.program);
        let (controls, bends) = part.take_controls();
        track.set_controls(controls);
        track.set_pitch_bends(bends);
        track.set_notes(part.take_notes());
        score.push_track(track);
    }
    report_unused_names(tracks, &named, context);
}

/// `tracks` are consecutive file tracks.
fn by_index(tracks: &[FileTrack], index: usize) -> Option<&FileTrack> {
    tracks.get(index.checked_sub(tracks.first()?.index)?)
}

fn name_of(track: &FileTrack, channel: Channel) -> Option<&Name> {
    track.channel_names.get(&channel).or(track.name.as_ref()).or(track.instrument.as_ref())
}

/// `used` holds the offsets of the names that went to a track of the score.
fn report_unused_names(tracks: &[FileTrack], used: &HashSet<usize>, context: &mut Context<'_>) {
    for track in tracks {
        let mut unused: Vec<(usize, Skipped)> = track
            .channel_names
            .values()
            .chain(&track.instrument)
            .map(|name| (name.offset, Skipped::InstrumentName))
            .chain(track.name.as_ref().map(|name| (name.offset, Skipped::SequenceName)))
            .filter(|(offset, _)| !used.contains(offset))
            .collect();
        unused.sort_unstable_by_key(|(offset, _)| *offset);
        for (offset, skipped) in unused {
            context.report.skip(skipped, Some(track.index), offset);
        }
    }
}
