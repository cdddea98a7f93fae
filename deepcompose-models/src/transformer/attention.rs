//! Attention with relative positions.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Tensor, activation::softmax};

/// Multi-head attention with the relative positions of Dai et al. 2019, §3.3.
///
/// The score of query `i` and key `j` is
/// `(q_i + u) · k_j + (q_i + v) · r_(i - j)`, over √`d_head`, where `r` projects the sinusoidal encoding
/// of the distance, and the biases `u` and `v` are shared by all layers as in the paper.
#[derive(Module, Debug)]
pub(crate) struct RelativeAttention {
    /// Queries, keys and values in one matrix, `[d_model, 3 * heads * d_head]`.
    pub(crate) qkv: Linear,
    /// The projection of the encoded distances, `[d_model, heads * d_head]`.
    pub(crate) positions: Linear,
    /// The heads' outputs back to the model's width, `[heads * d_head, d_model]`.
    pub(crate) output: Linear,
}

/// What all layers of one forward pass share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Encoded distances from `keys - 1` down to 0, `[keys, d_model]`.
    pub(crate) distances: Tensor<2>,
    /// The bias `u` of the content term, `[1, heads, 1, d_head]`.
    pub(crate) content_bias: Tensor<4>,
    /// The bias `v` of the position term, `[1, heads, 1, d_head]`.
    pub(crate) position_bias: Tensor<4>,
    /// Additive mask, `[batch or 1, 1, time, keys]`.
    pub(crate) mask: Tensor<4>,
}

impl RelativeAttention {
    /// Attends from `x` to `memory` and `x`.
    ///
    /// `x` is `[batch, time, d_model]`, `memory` `[batch, remembered, d_model]`, the result as `x`.
    pub(crate) fn forward(&self, x: Tensor<3>, memory: Option<Tensor<3>>, shared: &Shared) -> Tensor<3> {
        let [batch, time, d_model] = x.dims();
        let [_, heads, _, d_head] = shared.content_bias.dims();
        let width = heads * d_head;
        let to_heads = |rows: Tensor<3>| {
            let [batch, rows_each, _] = rows.dims();
            rows.reshape([batch, rows_each, heads, d_head]).swap_dims(1, 2)
        };
        let weight = self.qkv.weight.val();
        let query_weight = weight.clone().slice([0..d_model, 0..width]);
        let key_weight = weight.clone().slice([0..d_model, width..2 * width]);
        let value_weight = weight.slice([0..d_model, 2 * width..3 * width]);
        let all = match memory {
            Some(memory) => Tensor::cat(vec![memory, x.clone()], 1),
            None => x.clone(),
        };
        let project = |rows: Tensor<3>, weight| to_heads(burn::tensor::module::linear(rows, weight, None));
        let query = project(x, query_weight);
        let key = project(all.clone(), key_weight);
        let value = project(all, value_weight);
        // [1, heads, keys, d_head]
        let position = to_heads(self.positions.forward(shared.distances.clone()).unsqueeze::<3>());

        let scale = (d_head as f64).sqrt().recip();
        let content_query = (query.clone() + shared.content_bias.clone()) * scale;
        let position_query = (query + shared.position_bias.clone()) * scale;
        let content_scores = content_query.matmul(key.transpose());
        let position_scores = relative_shift(position_query.matmul(position.transpose()));
        let weights = softmax(content_scores + position_scores + shared.mask.clone(), 3);
        let context = weights.matmul(value).swap_dims(1, 2).reshape([batch, time, width]);
        self.output.forward(context)
    }
}

/// Turns scores by distance into scores by key.
///
/// Column `c` of the input belongs to distance `keys - 1 - c`; column `j` of the result to key `j`, that
/// is, to distance `keys - time + i - j` in row `i`. Dai et al. 2019, appendix B: one column of zeros in
/// front, the rows read again one shorter, the first of them dropped. Entries above the diagonal are left
/// with values of no meaning, which the mask hides.
fn relative_shift(scores: Tensor<4>) -> Tensor<4> {
    let [batch, heads, time, keys] = scores.dims();
    let zeros = Tensor::zeros([batch, heads, time, 1], &scores.device());
    Tensor::cat(vec![zeros, scores], 3)
        .reshape([batch, heads, keys + 1, time])
        .slice([0..batch, 0..heads, 1..keys + 1, 0..time])
        .reshape([batch, heads, time, keys])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn the_shift_puts_every_visible_score_at_its_key() {
        let (time, keys) = (3, 5);
        // Each score is its own distance.
        let scores: Vec<f32> = (0..time).flat_map(|_| (0..keys).rev().map(|d| d as f32)).collect();
        let scores = Tensor::<4>::from_data(TensorData::new(scores, [1, 1, time, keys]), &Device::default());
        let shifted = relative_shift(scores).into_data();
        let shifted = shifted.as_slice::<f32>().unwrap();
        for i in 0..time {
            for j in 0..=keys - time + i {
                assert_eq!(shifted[i * keys + j], (keys - time + i - j) as f32, "query {i}, key {j}");
            }
        }
    }
}
