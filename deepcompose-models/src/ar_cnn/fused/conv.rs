//! Convolutions: their weights packed both ways, the passes, and the gradient of the weights.
//!
//! A 3×3 convolution of a map that was doubled never sees the doubled map. An output pixel reads four pixels of the
//! small map, through sums of one, two or four of the nine weights; which, depends on whether its row and its column
//! are even. Backwards, a pixel of the small map has its gradient from the sixteen outputs around it.

use deepcompose_engines::training::{
    Begin, End, Instructions, Packed, Pair, Place, Shift, add_columns, multiply, outer_products,
};
use rayon::prelude::*;

use super::map::{Map, sum_rows};

/// Pixels that make a task worth its weights' way through the caches.
const LEAST: usize = 256;

/// A kernel `[out, in, 3, 3]`, or those of its inputs that a part of a concatenation brings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel<'a> {
    pub(super) weights: &'a [f32],
    /// Inputs of all parts.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// The first input of this part.
    pub(super) first: usize,
    /// Inputs of this part.
    pub(super) count: usize,
}

impl<'a> Kernel<'a> {
    pub(super) fn new(weights: &'a [f32], inputs: usize, outputs: usize) -> Self {
        Self { weights, inputs, outputs, first: 0, count: inputs }
    }

    /// The part of the inputs from `first` on.
    pub(super) fn part(self, first: usize, count: usize) -> Self {
        Self { first, count, ..self }
    }

    /// The weight of output `to`, input `from` of the part, and tap `tap`, row by row.
    fn at(&self, to: usize, from: usize, tap: usize) -> f32 {
        self.weights[(to * self.inputs + self.first + from) * 9 + tap]
    }

    fn sum(&self, to: usize, from: usize, taps: &[usize]) -> f32 {
        taps.iter().map(|tap| self.at(to, from, *tap)).sum()
    }
}

/// The taps that read row (or column) `r` of the two that an even (`phase` 0) or odd output reads.
const NEAR: [[&[usize]; 2]; 2] = [[&[0], &[1, 2]], [&[0, 1], &[2]]];

/// The taps through which the output one before, at, one after and two after twice a row reads that row.
const AROUND: [&[usize]; 4] = [&[2], &[1, 2], &[0, 1], &[0]];

/// Both coordinates' taps to taps of the kernel.
fn taps(rows: &[usize], columns: &[usize]) -> Vec<usize> {
    rows.iter().flat_map(|y| columns.iter().map(move |x| 3 * y + x)).collect()
}

/// A convolution that keeps the size.
#[derive(Debug, Default)]
pub(super) struct Plain {
    forward: Packed,
    backward: Packed,
}

/// A convolution of the map twice as large, without it.
#[derive(Debug, Default)]
pub(super) struct Doubled {
    /// One for outputs in even and odd rows, even and odd columns.
    phases: [Packed; 4],
    backward: Packed,
}

/// Where the nine pixels around one are, from the corner.
fn square(map: &Map) -> Vec<usize> {
    (0..9).map(|tap| tap / 3 * map.line() + tap % 3 * map.channels).collect()
}

impl Plain {
    /// Packs the weights; those of the way back only where there is one.
    pub(super) fn pack(&mut self, kernel: Kernel<'_>, back: bool) {
        self.forward.pack(9, kernel.count, kernel.outputs, |tap, from, first, to| {
            to.iter_mut().enumerate().for_each(|(n, to)| *to = kernel.at(first + n, from, tap));
        });
        if back {
            self.backward.pack(9, kernel.outputs, kernel.count, |tap, from, first, to| {
                to.iter_mut().enumerate().for_each(|(n, to)| *to = kernel.at(from, first + n, 8 - tap));
            });
        }
    }

    /// `out = end(begin + convolution of x)`.
    pub(super) fn forward(
        &self,
        instructions: Instructions,
        x: &Map,
        out: &mut Map,
        begin: Begin<'_>,
        end: End<'_>,
    ) {
        run(instructions, &self.forward, x, out, begin, end);
    }

    /// The gradient of the input, from that of the output; zero where `result`, the input, is, if given.
    pub(super) fn backward(
        &self,
        instructions: Instructions,
        gradient: &Map,
        out: &mut Map,
        result: Option<&Map>,
    ) {
        let end = result.map_or(End::Plain, |result| End::Where(&result.values));
        run(instructions, &self.backward, gradient, out, Begin::Zero, end);
    }
}

fn run(instructions: Instructions, right: &Packed, x: &Map, out: &mut Map, begin: Begin<'_>, end: End<'_>) {
    let (starts, width, step) = (square(x), x.width, out.channels);
    out.each_band(LEAST, |band| {
        let places: Vec<Place> = band
            .rows()
            .flat_map(|(row, to)| {
                let corner = x.corner(row);
                (0..width).map(move |i| Place { from: corner + i * x.channels, to: to + i * step })
            })
            .collect();
        let end = match end {
            End::Where(list) => End::Where(&list[band.range]),
            other => other,
        };
        multiply(instructions, &x.values, &starts, right, &places, band.values, (begin, end));
    });
}

