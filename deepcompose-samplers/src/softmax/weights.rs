//! Softmax weights, and a draw from them.

use pulp::Simd;

use super::blocks::{BLOCK, Blocks};
use super::exp2::exp2;

/// What a logit weighs: exp((logit − max) / temperature), in 0..=1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Temper {
    max: f64,
    /// log₂ e / temperature.
    factor: f64,
}

impl Temper {
    /// `max` is finite and no logit above it; `temperature` is above 0.
    pub(crate) fn new(max: f32, temperature: f64) -> Self {
        // For the smallest temperatures it would not be finite.
        Self { max: max.into(), factor: (std::f64::consts::LOG2_E / temperature).min(f64::MAX) }
    }

    /// 1 at the largest logit and 0 at −∞.
    ///
    /// The difference is taken first and in `f64`, so that neither a large logit nor a small
    /// temperature can overflow. The product is rounded three times, each time by 10⁻¹⁶ of itself,
    /// so a weight of 10⁻¹⁰ or more is known to 10⁻¹⁴ of itself, and any other to 3 × 10⁻¹³; below
    /// 10⁻³⁰⁷ it is 0.
    #[inline(always)]
    pub(crate) fn weight(self, logit: f32) -> f64 {
        exp2((f64::from(logit) - self.max) * self.factor)
    }
}

/// Which logits of a list are kept: those above `least`, and of those equal to it the ones before
/// the index `ties_end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Keep {
    pub(crate) least: f32,
    pub(crate) ties_end: usize,
}

impl Keep {
    /// The logits that are kept, of which there are at most as many as `kept` has room for, one after another, and their
    /// indices; returns how many.
    #[inline(always)]
    fn gather(self, blocks: &Blocks, kept: &mut [f32], indices: &mut [u32]) -> usize {
        let mut count = 0;
        for (number, block) in blocks.iter().enumerate() {
            let begin = number * BLOCK;
            let mut flags = [0_u8; BLOCK];
            for lane in 0..BLOCK {
                flags[lane] = u8::from(block[lane] >= self.least);
            }
            let mut bits = 0_u32;
            for (group, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
                // Bit i of the top byte is the flag of byte i.
                let word = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080);
                bits |= ((word >> 56) as u32) << (8 * group);
            }
            while bits != 0 {
                let lane = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if begin + lane >= self.ties_end && block[lane] == self.least {
                    continue;
                }
                if let (Some(logit), Some(index)) = (kept.get_mut(count), indices.get_mut(count)) {
                    // There are no more logits than token ids.
                    (*logit, *index) = (block[lane], (begin + lane) as u32);
                    count += 1;
                }
            }
        }
        count
    }

    /// Masks what is not kept.
    #[inline(always)]
    pub(crate) fn mask(self, blocks: &mut Blocks) {
        let logits = blocks.as_flattened_mut();
        let (early, late) = logits.split_at_mut(self.ties_end.min(logits.len()));
        for (logits, least) in [(early, self.least), (late, self.least.next_up())] {
            for logit in logits {
                *logit = if *logit >= least { *logit } else { f32::NEG_INFINITY };
            }
        }
    }

    /// Sets the weights of what is not kept to 0.
    #[inline(always)]
    fn cut(self, blocks: &Blocks, weights: &mut [[f64; BLOCK]]) {
        let (logits, weights) = (blocks.as_flattened(), weights.as_flattened_mut());
        let split = self.ties_end.min(logits.len()).min(weights.len());
        let (early, late) = logits.split_at(split);
        let (early_weights, late_weights) = weights.split_at_mut(split);
        for (logits, weights, least) in
            [(early, early_weights, self.least), (late, late_weights, self.least.next_up())]
        {
            for (weight, logit) in weights.iter_mut().zip(logits) {
                *weight = if *logit >= least { *weight } else { 0.0 };
            }
        }
    }
}

/// Weights of logits, and their running sum. Kept from draw to draw for the memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Weights {
    /// Block by block, 0 after the last logit's.
    weights: Vec<[f64; BLOCK]>,
    /// The sum of all weights up to the end of each block.
    cumulative: Vec<f64>,
    /// Where only some logits were weighed, their indices; else empty.
    indices: Vec<u32>,
    /// And those logits.
    some: Vec<[f32; BLOCK]>,
}

