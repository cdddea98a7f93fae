//! Pairs note ons with note offs.
//!
//! The events of one key of one strip (a channel within a file track) fall into *spans*: from a
//! note on in silence to the note off after which there were as many offs as ons. In a span the
//! first note on goes with the first note off, and so on. A span that is still open at the end of
//! the file lacks note offs; there the key is taken to sound once at a time, see
//! [`without_all_offs`].

use deepcompose_core::{Pitch, Tick};

/// A note that has begun, by its place in the order of events and its place among the notes of its
/// part, where it waits for its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) order: u32,
    pub(super) tick: Tick,
    pub(super) part: u32,
    pub(super) index: u32,
}

/// A note on or a note off.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stroke {
    On(Open),
    Off { order: u32, tick: Tick },
}

/// Where a note ends, and the events that made it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paired {
    pub(super) on: Open,
    pub(super) end: Tick,
    /// The note off, by its place in the order of events; `None` if something else ends the note.
    pub(super) off: Option<u32>,
    /// Whether the next note of the span begins before this one ends.
    pub(super) overlaps: bool,
}

/// What sounds of one key.
#[derive(Debug, Clone, Copy, Default)]
enum Key {
    #[default]
    Silent,
    /// One note: the span so far.
    One(Open),
    /// A span of several notes, by its place in [`Keys::spans`].
    Span(u32),
}

/// The spans that are open.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The keys of each strip that plays.
    strips: Vec<Option<Box<[Key; 128]>>>,
    spans: Vec<Span>,
    /// Places in `spans` to be used again.
    free: Vec<u32>,
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
    /// It ends a note that sounded alone.
    Alone(Open),
    /// One note fewer sounds.
    One,
    /// The span is over.
    Span(Vec<Stroke>),
}

impl Keys {
    fn key(&mut self, strip: usize, pitch: Pitch) -> Option<&mut Key> {
        if self.strips.len() <= strip {
            self.strips.resize_with(strip + 1, || None);
        }
        let keys = self.strips.get_mut(strip)?.get_or_insert_with(|| Box::new([Key::Silent; 128]));
        keys.get_mut(usize::from(pitch.get()))
    }

    pub(super) fn on(&mut self, strip: usize, pitch: Pitch, open: Open) {
        let Some(key) = self.key(strip, pitch) else { return };
        match *key {
            Key::Silent => *key = Key::One(open),
            Key::One(before) => {
                let span = Span { strokes: vec![Stroke::On(before), Stroke::On(open)], sounding: 2 };
                let place = self.keep(span);
                if let Some(key) = self.key(strip, pitch) {
                    *key = Key::Span(place);
                }
            }
            Key::Span(place) => {
                if let Some(span) = self.spans.get_mut(place as usize) {
                    span.strokes.push(Stroke::On(open));
                    span.sounding += 1;
                }
            }
        }
    }

    pub(super) fn off(&mut self, strip: usize, pitch: Pitch, order: u32, tick: Tick) -> Ended {
        let Some(key) = self.key(strip, pitch) else { return Ended::Stray };
        match *key {
            Key::Silent => Ended::Stray,
            Key::One(open) => {
                *key = Key::Silent;
                Ended::Alone(open)
            }
            Key::Span(place) => {
                let Some(span) = self.spans.get_mut(place as usize) else { return Ended::Stray };
                span.strokes.push(Stroke::Off { order, tick });
                span.sounding -= 1;
                if span.sounding > 0 {
                    return Ended::One;
                }
                let strokes = std::mem::take(&mut span.strokes);
                self.free.push(place);
                if let Some(key) = self.key(strip, pitch) {
                    *key = Key::Silent;
                }
                Ended::Span(strokes)
            }
        }
    }

    fn keep(&mut self, span: Span) -> u32 {
        if let Some(place) = self.free.pop() {
            if let Some(slot) = self.spans.get_mut(place as usize) {
                *slot = span;
            }
            return place;
        }
        self.spans.push(span);
        // There are fewer spans than events, and those are counted in 32 bits.
        (self.spans.len() - 1) as u32
    }

    /// The spans that are still open, in the order in which they began.
    pub(super) fn into_open(mut self) -> Vec<Vec<Stroke>> {
        let mut open = Vec::new();
        for key in self.strips.into_iter().flatten().flat_map(|keys| *keys) {
            match key {
                Key::Silent => {}
                Key::One(note) => open.push((note.order, vec![Stroke::On(note)])),
                Key::Span(place) => {
                    let strokes = self.spans.get_mut(place as usize).map(|s| std::mem::take(&mut s.strokes));
                    if let Some(strokes) = strokes
                        && let Some(Stroke::On(first)) = strokes.first()
                    {
                        open.push((first.order, strokes));
                    }
                }
            }
        }
        open.sort_unstable_by_key(|(first, _)| *first);
        open.into_iter().map(|(_, strokes)| strokes).collect()
    }
}

/// The notes of a whole span.
pub(super) fn in_order(span: &[Stroke]) -> impl Iterator<Item = Paired> {
    let ons = span.iter().filter_map(|s| match s {
        Stroke::On(open) => Some(*open),
        Stroke::Off { .. } => None,
    });
    let offs = span.iter().filter_map(|s| match s {
        Stroke::On(_) => None,
        Stroke::Off { order, tick } => Some((*order, *tick)),
    });
    let next_starts = ons.clone().skip(1).map(|on| Some(on.tick)).chain([None]);
    ons.zip(next_starts).zip(offs).map(|((on, next_start), (off, end))| Paired {
        on,
        end,
        off: Some(off),
        // Some files put the next note on before the note off of the same tick: no overlap.
        overlaps: next_start.is_some_and(|next| next < end),
    })
}

/// The notes of a span that lacks note offs. Each ends at the next note off, or where the key is
/// struck again (later than at the same tick), or at `silence(order)` of its note on: whichever
/// comes first. Also gives the note offs that end nothing.
pub(super) fn without_all_offs(span: &[Stroke], silence: impl Fn(u32) -> Tick) -> (Vec<Paired>, Vec<u32>) {
    let mut notes = Vec::new();
    let mut strays = Vec::new();
    // The notes that sound, which all began at one tick.
    let mut sounding: Vec<Open> = Vec::new();
    let mut end = |sounding: &mut Vec<Open>, tick: Tick, off: Option<u32>| {
        notes.extend(sounding.drain(..).map(|on| {
            let silent = silence(on.order);
            let off = off.filter(|_| tick <= silent);
            Paired { on, end: tick.min(silent), off, overlaps: false }
        }));
    };
    for stroke in span {
        match stroke {
            Stroke::On(open) => {
                if sounding.last().is_some_and(|on| on.tick < open.tick) {
                    end(&mut sounding, open.tick, None);
                }
                sounding.push(*open);
            }
            Stroke::Off { order, .. } if sounding.is_empty() => strays.push(*order),
            Stroke::Off { order, tick } => end(&mut sounding, *tick, Some(*order)),
        }
    }
    end(&mut sounding, Tick::MAX, None);
    (notes, strays)
}
