//! [`TokenSampler`]: the next token from the logits of every token.

mod cut;
mod measure;

use measure::Gathered;
use pulp::{Arch, Simd, WithSimd};
use rand::{Rng, RngExt};

use crate::error::{SampleError, SamplerError, check_creative_risk, in_range};
use crate::rounding;
use crate::softmax::{self, BLOCK, Temper, Weights};
use crate::technique::SamplingTechnique;
use crate::token_model::TokenId;

/// How far the sum of probabilities may fall short of a nucleus threshold that it was meant to
/// reach: logits are `f32`, and a probability that went through one is known no better.
const NUCLEUS_ROUNDING: f64 = 1e-6;

/// Draws the next token from the logits of every token: creative risk, then the cut, then one
/// draw.
///
/// 1. Candidates are the tokens whose logit is not −∞ (a [`Constraint`](crate::Constraint) masks
///    by −∞).
/// 2. The candidates' probabilities are the softmax of `logit / creative risk`. A creative risk
///    below 1 favours what is probable already, above 1 it flattens the distribution. The cut
///    sees these probabilities, so a higher creative risk also widens a nucleus.
/// 3. The technique keeps some candidates:
///
///    | technique | keeps |
///    |---|---|
///    | [`TopK`](SamplingTechnique::TopK) | the ⌈threshold × n⌉ most probable of the n candidates |
///    | [`Nucleus`](SamplingTechnique::Nucleus) | the fewest most probable whose probabilities reach the threshold |
///    | [`Random`](SamplingTechnique::Random) | all |
///
///    Of two equally probable candidates the one with the lower id goes first. At least one is
///    always kept, and all are at threshold 1. A sum of probabilities less than 10⁻⁶ short of
///    the threshold has reached it, as `f32` logits cannot say more.
/// 4. One is drawn from those kept, by their probabilities scaled to sum to 1. Each draw takes one
///    `f64` from the rng and walks the candidates by id, so that the three techniques give the
///    same tokens for the same seed at threshold 1.
///
/// The sampler is a plain value: it has no state, and the rng is passed in.
///
/// The example of the DeepComposer console's guide: six tokens and a threshold of 0.5.
///
/// ```
/// use deepcompose_samplers::{SamplingTechnique, TokenSampler};
///
/// let logits = [0.3_f32, 0.3, 0.2, 0.1, 0.05, 0.05].map(f32::ln);
/// let kept = |technique, threshold| -> Result<usize, Box<dyn std::error::Error>> {
///     let sampler = TokenSampler::new(technique, threshold, 1.0)?;
///     Ok(sampler.distribution(&logits)?.iter().filter(|p| **p > 0.0).count())
/// };
/// // TopK: six tokens × 0.5. Nucleus: .3 + .3 passes 0.5.
/// assert_eq!(kept(SamplingTechnique::TopK, 0.5)?, 3);
/// assert_eq!(kept(SamplingTechnique::Nucleus, 0.5)?, 2);
/// // Random is what either is at threshold 1.
/// assert_eq!(kept(SamplingTechnique::Random, 0.5)?, 6);
/// assert_eq!(kept(SamplingTechnique::TopK, 1.0)?, 6);
/// assert_eq!(kept(SamplingTechnique::Nucleus, 1.0)?, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenSampler {
    technique: SamplingTechnique,
    threshold: f64,
    creative_risk: f64,
}

/// Memory that [`TokenSampler::sample_with`] works in, to be used again for the next token.
#[derive(Debug, Clone, Default)]
pub struct SampleScratch {
    blocks: Vec<[f32; BLOCK]>,
    weights: Weights,
    gathered: Gathered,
}

impl SampleScratch {
    /// Takes a copy of the logits, and nothing of what was there before.
    pub(crate) fn load(&mut self, logits: &[f32]) {
        softmax::fill(&mut self.blocks, logits);
    }

    /// What was loaded, and after it −∞ up to a whole block.
    pub(crate) fn loaded(&mut self) -> &mut [f32] {
        self.blocks.as_flattened_mut()
    }
}

impl TokenSampler {
    /// Checks a sampler's settings: `threshold` in `(0, 1]` (checked for
    /// [`Random`](SamplingTechnique::Random) too, though not used) and `creative_risk`, a finite
    /// number above 0.
    ///
    /// # Errors
    ///
    /// [`SamplerError::OutOfRange`] names the setting and its range.
    pub fn new(
        technique: SamplingTechnique,
        threshold: f64,
        creative_risk: f64,
    ) -> Result<Self, SamplerError> {
        in_range("sampling threshold", threshold, threshold > 0.0 && threshold <= 1.0, "0 < threshold <= 1")?;
        check_creative_risk(creative_risk)?;
        Ok(Self { technique, threshold, creative_risk })
    }

    /// Which candidates are kept.
    #[must_use]
    pub const fn technique(&self) -> SamplingTechnique {
        self.technique
    }

    /// The sampling threshold, in `(0, 1]`.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The creative risk (temperature), above 0.
    #[must_use]
    pub const fn creative_risk(&self) -> f64 {
        self.creative_risk
    }

