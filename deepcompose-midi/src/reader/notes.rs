//! Pairs note ons with note offs.
//!
//! The events of one key of one strip (a channel within a file track) fall into *spans*: from a
//! note on in silence to the note off that silences the key again. As a rule that is one note; where
//! it is more, [`Overlaps`] says which note off ends which. A span that is still open at the end of
//! the file lacks note offs; there the key is taken to sound once at a time, see
//! [`without_all_offs`].

use deepcompose_core::Tick;

/// Which note a note off ends, where several notes of one key sound on one channel of one file
/// track. The file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overlaps {
    /// The one that began first, as most sequencers and symusic do.
    #[default]
    FirstInFirstOut,
    /// The one that began last: a short note inside a long one.
    LastInFirstOut,
    /// All of them, as a synthesizer does that plays each key once.
    CloseAll,
}

/// A note that has begun: its place among the notes of its part, and its note on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) part: u32,
    pub(super) note: u32,
    pub(super) tick: Tick,
    /// The event's place in the file.
    pub(super) order: u32,
}

#[derive(Debug, Clone, Copy)]
enum Stroke {
    On(Begun),
    Off { tick: Tick, order: u32 },
}

/// A note and where it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) begun: Begun,
    pub(super) tick: Tick,
    /// Whether there is a note off for it.
    pub(super) is_closed: bool,
    /// Whether another note of the span begins before this one ends.
    pub(super) overlaps: bool,
}

/// What a note off does.
#[derive(Debug)]
pub(super) enum Off {
    /// Nothing: no note of the key sounds.
    Stray,
    /// One note fewer sounds.
    Fewer,
    /// It ends these.
    Span(Vec<Ended>),
}

/// The keys of one strip.
#[derive(Debug)]
pub(super) struct Keys {
    /// For each pitch its place in `spans`, from 1; 0 before its first note on.
    places: [u8; 128],
    spans: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    sounding: u32,
    first: Begun,
    /// All strokes, as soon as there are two notes.
    strokes: Vec<Stroke>,
}

impl Span {
    /// Ends all notes of the span, but for those that begin where the note off is, if there are
    /// others: some files put the next note on first.
    fn close_all(&mut self, tick: Tick) -> Vec<Ended> {
        let all: Vec<Begun> = ons(&self.strokes).collect();
        let before = all.partition_point(|begun| begun.tick < tick);
        let (ending, staying) =
            if before > 0 { all.split_at(before) } else { (all.as_slice(), [].as_slice()) };
        self.sounding = staying.len() as u32;
        self.strokes.clear();
        match staying {
            [] => {}
            [first] => self.first = *first,
            several => self.strokes.extend(several.iter().copied().map(Stroke::On)),
        }
        let next = ending.iter().skip(1).map(|begun| Some(begun.tick)).chain([None]);
        let ended = |(begun, next): (&Begun, Option<Tick>)| Ended {
            begun: *begun,
            tick,
            is_closed: true,
            overlaps: next.is_some_and(|next| next < tick),
        };
        ending.iter().zip(next).map(ended).collect()
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self { places: [0; 128], spans: Vec::new() }
    }
}

impl Keys {
    #[inline]
    fn span(&mut self, pitch: u8) -> Option<&mut Span> {
        let place = self.places.get(usize::from(pitch)).copied().unwrap_or(0);
        self.spans.get_mut(usize::from(place).wrapping_sub(1))
    }

    #[inline]
    pub(super) fn on(&mut self, pitch: u8, begun: Begun) {
        match self.span(pitch) {
            Some(span) if span.sounding == 0 => {
                span.sounding = 1;
                span.first = begun;
            }
            Some(span) => {
                if span.strokes.is_empty() {
                    span.strokes.push(Stroke::On(span.first));
                }
                span.strokes.push(Stroke::On(begun));
                span.sounding += 1;
            }
            None => {
                self.spans.push(Span { sounding: 1, first: begun, strokes: Vec::new() });
                if let Some(place) = self.places.get_mut(usize::from(pitch)) {
                    // 128 pitches at most.
                    *place = self.spans.len() as u8;
                }
            }
        }
    }

    /// Ends the note of a key that sounds once, as nearly all do.
    #[inline]
    pub(super) fn off_only(&mut self, pitch: u8) -> Option<Begun> {
        let span = self.span(pitch).filter(|s| s.sounding == 1 && s.strokes.is_empty())?;
        span.sounding = 0;
        Some(span.first)
    }

