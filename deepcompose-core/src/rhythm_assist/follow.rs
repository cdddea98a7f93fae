//! From onset to onset along the grid.

use super::Feel;
use super::beat::{Beat, spread};

/// What an onset still counts at the next one: a steady player's grid is the better known the longer
/// the memory, an unsteady one's the shorter.
const MEMORIES: [f64; 3] = [0.97, 0.85, 0.6];
/// How much the first estimate of the step weighs, in onsets one grid point from their mean.
const STIFFNESS: f64 = 16.0;

/// Where every onset is on the grid.
#[derive(Debug)]
pub(super) struct Line {
    /// Grid points from the beat that the first onset is in; never falling.
    pub(super) points: Vec<i64>,
    /// Root mean square of the distances from the grid, in seconds.
    pub(super) deviation: f64,
    /// Seconds a grid point at each onset.
    steps: Vec<f64>,
    /// Seconds a grid point from the first onset to the last.
    mean_step: f64,
    feel: Feel,
}

/// A line `time = at + step * point` through onsets, weighted by how late they are.
struct Fit {
    memory: f64,
    weight: f64,
    point: f64,
    time: f64,
    /// Sums of squares and products about the means.
    points: f64,
    product: f64,
    prior: f64,
}

impl Fit {
    fn step(&self) -> f64 {
        (self.product + STIFFNESS * self.prior) / (self.points + STIFFNESS)
    }

    /// Where a time is on the grid.
    fn place(&self, time: f64) -> f64 {
        self.point + (time - self.time) / self.step()
    }

    fn time(&self, point: i64) -> f64 {
        self.time + (point as f64 - self.point) * self.step()
    }

    fn add(&mut self, point: i64, time: f64) {
        self.weight *= self.memory;
        self.points *= self.memory;
        self.product *= self.memory;
        let (dp, dt) = (point as f64 - self.point, time - self.time);
        let total = self.weight + 1.0;
        self.points += dp * dp * self.weight / total;
        self.product += dp * dt * self.weight / total;
        self.point += dp / total;
        self.time += dt / total;
        self.weight = total;
    }
}

/// Gives each onset a grid point, with the memory by which they are likeliest.
pub(super) fn follow(onsets: &[f64], beat: &Beat) -> Line {
    let [first, rest @ ..] = MEMORIES.map(|memory| walk(onsets, beat, memory));
    let best = rest.into_iter().fold(first, |best, next| if next.0 < best.0 { next } else { best });
    best.1
}

/// Gives each onset a grid point, and says what they cost, as in finding the beat.
fn walk(onsets: &[f64], beat: &Beat, memory: f64) -> (f64, Line) {
    let first = onsets.get(..beat.first_stretch).unwrap_or(onsets);
    // The first stretch as a whole, at the phase that was found for it.
    let (prior, time) = (beat.step, if first.is_empty() { beat.phase } else { 0.0 });
    let mut fit = Fit { memory: 1.0, weight: 0.0, point: 0.0, time, points: 0.0, product: 0.0, prior };
    for onset in first {
        fit.add(snap((onset - beat.phase) / beat.step, beat.feel), *onset);
    }
    fit.memory = memory;
    let mut points: Vec<i64> = Vec::with_capacity(onsets.len());
    let mut steps = Vec::with_capacity(onsets.len());
    let (mut squares, mut cost) = (0.0, 0.0);
    for (i, onset) in onsets.iter().enumerate() {
        let earliest = points.last().copied().unwrap_or(i64::MIN);
        let point = snap(fit.place(*onset), beat.feel).max(earliest);
        squares += (onset - fit.time(point)).powi(2);
        cost += beat.feel.cost(point);
        points.push(point);
        if i >= first.len() {
            fit.add(point, *onset);
        }
        steps.push(fit.step());
    }
    cost += onsets.len() as f64 * spread(squares, onsets.len()).ln();
    let mean_step = match (points.first(), points.last(), onsets) {
        (Some(from), Some(to), [start, .., end]) if to > from => (end - start) / (to - from) as f64,
        _ => beat.step,
    };
    // From the beat that the first onset is in.
    let division = beat.feel.division();
    let start = points.first().map_or(0, |point| point.div_euclid(division) * division);
    points.iter_mut().for_each(|point| *point -= start);
    let deviation = (squares / onsets.len().max(1) as f64).sqrt();
    (cost, Line { points, deviation, steps, mean_step, feel: beat.feel })
}

impl Line {
    /// Seconds a beat, over all.
    pub(super) fn beat(&self) -> f64 {
        (self.mean_step * self.feel.division() as f64).clamp(0.15, 3.0)
    }

    /// The grid point nearest to the end of a note of chord `i`.
    pub(super) fn end_point(&self, i: usize, onset: f64, end: f64) -> i64 {
        let (point, step) = (self.points[i], self.steps[i]);
        snap(point as f64 + (end - onset) / step, self.feel)
    }

    /// The tick of a grid point, at 480 ticks a quarter.
    pub(super) fn tick(&self, point: i64) -> i64 {
        let division = self.feel.division();
        let (beat, inside) = (point.div_euclid(division), point.rem_euclid(division));
        let inside = match self.feel {
            Feel::Straight => inside * 120,
            Feel::Triplets => inside * 160,
            // What is past the middle of the beat is its second half.
            Feel::Swing => {
                if inside == 0 {
                    0
                } else {
                    240
                }
            }
        };
        beat * 480 + inside
    }
}

/// The grid point nearest to a place. Swing has none at a third of the beat.
fn snap(place: f64, feel: Feel) -> i64 {
    let point = place.round() as i64;
    if feel == Feel::Swing && point.rem_euclid(3) == 1 {
        return if place < point as f64 { point - 1 } else { point + 1 };
    }
    point
}
