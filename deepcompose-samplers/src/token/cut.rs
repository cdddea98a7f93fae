//! Which logits a technique keeps, found without sorting them.
//!
//! Both cuts keep the smallest set of largest logits that *measures* a target or more: by their
//! number for [`top_k`], by the sum of their weights for [`nucleus`]. What the logits at or above
//! [`BOUNDS`] bounds measure takes one pass in vector instructions. A search for the bound that
//! just reaches the target takes about five passes, and never more than 45; in a long list, those
//! that come after the first few look at what is left between the bounds only.

use pulp::Simd;

use super::measure::{Above, BOUNDS, Gathered, Measured};
use crate::softmax::{BLOCK, Blocks, Keep, Scan, Temper, Weights, float_of, order_of};

/// Keeps the `k` largest logits, of equal ones the first.
#[inline(always)]
pub(super) fn top_k<S: Simd>(
    simd: S,
    logits: &Blocks,
    scan: Scan,
    k: usize,
    gathered: &mut Gathered,
) -> Keep {
    let all = Above { count: scan.candidates, measure: scan.candidates as f64 };
    let measured = Measured { logits, weights: &[] };
    let bell = Bell::of(logits, scan.candidates);
    Search::new(scan, all, k as f64).begun_by(bell).run(simd, measured, gathered, |_| 1.0)
}

/// Keeps the fewest largest logits whose `weights` sum to `mass` or more, at least one, of equal
/// ones the first.
#[inline(always)]
pub(super) fn nucleus<S: Simd>(
    simd: S,
    logits: &Blocks,
    scan: Scan,
    (weights, temper): (&Weights, Temper),
    mass: f64,
    gathered: &mut Gathered,
) -> Keep {
    // The heaviest weighs 1, and any mass above 0 takes one at least.
    let mass = mass.max(f64::MIN_POSITIVE);
    let all = Above { count: scan.candidates, measure: weights.total() };
    let measured = Measured { logits, weights: weights.blocks() };
    Search::new(scan, all, mass).run(
        simd,
        measured,
        gathered,
        #[inline(always)]
        |logit| temper.weight(logit),
    )
}

/// In how many blocks a search has so many passes left that it is worth one to gather what lies
/// between the bounds.
const LONG: usize = 64;

#[cfg(test)]
thread_local! {
    /// How many passes the searches of this thread have taken.
    static PASSES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A search for the largest bound whose logits measure the target: `low` does, `high` does not.
struct Search {
    target: f64,
    low: f32,
    high: f32,
    from_low: Above,
    from_high: Above,
    first: Step,
}

/// How the next bounds to try are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// Around where the target is, if the logits lie as a normal distribution does.
    Bell(Bell),
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

/// How far the bounds of [`Step::Bell`] are from the guess, in standard deviations.
const BELL_SPREAD: [f64; BOUNDS] = [-0.3, -0.1, 0.1, 0.3];

/// The normal distribution that logits are closest to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bell {
    mean: f64,
    deviation: f64,
}

impl Bell {
    /// The logits' own mean and deviation, but for those of −∞. Neither need be finite where the logits are large.
    #[inline(always)]
    fn of(logits: &Blocks, candidates: usize) -> Self {
        let (mut sums, mut squares) = ([0.0_f32; BLOCK], [0.0_f32; BLOCK]);
        for block in logits {
            for lane in 0..BLOCK {
                let logit = if block[lane] > f32::NEG_INFINITY { block[lane] } else { 0.0 };
                sums[lane] += logit;
                squares[lane] += logit * logit;
            }
        }
        let mean_of = |lanes: [f32; BLOCK]| f64::from(sum_by_halves(lanes)) / candidates as f64;
        let mean = mean_of(sums);
        Self { mean, deviation: (mean_of(squares) - mean * mean).max(0.0).sqrt() }
    }

    /// So many standard deviations above the mean.
    #[inline(always)]
    fn at(self, deviations: f64) -> f32 {
        (self.mean + self.deviation * deviations) as f32
    }
}

/// In turn, each number would have to wait for the one before it.
#[inline(always)]
fn sum_by_halves(mut lanes: [f32; BLOCK]) -> f32 {
    let mut half = BLOCK / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// How many standard deviations above its mean a normal variable has a probability of `upper`, in 0..=1, to be above;
/// within 0.003 (Abramowitz and Stegun 1964, 26.2.22).
#[inline(always)]
fn upper_quantile(upper: f64) -> f64 {
    let tail = upper.min(1.0 - upper).max(f64::MIN_POSITIVE);
    let t = (-2.0 * tail.ln()).sqrt();
    let quantile = t - (2.30753 + 0.27061 * t) / (1.0 + t * (0.99229 + t * 0.04481));
    if upper > 0.5 { -quantile } else { quantile }
}

impl Search {
    #[inline(always)]
    fn new(scan: Scan, all: Above, target: f64) -> Self {
        let none = Above { count: 0, measure: 0.0 };
        Self {
            target,
            low: scan.min,
            high: scan.max.next_up(),
            from_low: all,
            from_high: none,
            first: Step::Interpolate,
        }
    }

    fn begun_by(self, bell: Bell) -> Self {
        Self { first: Step::Bell(bell), ..self }
    }

    /// `each` is what a single logit measures.
    #[inline(always)]
    fn run<S: Simd>(
        mut self,
        simd: S,
        all: Measured<'_>,
        gathered: &mut Gathered,
        each: impl Fn(f32) -> f64,
    ) -> Keep {
        let mut step = self.first;
        // Where the logits between the bounds are found, and what those beyond them come to.
        let (mut among, mut beyond) = (all, Above { count: 0, measure: 0.0 });
        let mut gathered = Some(gathered);
        loop {
            let within = self.from_low.count - self.from_high.count;
            // As many as are wanted, where all measure 1.
            let is_exact = self.from_low.count as f64 == self.target;
            if within <= 1 || is_exact {
                return Keep { least: self.low, ties_end: usize::MAX };
            }
            // −0 and 0 are equal, and both are where two neighbours are.
            if self.low.next_up() >= self.high {
                return self.among_ties(all.logits, each(self.low));
            }
            let blocks = all.logits.len();
            if blocks >= LONG
                && within < blocks / 2
                && let Some(gathered) = gathered.take()
            {
                among = gathered.gather(all, self.low, self.high);
                beyond = self.from_high;
            }
            #[cfg(test)]
            PASSES.set(PASSES.get() + 1);
            let bounds = self.bounds(step);
            for (bound, above) in bounds.into_iter().zip(among.above(simd, bounds)) {
                let above =
                    Above { count: beyond.count + above.count, measure: beyond.measure + above.measure };
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
                Step::Bell(_) | Step::Interpolate if is_slow => Step::Divide,
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
            Step::Bell(bell) => {
                let upper = self.target / self.from_low.measure;
                BELL_SPREAD.map(|distance| bell.at(upper_quantile(upper) + distance))
            }
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

    use pulp::Scalar;

    use super::*;

    /// How many passes it takes to find the `k` largest.
    fn passes(logits: &[f32], k: usize) -> usize {
        let mut blocks = Vec::new();
        crate::softmax::fill(&mut blocks, logits);
        let scan = crate::softmax::scan(&blocks).unwrap();
        PASSES.set(0);
        top_k(Scalar::new(), &blocks, scan, k, &mut Gathered::default());
        PASSES.get()
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
        assert!((2..=15).contains(&most(&smooth)), "{}", most(&smooth));
        for logits in [&steep, &both, &outlier, &vec![1.0; 100]] {
            assert!(most(logits) <= 45, "{}", most(logits));
        }
    }
}
