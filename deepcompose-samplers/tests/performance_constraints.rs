//! Performance constraints: hand-worked masks, and invariants under random and hostile models.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::RangeInclusive;

use deepcompose_core::PerformanceEvent as Event;
use deepcompose_core::{PerformanceClock, PerformanceTokenizer, Pitch, TokenId, TokenType, Tokenizer};
use deepcompose_samplers::{
    Constraint, PerformanceConstraints, PerformanceLimits, SamplerError, SamplingTechnique, TokenSampler,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn pitch(number: u8) -> Pitch {
    Pitch::new(number.into()).unwrap()
}

fn on(number: u8) -> Event {
    Event::NoteOn(pitch(number))
}

fn off(number: u8) -> Event {
    Event::NoteOff(pitch(number))
}

use Event::{TimeShift as Shift, Velocity};

fn ids(events: &[Event]) -> Vec<TokenId> {
    events.iter().map(|e| e.to_id().unwrap()).collect()
}

fn after(limits: PerformanceLimits, events: &[Event]) -> PerformanceConstraints {
    let mut constraints = PerformanceConstraints::new(limits).unwrap();
    for (event, id) in events.iter().zip(ids(events)) {
        assert!(constraints.allows(*event), "{event}");
        constraints.observe(id);
    }
    constraints
}

/// Note-ons, note-offs, longest time shift, number of velocities.
type Open = (Vec<u8>, Vec<u8>, u8, usize);

/// What the mask leaves.
fn open(constraints: &PerformanceConstraints) -> Open {
    let mut logits = vec![0.0; Event::VOCABULARY_SIZE + 3];
    constraints.mask(&mut logits);
    let (mut ons, mut offs, mut shifts, mut velocities) = (vec![], vec![], vec![], 0);
    for (id, logit) in (0..).zip(logits) {
        let event = Event::from_id(id);
        assert_eq!(logit == 0.0, event.is_some_and(|e| constraints.allows(e)));
        if logit == 0.0 {
            match event.unwrap() {
                Event::NoteOn(p) => ons.push(p.get()),
                Event::NoteOff(p) => offs.push(p.get()),
                Event::TimeShift(k) => shifts.push(k),
                Event::Velocity(_) => velocities += 1,
                other => panic!("{other} may never come"),
            }
        }
    }
    // The shifts that are open are the short ones.
    assert!(shifts.iter().copied().eq(1..=shifts.len() as u8));
    (ons, offs, shifts.len() as u8, velocities)
}

fn limits() -> PerformanceLimits {
    PerformanceLimits {
        duration: 1000,
        max_rest: 50,
        max_note_length: 80,
        pitch_range: pitch(60)..=pitch(63),
        max_polyphony: 2,
        rest_so_far: 30,
    }
}

#[test]
fn masks_worked_out_by_hand() {
    let cases: &[(&[Event], Open)] = &[
        // 30 of 50 units of silence have passed.
        (&[], (vec![60, 61, 62, 63], vec![], 20, 32)),
        (&[Shift(15)], (vec![60, 61, 62, 63], vec![], 5, 32)),
        (&[Shift(15), Shift(5)], (vec![60, 61, 62, 63], vec![], 0, 32)),
        // A velocity waits for a note.
        (&[Velocity(3)], (vec![60, 61, 62, 63], vec![], 0, 0)),
        (&[Velocity(3), on(60)], (vec![61, 62, 63], vec![], 80, 32)),
        // A note does not end where it begins.
        (&[on(60), Shift(1)], (vec![61, 62, 63], vec![60], 79, 32)),
        // Two voices are all there may be, so there is no use for a velocity.
        // And at one time notes end before others begin.
        (&[on(60), Shift(50), on(62)], (vec![], vec![], 30, 0)),
        (&[on(60), Shift(50), on(62), Shift(30)], (vec![], vec![60, 62], 0, 0)),
        // What is as long as it may be has to end before anything else.
        (&[on(60), Shift(80)], (vec![], vec![60], 0, 0)),
        (&[on(60), Shift(80), off(60)], (vec![60, 61, 62, 63], vec![], 50, 32)),
        // A pitch may begin again where it ended, once.
        (&[on(60), Shift(50), off(60)], (vec![60, 61, 62, 63], vec![], 50, 32)),
        (&[on(60), Shift(50), off(60), on(60)], (vec![61, 62, 63], vec![], 80, 32)),
        // Silence counts from the last note's end.
        (
            &[on(60), Shift(9), off(60), on(61), Shift(5), off(61), Shift(7)],
            (vec![60, 61, 62, 63], vec![], 43, 32),
        ),
    ];
    for (events, expected) in cases {
        assert_eq!(&open(&after(limits(), events)), expected, "{events:?}");
    }
}

#[test]
fn time_shifts_stop_at_the_end() {
    let limits = PerformanceLimits { duration: 130, ..PerformanceLimits::for_duration(130) };
    assert_eq!(open(&after(limits.clone(), &[])).2, 100);
    assert_eq!(open(&after(limits.clone(), &[Shift(31)])).2, 99);
    let end = after(limits, &[on(60), Shift(30), on(72), Shift(100)]);
    assert!(end.finished());
    assert_eq!(end.progress(), Some(1.0));
    assert_eq!(end.elapsed(), 130);
    // Only what sounds may still end, and closing ends it.
    assert_eq!(open(&end), (vec![], vec![60, 72], 0, 0));
    let mut tokens = ids(&[Shift(100)]);
    end.close(&mut tokens);
    assert_eq!(tokens, ids(&[Shift(100), off(60), off(72)]));
}

#[test]
fn a_longer_shift_hands_on_numbers_alone() {
    let constraints = after(limits(), &[]);
    let place = |units: u8| Shift(units).to_id().unwrap() as usize;
    for wrong in [f32::INFINITY, f32::NAN] {
        let mut logits = vec![0.0; Event::VOCABULARY_SIZE];
        (logits[place(30)], logits[place(40)]) = (wrong, 3.0);
        constraints.mask(&mut logits);
        // Twenty units of silence are left: that shift has the logit of the likeliest longer one.
        assert_eq!(logits[place(20)], 3.0);
        assert_eq!([logits[place(30)], logits[place(40)]], [f32::NEG_INFINITY; 2]);
        // What may come is for the sampler to refuse.
        logits[place(20)] = wrong;
        constraints.mask(&mut logits);
        assert_eq!(logits[place(20)].to_bits(), wrong.to_bits());
    }
}

#[test]
fn the_last_silence_counts_as_a_rest() {
    let limits = PerformanceLimits { max_rest: 10, ..PerformanceLimits::for_duration(100) };
    let c = after(limits.clone(), &[on(60), Shift(85), off(60)]);
    assert_eq!(open(&c).2, 10);
    let c = after(limits, &[on(60), Shift(95), off(60)]);
    assert_eq!(open(&c).2, 5);
}

#[test]
fn closing_early_leaves_whole_notes_and_no_velocity() {
    let c = after(limits(), &[on(60), Shift(9), Velocity(4)]);
    let mut tokens = ids(&[on(60), Shift(9), Velocity(4)]);
    c.close(&mut tokens);
    assert_eq!(tokens, ids(&[on(60), Shift(9), off(60)]));
    // What has just begun gets a unit.
    let c = after(limits(), &[on(63), Shift(79), on(61)]);
    let mut tokens = vec![];
    c.close(&mut tokens);
    assert_eq!(tokens, ids(&[Shift(1), off(61), off(63)]));
    // An onset forced upon a note that is as long as it may be: that one cannot wait.
    let mut c = after(limits(), &[on(63), Shift(80)]);
    c.observe(on(61).to_id().unwrap());
    let mut tokens = vec![];
    c.close(&mut tokens);
    assert_eq!(tokens, ids(&[off(63), Shift(1), off(61)]));
    let mut tokens = vec![];
    after(limits(), &[]).close(&mut tokens);
    assert!(tokens.is_empty());
}

#[test]
fn a_prompt_is_carried_on() {
    let start = |prompt: &[Event]| {
        let limits = PerformanceLimits { rest_so_far: 0, ..limits() };
        PerformanceConstraints::new(limits).unwrap().after_prompt(&ids(prompt))
    };
    // 35 units of silence; time is counted from the end of the prompt.
    let c = start(&[Event::Start, Velocity(20), on(70), Shift(40), off(70), Shift(35)]);
    assert_eq!(open(&c), (vec![60, 61, 62, 63], vec![], 15, 32));
    assert_eq!(c.elapsed(), 0);
    // A held note is as long as it is; it need not be in the pitch range.
    let c = start(&[on(70), Shift(45)]);
    assert_eq!(open(&c), (vec![60, 61, 62, 63], vec![70], 35, 32));
    // One too long already must end before time passes.
    let c = start(&[on(70), Shift(100)]);
    assert_eq!(open(&c), (vec![], vec![70], 0, 0));
    // A rest too long already must end as well.
    let c = start(&[on(70), Shift(1), off(70), Shift(60)]);
    assert_eq!(open(&c), (vec![60, 61, 62, 63], vec![], 0, 32));
    // A velocity at the end waits, unless no note can follow it.
    assert_eq!(open(&start(&[Velocity(1)])), (vec![60, 61, 62, 63], vec![], 0, 0));
    let c = start(&[on(70), on(71), Shift(5), Velocity(1)]);
    assert_eq!(open(&c), (vec![], vec![70, 71], 75, 0));
    // A duration of 0 is over at once.
    let c = PerformanceConstraints::new(PerformanceLimits::for_duration(0)).unwrap();
    assert!(c.finished() && c.progress() == Some(1.0));
}

#[test]
fn events_without_an_id_are_never_allowed() {
    let c = after(PerformanceLimits::for_duration(1000), &[]);
    for event in [Shift(0), Shift(101), Velocity(32), on(20), on(109), off(20), Event::Start, Event::Pad] {
        assert!(!c.allows(event), "{event}");
    }
}

#[test]
fn limits_outside_their_ranges_are_refused() {
    let refused = |limits| PerformanceConstraints::new(limits).unwrap_err();
    let field = |limits| match refused(limits) {
        SamplerError::OutOfRange { field, .. } => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(PerformanceLimits { max_note_length: 0, ..limits() }), "maximum note length");
    assert_eq!(field(PerformanceLimits { max_polyphony: 0, ..limits() }), "polyphony");
    for (low, high) in [(61, 60), (20, 60), (60, 109)] {
        let limits = PerformanceLimits { pitch_range: pitch(low)..=pitch(high), ..limits() };
        let expected = SamplerError::PitchRange { low, high, min: 21, max: 108 };
        assert_eq!(refused(limits), expected);
    }
}

/// The tokenizer finds nothing to repair, and its graph of token types allows every neighbour. A
/// velocity is followed by a note.
fn assert_grammatical(tokens: &[TokenId]) {
    let tokenizer = PerformanceTokenizer::new(PerformanceClock::Metric);
    let repairs = tokenizer.decode(tokens).repairs;
    assert!(repairs.is_clean(), "{repairs:?}");
    for pair in tokens.windows(2) {
        let [before, after] = [pair[0], pair[1]].map(|t| tokenizer.token_type(t).unwrap());
        assert!(tokenizer.may_follow(before, after), "{after:?} after {before:?}");
        assert!(before != TokenType::Velocity || after == TokenType::NoteOn);
    }
    assert!(tokens.last().is_none_or(|t| !Event::VELOCITY_IDS.contains(t)));
}

/// What a decoder makes of the tokens: notes as (pitch, onset, end), and the time at the end.
fn decode(tokens: &[TokenId]) -> (Vec<(u8, u64, u64)>, u64) {
    let (mut notes, mut now) = (vec![], 0);
    let mut sounding: Vec<(u8, u64)> = vec![];
    for event in tokens.iter().map(|id| Event::from_id(*id).unwrap()) {
        match event {
            Event::NoteOn(p) => {
                assert!(sounding.iter().all(|(q, _)| *q != p.get()), "{p} sounds already");
                sounding.push((p.get(), now));
            }
            Event::NoteOff(p) => {
                let at = sounding.iter().position(|(q, _)| *q == p.get()).expect("a note to end");
                let (p, onset) = sounding.remove(at);
                notes.push((p, onset, now));
            }
            Event::TimeShift(k) => now += u64::from(k),
            Event::Velocity(_) => {}
            other => panic!("{other}"),
        }
    }
    assert!(sounding.is_empty(), "{sounding:?} never end");
    notes.sort_by_key(|n| (n.1, n.0));
    (notes, now)
}

/// The lengths of the silences, the first counted from `rest_so_far` before the beginning.
fn silences(notes: &[(u8, u64, u64)], end: u64, rest_so_far: u64) -> Vec<u64> {
    // On a clock on which the silence before generation begins at 0.
    let shift = rest_so_far;
    let mut sounded_until = 0;
    let mut silences = vec![];
    for (_, onset, note_end) in notes {
        silences.push((onset + shift).saturating_sub(sounded_until));
        sounded_until = sounded_until.max(note_end + shift);
    }
    silences.push((end + shift).saturating_sub(sounded_until));
    silences
}

/// How a hostile model weighs the kinds of event: note-on, note-off, time shift, velocity, special.
fn model_logits(step: u64, kinds: [f32; 5], slope: f32, noise: f32) -> Vec<f32> {
    (0..Event::VOCABULARY_SIZE as u64)
        .map(|id| {
            let (kind, offset) = match Event::from_id(id as TokenId).unwrap() {
                Event::NoteOn(p) => (0, p.get()),
                Event::NoteOff(p) => (1, p.get()),
                Event::TimeShift(k) => (2, k),
                Event::Velocity(b) => (3, b),
                _ => (4, 0),
            };
            let hash = (id + 1).wrapping_mul(step.wrapping_add(77).wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 40;
            kinds[kind] + slope * f32::from(offset) + noise * (hash % 1000) as f32 / 1000.0
        })
        .collect()
}

fn any_limits() -> impl Strategy<Value = PerformanceLimits> {
    let length = || prop_oneof![1 => Just(1_u32), 4 => 1_u32..60, 1 => Just(u32::MAX)];
    let range: BoxedStrategy<RangeInclusive<Pitch>> =
        (21_u8..=108, 21_u8..=108).prop_map(|(a, b)| pitch(a.min(b))..=pitch(a.max(b))).boxed();
    (0_u32..250, prop_oneof![1 => Just(0_u32), 1 => length()], length(), range, 1_usize..100, 0_u32..80)
        .prop_map(|(duration, max_rest, max_note_length, pitch_range, max_polyphony, rest_so_far)| {
            PerformanceLimits { duration, max_rest, max_note_length, pitch_range, max_polyphony, rest_so_far }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_model_is_led_to_the_end_within_the_limits(
        limits in any_limits(),
        kinds in prop::array::uniform5(prop_oneof![2 => -3.0_f32..3.0, 1 => Just(90.0_f32), 1 => Just(-90.0_f32)]),
        slope in prop_oneof![2 => Just(0.0_f32), 1 => -2.0_f32..2.0],
        noise in 0.0_f32..8.0,
        seed: u64,
    ) {
        let mut constraints = PerformanceConstraints::new(limits.clone()).unwrap();
        let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut tokens = vec![];
        let mut without_time = 0;
        while !constraints.finished() {
            let mut logits = model_logits(tokens.len() as u64, kinds, slope, noise);
            constraints.mask(&mut logits);
            // A dead end would be an error here.
            let token = sampler.sample(&logits, &mut rng).unwrap();
            constraints.observe(token);
            tokens.push(token);
            without_time = if Event::TIME_SHIFT_IDS.contains(&token) { 0 } else { without_time + 1 };
            prop_assert!(without_time <= 264);
            let time = constraints.elapsed();
            prop_assert!(tokens.len() as u64 <= 265 * (time + 1));
        }
        constraints.close(&mut tokens);
        assert_grammatical(&tokens);

        let (notes, end) = decode(&tokens);
        prop_assert_eq!(end, u64::from(limits.duration));
        for (p, onset, note_end) in &notes {
            prop_assert!(note_end > onset);
            prop_assert!(note_end - onset <= u64::from(limits.max_note_length));
            prop_assert!(limits.pitch_range.contains(&pitch(*p)));
            let together = notes.iter().filter(|n| n.1 <= *onset && n.2 > *onset).count();
            prop_assert!(together <= limits.max_polyphony);
        }
        // A silence that was too long before generation began may only not get longer.
        let longest = u64::from(limits.max_rest.max(limits.rest_so_far));
        for (index, silence) in silences(&notes, end, limits.rest_so_far.into()).into_iter().enumerate() {
            let limit = if index == 0 { longest } else { limits.max_rest.into() };
            prop_assert!(silence <= limit);
        }
    }

    #[test]
    fn any_tokens_leave_a_way_on(
        limits in any_limits(),
        prompt in prop::collection::vec(0_u32..320, 0..200),
        forced in prop::collection::vec(0_u32..320, 0..200),
    ) {
        let mut constraints = PerformanceConstraints::new(limits.clone()).unwrap().after_prompt(&prompt);
        prop_assert_eq!(constraints.elapsed(), 0);
        for token in forced {
            if constraints.finished() {
                break;
            }
            let mut logits = vec![0.0; Event::VOCABULARY_SIZE];
            constraints.mask(&mut logits);
            prop_assert!(logits.contains(&0.0));
            constraints.observe(token);
        }
    }

    #[test]
    fn stopping_anywhere_leaves_whole_notes(limits in any_limits(), length in 0_usize..60, seed: u64) {
        let mut constraints = PerformanceConstraints::new(limits.clone()).unwrap();
        let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut tokens = vec![];
        while tokens.len() < length && !constraints.finished() {
            let mut logits = model_logits(tokens.len() as u64, [0.0; 5], 0.0, 8.0);
            constraints.mask(&mut logits);
            let token = sampler.sample(&logits, &mut rng).unwrap();
            constraints.observe(token);
            tokens.push(token);
        }
        constraints.close(&mut tokens);
        assert_grammatical(&tokens);
        let (notes, end) = decode(&tokens);
        prop_assert!(end <= u64::from(limits.duration));
        for (_, onset, note_end) in notes {
            prop_assert!(note_end > onset && note_end - onset <= u64::from(limits.max_note_length));
        }
    }
}

#[test]
fn a_longer_wait_is_cut_to_what_is_left() {
    // Ten units are left, and a note sounds.
    let constraints = after(limits(), &[on(60), Shift(80), off(60), on(61), Shift(80), off(61)]);
    let duration = PerformanceLimits { duration: 170, ..limits() };
    let near = PerformanceConstraints::new(duration).unwrap();
    let near = ids(&[on(60), Shift(80), off(60), on(61), Shift(80)]).iter().fold(near, |mut c, id| {
        c.observe(*id);
        c
    });
    let mut logits: Vec<f32> = vec![-9.0; Event::VOCABULARY_SIZE];
    let place = |event: Event| event.to_id().unwrap() as usize;
    (logits[place(Shift(4))], logits[place(Shift(24))], logits[place(on(62))]) = (-3.0, 5.0, 1.0);
    let mut cut = logits.clone();
    // 61 is due, so no time may pass: nothing to cut to.
    near.mask(&mut cut);
    assert!((1..=100).all(|units| cut[place(Shift(units))] == f32::NEG_INFINITY));
    // It is silent for at most 50 units.
    let mut cut = logits.clone();
    constraints.mask(&mut cut);
    assert_eq!((cut[place(Shift(50))], cut[place(Shift(24))], cut[place(Shift(4))]), (-9.0, 5.0, -3.0));
    let mut near = near;
    near.observe(ids(&[off(61)])[0]);
    let mut cut = logits.clone();
    near.mask(&mut cut);
    assert_eq!((cut[place(Shift(10))], cut[place(Shift(9))], cut[place(Shift(4))]), (5.0, -9.0, -3.0));
    assert_eq!(cut[place(Shift(11))], f32::NEG_INFINITY);
    // No number is made of what is none.
    logits[place(Shift(30))] = f32::NAN;
    near.mask(&mut logits);
    assert_eq!(logits[place(Shift(10))], 5.0);
}
