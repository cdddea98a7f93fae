//! [`Canvas`]: lines, boxes and words in pixels.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::PlotResult;
use super::files::write_atomically;

pub(crate) const INK: RGBColor = RGBColor(38, 42, 48);
pub(crate) const FAINT: RGBColor = RGBColor(108, 116, 126);
pub(crate) const GRID: RGBColor = RGBColor(226, 229, 233);

/// Colours that can be told apart, also by the colour-blind, in the order in which series take them.
pub(crate) const SERIES: [RGBColor; 8] = [
    RGBColor(46, 108, 178),
    RGBColor(226, 131, 38),
    RGBColor(44, 148, 104),
    RGBColor(196, 64, 84),
    RGBColor(130, 90, 168),
    RGBColor(122, 98, 76),
    RGBColor(86, 170, 206),
    RGBColor(160, 160, 60),
];

pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// How a word lies to its point.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Middle,
    Right,
}

/// Draws a picture of this size and writes it.
pub(crate) fn draw(
    path: &Path,
    size: (u32, u32),
    picture: impl FnOnce(&Canvas<'_>) -> PlotResult,
) -> PlotResult {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let canvas = Canvas { area };
        picture(&canvas)?;
        canvas.area.present()?;
    }
    write_atomically(path, svg.as_bytes())
}

impl Canvas<'_> {
    /// A word, centred in height on `y`.
    pub(crate) fn text(
        &self,
        text: &str,
        (x, y): (f64, f64),
        size: f64,
        color: RGBColor,
        align: Align,
    ) -> PlotResult {
        self.styled(text, (x, y), (size, FontStyle::Normal), color, align)
    }

    /// A word in bold.
    pub(crate) fn heading(&self, text: &str, at: (f64, f64), size: f64) -> PlotResult {
        self.styled(text, at, (size, FontStyle::Bold), INK, Align::Left)
    }

    fn styled(
        &self,
        text: &str,
        (x, y): (f64, f64),
        (size, weight): (f64, FontStyle),
        color: RGBColor,
        align: Align,
    ) -> PlotResult {
        let h_pos = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = TextStyle::from(FontDesc::new(FontFamily::SansSerif, size, weight))
            .color(&color)
            .pos(Pos::new(h_pos, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), (round(x), round(y)), style))?;
        Ok(())
    }

    /// A filled box between two corners.
    pub(crate) fn rect(&self, from: (f64, f64), to: (f64, f64), color: RGBColor, alpha: f64) -> PlotResult {
        let corners = [(round(from.0), round(from.1)), (round(to.0), round(to.1))];
        self.area.draw(&Rectangle::new(corners, color.mix(alpha).filled()))?;
        Ok(())
    }

    /// A line through points.
    pub(crate) fn path(&self, points: &[(f64, f64)], color: RGBColor, alpha: f64, width: u32) -> PlotResult {
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| (round(*x), round(*y))).collect();
        self.area.draw(&PathElement::new(points, color.mix(alpha).stroke_width(width)))?;
        Ok(())
    }

    /// A filled dot.
    pub(crate) fn dot(&self, at: (f64, f64), radius: u32, color: RGBColor) -> PlotResult {
        self.area.draw(&Circle::new((round(at.0), round(at.1)), radius, color.filled()))?;
        Ok(())
    }

    /// Names beside their colours, in a row from `x` on; returns where the row ends.
    pub(crate) fn legend(
        &self,
        entries: &[(String, RGBColor)],
        (x, y): (f64, f64),
    ) -> Result<f64, Box<dyn Error>> {
        let mut at = x;
        for (name, color) in entries {
            self.rect((at, y - 5.0), (at + 14.0, y + 5.0), *color, 1.0)?;
            self.text(name, (at + 20.0, y), 13.0, INK, Align::Left)?;
            at += 20.0 + width(name, 13.0) + 20.0;
        }
        Ok(at)
    }
}

/// About how wide a text of this size is: there is no font to measure it with.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.5
}

fn round(value: f64) -> i32 {
    value.round().clamp(-1e6, 1e6) as i32
}
