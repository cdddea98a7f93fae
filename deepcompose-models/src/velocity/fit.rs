//! [`fit`]: how a velocity network is trained.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::band::FEATURES;
use super::{VelocityConfig, VelocityDataset, VelocityNetwork};
use crate::error::ModelError;
use crate::gan::GanError;
use crate::training::{Decay, Schedule, TrainError};

/// Settings of [`fit`], which checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VelocityTraining {
    /// Width of the network's two hidden layers, 1..=4096.
    pub hidden: usize,
    /// Steps, at least 1.
    pub steps: usize,
    /// Notes a step, 1..=65536.
    pub batch_size: usize,
    /// Peak learning rate of Adam, above 0 and at most 1; it rises over the first hundredth of the steps and falls
    /// with half a cosine to a hundredth of it.
    pub learning_rate: f64,
    /// Seed of the weights and of the notes.
    pub seed: u64,
}

impl Default for VelocityTraining {
    /// The training of the weights that are shipped.
    fn default() -> Self {
        Self { hidden: 64, steps: 20_000, batch_size: 512, learning_rate: 3e-3, seed: 1 }
    }
}

impl VelocityTraining {
    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`ModelError::OutOfRange`] names the first field that is out of its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.schedule().validate()?;
        if !(1..=65_536).contains(&self.batch_size) {
            return Err(ModelError::range("batch_size", self.batch_size, "1..=65536"));
        }
        if !(1..=4096).contains(&self.hidden) {
            return Err(ModelError::range("hidden", self.hidden, "1..=4096"));
        }
        Ok(())
    }

    fn schedule(&self) -> Schedule {
        Schedule {
            peak: self.learning_rate,
            warmup: self.steps / 100,
            steps: self.steps,
            decay: Decay::Cosine,
        }
    }
}

