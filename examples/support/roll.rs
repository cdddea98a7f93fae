//! [`piano_roll`]: a score as a picture.

use std::collections::BTreeSet;
use std::path::Path;

use deepcompose::core::{Bar, Note, Score, Track};
use plotters::style::RGBColor;

use super::PlotResult;
use super::canvas::{Align, Canvas, FAINT, GRID, INK, SERIES, draw, width};

/// Bars that are drawn at most.
const MAX_BARS: usize = 256;
const LEFT: f64 = 84.0;
const TOP: f64 = 76.0;
const BLACK_KEYS: [u8; 5] = [1, 3, 6, 8, 10];
const KEY_BAND: RGBColor = RGBColor(244, 246, 248);
const BAR_LINE: RGBColor = RGBColor(168, 175, 184);

/// Where things lie.
struct Layout {
    bars: Vec<Bar>,
    pixels_per_tick: f64,
    /// Pitches from the lowest drawn to the highest, if any track has pitches.
    pitches: Option<(u8, u8)>,
    row: f64,
    /// The drums that are struck, lowest first, below the pitches.
    drums: Vec<u8>,
}

impl Layout {
    fn new(score: &Score) -> Self {
        let end = score.end();
        let bars: Vec<Bar> =
            score.bars().take(MAX_BARS).take_while(|b| b.index == 0 || b.start < end).collect();
        let ticks = bars.last().map_or(1, |b| b.end.get()).max(1);
        let per_bar = (1500.0 / bars.len() as f64).clamp(16.0, 120.0);
        let pitched = || score.tracks().iter().filter(|t| !t.is_drum()).flat_map(Track::notes);
        let low = pitched().map(|n| n.pitch.get()).min();
        let high = pitched().map(|n| n.pitch.get()).max();
        // A little room, and an octave at least.
        let pitches = low.zip(high).map(|(low, high)| {
            let (low, high) = (low.saturating_sub(2), (high + 2).min(127));
            let more = 12_u8.saturating_sub(high - low);
            (low.saturating_sub(more / 2), (high + more.div_ceil(2)).min(127))
        });
        let drums: BTreeSet<u8> = score
            .tracks()
            .iter()
            .filter(|t| t.is_drum())
            .flat_map(Track::notes)
            .map(|n| n.pitch.get())
            .collect();
        let rows = pitches.map_or(0, |(low, high)| usize::from(high - low) + 1) + drums.len();
        let row = (520.0 / rows.max(1) as f64).clamp(6.0, 15.0).floor();
        Self {
            pixels_per_tick: per_bar * bars.len() as f64 / f64::from(ticks),
            bars,
            pitches,
            row,
            drums: drums.into_iter().collect(),
        }
    }

    fn x(&self, tick: u32) -> f64 {
        LEFT + f64::from(tick) * self.pixels_per_tick
    }

    fn end(&self) -> u32 {
        self.bars.last().map_or(1, |b| b.end.get())
    }

    /// The top of a pitch's row.
    fn y(&self, pitch: u8) -> f64 {
        let high = self.pitches.map_or(0, |(_, high)| high);
        TOP + f64::from(high.saturating_sub(pitch)) * self.row
    }

    /// Where the pitches end.
    fn pitch_bottom(&self) -> f64 {
        self.pitches.map_or(TOP, |(low, _)| self.y(low) + self.row)
    }

    fn drum_top(&self) -> f64 {
        self.pitch_bottom() + if self.pitches.is_some() && !self.drums.is_empty() { 12.0 } else { 0.0 }
    }

    fn drum_y(&self, pitch: u8) -> f64 {
        let place = self.drums.iter().rev().position(|p| *p == pitch).unwrap_or(0);
        self.drum_top() + place as f64 * self.row
    }

    fn bottom(&self) -> f64 {
        self.drum_top() + self.drums.len() as f64 * self.row
    }
}

/// Draws a score: bars and beats as grid lines, pitches by name, a colour a track, drums below. The louder a
/// note, the stronger its colour. At most 256 bars are drawn.
pub(crate) fn piano_roll(path: &Path, score: &Score, title: &str) -> PlotResult {
    let layout = Layout::new(score);
    let tracks: Vec<(&Track, RGBColor)> =
        score.tracks().iter().filter(|t| !t.notes().is_empty()).zip(SERIES.into_iter().cycle()).collect();
    let named = |(index, (track, color)): (usize, &(&Track, RGBColor))| {
        let name =
            if track.name().is_empty() { format!("track {}", index + 1) } else { track.name().to_owned() };
        (name, *color)
    };
    let legend: Vec<(String, RGBColor)> = tracks.iter().enumerate().map(named).collect();
    let legend_width: f64 = legend.iter().map(|(name, _)| width(name, 13.0) + 40.0).sum();
    let wide = layout.x(layout.end()).max(28.0 + legend_width).max(28.0 + width(title, 19.0)) + 24.0;
    draw(path, (wide.ceil() as u32, (layout.bottom() + 22.0).ceil() as u32), |canvas| {
        canvas.heading(title, (24.0, 24.0), 19.0)?;
        canvas.legend(&legend, (24.0, 48.0))?;
        background(canvas, &layout)?;
        for (track, color) in &tracks {
            for note in track.notes().iter().filter(|n| n.start.get() < layout.end()) {
                draw_note(canvas, &layout, track, note, *color)?;
            }
        }
        Ok(())
    })
}

