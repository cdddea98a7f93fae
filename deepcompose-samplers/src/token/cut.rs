//! Which logits a technique keeps, found without sorting them.
//!
//! Both cuts keep the smallest set of largest logits that *measures* a target or more: by their
//! number for [`top_k`], by the sum of their weights for [`nucleus`]. What the logits at or above
//! [`BOUNDS`] bounds measure takes one pass in vector instructions. A search for the bound that
//! just reaches the target takes about five passes, and never more than 45.

use pulp::Simd;

use crate::softmax::{BLOCK, Blocks, Keep, Scan, Temper, Weights, float_of, halved, order_of};

/// How many bounds are tried in one pass.
const BOUNDS: usize = 4;

/// What the logits at or above a bound come to.
#[derive(Debug, Clone, Copy)]
struct Above {
    count: usize,
    measure: f64,
}

/// Keeps the `k` largest logits, of equal ones the first.
#[inline(always)]
pub(super) fn top_k(blocks: &Blocks, scan: Scan, k: usize) -> Keep {
    let all = Above { count: scan.candidates, measure: scan.candidates as f64 };
    Search::new(scan, all, k as f64).run(
        blocks,
        #[inline(always)]
        |bounds| count_above(blocks, bounds),
        |_| 1.0,
    )
}

/// Keeps the fewest largest logits whose `weights` sum to `mass` or more, at least one, of equal
/// ones the first.
#[inline(always)]
pub(super) fn nucleus<S: Simd>(
    simd: S,
    blocks: &Blocks,
    scan: Scan,
    weights: &Weights,
    temper: Temper,
    mass: f64,
) -> Keep {
    // The heaviest weighs 1, and any mass above 0 takes one at least.
    let mass = mass.max(f64::MIN_POSITIVE);
    let all = Above { count: scan.candidates, measure: weights.total() };
    Search::new(scan, all, mass).run(
        blocks,
        #[inline(always)]
        |bounds| weigh_above(simd, blocks, weights, bounds),
        #[inline(always)]
        |logit| temper.weight(logit),
    )
}

/// How many logits are at or above each bound.
#[inline(always)]
fn count_above(blocks: &Blocks, bounds: [f32; BOUNDS]) -> [Above; BOUNDS] {
    let mut counts = [0_u32; BOUNDS];
    for logit in blocks.as_flattened() {
        for (count, bound) in counts.iter_mut().zip(bounds) {
            *count += u32::from(*logit >= bound);
        }
    }
    counts.map(|count| Above { count: count as usize, measure: count.into() })
}

/// How many logits are at or above each bound, and the sums of their weights. A lower bound never
/// has a smaller sum, as each partial sum only grows with what is added to it.
#[inline(always)]
fn weigh_above<S: Simd>(
    simd: S,
    blocks: &Blocks,
    weights: &Weights,
    bounds: [f32; BOUNDS],
) -> [Above; BOUNDS] {
    let mut above = count_above(blocks, bounds);
    let parts = LANES / S::F64_LANES;
    let zero = simd.splat_f64s(0.0);
    let mut sums = [[zero; LANES]; BOUNDS];
    for (block, weights) in blocks.iter().zip(weights.blocks()) {
        let mut logits = [0.0; BLOCK];
        for lane in 0..BLOCK {
            logits[lane] = f64::from(block[lane]);
        }
        let (logits, weights) = (S::as_simd_f64s(&logits).0, S::as_simd_f64s(weights).0);
        for (logits, weights) in logits.chunks_exact(parts).zip(weights.chunks_exact(parts)) {
            for (sums, bound) in sums.iter_mut().zip(bounds) {
                let bound = simd.splat_f64s(bound.into());
                for part in 0..parts {
                    let is_above = simd.greater_than_or_equal_f64s(logits[part], bound);
                    let weight = simd.select_f64s(is_above, weights[part], zero);
                    sums[part] = simd.add_f64s(sums[part], weight);
                }
            }
        }
    }
    for (above, sums) in above.iter_mut().zip(sums) {
        let mut eight = [0.0; LANES];
        S::as_mut_simd_f64s(&mut eight).0.copy_from_slice(&sums[..parts]);
        above.measure = halved(eight);
    }
    above
}

/// Partial sums of weights, whatever the width of the instructions.
const LANES: usize = 8;

/// A search for the largest bound whose logits measure the target: `low` does, `high` does not.
struct Search {
    target: f64,
    low: f32,
    high: f32,
    from_low: Above,
    from_high: Above,
}

/// How the next bounds to try are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// Around where the target is, if what lies between `low` and `high` lies evenly.
    Interpolate,
    /// At equal distances.
    Divide,
    /// With as many floats between any two. A fifth is left each time, so that 14 of these steps,
    /// of which every third is one, end any search.
    DivideFloats,
}

/// How far the bounds of [`Step::Interpolate`] are from the guess, as parts of the whole.
const SPREAD: [f64; BOUNDS] = [-0.1, -0.025, 0.025, 0.1];

impl Search {
    #[inline(always)]
    fn new(scan: Scan, all: Above, target: f64) -> Self {
        let none = Above { count: 0, measure: 0.0 };
        Self { target, low: scan.min, high: scan.max.next_up(), from_low: all, from_high: none }
    }

