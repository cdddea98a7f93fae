//! The parts of the method against slow ones that are plainly right.

use proptest::prelude::*;

use super::*;
use crate::rhythm::assign::{likeliest, nearest};

/// The least cost of rising steps in `0..=last`, by plain dynamic programming over all of them.
fn least_cost(onsets: usize, last: usize, cost: impl Fn(usize, usize) -> f64) -> f64 {
    let mut table: Vec<f64> = (0..=last).map(|step| cost(0, step)).collect();
    for j in 1..onsets {
        table = (0..=last)
            .map(|step| table[..step].iter().copied().fold(f64::INFINITY, f64::min) + cost(j, step))
            .collect();
    }
    table.into_iter().fold(f64::INFINITY, f64::min)
}

proptest! {
    #[test]
    fn nearest_steps_are_the_nearest_there_are(mut onsets in prop::collection::vec(0.0_f64..12.0, 1..12)) {
        onsets.sort_by(f64::total_cmp);
        let steps = nearest(&onsets);
        prop_assert!(steps.windows(2).all(|w| w[0] < w[1]) && steps[0] >= 0);
        let cost = |j: usize, step: usize| (onsets[j] - step as f64).powi(2);
        let got: f64 = steps.iter().enumerate().map(|(j, step)| cost(j, *step as usize)).sum();
        prop_assert!((got - least_cost(onsets.len(), 30, cost)).abs() < 1e-9);
    }

    #[test]
    fn likeliest_steps_are_the_likeliest_beside_the_nearest(
        mut onsets in prop::collection::vec(0.0_f64..12.0, 1..12),
        costs in prop::collection::vec(-3.0_f64..3.0, 1..5),
    ) {
        onsets.sort_by(f64::total_cmp);
        let near = nearest(&onsets);
        let seconds = vec![0.1; onsets.len()];
        let steps = likeliest(&onsets, &seconds, &near, &Preference { variance: 0.0009, costs: costs.clone() });
        prop_assert!(steps.windows(2).all(|w| w[0] < w[1]) && steps[0] >= 0);
        let cost = |j: usize, step: usize| {
            if (step as i64 - near[j]).abs() > 1 {
                return f64::INFINITY;
            }
            ((onsets[j] - step as f64) * 0.1).powi(2) / 0.0018 + costs[step % costs.len()]
        };
        let got: f64 = steps.iter().enumerate().map(|(j, step)| cost(j, *step as usize)).sum();
        prop_assert!((got - least_cost(onsets.len(), 30, cost)).abs() < 1e-9);
    }
}

/// Four quarters at 60 a minute, exactly on eighths: worked out by hand. Every beat has a note: with
/// a beta prior of a = 14.4, b = 5.6 the chance of that is a (a+1) (a+2) (a+3) over 20·21·22·23. Of
/// the off-beats three lie between: 14.4·15.4·16.4 over 20·21·22.
#[test]
fn the_likelihood_of_four_quarters() {
    let eighths = Subdivision::of(TimeSignature::COMMON)[0];
    let onsets = [0.0, 1.0, 2.0, 3.0].map(|beat| (beat, 1.0));
    let fit = eighths.fit(onsets.into_iter(), 0);
    let beats = 14.4 * 15.4 * 16.4 * 17.4 / (20.0 * 21.0 * 22.0 * 23.0);
    let off_beats = 14.4 * 15.4 * 16.4 / (20.0 * 21.0 * 22.0);
    // Six onsets of 20 ms were expected, four of 0 came.
    let variance: f64 = 6.0 * 0.0004 / 10.0;
    let expected = -f64::ln(beats) - f64::ln(off_beats) + 5.0 * variance.ln();
    assert!((fit.cost - expected).abs() < 1e-9, "{} {expected}", fit.cost);
    assert!((fit.variance - variance).abs() < 1e-12);
    assert!((fit.chances[0] - 18.4 / 24.0).abs() < 1e-12);
    assert!((fit.chances[1] - 5.6 / 23.0).abs() < 1e-12);
    // With the beat an eighth later, the same notes are all off the beat.
    assert!(eighths.fit(onsets.into_iter(), 1).cost > fit.cost + 3.0);
}

#[test]
fn only_compound_metres_have_dotted_beats() {
    let beat = |n, d| Subdivision::of(TimeSignature::new(n, d).unwrap())[0].beat;
    assert_eq!([beat(4, 4), beat(3, 4), beat(3, 8), beat(6, 4), beat(7, 8)], [1.0; 5]);
    assert_eq!([beat(6, 8), beat(9, 8), beat(12, 8), beat(6, 16)], [1.5; 4]);
}
