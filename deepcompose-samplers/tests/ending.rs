//! Endings: what they let through, worked out by hand, and what holds of every model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::ops::ControlFlow;

use deepcompose_core::PerformanceEvent as Event;
use deepcompose_core::{PerformanceClock, PerformanceTokenizer, Pitch, TicksPerQuarter, TokenId, Tokenizer};
use deepcompose_samplers::{
    Constraint, EndingConstraints, FinalNote, PerformanceLimits, SamplingTechnique, StopReason, TokenModel,
    TokenSampler, generate_tokens,
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn on(number: u32) -> Event {
    Event::NoteOn(Pitch::new(number).unwrap())
}

fn off(number: u32) -> Event {
    Event::NoteOff(Pitch::new(number).unwrap())
}

fn ids(events: &[Event]) -> Vec<TokenId> {
    events.iter().map(|e| e.to_id().unwrap()).collect()
}

/// What the mask leaves.
fn open(constraints: &EndingConstraints) -> Vec<Event> {
    let mut logits = vec![0.0; Event::VOCABULARY_SIZE];
    constraints.mask(&mut logits);
    (0..).zip(logits).filter(|(_, logit)| *logit == 0.0).map(|(id, _)| Event::from_id(id).unwrap()).collect()
}

const LAST: FinalNote = FinalNote { onset: 100, length: 24, pitch_class: 0 };

#[test]
fn the_last_note_by_hand() {
    let mut constraints = EndingConstraints::new(PerformanceLimits::for_duration(124), LAST)
        .unwrap()
        .after_prompt(&ids(&[on(62)]));
    let told = ids(&[Event::TimeShift(50), on(67), Event::TimeShift(50)]);
    // Shifts up to the last onset, and none beyond it.
    told[..2].iter().for_each(|token| constraints.observe(*token));
    let shifts = |constraints: &EndingConstraints| {
        open(constraints).into_iter().filter(|e| matches!(e, Event::TimeShift(_))).count()
    };
    assert_eq!(shifts(&constraints), 50);
    constraints.observe(told[2]);
    // 62 and 67 sound; C within eleven semitones of 67 are 60 and 72.
    let of = |constraints: &EndingConstraints| -> Vec<Event> {
        open(constraints).into_iter().filter(|e| !matches!(e, Event::Velocity(_))).collect()
    };
    assert_eq!(of(&constraints), [on(60), on(72), off(62), off(67)]);
    assert_eq!(open(&constraints).len(), 4 + 32);
    // The model is asked what it would have: three ons of equal weight with two that may come.
    let mut logits = vec![f32::NEG_INFINITY; Event::VOCABULARY_SIZE];
    for event in [on(60), on(61), on(72)] {
        logits[event.to_id().unwrap() as usize] = 3.0;
    }
    constraints.mask(&mut logits);
    assert!((constraints.likelihood() - 2.0 / 3.0).abs() < 1e-12);
    constraints.observe(ids(&[Event::Velocity(9)])[0]);
    assert_eq!(open(&constraints), [on(60), on(72)]);
    assert!(!constraints.finished());
    constraints.observe(ids(&[on(60)])[0]);
    assert!(constraints.finished());
    assert_eq!(constraints.progress(), Some(1.0));
    let mut tokens = [told, ids(&[Event::Velocity(9), on(60)])].concat();
    constraints.close(&mut tokens);
    let expected = [
        Event::TimeShift(50),
        on(67),
        Event::TimeShift(50),
        off(62),
        off(67),
        Event::Velocity(9),
        on(60),
        Event::TimeShift(24),
        off(60),
    ];
    assert_eq!(tokens, ids(&expected));
}

#[test]
fn likelihood_is_of_what_may_begin() {
    // 60 sounds where the final note begins, and is the one C within eleven semitones of itself.
    let start = || {
        let mut constraints = EndingConstraints::new(PerformanceLimits::for_duration(124), LAST)
            .unwrap()
            .after_prompt(&ids(&[on(60)]));
        constraints.observe(ids(&[Event::TimeShift(100)])[0]);
        constraints
    };
    let ask = |constraints: &EndingConstraints, said: &[(Event, f32)]| {
        let mut logits = vec![f32::NEG_INFINITY; Event::VOCABULARY_SIZE];
        for (event, logit) in said {
            logits[event.to_id().unwrap() as usize] = *logit;
        }
        constraints.mask(&mut logits);
        constraints.likelihood()
    };
    let mut constraints = start();
    let said = [(on(60), 2.0), (on(61), 2.0), (off(60), 7.0)];
    assert_eq!(ask(&constraints, &said), 0.0);
    // It may begin anew once it has ended.
    constraints.observe(ids(&[off(60)])[0]);
    assert_eq!(ask(&constraints, &said), 0.5);
    // e⁻¹ to 1.
    let share = ask(&constraints, &[(on(60), -1.0), (on(61), 0.0)]);
    assert!((share - 1.0 / (1.0 + std::f64::consts::E)).abs() < 1e-15, "{share}");
    // Where the model says what is no number, nothing is known.
    for wrong in [f32::NAN, f32::INFINITY] {
        let mut constraints = start();
        constraints.observe(ids(&[off(60)])[0]);
        assert_eq!(ask(&constraints, &[(on(60), 1.0), (on(64), wrong)]), 0.0);
    }
    assert_eq!(ask(&start(), &[]), 0.0);
}

#[test]
fn what_cannot_be_is_refused_and_a_class_out_of_range_replaced() {
    let limits = || PerformanceLimits { max_note_length: 20, ..PerformanceLimits::for_duration(200) };
    for (last, message) in [
        (FinalNote { onset: 0, length: 10, ..LAST }, "onset of the final note 0"),
        (FinalNote { length: 0, ..LAST }, "length of the final note 0"),
        (FinalNote { length: 21, ..LAST }, "length of the final note 21"),
        (FinalNote { length: 10, pitch_class: 12, ..LAST }, "pitch class 12"),
    ] {
        let error = EndingConstraints::new(limits(), last).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let pitches = Pitch::new(61).unwrap()..=Pitch::new(62).unwrap();
    let narrow = PerformanceLimits { pitch_range: pitches, ..PerformanceLimits::for_duration(9) };
    let last = FinalNote { onset: 1, length: 1, pitch_class: 0 };
    let mut constraints = EndingConstraints::new(narrow, last).unwrap();
    constraints.observe(ids(&[Event::TimeShift(1)])[0]);
    assert_eq!(open(&constraints).into_iter().filter(|e| matches!(e, Event::NoteOn(_))).count(), 2);
}

#[test]
fn limits_and_final_notes_come_back_from_json() {
    let last: FinalNote = serde_json::from_str(r#"{"onset":100,"length":24,"pitch_class":0}"#).unwrap();
    assert_eq!(last, LAST);
    assert_eq!(serde_json::from_str::<FinalNote>(&serde_json::to_string(&last).unwrap()).unwrap(), last);
    let limits = PerformanceLimits { max_rest: 7, ..PerformanceLimits::for_duration(u32::MAX) };
    let json = serde_json::to_string(&limits).unwrap();
    assert!(json.contains(r#""pitch_range":{"start":21,"end":108}"#), "{json}");
    assert_eq!(serde_json::from_str::<PerformanceLimits>(&json).unwrap(), limits);
    // What is out of range is refused where it is used.
    let wrong: FinalNote = serde_json::from_str(r#"{"onset":0,"length":24,"pitch_class":0}"#).unwrap();
    assert!(EndingConstraints::new(limits, wrong).is_err());
}

/// Logits at random.
struct Noise(ChaCha8Rng, Vec<f32>);

impl TokenModel for Noise {
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        Event::VOCABULARY_SIZE
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn push(&mut self, _tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        let rng = &mut self.0;
        self.1 = (0..Event::VOCABULARY_SIZE).map(|_| rng.random_range(-8.0..8.0)).collect();
        Ok(&self.1)
    }
}

proptest! {
    #[test]
    fn every_continuation_ends_on_its_last_note(
        seed in any::<u64>(),
        onset in 1_u32..300,
        length in 1_u32..150,
        pitch_class in 0_u8..12,
        max_rest in 0_u32..60,
        polyphony in 1_usize..4,
    ) {
        let limits = PerformanceLimits {
            max_rest,
            max_note_length: length.max(40),
            max_polyphony: polyphony,
            ..PerformanceLimits::for_duration(onset + length)
        };
        let prompt = ids(&[Event::Velocity(16), on(64), Event::TimeShift(12)]);
        let last = FinalNote { onset, length, pitch_class };
        let mut constraints = EndingConstraints::new(limits, last).unwrap().after_prompt(&prompt);
        let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0).unwrap();
        let mut model = Noise(ChaCha8Rng::seed_from_u64(seed), Vec::new());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let made = generate_tokens(&mut model, &prompt, &sampler, &mut constraints, 65_536, &mut rng, &mut |_| {
            ControlFlow::Continue(())
        }).unwrap();
        prop_assert_eq!(made.stop, StopReason::DurationReached);
        let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
        let whole: Vec<TokenId> = prompt.iter().chain(&made.tokens).copied().collect();
        prop_assert!(whole.windows(2).all(|pair| tokenizer.may_follow(
            tokenizer.token_type(pair[0]).unwrap(),
            tokenizer.token_type(pair[1]).unwrap(),
        )));
        let (notes, report) = tokenizer.decode_notes(&whole, TicksPerQuarter::saturating(PerformanceClock::METRIC_UNITS_PER_QUARTER.into()));
        prop_assert_eq!(report, deepcompose_core::DecodeReport::default());
        let final_note = notes.iter().max_by_key(|n| n.start).unwrap();
        prop_assert_eq!(final_note.start.get(), 12 + onset);
        prop_assert_eq!(final_note.duration.get(), length);
        prop_assert_eq!(final_note.pitch.get() % 12, pitch_class);
        prop_assert_eq!(notes.iter().filter(|n| n.start == final_note.start).count(), 1);
        // All else has ended by then.
        prop_assert!(notes.iter().all(|n| n == final_note || n.end() <= final_note.start));
        prop_assert!((0.0..=1.0).contains(&constraints.likelihood()));
    }
}
