//! The AR-CNN's data, trainer and use as an edit model.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;
mod small;

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use deepcompose_models::ar_cnn::{
    ArCnn, ArCnnTrainConfig, ArCnnTrainer, ArCnnTraining, Corruption, RollWindows,
};
use deepcompose_models::training::{GradientEngine, TrainError, Trainer};
use deepcompose_models::weights::{self, Model, Precision};
use deepcompose_models::{Device, ModelError};
use deepcompose_samplers::EditModel;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn windows_cover_a_piece() {
    let windows = small::scales();
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
    let corruption = Corruption { remove: (0.5, 0.5), add: (0.25, 0.25), ..Corruption::default() };
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

/// The mean validation loss of a trainer after so many steps.
fn trained(steps: usize) -> (f64, ArCnnTrainer) {
    let mut trainer = small::ar_cnn(steps.max(1));
    for _ in 0..steps {
        trainer.train_step().unwrap();
    }
    (trainer.validate().unwrap(), trainer)
}

#[test]
fn windows_in_which_nothing_differs_do_not_count_for_validation() {
    // All cells are cleared, and none set: a silent window has nothing to be foretold.
    let mut config = small::ar_cnn_config(1);
    config.training.corruption = Corruption { remove: (1.0, 1.0), add: (0.0, 0.0), ..Corruption::default() };
    let sounding = Array2::from_shape_fn((16, 128), |(_, pitch)| pitch == 60);
    let silent = Array2::from_elem((16, 128), false);
    let loss = |pieces: &[&Array2<bool>]| {
        let valid = RollWindows::new(pieces.iter().map(|piece| (*piece).clone()).collect(), 16, 16);
        assert_eq!(valid.len(), pieces.len());
        ArCnnTrainer::new(&config, small::scales(), valid, &Device::default()).unwrap().validate().unwrap()
    };
    let alone = loss(&[&sounding]);
    assert!(alone > 1.0, "{alone}");
    assert!((loss(&[&silent, &sounding, &silent]) - alone).abs() < 1e-5);
    assert_eq!(loss(&[&silent]), 0.0);
}

#[test]
fn training_lowers_the_loss() {
    // An untrained network is near the uniform distribution over 256 cells; a window of a scale with at most half of
    // its 16 cells cleared and 2 % of the others set has 1 to 13 edits: −ln n + ln 256 on average over 3 nats.
    let (untrained, _) = trained(0);
    assert!((3.0..5.5).contains(&untrained), "{untrained}");
    let (loss, _) = trained(120);
    assert!(loss < 0.8 * untrained, "{loss} of {untrained}");
}

#[test]
fn two_trainers_in_one_process_do_not_disturb_each_other() {
    let (_, alone) = trained(3);
    let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(|| trained(3).1)).collect();
    let bytes = |t: &ArCnnTrainer| weights::to_bytes(&t.model(), Precision::Full).unwrap();
    for thread in threads {
        assert!(bytes(&thread.join().unwrap()) == bytes(&alone), "the weights differ");
    }
}

/// Every gradient of a step, by name.
fn gradients(workers: usize, accumulate: usize, batch_size: usize) -> (f64, BTreeMap<String, Vec<f32>>) {
    let mut config = small::ar_cnn_config(1);
    // Without normalisation (one level has none) and dropout, parts know nothing of each other.
    config.model.levels = 1;
    config.model.dropout = 0.0;
    config.training = ArCnnTraining { workers, accumulate, batch_size, ..config.training };
    let windows = || (small::scales(), small::scales());
    let trainer = |(train, valid)| ArCnnTrainer::new(&config, train, valid, &Device::default()).unwrap();
    trainer(windows()).step_gradients().unwrap()
}

