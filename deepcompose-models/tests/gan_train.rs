//! Training: what it learns, that it resumes exactly, and what it refuses.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use burn::tensor::Device;
use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use deepcompose_models::WeightsError;
use deepcompose_models::gan::{
    AccompanyOptions, GanConfig, GanDataset, GanError, GanPiece, GanStep, GanTrainer, GanTraining, Genre,
    accompany,
};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Eight bars: the melody plays a quarter on every beat, the bass doubles it two octaves below,
/// drums strike with it.
fn piece(root: u32) -> GanPiece {
    let notes = |pitch: &dyn Fn(u32) -> u32, length: u32| -> Vec<Note> {
        (0..32)
            .map(|beat| Note {
                start: Tick::new(beat * 480).unwrap(),
                pitch: Pitch::new(pitch(beat)).unwrap(),
                duration: Tick::new(length).unwrap(),
                velocity: Velocity::DEFAULT,
            })
            .collect()
    };
    let tune = move |beat: u32| root + [0, 2, 4, 7][(beat % 4) as usize] + beat / 16;
    let mut score = Score::default();
    score.push_track(Track::new("Melody", Program::MIN).with_notes(notes(&tune, 360)));
    score.push_track(Track::new("Bass", Program::new(33).unwrap()).with_notes(notes(&|b| tune(b) - 24, 360)));
    score.push_track(Track::drums("Drums", Program::MIN).with_notes(notes(&|b| 36 + b % 2 * 2, 120)));
    GanPiece::from_score(&score, Genre::Rock, None).unwrap()
}

fn dataset() -> GanDataset {
    GanDataset::new((57..63).map(piece).collect())
}

fn small() -> GanConfig {
    GanConfig::accompaniment()
        .to_builder()
        .filters(4)
        .latent_channels(2)
        .attribute_channels(2)
        .build()
        .unwrap()
}

fn trainer(train: GanTraining) -> GanTrainer {
    GanTrainer::new(small(), train, dataset(), &Device::flex()).unwrap()
}

fn steps(trainer: &mut GanTrainer) -> Vec<GanStep> {
    let mut reports = Vec::new();
    trainer
        .run(&mut |_, step| {
            reports.push(step.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    reports
}

/// A report without what differs from run to run.
fn losses(step: &GanStep) -> (usize, [f64; 4], Option<f64>) {
    let values = [step.critic_loss, step.distance, step.penalty, step.generator_loss];
    (step.step, values, step.reconstruction_loss)
}

// A generator that knew how often each track's cells sound, and nothing else, would have the entropy
// of that frequency as its reconstruction loss.
#[test]
fn reconstruction_learns_more_than_how_often_cells_sound() {
    let config = GanTraining {
        steps: 120,
        batch_size: 8,
        learning_rate: 5e-3,
        adversarial_weight: 0.0,
        reconstruction_weight: 1.0,
        positive_weight: 1.0,
        previous_dropout: 0.0,
        transpose: 0,
        seed: 3,
        ..GanTraining::accompaniment()
    };
    let mut trainer = trainer(config);
    steps(&mut trainer);
    let evaluation = trainer.evaluate(trainer.dataset(), 64, 1).unwrap();
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
        ..GanTraining::reference()
    };
    let last = |penalty_weight| steps(&mut trainer(config(penalty_weight))).pop().unwrap();
    let held = last(10.0);
    assert!(held.distance > 10.0, "{held:?}");
    assert!(held.distance < 128.0 * (1.0 + held.penalty.sqrt()) * 1.1, "{held:?}");
    assert!(held.penalty < 41.0, "{held:?}");
    assert_eq!(held.reconstruction_loss, None);
    let loose = last(0.0);
    assert!(loose.penalty > 10.0 * held.penalty, "{loose:?} {held:?}");
}

#[test]
fn a_resumed_run_is_the_same_run() {
    let config = GanTraining { steps: 4, batch_size: 4, critic_steps: 2, seed: 8, ..Default::default() };
    let mut whole = trainer(config.clone());
    let reports = steps(&mut whole);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.ckpt");
    let mut first = trainer(config);
    first
        .run(&mut |trainer, step| {
            if step.step == 2 {
                trainer.save(&path).unwrap();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(first.steps_done(), 2);
    drop(first);
    let mut resumed = GanTrainer::resume(&path, dataset(), &Device::flex()).unwrap();
    assert_eq!(resumed.steps_done(), 2);
    let rest = steps(&mut resumed);
    let expected: Vec<_> = reports[2..].iter().map(losses).collect();
    assert_eq!(rest.iter().map(losses).collect::<Vec<_>>(), expected);
    assert_eq!(whole.evaluate(&dataset(), 8, 0).unwrap(), resumed.evaluate(&dataset(), 8, 0).unwrap());
    // Nothing but the checkpoint is left in the folder.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    // Saving over it after more steps, then damaging it.
    resumed.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let resume = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        GanTrainer::resume(&path, dataset(), &Device::flex()).map(|t| t.steps_done())
    };
    assert_eq!(resume(&bytes).unwrap(), 4);
    for length in [0, 7, 12, 40, 2000, bytes.len() - 1] {
        let error = resume(&bytes[..length]).unwrap_err();
        assert!(matches!(error, GanError::Weights(_)), "{length}: {error}");
    }
    for place in [3, 30, bytes.len() / 2, bytes.len() - 5] {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x55;
        assert!(resume(&damaged).is_err(), "{place}");
    }
    let missing = GanTrainer::resume(folder.path().join("none"), dataset(), &Device::flex());
    assert!(matches!(missing, Err(GanError::Weights(WeightsError::Io { .. }))));
}

#[test]
fn unusable_configs_and_data_are_refused() {
    let new = |config: GanConfig, train: GanTraining, data: GanDataset| {
        GanTrainer::new(config, train, data, &Device::flex()).unwrap_err()
    };
    let train = GanTraining::accompaniment;
    let error = new(small(), train(), GanDataset::new(Vec::new()));
    assert!(matches!(error, GanError::TooLittleData { windows: 0, .. }));
    let error = new(small(), GanTraining { batch_size: 0, ..train() }, dataset());
    assert!(matches!(error, GanError::OutOfRange { field: "batch_size", .. }));
    let trainer = trainer(train());
    for (data, windows) in [(dataset(), 0), (GanDataset::new(Vec::new()), 8)] {
        assert!(matches!(trainer.evaluate(&data, windows, 0), Err(GanError::TooLittleData { .. })));
    }
    for (builder, name) in [
        (small().to_builder().steps(64), "steps"),
        (small().to_builder().tracks(3), "tracks"),
        (small().to_builder().genres(2), "genres"),
    ] {
        match new(builder.build().unwrap(), train(), dataset()) {
            GanError::OutOfRange { field, .. } => assert_eq!(field, name),
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
        &trainer.generator(),
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
