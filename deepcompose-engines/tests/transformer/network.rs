//! Random networks.

use deepcompose_engines::transformer::{
    NormWeights, TransformerLayerWeights, TransformerSizes, TransformerWeights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Weights around 0 with deviation 1 / √inputs, gammas around 1, and biases that are not zero.
pub(crate) fn random_weights(sizes: &TransformerSizes, seed: u64) -> TransformerWeights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut numbers = |count: usize, deviation: f32| -> Vec<f32> {
        // The sum of four uniform numbers, bell-shaped, has variance 4/3.
        let mut number = || (0..4).map(|_| rng.random_range(-1.0f32..1.0)).sum::<f32>() * 0.75f32.sqrt();
        (0..count).map(|_| number() * deviation).collect()
    };
    let (d, width, inner) = (sizes.d_model, sizes.d_attention(), sizes.d_inner);
    let deviation = |inputs: usize| (inputs as f32).sqrt().recip();
    let mut norm = || {
        let gamma = numbers(d, 0.1).iter().map(|number| 1.0 + number).collect();
        NormWeights { gamma, beta: numbers(d, 0.1) }
    };
    let norms: Vec<[NormWeights; 2]> = (0..sizes.layers).map(|_| [norm(), norm()]).collect();
    let last_norm = sizes.pre_norm.then(norm);
    let layers = norms.into_iter().map(|[attention_norm, feed_forward_norm]| TransformerLayerWeights {
        qkv: numbers(d * 3 * width, deviation(d)),
        positions: numbers(d * width, deviation(d)),
        output: numbers(width * d, deviation(width)),
        attention_norm,
        expand: numbers(d * inner, deviation(d)),
        expand_bias: numbers(inner, 0.1),
        contract: numbers(inner * d, deviation(inner)),
        contract_bias: numbers(d, 0.1),
        feed_forward_norm,
    });
    let layers = layers.collect();
    TransformerWeights {
        layers,
        embedding: numbers(sizes.vocabulary * d, deviation(d)),
        output_bias: numbers(sizes.vocabulary, 0.1),
        content_bias: numbers(width, 0.3),
        position_bias: numbers(width, 0.3),
        last_norm,
    }
}

/// Tokens of the vocabulary.
pub(crate) fn random_tokens(sizes: &TransformerSizes, count: usize, seed: u64) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(0..sizes.vocabulary as u32)).collect()
}
