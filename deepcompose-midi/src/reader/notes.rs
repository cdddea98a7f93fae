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

/// The notes that sound of one key.
#[derive(Debug)]
enum Sounding {
    One(Open),
    /// Several have begun since it was last silent.
    Span(Vec<Stroke>, usize),
}

/// The spans that are open.
#[derive(Debug)]
pub(super) struct Keys {
    /// For each key of each strip 0 if it is silent, else one more than a place in `sounding`.
    keys: Vec<u32>,
    sounding: Vec<Sounding>,
    /// Places in `sounding` to be used again.
    free: Vec<u32>,
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
    pub(super) fn new(strips: usize) -> Self {
        Self { keys: vec![0; strips * 128], sounding: Vec::new(), free: Vec::new() }
    }

    #[inline]
    pub(super) fn on(&mut self, strip: usize, pitch: Pitch, open: Open) {
        let Some(key) = self.keys.get_mut(strip * 128 + usize::from(pitch.get())) else { return };
        if *key > 0 {
            if let Some(sounding) = self.sounding.get_mut(*key as usize - 1) {
                match sounding {
                    Sounding::One(first) => {
                        *sounding = Sounding::Span(vec![Stroke::On(*first), Stroke::On(open)], 2);
                    }
                    Sounding::Span(strokes, count) => {
                        strokes.push(Stroke::On(open));
                        *count += 1;
                    }
                }
            }
        } else if let Some(place) = self.free.pop() {
            *key = place + 1;
            if let Some(slot) = self.sounding.get_mut(place as usize) {
                *slot = Sounding::One(open);
            }
        } else {
            self.sounding.push(Sounding::One(open));
            // Notes are events, and those are counted in 32 bits.
            *key = self.sounding.len() as u32;
        }
    }

    #[inline]
    pub(super) fn off(&mut self, strip: usize, pitch: Pitch, order: u32, tick: Tick) -> Ended {
        let Some(key) = self.keys.get_mut(strip * 128 + usize::from(pitch.get())).filter(|k| **k > 0) else {
            return Ended::Stray;
        };
        let place = *key - 1;
        let ended = match self.sounding.get_mut(place as usize) {
            None => Ended::Stray,
            Some(Sounding::One(open)) => Ended::Alone(*open),
            Some(Sounding::Span(strokes, count)) => {
                strokes.push(Stroke::Off { order, tick });
                *count -= 1;
                if *count > 0 {
                    return Ended::One;
                }
                Ended::Span(std::mem::take(strokes))
            }
        };
        *key = 0;
        self.free.push(place);
        ended
    }

    /// The spans that are still open, in the order in which they began.
    pub(super) fn into_open(mut self) -> Vec<Vec<Stroke>> {
        let mut open = Vec::new();
        if self.free.len() == self.sounding.len() {
            return open;
        }
        for key in self.keys.into_iter().filter(|key| *key > 0) {
            match self.sounding.get_mut(key as usize - 1) {
                None => {}
                Some(Sounding::One(note)) => open.push(vec![Stroke::On(*note)]),
                Some(Sounding::Span(strokes, _)) => open.push(std::mem::take(strokes)),
            }
        }
        let first = |span: &Vec<Stroke>| match span.first() {
            Some(Stroke::On(open)) => open.order,
            _ => u32::MAX,
        };
        open.sort_unstable_by_key(first);
        open
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
