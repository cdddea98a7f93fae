//! Attention over the steps of a chorale.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Multi-head attention whose scores have a learnt bias a head and distance (Raffel et al. 2020, §2.1, with a bias of
/// its own for every distance).
#[derive(Module, Debug)]
pub(crate) struct BiasedAttention {
    /// Queries, keys and values in one matrix, `[d_model, 3 * d_model]`.
    pub(crate) qkv: Linear,
    /// The heads' outputs back to the state, `[d_model, d_model]`.
    pub(crate) output: Linear,
    /// `[heads, distances]`.
    pub(crate) bias: Param<Tensor<2>>,
}

/// Keys and values of the steps before, `[batch, heads, steps, d_head]` each.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    key: Tensor<4>,
    value: Tensor<4>,
}

/// Which keys the queries see, and how far away each is.
#[derive(Debug, Clone)]
pub(crate) struct Distances {
    /// Of each query to each key, `[queries * keys]`.
    indices: Tensor<1, Int>,
    /// Zero where a key is visible, very negative where it is later, `[1, 1, queries, keys]`.
    mask: Tensor<4>,
}

impl Distances {
    /// Of `queries` steps to those `before` them and to themselves.
    pub(crate) fn new(before: usize, queries: usize, distances: usize, device: &Device) -> Self {
        let keys = before + queries;
        let mut indices = Vec::with_capacity(queries * keys);
        let mut mask = Vec::with_capacity(queries * keys);
        for query in before..keys {
            indices.extend((0..keys).map(|key| query.saturating_sub(key).min(distances - 1) as i32));
            mask.extend((0..keys).map(|key| if key <= query { 0.0_f32 } else { -1e9 }));
        }
        Self {
            indices: Tensor::from_data(indices.as_slice(), device),
            mask: Tensor::from_data(TensorData::new(mask, [1, 1, queries, keys]), device),
        }
    }
}

impl BiasedAttention {
    /// `x` is `[batch, steps, d_model]`, and so is the result. With `cached`, the steps before are seen too, and `x` is
    /// remembered there.
    pub(crate) fn forward(
        &self,
        x: Tensor<3>,
        distances: &Distances,
        cached: Option<&mut Option<Cached>>,
    ) -> Tensor<3> {
        let [batch, steps, d_model] = x.dims();
        let heads = self.bias.dims()[0];
        let d_head = d_model / heads;
        let qkv = self.qkv.forward(x).reshape([batch, steps, 3 * heads, d_head]).swap_dims(1, 2);
        let part = |number: usize| {
            qkv.clone().slice([0..batch, number * heads..(number + 1) * heads, 0..steps, 0..d_head])
        };
        let (query, mut key, mut value) = (part(0) * (d_head as f64).sqrt().recip(), part(1), part(2));
        if let Some(cached) = cached {
            if let Some(before) = cached.take() {
                key = Tensor::cat(vec![before.key, key], 2);
                value = Tensor::cat(vec![before.value, value], 2);
            }
            *cached = Some(Cached { key: key.clone(), value: value.clone() });
        }
        let keys = key.dims()[2];
        let bias = self.bias.val().select(1, distances.indices.clone()).reshape([1, heads, steps, keys]);
        let weights = softmax(query.matmul(key.transpose()) + bias + distances.mask.clone(), 3);
        let context = weights.matmul(value).swap_dims(1, 2).reshape([batch, steps, d_model]);
        self.output.forward(context)
    }
}
