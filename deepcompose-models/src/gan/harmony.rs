//! [`ChordModel`]: which chord each half bar of a melody gets.

use std::sync::Arc;

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;
#[cfg(any(test, feature = "train"))]
use burn::tensor::{Tensor, activation::relu};
use deepcompose_core::Chord;
use rand::{Rng, RngExt};

use super::genre::Genre;
use super::tune::{FEATURES, Tune};
use crate::plain::Layer;

/// Width of the hidden layers.
const HIDDEN: usize = 64;
/// A major and a minor triad on each root.
const MODES: usize = 2;

/// The part of a generator that chooses chords: from what a half bar is, counted from a root, to the logits of the
/// major and the minor triad on it. Three linear layers with ReLU between them, the same ones for all twelve
/// roots, so that a transposed melody gets the same chords, transposed.
#[derive(Module, Debug)]
pub(super) struct Harmony {
    first: Linear,
    second: Linear,
    last: Linear,
}

impl Harmony {
    /// Weights of zero, to be drawn or loaded.
    pub(super) fn zeros(device: &Device) -> Self {
        let linear = |inputs, outputs| {
            LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device)
        };
        Self { first: linear(FEATURES, HIDDEN), second: linear(HIDDEN, HIDDEN), last: linear(HIDDEN, MODES) }
    }

    /// How many weights there are.
    pub(super) const fn parameters() -> usize {
        (FEATURES + 1) * HIDDEN + (HIDDEN + 1) * HIDDEN + (HIDDEN + 1) * MODES
    }

    /// Logits by [`Chord::index`], `[half bars, 24]`, from features `[half bars, 12, FEATURES]`.
    #[cfg(any(test, feature = "train"))]
    pub(super) fn forward(&self, features: Tensor<3>) -> Tensor<2> {
        let half_bars = features.dims()[0];
        let x = relu(self.first.forward(features));
        let x = relu(self.second.forward(x));
        self.last.forward(x).reshape([half_bars, Chord::COUNT])
    }

    pub(super) fn model(&self) -> ChordModel {
        ChordModel { layers: Arc::new([&self.first, &self.second, &self.last].map(Layer::of)) }
    }
}

/// The chords that a generator plays its accompaniments over: a small network that reads the melody around a half
/// bar, the chords before it, the genre and the place in the phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct ChordModel {
    layers: Arc<[Layer; 3]>,
}

impl ChordModel {
    /// The logits of each chord in half bar `at`, by [`Chord::index`], after these.
    pub(super) fn logits(
        &self,
        tune: &Tune,
        at: usize,
        before: impl Fn(usize) -> Option<Chord>,
        genre: Genre,
    ) -> Vec<f32> {
        let mut features = Vec::with_capacity(12 * FEATURES);
        tune.features(at, before, genre, &mut features);
        let mut logits = Vec::with_capacity(Chord::COUNT);
        let [mut x, mut y] = [Vec::new(), Vec::new()];
        let [first, second, last] = &*self.layers;
        for root in features.chunks(FEATURES) {
            first.apply_relu(root, &mut x);
            second.apply_relu(&x, &mut y);
            last.apply(&y, &mut x);
            logits.extend_from_slice(&x);
        }
        logits
    }

    /// Draws the next half bar's chord, after these, with this temperature; 0 takes the most probable one.
    pub(super) fn next<R: Rng + ?Sized>(
        &self,
        chords: &[Chord],
        tune: &Tune,
        genre: Genre,
        temperature: f32,
        rng: &mut R,
    ) -> Option<Chord> {
        let logits = self.logits(tune, chords.len(), |at| chords.get(at).copied(), genre);
        Chord::from_index(draw(&logits, temperature, rng.random()))
    }
}

/// The index that a number in 0..1 draws.
fn draw(logits: &[f32], temperature: f32, drawn: f32) -> usize {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if temperature <= 0.0 {
        return logits.iter().position(|logit| *logit == most).unwrap_or(0);
    }
    let weights: Vec<f32> = logits.iter().map(|logit| ((logit - most) / temperature).exp()).collect();
    let mut left = drawn * weights.iter().sum::<f32>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::gan::layers::glorot;
    use burn::tensor::TensorData;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn harmony(seed: u64) -> Harmony {
        glorot(Harmony::zeros(&Device::flex()), &mut ChaCha8Rng::seed_from_u64(seed))
    }

    /// Two bars of a rising tune.
    fn tune(up: usize) -> Tune {
        Tune::new((0..32).map(|step| 1_u128 << (60 + up + step / 4)))
    }

    fn extended(model: &ChordModel, tune: &Tune, from: &[Chord], temperature: f32, seed: u64) -> Vec<Chord> {
        let mut chords = from.to_vec();
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        while chords.len() < tune.len() {
            chords.extend(model.next(&chords, tune, Genre::Pop, temperature, rng));
        }
        chords
    }

    #[test]
    fn the_plain_network_is_the_one_that_is_trained() {
        let harmony = harmony(3);
        let tune = tune(0);
        let before: Vec<Chord> = ["F", "Am"].map(|name| name.parse().unwrap()).to_vec();
        let mut features = Vec::new();
        tune.features(2, |at| before.get(at).copied(), Genre::Jazz, &mut features);
        let features = Tensor::from_data(TensorData::new(features, [1, 12, FEATURES]), &Device::flex());
        let expected: Vec<f32> = harmony.forward(features).try_into_vec_as().unwrap();
        let found = harmony.model().logits(&tune, 2, |at| before.get(at).copied(), Genre::Jazz);
        assert_eq!(found.len(), Chord::COUNT);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn a_transposed_tune_gets_the_same_chords_transposed() {
        let model = harmony(4).model();
        let base = extended(&model, &tune(0), &[], 0.0, 1);
        assert_eq!(base.len(), 4);
        for up in 1..12 {
            let moved: Vec<Chord> = base.iter().map(|chord| chord.transposed(up as i32)).collect();
            assert_eq!(extended(&model, &tune(up), &[], 0.0, 2), moved);
        }
    }

    // Of logits ln 1, ln 2 and ln 5: 1/8, 1/4 and 5/8; at half the temperature 1/30, 4/30 and 25/30.
    #[test]
    fn chords_are_drawn_by_their_probabilities() {
        let logits = [1.0_f32, 2.0, 5.0].map(f32::ln);
        for (temperature, bounds) in [(1.0, [0.125, 0.375]), (0.5, [1.0 / 30.0, 5.0 / 30.0])] {
            for (drawn, expected) in [
                (0.0, 0),
                (bounds[0] - 1e-4, 0),
                (bounds[0] + 1e-4, 1),
                (bounds[1] - 1e-4, 1),
                (bounds[1] + 1e-4, 2),
                (0.999_999, 2),
            ] {
                assert_eq!(draw(&logits, temperature, drawn), expected, "{temperature} {drawn}");
            }
        }
        assert_eq!(draw(&logits, 0.0, 0.0), 2);
        // Beyond the last by rounding: the last that can be.
        assert_eq!(draw(&[0.0, f32::NEG_INFINITY], 1.0, 1.0), 0);
        assert_eq!(draw(&[f32::NAN; 3], 1.0, 0.5), 0);
    }
}
