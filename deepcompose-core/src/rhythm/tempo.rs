//! Tempo and phase from onsets.

use std::f64::consts::TAU;

use super::metre::Subdivision;

/// The tempo that is likeliest before any onset is heard, in quarter notes a minute, and the standard
/// deviation of the logarithm of its ratio to others: two thirds lie within half an octave.
const PRIOR_BPM: f64 = 110.0;
const PRIOR_WIDTH: f64 = 0.25;
/// The estimate is made on the densest stretch of so many seconds and onsets, then carried on.
const STRETCH_SECONDS: f64 = 60.0;
const STRETCH_ONSETS: usize = 256;
/// How far off its step the last onset of the stretch may be between two candidates, in steps.
const RESOLUTION: f64 = 0.1;
/// Candidates of each subdivision that are weighed in full.
const CANDIDATES: usize = 24;

/// Beats at `start + n * period` seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beats {
    pub(super) start: f64,
    /// Seconds a beat.
    pub(super) period: f64,
}

impl Beats {
    pub(super) fn position(&self, seconds: f64) -> f64 {
        (seconds - self.start) / self.period
    }

    /// The same beats, counted from the last at or before time 0.
    fn counted_from_zero(self) -> Self {
        let start = self.start.rem_euclid(self.period);
        Self { start: if start > 0.0 { start - self.period } else { 0.0 }, ..self }
    }

    /// The line through the steps nearest to the onsets, by least squares. As it was if the onsets
    /// are all on one step.
    fn fitted(self, onsets: &[f64], steps: f64) -> Self {
        let n = onsets.len() as f64;
        let step = |t: &f64| (self.position(*t) * steps).round();
        let mean_step = onsets.iter().map(step).sum::<f64>() / n;
        let mean_time = onsets.iter().sum::<f64>() / n;
        let (mut products, mut squares) = (0.0, 0.0);
        for t in onsets {
            let x = step(t) - mean_step;
            products += x * (t - mean_time);
            squares += x * x;
        }
        let slope = products / squares;
        if slope.is_finite() && slope > 0.0 {
            Self { start: mean_time - mean_step * slope, period: slope * steps }
        } else {
            self
        }
    }
}

/// The likeliest beats whose period in seconds lies in `shortest..=longest`, for onsets in order.
pub(super) fn estimate(onsets: &[f64], models: &[Subdivision], shortest: f64, longest: f64) -> Beats {
    let stretch = densest(onsets);
    let heard = onsets.get(stretch.clone()).unwrap_or_default();
    let fallback = Beats {
        start: onsets.first().copied().unwrap_or(0.0),
        period: (60.0 / PRIOR_BPM * models.first().map_or(1.0, |m| m.beat)).clamp(shortest, longest),
    };
    let mut best = (f64::INFINITY, fallback, 1);
    if heard.len() > 1 {
        for model in models {
            for beats in candidates(heard, model, shortest, longest) {
                for rotation in 0..model.steps() {
                    let positions = heard.iter().map(|t| (beats.position(*t), beats.period));
                    let cost = model.fit(positions, rotation).cost + prior(beats.period / model.beat);
                    if cost < best.0 {
                        let start = beats.start + beats.period * rotation as f64 / model.steps() as f64;
                        best = (cost, Beats { start, ..beats }, model.steps());
                    }
                }
            }
        }
    }
    let (_, mut beats, steps) = best;
    let (mut from, mut to) = (stretch.start, stretch.end);
    while from > 0 || to < onsets.len() {
        // Twice as many onsets each time: the period is good enough to reach the new ones.
        let more = (to - from).max(1);
        from = from.saturating_sub(more);
        to = to.saturating_add(more).min(onsets.len());
        let period = beats.period;
        beats = beats.fitted(onsets.get(from..to).unwrap_or_default(), steps as f64);
        if !(shortest..=longest).contains(&beats.period) {
            beats.period = period;
        }
    }
    beats.counted_from_zero()
}

/// How unlikely a tempo is by itself, in nats. `period` is seconds a quarter note.
fn prior(period: f64) -> f64 {
    ((60.0 / period / PRIOR_BPM).ln() / PRIOR_WIDTH).powi(2) / 2.0
}

/// The most onsets within [`STRETCH_SECONDS`], at most [`STRETCH_ONSETS`] of them.
fn densest(onsets: &[f64]) -> std::ops::Range<usize> {
    let mut best = 0..0;
    let mut from = 0;
    for (i, t) in onsets.iter().enumerate() {
        while onsets.get(from).is_some_and(|f| t - f > STRETCH_SECONDS) || i - from >= STRETCH_ONSETS {
            from += 1;
        }
        if i + 1 - from > best.len() {
            best = from..i + 1;
        }
    }
    best
}

/// Periods at which the onsets gather most at the steps of a beat, best first: maxima of the length
/// of the mean vector of the onsets on a circle of one step. Its angle is the phase.
fn candidates(onsets: &[f64], model: &Subdivision, shortest: f64, longest: f64) -> Vec<Beats> {
    let origin = onsets.first().copied().unwrap_or(0.0);
    let span = onsets.last().map_or(0.0, |last| last - origin);
    let (steps, beat) = (model.steps() as f64, model.beat);
    // Even in frequency: so is the step of the last onset.
    let (low, high) = (1.0 / longest, 1.0 / shortest);
    let count = ((high - low) * span * steps / RESOLUTION).ceil().max(1.0);
    let mean_vector = |period: f64| {
        let (mut x, mut y) = (0.0, 0.0);
        for t in onsets {
            let (sin, cos) = (TAU * steps * (t - origin) / period).sin_cos();
            x += cos;
            y += sin;
        }
        (f64::hypot(x, y) / onsets.len() as f64, y.atan2(x))
    };
    let scored: Vec<(f64, Beats)> = (0..=count as usize)
        .map(|i| {
            let period = (1.0 / (low + (high - low) * i as f64 / count)).clamp(shortest, longest);
            let (length, angle) = mean_vector(period);
            let start = origin + angle / TAU * period / steps;
            (length * (-prior(period / beat)).exp().max(1e-3), Beats { start, period })
        })
        .collect();
    let score = |i: Option<usize>| i.and_then(|i| scored.get(i)).map_or(-1.0, |s| s.0);
    let mut peaks: Vec<(f64, Beats)> = scored
        .iter()
        .enumerate()
        .filter(|(i, s)| s.0 >= score(i.checked_sub(1)) && s.0 > score(Some(i + 1)))
        .map(|(_, s)| *s)
        .collect();
    peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
    peaks.truncate(CANDIDATES);
    let fitted = |(_, beats): (f64, Beats)| {
        let better = beats.fitted(onsets, steps).fitted(onsets, steps);
        if (shortest..=longest).contains(&better.period) { better } else { beats }
    };
    peaks.into_iter().map(fitted).collect()
}
