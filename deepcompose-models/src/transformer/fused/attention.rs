//! The heads of one layer's attention, forward and backward.
//!
//! Queries go in blocks, so that few scores outside the visible band are computed. Matrix products are the
//! device's; shift, mask and softmax are one pass over each row of scores, and their gradient another.

use burn::tensor::{Device, Tensor, TensorData};

use super::tensors::{data, edit, read, tensor};
use crate::transformer::rows;
use crate::transformer::visibility::Visibility;

/// Queries in one block.
const BLOCK: usize = 128;

/// The sizes that the heads of one segment share.
#[derive(Debug)]
pub(super) struct Geometry<'a> {
    pub(super) lanes: usize,
    pub(super) heads: usize,
    pub(super) d_head: usize,
    pub(super) visibility: &'a Visibility,
    /// Encoded distances from the farthest visible one down to 0, `[distances, d_model]`.
    pub(super) distances: Tensor<2>,
}

/// What the gradient needs of the forward pass.
#[derive(Debug)]
pub(super) struct Heads {
    content_query: Tensor<4>,
    position_query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    position: Tensor<4>,
    blocks: Vec<Block>,
}

/// Some queries, and the keys that they need.
#[derive(Debug)]
struct Block {
    queries: std::ops::Range<usize>,
    keys: std::ops::Range<usize>,
    /// `[lanes, heads, queries, keys]`.
    weights: Tensor<4>,
}

/// Gradients of what entered [`Geometry::forward`].
#[derive(Debug)]
pub(super) struct HeadsGradient {
    /// Of queries, keys and values of the segment, `[lanes * time, 3 * width]`.
    pub(super) qkv: Vec<f32>,
    /// Of keys and values of the memory, `[lanes * memory, 2 * width]`.
    pub(super) memory: Vec<f32>,
    /// Of the projected distances, `[distances, width]`.
    pub(super) position: Vec<f32>,
}

