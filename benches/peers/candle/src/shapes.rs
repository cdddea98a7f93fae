//! Logits of the shapes that models return.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Roughly normal: twelve uniform numbers added up.
fn normal(rng: &mut StdRng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

/// Lists of a shape, as a model returns another for each token.
const LISTS: usize = 16;

/// Lists of each shape by name:
///
/// - flat: an untrained model, all logits within a fraction of a unit;
/// - peaked: one token is all but sure;
/// - music: one token in eight fits what came before, the others are far below.
pub fn all(vocabulary: usize) -> [(&'static str, Vec<Vec<f32>>); 3] {
    let mut rng = StdRng::seed_from_u64(7);
    let mut lists = |one: &mut dyn FnMut(&mut StdRng) -> Vec<f32>| (0..LISTS).map(|_| one(&mut rng)).collect();
    let flat = lists(&mut |rng| (0..vocabulary).map(|_| 0.1 * normal(rng)).collect());
    let peaked = lists(&mut |rng| {
        let mut peaked: Vec<f32> = (0..vocabulary).map(|_| 2.0 * normal(rng)).collect();
        peaked[vocabulary / 3] = 25.0;
        peaked
    });
    let music = lists(&mut |rng| {
        (0..vocabulary)
            .map(|token| if token % 8 == 0 { 2.0 * normal(rng) } else { 2.0 * normal(rng) - 9.0 })
            .collect()
    });
    [("flat", flat), ("peaked", peaked), ("music", music)]
}
