//! Token sampling: the guide's example, closed forms, statistics, pinned draws, bad input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use deepcompose_samplers::SamplingTechnique::{Nucleus, Random, TopK};
use deepcompose_samplers::{SampleError, SampleScratch, SamplerError, SamplingTechnique, TokenSampler};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MASKED: f32 = f32::NEG_INFINITY;
const GUIDE: [f64; 6] = [0.3, 0.3, 0.2, 0.1, 0.05, 0.05];

fn logits(probabilities: &[f64]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln() as f32).collect()
}

fn sampler(technique: SamplingTechnique, threshold: f64, creative_risk: f64) -> TokenSampler {
    TokenSampler::new(technique, threshold, creative_risk).unwrap()
}

fn distribution(technique: SamplingTechnique, threshold: f64, logits: &[f32]) -> Vec<f64> {
    sampler(technique, threshold, 1.0).distribution(logits).unwrap()
}

fn kept(technique: SamplingTechnique, threshold: f64, logits: &[f32]) -> Vec<usize> {
    let distribution = distribution(technique, threshold, logits);
    (0..logits.len()).filter(|&i| distribution[i] > 0.0).collect()
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        // The logits are f32: about seven digits.
        assert!((a - e).abs() < 1e-6, "{index}: {a}, not {e}");
    }
}