impl Weights {
    /// The weights of the logits.
    #[inline(always)]
    pub(crate) fn weigh<S: Simd>(&mut self, simd: S, blocks: &Blocks, temper: Temper) {
        self.indices.clear();
        self.weigh_blocks(simd, blocks, temper);
    }

    /// The weights of the logits that are kept, `count` at most; the others' are 0. They are weighed one after another, which is worth it
    /// if they are few.
    #[inline(always)]
    pub(crate) fn weigh_kept<S: Simd>(
        &mut self,
        simd: S,
        blocks: &Blocks,
        (keep, count): (Keep, usize),
        temper: Temper,
    ) {
        let mut some = std::mem::take(&mut self.some);
        some.clear();
        some.resize(count.div_ceil(BLOCK), [f32::NEG_INFINITY; BLOCK]);
        self.indices.clear();
        self.indices.resize(some.len() * BLOCK, 0);
        keep.gather(blocks, some.as_flattened_mut(), &mut self.indices);
        self.weigh_blocks(simd, &some, temper);
        self.some = some;
    }

    #[inline(always)]
    fn weigh_blocks<S: Simd>(&mut self, simd: S, blocks: &Blocks, temper: Temper) {
        self.weights.resize(blocks.len(), [0.0; BLOCK]);
        self.cumulative.resize(blocks.len(), 0.0);
        let rows = blocks.iter().zip(&mut self.weights).zip(&mut self.cumulative);
        for ((block, weights), sum) in rows {
            // A small cut of a large vocabulary leaves most blocks empty.
            let mut is_any = false;
            for logit in block {
                is_any |= *logit > f32::NEG_INFINITY;
            }
            let mut weighed = [0.0; BLOCK];
            if is_any {
                for lane in 0..BLOCK {
                    weighed[lane] = temper.weight(block[lane]);
                }
            }
            *sum = sum_of(simd, &weighed);
            *weights = weighed;
        }
        self.accumulate();
    }

    /// Sets the weights of logits that are not kept to 0.
    #[inline(always)]
    pub(crate) fn cut<S: Simd>(&mut self, simd: S, blocks: &Blocks, keep: Keep) {
        keep.cut(blocks, &mut self.weights);
        for (weights, sum) in self.weights.iter().zip(&mut self.cumulative) {
            *sum = sum_of(simd, weights);
        }
        self.accumulate();
    }

    fn accumulate(&mut self) {
        let mut sum = 0.0;
        for block in &mut self.cumulative {
            sum += *block;
            *block = sum;
        }
    }

    /// The weights, block by block.
    pub(crate) fn blocks(&self) -> &[[f64; BLOCK]] {
        &self.weights
    }

    /// The sum of the weights.
    pub(crate) fn total(&self) -> f64 {
        self.cumulative.last().copied().unwrap_or(0.0)
    }

    /// The index at which the running sum of the weights passes `uniform` (in `0..1`) times their
    /// total: each with the probability weight / total. `None` if no weight is above 0.
    pub(crate) fn draw(&self, uniform: f64) -> Option<usize> {
        let target = uniform * self.total();
        let number = self.cumulative.partition_point(|sum| *sum <= target);
        let Some(block) = self.blocks().get(number) else {
            // The product was rounded up to the total.
            let place = self.weights.as_flattened().iter().rposition(|weight| *weight > 0.0);
            return place.map(|place| self.index(place));
        };
        let mut cumulative = number.checked_sub(1).map_or(0.0, |before| self.cumulative[before]);
        let passes = block.iter().position(|weight| {
            cumulative += weight;
            target < cumulative
        });
        // This sum and the block's are rounded in different ways.
        let lane = passes.or_else(|| block.iter().rposition(|weight| *weight > 0.0))?;
        Some(self.index(number * BLOCK + lane))
    }

    /// The index of a logit by its place among those that were weighed.
    fn index(&self, place: usize) -> usize {
        self.indices.get(place).map_or(place, |index| *index as usize)
    }

    /// The first `length` weights.
    pub(crate) fn into_first(self, length: usize) -> Vec<f64> {
        if !self.indices.is_empty() {
            let mut all = vec![0.0; length];
            let places = self.weights.as_flattened().iter().zip(&self.indices);
            for (weight, index) in places.filter(|(weight, _)| **weight > 0.0) {
                if let Some(to) = all.get_mut(*index as usize) {
                    *to = *weight;
                }
            }
            return all;
        }
        let mut weights = self.weights.into_flattened();
        weights.truncate(length);
        weights
    }
}

