//! Cutting out a part of a score.

use std::ops::Range;

use crate::error::ScoreError;
use crate::meter::in_force;
use crate::ops::remap::remap;
use crate::ops::state::{at_start, before, names, state_before};
use crate::score::{At, Note, Score, Track};
use crate::tempo::TempoMap;
use crate::units::Tick;

/// One past the last tick.
const PAST_ALL: u32 = 1 << 28;

/// What becomes of a note that sounds on both sides of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Straddle {
    /// Its part inside is kept.
    #[default]
    Clip,
    /// It is left out.
    Drop,
    /// It belongs to where it begins: kept in its whole length if it begins inside, else left out.
    /// So of slices that share their borders each note is in exactly one.
    Keep,
}

/// To what the start of a score is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrimTo {
    /// The start of the bar in which the first note begins: bar lines stay where they were.
    #[default]
    Bar,
    /// The start of its beat.
    Beat,
    /// The first note itself.
    Note,
}

impl Score {
    /// The part in `range`, which becomes a score from tick 0. Under [`Straddle::Clip`] a note of no
    /// length is in the part if its tick is.
    ///
    /// What is in force at the start is said again there: tempo, metre, key, controllers and
    /// parameters, bend, aftertouch, system exclusive and other raw events, and the texts that name
    /// something (titles, instruments). Lyrics, markers and other texts of a moment outside of the
    /// range are left out, and so are all events from its end on. Every track stays, if only with its
    /// controls. A reversed range is empty.
    ///
    /// If the start is no bar line, bars are counted from it all the same.
    ///
    /// ```
    /// use deepcompose_core::ops::Straddle;
    /// use deepcompose_core::{InputTrack, Tick};
    ///
    /// let score = InputTrack::FrereJacques.score();
    /// let (bar, end) = (Tick::new(4 * 480)?, Tick::new(8 * 480)?);
    /// let second = score.slice(bar..end, Straddle::Clip);
    /// assert_eq!(second.tracks()[0].notes()[0], score.tracks()[0].notes()[0]); // bars 1 and 2 are alike
    /// assert_eq!(second.end(), bar);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    #[must_use]
    pub fn slice(&self, range: Range<Tick>, straddle: Straddle) -> Self {
        self.part(range.start.get()..range.end.get(), straddle)
    }

    /// [`Score::slice`] of ticks whose end may be one past [`Tick::MAX`]: then the last tick is inside.
    fn part(&self, range: Range<u32>, straddle: Straddle) -> Self {
        let range = range.start..range.end.max(range.start);
        let start = first_tick(&range);
        let mut out = Self::new(self.ticks_per_quarter());
        out.set_tempo_map(TempoMap::new(cut(self.tempo_map().changes(), &range)));
        out.set_time_signatures(cut(self.time_signatures(), &range));
        out.set_key_signatures(cut(self.key_signatures(), &range));
        let mut texts = names(before(self.texts(), start, |t| t.tick));
        texts.extend(inside(self.texts(), &range));
        out.set_texts(texts);
        let raw = before(self.raw_events(), start, |e| e.tick).iter();
        let mut raw: Vec<_> = raw.map(|e| at_start(e.value.clone())).collect();
        raw.extend(inside(self.raw_events(), &range));
        out.set_raw_events(raw);
        *out.tracks_mut() = self.tracks().iter().map(|t| slice_track(t, &range, straddle)).collect();
        out
    }

    /// The bars `bars`, counted from zero; see [`Score::slice`]. What lies past [`Tick::MAX`] is
    /// empty; a range that ends there has the last tick too.
    #[must_use]
    pub fn slice_bars(&self, bars: Range<usize>, straddle: Straddle) -> Self {
        let map = self.meter_map();
        let tick = |bar| map.bar(bar).map_or(PAST_ALL, |b| b.start.get());
        self.part(tick(bars.start)..tick(bars.end), straddle)
    }

    /// The beats `beats`, counted from zero through all bars; see [`Score::slice`] and
    /// [`TimeSignature::beats`](crate::TimeSignature::beats).
    #[must_use]
    pub fn slice_beats(&self, beats: Range<usize>, straddle: Straddle) -> Self {
        let map = self.meter_map();
        let tick = |beat| map.beat(beat).map_or(PAST_ALL, |b| b.start.get());
        self.part(tick(beats.start)..tick(beats.end), straddle)
    }

    /// The part between two times in seconds, each rounded to the nearest tick; see [`Score::slice`]
    /// and [`Score::tick_at`].
    #[must_use]
    pub fn slice_seconds(&self, seconds: Range<f64>, straddle: Straddle) -> Self {
        self.slice(self.tick_at(seconds.start)..self.tick_at(seconds.end), straddle)
    }

