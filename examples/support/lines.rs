//! [`log_lines`]: lines over logarithmic axes, side by side.

use std::path::Path;

use plotters::style::RGBColor;

use super::PlotResult;
use super::canvas::{Align, Canvas, FAINT, GRID, INK, SERIES, draw};

/// One panel.
pub(crate) struct Lines {
    /// What the heights are, with their unit.
    pub(crate) title: String,
    /// What the points lie along.
    pub(crate) along: String,
    /// The points of each series, all above 0.
    pub(crate) points: Vec<Vec<(f64, f64)>>,
}

const PANEL: (f64, f64) = (450.0, 320.0);

/// Draws panels side by side, under a title and a legend of the series. The dashed line rises as the work does, from the
/// first point.
pub(crate) fn log_lines(path: &Path, title: &str, series: &[&str], panels: &[Lines]) -> PlotResult {
    let size = (PANEL.0 * panels.len() as f64 + 30.0, 86.0 + PANEL.1);
    draw(path, (size.0 as u32, size.1 as u32), |canvas| {
        canvas.heading(title, (24.0, 28.0), 17.0)?;
        let mut names: Vec<_> = series.iter().map(|s| (*s).to_owned()).zip(SERIES).collect();
        names.push(("proportional".to_owned(), FAINT));
        canvas.legend(&names, (24.0, 58.0))?;
        for (index, panel) in panels.iter().enumerate() {
            draw_panel(canvas, panel, (16.0 + index as f64 * PANEL.0, 76.0))?;
        }
        Ok(())
    })
}

/// An axis: the logarithms of its ends, and where they lie.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// Whole powers of ten around the values.
    fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).max(1e-12).log10().floor();
        let high = values.fold(0.0, f64::max).max(1e-12).log10().ceil();
        Self { low, high: if high > low { high } else { low + 1.0 }, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value.max(1e-12).log10() - self.low) / (self.high - self.low)
    }

    /// One, two and five of each power of ten; the first of them is labelled always, the others if there is room.
    fn marks(&self) -> Vec<(f64, bool)> {
        let has_room = self.high - self.low <= 2.0;
        let powers = self.low as i32..=self.high as i32;
        powers
            .flat_map(|power| [1.0, 2.0, 5.0].map(|unit| (unit * 10f64.powi(power), unit == 1.0 || has_room)))
            .filter(|(value, _)| value.log10() <= self.high + 1e-9)
            .collect()
    }
}

fn draw_panel(canvas: &Canvas<'_>, panel: &Lines, (x, y): (f64, f64)) -> PlotResult {
    let (left, right, top, bottom) = (x + 64.0, x + PANEL.0 - 20.0, y + 34.0, y + PANEL.1 - 44.0);
    let points = || panel.points.iter().flatten().copied();
    let across = Axis::around(points().map(|p| p.0), left, right);
    let up = Axis::around(points().map(|p| p.1), bottom, top);
    canvas.text(&panel.title, (x + 8.0, y + 16.0), 14.0, INK, Align::Left)?;
    canvas.text(&panel.along, ((left + right) / 2.0, bottom + 34.0), 13.0, INK, Align::Middle)?;
    for (value, is_labelled) in across.marks() {
        let at = across.place(value);
        canvas.path(&[(at, bottom), (at, top)], GRID, 1.0, 1)?;
        if is_labelled {
            canvas.text(&short(value), (at, bottom + 14.0), 12.0, FAINT, Align::Middle)?;
        }
    }
    for (value, is_labelled) in up.marks() {
        let at = up.place(value);
        canvas.path(&[(left, at), (right, at)], GRID, 1.0, 1)?;
        if is_labelled {
            canvas.text(&short(value), (left - 8.0, at), 12.0, FAINT, Align::Right)?;
        }
    }
    for (line, color) in panel.points.iter().zip(SERIES.iter().cycle()) {
        let placed: Vec<(f64, f64)> = line.iter().map(|p| (across.place(p.0), up.place(p.1))).collect();
        canvas.path(&placed, *color, 1.0, 2)?;
        for at in &placed {
            canvas.dot(*at, 3, *color)?;
        }
    }
    match panel.points.iter().find_map(|line| Some((line.first()?, line.last()?))) {
        Some((first, last)) => {
            let proportional = |x: f64| (across.place(x), up.place(first.1 * x / first.0));
            dashed(canvas, proportional(first.0), proportional(last.0), top, FAINT)
        }
        None => Ok(()),
    }
}

/// Dashes from a point to another, as far as the panel reaches.
fn dashed(canvas: &Canvas<'_>, from: (f64, f64), to: (f64, f64), top: f64, color: RGBColor) -> PlotResult {
    let at = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
    for dash in 0..40 {
        let (begin, end) = (at(f64::from(dash) / 40.0), at((f64::from(dash) + 0.5) / 40.0));
        if end.1 >= top {
            canvas.path(&[begin, end], color, 0.8, 1)?;
        }
    }
    Ok(())
}

/// `20`, `0.005`, `50k`.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{}M", v / 1e6),
        v if v >= 1e4 => format!("{}k", v / 1e3),
        v if v >= 1.0 => format!("{}", v.round()),
        v => format!("{:.*}", -v.log10().floor() as usize, v),
    }
}