/// How many partial sums are taken, whatever the width of the instructions.
pub(crate) const LANES: usize = 8;

/// The sum of a block: eight sums of four, then those by halves.
#[inline(always)]
fn sum_of<S: Simd>(simd: S, block: &[f64; BLOCK]) -> f64 {
    let parts = LANES / S::F64_LANES;
    let rows = S::as_simd_f64s(block).0;
    let mut eight = [0.0; LANES];
    for (part, sum) in S::as_mut_simd_f64s(&mut eight).0.iter_mut().enumerate() {
        let row = |number: usize| rows[part + number * parts];
        *sum = simd.add_f64s(simd.add_f64s(row(0), row(1)), simd.add_f64s(row(2), row(3)));
    }
    halved(eight)
}

/// The sum of eight numbers by halves.
#[inline(always)]
pub(crate) const fn halved(eight: [f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = eight;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use pulp::Scalar;

    use super::super::blocks::fill;
    use super::*;

    #[test]
    fn weights_neither_overflow_nor_vanish() {
        let weight = |logit, max, temperature| Temper::new(max, temperature).weight(logit);
        for temperature in [f64::MIN_POSITIVE, f64::from_bits(1)] {
            assert_eq!(weight(f32::MAX, f32::MAX, temperature), 1.0);
            assert_eq!(weight(f32::MAX.next_down(), f32::MAX, temperature), 0.0);
        }
        assert_eq!(weight(f32::MIN, f32::MAX, f64::MAX), 1.0);
        assert_eq!(weight(f32::MIN, f32::MAX, 1.0), 0.0);
        assert_eq!(weight(f32::NEG_INFINITY, 0.0, f64::MAX), 0.0);
        for (logit, temperature, close) in [(-1.0, 2.0, 1e-15), (-20.0, 0.9, 1e-14), (-600.0, 0.9, 3e-13)] {
            let exact = f64::exp(f64::from(logit) / temperature);
            assert!((weight(logit, 0.0, temperature) / exact - 1.0).abs() < close, "{logit}");
        }
    }

    fn blocks_of(logits: &[f32]) -> Vec<[f32; BLOCK]> {
        let mut blocks = Vec::new();
        fill(&mut blocks, logits);
        blocks
    }

    fn weights_of(blocks: &Blocks) -> Weights {
        let mut weights = Weights::default();
        weights.weigh(Scalar::new(), blocks, Temper::new(0.0, 1.0));
        weights
    }

    #[test]
    fn a_draw_passes_over_what_has_no_weight() {
        // 70 equal weights among 210 places, a block of 32 without any in between.
        let logits: Vec<f32> = (0..210)
            .map(|i| if i % 3 == 0 && !(64..96).contains(&i) { 0.0 } else { f32::NEG_INFINITY })
            .collect();
        let places: Vec<usize> = (0..210).filter(|i| logits[*i] == 0.0).collect();
        let weights = weights_of(&blocks_of(&logits));
        assert_eq!(weights.total(), places.len() as f64);
        for (rank, place) in places.iter().enumerate() {
            let uniform = (rank as f64 + 0.5) / places.len() as f64;
            assert_eq!(weights.draw(uniform), Some(*place));
        }
        assert_eq!(weights.draw(0.0), Some(0));
        assert_eq!(weights.draw(1.0), places.last().copied());
        assert_eq!(weights_of(&blocks_of(&[f32::NEG_INFINITY; 5])).draw(0.5), None);
    }

    #[test]
    fn what_is_kept_is_above_the_bound_or_an_early_tie() {
        let logits: Vec<f32> = (0..100).map(|i| -((i % 4) as f32)).collect();
        let kept = |keep: Keep| -> Vec<usize> {
            let mut blocks = blocks_of(&logits);
            let mut cut = weights_of(&blocks);
            cut.cut(Scalar::new(), &blocks, keep);
            keep.mask(&mut blocks);
            let weights = weights_of(&blocks).into_first(100);
            assert_eq!(weights, cut.into_first(100));
            (0..100).filter(|i| weights[*i] > 0.0).collect()
        };
        let expected = |ties_end| (0..100).filter(|i| i % 4 == 0 || (i % 4 == 1 && *i < ties_end)).collect();
        for ties_end in [0, 1, 2, 31, 33, 34, 64, 98, usize::MAX] {
            let expected: Vec<usize> = expected(ties_end);
            assert_eq!(kept(Keep { least: -1.0, ties_end }), expected);
        }
    }
}