    pub(super) fn off(&mut self, pitch: u8, tick: Tick, order: u32, overlaps: Overlaps) -> Off {
        let Some(span) = self.span(pitch).filter(|s| s.sounding > 0) else { return Off::Stray };
        if span.strokes.is_empty() {
            span.sounding = 0;
            let begun = span.first;
            return Off::Span(vec![Ended { begun, tick, is_closed: true, overlaps: false }]);
        }
        if overlaps == Overlaps::CloseAll {
            return Off::Span(span.close_all(tick));
        }
        span.strokes.push(Stroke::Off { tick, order });
        span.sounding -= 1;
        if span.sounding > 0 {
            return Off::Fewer;
        }
        let strokes = std::mem::take(&mut span.strokes);
        Off::Span(match overlaps {
            Overlaps::LastInFirstOut => last_in_first_out(&strokes),
            _ => first_in_first_out(&strokes),
        })
    }

    /// The spans that are still open.
    pub(super) fn open(&mut self) -> impl Iterator<Item = OpenSpan> + '_ {
        self.spans.iter_mut().filter(|s| s.sounding > 0).map(|span| {
            let mut strokes = std::mem::take(&mut span.strokes);
            if strokes.is_empty() {
                strokes.push(Stroke::On(span.first));
            }
            OpenSpan { strokes }
        })
    }
}

/// A span that lacks note offs.
#[derive(Debug)]
pub(super) struct OpenSpan {
    strokes: Vec<Stroke>,
}

fn ons(strokes: &[Stroke]) -> impl Iterator<Item = Begun> + Clone + '_ {
    strokes.iter().filter_map(|s| match s {
        Stroke::On(begun) => Some(*begun),
        Stroke::Off { .. } => None,
    })
}

/// The notes of a whole span, the first on with the first off.
fn first_in_first_out(strokes: &[Stroke]) -> Vec<Ended> {
    let offs = strokes.iter().filter_map(|s| match s {
        Stroke::On(_) => None,
        Stroke::Off { tick, .. } => Some(*tick),
    });
    let next = ons(strokes).skip(1).map(|begun| Some(begun.tick)).chain([None]);
    let ended = |((begun, next), tick): ((Begun, Option<Tick>), Tick)| Ended {
        begun,
        tick,
        is_closed: true,
        // Some files put the next note on before the note off of the same tick: no overlap.
        overlaps: next.is_some_and(|next| next < tick),
    };
    ons(strokes).zip(next).zip(offs).map(ended).collect()
}

/// The notes of a whole span, the last on with the first off. A note that begins where a note off is
/// does not end there if another can: some files put the next note on first.
fn last_in_first_out(strokes: &[Stroke]) -> Vec<Ended> {
    let (mut sounding, mut fresh): (Vec<Begun>, Vec<Begun>) = (Vec::new(), Vec::new());
    // The last onset, and the last one before that.
    let (mut now, mut earlier) = (Tick::ZERO, Tick::ZERO);
    let mut ended = Vec::new();
    for stroke in strokes {
        let tick = match stroke {
            Stroke::On(begun) => begun.tick,
            Stroke::Off { tick, .. } => *tick,
        };
        if fresh.last().is_some_and(|f| f.tick < tick) {
            sounding.append(&mut fresh);
        }
        match *stroke {
            Stroke::On(begun) => {
                if begun.tick > now {
                    (now, earlier) = (begun.tick, now);
                }
                fresh.push(begun);
            }
            Stroke::Off { .. } => {
                if let Some(begun) = sounding.pop().or_else(|| fresh.pop()) {
                    let latest = if now < tick { now } else { earlier };
                    ended.push(Ended { begun, tick, is_closed: true, overlaps: begun.tick < latest });
                }
            }
        }
    }
    ended
}

/// The notes of a span that lacks note offs. Each ends at the next note off, or where the key is
/// struck again (later than at the same tick), or at `silence(its note on)`: whichever comes first.
/// Also gives the note offs that end nothing, by their place in the file.
pub(super) fn without_all_offs(span: &OpenSpan, silence: impl Fn(Begun) -> Tick) -> (Vec<Ended>, Vec<u32>) {
    let mut notes = Vec::new();
    let mut strays = Vec::new();
    // The notes that sound, which all began at one tick.
    let mut sounding: Vec<Begun> = Vec::new();
    let mut end = |sounding: &mut Vec<Begun>, tick: Tick, is_off: bool| {
        notes.extend(sounding.drain(..).map(|begun| {
            let silent = silence(begun);
            let is_closed = is_off && tick <= silent;
            Ended { begun, tick: tick.min(silent), is_closed, overlaps: false }
        }));
    };
    for stroke in &span.strokes {
        match *stroke {
            Stroke::On(begun) => {
                if sounding.last().is_some_and(|s| s.tick < begun.tick) {
                    end(&mut sounding, begun.tick, false);
                }
                sounding.push(begun);
            }
            Stroke::Off { order, .. } if sounding.is_empty() => strays.push(order),
            Stroke::Off { tick, .. } => end(&mut sounding, tick, true),
        }
    }
    end(&mut sounding, Tick::MAX, false);
    (notes, strays)
}
