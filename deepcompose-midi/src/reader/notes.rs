//! Pairs note ons with note offs.
//!
//! The events of one key of one strip (a channel within a file track) fall into *spans*: from a
//! note on in silence to the note off after which there were as many offs as ons. In a span the
//! first note on goes with the first note off, and so on. A span that is still open at the end of
//! the file lacks note offs; there the key is taken to sound once at a time, see
//! [`without_all_offs`].

use std::collections::HashMap;

use deepcompose_core::{Note, Pitch, Tick, Velocity};

/// A note on, with the part it belongs to, or a note off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    /// Its place in the order of events.
    pub(super) order: usize,
    pub(super) tick: Tick,
    pub(super) kind: StrokeKind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum StrokeKind {
    On { part: usize, velocity: Velocity },
    Off,
}

/// A note and the events that made it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paired {
    pub(super) part: usize,
    pub(super) note: Note,
    /// The note on, by its place in the order of events.
    pub(super) on: usize,
    /// The note off; `None` if something else ends the note.
    pub(super) off: Option<usize>,
    /// Whether the next note of the span begins before this one ends.
    pub(super) overlaps: bool,
}

/// The spans that are open.
#[derive(Debug, Default)]
pub(super) struct Keys {
    spans: HashMap<(usize, Pitch), Span>,
}

#[derive(Debug, Default)]
struct Span {
    strokes: Vec<Stroke>,
    sounding: usize,
}

/// What a note off does.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nothing: no note of the key sounds.
    Stray,
    /// One note fewer sounds.
    One,
    /// The span is over.
    Span(Vec<Stroke>),
}

impl Keys {
    pub(super) fn on(&mut self, strip: usize, pitch: Pitch, stroke: Stroke) {
        let span = self.spans.entry((strip, pitch)).or_default();
        span.strokes.push(stroke);
        span.sounding += 1;
    }

    pub(super) fn off(&mut self, strip: usize, pitch: Pitch, stroke: Stroke) -> Ended {
        let Some(span) = self.spans.get_mut(&(strip, pitch)).filter(|s| s.sounding > 0) else {
            return Ended::Stray;
        };
        span.strokes.push(stroke);
        span.sounding -= 1;
        if span.sounding == 0 { Ended::Span(std::mem::take(&mut span.strokes)) } else { Ended::One }
    }

    /// The spans that are still open, in the order in which they began.
    pub(super) fn into_open(self) -> Vec<(Pitch, Vec<Stroke>)> {
        let open = self.spans.into_iter().filter(|(_, span)| span.sounding > 0);
        let mut open: Vec<_> = open.map(|((_, pitch), span)| (pitch, span.strokes)).collect();
        open.sort_unstable_by_key(|(_, strokes)| strokes.first().map(|s| s.order));
        open
    }
}

/// The notes of a whole span.
pub(super) fn in_order(pitch: Pitch, span: &[Stroke]) -> impl Iterator<Item = Paired> {
    let ons = span.iter().filter_map(|s| match s.kind {
        StrokeKind::On { part, velocity } => Some((s, part, velocity)),
        StrokeKind::Off => None,
    });
    let next_starts = ons.clone().skip(1).map(|(on, _, _)| Some(on.tick)).chain([None]);
    let offs = span.iter().filter(|s| matches!(s.kind, StrokeKind::Off));
    ons.zip(next_starts).zip(offs).map(move |(((on, part, velocity), next_start), off)| Paired {
        part,
        note: note(pitch, on.tick, off.tick, velocity),
        on: on.order,
        off: Some(off.order),
        // Some files put the next note on before the note off of the same tick: no overlap.
        overlaps: next_start.is_some_and(|next| next < off.tick),
    })
}

/// The notes of a span that lacks note offs. Each ends at the next note off, or where the key is
/// struck again (later than at the same tick), or at `silence(order)` of its note on: whichever
/// comes first. Also gives the note offs that end nothing.
pub(super) fn without_all_offs(
    pitch: Pitch,
    span: &[Stroke],
    silence: impl Fn(usize) -> Tick,
) -> (Vec<Paired>, Vec<usize>) {
    let mut notes = Vec::new();
    let mut strays = Vec::new();
    // The notes that sound, which all began at one tick.
    let mut sounding: Vec<(&Stroke, usize, Velocity)> = Vec::new();
    let mut end = |sounding: &mut Vec<(&Stroke, usize, Velocity)>, tick: Tick, off: Option<usize>| {
        notes.extend(sounding.drain(..).map(|(on, part, velocity)| {
            let silent = silence(on.order);
            let off = off.filter(|_| tick <= silent);
            let note = note(pitch, on.tick, tick.min(silent), velocity);
            Paired { part, note, on: on.order, off, overlaps: false }
        }));
    };
    for stroke in span {
        match stroke.kind {
            StrokeKind::On { part, velocity } => {
                if sounding.last().is_some_and(|(on, _, _)| on.tick < stroke.tick) {
                    end(&mut sounding, stroke.tick, None);
                }
                sounding.push((stroke, part, velocity));
            }
            StrokeKind::Off if sounding.is_empty() => strays.push(stroke.order),
            StrokeKind::Off => end(&mut sounding, stroke.tick, Some(stroke.order)),
        }
    }
    end(&mut sounding, Tick::MAX, None);
    (notes, strays)
}

fn note(pitch: Pitch, start: Tick, end: Tick, velocity: Velocity) -> Note {
    Note { start, pitch, duration: end.saturating_sub(start), velocity }
}