fn background(canvas: &Canvas<'_>, layout: &Layout) -> PlotResult {
    let (left, right) = (layout.x(0), layout.x(layout.end()));
    if let Some((low, high)) = layout.pitches {
        for pitch in low..=high {
            let y = layout.y(pitch);
            if BLACK_KEYS.contains(&(pitch % 12)) {
                canvas.rect((left, y), (right, y + layout.row), KEY_BAND, 1.0)?;
            }
            if pitch.is_multiple_of(12) {
                canvas.path(&[(left, y + layout.row), (right, y + layout.row)], GRID, 1.0, 1)?;
            }
            // Every white key has a name where there is room, else C and G.
            let is_named = match layout.row {
                r if r >= 11.0 => !BLACK_KEYS.contains(&(pitch % 12)),
                _ => [0, 7].contains(&(pitch % 12)),
            };
            if is_named {
                let color = if pitch.is_multiple_of(12) { INK } else { FAINT };
                let at = (left - 8.0, y + layout.row / 2.0);
                canvas.text(&pitch_name(pitch), at, 11.0, color, Align::Right)?;
            }
        }
    }
    for pitch in &layout.drums {
        let y = layout.drum_y(*pitch);
        canvas.path(&[(left, y + layout.row), (right, y + layout.row)], GRID, 1.0, 1)?;
        let size = if layout.row >= 11.0 { 10.5 } else { layout.row.max(8.0) };
        canvas.text(&drum_name(*pitch), (left - 8.0, y + layout.row / 2.0), size, FAINT, Align::Right)?;
    }
    let line = |tick: u32, color, width| {
        let x = layout.x(tick);
        let mut parts = Vec::new();
        if layout.pitches.is_some() {
            parts.push([(x, TOP), (x, layout.pitch_bottom())]);
        }
        if !layout.drums.is_empty() {
            parts.push([(x, layout.drum_top()), (x, layout.bottom())]);
        }
        parts.iter().try_for_each(|part| canvas.path(part, color, 1.0, width))
    };
    let bar_pixels = (right - left) / layout.bars.len().max(1) as f64;
    let every = (26.0 / bar_pixels).ceil().max(1.0) as usize;
    for bar in &layout.bars {
        let beats = u32::from(bar.time_signature.numerator());
        let ticks = bar.end.get() - bar.start.get();
        if bar_pixels / f64::from(beats) >= 6.0 {
            (1..beats).try_for_each(|beat| line(bar.start.get() + ticks * beat / beats, GRID, 1))?;
        }
        line(bar.start.get(), BAR_LINE, 1)?;
        if bar.index.is_multiple_of(every) {
            let at = (layout.x(bar.start.get()) + 3.0, TOP - 9.0);
            canvas.text(&(bar.index + 1).to_string(), at, 11.0, FAINT, Align::Left)?;
        }
    }
    line(layout.end(), BAR_LINE, 1)
}

fn draw_note(
    canvas: &Canvas<'_>,
    layout: &Layout,
    track: &Track,
    note: &Note,
    color: RGBColor,
) -> PlotResult {
    let pitch = note.pitch.get();
    let alpha = 0.45 + 0.55 * f64::from(note.velocity.get()) / 127.0;
    let from = layout.x(note.start.get());
    let (y, to) = if track.is_drum() {
        (layout.drum_y(pitch), from + layout.row.min(7.0) - 1.0)
    } else {
        (layout.y(pitch), layout.x(note.end().get().min(layout.end())) - 1.0)
    };
    let to = to.max(from + 2.0);
    canvas.rect((from, y + 1.0), (to, y + layout.row - 1.0), color, alpha)?;
    // The onset: repeated notes are told from a held one.
    let edge = RGBColor(color.0 / 2, color.1 / 2, color.2 / 2);
    canvas.rect((from, y + 1.0), (from + 2.0, y + layout.row - 1.0), edge, alpha)
}

fn pitch_name(pitch: u8) -> String {
    let names = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
    format!("{}{}", names[usize::from(pitch % 12)], i32::from(pitch) / 12 - 1)
}

/// The instrument that General MIDI strikes at a pitch, shortened.
fn drum_name(pitch: u8) -> String {
    let names = [
        "bass drum 2",
        "bass drum",
        "side stick",
        "snare",
        "clap",
        "snare 2",
        "low tom",
        "closed hat",
        "floor tom",
        "pedal hat",
        "mid tom",
        "open hat",
        "mid tom 2",
        "high tom",
        "crash",
        "high tom 2",
        "ride",
        "china",
        "ride bell",
        "tambourine",
        "splash",
        "cowbell",
        "crash 2",
        "vibraslap",
        "ride 2",
        "high bongo",
        "low bongo",
        "mute conga",
        "high conga",
        "low conga",
        "high timbale",
        "low timbale",
        "high agogo",
        "low agogo",
        "cabasa",
        "maracas",
    ];
    match usize::from(pitch).checked_sub(35).and_then(|i| names.get(i)) {
        Some(name) => (*name).to_owned(),
        None => format!("drum {pitch}"),
    }
}
