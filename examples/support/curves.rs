//! [`loss_curves`]: how the losses of a run went.

use std::path::Path;

use plotters::style::RGBColor;

use super::PlotResult;
use super::axis::{label, step, ticks};
use super::canvas::{Align, Canvas, FAINT, GRID, INK, SERIES, draw};
use super::run_log::RunLog;

/// What a GAN's steps carry beside their loss.
const GAN: [(&str, &str); 4] = [
    ("reconstruction_loss", "reconstruction loss, nats a cell"),
    ("distance", "Wasserstein distance (estimate)"),
    ("penalty", "gradient penalty"),
    ("generator_loss", "generator's adversarial loss"),
];

/// Points that a line has at most: more cannot be seen.
const POINTS: usize = 900;

const WIDTH: f64 = 920.0;
/// Heights of the first panel and of the others.
const HEIGHTS: (f64, f64) = (340.0, 240.0);

/// A curve of a panel.
struct Curve {
    name: &'static str,
    points: Vec<(f64, f64)>,
    color: RGBColor,
    kind: Kind,
}

enum Kind {
    /// Thin and pale, with a thick line of its running mean.
    Noisy,
    /// Dots on a line.
    Dotted,
}

/// Draws the training loss (thin, and smoothed) and the validation loss by step, and for a GAN's run a
/// panel for each of its other losses.
pub(crate) fn loss_curves(path: &Path, log: &RunLog, title: &str) -> PlotResult {
    let validation: Vec<(f64, f64)> = log.validations.iter().map(|(s, v)| (*s as f64, v.loss)).collect();
    let noisy = |name, points, color| Curve { name, points, color, kind: Kind::Noisy };
    let mut panels = vec![(
        "loss",
        vec![
            noisy("training, thin: each step, thick: smoothed", log.series("loss"), SERIES[0]),
            Curve { name: "validation", points: validation, color: SERIES[1], kind: Kind::Dotted },
        ],
    )];
    for (index, (key, name)) in GAN.into_iter().enumerate() {
        let points = log.series(key);
        // What is the run's own loss is drawn already.
        if !points.is_empty() && points != log.series("loss") {
            panels.push((name, vec![noisy("", points, SERIES[(index + 2) % SERIES.len()])]));
        }
    }
    panels.iter_mut().for_each(|(_, curves)| curves.retain(|c| !c.points.is_empty()));
    panels.retain(|(_, curves)| !curves.is_empty());
    let more = HEIGHTS.1 * panels.len().saturating_sub(1) as f64;
    let size = (WIDTH as u32, (56.0 + HEIGHTS.0 + more) as u32);
    draw(path, size, |canvas| {
        canvas.heading(title, (28.0, 28.0), 19.0)?;
        let mut top = 48.0;
        for (index, (name, curves)) in panels.iter().enumerate() {
            let height = if index == 0 { HEIGHTS.0 } else { HEIGHTS.1 };
            panel(canvas, name, curves, (top, height))?;
            top += height;
        }
        if let (Some((best, loss)), true) = (log.best(), log.validations.len() > 1) {
            let text = format!("best validation loss {loss:.4} at step {best}");
            canvas.text(&text, (WIDTH - 28.0, 28.0), 13.0, FAINT, Align::Right)?;
        }
        Ok(())
    })
}

