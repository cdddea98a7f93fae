//! Training the GAN: what it learns, and what it refuses. That it resumes exactly is in `runs.rs`.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod small;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use burn::tensor::Device;
use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use deepcompose_models::gan::{
    AccompanyOptions, ChoiceRule, GanConfig, GanConfigBuilder, GanDataset, GanError, GanPiece,
    GanTrainConfig, GanTrainer, GanTraining, Genre, RoleSet, TrackRole, accompany, evaluate,
};
use deepcompose_models::training::{StepReport, TrainError, Trainer};
use deepcompose_models::weights::{self, Precision};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn trainer(training: GanTraining) -> GanTrainer {
    let config = GanTrainConfig { training, ..small::gan_config(1) };
    GanTrainer::new(&config, small::bands(), small::bands(), &Device::flex()).unwrap()
}

fn steps(trainer: &mut GanTrainer) -> Vec<StepReport> {
    let mut reports = Vec::new();
    while !trainer.is_done() {
        reports.push(trainer.train_step().unwrap());
    }
    reports
}

// A generator that knew how often each track's cells sound, and nothing else, would have the entropy
// of that frequency as its reconstruction loss.
#[test]
fn reconstruction_learns_more_than_how_often_cells_sound() {
    let config = GanTraining {
        steps: 180,
        batch_size: 8,
        learning_rate: 5e-3,
        adversarial_weight: 0.0,
        reconstruction_weight: 1.0,
        positive_weight: 1.0,
        previous_dropout: 0.0,
        own_previous: 0.0,
        encoded: 0.0,
        weight_average: 0.0,
        transpose: 0,
        seed: 3,
        ..GanTraining::accompaniment()
    };
    // One roll a track.
    let small = small::gan_config(1);
    let model = small.model.to_builder().onsets(false).build().unwrap();
    let config = GanTrainConfig { model, training: config, ..small };
    let mut trainer = GanTrainer::new(&config, small::bands(), small::bands(), &Device::flex()).unwrap();
    steps(&mut trainer);
    let evaluation = evaluate(&trainer.model(), &small::bands(), 64, 8, 1).unwrap();
    let entropy: f64 = evaluation
        .played
        .iter()
        .map(|m| m.density)
        .filter(|p| *p > 0.0)
        .map(|p| -p * p.ln() - (1.0 - p) * (1.0 - p).ln())
        .sum::<f64>()
        / 4.0;
    assert!(entropy > 0.01, "{entropy}");
    assert!(
        evaluation.reconstruction_loss < 0.5 * entropy,
        "{} of {entropy}",
        evaluation.reconstruction_loss
    );
    // Drums strike four times a bar on two pitches; nothing plays guitar.
    assert_eq!(evaluation.played[0].pitches_per_bar, 2.0);
    assert_eq!(evaluation.played[0].density, 4.0 / (16.0 * 128.0));
    assert_eq!(evaluation.played[2].empty_bar_rate, 1.0);
    // Strokes found by chance: 4 of 2048 cells.
    assert!(evaluation.recall[0] > 0.5, "{:?}", evaluation.recall);
    // What a run validates with is the same measurement.
    let of_a_run = evaluate(&trainer.model(), &small::bands(), GanTrainer::VALIDATION_WINDOWS, 8, 1).unwrap();
    assert_eq!(trainer.validate().unwrap(), of_a_run.reconstruction_loss);
}

// Untrained tracks are near 0, real ones nearly all −1: they lie up to √16384 = 128 apart. For slope g
// the critic's loss is at least −128 g + 10 (g − 1)², least at g = 7.4 with a penalty of 41. Without the
// penalty's weight the slope grows without bound.
#[test]
fn the_critic_tells_real_from_generated_and_the_penalty_holds_it() {
    let config = |penalty_weight| GanTraining {
        steps: 3,
        batch_size: 8,
        critic_steps: 20,
        learning_rate: 1e-3,
        penalty_weight,
        seed: 0,
        ..GanTraining::reference()
    };
    let last = |penalty_weight| -> BTreeMap<_, _> {
        steps(&mut trainer(config(penalty_weight))).pop().unwrap().measures.into_iter().collect()
    };
    let held = last(10.0);
    assert!(held["distance"] > 10.0, "{held:?}");
    assert!(held["distance"] < 128.0 * (1.0 + held["penalty"].sqrt()) * 1.1, "{held:?}");
    assert!(held["penalty"] < 41.0, "{held:?}");
    assert_eq!(held.get("reconstruction_loss"), None);
    let loose = last(0.0);
    assert!(loose["penalty"] > 10.0 * held["penalty"], "{loose:?} {held:?}");
}

