//! Matrices packed once, for products with a few rows.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Instructions;
use super::product_packed::{BLOCK, PackedRows};
use super::product_strip::{I8_LOADED, I8_MAX, STRIP, Strip, StripBf16, StripF32, StripI8};
use super::product_tile::tile;

/// How the numbers of a matrix are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberFormat {
    /// `f32`.
    F32,
    /// bfloat16.
    Bf16,
    /// 8-bit whole numbers with a scale for each output.
    I8,
}

/// A matrix of `inputs` times `outputs` numbers, in panels of 64 outputs.
///
/// A panel has a strip for each input. The last panel is filled up with columns of zeros.
#[derive(Debug)]
pub(crate) struct Matrix {
    inputs: usize,
    outputs: usize,
    strips: Strips,
}

#[derive(Debug)]
enum Strips {
    F32(Vec<StripF32>),
    Bf16(Vec<StripBf16>),
    I8 { strips: Vec<StripI8>, scales: Vec<[f32; STRIP]> },
}

/// Where a product's numbers go: a strip of the result is at `panel * panels + row * rows`, in strips.
#[derive(Debug, Clone, Copy)]
struct Stride {
    panels: usize,
    rows: usize,
}

impl Matrix {
    /// Packs the matrix whose number from `input` to `output` is `number(input, output)`.
    pub(crate) fn pack(
        format: NumberFormat,
        inputs: usize,
        outputs: usize,
        number: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let strips = match format {
            NumberFormat::F32 => Strips::F32(pack(inputs, outputs, number)),
            NumberFormat::Bf16 => Strips::Bf16(pack(inputs, outputs, number)),
            NumberFormat::I8 => {
                let largest = |output| (0..inputs).map(|i| number(i, output).abs()).fold(0.0, f32::max);
                let mut steps: Vec<f32> = (0..outputs).map(|output| largest(output) / I8_MAX).collect();
                let whole = |input, output| match steps[output] {
                    0.0 => 0.0,
                    step => number(input, output) / step,
                };
                let strips = pack(inputs, outputs, whole);
                steps.iter_mut().for_each(|step| *step /= I8_LOADED);
                steps.resize(outputs.next_multiple_of(STRIP), 0.0);
                Strips::I8 { strips, scales: steps.as_chunks().0.to_vec() }
            }
        };
        Self { inputs, outputs, strips }
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of panels; a row of a product has 64 numbers for each.
    pub(crate) fn panels(&self) -> usize {
        self.outputs.div_ceil(STRIP)
    }

    /// Number of multiply-adds for each row.
    pub(crate) fn work(&self) -> usize {
        self.inputs * self.panels() * STRIP
    }

    /// The number from `input` to `output`, as it is kept.
    pub(crate) fn get(&self, input: usize, output: usize) -> f32 {
        let (strip, column) = (output / STRIP * self.inputs + input, output % STRIP);
        match &self.strips {
            Strips::F32(strips) => strips[strip].get(column),
            Strips::Bf16(strips) => strips[strip].get(column),
            Strips::I8 { strips, scales } => strips[strip].get(column) * scales[output / STRIP][column],
        }
    }

    /// The product, row by row: a row has `64 * panels()` numbers.
    pub(crate) fn multiply(&self, instructions: Instructions, rows: &PackedRows, out: &mut [[f32; STRIP]]) {
        let stride = Stride { panels: 1, rows: self.panels() };
        self.product(instructions, rows, 0..self.panels(), stride, out);
    }

    /// The product with some panels, panel by panel: 64 numbers for each row, then those of the next panel.
    pub(crate) fn multiply_panels(
        &self,
        instructions: Instructions,
        rows: &PackedRows,
        panels: Range<usize>,
        out: &mut [[f32; STRIP]],
    ) {
        let stride = Stride { panels: rows.rows(), rows: 1 };
        self.product(instructions, rows, panels, stride, out);
    }

    fn product(
        &self,
        instructions: Instructions,
        rows: &PackedRows,
        panels: Range<usize>,
        stride: Stride,
        out: &mut [[f32; STRIP]],
    ) {
        debug_assert_eq!(rows.inputs(), self.inputs);
        let strips = panels.start * self.inputs..panels.end * self.inputs;
        match &self.strips {
            Strips::F32(all) => {
                instructions.run(Product { strips: &all[strips], scales: None, rows, stride, out });
            }
            Strips::Bf16(all) => {
                instructions.run(Product { strips: &all[strips], scales: None, rows, stride, out });
            }
            Strips::I8 { strips: all, scales } => {
                let scales = Some(&scales[panels]);
                instructions.run(Product { strips: &all[strips], scales, rows, stride, out });
            }
        }
    }
}

fn pack<T: Strip>(inputs: usize, outputs: usize, number: impl Fn(usize, usize) -> f32) -> Vec<T> {
    let mut strips = vec![T::EMPTY; inputs * outputs.div_ceil(STRIP)];
    for (panel, strips) in strips.chunks_exact_mut(inputs).enumerate() {
        let first = panel * STRIP;
        for (input, strip) in strips.iter_mut().enumerate() {
            for output in first..outputs.min(first + STRIP) {
                strip.set(output - first, number(input, output));
            }
        }
    }
    strips
}

struct Product<'a, T> {
    strips: &'a [T],
    scales: Option<&'a [[f32; STRIP]]>,
    rows: &'a PackedRows,
    stride: Stride,
    out: &'a mut [[f32; STRIP]],
}

impl<T: Strip> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut result = [[0f32; STRIP]; BLOCK];
        for (index, panel) in self.strips.chunks_exact(self.rows.inputs()).enumerate() {
            for block in self.rows.blocks() {
                tile(simd, panel, block, &mut result);
                for (row, numbers) in result[..block.rows].iter_mut().enumerate() {
                    if let Some(scales) = self.scales {
                        numbers.iter_mut().zip(&scales[index]).for_each(|(number, scale)| *number *= scale);
                    }
                    let at = index * self.stride.panels + (block.first + row) * self.stride.rows;
                    self.out[at] = *numbers;
                }
            }
        }
    }
}
