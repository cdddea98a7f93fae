//! Tempo, phase and feel from onsets.

use std::collections::VecDeque;
use std::f64::consts::TAU;

use super::Feel;

/// A stretch that has one phase.
const STRETCH_ONSETS: usize = 16;
const STRETCH_SECONDS: f64 = 8.0;
/// At most so many stretches are looked at, spread over the recording.
const STRETCHES: usize = 16;
/// Within the recording the beat may be so much longer or shorter than on the whole.
const DRIFT: f64 = 0.06;
/// Onsets are not known more exactly than this, in seconds.
const SHARPEST: f64 = 0.005;
/// A usual beat, in seconds, and what an octave from it costs each onset.
const USUAL_BEAT: f64 = 0.5;
const OCTAVE_COST: f64 = 0.1;
/// What a beat twice as long saves each onset, in units of its logarithm: half of what it would in a
/// code for the times alone, as a long beat is the less likely one.
const LONG_BEAT: f64 = 0.5;

impl Feel {
    pub(super) const ALL: [Self; 3] = [Self::Straight, Self::Triplets, Self::Swing];

    /// Grid points a beat. Swing has three, of which it does not use the second.
    pub(super) const fn division(self) -> i64 {
        match self {
            Self::Straight => 4,
            Self::Triplets | Self::Swing => 3,
        }
    }

    /// What an onset at a grid point costs.
    pub(super) fn cost(self, point: i64) -> f64 {
        let place = point.rem_euclid(self.division()) as usize;
        self.likelihood().get(place).map_or(0.0, |p| -p.ln())
    }

    /// How likely each point of a beat is to have an onset.
    const fn likelihood(self) -> &'static [f64] {
        match self {
            Self::Straight => &[0.55, 0.075, 0.3, 0.075],
            Self::Triplets => &[0.55, 0.225, 0.225],
            Self::Swing => &[0.55, 0.001, 0.449],
        }
    }
}

/// The beat of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beat {
    /// Seconds a grid point.
    pub(super) step: f64,
    /// The time of a beat in the first stretch.
    pub(super) phase: f64,
    pub(super) feel: Feel,
    /// How many onsets the first stretch has.
    pub(super) first_stretch: usize,
}

/// The beat, between two lengths in seconds, that explains the onsets best. Time is bounded whatever
/// the number of onsets, but for cutting them in stretches.
pub(super) fn find(onsets: &[f64], shortest: f64, longest: f64, feel: Option<Feel>) -> Beat {
    let stretches = stretches(onsets);
    let length = stretches.iter().map(|s| span(s)).fold(0.5, f64::max);
    let mut beats = vec![shortest];
    while let Some(next) = beats.last().map(|beat| beat * (1.0 + beat / (32.0 * length))) {
        // An eighth of a grid point over a whole stretch.
        if next > longest {
            break;
        }
        beats.push(next);
    }
    let mut best = (f64::INFINITY, shortest, feel.unwrap_or(Feel::Straight));
    for candidate in Feel::ALL.into_iter().filter(|f| feel.is_none_or(|wanted| wanted == *f)) {
        let mut sums = vec![0.0; beats.len()];
        let mut first = None;
        for stretch in &stretches {
            let costs: Vec<f64> = beats.iter().map(|beat| fit(stretch, *beat, candidate).cost).collect();
            let near = cheapest_near(&beats, &costs);
            sums.iter_mut().zip(&near).for_each(|(sum, at)| *sum += costs[*at]);
            first.get_or_insert(near);
        }
        let least = sums.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        if let Some((at, cost)) = least.filter(|(_, cost)| **cost < best.0 - 1e-9) {
            // The first stretch with the beat of its own.
            best = (*cost, first.map_or(beats[at], |near| beats[near[at]]), candidate);
        }
    }
    let (_, beat, feel) = best;
    let first = stretches.first().copied().unwrap_or_default();
    let phase = fit(first, beat, feel).phase;
    Beat { step: beat / feel.division() as f64, phase, feel, first_stretch: first.len() }
}

/// For each beat the cheapest of those within [`DRIFT`] of it: a minimum over a window that slides.
fn cheapest_near(beats: &[f64], costs: &[f64]) -> Vec<usize> {
    let mut window = VecDeque::<usize>::new();
    let mut entered = 0;
    let mut out = Vec::with_capacity(beats.len());
    for beat in beats {
        while entered < beats.len() && beats[entered] <= beat * (1.0 + DRIFT) {
            while window.back().is_some_and(|at| costs[*at] > costs[entered]) {
                window.pop_back();
            }
            window.push_back(entered);
            entered += 1;
        }
        while window.front().is_some_and(|at| beats[*at] < beat * (1.0 - DRIFT)) {
            window.pop_front();
        }
        out.push(window.front().copied().unwrap_or_default());
    }
    out
}

fn span(stretch: &[f64]) -> f64 {
    match stretch {
        [first, .., last] => last - first,
        _ => 0.0,
    }
}

fn stretches(onsets: &[f64]) -> Vec<&[f64]> {
    let mut all = Vec::new();
    let mut rest = onsets;
    while let Some(first) = rest.first() {
        let near = rest.partition_point(|onset| *onset <= first + STRETCH_SECONDS);
        let (stretch, after) = rest.split_at(near.clamp(1, STRETCH_ONSETS));
        all.push(stretch);
        rest = after;
    }
    let every = all.len().div_ceil(STRETCHES).max(1);
    all.into_iter().step_by(every).collect()
}

struct Fit {
    cost: f64,
    /// The time of a beat.
    phase: f64,
}

/// The deviation from the grid: the root of the mean of these squares, as far as it is known.
pub(super) fn spread(squares: f64, count: usize) -> f64 {
    (squares / count.max(1) as f64).sqrt().max(SHARPEST)
}

/// The best phase of a beat in one stretch, and what it costs.
fn fit(stretch: &[f64], beat: f64, feel: Feel) -> Fit {
    let division = feel.division();
    let step = beat / division as f64;
    let origin = stretch.first().copied().unwrap_or(0.0);
    let (mut sine, mut cosine) = (0.0, 0.0);
    for onset in stretch {
        let (s, c) = (TAU * (onset - origin) / step).sin_cos();
        sine += s;
        cosine += c;
    }
    let shift = sine.atan2(cosine) / TAU * step;
    let mut counts = [0.0_f64; 4];
    let mut squares = 0.0;
    for onset in stretch {
        let steps = (onset - origin - shift) / step;
        let point = steps.round();
        squares += ((steps - point) * step).powi(2);
        if let Some(count) = counts.get_mut((point as i64).rem_euclid(division) as usize) {
            *count += 1.0;
        }
    }
    let place = |offset: i64| -> f64 {
        let cost =
            |(i, p): (usize, &f64)| -p.ln() * counts[((i as i64 + offset).rem_euclid(division)) as usize];
        feel.likelihood().iter().enumerate().map(cost).sum()
    };
    let best = (0..division).map(|offset| (place(offset), offset)).min_by(|a, b| a.0.total_cmp(&b.0));
    let (place, offset) = best.unwrap_or((0.0, 0));
    let count = stretch.len() as f64;
    let spread = spread(squares, stretch.len());
    let tempo = OCTAVE_COST * (beat / USUAL_BEAT).log2().powi(2) - LONG_BEAT * beat.ln();
    Fit { cost: place + count * (spread.ln() + tempo), phase: origin + shift + offset as f64 * step }
}
