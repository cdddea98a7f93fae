//! Names, texts and raw events: where they go.

use std::collections::HashMap;

use deepcompose_core::{At, RawEvent, RawKind, Score, Text, TextKind, Track};

use crate::error::MidiError;
use crate::reader::context::Context;
use crate::reader::kinds::{Repair, Skipped};
use crate::reader::strips::Channel;
use crate::reader::text::{TextEncoding, cut};
use crate::reader::track::{FileTrack, Word, WordKind};

/// How texts are decoded in this file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoder {
    encoding: TextEncoding,
    prefers_utf8: bool,
}

impl Decoder {
    /// Decides on the encoding of all texts of these file tracks.
    pub(super) fn new(asked: TextEncoding, tracks: &[FileTrack<'_>], context: &mut Context<'_>) -> Self {
        let words = tracks.iter().flat_map(|t| &t.words);
        let encoding = asked.decide(words.filter(|w| matches!(w.kind, WordKind::Text(_))).map(|w| w.data));
        let is_auto = asked == TextEncoding::Auto;
        let used = if encoding == TextEncoding::Auto { TextEncoding::Utf8 } else { encoding };
        context.report.set_text_encoding(used);
        Self { encoding: used, prefers_utf8: is_auto && used != TextEncoding::ShiftJis }
    }

    fn decode(self, word: &Word<'_>, track: usize, context: &mut Context<'_>) -> String {
        let (text, has_errors) = self.encoding.decode(word.data, self.prefers_utf8);
        if has_errors {
            context.repair(Repair::UndecodableText, Some(track), word.offset);
        }
        text
    }
}

/// The names of one file track that are in use.
#[derive(Debug)]
pub(super) struct Names<'t, 'a> {
    track: &'t FileTrack<'a>,
    decoder: Decoder,
    /// By their place among the words.
    used: Vec<(usize, String)>,
}

impl<'t, 'a> Names<'t, 'a> {
    pub(super) fn new(track: &'t FileTrack<'a>, decoder: Decoder) -> Self {
        Self { track, decoder, used: Vec::new() }
    }

    /// The name of what plays on a channel of the track; of the track, if there is none.
    pub(super) fn of(&mut self, channel: Option<Channel>, context: &mut Context<'_>) -> String {
        let track = self.track;
        let of_channel = channel.and_then(|channel| track.channel_names.get(&channel));
        let Some(place) = of_channel.copied().or(track.name).or(track.instrument) else {
            return String::new();
        };
        match self.used.binary_search_by_key(&place, |(used, _)| *used) {
            Ok(at) => self.used.get(at).map(|(_, name)| name.clone()).unwrap_or_default(),
            Err(at) => {
                let Some(word) = track.words.get(place) else { return String::new() };
                let text = self.decoder.decode(word, track.index, context);
                let (name, is_cut) = cut(text, context.limits.name_bytes);
                if is_cut {
                    context.repair(Repair::LongName, Some(track.index), word.offset);
                }
                self.used.insert(at, (place, name.clone()));
                name
            }
        }
    }

    fn is_used(&self, place: usize) -> bool {
        self.used.binary_search_by_key(&place, |(used, _)| *used).is_ok()
    }
}

/// Texts and raw events of a track or of the score.
#[derive(Debug, Default, Clone)]
struct Collected {
    texts: Vec<At<Text>>,
    raw: Vec<At<RawEvent>>,
}

/// Puts the words of a file track where they belong, but for its names. `own` are the tracks of the
/// score that the file track has become, each with its channel; `is_first` says whether it is the
/// first of the file.
///
/// What is for a channel alone goes to the first track of that channel. Of the first file track,
/// what is for the whole piece (copyright, markers, cue points, raw events) goes to the score, and so
/// does all else unless the file track has become one track exactly. Otherwise it goes to the first
/// of the tracks.
pub(super) fn place(
    score: &mut Score,
    own: &[(Channel, usize)],
    is_first: bool,
    names: &Names<'_, '_>,
    context: &mut Context<'_>,
) -> Result<(), MidiError> {
    let track = names.track;
    if track.words.iter().enumerate().all(|(place, _)| names.is_used(place)) {
        return Ok(());
    }
    let mut by_channel: HashMap<Channel, usize> = HashMap::new();
    if track.words.iter().any(|w| w.channel.is_some()) {
        for (channel, index) in own {
            by_channel.entry(*channel).or_insert(*index);
        }
    }
    let first = own.first().map(|(_, index)| *index);
    let mut of_score = Collected::default();
    let mut of_track: HashMap<usize, Collected> = HashMap::new();
    let unused = track.words.iter().enumerate().filter(|(place, _)| !names.is_used(*place));
    for (_, word) in unused {
        use TextKind::{Copyright, CuePoint, Marker};
        let is_global = matches!(word.kind, WordKind::Raw(_) | WordKind::Text(Copyright | CuePoint | Marker));
        let of_channel = word.channel.and_then(|channel| by_channel.get(&channel));
        let target = match (of_channel, is_first) {
            (Some(index), _) => Some(*index),
            (None, true) => first.filter(|_| own.len() == 1 && !is_global),
            (None, false) => first,
        };
        let to = target.map_or(&mut of_score, |index| of_track.entry(index).or_default());
        collect(word, names, to, context)?;
    }
    if is_first {
        score.set_texts(of_score.texts);
        score.set_raw_events(of_score.raw);
    }
    for (index, collected) in of_track {
        if let Some(track) = score.tracks_mut().get_mut(index) {
            track.set_texts(collected.texts);
            track.set_raw_events(collected.raw);
        }
    }
    Ok(())
}

fn collect(
    word: &Word<'_>,
    names: &Names<'_, '_>,
    to: &mut Collected,
    context: &mut Context<'_>,
) -> Result<(), MidiError> {
    let index = names.track.index;
    match word.kind {
        WordKind::Text(kind) => {
            let text = names.decoder.decode(word, index, context);
            context.count_text(text.len(), index)?;
            // Text may grow threefold when it is decoded; past the longest event there is no place.
            match Text::new(kind, text) {
                Ok(value) => to.texts.push(At { tick: word.tick, value }),
                Err(_) => context.skip(Skipped::TooLong, Some(index), word.offset),
            }
        }
        WordKind::Raw(kind) => {
            context.count_text(word.data.len(), index)?;
            if let Some(value) = raw(kind, word, index, context) {
                to.raw.push(At { tick: word.tick, value });
            }
        }
    }
    Ok(())
}

fn raw(kind: RawKind, word: &Word<'_>, track: usize, context: &mut Context<'_>) -> Option<RawEvent> {
    if let Ok(event) = RawEvent::new(kind, word.data.to_vec()) {
        return Some(event);
    }
    // A system exclusive message with bytes that it may not hold: an escape can hold any.
    context.repair(Repair::InvalidSysEx, Some(track), word.offset);
    let mut data = vec![0xF0];
    data.extend_from_slice(word.data);
    let event = RawEvent::new(RawKind::Escape, data).ok();
    if event.is_none() {
        context.skip(Skipped::TooLong, Some(track), word.offset);
    }
    event
}

/// A track for a file track that plays nothing but has a name, words or raw events.
pub(super) fn silent_track(names: &mut Names<'_, '_>, context: &mut Context<'_>) -> Track {
    Track::new(names.of(None, context), deepcompose_core::Program::MIN)
}