/// Trains a network on the notes of `data`, by the mean squared error of their velocities. `device` is a plain device;
/// training enables autodiff on it. The observer is told after every step, from 1, the batch's root of that error,
/// in velocities, and may stop the training; the network is then as it is.
///
/// It takes a minute, so there are no checkpoints: the same settings and data give the same network.
///
/// # Errors
///
/// [`TrainError::Config`] for settings out of range, [`TrainError::NoData`] without notes of different velocities,
/// [`TrainError::Diverged`] if the error is no longer a number.
pub fn fit(
    training: &VelocityTraining,
    data: &VelocityDataset,
    device: &Device,
    observer: &mut dyn FnMut(usize, f64) -> ControlFlow<()>,
) -> Result<VelocityNetwork, TrainError> {
    training.validate()?;
    if data.is_empty() {
        return Err(TrainError::NoData { split: "train" });
    }
    let device = device.clone().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(training.seed);
    let config = VelocityConfig { hidden: training.hidden, genres: data.genres().to_vec() };
    let mut network = VelocityNetwork::new(&config, &mut rng, &device)?;
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    let schedule = training.schedule();
    for step in 0..training.steps {
        let (features, shares) = data.draw(training.batch_size, &mut rng);
        let features = TensorData::new(features, [training.batch_size, FEATURES]);
        let found = network.forward(Tensor::from_data(features, &device));
        let played = Tensor::<1>::from_data(TensorData::from(shares.as_slice()), &device);
        let loss = (found - played).powi_scalar(2).mean();
        let value = loss.clone().try_into_scalar::<f32>().map_err(|e| GanError::Device(e.to_string()))?;
        TrainError::unless_finite("the squared error", step + 1, value.into())?;
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(schedule.at(step), network, gradients);
        if observer(step + 1, 127.0 * f64::from(value).sqrt()).is_break() {
            break;
        }
    }
    Ok(network.valid())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use deepcompose_core::{Note, Pitch, Program, Score, Tick, Track, Velocity};
    use rand::RngExt;

    use super::*;
    use crate::gan::Genre;
    use crate::velocity::{VelocityPiece, evaluate};

    fn note(step: u32, pitch: u32, velocity: u32) -> Note {
        Note {
            start: Tick::new(120 * step).unwrap(),
            duration: Tick::new(120).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::new(velocity).unwrap(),
        }
    }

    /// Bands that are played by rules: bass drums at 100, hi-hats at 40 and with a bass drum at 70; the bass at 90 on
    /// the beat, at 60 off it, and 20 less in a bar without a bass drum.
    fn piece(genre: Genre, rng: &mut ChaCha8Rng, flat: bool) -> VelocityPiece {
        let (mut drums, mut bass) = (Vec::new(), Vec::new());
        for bar in 0..16 {
            let kicks: u16 = if rng.random() { rng.random() } else { 0 };
            for step in 0..16 {
                let at = 16 * bar + step;
                let kick = kicks >> step & 1 == 1;
                if kick {
                    drums.push(note(at, 36, 100));
                }
                if rng.random() {
                    drums.push(note(at, 42, if kick { 70 } else { 40 }));
                }
                if rng.random() {
                    let velocity = if step % 4 == 0 { 90 } else { 60 };
                    bass.push(note(at, 40, if kicks == 0 { velocity - 20 } else { velocity }));
                }
            }
        }
        if flat {
            drums.iter_mut().chain(&mut bass).for_each(|note| note.velocity = Velocity::DEFAULT);
        }
        let mut score = Score::default();
        score.push_track(Track::new("Melody", Program::MIN).with_notes(vec![note(0, 72, 100)]));
        score.push_track(Track::drums("Drums", Program::MIN).with_notes(drums));
        score.push_track(Track::new("Bass", Program::new(33).unwrap()).with_notes(bass));
        VelocityPiece::from_score(&score, genre, Some(0)).unwrap()
    }

    fn pieces(seed: u64, count: usize) -> VelocityDataset {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        VelocityDataset::new((0..count).map(|_| piece(Genre::Pop, rng, false)).collect())
    }

    #[test]
    fn it_learns_how_a_band_is_played() {
        let training = VelocityTraining { hidden: 16, steps: 1000, batch_size: 128, ..Default::default() };
        let network =
            fit(&training, &pieces(1, 40), &Device::default(), &mut |_, _| ControlFlow::Continue(()))
                .unwrap();
        let held_out = pieces(2, 2);
        let found = evaluate(&network.model(), &held_out);
        assert_eq!(found.len(), 1);
        for (index, part) in found[0].parts.iter().enumerate() {
            let Some(part) = part else {
                assert!(index > 1);
                continue;
            };
            // Velocities differ by 20 and more: played as the rules say, but for a few.
            assert!(part.error < 5.0 && part.explained > 0.95 && part.accents > 0.95, "{part:?}");
        }
        // The same settings and data give the same network; weights of nothing learnt explain nothing.
        let again = |steps| {
            let training = VelocityTraining { steps, ..training.clone() };
            fit(&training, &pieces(1, 40), &Device::default(), &mut |_, _| ControlFlow::Continue(())).unwrap()
        };
        assert_eq!(again(5).model(), again(5).model());
        let untrained = evaluate(&again(1).model(), &held_out);
        assert!(untrained[0].parts[1].as_ref().unwrap().explained < 0.2, "{untrained:?}");
    }

    #[test]
    fn it_stops_and_says_what_is_wrong() {
        let mut steps = 0;
        let short = VelocityTraining { hidden: 2, batch_size: 2, ..Default::default() };
        let stopped = fit(&short, &pieces(1, 1), &Device::default(), &mut |step, _| {
            steps = step;
            if step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(stopped.is_ok() && steps == 3);
        let fit = |training: &VelocityTraining, data: &VelocityDataset| {
            fit(training, data, &Device::default(), &mut |_, _| ControlFlow::Continue(()))
                .unwrap_err()
                .to_string()
        };
        let bad = [
            (VelocityTraining { steps: 0, ..short.clone() }, "steps 0"),
            (VelocityTraining { batch_size: 0, ..short.clone() }, "batch_size 0 is out of range: 1..=65536"),
            (VelocityTraining { hidden: 5000, ..short.clone() }, "hidden 5000 is out of range: 1..=4096"),
            (VelocityTraining { learning_rate: f64::NAN, ..short.clone() }, "learning_rate NaN"),
        ];
        for (training, expected) in bad {
            let message = fit(&training, &pieces(1, 1));
            assert!(message.starts_with(expected), "{message}");
        }
        // A genre of one velocity teaches nothing, alone or beside others.
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let flat = piece(Genre::Classical, rng, true);
        let message = fit(&short, &VelocityDataset::new(vec![flat.clone()]));
        assert_eq!(message, "the train split holds no training example");
        let both = VelocityDataset::new(vec![flat, piece(Genre::Rock, rng, false)]);
        assert_eq!(both.genres(), [Genre::Rock]);
    }
}
