//! Token generation with scripted models: what the model is given, why it stops, what goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use deepcompose_core::{PerformanceEvent, Pitch};
use deepcompose_samplers::SamplingTechnique::{Random, TopK};
use deepcompose_samplers::{
    Constraint, GenerateError, Generated, PerformanceConstraints, PerformanceLimits, SampleError, StopReason,
    TokenId, TokenModel, TokenSampler, Unconstrained, generate_tokens,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[derive(Debug, thiserror::Error)]
#[error("out of order")]
struct OutOfOrder;

/// Counts upwards modulo the vocabulary's size, and keeps a record of its calls.
#[derive(Default)]
struct Counter {
    resets: usize,
    pushes: Vec<Vec<TokenId>>,
    fail_at: Option<usize>,
    /// Returned as they are, if set.
    logits: Option<Vec<f32>>,
    counted: Vec<f32>,
}

const VOCABULARY: usize = 10;

impl TokenModel for Counter {
    type Error = OutOfOrder;

    fn vocabulary_size(&self) -> usize {
        VOCABULARY
    }

    fn reset(&mut self) -> Result<(), OutOfOrder> {
        self.resets += 1;
        self.pushes.clear();
        Ok(())
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], OutOfOrder> {
        if self.fail_at == Some(self.pushes.len()) {
            return Err(OutOfOrder);
        }
        self.pushes.push(tokens.to_vec());
        let next = (tokens.last().unwrap() + 1) % VOCABULARY as TokenId;
        self.counted = (0..VOCABULARY as TokenId).map(|t| if t == next { 100.0 } else { 0.0 }).collect();
        Ok(self.logits.as_ref().unwrap_or(&self.counted))
    }
}

fn run(
    model: &mut Counter,
    prompt: &[TokenId],
    constraint: &mut impl Constraint,
    token_budget: usize,
) -> Result<Generated, GenerateError<OutOfOrder>> {
    let sampler = TokenSampler::new(TopK, 0.1, 1.0).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut observer = |_| ControlFlow::Continue(());
    generate_tokens(model, prompt, &sampler, constraint, token_budget, &mut rng, &mut observer)
}

/// Bans one token and ends after another; closes with a 9.
struct Until {
    banned: usize,
    last: TokenId,
    seen: Vec<TokenId>,
}

impl Constraint for Until {
    fn mask(&self, logits: &mut [f32]) {
        logits[self.banned] = f32::NEG_INFINITY;
    }

    fn observe(&mut self, token: TokenId) {
        self.seen.push(token);
    }

    fn finished(&self) -> bool {
        self.seen.last() == Some(&self.last)
    }

    fn close(&self, tokens: &mut Vec<TokenId>) {
        tokens.push(9);
    }
}

#[test]
fn the_model_gets_the_prompt_and_then_every_token_but_the_last() {
    let mut model = Counter::default();
    let generated = run(&mut model, &[1, 2], &mut Unconstrained, 4).unwrap();
    assert_eq!(generated.tokens, [3, 4, 5, 6]);
    assert_eq!((generated.sampled, generated.stop), (4, StopReason::TokenBudget));
    assert_eq!(model.resets, 1);
    assert_eq!(model.pushes, [vec![1, 2], vec![3], vec![4], vec![5]]);
}

#[test]
fn a_constraint_masks_is_told_and_ends() {
    // 3 is banned, so the first of the others comes instead: 0.
    let mut until = Until { banned: 3, last: 2, seen: vec![] };
    let generated = run(&mut Counter::default(), &[1, 2], &mut until, 100).unwrap();
    assert_eq!(generated.tokens, [0, 1, 2, 9]);
    assert_eq!((generated.sampled, generated.stop), (3, StopReason::DurationReached));
    assert_eq!(until.seen, [0, 1, 2]);
    // A constraint that is satisfied already needs no model.
    let mut model = Counter { fail_at: Some(0), ..Counter::default() };
    let generated = run(&mut model, &[1], &mut until, 100).unwrap();
    assert_eq!((generated.tokens, generated.stop), (vec![9], StopReason::DurationReached));
    // Nor does a budget of nothing.
    let generated = run(&mut model, &[1], &mut Unconstrained, 0).unwrap();
    assert_eq!((generated.tokens, generated.stop), (vec![], StopReason::TokenBudget));
}

fn progress_of(constraint: &impl Constraint) -> Option<f64> {
    constraint.progress()
}

#[test]
fn boxes_do_what_is_in_them() {
    let until = || Until { banned: 3, last: 2, seen: vec![] };
    let expected = run(&mut Counter::default(), &[1, 2], &mut until(), 100).unwrap();
    let mut constraint: Box<dyn Constraint> = Box::new(until());
    let mut model: Box<dyn TokenModel<Error = OutOfOrder>> = Box::new(Counter::default());
    let sampler = TokenSampler::new(TopK, 0.1, 1.0).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut observer = |_| ControlFlow::Continue(());
    let generated =
        generate_tokens(&mut model, &[1, 2], &sampler, &mut constraint, 100, &mut rng, &mut observer);
    // Masked, told, finished, and closed.
    assert_eq!(generated.unwrap(), expected);
    assert_eq!(expected.tokens, [0, 1, 2, 9]);
    let limits = PerformanceLimits::for_duration(100);
    let mut boxed: Box<dyn Constraint> = Box::new(PerformanceConstraints::new(limits).unwrap());
    boxed.observe(PerformanceEvent::TimeShift(25).to_id().unwrap());
    assert_eq!(progress_of(&boxed), Some(0.25));
}

#[test]
fn the_observer_sees_every_token_and_may_stop() {
    let sampler = TokenSampler::new(Random, 1.0, 1.0).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut seen = vec![];
    let mut model = Counter::default();
    let generated = generate_tokens(&mut model, &[0], &sampler, &mut Unconstrained, 50, &mut rng, &mut |p| {
        assert_eq!((p.token_budget, p.fraction), (50, None));
        seen.push((p.sampled, p.token));
        if p.sampled == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, [(1, 1), (2, 2), (3, 3)]);
    assert_eq!((generated.tokens, generated.stop), (vec![1, 2, 3], StopReason::Stopped));
}

#[test]
fn what_goes_wrong_is_named() {
    let run = |model: &mut Counter, prompt: &[TokenId]| run(model, prompt, &mut Unconstrained, 5);
    assert!(matches!(run(&mut Counter::default(), &[]), Err(GenerateError::EmptyPrompt)));
    assert!(matches!(
        run(&mut Counter::default(), &[9, 10]),
        Err(GenerateError::UnknownToken { index: 1, token: 10, vocabulary_size: 10 })
    ));
    let failing = run(&mut Counter { fail_at: Some(2), ..Counter::default() }, &[0]).unwrap_err();
    assert!(matches!(failing, GenerateError::Model(OutOfOrder)));
    assert_eq!(std::error::Error::source(&failing).unwrap().to_string(), "out of order");
    assert!(matches!(
        run(&mut Counter { logits: Some(vec![0.0; 9]), ..Counter::default() }, &[0]),
        Err(GenerateError::LogitCount { logits: 9, vocabulary_size: 10 })
    ));
    let nan = Counter { logits: Some(vec![f32::NAN; 10]), ..Counter::default() };
    assert!(matches!(
        run(&mut { nan }, &[0]),
        Err(GenerateError::Sample { position: 0, source: SampleError::NotANumber { index: 0 } })
    ));
    let masked = Counter { logits: Some(vec![f32::NEG_INFINITY; 10]), ..Counter::default() };
    assert!(matches!(
        run(&mut { masked }, &[0]),
        Err(GenerateError::Sample { position: 0, source: SampleError::AllMasked })
    ));
}

/// Likes every performance token as much as the others.
struct Indifferent;

impl TokenModel for Indifferent {
    type Error = std::convert::Infallible;

    fn vocabulary_size(&self) -> usize {
        PerformanceEvent::VOCABULARY_SIZE
    }

    fn reset(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn push(&mut self, _: &[TokenId]) -> Result<&[f32], Self::Error> {
        Ok(&[0.0; PerformanceEvent::VOCABULARY_SIZE])
    }
}

fn extend(seed: u64, token_budget: usize) -> (Generated, Vec<f64>) {
    let held = PerformanceEvent::NoteOn(Pitch::MIDDLE_C);
    let prompt = [PerformanceEvent::Start, held, PerformanceEvent::TimeShift(10)].map(|e| e.to_id().unwrap());
    let limits = PerformanceLimits {
        max_rest: 30,
        max_note_length: 40,
        max_polyphony: 3,
        ..PerformanceLimits::for_duration(300)
    };
    let mut constraints = PerformanceConstraints::new(limits).unwrap().after_prompt(&prompt);
    let sampler = TokenSampler::new(Random, 1.0, 1.0).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut fractions = vec![];
    let generated = generate_tokens(
        &mut Indifferent,
        &prompt,
        &sampler,
        &mut constraints,
        token_budget,
        &mut rng,
        &mut |p| {
            fractions.push(p.fraction.unwrap());
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    (generated, fractions)
}

fn units(tokens: &[TokenId]) -> u64 {
    let shift = |id: &TokenId| match PerformanceEvent::from_id(*id) {
        Some(PerformanceEvent::TimeShift(k)) => u64::from(k),
        _ => 0,
    };
    tokens.iter().map(shift).sum()
}

#[test]
fn an_extension_has_the_duration_asked_for_or_says_why_not() {
    let (full, fractions) = extend(1, 100_000);
    assert_eq!((full.stop, units(&full.tokens)), (StopReason::DurationReached, 300));
    assert_eq!(fractions.len(), full.sampled);
    assert!(fractions.is_sorted() && fractions.last() == Some(&1.0));
    let (short, _) = extend(1, 20);
    assert_eq!((short.stop, short.sampled), (StopReason::TokenBudget, 20));
    assert!(units(&short.tokens) < 300);
    // The same seed gives the same tokens, as far as they go.
    assert_eq!(short.tokens[..19], full.tokens[..19]);
    assert_eq!(extend(1, 100_000).0, full);
    assert_ne!(extend(2, 100_000).0, full);
}

#[test]
fn stop_reasons_have_names() {
    let json = serde_json::to_string(&StopReason::DurationReached).unwrap();
    assert_eq!(json, "\"duration-reached\"");
    assert_eq!(serde_json::from_str::<StopReason>(&json).unwrap(), StopReason::DurationReached);
}
