//! Small trainers of each kind, for the tests of runs.

#![allow(dead_code, unreachable_pub)]

use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
use deepcompose_models::Device;
use deepcompose_models::ar_cnn::{
    ArCnnConfig, ArCnnTrainConfig, ArCnnTrainer, ArCnnTraining, Corruption, RollWindows,
};
use deepcompose_models::gan::{
    GanConfig, GanDataset, GanPiece, GanTrainConfig, GanTrainer, GanTraining, Genre,
};
use deepcompose_models::training::{Decay, RunSettings};
use deepcompose_models::transformer::{
    Piece, TokenDataset, TokenLayout, TransformerTrainConfig, TransformerTrainer, TransformerTraining,
    TransformerXlConfig,
};
use ndarray::Array2;

/// A scale that goes up and down, four sixteenths a note.
pub fn scales() -> RollWindows {
    let pieces = (0..4).map(|key| {
        Array2::from_shape_fn((48, 128), |(step, pitch)| pitch == 58 + key + [0, 2, 4, 5, 4, 2][step / 4 % 6])
    });
    RollWindows::new(pieces.collect(), 16, 4)
}

pub fn ar_cnn_config(steps: usize) -> ArCnnTrainConfig {
    ArCnnTrainConfig {
        model: ArCnnConfig { steps: 16, lowest_pitch: 56, pitches: 16, filters: 4, levels: 2, dropout: 0.2 },
        training: ArCnnTraining {
            steps,
            batch_size: 6,
            learning_rate: 5e-3,
            warmup: 0,
            decay: Decay::Constant,
            corruption: Corruption { remove: (0.0, 0.5), add: (0.0, 0.02), ..Corruption::default() },
            transpose: 1,
            band: 0,
            seed: 3,
            ..ArCnnTraining::default()
        },
        run: RunSettings { validate_every: 4, checkpoint_every: 3, ..RunSettings::default() },
    }
}

pub fn ar_cnn(steps: usize) -> ArCnnTrainer {
    ArCnnTrainer::new(&ar_cnn_config(steps), scales(), scales(), &Device::default()).unwrap()
}

/// Broken chords: after its first notes, a piece is determined.
pub fn chords() -> TokenDataset {
    broken_chords([0, 4, 7, 4])
}

/// Broken chords of these intervals above nine roots.
pub fn broken_chords(steps: [u32; 4]) -> TokenDataset {
    let piece = |root: u32| {
        let notes = steps.map(|step| [30 + root + step, 200, 118 + root + step]);
        Piece::new(notes.as_flattened().repeat(5))
    };
    TokenDataset::new((0..9).map(piece).collect(), TokenLayout::performance()).unwrap()
}

pub fn transformer_config(steps: usize) -> TransformerTrainConfig {
    TransformerTrainConfig {
        model: TransformerXlConfig {
            layers: 2,
            heads: 2,
            d_model: 32,
            d_head: 16,
            d_inner: 48,
            segment: 16,
            memory: 24,
            dropout: 0.1,
            pre_norm: true,
            ..TransformerXlConfig::reference()
        },
        training: TransformerTraining {
            steps,
            lanes: 6,
            learning_rate: 3e-3,
            warmup: 4,
            decay: Decay::Cosine,
            transpose: 2,
            workers: 2,
            seed: 5,
            ..TransformerTraining::default()
        },
        run: RunSettings { validate_every: 4, checkpoint_every: 3, ..RunSettings::default() },
    }
}

pub fn transformer(steps: usize) -> TransformerTrainer {
    TransformerTrainer::new(&transformer_config(steps), chords(), chords(), &Device::default()).unwrap()
}

/// Eight bars: the melody plays a quarter on every beat, the bass doubles it two octaves below,
/// drums strike with it.
pub fn band(root: u32) -> GanPiece {
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

pub fn bands() -> GanDataset {
    GanDataset::new((57..63).map(band).collect())
}

pub fn gan_config(steps: usize) -> GanTrainConfig {
    GanTrainConfig {
        model: GanConfig::accompaniment()
            .to_builder()
            .filters(4)
            .latent_channels(2)
            .attribute_channels(2)
            .onsets(true)
            .build()
            .unwrap(),
        training: GanTraining { steps, batch_size: 4, critic_steps: 2, seed: 8, ..GanTraining::default() },
        run: RunSettings { validate_every: 4, checkpoint_every: 3, ..RunSettings::default() },
    }
}

pub fn gan(steps: usize) -> GanTrainer {
    GanTrainer::new(&gan_config(steps), bands(), bands(), &Device::default()).unwrap()
}

/// Of a recipe with everything that has a state of its own: an encoder, lanes and averages.
pub fn gan_with_all(steps: usize) -> GanTrainer {
    let mut config = gan_config(steps);
    config.training = GanTraining {
        own_previous: 0.7,
        own_previous_rise: 0.5,
        encoded: 0.5,
        divergence_weight: 100.0,
        weight_average: 0.9,
        ..config.training
    };
    GanTrainer::new(&config, bands(), bands(), &Device::default()).unwrap()
}
