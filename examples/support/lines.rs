//! [`log_lines`]: lines over logarithmic axes, side by side.

use std::ops::RangeInclusive;
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
    /// The power of a dashed line from the first point, to compare with: 1 is proportional, −1 inversely so.
    pub(crate) guide: Option<i32>,
}

const PANEL: (f64, f64) = (450.0, 320.0);

/// Draws panels side by side, under a title and a legend of the series.
pub(crate) fn log_lines(path: &Path, title: &str, series: &[&str], panels: &[Lines]) -> PlotResult {
    let size = (PANEL.0 * panels.len() as f64 + 30.0, 86.0 + PANEL.1);
    draw(path, (size.0 as u32, size.1 as u32), |canvas| {
        canvas.heading(title, (24.0, 28.0), 17.0)?;
        let mut names: Vec<_> = series.iter().map(|s| (*s).to_owned()).zip(SERIES).collect();
        if panels.iter().any(|panel| panel.guide.is_some()) {
            names.push(("dashed: proportional".to_owned(), FAINT));
        }
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
    /// From one of [`round`] to another around the values.
    fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).max(1e-12) * 1.001;
        let most = values.fold(0.0, f64::max).max(1e-12) * 0.999;
        let low = round().take_while(|v| *v <= least).last().unwrap_or(least);
        let high = round().find(|v| *v >= most && *v > low).unwrap_or(most);
        Self { low: low.log10(), high: high.log10(), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value.max(1e-12).log10() - self.low) / (self.high - self.low)
    }

    /// The round numbers of the axis; all are labelled if there is room, otherwise powers of ten.
    fn marks(&self) -> impl Iterator<Item = (f64, bool)> {
        let (low, high) = (self.low - 1e-9, self.high + 1e-9);
        let has_room = high - low <= 3.0;
        round()
            .filter(move |value| (low..=high).contains(&value.log10()))
            .map(move |value| (value, has_room || (value.log10() - value.log10().round()).abs() < 1e-9))
    }
}

/// 1, 2 and 5 times the powers of ten, ascending.
fn round() -> impl Iterator<Item = f64> + Clone {
    (-12..=12).flat_map(|power| [1.0, 2.0, 5.0].map(|unit| unit * 10f64.powi(power)))
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
    let ends = panel.points.iter().find_map(|line| Some((line.first()?, line.last()?)));
    match (ends, panel.guide) {
        (Some((first, last)), Some(power)) => {
            let guide = |x: f64| (across.place(x), up.place(first.1 * (x / first.0).powi(power)));
            dashed(canvas, guide(first.0), guide(last.0), top..=bottom, FAINT)
        }
        _ => Ok(()),
    }
}

/// Dashes from a point to another, as far as the panel reaches.
fn dashed(
    canvas: &Canvas<'_>,
    from: (f64, f64),
    to: (f64, f64),
    heights: RangeInclusive<f64>,
    color: RGBColor,
) -> PlotResult {
    let at = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
    for dash in 0..40 {
        let (begin, end) = (at(f64::from(dash) / 40.0), at((f64::from(dash) + 0.5) / 40.0));
        if heights.contains(&end.1) {
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
