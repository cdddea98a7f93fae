//! [`VelocityModel`]: gives velocities.

use std::sync::Arc;

use deepcompose_core::{Note, Velocity};

use super::band::{Band, FEATURES};
use crate::gan::{Genre, StepGrid, TrackRole};
use crate::plain::Layer;

/// Gives the notes of a band velocities; see [the module](crate::velocity). Made by
/// [`VelocityNetwork::model`](super::VelocityNetwork::model).
#[derive(Debug, Clone, PartialEq)]
pub struct VelocityModel {
    layers: Arc<[Layer; 3]>,
    genres: Arc<[Genre]>,
}

impl VelocityModel {
    pub(super) fn new(layers: [Layer; 3], genres: Vec<Genre>) -> Self {
        Self { layers: Arc::new(layers), genres: genres.into() }
    }

    /// The genres that it knows, in the order of [`Genre::ALL`].
    #[must_use]
    pub fn genres(&self) -> &[Genre] {
        &self.genres
    }

    /// The velocity that each note of a band would have in the corpus it was trained on, above 0 and below 127, the
    /// notes as they are given; the parts are in the order of [`TrackRole::ALL`], and their notes' own velocities
    /// are not looked at. `None` in a genre that it does not know.
    #[must_use]
    pub fn velocities(
        &self,
        genre: Genre,
        grid: &StepGrid,
        parts: [&[Note]; TrackRole::COUNT],
    ) -> Option<[Vec<f32>; TrackRole::COUNT]> {
        self.genres.contains(&genre).then(|| {
            let band = Band::new(genre, grid, parts);
            TrackRole::ALL.map(|role| self.part(&band, role))
        })
    }

    /// The velocities of one part.
    pub(super) fn part(&self, band: &Band, role: TrackRole) -> Vec<f32> {
        let [first, second, last] = &*self.layers;
        let mut features = Vec::with_capacity(FEATURES);
        let [mut x, mut y] = [Vec::new(), Vec::new()];
        let mut velocity = |index| {
            features.clear();
            band.features(role, index, &mut features);
            first.apply_relu(&features, &mut x);
            second.apply_relu(&x, &mut y);
            last.apply(&y, &mut x);
            let logit = x.first().copied().unwrap_or_default();
            127.0 / (1.0 + (-logit.clamp(-MOST_LOGIT, MOST_LOGIT)).exp())
        };
        (0..band.len(role)).map(&mut velocity).collect()
    }

    /// Sets the velocities of a band whose parts, in the order of [`TrackRole::ALL`], together are as loud as `level`:
    /// that is the mean of the parts' mean velocities. With `dynamics` 1 parts and notes differ as much as in the
    /// corpus; with 0 all have the level, which is also what they get in a genre that the model does not know.
    pub fn play(
        &self,
        genre: Genre,
        grid: &StepGrid,
        parts: &mut [Vec<Note>; TrackRole::COUNT],
        level: Velocity,
        dynamics: f64,
    ) {
        let relative = self.relative(genre, grid, parts.each_ref().map(Vec::as_slice));
        for (role, part) in parts.iter_mut().enumerate() {
            for (index, note) in part.iter_mut().enumerate() {
                let accent = relative.as_ref().and_then(|all| all[role].get(index)).copied().unwrap_or(1.0);
                note.velocity = dynamic(level, [accent], dynamics);
            }
        }
    }

    /// [`velocities`](Self::velocities) as ratios to the mean of the parts' mean velocities.
    pub(crate) fn relative(
        &self,
        genre: Genre,
        grid: &StepGrid,
        parts: [&[Note]; TrackRole::COUNT],
    ) -> Option<[Vec<f64>; TrackRole::COUNT]> {
        let velocities = self.velocities(genre, grid, parts)?;
        let velocities = velocities.map(|part| part.into_iter().map(f64::from).collect::<Vec<_>>());
        let mean = |part: &Vec<f64>| part.iter().sum::<f64>() / part.len() as f64;
        let means: Vec<f64> = velocities.iter().filter(|part| !part.is_empty()).map(mean).collect();
        let level = means.iter().sum::<f64>() / means.len().max(1) as f64;
        // A network of other numbers than a training gives may say none.
        let is_level = level.is_finite() && level > 0.0;
        if !(is_level || means.is_empty()) {
            return None;
        }
        Some(velocities.map(|part| part.into_iter().map(|velocity| velocity / level).collect()))
    }
}

/// Logits beyond this would be velocities of 0 or 127.
const MOST_LOGIT: f32 = 12.0;

