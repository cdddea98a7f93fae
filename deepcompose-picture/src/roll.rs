//! [`PianoRollPicture`]: a score as a picture.

use std::ops::Range;
use std::path::Path;

use deepcompose_core::{Note, Score, Track};

use crate::compare::compare;
use crate::error::PictureError;
use crate::layout::{LEFT, Layout, MARGIN};
use crate::names::{BLACK_KEYS, drum_name, pitch_name};
use crate::svg::{Anchor, Svg, width};
use crate::theme::Theme;

/// What became of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// There is nothing to compare it with.
    There,
    Kept,
    Added,
    Removed,
}

impl Fate {
    const fn class(self) -> &'static str {
        match self {
            Self::There => "note",
            Self::Kept => "note kept",
            Self::Added => "note added",
            Self::Removed => "note removed",
        }
    }
}

/// A note to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) note: Note,
    track: usize,
    pub(crate) is_drum: bool,
    fate: Fate,
}

/// Draws a score: bars and beats of its metre as grid lines, octaves by name, a colour a track, drums below by name.
/// The louder a note, the stronger its colour.
///
/// Compared with another score, notes that both have are pale, new ones are strong, and those that are gone are dashed
/// outlines.
///
/// Each note is one `rect` of the class `note` (and `kept`, `added` or `removed`), in a group of the class `track`.
///
/// ```
/// use deepcompose_core::InputTrack;
/// use deepcompose_picture::{PianoRollPicture, Theme};
///
/// let score = InputTrack::FrereJacques.score();
/// let svg = PianoRollPicture::new(&score).title("Frère Jacques").theme(Theme::Dark).to_svg()?;
/// assert!(svg.starts_with("<svg") && svg.contains("Frère Jacques"));
/// assert_eq!(svg.matches("class=\"note\"").count(), score.note_count());
/// # Ok::<(), deepcompose_picture::PictureError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PianoRollPicture<'a> {
    score: &'a Score,
    input: Option<&'a Score>,
    title: Option<String>,
    theme: Theme,
    bars: Option<Range<usize>>,
}

/// Tracks that are named above the roll; of more, it says how many.
const NAMED: usize = 24;
/// Letters of a track's name.
const NAME_LETTERS: usize = 32;

impl<'a> PianoRollPicture<'a> {
    /// Bars that are drawn at most; the picture says so if there are more.
    pub const MAX_BARS: usize = 256;
    /// The most notes a score may have.
    pub const MAX_NOTES: usize = 200_000;

    /// A light picture of a whole score, without a title.
    #[must_use]
    pub const fn new(score: &'a Score) -> Self {
        Self { score, input: None, title: None, theme: Theme::Light, bars: None }
    }

    /// With a title above.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// In these colours.
    #[must_use]
    pub const fn theme(mut self, theme: Theme) -> Self {
        self.theme = theme;
        self
    }

    /// Against what it was made of; see [`compare`].
    #[must_use]
    pub const fn compared_with(mut self, input: &'a Score) -> Self {
        self.input = Some(input);
        self
    }

    /// Only these bars, counted from zero.
    #[must_use]
    pub const fn bars(mut self, bars: Range<usize>) -> Self {
        self.bars = Some(bars);
        self
    }