#[test]
fn the_guides_example() {
    let l = logits(&GUIDE);
    assert_close(&distribution(TopK, 0.5, &l), &[0.375, 0.375, 0.25, 0.0, 0.0, 0.0]);
    assert_close(&distribution(Nucleus, 0.5, &l), &[0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
    assert_close(&distribution(Random, 0.5, &l), &GUIDE);
    assert_eq!(distribution(TopK, 1.0, &l), distribution(Random, 0.5, &l));
    assert_eq!(distribution(Nucleus, 1.0, &l), distribution(Random, 0.5, &l));
}

#[test]
fn top_k_keeps_the_threshold_of_the_candidates_rounded_up() {
    let l = logits(&GUIDE);
    for (threshold, n) in [(1e-9, 1), (0.1, 1), (0.17, 2), (0.34, 3), (0.5, 3), (0.67, 5), (0.84, 6)] {
        assert_eq!(kept(TopK, threshold, &l).len(), n, "threshold {threshold}");
    }
    // 0.07 × 100 is 7, though in f64 it is 7.000000000000001.
    assert_eq!(kept(TopK, 0.07, &[0.0; 100]).len(), 7);
}

#[test]
fn masked_tokens_are_no_candidates() {
    // Five candidates are left: ⌈2.5⌉ of them; with the first gone, .3 of .7 is short of 0.5.
    let mut l = logits(&GUIDE);
    l[0] = MASKED;
    assert_eq!(kept(TopK, 0.5, &l), [1, 2, 3]);
    assert_close(&distribution(TopK, 0.5, &l), &[0.0, 0.5, 1.0 / 3.0, 1.0 / 6.0, 0.0, 0.0]);
    assert_eq!(kept(Nucleus, 0.5, &l), [1, 2]);
    assert_close(&distribution(Nucleus, 0.5, &l), &[0.0, 0.6, 0.4, 0.0, 0.0, 0.0]);
    assert_eq!(kept(Random, 0.5, &l), [1, 2, 3, 4, 5]);
}

#[test]
fn a_nucleus_that_reaches_the_threshold_exactly_is_complete() {
    let l = logits(&GUIDE);
    for (threshold, n) in [(0.3, 1), (0.6, 2), (0.8, 3), (0.9, 4), (0.95, 5), (1.0, 6)] {
        assert_eq!(kept(Nucleus, threshold, &l).len(), n, "threshold {threshold}");
    }
    // Through f32 logits, .4 comes out 1.6e-9 short of 0.4, and .6 6e-10 short of 0.6.
    assert_eq!(kept(Nucleus, 0.4, &logits(&[0.4, 0.3, 0.2, 0.1])), [0]);
    assert_eq!(kept(Nucleus, 0.6, &logits(&[0.6, 0.25, 0.15])), [0]);
    // One is always kept.
    assert_eq!(kept(Nucleus, 1e-9, &l), [0]);
    for (threshold, n) in [(0.301, 2), (0.601, 3), (0.801, 4), (0.901, 5), (0.951, 6)] {
        assert_eq!(kept(Nucleus, threshold, &l).len(), n, "threshold {threshold}");
    }
}

#[test]
fn threshold_one_keeps_the_longest_tail() {
    let mut l = vec![-40.0; 1000];
    l[500] = 0.0;
    assert_eq!(kept(Nucleus, 1.0, &l).len(), 1000);
    assert_eq!(kept(Nucleus, 0.99, &l), [500]);
}

#[test]
fn equal_candidates_are_kept_by_lower_id() {
    assert_eq!(kept(TopK, 0.5, &[1.0, 2.0, 2.0, 2.0]), [1, 2]);
    assert_eq!(kept(Nucleus, 0.5, &[1.0; 4]), [0, 1]);
    assert_eq!(kept(TopK, 0.25, &[-0.0, 0.0, 0.0, -0.0]), [0]);
    // Candidates that a huge creative risk makes equally probable still have an order.
    assert_eq!(
        sampler(TopK, 0.5, 1e30).distribution(&[-9.0, 0.0, -8.0, -10.0]).unwrap(),
        [0.0, 0.5, 0.5, 0.0]
    );
}

#[test]
fn creative_risk_is_a_temperature_applied_before_the_cut() {
    let l = logits(&[0.64, 0.32, 0.04]);
    // p^(1/T), scaled: at T = 2 square roots, at T = 0.5 squares.
    let roots = [0.8, 0.32_f64.sqrt(), 0.2];
    let sum: f64 = roots.iter().sum();
    assert_close(&sampler(Random, 1.0, 2.0).distribution(&l).unwrap(), &roots.map(|r| r / sum));
    let squares = [0.4096, 0.1024, 0.0016];
    let sum: f64 = squares.iter().sum();
    assert_close(&sampler(Random, 1.0, 0.5).distribution(&l).unwrap(), &squares.map(|s| s / sum));
    // .64 alone is a nucleus of 0.6; at T = 2 the first has 0.511 and is not.
    assert_eq!(kept(Nucleus, 0.6, &l), [0]);
    let wide = sampler(Nucleus, 0.6, 2.0).distribution(&l).unwrap();
    assert_close(&wide, &[0.8 / (0.8 + roots[1]), roots[1] / (0.8 + roots[1]), 0.0]);
}

#[test]
fn extreme_logits_and_risks_stay_finite() {
    let l = [f32::MAX, f32::MIN, 0.0, f32::MAX, MASKED];
    assert_eq!(sampler(Random, 1.0, 1.0).distribution(&l).unwrap(), [0.5, 0.0, 0.0, 0.5, 0.0]);
    assert_eq!(sampler(Random, 1.0, f64::MIN_POSITIVE).distribution(&l).unwrap(), [0.5, 0.0, 0.0, 0.5, 0.0]);
    assert_eq!(sampler(Random, 1.0, f64::MAX).distribution(&l).unwrap(), [0.25, 0.25, 0.25, 0.25, 0.0]);
    assert_close(&distribution(Random, 1.0, &[1e4, 1e4 + 1.0]), &[0.2689414, 0.7310586]);
}

#[test]
fn settings_outside_their_ranges_are_refused() {
    let field = |threshold, creative_risk| match TokenSampler::new(Random, threshold, creative_risk) {
        Err(SamplerError::OutOfRange { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    for threshold in [0.0, -0.1, 1.0 + f64::EPSILON, f64::NAN, f64::INFINITY] {
        assert_eq!(field(threshold, 1.0), "sampling threshold");
    }
    for creative_risk in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(field(1.0, creative_risk), "creative risk");
    }
    let error = TokenSampler::new(TopK, 0.0, 1.0).unwrap_err();
    assert_eq!(error.to_string(), "sampling threshold 0 is out of range: 0 < threshold <= 1 is accepted");
}

#[test]
fn logits_that_nothing_can_be_drawn_from_leave_the_rng_alone() {
    let cases: [(&[f32], SampleError); 4] = [
        (&[], SampleError::Empty),
        (&[MASKED, MASKED], SampleError::AllMasked),
        (&[0.0, f32::NAN], SampleError::NotANumber { index: 1 }),
        (&[0.0, MASKED, f32::INFINITY], SampleError::PositiveInfinity { index: 2 }),
    ];
    for technique in SamplingTechnique::ALL {
        for (l, error) in cases {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let s = sampler(technique, 0.5, 1.0);
            assert_eq!(s.sample(l, &mut rng), Err(error));
            assert_eq!(s.distribution(l), Err(error));
            assert_eq!(rng, ChaCha8Rng::seed_from_u64(0));
        }
    }
}

/// Critical values at 0.001 from the NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4.
const CRITICAL_VALUES_AT_0_001: [(usize, f64); 8] = [
    (1, 10.828),
    (2, 13.816),
    (3, 16.266),
    (5, 20.515),
    (10, 29.588),
    (20, 45.315),
    (50, 86.661),
    (100, 149.449),
];

#[test]
fn the_p_values_are_those_of_published_tables() {
    for (freedom, critical) in CRITICAL_VALUES_AT_0_001 {
        let p = support::chi_square_p_value(critical, freedom);
        assert!((p - 0.001).abs() < 2e-6, "{freedom}: {p}");
    }
    // With two degrees of freedom the tail is exp(−x/2).
    assert!((support::chi_square_p_value(3.0, 2) - (-1.5_f64).exp()).abs() < 1e-12);
    // And the test does reject: 60 of 100 heads, p = 0.0455 (two standard deviations).
    assert!((support::chi_square_test(&[60, 40], &[0.5, 0.5]) - 0.0455).abs() < 1e-4);
}

#[test]
fn draws_follow_the_distribution() {
    let masked: Vec<f32> =
        (0..40_i32).map(|i| if i % 3 == 0 { MASKED } else { ((i * 37 % 101) as f32).sin() * 3.0 }).collect();
    let guide = logits(&GUIDE);
    let settings = [(&guide, 0.5, 1.0), (&guide, 0.9, 0.7), (&guide, 1.0, 1.6), (&masked, 0.8, 1.2)];
    for (seed, (l, threshold, creative_risk)) in (0..).zip(settings) {
        for technique in SamplingTechnique::ALL {
            let s = sampler(technique, threshold, creative_risk);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut scratch = SampleScratch::default();
            let mut counts = vec![0; l.len()];
            for _ in 0..100_000 {
                counts[s.sample_with(l, &mut rng, &mut scratch).unwrap() as usize] += 1;
            }
            let p = support::chi_square_test(&counts, &s.distribution(l).unwrap());
            assert!(p > 1e-3, "{technique}, {threshold}, {creative_risk}: p = {p}");
        }
    }
}

#[test]
fn draws_invert_the_cumulative_distribution() {
    // The guide's TopK: 3/8, 3/8, 2/8.
    let l = logits(&GUIDE);
    let s = sampler(TopK, 0.5, 1.0);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut uniforms = rng.clone();
    for _ in 0..20_000 {
        let u: f64 = uniforms.random();
        let expected = if u < 0.375 { 0 } else { 1 + u32::from(u >= 0.75) };
        assert_eq!(s.sample(&l, &mut rng), Ok(expected), "u = {u}");
    }
    assert_eq!(rng, uniforms);
}

#[test]
fn draws_are_pinned() {
    let l: Vec<f32> = (0..310).map(|i: i32| (i * i * 7 % 311) as f32 / 80.0).collect();
    let draw = |technique| -> Vec<u32> {
        let s = sampler(technique, 0.4, 0.9);
        let mut rng = ChaCha8Rng::seed_from_u64(2024);
        (0..12).map(|_| s.sample(&l, &mut rng).unwrap()).collect()
    };
    assert_eq!(draw(TopK), PINNED_TOP_K);
    assert_eq!(draw(Nucleus), PINNED_NUCLEUS);
    assert_eq!(draw(Random), PINNED_RANDOM);
}

// Computed apart from this crate, in NumPy: `searchsorted(cumsum(p), u, side="right")` with the rng's
// first twelve `f64`s and the 124 likeliest, the 35 of the nucleus, and all 310 tokens.
const PINNED_TOP_K: [u32; 12] = [42, 302, 217, 288, 218, 155, 13, 94, 154, 274, 290, 205];
const PINNED_NUCLEUS: [u32; 12] = [29, 302, 233, 288, 233, 153, 21, 78, 153, 287, 290, 205];
const PINNED_RANDOM: [u32; 12] = [44, 302, 217, 287, 217, 155, 13, 94, 153, 270, 290, 204];

fn any_logits() -> impl Strategy<Value = Vec<f32>> {
    let logit =
        prop_oneof![8 => -20.0_f32..20.0, 1 => Just(MASKED), 1 => Just(0.0_f32), 1 => -1e30_f32..1e30];
    prop::collection::vec(logit, 1..60).prop_filter("a candidate", |l| l.iter().any(|x| *x > MASKED))
}

proptest! {
    #[test]
    fn the_kept_set_is_what_the_definitions_say(
        l in any_logits(),
        threshold in 0.001_f64..1.0,
        creative_risk in 0.1_f64..10.0,
    ) {
        let full = sampler(Random, 1.0, creative_risk).distribution(&l).unwrap();
        prop_assert!((full.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let candidates = l.iter().filter(|x| **x > MASKED).count();
        for technique in [TopK, Nucleus] {
            let cut = sampler(technique, threshold, creative_risk).distribution(&l).unwrap();
            prop_assert!((cut.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let kept: Vec<usize> = (0..l.len()).filter(|&i| cut[i] > 0.0).collect();
            // Proportions within the kept set are those of the whole.
            let mass: f64 = kept.iter().map(|&i| full[i]).sum();
            for &i in &kept {
                prop_assert!((cut[i] * mass - full[i]).abs() < 1e-9);
            }
            // Nothing left out is more probable than anything kept, or as probable with a lower id.
            let least = kept.iter().copied().min_by(|&a, &b| l[a].total_cmp(&l[b]).then(b.cmp(&a))).unwrap();
            for i in (0..l.len()).filter(|&i| cut[i] == 0.0 && full[i] > 0.0) {
                prop_assert!(l[i] < l[least] || (l[i] == l[least] && i > least));
            }
            if technique == TopK {
                let size = (threshold * candidates as f64).ceil() as usize;
                prop_assert!(kept.len() <= size);
                // Fewer only where the rest have no probability to speak of.
                prop_assert!(kept.len() == size || kept.len() == full.iter().filter(|p| **p > 0.0).count());
            } else {
                prop_assert!(mass >= threshold - 1.1e-6);
                prop_assert!(kept.len() == 1 || mass - full[least] < threshold);
            }
        }
    }

    #[test]
    fn a_constant_on_every_logit_changes_nothing(
        l in prop::collection::vec((-200_i16..200).prop_map(|i| f32::from(i) / 8.0), 1..40),
        constant in (-1000_i16..1000).prop_map(f32::from),
    ) {
        // Eighths and whole numbers add without rounding.
        let shifted: Vec<f32> = l.iter().map(|x| x + constant).collect();
        for technique in SamplingTechnique::ALL {
            let s = sampler(technique, 0.7, 0.8);
            prop_assert_eq!(s.distribution(&l).unwrap(), s.distribution(&shifted).unwrap());
        }
    }

    #[test]
    fn at_threshold_one_the_techniques_draw_the_same(l in any_logits(), seed: u64) {
        let draws: Vec<Vec<u32>> = SamplingTechnique::ALL
            .map(|technique| {
                let s = sampler(technique, 1.0, 1.0);
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                (0..8).map(|_| s.sample(&l, &mut rng).unwrap()).collect()
            })
            .to_vec();
        prop_assert_eq!(&draws[0], &draws[1]);
        prop_assert_eq!(&draws[0], &draws[2]);
    }

    #[test]
    fn any_floats_give_a_candidate_or_an_error(
        l in prop::collection::vec(any::<f32>(), 0..40),
        threshold in 0.0_f64..=1.0,
        creative_risk in prop_oneof![f64::MIN_POSITIVE..1.0, 1.0..1e300],
        seed: u64,
    ) {
        prop_assume!(threshold > 0.0);
        for technique in SamplingTechnique::ALL {
            let s = sampler(technique, threshold, creative_risk);
            if let Ok(token) = s.sample(&l, &mut ChaCha8Rng::seed_from_u64(seed)) {
                prop_assert!(l[token as usize] > MASKED);
                prop_assert!(s.distribution(&l).unwrap()[token as usize] > 0.0);
            }
        }
    }
}