/// A 1×1 convolution, or the way back through one: `out = end(begin + x · right)` for every pixel.
pub(super) fn pointwise(
    instructions: Instructions,
    right: &Packed,
    x: &Map,
    out: &mut Map,
    begin: Begin<'_>,
    end: End<'_>,
) {
    let step = out.channels;
    out.each_band(LEAST, |band| {
        let places: Vec<Place> = band
            .rows()
            .flat_map(|(row, to)| {
                let from = x.start(row);
                (0..x.width).map(move |i| Place { from: from + i * x.channels, to: to + i * step })
            })
            .collect();
        let end = match end {
            End::Where(list) => End::Where(&list[band.range]),
            other => other,
        };
        multiply(instructions, &x.values, &[0], right, &places, band.values, (begin, end));
    });
}

impl Doubled {
    pub(super) fn pack(&mut self, kernel: Kernel<'_>) {
        for (phase, packed) in self.phases.iter_mut().enumerate() {
            let (rows, columns) = (NEAR[phase / 2], NEAR[phase % 2]);
            let sums: Vec<_> = (0..4).map(|tap| taps(rows[tap / 2], columns[tap % 2])).collect();
            packed.pack(4, kernel.count, kernel.outputs, |tap, from, first, to| {
                to.iter_mut().enumerate().for_each(|(n, to)| *to = kernel.sum(first + n, from, &sums[tap]));
            });
        }
        let sums: Vec<_> = (0..16).map(|tap| taps(AROUND[tap / 4], AROUND[tap % 4])).collect();
        self.backward.pack(16, kernel.outputs, kernel.count, |tap, from, first, to| {
            to.iter_mut().enumerate().for_each(|(n, to)| *to = kernel.sum(from, first + n, &sums[tap]));
        });
    }

    /// `out = bias + convolution of the doubled x`.
    pub(super) fn forward(&self, instructions: Instructions, x: &Map, out: &mut Map, bias: &[f32]) {
        let (line, step, channels) = (x.line(), out.channels, x.channels);
        let starts = [0, channels, line, line + channels];
        let height = out.height;
        out.each_band(LEAST, |band| {
            let mut places = Vec::new();
            for (phase, right) in self.phases.iter().enumerate() {
                let (down, aside) = (phase / 2, phase % 2);
                places.clear();
                for (row, to) in band.rows().filter(|(row, _)| row % height % 2 == down) {
                    let small = row / height * x.height + row % height / 2;
                    let corner = x.corner(small) + down * line + aside * channels;
                    let to = to + aside * step;
                    places.extend(
                        (0..x.width).map(|i| Place { from: corner + i * channels, to: to + 2 * i * step }),
                    );
                }
                let ends = (Begin::Bias(bias), End::Plain);
                multiply(instructions, &x.values, &starts, right, &places, band.values, ends);
            }
        });
    }

    /// The gradient of the small map, from that of the output.
    pub(super) fn backward(&self, instructions: Instructions, gradient: &Map, out: &mut Map) {
        let (line, channels, step) = (gradient.line(), gradient.channels, out.channels);
        let starts: Vec<usize> = (0..16).map(|tap| tap / 4 * line + tap % 4 * channels).collect();
        let (height, width) = (out.height, out.width);
        out.each_band(LEAST, |band| {
            let places: Vec<Place> = band
                .rows()
                .flat_map(|(row, to)| {
                    let corner = gradient.corner(row / height * gradient.height + row % height * 2);
                    (0..width).map(move |i| Place { from: corner + 2 * i * channels, to: to + i * step })
                })
                .collect();
            let ends = (Begin::Zero, End::Plain);
            multiply(instructions, &gradient.values, &starts, &self.backward, &places, band.values, ends);
        });
    }
}

/// Sums of outer products of a part of the pixels each: what is added up to the gradient of a kernel.
#[derive(Debug, Default)]
pub(super) struct Sums {
    parts: Vec<f32>,
}

/// Sizes of the outer products: how many terms, and of what.
struct Sizes {
    terms: usize,
    depth: usize,
    columns: usize,
}

impl Sums {
    /// The gradient of the kernel of a convolution that keeps the size, to its part of `to`.
    pub(super) fn plain(
        &mut self,
        instructions: Instructions,
        (x, gradient): (&Map, &Map),
        kernel: Kernel<'_>,
        to: &mut [f32],
    ) {
        let shifts: Vec<Shift> = square(x).into_iter().map(|left| Shift { left, right: 0 }).collect();
        let pairs = |row: usize, pairs: &mut Vec<Pair>| {
            let (left, right) = (x.corner(row), gradient.start(row));
            pairs.extend(
                (0..x.width)
                    .map(|i| Pair { left: left + i * x.channels, right: right + i * gradient.channels }),
            );
        };
        let sizes = self.add(instructions, (x, gradient), &shifts, x.rows(), pairs);
        let own: Vec<Vec<usize>> = (0..9).map(|tap| vec![tap]).collect();
        self.collect(&sizes, &own, kernel, to);
    }