    /// The picture as SVG.
    ///
    /// # Errors
    ///
    /// [`PictureError::Limit`] for more notes than [`PianoRollPicture::MAX_NOTES`], [`PictureError::Input`] if the score
    /// compared with cannot be brought to the same ticks.
    pub fn to_svg(&self) -> Result<String, PictureError> {
        let mut notes = self.notes()?;
        let mut layout = Layout::new(self.score, self.bars.clone(), &mut notes);
        let mut svg = Svg::default();
        let legend = self.legend(&notes);
        let title = self.title.as_deref().filter(|t| !t.is_empty());
        // Heading, legend, roll from top to bottom.
        let mut y = MARGIN;
        let mut wide = layout.right();
        if let Some(title) = title {
            wide = wide.max(MARGIN + width(title, 19.0));
            y += 26.0;
        }
        let rows = place(&legend, wide.max(640.0));
        let legend_top = y;
        wide = rows.iter().map(|(x, _, text)| x + 20.0 + width(&text.name, 13.0)).fold(wide, f64::max);
        y += rows.last().map_or(0.0, |(_, row, _)| (*row as f64 + 1.0) * 22.0);
        layout.top = y + 22.0;
        let size = (wide + MARGIN, layout.bottom() + 22.0);

        svg.rect((0.0, 0.0, size.0.ceil(), size.1.ceil()), &format!("fill=\"{}\"", self.theme.ground()));
        if let Some(title) = title {
            svg.open("font-weight=\"bold\"");
            svg.text(title, (MARGIN, MARGIN), 19.0, self.theme.ink(), Anchor::Start);
            svg.close();
        }
        for (x, row, entry) in rows {
            let y = legend_top + row as f64 * 22.0;
            svg.rect((x, y - 5.0, 14.0, 10.0), &entry.style);
            svg.text(&entry.name, (x + 20.0, y), 13.0, self.theme.ink(), Anchor::Start);
        }
        self.keys(&mut svg, &layout);
        self.grid(&mut svg, &layout);
        self.draw(&mut svg, &layout, &notes);
        if layout.bars.len() < layout.bars_asked {
            let text = format!("{} of {} bars", layout.bars.len(), layout.bars_asked);
            let at = (layout.right(), layout.bottom() + 11.0);
            svg.text(&text, at, 11.0, self.theme.faint(), Anchor::End);
        }
        Ok(svg.finish(size, title.unwrap_or("Piano roll")))
    }

    /// Writes the picture as SVG. A file that was there stays whole until the new one is.
    ///
    /// # Errors
    ///
    /// [`PictureError::Io`] if it cannot be written, and those of [`PianoRollPicture::to_svg`].
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<(), PictureError> {
        write(path.as_ref(), self.to_svg()?.as_bytes())
    }

    /// The picture as PNG, `scale` pixels (0.1..=8) for each of the SVG's.
    ///
    /// # Errors
    ///
    /// [`PictureError::OutOfRange`] for the scale, [`PictureError::Limit`] for more than 64 million pixels, and those of
    /// [`PianoRollPicture::to_svg`].
    #[cfg(feature = "png")]
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>, PictureError> {
        crate::png::png_of_svg(&self.to_svg()?, scale)
    }

    /// Writes the picture as PNG. A file that was there stays whole until the new one is.
    ///
    /// # Errors
    ///
    /// [`PictureError::Io`] if it cannot be written, and those of [`PianoRollPicture::to_png`].
    #[cfg(feature = "png")]
    pub fn write_png(&self, path: impl AsRef<Path>, scale: f32) -> Result<(), PictureError> {
        write(path.as_ref(), &self.to_png(scale)?)
    }

