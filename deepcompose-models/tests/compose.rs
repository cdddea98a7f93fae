//! Enhance and extend with models of known behaviour: what they do to the notes of a score.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::ops::ControlFlow;

use deepcompose_core::{
    At, Note, Pitch, Program, Score, Tempo, TempoMap, Tick, TicksPerQuarter, TimeSignature, Track, Velocity,
};
use deepcompose_models::compose::{
    ArCnnParams, ComposeError, NotesToAdd, TrackSelection, TransformerParams, enhance, extend, extend_several,
};
use deepcompose_samplers::{EditModel, EditUnit, ForkModel, StopReason, TokenBatch, TokenId, TokenModel};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Wants the roll to be as it says: flips a wrong cell, and when there is none, whatever it may.
struct Wants(Vec<(usize, usize, bool)>);

impl EditModel for Wants {
    type Error = Infallible;

    fn window_steps(&self) -> usize {
        32
    }

    fn edit_logits(&self, roll: ArrayView2<'_, bool>) -> Result<Array2<f32>, Infallible> {
        let mut logits = Array2::from_elem(roll.dim(), f32::NEG_INFINITY);
        for (step, pitch, on) in &self.0 {
            if roll[[*step, *pitch]] != *on {
                logits[[*step, *pitch]] = 0.0;
            }
        }
        Ok(logits)
    }
}

fn note(start: u32, duration: u32, pitch: u32, velocity: u32) -> Note {
    Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(duration).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::new(velocity).unwrap(),
    }
}

/// 480 ticks a quarter, so a sixteenth is 120 ticks.
fn melody(notes: Vec<Note>) -> Score {
    let mut score = Score::new(TicksPerQuarter::DEFAULT);
    score.set_tempo_map(TempoMap::new(vec![
        At { tick: Tick::ZERO, value: Tempo::from_bpm(90.0).unwrap() },
        At { tick: Tick::new(1000).unwrap(), value: Tempo::from_bpm(75.0).unwrap() },
    ]));
    score.push_track(Track::new("Melody", Program::new(73).unwrap()).with_notes(notes));
    score
}

fn run_enhance(score: &Score, wants: &[(usize, usize, bool)], params: &ArCnnParams) -> Vec<Note> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let model = Wants(wants.to_vec());
    let made = enhance(&model, score, params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(made.score.tempo_map(), score.tempo_map());
    assert_eq!(made.score.tracks()[0].program(), score.tracks()[0].program());
    made.score.tracks()[0].notes().to_vec()
}

fn all() -> ArCnnParams {
    ArCnnParams { maximum_input_notes_to_remove: 100.0, ..ArCnnParams::default() }
}

#[test]
fn notes_that_are_not_edited_stay_to_the_tick() {
    // Off the grid, and repeated without a gap.
    let notes = vec![note(7, 470, 60, 99), note(477, 480, 60, 45), note(961, 130, 64, 80)];
    assert_eq!(run_enhance(&melody(notes.clone()), &[], &all()), notes);
    let added = run_enhance(&melody(notes.clone()), &[(6, 67, true)], &all());
    // The velocity is that of the note that begins nearest to tick 720: the one at 961.
    assert_eq!(added[3], note(961, 130, 64, 80));
    assert_eq!(added[2], note(720, 120, 67, 80));
    assert_eq!(added[..2], notes[..2]);
}

#[test]
fn removed_cells_cut_a_note_and_keep_its_ends() {
    let input = melody(vec![note(10, 940, 60, 99), note(960, 480, 62, 80)]);
    let cut = run_enhance(&input, &[(3, 60, false)], &all());
    // Steps 0..8 are sounding; step 3 is ticks 360..480.
    assert_eq!(cut, [note(10, 350, 60, 99), note(480, 470, 60, 99), note(960, 480, 62, 80)]);
    let gone = run_enhance(&input, &[8, 9, 10, 11].map(|s| (s, 62, false)), &all());
    assert_eq!(gone, [note(10, 940, 60, 99)]);
}

