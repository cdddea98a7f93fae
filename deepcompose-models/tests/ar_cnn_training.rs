//! The AR-CNN's data, trainer and use as an edit model.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use burn::tensor::Tensor;
use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig, ArCnnTrainer, ArCnnTraining, Corruption, RollWindows};
use deepcompose_models::training::{Decay, Schedule, TrainError, TrainEvent};
use deepcompose_models::weights::{self, Model, Precision};
use deepcompose_models::{Device, ModelError};
use deepcompose_samplers::EditModel;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn config() -> ArCnnConfig {
    ArCnnConfig { steps: 16, lowest_pitch: 56, pitches: 16, filters: 4, levels: 2, dropout: 0.2 }
}

fn training(steps: usize) -> ArCnnTraining {
    ArCnnTraining {
        model: config(),
        corruption: Corruption { remove: (0.0, 0.5), add: (0.0, 0.02) },
        schedule: Schedule { peak: 5e-3, warmup: 0, steps, decay: Decay::Constant },
        batch: 6,
        transpose: 1,
        band: None,
        validate_every: 4,
        seed: 3,
    }
}

/// A scale that goes up and down, four sixteenths a note.
fn scales() -> RollWindows {
    let pieces = (0..4).map(|key| {
        Array2::from_shape_fn((48, 128), |(step, pitch)| pitch == 58 + key + [0, 2, 4, 5, 4, 2][step / 4 % 6])
    });
    RollWindows::new(pieces.collect(), 16, 4)
}

/// burn's random numbers, which dropout draws from, are one stream in a process.
static ONE_RUN_AT_A_TIME: Mutex<()> = Mutex::new(());

fn run(folder: &Path, steps: usize) -> (ArCnnTrainer, Vec<TrainEvent>) {
    let mut events = Vec::new();
    let mut trainer = ArCnnTrainer::new(training(steps), folder, &Device::default()).unwrap();
    trainer
        .run(&scales(), &scales(), &mut |e| {
            events.push(e);
            ControlFlow::Continue(())
        })
        .unwrap();
    (trainer, events)
}

#[test]
fn windows_cover_a_piece() {
    let windows = scales();
    // Starts 0, 4, .. 28, and the last window ends with the piece at 32.
    assert_eq!(windows.len(), 4 * 9);
    let first = windows.window(0, 0);
    let sounding: Vec<usize> = (0..16).map(|s| (0..128).find(|p| first[[s, *p]]).unwrap()).collect();
    assert_eq!(sounding, [[58; 4], [60; 4], [62; 4], [63; 4]].concat());
    // Transposition stops where a note would leave the 128 pitches.
    assert!(windows.window(0, 100).iter().any(|on| *on));
    assert!((0..16).all(|s| windows.window(0, 100)[[s, 127]] == (s >= 12)));
    let short = RollWindows::new(vec![Array2::from_elem((5, 128), true)], 16, 4);
    assert_eq!(short.len(), 1);
    assert!(short.window(0, 0).rows().into_iter().skip(5).all(|row| row.iter().all(|on| !on)));
}

#[test]
fn corruption_changes_as_many_cells_as_it_says() {
    let clean = Array2::from_shape_fn((16, 16), |(_, p)| p < 4);
    let corruption = Corruption { remove: (0.5, 0.5), add: (0.25, 0.25) };
    let mut touched = Array2::from_elem((16, 16), 0);
    for seed in 0..400 {
        let spoilt = corruption.apply(clean.view(), &mut ChaCha8Rng::seed_from_u64(seed));
        let changed = |was: bool| spoilt.iter().zip(&clean).filter(|(s, c)| **c == was && s != c).count();
        assert_eq!((changed(true), changed(false)), (32, 48));
        touched.zip_mut_with(&(&spoilt ^ &clean), |n, t| *n += i32::from(*t));
    }
    // Uniform: of 400 draws a sounding cell is hit 200 times and a silent one 100 times on average;
    // the standard deviations are 10 and 8.7, and 256 cells stay within 5 of them.
    for ((_, p), n) in touched.indexed_iter() {
        let (mean, deviation) = if p < 4 { (200, 50) } else { (100, 44) };
        assert!((n - mean).abs() <= deviation, "{n} times, expected {mean}");
    }
}