/// A level times ratios, each taken as far as `dynamics`, 0..=1, says.
pub(crate) fn dynamic<const N: usize>(level: Velocity, ratios: [f64; N], dynamics: f64) -> Velocity {
    let dynamics = dynamics.clamp(0.0, 1.0);
    let times: f64 = ratios.iter().map(|ratio| 1.0 + dynamics * (ratio - 1.0)).product();
    Velocity::saturating((f64::from(level.get()) * times).round() as i64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use burn::tensor::{Device, Tensor, TensorData};
    use deepcompose_core::{Pitch, Score, Tick};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::velocity::{VelocityConfig, VelocityNetwork};

    fn some_band(rng: &mut ChaCha8Rng) -> [Vec<Note>; 4] {
        let mut note = |lowest: u32| Note {
            start: Tick::new(120 * rng.random_range(0..64)).unwrap(),
            duration: Tick::new(120 * rng.random_range(0..20)).unwrap(),
            pitch: Pitch::new(rng.random_range(lowest..lowest + 30)).unwrap(),
            velocity: Velocity::DEFAULT,
        };
        [30, 36, 48, 60].map(|lowest| (0..40).map(|_| note(lowest)).collect())
    }

    fn network(seed: u64) -> VelocityNetwork {
        let config = VelocityConfig { hidden: 16, genres: vec![Genre::Rock, Genre::Edm] };
        VelocityNetwork::new(&config, &mut ChaCha8Rng::seed_from_u64(seed), &Device::default()).unwrap()
    }

    fn grid() -> StepGrid {
        StepGrid::of(&Score::default(), Tick::new(120 * 64).unwrap()).unwrap()
    }

    #[test]
    fn it_is_the_network() {
        let network = network(1);
        let parts = some_band(&mut ChaCha8Rng::seed_from_u64(2));
        let slices = parts.each_ref().map(Vec::as_slice);
        let plain = network.model().velocities(Genre::Edm, &grid(), slices).unwrap();
        let band = Band::new(Genre::Edm, &grid(), slices);
        for role in TrackRole::ALL {
            let mut features = Vec::new();
            (0..band.len(role)).for_each(|index| band.features(role, index, &mut features));
            let data = TensorData::new(features, [band.len(role), FEATURES]);
            let shares = network.forward(Tensor::from_data(data, &Device::default()));
            let shares: Vec<f32> = shares.into_data().try_to_vec().unwrap();
            for (plain, share) in plain[role.index()].iter().zip(shares) {
                assert!((plain - 127.0 * share).abs() < 1e-3);
            }
        }
        assert_eq!(network.model().velocities(Genre::Pop, &grid(), slices), None);
    }

    #[test]
    fn a_band_is_as_loud_as_it_should_be() {
        let model = network(3).model();
        let flat = some_band(&mut ChaCha8Rng::seed_from_u64(4));
        let played = |genre, dynamics| {
            let mut parts = flat.clone();
            parts[1].clear();
            model.play(genre, &grid(), &mut parts, Velocity::new(60).unwrap(), dynamics);
            parts
        };
        let velocities = |parts: &[Vec<Note>; 4]| {
            parts.each_ref().map(|part| part.iter().map(|n| f64::from(n.velocity.get())).collect::<Vec<_>>())
        };
        let whole = velocities(&played(Genre::Rock, 1.0));
        let means: Vec<f64> =
            whole.iter().filter(|p| !p.is_empty()).map(|p| p.iter().sum::<f64>() / p.len() as f64).collect();
        // Rounded to whole velocities, each mean is within a half of what it should be.
        assert!((means.iter().sum::<f64>() / 3.0 - 60.0).abs() < 0.5, "{means:?}");
        assert!(whole.iter().flatten().any(|v| (v - 60.0).abs() > 3.0));
        // Half the dynamics are half as far from the level.
        let half = velocities(&played(Genre::Rock, 0.5));
        for (whole, half) in whole.iter().flatten().zip(half.iter().flatten()) {
            assert!((half - 60.0 - 0.5 * (whole - 60.0)).abs() <= 0.75);
        }
        for parts in [played(Genre::Rock, 0.0), played(Genre::Jazz, 1.0)] {
            assert!(velocities(&parts).iter().flatten().all(|v| *v == 60.0));
        }
        // Nothing else changes.
        for (old, new) in flat[0].iter().zip(&played(Genre::Rock, 1.0)[0]) {
            assert_eq!(*old, Note { velocity: old.velocity, ..*new });
        }
    }
}