#[test]
fn cells_right_after_a_note_lengthen_it_and_cells_before_a_note_lead_to_it() {
    let input = melody(vec![note(0, 480, 60, 99), note(960, 480, 62, 80)]);
    let edits = [(4, 60, true), (5, 60, true), (6, 62, true), (7, 62, true)];
    let made = run_enhance(&input, &edits, &all());
    assert_eq!(made, [note(0, 720, 60, 99), note(720, 240, 62, 80), note(960, 480, 62, 80)]);
}

#[test]
fn budgets_hold() {
    let input = melody(vec![note(0, 1920, 60, 99)]);
    let edits: Vec<_> = (0..16).flat_map(|s| [(s, 60, false), (s, 64, true)]).collect();
    let params = ArCnnParams {
        maximum_input_notes_to_remove: 26.0,
        maximum_notes_to_add: NotesToAdd::Count(3),
        unit: EditUnit::Cell,
        ..ArCnnParams::default()
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let made = enhance(&Wants(edits), &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
    // 26 % of 16 cells, rounded down.
    assert_eq!((made.summary.cells_removed, made.summary.cells_added), (4, 3));
    let stopped =
        enhance(&Wants(vec![(0, 64, true)]), &input, &params, &mut rng, &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap().summary.stop, StopReason::Stopped);
}

#[test]
fn a_pass_may_add_a_whole_note() {
    let input = melody(vec![note(0, 1920, 60, 99)]);
    let edits = [4, 5, 6, 7].map(|s| (s, 64, true));
    let passes = |unit, count| ArCnnParams {
        maximum_notes_to_add: NotesToAdd::Count(count),
        sampling_iterations: 1,
        unit,
        ..ArCnnParams::default()
    };
    let run = EditUnit::Run { margin: 1.0, longest: 16, shortest: 1 };
    assert_eq!(run_enhance(&input, &edits, &passes(run, 4))[1..], [note(480, 480, 64, 99)]);
    let total = |notes: Vec<Note>| notes[1..].iter().map(|n| n.duration.get()).sum::<u32>();
    // There is no room for all of it.
    assert_eq!(total(run_enhance(&input, &edits, &passes(run, 3))), 0);
    assert_eq!(total(run_enhance(&input, &edits, &passes(EditUnit::Cell, 4))), 120);
    let refused = ArCnnParams { annealing: 0.0, ..all() }.validate().unwrap_err().to_string();
    assert!(refused.starts_with("annealing 0"), "{refused}");
}

#[test]
fn other_tracks_are_kept_and_new_notes_find_their_track() {
    let mut input = melody(vec![note(0, 480, 72, 99)]);
    let bass = Track::new("Bass", Program::new(32).unwrap()).with_notes(vec![note(0, 480, 40, 60)]);
    let drums = Track::drums("Drums", Program::MIN).with_notes(vec![note(0, 120, 36, 60)]);
    input.push_track(bass.clone());
    input.push_track(drums.clone());
    let edits = [(2, 41, true), (2, 74, true)];
    let run = |track| {
        let params = ArCnnParams { track, ..all() };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        enhance(&Wants(edits.to_vec()), &input, &params, &mut rng, &mut |_| ControlFlow::Continue(()))
            .unwrap()
    };
    let one = run(TrackSelection::Index(0));
    assert_eq!(one.tracks()[1..], [bass, drums.clone()]);
    assert_eq!(one.tracks()[0].notes().len(), 3);
    let both = run(TrackSelection::All);
    assert_eq!(both.tracks()[0].notes(), [note(0, 480, 72, 99), note(240, 120, 74, 99)]);
    assert_eq!(both.tracks()[1].notes(), [note(0, 480, 40, 60), note(240, 120, 41, 60)]);
    assert_eq!(both.tracks()[2], drums);
}

#[test]
fn input_that_cannot_be_worked_on_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut run = |score: &Score, params: &ArCnnParams| {
        enhance(&Wants(vec![]), score, params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap_err()
    };
    assert!(matches!(run(&Score::default(), &all()), ComposeError::NoNotes { .. }));
    let mut drums = Score::default();
    drums.push_track(Track::drums("Kit", Program::MIN).with_notes(vec![note(0, 10, 36, 60)]));
    assert!(matches!(run(&drums, &all()), ComposeError::NoNotes { .. }));
    let chosen = ArCnnParams { track: TrackSelection::Index(0), ..all() };
    assert!(matches!(run(&drums, &chosen), ComposeError::Drums(0)));
    let absent = ArCnnParams { track: TrackSelection::Index(7), ..all() };
    assert!(matches!(run(&drums, &absent), ComposeError::Score(_)));
    // A note at the end of time: longer than a piano roll may be.
    let endless = melody(vec![note(0, 10, 60, 60), note(Tick::MAX.get() - 10, 10, 60, 60)]);
    assert!(matches!(run(&endless, &all()), ComposeError::Score(_)));
    let params = ArCnnParams { creative_risk: f64::NAN, ..all() };
    let message = run(&melody(vec![note(0, 10, 60, 60)]), &params).to_string();
    assert_eq!(message, "creative_risk NaN is out of range: a finite number above 0 is accepted");
}

/// Likes every token as well as the others.
struct Dice;

impl TokenModel for Dice {
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        310
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn push(&mut self, _tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        Ok(&[0.0; 310])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn extensions_keep_the_input_and_every_limit(
        seed in 0_u64..1000,
        tpq in prop_oneof![Just(480_u32), Just(96), Just(24), Just(10), 1_u32..1000],
        bpm in 30.0_f64..250.0,
        seconds in 0.5_f64..8.0,
        max_rest in 0.0_f64..2.0,
        max_length in 0.3_f64..3.0,
        numerator in 2_u32..8,
    ) {
        let quarter = tpq;
        let mut input = Score::new(TicksPerQuarter::new(tpq).unwrap());
        input.set_tempo_map(TempoMap::new(vec![
            At { tick: Tick::ZERO, value: Tempo::from_bpm(100.0).unwrap() },
            At { tick: Tick::new(quarter).unwrap(), value: Tempo::from_bpm(bpm).unwrap() },
        ]));
        let metre = TimeSignature::new(numerator, 4).unwrap();
        input.set_time_signatures(vec![At { tick: Tick::ZERO, value: metre }]);
        let notes = (0..4).map(|i| note(i * quarter, quarter, 60 + i, 99)).collect();
        input.push_track(Track::new("Melody", Program::MIN).with_notes(notes));
        let params = TransformerParams {
            track_extension_duration: seconds,
            maximum_rest_time: max_rest,
            maximum_note_length: max_length,
            token_budget: 65_536,
            ..TransformerParams::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let made = extend(&mut Dice, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
        prop_assert_eq!(made.summary.stop, StopReason::DurationReached);
        prop_assert_eq!(made.summary.notes_removed, 0);
        let (old, new) = made.tracks()[0].notes().split_at(4);
        prop_assert_eq!(old, input.tracks()[0].notes());

        let at = |tick: Tick| made.seconds_at(tick);
        // The smallest time that can be said: a tick, and a unit of a 48th of a quarter.
        let tick = 60.0 / bpm / f64::from(tpq);
        let unit = 60.0 / bpm / 48.0;
        let from = input.end();
        let mut silent_since = from;
        for n in new {
            prop_assert!(n.start >= from);
            let length = at(n.end()) - at(n.start);
            prop_assert!(length <= max_length.max(tick).max(unit) + 1e-9, "note of {length} s");
            let rest = at(n.start) - at(silent_since.min(n.start));
            prop_assert!(rest <= max_rest.max(0.0) + 1e-9, "rest of {rest} s");
            silent_since = silent_since.max(n.end());
        }
        // The last beat in that time, if there is one: the input is of four.
        let beat = 60.0 / bpm;
        let beats = (seconds / beat + 1e-6).floor();
        let end = at(from) + if beats > 0.0 { beats * beat } else { seconds };
        prop_assert!(at(made.end()) <= end + unit.max(tick) + 1e-9);
        prop_assert!(end - at(made.end()) <= max_rest + unit + tick + 1e-9);
    }
}

#[test]
fn an_extension_ends_with_a_beat_of_its_metre() {
    // An eighth is half a second at this tempo; the input ends a sixteenth before the fourth one of its second bar. 0.2 seconds are 9.6 units of
    // ten ticks, and no beat.
    let mut input = Score::new(TicksPerQuarter::DEFAULT);
    input.set_tempo_map(TempoMap::new(vec![At { tick: Tick::ZERO, value: Tempo::from_bpm(60.0).unwrap() }]));
    input.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(6, 8).unwrap() }]);
    input.push_track(Track::new("Melody", Program::MIN).with_notes(vec![note(0, 1440 + 840, 60, 99)]));
    for (seconds, end) in [(0.2, 1440 + 840 + 90), (0.3, 1440 + 960), (0.7, 1440 + 960), (0.8, 1440 + 1200)] {
        let params = TransformerParams {
            track_extension_duration: seconds,
            maximum_rest_time: 0.0,
            token_budget: 65_536,
            ..TransformerParams::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let made = extend(&mut Dice, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(made.end().get(), end, "{seconds} s");
    }
}

#[test]
fn phrases_begin_as_they_did_before() {
    // Eight bars of 4/4, no two bars alike.
    let pitch = |i: u32| 60 + (i * i + 3 * i) % 17;
    let notes: Vec<Note> = (0..32).map(|i| note(i * 480, 480, pitch(i), 99)).collect();
    let mut input = Score::new(TicksPerQuarter::DEFAULT);
    input.push_track(Track::new("Melody", Program::MIN).with_notes(notes.clone()));
    let extended = |repetition: f64| {
        let params = TransformerParams {
            track_extension_duration: 16.0,
            // A preference of 5 nats is one of 50.
            creative_risk: 0.1,
            sampling_threshold: 1.0,
            repetition,
            token_budget: 65_536,
            ..TransformerParams::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        extend(&mut Dice, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let alike = |made: &Score, bar: u32| {
        let begun = |from: u32| -> Vec<(u32, u8)> {
            let all = made.tracks()[0].notes().iter();
            let inside = all.filter(|n| (from * 1920..(from + 1) * 1920).contains(&n.start.get()));
            inside.map(|n| (n.start.get() - from * 1920, n.pitch.get())).collect()
        };
        let (old, new) = (begun(bar - 8), begun(bar));
        old.iter().filter(|event| new.contains(event)).count()
    };
    let made = extended(1.0);
    // Bars 9 and 10 have the notes of bars 1 and 2; dice would hardly throw one. (Those of the next phrase may find their
    // pitches sounding already.)
    assert_eq!([8, 9].map(|bar| alike(&made.score, bar)), [4; 2]);
    assert!([10, 11, 14, 15].iter().all(|bar| alike(&made.score, *bar) <= 1));
    assert!((8..16).all(|bar| alike(&extended(0.0).score, bar) <= 1));
}

#[test]
fn an_extension_comes_to_an_end_on_the_tonic() {
    // G major in 3/4: two bars of 1440 ticks and an upbeat.
    let tune = [67, 71, 74, 79, 78, 76, 74];
    let notes = (0..7).map(|i| note(i * 480, 480, tune[i as usize], 99)).collect();
    let mut input = Score::new(TicksPerQuarter::DEFAULT);
    input.set_time_signatures(vec![At { tick: Tick::ZERO, value: TimeSignature::new(3, 4).unwrap() }]);
    input.push_track(Track::new("Melody", Program::MIN).with_notes(notes));
    let ended = |seconds: f64, longest: f64, seed: u64| {
        let params = TransformerParams {
            track_extension_duration: seconds,
            maximum_note_length: longest,
            end_naturally: true,
            token_budget: 65_536,
            ..TransformerParams::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        extend(&mut Dice, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap()
    };
    for (seconds, longest, onset, duration, seed) in [
        // 8 quarters from 3360 on, to 7200: the last bar with a quarter in it begins at 5760 and is whole.
        (4.0, 3.0, 5760, 1440, 1),
        // The bar at 5760 would have less than a quarter.
        (2.9, 3.0, 4320, 1440, 2),
        // Half a second is 480 ticks.
        (4.0, 0.5, 5760, 480, 3),
        // The bar at 4320 would have less, and the beat before it has one until the bar ends.
        (1.45, 3.0, 3840, 480, 4),
    ] {
        let made = ended(seconds, longest, seed);
        assert_eq!(made.summary.stop, StopReason::DurationReached);
        let last = *made.tracks()[0].notes().iter().max_by_key(|n| n.start).unwrap();
        assert_eq!((last.start.get(), last.duration.get()), (onset, duration), "{seconds} s, seed {seed}");
        assert_eq!(last.pitch.get() % 12, 7);
        assert_eq!(made.tracks()[0].notes()[..7], input.tracks()[0].notes()[..7]);
        assert_eq!(made.end(), last.end());
    }
    assert_eq!(ended(4.0, 3.0, 9).score, ended(4.0, 3.0, 9).score);
    // Less than a beat: nothing to end with.
    let made = ended(0.3, 3.0, 5);
    assert!(made.end().get() <= 3360 + 288);
}

#[test]
fn a_token_budget_stops_short_and_says_so() {
    let input = melody(vec![note(0, 480, 60, 99)]);
    let params = TransformerParams { token_budget: 5, ..TransformerParams::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let made = extend(&mut Dice, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(made.summary.stop, StopReason::TokenBudget);
    assert_eq!(made.tracks()[0].notes()[0], note(0, 480, 60, 99));
}

#[test]
fn parameters_out_of_range_are_named() {
    let input = melody(vec![note(0, 480, 60, 99)]);
    let default = TransformerParams::default;
    for (params, named) in [
        (TransformerParams { sampling_threshold: 0.0, ..default() }, "sampling_threshold 0"),
        (TransformerParams { sampling_threshold: 1.5, ..default() }, "sampling_threshold 1.5"),
        (TransformerParams { creative_risk: f64::NAN, ..default() }, "creative_risk NaN"),
        (TransformerParams { creative_risk: 0.0, ..default() }, "creative_risk 0"),
        (TransformerParams { input_duration: -1.0, ..default() }, "input_duration -1"),
        (TransformerParams { track_extension_duration: 31.0, ..default() }, "track_extension_duration 31"),
        (TransformerParams { maximum_rest_time: -0.1, ..default() }, "maximum_rest_time -0.1"),
        (TransformerParams { maximum_note_length: 0.0, ..default() }, "maximum_note_length 0"),
        (TransformerParams { token_budget: 0, ..default() }, "token_budget 0"),
        (TransformerParams { repetition: 1.1, ..default() }, "repetition 1.1"),
    ] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let error = extend(&mut Dice, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(()));
        let message = error.unwrap_err().to_string();
        assert!(message.starts_with(&format!("{named} is out of range: ")), "{message}");
    }
}

/// Several throws of dice.
struct Throws(Vec<f32>);

impl TokenBatch for Throws {
    type Error = Infallible;

    fn step(&mut self, _tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        Ok(&self.0)
    }

    fn retain(&mut self, keep: &[bool]) {
        self.0.truncate(310 * keep.iter().filter(|keep| **keep).count());
    }
}

impl ForkModel for Dice {
    type Batch = Throws;

    fn fork(&self, sequences: usize) -> Result<Throws, Infallible> {
        Ok(Throws(vec![0.0; 310 * sequences]))
    }
}

/// Dice that count the tokens they are given.
struct Counting(usize);

impl TokenModel for Counting {
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        310
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        self.0 = 0;
        Ok(())
    }

    fn push(&mut self, tokens: &[TokenId]) -> Result<&[f32], Infallible> {
        self.0 += tokens.len();
        Ok(&[0.0; 310])
    }
}

#[test]
fn a_prompt_has_a_limit_and_is_never_empty() {
    // Thirty million quarters of silence in thirty seconds, one tick each.
    let mut input = Score::new(TicksPerQuarter::new(1).unwrap());
    input.set_tempo_map(TempoMap::new(vec![At { tick: Tick::ZERO, value: Tempo::from_micros(1).unwrap() }]));
    input.push_track(Track::new("Melody", Program::MIN).with_notes(vec![note(70_000_000, 1, 60, 99)]));
    input.push_track(Track::drums("Kit", Program::MIN).with_notes(vec![note(99_999_999, 1, 36, 99)]));
    let params = TransformerParams { token_budget: 5, ..TransformerParams::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut model = Counting(0);
    extend(&mut model, &input, &params, &mut rng, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!((65_536..=65_536 + 5).contains(&model.0), "{}", model.0);

    // What the model has no tokens for, longer than it hears.
    let low: Vec<Note> = (0..100).map(|i| note(i * 480, 480, 12, 99)).collect();
    let made = extend(&mut model, &melody(low), &params, &mut rng, &mut |_| ControlFlow::Continue(()));
    assert_eq!(made.unwrap().summary.stop, StopReason::TokenBudget);
}

#[test]
fn several_endings_are_counted_together_and_stop_together() {
    let input = melody(vec![note(0, 480, 60, 99), note(480, 480, 64, 99)]);
    let params = TransformerParams {
        track_extension_duration: 4.0,
        end_naturally: true,
        token_budget: 65_536,
        ..TransformerParams::default()
    };
    let rngs = || (0..3).map(ChaCha8Rng::seed_from_u64).collect::<Vec<_>>();
    let mut done = vec![0];
    let made = extend_several(&mut Dice, &input, &params, rngs(), &mut |progress| {
        done.push(progress.done);
        assert!(progress.done <= progress.total);
        ControlFlow::Continue(())
    });
    assert_eq!(made.unwrap().len(), 3);
    assert!(done.is_sorted());
    let mut calls = 0;
    let made = extend_several(&mut Dice, &input, &params, rngs(), &mut |_| {
        calls += 1;
        if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(calls, 2);
    assert!(made.iter().all(|made| made.summary.stop == StopReason::Stopped));
}

#[test]
fn all_notes_are_told_even_where_an_ending_is_not_reached() {
    let input = melody(vec![note(0, 480, 60, 99), note(480, 480, 64, 99)]);
    for budget in [60, 65_536] {
        let params =
            TransformerParams { end_naturally: true, token_budget: budget, ..TransformerParams::default() };
        let mut told = 0;
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let made = extend(&mut Dice, &input, &params, &mut rng, &mut |progress| {
            told += progress.events.len();
            ControlFlow::Continue(())
        });
        assert_eq!(told, made.unwrap().tracks()[0].notes().len() - 2, "{budget}");
    }
}

#[test]
fn notes_have_a_length_where_a_step_is_shorter_than_a_tick() {
    // A quarter is a tick, and four steps.
    let mut input = Score::new(TicksPerQuarter::new(1).unwrap());
    input.push_track(
        Track::new("Melody", Program::MIN).with_notes(vec![note(0, 2, 60, 99), note(3, 1, 62, 99)]),
    );
    let edits = [(1, 64, true), (2, 64, true), (2, 60, false)];
    let made = run_enhance(&input, &edits, &all());
    assert!(made.iter().any(|n| n.pitch.get() == 64));
    assert!(made.iter().all(|n| n.duration.get() > 0), "{made:?}");
}

#[test]
fn notes_to_add_is_a_count_or_a_percentage() {
    let parse = |text: &str| serde_json::from_str::<NotesToAdd>(text);
    assert_eq!(parse("90").unwrap(), NotesToAdd::Count(90));
    assert_eq!(parse("\"150%\"").unwrap(), NotesToAdd::Percent(150.0));
    assert!(parse("\"many\"").unwrap_err().to_string().contains("maximum_notes_to_add many is out of range"));
    assert_eq!(serde_json::to_string(&NotesToAdd::Percent(12.5)).unwrap(), "\"12.5%\"");
}