/// Four bars of one melody with a guitar that holds a chord throughout.
fn held(chord: [u32; 6]) -> GanPiece {
    let note = |start: u32, length: u32, pitch: u32| Note {
        start: Tick::new(start).unwrap(),
        duration: Tick::new(length).unwrap(),
        pitch: Pitch::new(pitch).unwrap(),
        velocity: Velocity::DEFAULT,
    };
    let mut score = Score::default();
    let tune = (0..16).map(|beat| note(beat * 480, 480, 72 + beat % 3)).collect();
    score.push_track(Track::new("Melody", Program::MIN).with_notes(tune));
    let chords = (0..4).flat_map(|bar| chord.map(|pitch| note(bar * 1920, 1920, pitch))).collect();
    score.push_track(Track::new("Guitar", Program::new(25).unwrap()).with_notes(chords));
    GanPiece::from_score(&score, Genre::Rock, Some(0)).unwrap()
}

/// What a generator can do at best that does not know which of two accompaniments is meant, in nats a cell: one
/// half for each of twelve cells a step, and for as many onsets in the first of sixteen.
const UNTOLD: f64 = 12.0 * (1.0 + 1.0 / 16.0) * std::f64::consts::LN_2 / (7.0 * 80.0);

/// A trainer on one melody with two accompaniments, at the end of its run; its last losses, and its last divergence.
fn told_apart(
    chords: [[u32; 6]; 2],
    model: fn(GanConfigBuilder) -> GanConfigBuilder,
    change: impl FnOnce(GanTraining) -> GanTraining,
) -> (GanTrainer, f64, Option<f64>) {
    let data = || GanDataset::new(chords.map(held).to_vec());
    let training = change(GanTraining {
        steps: 150,
        batch_size: 8,
        learning_rate: 5e-3,
        adversarial_weight: 0.0,
        positive_weight: 1.0,
        previous_dropout: 1.0,
        transpose: 0,
        own_previous: 0.0,
        hidden_roots: false,
        weight_average: 0.0,
        divergence_weight: 100.0,
        seed: 3,
        ..GanTraining::accompaniment()
    });
    let base = small::gan_config(1);
    let model = model(base.model.to_builder()).build().unwrap();
    let config = GanTrainConfig { training, model, ..base };
    let mut trainer = GanTrainer::new(&config, data(), data(), &Device::flex()).unwrap();
    let reports = steps(&mut trainer);
    let losses: Vec<f64> = reports.iter().rev().take(20).map(|report| report.loss).collect();
    let divergence = reports.last().unwrap().measures.iter().find(|m| m.0 == "divergence").map(|m| m.1);
    (trainer, losses.iter().sum::<f64>() / 20.0, divergence)
}

/// E major, high and low.
const VOICINGS: [[u32; 6]; 2] = [[40, 47, 52, 56, 59, 64], [28, 35, 44, 68, 71, 76]];

#[test]
fn an_encoder_tells_which_accompaniment_is_meant() {
    let (_, without, none) = told_apart(VOICINGS, |m| m, |t| GanTraining { encoded: 0.0, ..t });
    assert!(without > 0.9 * UNTOLD && none.is_none(), "{without} of {UNTOLD}");
    let (_, with, divergence) = told_apart(VOICINGS, |m| m, |t| t);
    assert!(with < 0.5 * UNTOLD, "{with} of {UNTOLD}");
    // To tell one of two takes one bit at least.
    assert!(divergence.unwrap() > 2_f64.ln(), "{divergence:?}");
}

// The second chord is the first, a whole tone up: without its roots an encoder cannot tell it from the first, but
// the chords can.
#[test]
fn an_encoder_may_be_left_without_roots() {
    let transposed = [[40, 45, 50, 55, 59, 64], [42, 47, 52, 57, 61, 66]];
    let loss = |model, hidden_roots| told_apart(transposed, model, |t| GanTraining { hidden_roots, ..t }).1;
    let without_chords: fn(GanConfigBuilder) -> GanConfigBuilder = |m| m.chords(false);
    assert!(loss(without_chords, false) < 0.5 * UNTOLD);
    assert!(loss(without_chords, true) > 0.9 * UNTOLD);
    assert!(loss(|m| m, true) < 0.5 * UNTOLD);
}

