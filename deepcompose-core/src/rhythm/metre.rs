//! [`Subdivision`]: how likely a grid makes the onsets.

use super::assign::Preference;
use crate::meter::TimeSignature;

/// Deviations that are expected before any is seen: as if so many onsets had been off by so many
/// seconds.
const PRIOR_ONSETS: f64 = 6.0;
const PRIOR_DEVIATION: f64 = 0.02;
/// How many beats the chances below count for, as if so many had been heard before. Tunes of the
/// Nottingham collection differ more than that (about 2 fits their variance); 20 tells half tempo
/// from double tempo better on the built-in tunes.
const CHANCE_WEIGHT: f64 = 20.0;
/// Most steps of a beat.
pub(super) const MAX_STEPS: usize = 6;
/// Two onsets on one step, in nats.
const COLLISION: f64 = 8.0;

/// A beat cut into equal steps, and how often a note begins on each.
///
/// The chances of beat and off-beat are those of the 3089 tunes of the Nottingham collection,
/// rounded: 0.72 and 0.28 in simple metres, 0.89, 0.36 and 0.59 in compound ones. Those tunes have
/// few sixteenths and triplets; the chances of these are ours, for a tune that has some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subdivision {
    /// Quarter notes a beat: 1, or 1.5 in compound metres.
    pub(super) beat: f64,
    /// Steps a quarter note.
    pub(super) steps_per_quarter: u16,
    /// The chance of an onset at each step of a beat.
    chances: &'static [f64],
}

const SIMPLE: [Subdivision; 3] = [
    Subdivision { beat: 1.0, steps_per_quarter: 2, chances: &[0.72, 0.28] },
    Subdivision { beat: 1.0, steps_per_quarter: 3, chances: &[0.72, 0.15, 0.28] },
    Subdivision { beat: 1.0, steps_per_quarter: 4, chances: &[0.72, 0.06, 0.28, 0.12] },
];
const COMPOUND: [Subdivision; 2] = [
    Subdivision { beat: 1.5, steps_per_quarter: 2, chances: &[0.89, 0.36, 0.59] },
    Subdivision { beat: 1.5, steps_per_quarter: 4, chances: &[0.89, 0.03, 0.36, 0.2, 0.59, 0.03] },
];

impl Subdivision {
    /// Those that a metre may have.
    pub(super) fn of(metre: TimeSignature) -> &'static [Self] {
        let compound =
            metre.numerator() > 3 && metre.numerator().is_multiple_of(3) && metre.denominator() >= 8;
        if compound { &COMPOUND } else { &SIMPLE }
    }

    /// Steps from position 0 to the first beat from there on, if one is at `beat` quarter notes.
    /// Beats that are between steps are taken to the nearest.
    pub(super) fn rotation(&self, beat: f64) -> usize {
        let step = (beat * f64::from(self.steps_per_quarter)).round();
        step.rem_euclid(self.steps() as f64) as usize
    }

    /// The steps that onsets prefer after this fit, whose beat 0 was `rotation` steps after position 0.
    pub(super) fn preference(&self, fit: &Fit, rotation: usize) -> Preference {
        let costs = fit.chances.iter().take(self.steps()).map(|chance| ((1.0 - chance) / chance).ln());
        let mut costs: Vec<f64> = costs.collect();
        costs.rotate_right(rotation % self.steps());
        Preference { variance: fit.variance, costs }
    }

    /// Steps a beat.
    pub(super) const fn steps(&self) -> usize {
        self.chances.len()
    }

    /// How badly the grid explains onsets: the negative logarithm of their likelihood, in nats, up to
    /// a constant that depends on their number alone. Onsets are in beats, in order, each with the
    /// seconds of a beat there. Beat 0 is `rotation` steps after position 0.
    ///
    /// Every step of the grid from the first onset to the last has a note or has none (Temperley
    /// 2007, *Music and Probability*, chapter 3), with a chance that has a beta prior for each place
    /// in the beat; a note is off its step by a normal deviate whose variance has an inverse gamma
    /// prior. Both are integrated out.
    pub(super) fn fit(&self, onsets: impl Iterator<Item = (f64, f64)>, rotation: usize) -> Fit {
        let steps = self.steps();
        let (mut squares, mut count, mut cost) = (PRIOR_ONSETS * PRIOR_DEVIATION.powi(2), PRIOR_ONSETS, 0.0);
        let mut notes = [0_u32; MAX_STEPS];
        let (mut first, mut last) = (None, f64::NEG_INFINITY);
        let place = |step: f64| (step - rotation as f64).rem_euclid(steps as f64) as usize;
        for (beats, seconds) in onsets {
            let position = beats * steps as f64;
            let step = position.round();
            let off = (position - step) / steps as f64 * seconds;
            squares += off * off;
            count += 1.0;
            first.get_or_insert(step);
            if step <= last {
                cost += COLLISION;
            } else if let Some(notes) = notes.get_mut(place(step)) {
                *notes += 1;
                last = step;
            }
        }
        let mut chances = [0.5; MAX_STEPS];
        if let Some(first) = first {
            let length = last - first + 1.0;
            let from = place(first) as f64;
            for (i, mean) in self.chances.iter().enumerate() {
                // How often this place of the beat comes from the first onset to the last.
                let before = (i as f64 - from).rem_euclid(steps as f64);
                let places = ((length - before) / steps as f64).ceil().max(0.0);
                let notes = f64::from(notes.get(i).copied().unwrap_or(0));
                let (a, b) = (mean * CHANCE_WEIGHT, (1.0 - mean) * CHANCE_WEIGHT);
                cost -= ln_rising(a, notes) + ln_rising(b, places - notes) - ln_rising(a + b, places);
                if let Some(chance) = chances.get_mut(i) {
                    *chance = (a + notes) / (a + b + places);
                }
            }
        }
        Fit { cost: cost + count / 2.0 * (squares / count).ln(), variance: squares / count, chances }
    }
}

/// How well a grid explains onsets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    /// Less is better.
    pub(super) cost: f64,
    /// Of the onsets about their steps, in seconds squared.
    pub(super) variance: f64,
    /// The chance of an onset at each step of a beat, as far as the onsets tell.
    pub(super) chances: [f64; MAX_STEPS],
}

/// The logarithm of a (a + 1) … (a + n − 1), for a > 0: Stirling's series past the first eight.
fn ln_rising(a: f64, n: f64) -> f64 {
    let by_hand = n.min(8.0);
    let mut sum = 0.0;
    let mut i = 0.0;
    while i < by_hand {
        sum += (a + i).ln();
        i += 1.0;
    }
    let ln_gamma = |x: f64| (x - 0.5) * x.ln() - x + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3));
    if n > by_hand { sum + ln_gamma(a + n) - ln_gamma(a + by_hand) } else { sum }
}