    /// `measure` is what the logits at or above bounds come to, `each` what a single one does.
    #[inline(always)]
    fn run(
        mut self,
        blocks: &Blocks,
        measure: impl Fn([f32; BOUNDS]) -> [Above; BOUNDS],
        each: impl Fn(f32) -> f64,
    ) -> Keep {
        let mut step = Step::Interpolate;
        loop {
            let within = self.from_low.count - self.from_high.count;
            // As many as are wanted, where all measure 1.
            let is_exact = self.from_low.count as f64 == self.target;
            if within <= 1 || is_exact {
                return Keep { least: self.low, ties_end: usize::MAX };
            }
            // −0 and 0 are equal, and both are where two neighbours are.
            if self.low.next_up() >= self.high {
                return self.among_ties(blocks, each(self.low));
            }
            let bounds = self.bounds(step);
            for (bound, above) in bounds.into_iter().zip(measure(bounds)) {
                if above.measure < self.target {
                    if bound < self.high {
                        (self.high, self.from_high) = (bound, above);
                    }
                } else if bound > self.low {
                    (self.low, self.from_low) = (bound, above);
                }
            }
            let is_slow = self.from_low.count - self.from_high.count > within / 2;
            step = match step {
                Step::Interpolate if is_slow => Step::Divide,
                Step::Divide if is_slow => Step::DivideFloats,
                _ => Step::Interpolate,
            };
        }
    }

    /// Bounds strictly between `low` and `high`, between which there is a float at least.
    #[inline(always)]
    fn bounds(&self, step: Step) -> [f32; BOUNDS] {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        let at = |part: f64| (low + (high - low) * part) as f32;
        let part = |number: usize| (number + 1) as f64 / (BOUNDS + 1) as f64;
        let bounds = match step {
            Step::Interpolate => {
                let over = self.from_low.measure - self.target;
                let guess = over / (self.from_low.measure - self.from_high.measure);
                SPREAD.map(|distance| at(guess + distance))
            }
            Step::Divide => std::array::from_fn(|number| at(part(number))),
            Step::DivideFloats => {
                let (low, high) = (i64::from(order_of(self.low)), i64::from(order_of(self.high)));
                let at = |number: usize| low + (high - low) * (number as i64 + 1) / (BOUNDS as i64 + 1);
                // Between two orders, which are 32 bits.
                std::array::from_fn(|number| float_of(at(number) as i32))
            }
        };
        let (least, most) = (self.low.next_up(), self.high.next_down());
        // Not `clamp`, which panics where its ends are the wrong way round.
        bounds.map(|bound| bound.max(least).min(most))
    }

    /// All logits from `low` to `high` are equal: as many of them as reach the target, the first
    /// ones.
    #[inline(always)]
    fn among_ties(&self, blocks: &Blocks, each: f64) -> Keep {
        let ties = self.from_low.count - self.from_high.count;
        // A float-to-integer cast saturates.
        let kept = ((self.target - self.from_high.measure) / each).ceil() as usize;
        let kept = kept.clamp(1, ties);
        let ties_end = if kept == ties { usize::MAX } else { end_of_ties(blocks, self.low, kept) };
        Keep { least: self.low, ties_end }
    }
}

/// The index after the `kept`th logit equal to `value`.
#[inline(always)]
fn end_of_ties(blocks: &Blocks, value: f32, kept: usize) -> usize {
    let mut left = kept;
    let mut end = 0;
    for block in blocks.iter() {
        let here: u32 = block.iter().map(|logit| u32::from(*logit == value)).sum();
        if here as usize >= left {
            break;
        }
        left -= here as usize;
        end += block.len();
    }
    let rest = blocks.as_flattened().get(end..).unwrap_or_default().iter();
    let last = rest.enumerate().filter(|(_, logit)| **logit == value).nth(left.saturating_sub(1));
    last.map_or(usize::MAX, |(index, _)| end + index + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::cell::Cell;

    use super::*;

    /// How many passes it takes to find the `k` largest.
    fn passes(logits: &[f32], k: usize) -> usize {
        let mut blocks = Vec::new();
        crate::softmax::fill(&mut blocks, logits);
        let scan = crate::softmax::scan(&blocks).unwrap();
        let passes = Cell::new(0);
        let all = Above { count: scan.candidates, measure: scan.candidates as f64 };
        let count = |bounds| {
            passes.set(passes.get() + 1);
            count_above(&blocks, bounds)
        };
        Search::new(scan, all, k as f64).run(&blocks, count, |_| 1.0);
        passes.get()
    }

    #[test]
    fn a_search_is_short_and_has_an_end_whatever_the_logits() {
        let smooth: Vec<f32> = (0..10_000).map(|i| ((i * 7919 % 10_007) as f32 * 1e-3).sin()).collect();
        // Each a fraction of the last, below the floats that an interpolation looks at.
        let steep: Vec<f32> = (0..250).map(|i| 2.0_f32.powi(120 - i)).collect();
        let both: Vec<f32> = steep.iter().flat_map(|number| [*number, -number]).collect();
        let mut outlier = smooth.clone();
        outlier[5] = -1e38;
        outlier[77] = 1e38;
        let most = |logits: &[f32]| -> usize {
            let step = logits.len() / 50;
            (1..50).map(|part| passes(logits, part * step)).max().unwrap()
        };
        assert!(most(&smooth) <= 15, "{}", most(&smooth));
        for logits in [&steep, &both, &outlier, &vec![1.0; 100]] {
            assert!(most(logits) <= 45, "{}", most(logits));
        }
    }
}