#[test]
fn training_lowers_the_loss() {
    let _alone = ONE_RUN_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let (_, events) = run(folder.path(), 60);
    let valid: Vec<f64> = events
        .iter()
        .filter_map(|e| match e {
            TrainEvent::Validation { loss, .. } => Some(*loss),
            _ => None,
        })
        .collect();
    assert_eq!(valid.len(), 15);
    assert!(valid.iter().any(|loss| *loss < 0.8 * valid[0]), "{valid:?}");
    let best: ArCnn = weights::load(folder.path().join("best.safetensors"), &Device::default()).unwrap();
    assert_eq!(best.config(), &config());
}

#[test]
fn a_run_that_is_interrupted_ends_with_the_same_bytes() {
    let _alone = ONE_RUN_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (trainer, _) = run(whole.path(), 8);
    // Stopped by the observer in the middle, then taken up by a trainer that knows the folder only.
    let mut first = ArCnnTrainer::new(training(8), parts.path(), &Device::default()).unwrap();
    first
        .run(&scales(), &scales(), &mut |e| match e {
            TrainEvent::Step { step: 5, .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    drop(first);
    let (resumed, events) = run(parts.path(), 8);
    assert!(matches!(events[0], TrainEvent::Step { step: 6, .. }));
    let bytes = |t: &ArCnnTrainer| weights::to_bytes(&t.model(), Precision::Full).unwrap();
    assert!(bytes(&resumed) == bytes(&trainer), "the weights differ");
}

#[test]
fn bad_settings_and_folders_are_refused() {
    let _alone = ONE_RUN_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let refuse = |training: ArCnnTraining| {
        ArCnnTrainer::new(training, folder.path(), &Device::default()).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(ArCnnTraining { batch: 0, ..training(1) }),
        "batch 0 is out of range: 1 or more is accepted"
    );
    let model = ArCnnConfig { pitches: 18, ..config() };
    assert_eq!(
        refuse(ArCnnTraining { model, ..training(1) }),
        "pitches 18 is out of range: a multiple of 4 (2^levels) in 4..=128 is accepted"
    );
    let schedule = Schedule { peak: f64::NAN, ..training(1).schedule };
    assert!(
        refuse(ArCnnTraining { schedule, ..training(1) }).starts_with("schedule.peak NaN is out of range")
    );
    let corruption = Corruption { remove: (0.0, 1.5), add: (0.0, 0.0) };
    assert!(refuse(ArCnnTraining { corruption, ..training(1) }).starts_with("corruption.remove (0, 1.5) is"));

    let mut trainer = ArCnnTrainer::new(training(1), folder.path(), &Device::default()).unwrap();
    let nothing = RollWindows::new(Vec::new(), 16, 4);
    let empty = trainer.run(&nothing, &scales(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(empty, Err(TrainError::NoData { split: "train" })));

    run(folder.path(), 4);
    let other = ArCnnTraining { model: ArCnnConfig { filters: 8, ..config() }, ..training(8) };
    assert!(refuse(other).contains("a network of another shape"));
    let checkpoint = folder.path().join("checkpoint.safetensors");
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() - 9]).unwrap();
    assert!(refuse(training(8)).starts_with("malformed weights"));
}

#[test]
fn an_edit_model_leaves_the_pitches_it_does_not_know_alone() {
    let _alone = ONE_RUN_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let model = ArCnn::build(&config(), &Device::default()).unwrap();
    let logits = model.edit_logits(Array2::from_elem((16, 128), false).view()).unwrap();
    for ((_, pitch), logit) in logits.indexed_iter() {
        assert_eq!(logit.is_finite(), (56..72).contains(&pitch), "pitch {pitch}: {logit}");
    }
    let error = model.edit_logits(Array2::from_elem((17, 128), false).view()).unwrap_err();
    assert!(matches!(error, ModelError::Shape { .. }), "{error}");
    let odd = model.forward(Tensor::zeros([1, 16, 18], &Device::default()));
    assert!(matches!(odd, Err(ModelError::Shape { .. })));
    // Any size that the levels divide is accepted.
    assert_eq!(model.forward(Tensor::zeros([2, 8, 32], &Device::default())).unwrap().dims(), [2, 8, 32]);
}