// Every style is that of one accompaniment or the other, and is played as it was.
#[test]
fn styles_are_those_of_bars_that_were_played() {
    let (trainer, ..) = told_apart(VOICINGS, |m| m.styles(8), |t| GanTraining { steps: 200, ..t });
    let model = trainer.model();
    let melody = held(VOICINGS[0]).melody();
    let roles = RoleSet::NONE.with(TrackRole::Guitar);
    let choice = [ChoiceRule::PLAIN; TrackRole::COUNT];
    let options = AccompanyOptions { roles, choice, variation: 0.0, ..AccompanyOptions::new(Genre::Rock) };
    let mut found = [0; 2];
    for seed in 0..12 {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let band =
            accompany(&model, melody.view(), &options, rng, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let roll = &band.rolls[0].roll;
        let sounding: usize = roll.iter().filter(|cell| **cell).count();
        let shares = VOICINGS.map(|chord| {
            let cells = chord.iter().flat_map(|pitch| roll.column(*pitch as usize).to_vec());
            cells.filter(|cell| *cell).count() as f64 / sounding as f64
        });
        let which = usize::from(shares[1] > shares[0]);
        assert!(shares[which] > 0.9, "{shares:?}");
        found[which] += 1;
    }
    assert!(found[0] > 0 && found[1] > 0, "{found:?}");
}

#[test]
fn a_run_may_end_with_averages_of_the_weights() {
    let trained = |weight_average: f64| {
        let training =
            GanTraining { steps: 8, batch_size: 4, weight_average, seed: 3, ..GanTraining::accompaniment() };
        let mut trainer = trainer(training);
        let reports = steps(&mut trainer);
        (reports, weights::to_bytes(&trainer.model(), Precision::Full).unwrap())
    };
    let ((plain_steps, plain), (average_steps, average)) = (trained(0.0), trained(0.99));
    // The course is the same; what comes out is not.
    assert_eq!(plain_steps, average_steps);
    assert_ne!(plain, average);
}

#[test]
fn unusable_configs_and_data_are_refused() {
    let new = |model: GanConfig, training: GanTraining, data: GanDataset| {
        let config = GanTrainConfig { model, training, ..GanTrainConfig::default() };
        GanTrainer::new(&config, data, small::bands(), &Device::flex()).unwrap_err()
    };
    let (model, training) = (|| small::gan_config(1).model, GanTraining::accompaniment);
    let error = new(model(), training(), GanDataset::new(Vec::new()));
    assert!(matches!(error, TrainError::NoData { split: "train" }));
    let error = new(model(), GanTraining { batch_size: 0, ..training() }, small::bands());
    assert!(matches!(error, TrainError::Gan(GanError::OutOfRange { field: "batch_size", .. })));
    let trainer = trainer(training());
    for (data, windows) in [(small::bands(), 0), (GanDataset::new(Vec::new()), 8)] {
        let refused = evaluate(&trainer.model(), &data, windows, 8, 0);
        assert!(matches!(refused, Err(GanError::TooLittleData { .. })));
    }
    for (builder, name) in [
        (model().to_builder().steps(64), "steps"),
        (model().to_builder().tracks(3), "tracks"),
        (model().to_builder().genres(2), "genres"),
    ] {
        match new(builder.build().unwrap(), training(), small::bands()) {
            TrainError::Gan(GanError::OutOfRange { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn a_trained_generator_accompanies() {
    let mut trainer = trainer(GanTraining { steps: 2, batch_size: 4, ..Default::default() });
    steps(&mut trainer);
    let melody = Array2::from_elem((40, 128), false);
    let tracks = accompany(
        &trainer.model(),
        melody.view(),
        &AccompanyOptions::new(Genre::Rock),
        &mut ChaCha8Rng::seed_from_u64(0),
        &mut |_, _| ControlFlow::Continue(()),
    )
    .unwrap();
    assert!(!tracks.stopped);
    assert_eq!(tracks.rolls.len(), 4);
    assert!(tracks.rolls.iter().all(|t| t.roll.dim() == (40, 128)));
}