    /// The score without the silence before its first note, and without the events after the end of
    /// its last (those at its very end, such as a pedal lifted, stay). What the left-out events set
    /// is said again, as in [`Score::slice`]. A score without notes stays as it is.
    ///
    /// ```
    /// use deepcompose_core::InputTrack;
    /// use deepcompose_core::ops::TrimTo;
    ///
    /// let tune = InputTrack::AmazingGrace.score(); // 3/4, a pick-up on the third beat
    /// assert_eq!(tune.trim(TrimTo::Bar), tune);
    /// assert_eq!(tune.trim(TrimTo::Beat).tracks()[0].notes()[0].start.get(), 0);
    /// ```
    #[must_use]
    pub fn trim(&self, to: TrimTo) -> Self {
        let onsets = self.tracks().iter().filter_map(|t| t.notes().first()).map(|n| n.start);
        let Some(first) = onsets.min() else {
            return self.clone();
        };
        let map = self.meter_map();
        let start = match to {
            TrimTo::Bar => map.bar_at(first).start,
            TrimTo::Beat => map.beat_at(first).start,
            TrimTo::Note => first,
        };
        self.part(start.get()..self.end().max(first).get() + 1, Straddle::Keep)
    }

    /// The score `silence` later: a rest before it, in the tempo, metre and key of its start. To keep
    /// bar lines where they were, pad whole bars. A score ends with its last note, so there is nothing
    /// to pad after it.
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if something would come past [`Tick::MAX`].
    pub fn pad(&self, silence: Tick) -> Result<Self, ScoreError> {
        let shift = u64::from(silence.get());
        let mut out = remap(self, |tick| u64::from(tick.get()) + shift)?;
        // What was at the start is there again, and not where the start has gone.
        let mut tempos = out.tempo_map().changes().to_vec();
        tempos.retain(|change| change.tick != silence);
        tempos.push(at_start(self.tempo_at(Tick::ZERO)));
        out.set_tempo_map(TempoMap::new(tempos));
        let mut meters = out.time_signatures().to_vec();
        meters.push(at_start(self.time_signature_at(Tick::ZERO)));
        out.set_time_signatures(meters);
        if let Some(key) = self.key_signature_at(Tick::ZERO) {
            let mut keys = out.key_signatures().to_vec();
            keys.retain(|change| change.tick != silence);
            keys.push(at_start(key));
            out.set_key_signatures(keys);
        }
        Ok(out)
    }
}

/// The start of a range.
fn first_tick(range: &Range<u32>) -> Tick {
    Tick::saturating(range.start.into())
}

/// What is in force at the start of the range, then what changes inside, counted from the start.
fn cut<T: Copy>(items: &[At<T>], range: &Range<u32>) -> Vec<At<T>> {
    let mut out: Vec<At<T>> = in_force(items, first_tick(range)).map(at_start).into_iter().collect();
    out.extend(inside(items, range).filter(|item| item.tick > Tick::ZERO));
    out
}

/// The items in the range, counted from its start.
fn inside<'a, T: Clone>(items: &'a [At<T>], range: &'a Range<u32>) -> impl Iterator<Item = At<T>> + 'a {
    let start = first_tick(range);
    items
        .iter()
        .filter(|item| range.contains(&item.tick.get()))
        .map(move |item| At { tick: item.tick.saturating_sub(start), value: item.value.clone() })
}

fn slice_track(track: &Track, range: &Range<u32>, straddle: Straddle) -> Track {
    let start = first_tick(range);
    let mut out = state_before(track, start);
    let mut part = track.clone();
    part.set_notes(track.notes_as_given().filter_map(|note| cut_note(note, range, straddle)).collect());
    part.retain_events(|tick| range.contains(&tick.get()));
    part.map_ticks(|tick| tick.saturating_sub(start));
    out.set_notes(part.notes_as_given().copied().collect());
    out.extend_events(&part);
    out
}

fn cut_note(note: &Note, range: &Range<u32>, straddle: Straddle) -> Option<Note> {
    let begins_inside = range.contains(&note.start.get());
    let ends_inside = note.end().get() <= range.end;
    match straddle {
        Straddle::Keep => begins_inside.then_some(*note),
        Straddle::Drop => (begins_inside && ends_inside).then_some(*note),
        Straddle::Clip => {
            let start = note.start.max(first_tick(range));
            let end = note.end().min(Tick::saturating(range.end.into()));
            let sounds = begins_inside || (note.start.get() < range.start && start < end);
            sounds.then(|| Note { start, duration: end.saturating_sub(start), ..*note })
        }
    }
}