    /// Draws one token: an index into `logits`.
    ///
    /// # Errors
    ///
    /// [`SampleError`] for logits that are empty, all −∞, or hold NaN or +∞. The rng is not
    /// touched then.
    pub fn sample<R: Rng + ?Sized>(&self, logits: &[f32], rng: &mut R) -> Result<TokenId, SampleError> {
        self.sample_with(logits, rng, &mut SampleScratch::default())
    }

    /// [`sample`](Self::sample) without an allocation once `scratch` has grown to the vocabulary's
    /// size. What `scratch` held before makes no difference.
    ///
    /// # Errors
    ///
    /// As [`sample`](Self::sample).
    pub fn sample_with<R: Rng + ?Sized>(
        &self,
        logits: &[f32],
        rng: &mut R,
        scratch: &mut SampleScratch,
    ) -> Result<TokenId, SampleError> {
        scratch.load(logits);
        self.sample_loaded(logits.len(), rng, scratch)
    }

    /// [`sample_with`](Self::sample_with) of the `count` logits in `scratch`.
    pub(crate) fn sample_loaded<R: Rng + ?Sized>(
        &self,
        count: usize,
        rng: &mut R,
        scratch: &mut SampleScratch,
    ) -> Result<TokenId, SampleError> {
        self.weigh(count, scratch)?;
        let index = scratch.weights.draw(rng.random()).ok_or(SampleError::AllMasked)?;
        // `weigh` has checked that every index is a token id.
        TokenId::try_from(index).map_err(|_| too_many(count))
    }

    /// The exact distribution that [`sample`](Self::sample) draws from: one probability a logit,
    /// 0 outside the kept set, summing to 1.
    ///
    /// # Errors
    ///
    /// As [`sample`](Self::sample).
    pub fn distribution(&self, logits: &[f32]) -> Result<Vec<f64>, SampleError> {
        let mut scratch = SampleScratch::default();
        scratch.load(logits);
        self.weigh(logits.len(), &mut scratch)?;
        let total = scratch.weights.total();
        let mut probabilities = scratch.weights.into_first(logits.len());
        for p in &mut probabilities {
            *p /= total;
        }
        Ok(probabilities)
    }

    /// Leaves the weights of the kept candidates in `scratch`, and 0 for all others. The largest
    /// weight is 1, so the sum is never 0.
    fn weigh(&self, count: usize, scratch: &mut SampleScratch) -> Result<(), SampleError> {
        if TokenId::try_from(count).is_err() {
            return Err(too_many(count));
        }
        Arch::new().dispatch(Weigh { sampler: *self, scratch })
    }
}

/// A cut that keeps one logit in so many, or fewer, takes them out before it weighs them.
const FEW: usize = 4;

/// [`TokenSampler::weigh`] in vector instructions.
struct Weigh<'a> {
    sampler: TokenSampler,
    scratch: &'a mut SampleScratch,
}

impl WithSimd for Weigh<'_> {
    type Output = Result<(), SampleError>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let TokenSampler { technique, threshold, creative_risk } = self.sampler;
        let SampleScratch { blocks, weights, gathered } = self.scratch;
        let scan = softmax::scan(blocks)?;
        let temper = Temper::new(scan.max, creative_risk);
        // At threshold 1 there is nothing to cut; the rounding rule of the nucleus must not cut a
        // long tail there.
        let is_cut = threshold < 1.0;
        if is_cut && technique == SamplingTechnique::TopK {
            let k = rounding::ceil_of(threshold, scan.candidates);
            let keep = cut::top_k(simd, blocks, scan, k, gathered);
            if FEW * k <= BLOCK * blocks.len() {
                weights.weigh_kept(simd, blocks, (keep, k), temper);
                return Ok(());
            }
            keep.mask(blocks);
        }
        weights.weigh(simd, blocks, temper);
        if is_cut && technique == SamplingTechnique::Nucleus {
            let mass = (threshold - NUCLEUS_ROUNDING) * weights.total();
            let keep = cut::nucleus(simd, blocks, scan, (weights, temper), mass, gathered);
            weights.cut(simd, blocks, keep);
        }
        Ok(())
    }
}

const fn too_many(logits: usize) -> SampleError {
    SampleError::TooManyLogits { logits, limit: TokenId::MAX as usize }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;
    use crate::softmax::instructions;

    /// Few logits, or so many that a search gathers what is left between its bounds.
    fn few_or_many() -> impl Strategy<Value = Vec<f32>> {
        let logits = |lengths: std::ops::Range<usize>| {
            prop::collection::vec(prop_oneof![-9.0_f32..9.0, (-4_i8..4).prop_map(f32::from)], lengths)
        };
        prop_oneof![3 => logits(1..400), 1 => logits(3000..5000)]
    }

    proptest! {
        #[test]
        fn all_instructions_weigh_alike(
            logits in few_or_many(),
            threshold in 0.01_f64..1.0,
        ) {
            for technique in SamplingTechnique::ALL {
                let sampler = TokenSampler::new(technique, threshold, 0.8).unwrap();
                let mut expected = SampleScratch::default();
                expected.load(&logits);
                sampler.weigh(logits.len(), &mut expected).unwrap();
                for arch in instructions() {
                    let mut scratch = SampleScratch::default();
                    scratch.load(&logits);
                    arch.dispatch(Weigh { sampler, scratch: &mut scratch }).unwrap();
                    prop_assert_eq!(&scratch.weights, &expected.weights, "{:?}", arch);
                }
            }
        }
    }
}