#[test]
fn replicas_and_accumulation_give_the_gradients_of_the_whole_batch() {
    let (loss, whole) = gradients(1, 1, 12);
    for (workers, accumulate, batch_size) in [(2, 1, 12), (3, 1, 12), (1, 3, 4), (2, 2, 6)] {
        let (other, parts) = gradients(workers, accumulate, batch_size);
        let what = format!("{workers} workers, {accumulate} × {batch_size}");
        assert!((loss - other).abs() < 1e-5 * loss, "{what}: {loss} {other}");
        // The head's bias has no gradient but rounding: softmax does not see it. So all are held to one scale.
        let largest = whole.values().flatten().fold(0f32, |most, value| most.max(value.abs()));
        for (name, gradient) in &whole {
            for (a, b) in gradient.iter().zip(&parts[name]) {
                assert!((a - b).abs() <= 1e-5 * largest, "{what}, {name}: {a} {b}");
            }
        }
    }
}

#[test]
fn both_engines_train_alike() {
    let config = small::ar_cnn_config(6);
    let network = drawn::drawn(ArCnn::build(&config.model, &Device::default()).unwrap(), 2);
    let network = weights::to_bytes(&network, Precision::Full).unwrap();
    let losses = |engine: GradientEngine, workers: usize, accumulate: usize| -> Vec<f64> {
        let training =
            ArCnnTraining { engine, workers, accumulate, clip: Some(0.5), ..config.training.clone() };
        let network: ArCnn = weights::from_bytes(&network, &Device::default()).unwrap();
        let mut trainer =
            ArCnnTrainer::fine_tune(network, &training, small::scales(), small::scales()).unwrap();
        let mut losses: Vec<f64> = (0..6).map(|_| trainer.train_step().unwrap().loss).collect();
        // What the running statistics have become counts here.
        losses.push(trainer.validate().unwrap());
        losses
    };
    for (workers, accumulate) in [(1, 1), (2, 1), (3, 2)] {
        let by_hand = losses(GradientEngine::Auto, workers, accumulate);
        assert_eq!(by_hand, losses(GradientEngine::Fused, workers, accumulate));
        let recorded = losses(GradientEngine::Autodiff, workers, accumulate);
        for (a, b) in by_hand.iter().zip(&recorded) {
            assert!((a - b).abs() < 1e-3 * b, "{workers} workers: {by_hand:?} {recorded:?}");
        }
    }
}

#[test]
fn bad_settings_and_empty_splits_are_refused() {
    let refuse = |change: &dyn Fn(&mut ArCnnTrainConfig)| {
        let mut config = small::ar_cnn_config(1);
        change(&mut config);
        let (train, valid) = (small::scales(), small::scales());
        ArCnnTrainer::new(&config, train, valid, &Device::default()).unwrap_err().to_string()
    };
    assert_eq!(refuse(&|c| c.training.batch_size = 0), "batch_size 0 is out of range: 1..=4096 is accepted");
    assert_eq!(
        refuse(&|c| c.model.pitches = 18),
        "pitches 18 is out of range: a multiple of 4 (2^levels) in 4..=128 is accepted"
    );
    assert!(
        refuse(&|c| c.training.learning_rate = f64::NAN).starts_with("learning_rate NaN is out of range")
    );
    assert!(refuse(&|c| c.training.workers = 7).starts_with("workers 7 is out of range: 1..=6"));
    assert!(refuse(&|c| c.training.clip = Some(0.0)).starts_with("clip 0 is out of range"));
    assert!(
        refuse(&|c| c.training.corruption.remove = (0.0, 1.5)).starts_with("corruption.remove (0, 1.5) is")
    );
    let nothing = RollWindows::new(Vec::new(), 16, 4);
    let empty = ArCnnTrainer::new(&small::ar_cnn_config(1), nothing, small::scales(), &Device::default());
    assert!(matches!(empty, Err(TrainError::NoData { split: "train" })));
}

#[test]
fn an_edit_model_leaves_the_pitches_it_does_not_know_alone() {
    let model = ArCnn::build(&small::ar_cnn_config(1).model, &Device::default()).unwrap();
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
