//! [`Layout`]: where things lie in a piano roll.

use std::collections::BTreeSet;
use std::ops::Range;

use deepcompose_core::{Bar, Score};

use crate::roll::{Drawn, PianoRollPicture};

pub(crate) const LEFT: f64 = 84.0;
pub(crate) const MARGIN: f64 = 24.0;

#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) bars: Vec<Bar>,
    /// How many bars were asked for, those left out too.
    pub(crate) bars_asked: usize,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) top: f64,
    pub(crate) row: f64,
    /// Pitches from the lowest drawn to the highest, if any track has pitches.
    pub(crate) pitches: Option<(u8, u8)>,
    /// The drums that are struck, lowest first, below the pitches.
    pub(crate) drums: Vec<u8>,
    pixels_per_tick: f64,
}

impl Layout {
    /// Notes outside the bars are taken out of `notes`.
    pub(crate) fn new(score: &Score, asked: Option<Range<usize>>, notes: &mut Vec<Drawn>) -> Self {
        let meter = score.meter_map();
        let last_tick = notes
            .iter()
            .map(|n| n.note.end().max(n.note.start))
            .max()
            .unwrap_or(deepcompose_core::Tick::ZERO);
        // A note that ends with a bar does not reach into the next.
        let of_music =
            meter.bar_at(last_tick.saturating_sub(deepcompose_core::Tick::saturating(1))).index + 1;
        let asked = asked.unwrap_or(0..of_music);
        let bars_asked = asked.end.saturating_sub(asked.start);
        let bars: Vec<Bar> =
            asked.take(PianoRollPicture::MAX_BARS).map_while(|index| meter.bar(index)).collect();
        let start = bars.first().map_or(0, |b| b.start.get());
        let end = bars.last().map_or(start + 1, |b| b.end.get()).max(start.saturating_add(1));
        notes.retain(|n| {
            let (from, to) = (n.note.start.get(), n.note.end().get());
            !bars.is_empty() && from < end && (to > start || from >= start)
        });
        let pitched = || notes.iter().filter(|n| !n.is_drum).map(|n| n.note.pitch.get());
        // A little room, and an octave at least.
        let pitches = pitched().min().zip(pitched().max()).map(|(low, high)| {
            let (low, high) = (low.saturating_sub(2), (high + 2).min(127));
            let more = 12_u8.saturating_sub(high - low);
            (low.saturating_sub(more / 2), (high + more.div_ceil(2)).min(127))
        });
        let drums: BTreeSet<u8> = notes.iter().filter(|n| n.is_drum).map(|n| n.note.pitch.get()).collect();
        let rows = pitches.map_or(0, |(low, high)| usize::from(high - low) + 1) + drums.len();
        let per_bar = (1500.0 / bars.len().max(1) as f64).clamp(16.0, 120.0);
        Self {
            pixels_per_tick: per_bar * bars.len().max(1) as f64 / f64::from(end - start),
            bars,
            bars_asked,
            start,
            end,
            top: 0.0,
            row: (520.0 / rows.max(1) as f64).clamp(6.0, 15.0).floor(),
            pitches,
            drums: drums.into_iter().collect(),
        }
    }

    /// Where a tick lies, held within the bars.
    pub(crate) fn x(&self, tick: u32) -> f64 {
        LEFT + f64::from(tick.clamp(self.start, self.end) - self.start) * self.pixels_per_tick
    }

    pub(crate) fn right(&self) -> f64 {
        self.x(self.end)
    }

    /// The top of a pitch's row.
    pub(crate) fn y(&self, pitch: u8) -> f64 {
        let high = self.pitches.map_or(0, |(_, high)| high);
        self.top + f64::from(high.saturating_sub(pitch)) * self.row
    }

    /// Where the pitches end.
    pub(crate) fn pitch_bottom(&self) -> f64 {
        self.pitches.map_or(self.top, |(low, _)| self.y(low) + self.row)
    }

    pub(crate) fn drum_top(&self) -> f64 {
        self.pitch_bottom() + if self.pitches.is_some() && !self.drums.is_empty() { 12.0 } else { 0.0 }
    }

    /// The top of a drum's row.
    pub(crate) fn drum_y(&self, pitch: u8) -> f64 {
        let place = self.drums.iter().rev().position(|p| *p == pitch).unwrap_or(0);
        self.drum_top() + place as f64 * self.row
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.drum_top() + self.drums.len() as f64 * self.row
    }
}
