//! The cuts of the token sampler, which are found without a sort, against a full sort of the definitions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use deepcompose_samplers::SamplingTechnique::{Nucleus, Random, TopK};
use deepcompose_samplers::{SampleScratch, SamplingTechnique, TokenSampler};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MASKED: f32 = f32::NEG_INFINITY;

/// How near to its target a sum may come before rounding decides whether it has reached it.
const UNDECIDED: f64 = 1e-12;

/// The kept candidates by the definitions; `None` where rounding decides.
fn sorted_reference(
    technique: SamplingTechnique,
    threshold: f64,
    creative_risk: f64,
    logits: &[f32],
) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..logits.len()).filter(|i| logits[*i] > MASKED).collect();
    // A stable sort: equal logits stay by index.
    order.sort_by(|a, b| logits[*b].partial_cmp(&logits[*a]).unwrap());
    let max = f64::from(logits[order[0]]);
    let weights: Vec<f64> =
        order.iter().map(|i| ((f64::from(logits[*i]) - max) / creative_risk).exp()).collect();
    let total: f64 = weights.iter().sum();
    let count = match technique {
        _ if threshold == 1.0 => order.len(),
        TopK => (threshold * order.len() as f64 * (1.0 - 1e-12)).ceil() as usize,
        Nucleus => {
            let target = (threshold - 1e-6) * total;
            let mut sum = 0.0;
            let mut count = 0;
            while count < weights.len() && sum < target {
                sum += weights[count];
                count += 1;
                if (sum - target).abs() < UNDECIDED * total {
                    return None;
                }
            }
            count
        }
        Random => order.len(),
    };
    let mut kept = order;
    kept.truncate(count.max(1));
    kept.sort_unstable();
    Some(kept)
}

fn check(technique: SamplingTechnique, threshold: f64, creative_risk: f64, logits: &[f32]) {
    let sampler = TokenSampler::new(technique, threshold, creative_risk).unwrap();
    let cut = sampler.distribution(logits).unwrap();
    let Some(kept) = sorted_reference(technique, threshold, creative_risk, logits) else { return };
    let max = logits.iter().copied().fold(MASKED, f32::max);
    let weight = |i: usize| ((f64::from(logits[i]) - f64::from(max)) / creative_risk).exp();
    let total: f64 = kept.iter().map(|i| weight(*i)).sum();
    let mut expected = vec![0.0; logits.len()];
    kept.iter().for_each(|i| expected[*i] = weight(*i) / total);
    for (index, (ours, expected)) in cut.iter().zip(&expected).enumerate() {
        let what = || format!("{technique}, {threshold}, {creative_risk}: {index} of {}", logits.len());
        // What cannot be told from 0 beside the largest may be 0.
        if *expected > 1e-290 {
            assert!((ours / expected - 1.0).abs() < 1e-11, "{}: {ours}, not {expected}", what());
        } else {
            assert!(*ours < 1e-280 && (*expected > 0.0 || *ours == 0.0), "{}: {ours}", what());
        }
    }
}

/// Lists that a search for a bound could stumble on.
fn logits_of(shape: usize, length: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
    let mut logits: Vec<f32> = match shape {
        // As models return them.
        0 => (0..length).map(|_| normal() * 3.0).collect(),
        // Few different values.
        1 => (0..length).map(|_| normal().round()).collect(),
        2 => vec![-3.5; length],
        // One far above.
        3 => (0..length).map(|i| if i == length / 2 { 40.0 } else { normal() }).collect(),
        // One far below, which an interpolation looks towards.
        4 => (0..length).map(|i| if i == length / 2 { -1e30 } else { normal() * 1e-3 }).collect(),
        // Each a fraction of the last: an interpolation takes off one at a time.
        5 => (0..length).map(|i| 2.0_f32.powi(60 - (i as i32 % 180))).collect(),
        // Around 0 of both signs.
        6 => (0..length).map(|i| [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1)][i % 4]).collect(),
        // Neighbouring floats.
        7 => (0..length).map(|i| f32::from_bits(1.0_f32.to_bits() + (i as u32 * 7919) % 5)).collect(),
        // Rising, falling.
        8 => (0..length).map(|i| i as f32 * 0.01).collect(),
        _ => (0..length).map(|i| i as f32 * -0.01).collect(),
    };
    // Every third is masked in half of the lists; one never is.
    if seed % 2 == 1 {
        (0..length).filter(|i| i % 3 == 1).for_each(|i| logits[i] = MASKED);
    }
    logits
}

const SHAPES: usize = 10;

#[test]
fn long_lists_are_cut_as_a_sort_cuts_them() {
    for shape in 0..SHAPES {
        for (seed, threshold) in [(0, 0.001), (1, 0.4), (2, 0.9), (3, 0.999)] {
            let logits = logits_of(shape, 50_000, seed);
            for technique in [TopK, Nucleus] {
                check(technique, threshold, 0.9, &logits);
            }
        }
    }
}

#[test]
fn every_size_of_a_cut_is_right() {
    for shape in 0..SHAPES {
        let logits = logits_of(shape, 100, 0);
        for hundredths in 1..=100 {
            check(TopK, f64::from(hundredths) / 100.0, 1.0, &logits);
            check(Nucleus, f64::from(hundredths) / 100.0, 1.0, &logits);
        }
    }
}

#[test]
fn ties_at_the_end_of_a_nucleus_are_taken_by_index() {
    // One of weight 1 and 64 of weight exp(−1): 1 + 64/e is 24.5; half of it takes 31 of them.
    let mut logits = vec![-1.0; 65];
    logits[40] = 0.0;
    let half = TokenSampler::new(Nucleus, 0.5, 1.0).unwrap().distribution(&logits).unwrap();
    let kept: Vec<usize> = (0..65).filter(|i| half[*i] > 0.0).collect();
    let needed = ((0.5 * (1.0 + 64.0 * (-1.0_f64).exp()) - 1.0) / (-1.0_f64).exp()).ceil() as usize;
    assert_eq!(needed, 31);
    assert_eq!(kept, (0..31).chain([40]).collect::<Vec<_>>());
}

#[test]
fn scratch_from_another_list_makes_no_difference() {
    let lists: Vec<Vec<f32>> = [50, 310, 7, 1000, 32, 310].map(|length| logits_of(0, length, 2)).to_vec();
    for technique in SamplingTechnique::ALL {
        let sampler = TokenSampler::new(technique, 0.7, 1.0).unwrap();
        let mut scratch = SampleScratch::default();
        for logits in &lists {
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let kept = sampler.sample_with(logits, &mut rng, &mut scratch);
            assert_eq!(kept, sampler.sample(logits, &mut ChaCha8Rng::seed_from_u64(5)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_list_is_cut_as_a_sort_cuts_it(
        shape in 0..SHAPES,
        length in 1_usize..2000,
        seed: u64,
        threshold in prop_oneof![0.001_f64..1.0, 1e-9..1e-5, 0.9999..1.0],
        creative_risk in prop_oneof![0.3_f64..3.0, 0.01..100.0],
    ) {
        let logits = logits_of(shape, length, seed);
        for technique in SamplingTechnique::ALL {
            check(technique, threshold, creative_risk, &logits);
        }
    }
}
