//! What the logits at or above a bound come to, by number or by weight.

use pulp::Simd;

use crate::softmax::{BLOCK, Blocks, LANES, halved};

/// How many bounds are tried in one pass.
pub(super) const BOUNDS: usize = 4;

/// What the logits at or above a bound come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Above {
    pub(super) count: usize,
    pub(super) measure: f64,
}

/// Logits to choose from, and what each measures: its weight, or 1 where there are no weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured<'a> {
    pub(super) logits: &'a Blocks,
    pub(super) weights: &'a [[f64; BLOCK]],
}

impl Measured<'_> {
    /// What the logits at or above each bound come to. A lower bound never has a smaller sum of
    /// weights, as each partial sum only grows with what is added to it.
    #[inline(always)]
    pub(super) fn above<S: Simd>(self, simd: S, bounds: [f32; BOUNDS]) -> [Above; BOUNDS] {
        let counts = self.counts(bounds);
        if self.weights.is_empty() {
            return counts.map(|count| Above { count: count as usize, measure: count.into() });
        }
        let sums = self.sums(simd, bounds);
        let mut above = [Above { count: 0, measure: 0.0 }; BOUNDS];
        for (above, (count, measure)) in above.iter_mut().zip(counts.into_iter().zip(sums)) {
            *above = Above { count: count as usize, measure };
        }
        above
    }

    /// There are no more logits than token ids.
    #[inline(always)]
    fn counts(self, bounds: [f32; BOUNDS]) -> [u32; BOUNDS] {
        // Were it known to be 1, AVX-512 would make numbers of the comparisons before it adds them.
        let one = std::hint::black_box(1_u32);
        let mut counts = [0_u32; BOUNDS];
        for logit in self.logits.as_flattened() {
            for (count, bound) in counts.iter_mut().zip(bounds) {
                *count += if *logit >= bound { one } else { 0 };
            }
        }
        counts
    }

    /// Left to the compiler, these sums would be taken two numbers at a time.
    #[inline(always)]
    fn sums<S: Simd>(self, simd: S, bounds: [f32; BOUNDS]) -> [f64; BOUNDS] {
        let parts = LANES / S::F64_LANES;
        let zero = simd.splat_f64s(0.0);
        let mut sums = [[zero; LANES]; BOUNDS];
        for (block, weights) in self.logits.iter().zip(self.weights) {
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
        sums.map(
            #[inline(always)]
            |sums| {
                let mut eight = [0.0; LANES];
                S::as_mut_simd_f64s(&mut eight).0.copy_from_slice(&sums[..parts]);
                halved(eight)
            },
        )
    }
}

/// Some of the logits of a list; the memory is kept from draw to draw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    logits: Vec<f32>,
    weights: Vec<f64>,
}

impl Gathered {
    /// Those from `low` on and below `high`.
    #[inline(always)]
    pub(super) fn gather(&mut self, all: Measured<'_>, low: f32, high: f32) -> Measured<'_> {
        self.logits.clear();
        self.weights.clear();
        for (number, block) in all.logits.iter().enumerate() {
            let mut is_any = false;
            for logit in block {
                is_any |= (*logit >= low) & (*logit < high);
            }
            if is_any {
                let mut lanes = [0; BLOCK];
                let count = lanes_between(block, low, high, &mut lanes);
                self.logits.extend(lanes[..count].iter().map(|lane| block[*lane]));
                if let Some(weights) = all.weights.get(number) {
                    self.weights.extend(lanes[..count].iter().map(|lane| weights[*lane]));
                }
            }
        }
        let whole = self.logits.len().next_multiple_of(BLOCK);
        self.logits.resize(whole, f32::NEG_INFINITY);
        if !all.weights.is_empty() {
            self.weights.resize(whole, 0.0);
        }
        Measured { logits: self.logits.as_chunks().0, weights: self.weights.as_chunks().0 }
    }
}

/// Writes which of a block's logits lie between, and returns how many do.
#[inline(always)]
fn lanes_between(block: &[f32; BLOCK], low: f32, high: f32, lanes: &mut [usize; BLOCK]) -> usize {
    let mut count = 0;
    for (lane, logit) in block.iter().enumerate() {
        // Without a branch: the next one is written over this one if it does not lie between.
        lanes[count] = lane;
        count += usize::from((*logit >= low) & (*logit < high));
    }
    count
}
