//! Several continuations at once are what one after another gives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::ops::ControlFlow;

use deepcompose_samplers::{
    Constraint, ForkModel, GenerateError, SamplingTechnique, StopReason, TokenBatch, TokenId, TokenModel,
    TokenSampler, generate_several, generate_tokens,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const TOKENS: usize = 12;

/// Its logits hang on everything that it has read.
#[derive(Clone)]
struct Hash(u64, [f32; TOKENS]);

impl Hash {
    fn read(&mut self, token: TokenId) {
        self.0 = (self.0 ^ u64::from(token)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
        for (index, logit) in self.1.iter_mut().enumerate() {
            *logit = (self.0 >> (index * 5) & 31) as f32 / 8.0;
        }
    }
}

impl TokenModel for Hash {
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        TOKENS
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        self.0 = 1;
        Ok(())
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        tokens.iter().for_each(|token| self.read(*token));
        Ok(&self.1)
    }
}

struct Hashes(Vec<Hash>, Vec<f32>);

impl ForkModel for Hash {
    type Batch = Hashes;

    fn fork(&self, sequences: usize) -> Result<Hashes, Infallible> {
        Ok(Hashes(vec![self.clone(); sequences], Vec::new()))
    }
}

impl TokenBatch for Hashes {
    type Error = Infallible;

    fn step(&mut self, tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        assert_eq!(tokens.len(), self.0.len(), "a token a sequence");
        self.0.iter_mut().zip(tokens).for_each(|(hash, token)| hash.read(*token));
        self.1 = self.0.iter().flat_map(|hash| hash.1).collect();
        Ok(&self.1)
    }

    fn retain(&mut self, keep: &[bool]) {
        let mut keep = keep.iter();
        self.0.retain(|_| *keep.next().unwrap());
    }
}

/// Its batches give the logits of one sequence, however many they are of.
struct Short(Hash);

impl TokenModel for Short {
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        TOKENS
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        self.0.reset()
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        self.0.push(tokens)
    }
}

impl ForkModel for Short {
    type Batch = One;

    fn fork(&self, _: usize) -> Result<One, Infallible> {
        Ok(One(self.0.clone()))
    }
}

struct One(Hash);

impl TokenBatch for One {
    type Error = Infallible;

    fn step(&mut self, tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        self.0.push(&tokens[..1])
    }

    fn retain(&mut self, _: &[bool]) {}
}

/// Complete after so many tokens; never the one that came last.
#[derive(Clone)]
struct Length(usize, Option<TokenId>);

impl Constraint for Length {
    fn mask(&self, logits: &mut [f32]) {
        if let Some(last) = self.1 {
            logits[last as usize] = f32::NEG_INFINITY;
        }
    }

    fn observe(&mut self, token: TokenId) {
        (self.0, self.1) = (self.0 - 1, Some(token));
    }

    fn finished(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn each_lane_is_what_it_would_be_alone() {
    let sampler = TokenSampler::new(SamplingTechnique::Nucleus, 0.8, 1.2).unwrap();
    // Lanes of several lengths, one that has nothing to draw, one that the observer ends, one over the budget.
    let lengths = [9, 3, 0, 14, 1, 9, 40];
    let rng = |lane: usize| ChaCha8Rng::seed_from_u64(lane as u64);
    let is_enough = |lane: usize, sampled: usize| lane == 3 && sampled == 6;
    let end = |is_over: bool| if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };

    let lanes = lengths.iter().enumerate().map(|(lane, length)| (Length(*length, None), rng(lane))).collect();
    let mut told = vec![Vec::new(); lengths.len()];
    let several =
        generate_several(&mut Hash(0, [0.0; TOKENS]), &[5, 7], &sampler, lanes, 20, &mut |lane, p| {
            told[lane].push(p.token);
            end(is_enough(lane, p.sampled))
        })
        .unwrap();

    for (lane, length) in lengths.into_iter().enumerate() {
        let mut constraint = Length(length, None);
        let mut hash = Hash(0, [0.0; TOKENS]);
        let observer = &mut |p: deepcompose_samplers::Progress| end(is_enough(lane, p.sampled));
        let alone =
            generate_tokens(&mut hash, &[5, 7], &sampler, &mut constraint, 20, &mut rng(lane), observer)
                .unwrap();
        assert_eq!(several[lane], alone, "lane {lane}");
        assert_eq!(told[lane], alone.tokens, "lane {lane}");
    }
    assert_eq!(several[3].stop, StopReason::Stopped);
    assert_eq!(several[6].stop, StopReason::TokenBudget);
    assert_ne!(several[0].tokens, several[5].tokens);
}

#[test]
fn a_batch_with_the_logits_of_too_few_sequences_is_an_error() {
    let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0).unwrap();
    let lanes = (0..3).map(|lane| (Length(5, None), ChaCha8Rng::seed_from_u64(lane))).collect();
    let mut model = Short(Hash(0, [0.0; TOKENS]));
    let several =
        generate_several(&mut model, &[5, 7], &sampler, lanes, 20, &mut |_, _| ControlFlow::Continue(()));
    let error = several.unwrap_err();
    assert!(
        matches!(
            error,
            GenerateError::BatchLogitCount { logits: TOKENS, sequences: 3, vocabulary_size: TOKENS }
        ),
        "{error}"
    );
    assert_eq!(error.to_string(), "the model returned 12 logits for 3 sequences over 12 tokens each");
}