impl Geometry<'_> {
    pub(super) fn width(&self) -> usize {
        self.heads * self.d_head
    }

    fn keys(&self) -> usize {
        self.visibility.memory + self.visibility.time
    }

    fn first(&self, lane: usize, query: usize) -> usize {
        let lane = if self.visibility.lanes() == 1 { 0 } else { lane };
        self.visibility.first[lane * self.visibility.time + query]
    }

    /// Blocks of queries with the keys that any lane's queries in it see.
    fn blocks(&self) -> impl Iterator<Item = (std::ops::Range<usize>, std::ops::Range<usize>)> + '_ {
        let time = self.visibility.time;
        (0..time).step_by(BLOCK).map(move |from| {
            let to = (from + BLOCK).min(time);
            // The first visible key never moves back as queries go on.
            let oldest = (0..self.visibility.lanes()).map(|lane| self.first(lane, from)).min();
            (from..to, oldest.unwrap_or(0)..self.visibility.memory + to)
        })
    }

    /// The heads' outputs side by side, `[lanes * time, width]`.
    ///
    /// `qkv` is `[lanes * time, 3 * width]`, `memory` `[lanes * memory, 2 * width]`, `position`
    /// `[distances, width]`, and the biases `[heads * d_head]`.
    pub(super) fn forward(
        &self,
        qkv: &[f32],
        memory: &[f32],
        position: &[f32],
        content_bias: &[f32],
        position_bias: &[f32],
        device: &Device,
    ) -> (Vec<f32>, Heads) {
        let (lanes, heads, d_head, width) = (self.lanes, self.heads, self.d_head, self.width());
        let (time, remembered, keys) = (self.visibility.time, self.visibility.memory, self.keys());
        let distances = position.len() / width;
        let scale = (d_head as f32).sqrt().recip();
        let mut content_query = vec![0.0; lanes * width * time];
        let mut position_query = vec![0.0; lanes * width * time];
        let mut key = vec![0.0; lanes * width * keys];
        let mut value = vec![0.0; lanes * width * keys];
        for lane in 0..lanes {
            for head in 0..heads {
                let at = head * d_head..(head + 1) * d_head;
                let (u, v) = (&content_bias[at.clone()], &position_bias[at.clone()]);
                for query in 0..time {
                    let row = &qkv[(lane * time + query) * 3 * width..][at.clone()];
                    let to = ((lane * heads + head) * time + query) * d_head;
                    for k in 0..d_head {
                        content_query[to + k] = (row[k] + u[k]) * scale;
                        position_query[to + k] = (row[k] + v[k]) * scale;
                    }
                }
                for slot in 0..keys {
                    let row = if slot < remembered {
                        &memory[(lane * remembered + slot) * 2 * width..][..2 * width]
                    } else {
                        &qkv[(lane * time + slot - remembered) * 3 * width..][width..3 * width]
                    };
                    let to = ((lane * heads + head) * keys + slot) * d_head;
                    key[to..to + d_head].copy_from_slice(&row[at.clone()]);
                    value[to..to + d_head].copy_from_slice(&row[width..][at.clone()]);
                }
            }
        }
        let mut by_head = vec![0.0; position.len()];
        for (distance, row) in position.chunks_exact(width).enumerate() {
            for (head, part) in row.chunks_exact(d_head).enumerate() {
                by_head[(head * distances + distance) * d_head..][..d_head].copy_from_slice(part);
            }
        }
        let mut saved = Heads {
            content_query: tensor(content_query, [lanes, heads, time, d_head], device),
            position_query: tensor(position_query, [lanes, heads, time, d_head], device),
            key: tensor(key, [lanes, heads, keys, d_head], device),
            value: tensor(value, [lanes, heads, keys, d_head], device),
            position: tensor(by_head, [1, heads, distances, d_head], device),
            blocks: Vec::new(),
        };
        let mut out = vec![0.0; lanes * time * width];
        for (queries, keys) in self.blocks() {
            let content = part(&saved.content_query, &queries).matmul(part(&saved.key, &keys).transpose());
            let by_distance =
                part(&saved.position_query, &queries).matmul(saved.position.clone().transpose());
            let weights = self.weigh(data(content), &data(by_distance), &queries, &keys);
            let weights = Tensor::from_data(weights, device);
            let context = data(weights.clone().matmul(part(&saved.value, &keys)));
            self.each_query(&queries, |lane, head, query, row| {
                let to = (lane * time + query) * width + head * d_head;
                out[to..to + d_head].copy_from_slice(&read(&context)[row * d_head..][..d_head]);
            });
            saved.blocks.push(Block { queries, keys, weights });
        }
        (out, saved)
    }

    /// Calls `f(lane, head, query, row)` for the rows of a block in order.
    fn each_query(&self, queries: &std::ops::Range<usize>, mut f: impl FnMut(usize, usize, usize, usize)) {
        let mut row = 0;
        for lane in 0..self.lanes {
            for head in 0..self.heads {
                for query in queries.clone() {
                    f(lane, head, query, row);
                    row += 1;
                }
            }
        }
    }

    /// Where a query's visible keys stand in its row of scores, and its distances in that by distance.
    fn columns(&self, lane: usize, query: usize, oldest: usize, distances: usize) -> [usize; 3] {
        let (first, own) = (self.first(lane, query), self.visibility.memory + query);
        [first - oldest, own + 1 - oldest, distances - 1 - (own - first)]
    }

    /// Scores by key and by distance to attention weights.
    fn weigh(
        &self,
        mut content: TensorData,
        by_distance: &TensorData,
        queries: &std::ops::Range<usize>,
        keys: &std::ops::Range<usize>,
    ) -> TensorData {
        let rows = self.lanes * self.heads * queries.len();
        let by_distance = read(by_distance);
        let distances = by_distance.len() / rows.max(1);
        let scores = edit(&mut content);
        self.each_query(queries, |lane, _, query, row| {
            let [from, to, at] = self.columns(lane, query, keys.start, distances);
            let row_scores = &mut scores[row * keys.len()..][..keys.len()];
            row_scores[..from].fill(0.0);
            row_scores[to..].fill(0.0);
            let seen = &mut row_scores[from..to];
            rows::add(seen, &by_distance[row * distances + at..][..to - from]);
            rows::softmax(seen);
        });
        content
    }

    /// The gradients, given that of the heads' outputs. Adds to those of the biases.
    pub(super) fn backward(
        &self,
        saved: Heads,
        gradient: &[f32],
        d_content_bias: &mut [f32],
        d_position_bias: &mut [f32],
        device: &Device,
    ) -> HeadsGradient {
        let (lanes, heads, d_head, width) = (self.lanes, self.heads, self.d_head, self.width());
        let (time, remembered, all_keys) = (self.visibility.time, self.visibility.memory, self.keys());
        let distances = saved.position.dims()[2];
        let scale = (d_head as f32).sqrt().recip();
        let mut out = HeadsGradient {
            qkv: vec![0.0; lanes * time * 3 * width],
            memory: vec![0.0; lanes * remembered * 2 * width],
            position: vec![0.0; distances * width],
        };
        for block in saved.blocks {
            let Block { queries, keys, weights } = block;
            let mut arriving = vec![0.0; lanes * heads * queries.len() * d_head];
            self.each_query(&queries, |lane, head, query, row| {
                let from = (lane * time + query) * width + head * d_head;
                arriving[row * d_head..][..d_head].copy_from_slice(&gradient[from..from + d_head]);
            });
            let arriving = tensor(arriving, [lanes, heads, queries.len(), d_head], device);
            let d_value = data(weights.clone().transpose().matmul(arriving.clone()));
            let d_weights = arriving.matmul(part(&saved.value, &keys).transpose());
            let (d_scores, d_by_distance) =
                self.weigh_backward(&data(weights), data(d_weights), distances, &queries, &keys);
            let d_scores = Tensor::<4>::from_data(d_scores, device);
            let shape = [lanes, heads, queries.len(), distances];
            let d_by_distance = tensor(d_by_distance, shape, device);

            let content_query = part(&saved.content_query, &queries);
            let position_query = part(&saved.position_query, &queries);
            let d_content = data(d_scores.clone().matmul(part(&saved.key, &keys)));
            let d_key = data(d_scores.transpose().matmul(content_query));
            let d_place = data(d_by_distance.clone().matmul(saved.position.clone()));
            let d_position = data(d_by_distance.transpose().matmul(position_query));

            self.each_query(&queries, |lane, head, query, row| {
                let content = &read(&d_content)[row * d_head..][..d_head];
                let place = &read(&d_place)[row * d_head..][..d_head];
                let to = &mut out.qkv[(lane * time + query) * 3 * width + head * d_head..][..d_head];
                for k in 0..d_head {
                    to[k] = (content[k] + place[k]) * scale;
                    d_content_bias[head * d_head + k] += content[k] * scale;
                    d_position_bias[head * d_head + k] += place[k] * scale;
                }
            });
            for lane in 0..lanes {
                for head in 0..heads {
                    for (row, slot) in keys.clone().enumerate() {
                        let from = ((lane * heads + head) * keys.len() + row) * d_head;
                        let to = if slot < remembered {
                            &mut out.memory[(lane * remembered + slot) * 2 * width..][..2 * width]
                        } else {
                            &mut out.qkv[(lane * time + slot - remembered) * 3 * width..][width..3 * width]
                        };
                        rows::add(&mut to[head * d_head..][..d_head], &read(&d_key)[from..from + d_head]);
                        let to = &mut to[width + head * d_head..][..d_head];
                        rows::add(to, &read(&d_value)[from..from + d_head]);
                    }
                    for distance in 0..distances {
                        let from = ((lane * heads + head) * distances + distance) * d_head;
                        let to = &mut out.position[distance * width + head * d_head..][..d_head];
                        rows::add(to, &read(&d_position)[from..from + d_head]);
                    }
                }
            }
        }
        debug_assert_eq!(all_keys, remembered + time);
        out
    }

    /// The gradient of [`weigh`](Self::weigh): of the scores by key, and by distance.
    fn weigh_backward(
        &self,
        weights: &TensorData,
        mut d_weights: TensorData,
        distances: usize,
        queries: &std::ops::Range<usize>,
        keys: &std::ops::Range<usize>,
    ) -> (TensorData, Vec<f32>) {
        let weights = read(weights);
        let gradient = edit(&mut d_weights);
        let mut by_distance = vec![0.0; self.lanes * self.heads * queries.len() * distances];
        self.each_query(queries, |lane, _, query, row| {
            let [from, to, at] = self.columns(lane, query, keys.start, distances);
            let weights = &weights[row * keys.len() + from..][..to - from];
            let row_gradient = &mut gradient[row * keys.len()..][..keys.len()];
            row_gradient[..from].fill(0.0);
            row_gradient[to..].fill(0.0);
            let seen = &mut row_gradient[from..to];
            let mean = rows::dot(weights, seen);
            let by_distance = &mut by_distance[row * distances + at..][..to - from];
            for ((gradient, weight), by_distance) in seen.iter_mut().zip(weights).zip(by_distance) {
                *gradient = (*gradient - mean) * weight;
                *by_distance = *gradient;
            }
        });
        (d_weights, by_distance)
    }
}

/// Some of the rows, in every lane and head. No copy.
fn part(all: &Tensor<4>, rows: &std::ops::Range<usize>) -> Tensor<4> {
    let [lanes, heads, _, width] = all.dims();
    all.clone().slice([0..lanes, 0..heads, rows.clone(), 0..width])
}
