//! Weights of 16 bits packed for the tile kernel: half to read where reading them takes the time.

use pulp::Simd;

use super::tile::{BLOCK, Lines, Place, Weights};

/// Matrices `[channels in, channels out]`, one a term, in whole steps of a scale: −32 767..=32 767.
///
/// A scale is a number for one output channel in one term, or in all terms where they are summed. The rounding moves
/// each weight by at most 1/65 534 of the largest in that list.
///
/// Two blocks of outputs lie in the halves of a word: `[pair of blocks][term][channel in][16]`.
#[derive(Debug, Clone)]
pub(crate) struct Halves {
    words: Vec<u32>,
    /// `[term][channel]`.
    scales: Vec<f32>,
    terms: usize,
    depth: usize,
    channels: usize,
}

/// A step is kept with this added, as a number of 16 bits without a sign.
const ZERO: u32 = 1 << 15;

/// The bits of 2^23 as a float: with a number of 16 bits in their place it is that much larger, exactly.
const EXPONENT: u32 = 0x4B00_0000;

impl Halves {
    /// Packs `weight(term, channel in, channel out)`; `are_summed` says that all terms of an output channel are.
    pub(crate) fn pack(
        terms: usize,
        depth: usize,
        channels: usize,
        are_summed: bool,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let pairs = channels.div_ceil(2 * BLOCK);
        let mut scales = vec![0.0_f32; terms * pairs * 2 * BLOCK];
        let mut words = vec![0; pairs * terms * depth * BLOCK];
        let width = pairs * 2 * BLOCK;
        for channel in 0..channels {
            let largest = |terms: std::ops::Range<usize>| {
                let all = terms.flat_map(|term| (0..depth).map(move |from| (term, from)));
                all.map(|(term, from)| weight(term, from, channel).abs()).fold(0.0, f32::max)
            };
            let of_all = if are_summed { largest(0..terms) } else { 0.0 };
            for term in 0..terms {
                let largest = if are_summed { of_all } else { largest(term..term + 1) };
                scales[term * width + channel] = largest / 32_767.0;
            }
        }
        for (index, word) in words.iter_mut().enumerate() {
            let (line, lane) = (index / BLOCK, index % BLOCK);
            let (pair, term, from) = (line / depth / terms, line / depth % terms, line % depth);
            let half = |block: usize| {
                let channel = (2 * pair + block) * BLOCK + lane;
                let scale = scales[term * width + channel];
                let step = if scale > 0.0 { (weight(term, from, channel) / scale).round() } else { 0.0 };
                (step as i32).wrapping_add(ZERO as i32) as u32
            };
            *word = half(0) | half(1) << 16;
        }
        Self { words, scales, terms, depth, channels }
    }

    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) const fn channels(&self) -> usize {
        self.channels
    }

    /// The scales of the channels of a block in a term.
    #[inline(always)]
    pub(crate) fn scales(&self, term: usize, block: usize) -> &[f32] {
        let width = self.channels.next_multiple_of(2 * BLOCK);
        &self.scales[term * width + block * BLOCK..][..BLOCK]
    }
}

impl Weights for Halves {
    const ARE_PAIRED: bool = true;

    #[inline(always)]
    fn lines<S: Simd, const VECTORS: usize>(
        &self,
        term: usize,
        places: [Place; VECTORS],
    ) -> impl Lines<S, VECTORS> {
        let Place { block, within } = places[0];
        let start = (block / 2 * self.terms + term) * self.depth;
        HalfLines {
            words: &self.words.as_chunks().0[start..start + self.depth],
            within,
            is_second: block % 2 == 1,
        }
    }
}

#[derive(Clone, Copy)]
struct HalfLines<'a> {
    words: &'a [[u32; BLOCK]],
    within: usize,
    /// A single vector is that of the second block.
    is_second: bool,
}

impl<S: Simd, const VECTORS: usize> Lines<S, VECTORS> for HalfLines<'_> {
    #[inline(always)]
    fn depth(self) -> usize {
        self.words.len()
    }

    #[inline(always)]
    fn part(self, from: usize, count: usize) -> Self {
        Self { words: &self.words[from..from + count], ..self }
    }

    #[inline(always)]
    fn line(self, simd: S, index: usize) -> [S::f32s; VECTORS] {
        let start = if S::F32_LANES == BLOCK { 0 } else { self.within };
        let words = S::as_simd_u32s(&self.words[index][start..start + S::F32_LANES]).0[0];
        let number = |half: S::u32s| {
            let raised = simd.transmute_f32s_u32s(simd.or_u32s(half, simd.splat_u32s(EXPONENT)));
            simd.sub_f32s(raised, simd.splat_f32s((1 << 23) as f32 + ZERO as f32))
        };
        let first = simd.and_u32s(words, simd.splat_u32s(0xFFFF));
        let second = simd.wrapping_dyn_shr_u32s(words, simd.splat_u32s(16));
        let mut vectors = [simd.splat_f32s(0.0); VECTORS];
        if VECTORS == 1 {
            vectors[0] = number(if self.is_second { second } else { first });
        } else {
            (vectors[0], vectors[1]) = (number(first), number(second));
        }
        vectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_steps_of_the_scale() {
        // Two terms of one channel in and 17 out; the largest of channel 16 is in the second term.
        let weight = |term: usize, _from: usize, to: usize| if to == 16 { [0.5, -2.0][term] } else { 0.0 };
        let halves = Halves::pack(2, 1, 17, true, weight);
        assert_eq!(halves.scales(0, 1)[0], 2.0 / 32_767.0);
        // 0.5 is 8191.75 steps, −2 is −32 767; no weight is step 0.
        assert_eq!(halves.words[0], ((8192 + 32_768) << 16) | 32_768);
        assert_eq!(halves.words[16], (1 << 16) | 32_768);
        let apart = Halves::pack(2, 1, 17, false, weight);
        assert_eq!(apart.scales(0, 1)[0], 0.5 / 32_767.0);
        assert_eq!(apart.words[0] >> 16, 65_535);
    }
}
