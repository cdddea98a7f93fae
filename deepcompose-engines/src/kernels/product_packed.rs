//! Rows of numbers, packed for products with a matrix.

use super::rows::sum;

/// The most rows that a product works on at once.
pub(crate) const BLOCK: usize = 6;

/// Rows side by side in blocks: of each input the numbers of all rows of the block, so that a product reads them
/// one after another.
///
/// All blocks but the last have [`BLOCK`] rows; the last is filled up with zeros to 1, 2, 4 or 6.
#[derive(Debug, Clone)]
pub(crate) struct PackedRows {
    rows: usize,
    inputs: usize,
    numbers: Vec<f32>,
    /// The sum of each row.
    sums: Vec<f32>,
}

/// One block of [`PackedRows`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The first row.
    pub(crate) first: usize,
    /// How many rows of the block are there, at most as many as it has room for.
    pub(crate) rows: usize,
    pub(crate) numbers: BlockNumbers<'a>,
    /// The sum of each row's numbers.
    pub(crate) sums: &'a [f32; BLOCK],
}

/// Of each input, a number of each row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BlockNumbers<'a> {
    One(&'a [[f32; 1]]),
    Two(&'a [[f32; 2]]),
    Four(&'a [[f32; 4]]),
    Six(&'a [[f32; BLOCK]]),
}

/// The room that a block of `rows` takes.
const fn room(rows: usize) -> usize {
    match rows {
        0..=2 => rows,
        3 | 4 => 4,
        _ => BLOCK,
    }
}

impl PackedRows {
    /// Room for `rows` rows of `inputs` numbers.
    pub(crate) fn with_room(rows: usize, inputs: usize) -> Self {
        let rows = rows.next_multiple_of(BLOCK);
        Self { rows: 0, inputs: 0, numbers: vec![0.0; rows * inputs], sums: vec![0.0; rows] }
    }

    /// Numbers of the room for a row, where there are whole blocks of them.
    pub(crate) const fn numbers_a_row(inputs: usize) -> usize {
        inputs + 1
    }

    /// Packs `rows` rows of `inputs` numbers; `row(r)` gives each of them, in order.
    pub(crate) fn pack<'r>(&mut self, rows: usize, inputs: usize, row: impl Fn(usize) -> &'r [f32]) {
        (self.rows, self.inputs) = (rows, inputs);
        for first in (0..rows).step_by(BLOCK) {
            let here = BLOCK.min(rows - first);
            let width = room(here);
            let block = &mut self.numbers[first * inputs..][..width * inputs];
            if here < width {
                block.fill(0.0);
            }
            for index in 0..here {
                let numbers = &row(first + index)[..inputs];
                self.sums[first + index] = sum(numbers);
                let places = block[index..].iter_mut().step_by(width);
                places.zip(numbers).for_each(|(place, number)| *place = *number);
            }
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// The blocks, in order.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        (0..self.rows).step_by(BLOCK).zip(self.sums.as_chunks().0).map(|(first, sums)| {
            let rows = BLOCK.min(self.rows - first);
            let numbers = &self.numbers[first * self.inputs..][..room(rows) * self.inputs];
            let numbers = match room(rows) {
                1 => BlockNumbers::One(numbers.as_chunks().0),
                2 => BlockNumbers::Two(numbers.as_chunks().0),
                4 => BlockNumbers::Four(numbers.as_chunks().0),
                _ => BlockNumbers::Six(numbers.as_chunks().0),
            };
            Block { first, rows, numbers, sums }
        })
    }
}
