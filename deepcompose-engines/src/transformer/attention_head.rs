//! One head's attention: scores with their position terms, softmax, weighted values.

use pulp::{Simd, WithSimd};

use super::attention::{Positions, Ring, SEGMENT};
use super::sizes::TransformerSizes;
use crate::kernels::{
    BLOCK, Instructions, PackedRows, STRIP, Strip, StripF32, along, exponentials, largest, tile,
};

/// The sizes that attention works with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) d_head: usize,
    pub(super) memory: usize,
    /// Slots of a ring, a multiple of 64 that leaves room for some positions besides the memory.
    pub(super) slots: usize,
}

impl Shape {
    pub(super) fn new(sizes: &TransformerSizes) -> Self {
        let slots = (sizes.memory + SEGMENT / 2).next_multiple_of(STRIP);
        Self { d_head: sizes.d_head, memory: sizes.memory, slots }
    }

    /// How many positions may be read at once: their keys must not take the place of any that they attend to.
    pub(super) fn segment(&self) -> usize {
        SEGMENT.min(self.slots - self.memory)
    }

    /// Distances 0..=memory, rounded up to whole strips.
    fn distances(&self) -> usize {
        (self.memory + 1).next_multiple_of(STRIP)
    }
}

/// Memory for one head's work on a block of positions.
#[derive(Debug)]
pub(super) struct Head {
    biased: Vec<f32>,
    /// The queries for the content term and for the position term.
    queries: [PackedRows; 2],
    scores: Vec<[f32; STRIP]>,
    place_scores: Vec<[f32; STRIP]>,
    weights: Vec<StripF32>,
    context: Vec<f32>,
}

impl Head {
    pub(super) fn new(shape: &Shape) -> Self {
        Self {
            biased: vec![0.0; BLOCK * shape.d_head],
            queries: [(); 2].map(|()| PackedRows::with_room(BLOCK, shape.d_head)),
            scores: vec![[0.0; STRIP]; BLOCK * shape.slots / STRIP],
            place_scores: vec![[0.0; STRIP]; BLOCK * shape.distances() / STRIP],
            weights: vec![StripF32::EMPTY; BLOCK * shape.slots / STRIP],
            context: vec![0.0; BLOCK * shape.d_head],
        }
    }

    /// Attends from `count` positions, the first of them `first`, whose keys and values are in the ring.
    ///
    /// `query(i)` gives a position's query; `write(i, numbers)` takes what it attends to.
    #[expect(clippy::too_many_arguments, reason = "all of them are what one head's attention is made of")]
    pub(super) fn run<'q>(
        &mut self,
        instructions: Instructions,
        shape: &Shape,
        head: usize,
        ring: &Ring,
        places: &Positions,
        biases: [&[f32]; 2],
        first: usize,
        count: usize,
        query: impl Fn(usize) -> &'q [f32],
        mut write: impl FnMut(usize, &[f32]),
    ) {
        let d_head = shape.d_head;
        let scale = (d_head as f32).sqrt().recip();
        for at in (0..count).step_by(BLOCK) {
            let rows = BLOCK.min(count - at);
            for (packed, bias) in self.queries.iter_mut().zip(biases) {
                for (index, biased) in self.biased.chunks_exact_mut(d_head).take(rows).enumerate() {
                    let numbers = query(at + index).iter().zip(bias);
                    biased
                        .iter_mut()
                        .zip(numbers)
                        .for_each(|(out, (query, bias))| *out = (query + bias) * scale);
                }
                packed.pack(rows, d_head, |index| &self.biased[index * d_head..]);
            }
            let panels = shape.slots / STRIP * d_head;
            let ring_of_head = head * panels..(head + 1) * panels;
            let panels = shape.distances() / STRIP * d_head;
            let places_of_head = head * panels..(head + 1) * panels;
            macro_rules! attend {
                ($keys: expr, $values: expr, $places: expr) => {
                    instructions.run(Attend {
                        shape,
                        first: first + at,
                        rows,
                        keys: &$keys[ring_of_head.clone()],
                        values: &$values[ring_of_head],
                        places: &$places[places_of_head],
                        memory: self,
                    })
                };
            }
            match (&ring.keys, &ring.values, places) {
                (Positions::F32(keys), Positions::F32(values), Positions::F32(places)) => {
                    attend!(keys, values, places)
                }
                (Positions::Bf16(keys), Positions::Bf16(values), Positions::Bf16(places)) => {
                    attend!(keys, values, places)
                }
                // An engine keeps all three in one format.
                _ => {}
            }
            for (index, numbers) in self.context.chunks_exact(d_head).take(rows).enumerate() {
                write(at + index, numbers);
            }
        }
    }
}

