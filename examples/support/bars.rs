//! [`bar_chart`]: groups of bars side by side, in one or more panels.

use std::path::Path;

use super::PlotResult;
use super::axis::{label, step, ticks};
use super::canvas::{Align, Canvas, FAINT, GRID, INK, SERIES, draw, width};

/// One panel of a bar chart.
pub(crate) struct BarPanel {
    /// What the heights are, with their unit.
    pub(crate) title: String,
    /// The names of the groups.
    pub(crate) groups: Vec<String>,
    /// For each series a height a group; `None` where there is none.
    pub(crate) values: Vec<Vec<Option<f64>>>,
}

const PANEL: (f64, f64) = (470.0, 270.0);

/// Draws panels, two in a row, under a title and a legend of the series.
pub(crate) fn bar_chart(path: &Path, title: &str, series: &[&str], panels: &[BarPanel]) -> PlotResult {
    let columns = panels.len().clamp(1, 2);
    let rows = panels.len().div_ceil(columns).max(1);
    let wide = if columns == 1 { PANEL.0 * 1.4 } else { PANEL.0 };
    let top = if series.len() > 1 { 78.0 } else { 48.0 };
    let size = (wide * columns as f64 + 40.0, top + 6.0 + PANEL.1 * rows as f64);
    draw(path, (size.0 as u32, size.1 as u32), |canvas| {
        canvas.heading(title, (28.0, 28.0), 19.0)?;
        let names: Vec<_> = series.iter().map(|s| (*s).to_owned()).zip(SERIES).collect();
        if names.len() > 1 {
            canvas.legend(&names, (28.0, 58.0))?;
        }
        for (index, panel) in panels.iter().enumerate() {
            let (column, row) = ((index % columns) as f64, (index / columns) as f64);
            let corner = (20.0 + column * wide, top + row * PANEL.1);
            draw_panel(canvas, panel, corner, (wide, PANEL.1))?;
        }
        Ok(())
    })
}

fn draw_panel(canvas: &Canvas<'_>, panel: &BarPanel, (x, y): (f64, f64), size: (f64, f64)) -> PlotResult {
    let (left, right) = (x + 52.0, x + size.0 - 16.0);
    let (top, bottom) = (y + 40.0, y + size.1 - 34.0);
    let heights = panel.values.iter().flatten().flatten().copied().filter(|v| v.is_finite());
    let most = heights.fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    let marks = ticks(0.0, most * 1.08, 4);
    let place = |value: f64| bottom - (bottom - top) * value / (most * 1.08);
    canvas.text(&panel.title, (x + 8.0, y + 16.0), 14.0, INK, Align::Left)?;
    for mark in &marks {
        canvas.path(&[(left, place(*mark)), (right, place(*mark))], GRID, 1.0, 1)?;
        canvas.text(&label(*mark, step(&marks)), (left - 8.0, place(*mark)), 12.0, FAINT, Align::Right)?;
    }
    let group = (right - left) / panel.groups.len().max(1) as f64;
    let bar = (group * 0.76 / panel.values.len().max(1) as f64).min(64.0);
    for (index, name) in panel.groups.iter().enumerate() {
        let middle = left + (index as f64 + 0.5) * group;
        canvas.text(name, (middle, bottom + 16.0), 12.5, INK, Align::Middle)?;
        let first = middle - bar * panel.values.len() as f64 / 2.0;
        for (number, values) in panel.values.iter().enumerate() {
            let from = first + number as f64 * bar;
            let centre = from + bar / 2.0;
            let color = SERIES[number % SERIES.len()];
            match values.get(index).copied().flatten().filter(|v| v.is_finite()) {
                Some(value) => {
                    canvas.rect((from + 1.0, place(value)), (from + bar - 1.0, bottom), color, 1.0)?;
                    let text = number_on_bar(value, most);
                    let size = if width(&text, 11.0) > bar { 9.0 } else { 11.0 };
                    canvas.text(&text, (centre, place(value) - 9.0), size, INK, Align::Middle)?;
                }
                None => canvas.text("–", (centre, bottom - 9.0), 11.0, FAINT, Align::Middle)?,
            }
        }
    }
    canvas.path(&[(left, bottom), (right, bottom)], FAINT, 1.0, 1)
}

/// A value with three digits or so, as the largest of its panel needs.
fn number_on_bar(value: f64, most: f64) -> String {
    match most {
        m if m >= 100.0 => format!("{value:.0}"),
        m if m >= 10.0 => format!("{value:.1}"),
        m if m >= 0.1 => format!("{value:.2}"),
        m if m >= 0.01 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}