    /// The gradient of the kernel of a convolution of the doubled `x`, to its part of `to`.
    pub(super) fn doubled(
        &mut self,
        instructions: Instructions,
        (x, gradient): (&Map, &Map),
        kernel: Kernel<'_>,
        to: &mut [f32],
    ) {
        let shift =
            |tap: usize| Shift { left: 0, right: tap / 4 * gradient.line() + tap % 4 * gradient.channels };
        let shifts: Vec<Shift> = (0..16).map(shift).collect();
        let pairs = |row: usize, pairs: &mut Vec<Pair>| {
            let left = x.start(row);
            let right = gradient.corner(row / x.height * gradient.height + row % x.height * 2);
            pairs.extend(
                (0..x.width)
                    .map(|i| Pair { left: left + i * x.channels, right: right + 2 * i * gradient.channels }),
            );
        };
        let sizes = self.add(instructions, (x, gradient), &shifts, x.rows(), pairs);
        // The places around through which each tap reads.
        let through = |tap: usize| (0..4).filter(move |place| AROUND[*place].contains(&tap));
        let sums: Vec<Vec<usize>> = (0..9)
            .map(|tap| through(tap / 3).flat_map(|y| through(tap % 3).map(move |x| 4 * y + x)).collect())
            .collect();
        self.collect(&sizes, &sums, kernel, to);
    }

    /// Outer products in parts, whose number depends on the sizes alone.
    fn add(
        &mut self,
        instructions: Instructions,
        (left, right): (&Map, &Map),
        shifts: &[Shift],
        rows: usize,
        pairs: impl Fn(usize, &mut Vec<Pair>) + Sync,
    ) -> Sizes {
        let sizes = Sizes { terms: shifts.len(), depth: left.channels, columns: right.channels };
        let term = sizes.depth * sizes.columns;
        // No more sums than there are numbers to be summed.
        let read = (left.channels + right.channels) * left.pixels();
        let parts = (read / (term * sizes.terms)).clamp(1, 16).min(rows);
        self.parts.clear();
        self.parts.resize(parts * sizes.terms * term, 0.0);
        let pairs_of = |part: usize| {
            let mut list = Vec::new();
            (rows * part / parts..rows * (part + 1) / parts).for_each(|row| pairs(row, &mut list));
            list
        };
        let size = (sizes.depth, sizes.columns);
        let (left, right) = (&left.values, &right.values);
        if parts >= 8 {
            self.parts.par_chunks_mut(sizes.terms * term).enumerate().for_each(|(part, out)| {
                outer_products(instructions, left, right, shifts, &pairs_of(part), size, out);
            });
        } else {
            let pairs: Vec<Vec<Pair>> = (0..parts).map(pairs_of).collect();
            self.parts.par_chunks_mut(term).enumerate().for_each(|(number, out)| {
                let (part, term) = (number / shifts.len(), number % shifts.len());
                outer_products(instructions, left, right, &shifts[term..=term], &pairs[part], size, out);
            });
        }
        sizes
    }

    /// Adds the parts up, in order: tap `t` of the kernel is the sum of the terms `terms[t]`.
    fn collect(&self, sizes: &Sizes, terms: &[Vec<usize>], kernel: Kernel<'_>, to: &mut [f32]) {
        const BLOCK: usize = 16;
        let term = sizes.depth * sizes.columns;
        let output = kernel.inputs * 9;
        to.par_chunks_mut(BLOCK * output).enumerate().for_each(|(block, to)| {
            let count = to.len() / output;
            for from in 0..kernel.count {
                for (tap, terms) in terms.iter().enumerate() {
                    let mut sums = [0.0; BLOCK];
                    for part in self.parts.chunks_exact(sizes.terms * term) {
                        for number in terms {
                            let row = &part[number * term + from * sizes.columns + block * BLOCK..][..count];
                            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                        }
                    }
                    for (index, sum) in sums[..count].iter().enumerate() {
                        to[index * output + (kernel.first + from) * 9 + tap] = *sum;
                    }
                }
            }
        });
    }

    /// The gradient of a 1×1 convolution to one channel: for each channel of `x` the sum of its product with the gradient.
    pub(super) fn head(&mut self, instructions: Instructions, x: &Map, gradient: &Map) -> Vec<f32> {
        let pairs = |row: usize, pairs: &mut Vec<Pair>| {
            let (left, right) = (gradient.start(row), x.start(row));
            pairs.extend((0..x.width).map(|i| Pair { left: left + i, right: right + i * x.channels }));
        };
        let sizes = self.add(instructions, (gradient, x), &[Shift { left: 0, right: 0 }], x.rows(), pairs);
        let mut to = vec![0.0; sizes.columns];
        for part in self.parts.chunks_exact(sizes.columns) {
            to.iter_mut().zip(part).for_each(|(to, part)| *to += part);
        }
        to
    }
}

/// The gradient of a bias: the sum of the gradient over the pixels.
pub(super) fn bias_gradient(instructions: Instructions, gradient: &Map) -> Vec<f32> {
    let sums = sum_rows(gradient.rows(), gradient.channels, |row, sums| {
        add_columns(instructions, gradient.row(row), sums);
    });
    sums.into_iter().map(|sum| sum as f32).collect()
}