struct Attend<'a, T> {
    shape: &'a Shape,
    first: usize,
    rows: usize,
    keys: &'a [T],
    values: &'a [T],
    places: &'a [T],
    memory: &'a mut Head,
}

impl<T: Strip> WithSimd for Attend<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { shape, first, rows, keys, values, places, memory } = self;
        let Head { queries, scores, place_scores, weights, context, .. } = memory;
        let (d_head, last) = (shape.d_head, first + rows - 1);
        // Slots behind the newest position are empty until the ring is full once.
        let (used, all) = ((last + 1).min(shape.slots).div_ceil(STRIP), shape.slots / STRIP);
        products(simd, &keys[..used * d_head], d_head, &queries[0], scores, 0, all);
        let (far, distances) = ((shape.memory - last.min(shape.memory)) / STRIP, shape.distances() / STRIP);
        products(simd, &places[far * d_head..], d_head, &queries[1], place_scores, far, distances);
        let mut sums = [0f32; BLOCK];
        for (row, sum) in sums[..rows].iter_mut().enumerate() {
            let scores = &mut scores[row * all..][..used];
            let place_scores = &place_scores[row * distances..][..distances];
            join(shape, first + row, scores.as_flattened_mut(), place_scores.as_flattened());
            *sum = exponentials(simd, scores, largest(simd, scores), &mut weights[row * all..][..used]);
        }
        let weights: [&[StripF32]; BLOCK] =
            std::array::from_fn(|row| &weights[row.min(rows - 1) * all..][..used]);
        along(simd, values, d_head, &weights[..rows], context);
        for (context, sum) in context.chunks_exact_mut(d_head).zip(&sums[..rows]) {
            let scale = sum.recip();
            context.iter_mut().for_each(|number| *number *= scale);
        }
    }
}

/// Products of the queries with whole panels, to the strips from `first` on of rows of `stride` strips.
#[inline(always)]
fn products<S: Simd, T: Strip>(
    simd: S,
    panels: &[T],
    d_head: usize,
    queries: &PackedRows,
    out: &mut [[f32; STRIP]],
    first: usize,
    stride: usize,
) {
    let mut result = [[0f32; STRIP]; BLOCK];
    for block in queries.blocks() {
        for (index, panel) in panels.chunks_exact(d_head).enumerate() {
            tile(simd, panel, block, &mut result);
            for (row, numbers) in result[..block.rows].iter().enumerate() {
                out[row * stride + first + index] = *numbers;
            }
        }
    }
}

/// Adds the position terms of the query at `position` to its content terms; what it does not see becomes −∞.
///
/// `scores` are by slot. `places` are by distance, from `memory` down to 0. Distances go down as slots go up, but
/// for one step where the ring begins again, so there are two runs to add.
#[inline(always)]
fn join(shape: &Shape, position: usize, scores: &mut [f32], places: &[f32]) {
    let (seen, slot) = (position.min(shape.memory), position % shape.slots);
    let oldest = slot.saturating_sub(seen);
    let (now, rest) = scores.split_at_mut(slot + 1);
    let (unseen, now) = now.split_at_mut(oldest);
    unseen.fill(f32::NEG_INFINITY);
    add(now, &places[shape.memory - (slot - oldest)..]);
    // Positions from before the ring began again, at its end.
    let earlier = seen.saturating_sub(slot);
    let (unseen, earlier) = rest.split_at_mut(rest.len() - earlier);
    unseen.fill(f32::NEG_INFINITY);
    add(earlier, &places[shape.memory - seen..]);
}

#[inline(always)]
fn add(scores: &mut [f32], places: &[f32]) {
    scores.iter_mut().zip(places).for_each(|(score, place)| *score += place);
}
