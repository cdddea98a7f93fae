//! Sequences drawn under the grammar of a tokenizer, by a model that knows nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use deepcompose_core::tokenizer::{MusicTokenizer, Tokenization, TokenizerConfig};
use deepcompose_core::{InputTrack, Tokenizer};
use deepcompose_samplers::{
    GrammarConstraint, SamplingTechnique, StopReason, TokenId, TokenModel, TokenSampler, Unconstrained,
    generate_tokens,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Any logits, other ones after each token.
struct Ignorant {
    logits: Vec<f32>,
    rng: ChaCha8Rng,
}

impl TokenModel for Ignorant {
    type Error = std::convert::Infallible;

    fn vocabulary_size(&self) -> usize {
        self.logits.len()
    }

    fn reset(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn push(&mut self, _: &[TokenId]) -> Result<&[f32], Self::Error> {
        self.logits.fill_with(|| self.rng.random_range(-4.0..4.0));
        Ok(&self.logits)
    }
}

#[test]
fn a_model_that_knows_nothing_makes_no_errors_under_the_grammar() {
    let all = TokenizerConfig {
        use_chords: true,
        use_rests: true,
        use_tempos: true,
        use_time_signatures: true,
        use_programs: true,
        ..TokenizerConfig::default()
    };
    let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0).unwrap();
    let mut errors_without = 0;
    for config in [TokenizerConfig::default(), all] {
        for tokenization in Tokenization::ALL {
            // Structured has no chords, rests, tempos and time signatures: they are off there.
            let tokenizer = MusicTokenizer::new(tokenization, config.clone()).unwrap();
            let prompt = tokenizer.encode(&InputTrack::FrereJacques.score());
            for seed in 0..5 {
                let mut model = Ignorant {
                    logits: vec![0.0; tokenizer.vocabulary_size()],
                    rng: ChaCha8Rng::seed_from_u64(seed),
                };
                let mut rng = ChaCha8Rng::seed_from_u64(100 + seed);
                let mut observer = |_| ControlFlow::Continue(());
                let mut grammar = GrammarConstraint::new(&tokenizer).after_prompt(&prompt);
                let generated = generate_tokens(
                    &mut model,
                    &prompt,
                    &sampler,
                    &mut grammar,
                    400,
                    &mut rng,
                    &mut observer,
                )
                .unwrap();
                let whole = [prompt.clone(), generated.tokens.clone()].concat();
                let errors = tokenizer.token_errors(&whole);
                assert_eq!(errors.total(), 0, "{tokenization}, seed {seed}: {errors:?}");
                let decoded = tokenizer.decode(&whole);
                assert!(decoded.repairs.is_clean(), "{tokenization}, seed {seed}: {:?}", decoded.repairs);
                assert!(generated.stop == StopReason::DurationReached || generated.sampled == 400);

                let free = generate_tokens(
                    &mut model,
                    &prompt,
                    &sampler,
                    &mut Unconstrained,
                    400,
                    &mut rng,
                    &mut observer,
                );
                errors_without += tokenizer.token_errors(&free.unwrap().tokens).total();
            }
        }
    }
    // The errors are there to be made: of 16,000 tokens most do not follow the one before.
    assert!(errors_without > 8000, "{errors_without}");
}