    /// The notes, those that were removed first, so that they lie below.
    fn notes(&self) -> Result<Vec<Drawn>, PictureError> {
        for score in [Some(self.score), self.input].into_iter().flatten() {
            let (value, limit) = (score.note_count() as u64, Self::MAX_NOTES as u64);
            if value > limit {
                return Err(PictureError::Limit { what: "notes in a picture", value, limit });
            }
        }
        let is_drum = |score: &Score, track: usize| score.tracks().get(track).is_some_and(Track::is_drum);
        let Some(input) = self.input else {
            let tracks = self.score.tracks().iter().enumerate();
            let drawn = |(track, of): (usize, &Track)| {
                let is_drum = of.is_drum();
                let notes = of.notes().iter();
                notes
                    .map(move |note| Drawn { note: *note, track, is_drum, fate: Fate::There })
                    .collect::<Vec<_>>()
            };
            return Ok(tracks.flat_map(drawn).collect());
        };
        let compared = compare(input, self.score)?;
        let drawn = |score: &'a Score, fate| {
            move |(track, note): (usize, Note)| Drawn { note, track, is_drum: is_drum(score, track), fate }
        };
        let removed = compared.removed.into_iter().map(drawn(input, Fate::Removed));
        let kept = compared.kept.into_iter().map(drawn(self.score, Fate::Kept));
        let added = compared.added.into_iter().map(drawn(self.score, Fate::Added));
        Ok(removed.chain(kept).chain(added).collect())
    }

    fn legend(&self, notes: &[Drawn]) -> Vec<Entry> {
        let mut sounding = vec![false; self.score.tracks().len()];
        for drawn in notes.iter().filter(|n| n.fate != Fate::Removed) {
            if let Some(one) = sounding.get_mut(drawn.track) {
                *one = true;
            }
        }
        let named = self.score.tracks().iter().enumerate().zip(&sounding).filter(|(_, sounds)| **sounds);
        let mut entries: Vec<Entry> = named
            .map(|((index, track), _)| Entry {
                name: track_name(index, track),
                style: format!("fill=\"{}\" rx=\"2\"", self.theme.track_color(index)),
            })
            .collect();
        if entries.len() > NAMED {
            let more = entries.len() - NAMED;
            entries.truncate(NAMED);
            entries.push(Entry { name: format!("and {more} more"), style: "fill=\"none\"".to_owned() });
        }
        if self.input.is_some() {
            for (fate, name) in [(Fate::Kept, "kept"), (Fate::Added, "added"), (Fate::Removed, "removed")] {
                let count = notes.iter().filter(|n| n.fate == fate).count();
                let style = self.style(fate, self.theme.ink(), 1.0);
                entries.push(Entry { name: format!("{count} {name}"), style });
            }
        }
        entries
    }

    /// How a note is filled and outlined.
    fn style(&self, fate: Fate, color: &str, loudness: f64) -> String {
        match fate {
            Fate::There | Fate::Added => {
                format!("rx=\"1.5\" fill=\"{color}\" fill-opacity=\"{:.2}\"", 0.4 + 0.6 * loudness)
            }
            Fate::Kept => {
                format!("rx=\"1.5\" fill=\"{color}\" fill-opacity=\"{:.2}\"", 0.18 + 0.22 * loudness)
            }
            Fate::Removed => {
                format!("rx=\"1.5\" fill=\"none\" stroke=\"{}\" stroke-dasharray=\"3 2\"", self.theme.faint())
            }
        }
    }

    /// The rows of pitches and drums, with names.
    fn keys(&self, svg: &mut Svg, layout: &Layout) {
        let (theme, left, right) = (self.theme, layout.x(layout.start), layout.right());
        let mut lines = Vec::new();
        let label = |svg: &mut Svg, text: &str, y: f64, size: f64, color| {
            svg.text(text, (left - 8.0, y + layout.row / 2.0), size, color, Anchor::End);
        };
        if let Some((low, high)) = layout.pitches {
            for pitch in low..=high {
                let y = layout.y(pitch);
                let is_black = BLACK_KEYS.contains(&(pitch % 12));
                if is_black {
                    svg.rect((left, y, right - left, layout.row), &format!("fill=\"{}\"", theme.black_key()));
                }
                if pitch.is_multiple_of(12) {
                    lines.push([(left, y + layout.row), (right, y + layout.row)]);
                    label(svg, &pitch_name(pitch), y, 11.0, theme.ink());
                } else if layout.row >= 11.0 && !is_black {
                    label(svg, &pitch_name(pitch), y, 10.5, theme.faint());
                }
            }
        }
        for pitch in &layout.drums {
            let y = layout.drum_y(*pitch);
            lines.push([(left, y + layout.row), (right, y + layout.row)]);
            label(svg, &drum_name(*pitch), y, layout.row.clamp(7.5, 10.5), theme.faint());
        }
        svg.open(&format!("stroke=\"{}\"", theme.grid()));
        svg.lines(&lines);
        svg.close();
    }

    /// Bars and beats.
    fn grid(&self, svg: &mut Svg, layout: &Layout) {
        let down = |tick: u32, lines: &mut Vec<_>| {
            let x = layout.x(tick);
            if layout.pitches.is_some() || layout.drums.is_empty() {
                lines.push([(x, layout.top), (x, layout.pitch_bottom())]);
            }
            if !layout.drums.is_empty() {
                lines.push([(x, layout.drum_top()), (x, layout.bottom())]);
            }
        };
        let (mut beats, mut bars) = (Vec::new(), Vec::new());
        let mut named_to = f64::NEG_INFINITY;
        for bar in &layout.bars {
            let x = layout.x(bar.start.get());
            let pixels = layout.x(bar.end.get()) - x;
            let count = f64::from(bar.time_signature.beat_count());
            if pixels / count >= 6.0 {
                let inner = bar.beats(self.score.ticks_per_quarter()).skip(1);
                inner.for_each(|beat| down(beat.start.get(), &mut beats));
            }
            down(bar.start.get(), &mut bars);
            if x - named_to >= 26.0 {
                named_to = x;
                let at = (x + 2.0, layout.top - 9.0);
                svg.text(&(bar.index + 1).to_string(), at, 11.0, self.theme.faint(), Anchor::Start);
            }
        }
        down(layout.end, &mut bars);
        for (lines, color) in [(beats, self.theme.grid()), (bars, self.theme.bar_line())] {
            svg.open(&format!("stroke=\"{color}\""));
            svg.lines(&lines);
            svg.close();
        }
    }

    fn draw(&self, svg: &mut Svg, layout: &Layout, notes: &[Drawn]) {
        for group in notes.chunk_by(|a, b| a.track == b.track && a.fate == b.fate) {
            let Some(first) = group.first() else { continue };
            svg.open(&format!("class=\"track\" data-track=\"{}\"", first.track));
            for Drawn { note, track, is_drum, fate } in group {
                let pitch = note.pitch.get();
                let from = layout.x(note.start.get());
                let (y, to) = if *is_drum {
                    (layout.drum_y(pitch), from + layout.row.min(7.0))
                } else {
                    (layout.y(pitch), layout.x(note.end().get()))
                };
                // A gap, so that repeated notes are told from a held one.
                let long = (to - from - 1.0).max(2.0);
                let loudness = f64::from(note.velocity.get()) / 127.0;
                let style = self.style(*fate, self.theme.track_color(*track), loudness);
                let (height, inset) = if *fate == Fate::Removed { (3.0, 1.5) } else { (2.0, 1.0) };
                let place = (from, y + inset, long, layout.row - height);
                svg.rect(place, &format!("class=\"{}\" {style}", fate.class()));
            }
            svg.close();
        }
        // Where the roll begins, over notes that are held into it.
        svg.open(&format!("stroke=\"{}\"", self.theme.bar_line()));
        svg.lines(&[[(LEFT, layout.top), (LEFT, layout.bottom())]]);
        svg.close();
    }
}

/// A name beside its colour.
#[derive(Debug)]
struct Entry {
    name: String,
    style: String,
}

/// Lays entries in rows: left edge, row, entry.
fn place(entries: &[Entry], wide: f64) -> Vec<(f64, usize, &Entry)> {
    let (mut x, mut row) = (MARGIN, 0);
    let mut placed = Vec::with_capacity(entries.len());
    for entry in entries {
        let needed = 20.0 + width(&entry.name, 13.0) + 16.0;
        if x > MARGIN && x + needed > wide {
            (x, row) = (MARGIN, row + 1);
        }
        placed.push((x, row, entry));
        x += needed;
    }
    placed
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PictureError> {
    let io = |source| PictureError::Io { path: path.to_owned(), source };
    deepcompose_files::write(path, bytes).map_err(io)
}

fn track_name(index: usize, track: &Track) -> String {
    let name = track.name().trim();
    match name.char_indices().nth(NAME_LETTERS) {
        _ if name.is_empty() => format!("track {}", index + 1),
        Some((cut, _)) => format!("{}…", name.get(..cut).unwrap_or_default()),
        None => name.to_owned(),
    }
}
