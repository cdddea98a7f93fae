//! Maps of a batch, channels innermost, with a border of zeros.

use std::ops::Range;

use rayon::prelude::*;

/// `[batch, height + 2, width + 2, channels]`: every picture has a border of one pixel, which stays zero.
#[derive(Debug, Default)]
pub(super) struct Map {
    pub(super) batch: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) values: Vec<f32>,
}

/// Some rows of a map, border and all, in one piece.
#[derive(Debug)]
pub(super) struct Band<'a> {
    /// The first of them, counted through the batch with the borders.
    first: usize,
    height: usize,
    width: usize,
    channels: usize,
    pub(super) values: &'a mut [f32],
    /// The same numbers of the map.
    pub(super) range: Range<usize>,
}

impl Map {
    pub(super) fn new(batch: usize, height: usize, width: usize, channels: usize) -> Self {
        let values = vec![0.0; batch * (height + 2) * (width + 2) * channels];
        Self { batch, height, width, channels, values }
    }

    /// From one pixel to that below it.
    pub(super) fn line(&self) -> usize {
        (self.width + 2) * self.channels
    }

    /// From one picture to the next.
    pub(super) fn picture(&self) -> usize {
        (self.height + 2) * self.line()
    }

    /// Rows of all pictures, without the borders.
    pub(super) fn rows(&self) -> usize {
        self.batch * self.height
    }

    /// Pixels of all pictures, without the borders.
    pub(super) fn pixels(&self) -> usize {
        self.rows() * self.width
    }

    /// Where row `row` of [`rows`](Self::rows) begins.
    pub(super) fn start(&self, row: usize) -> usize {
        let (picture, y) = (row / self.height, row % self.height);
        picture * self.picture() + (y + 1) * self.line() + self.channels
    }

    /// Where the pixel up and left of the first of a row is.
    pub(super) fn corner(&self, row: usize) -> usize {
        self.start(row) - self.line() - self.channels
    }

    /// A row of [`rows`](Self::rows).
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[self.start(row)..][..self.width * self.channels]
    }

    /// Calls `f(row, its numbers)` for every row of [`rows`](Self::rows), on all threads.
    pub(super) fn each_row(&mut self, f: impl Fn(usize, &mut [f32]) + Sync) {
        self.each_band(1, |band| band.each_row(|row, numbers| f(row, numbers)));
    }

    /// Calls `f` for bands that make up the map, on all threads; each has about so many pixels at least.
    pub(super) fn each_band(&mut self, least: usize, f: impl Fn(Band<'_>) + Sync) {
        let (line, height, width, channels) = (self.line(), self.height, self.width, self.channels);
        let lines = self.batch * (height + 2);
        let tasks = rayon::current_num_threads();
        let tasks = if self.pixels() > 4 * tasks * least { 4 * tasks } else { tasks };
        let each = lines.div_ceil(tasks).max(1);
        self.values.par_chunks_mut(each * line).enumerate().for_each(|(number, values)| {
            let range = number * each * line..number * each * line + values.len();
            f(Band { first: number * each, height, width, channels, values, range });
        });
    }

    /// Calls `f(picture, its numbers)` for every picture, on all threads.
    pub(super) fn each_picture(&mut self, f: impl Fn(usize, &mut [f32]) + Sync) {
        let picture = self.picture();
        self.values.par_chunks_mut(picture.max(1)).enumerate().for_each(|(number, values)| f(number, values));
    }
}

impl Band<'_> {
    /// Rows without the borders: the number of each among [`Map::rows`], and where it begins in this band.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (first, height, channels) = (self.first, self.height, self.channels);
        let line = (self.width + 2) * channels;
        (0..self.values.len() / line.max(1)).filter_map(move |index| {
            let (picture, y) = ((first + index) / (height + 2), (first + index) % (height + 2));
            (1..=height).contains(&y).then(|| (picture * height + y - 1, index * line + channels))
        })
    }

    fn each_row(self, f: impl Fn(usize, &mut [f32])) {
        let length = self.width * self.channels;
        for (row, start) in self.rows() {
            f(row, &mut self.values[start..start + length]);
        }
    }
}

/// Sums over rows in single precision, joined in double precision and in an order that depends on their number alone.
///
/// `add(row, sums)` adds a row to sums that are zero.
pub(super) fn sum_rows(rows: usize, width: usize, add: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f64> {
    let groups = rows.clamp(1, 32);
    let parts: Vec<Vec<f64>> = (0..groups)
        .into_par_iter()
        .map(|group| {
            let (mut total, mut sums) = (vec![0.0; width], vec![0.0; width]);
            for row in rows * group / groups..rows * (group + 1) / groups {
                sums.fill(0.0);
                add(row, &mut sums);
                total.iter_mut().zip(&sums).for_each(|(total, sum)| *total += f64::from(*sum));
            }
            total
        })
        .collect();
    let mut total = vec![0.0; width];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
    }
    total
}