fn panel(canvas: &Canvas<'_>, name: &str, curves: &[Curve], (y, height): (f64, f64)) -> PlotResult {
    let (left, right) = (76.0, WIDTH - 28.0);
    let (top, bottom) = (y + 36.0, y + height - 46.0);
    let steps = || curves.iter().flat_map(|c| c.points.iter().map(|p| p.0));
    let (first, last) = (steps().fold(f64::MAX, f64::min), steps().fold(f64::MIN, f64::max));
    let last = if last > first { last } else { first + 1.0 };
    let (low, high) = range(curves);
    let x_of = |step: f64| left + (right - left) * (step - first) / (last - first);
    let y_of = |value: f64| bottom - (bottom - top) * (value - low) / (high - low);

    canvas.text(name, (28.0, y + 14.0), 14.0, INK, Align::Left)?;
    let marks = ticks(low, high, 5);
    for mark in &marks {
        canvas.path(&[(left, y_of(*mark)), (right, y_of(*mark))], GRID, 1.0, 1)?;
        canvas.text(&label(*mark, step(&marks)), (left - 8.0, y_of(*mark)), 12.0, FAINT, Align::Right)?;
    }
    let marks = ticks(first, last, 8);
    for mark in &marks {
        canvas.path(&[(x_of(*mark), bottom), (x_of(*mark), bottom + 4.0)], FAINT, 1.0, 1)?;
        canvas.text(&label(*mark, step(&marks)), (x_of(*mark), bottom + 15.0), 12.0, FAINT, Align::Middle)?;
    }
    canvas.path(&[(left, bottom), (right, bottom)], FAINT, 1.0, 1)?;
    canvas.text("step", (right, bottom + 31.0), 12.0, FAINT, Align::Right)?;

    let inside = |p: &&(f64, f64)| (low..=high).contains(&p.1);
    let place = |points: &[(f64, f64)]| {
        points.iter().filter(inside).map(|(s, v)| (x_of(*s), y_of(*v))).collect::<Vec<_>>()
    };
    for curve in curves {
        match curve.kind {
            Kind::Noisy => {
                canvas.path(&place(&thinned(&curve.points)), curve.color, 0.28, 1)?;
                canvas.path(&place(&thinned(&smoothed(&curve.points))), curve.color, 1.0, 2)?;
            }
            Kind::Dotted => {
                let points = place(&curve.points);
                canvas.path(&points, curve.color, 1.0, 2)?;
                if points.len() <= 120 {
                    points.iter().try_for_each(|at| canvas.dot(*at, 3, curve.color))?;
                }
            }
        }
    }
    let names: Vec<_> =
        curves.iter().filter(|c| !c.name.is_empty()).map(|c| (c.name.to_owned(), c.color)).collect();
    canvas.legend(&names, (left + 40.0, y + 14.0))?;
    Ok(())
}

/// From the least value to one that all but the highest two in a hundred keep under, with some room: the
/// first steps of a run must not flatten the rest.
fn range(curves: &[Curve]) -> (f64, f64) {
    let mut low = f64::MAX;
    let mut high = f64::MIN;
    for curve in curves {
        let mut values: Vec<f64> = curve.points.iter().map(|p| p.1).filter(|v| v.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let cut = if values.len() > 100 { values.len() * 2 / 100 } else { 0 };
        let lowest = if cut > 0 && values.first().is_some_and(|v| *v < 0.0) { cut } else { 0 };
        if let (Some(least), Some(most)) = (values.get(lowest), values.iter().rev().nth(cut)) {
            (low, high) = (low.min(*least), high.max(*most));
        }
    }
    if low > high {
        return (0.0, 1.0);
    }
    let room = if high > low { 0.06 * (high - low) } else { 0.5 * high.abs().max(1e-9) };
    (low - room, high + room)
}

/// The mean of each point and its neighbours on both sides, about a fortieth of the run in all; at the ends
/// those that there are.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let reach = points.len() / 80;
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(points.iter().scan(0.0, |sum, (_, value)| {
            *sum += value;
            Some(*sum)
        }))
        .collect();
    let mean = |(index, (step, _)): (usize, &(f64, f64))| {
        let (from, to) = (index.saturating_sub(reach), (index + reach + 1).min(points.len()));
        (*step, (sums[to] - sums[from]) / (to - from) as f64)
    };
    points.iter().enumerate().map(mean).collect()
}

/// At most so many points that the picture can show: of each run of points the least and the greatest.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let run = points.len().div_ceil(POINTS).max(1);
    if run == 1 {
        return points.to_vec();
    }
    let ends = |run: &[(f64, f64)]| {
        let low = run.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = run.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut ends: Vec<(f64, f64)> = low.into_iter().chain(high).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends
    };
    points.chunks(2 * run).flat_map(ends).collect()
}
