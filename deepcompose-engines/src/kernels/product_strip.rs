//! Sixty-four numbers side by side, in 32, 16 or 8 bits each.

use half::bf16;
use pulp::Simd;

/// Numbers in a strip.
pub(crate) const STRIP: usize = 64;

/// A quarter of a strip: the distance between the four vectors that are loaded together.
pub(crate) const QUARTER: usize = STRIP / 4;

/// [`STRIP`] numbers of which vectors are loaded four at a time, a quarter of the strip apart.
///
/// So one load of packed words gives two or four vectors after shifts and masks, whatever the width of a vector.
pub(crate) trait Strip: Copy + Send + Sync + 'static {
    /// A strip to be filled.
    const EMPTY: Self;

    /// Writes one number, rounded to what the strip can hold.
    fn set(&mut self, column: usize, value: f32);

    /// Reads one number.
    fn get(&self, column: usize) -> f32;

    /// What [`load`](Self::load) adds to every number, for a product to take away at the end.
    const OFFSET: f32;

    /// The vectors number `at` of each quarter, with [`OFFSET`](Self::OFFSET) added to every number.
    fn load<S: Simd>(&self, simd: S, at: usize) -> [S::f32s; 4];
}

/// Numbers in `f32`.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct StripF32(pub(crate) [f32; STRIP]);

/// Numbers in bfloat16, two a word: column `c` of a half strip in the lower bits, `c + 16` in the upper.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct StripBf16([u32; STRIP / 2]);

/// Whole numbers from −127 to 127, four a word: column `c` in the lowest bits, then `c + 16`, `c + 32`, `c + 48`.
///
/// A number `q` is kept as the byte `q + 128`. Put into the mantissa of 1.0, that gives `1.5 + q / 256`, and one
/// subtraction for a sum's worth of numbers is cheaper than one for each.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct StripI8([u32; QUARTER]);

/// What numbers of a [`StripI8`] are scaled by on loading.
pub(crate) const I8_LOADED: f32 = 1.0 / 256.0;

/// The largest whole number of a [`StripI8`].
pub(crate) const I8_MAX: f32 = 127.0;

impl Strip for StripF32 {
    const EMPTY: Self = Self([0.0; STRIP]);

    const OFFSET: f32 = 0.0;

    fn set(&mut self, column: usize, value: f32) {
        self.0[column] = value;
    }

    fn get(&self, column: usize) -> f32 {
        self.0[column]
    }

    #[inline(always)]
    fn load<S: Simd>(&self, _: S, at: usize) -> [S::f32s; 4] {
        let (vectors, _) = S::as_simd_f32s(&self.0);
        let quarter = QUARTER / S::F32_LANES;
        [vectors[at], vectors[at + quarter], vectors[at + 2 * quarter], vectors[at + 3 * quarter]]
    }
}

const UPPER_HALF: u32 = 0xffff_0000;

impl Strip for StripBf16 {
    const EMPTY: Self = Self([0; STRIP / 2]);

    const OFFSET: f32 = 0.0;

    fn set(&mut self, column: usize, value: f32) {
        let bits = u32::from(bf16::from_f32(value).to_bits());
        let word = &mut self.0[column / 32 * QUARTER + column % QUARTER];
        *word = match column / QUARTER % 2 {
            0 => *word & UPPER_HALF | bits,
            _ => *word & !UPPER_HALF | bits << 16,
        };
    }

    fn get(&self, column: usize) -> f32 {
        let word = self.0[column / 32 * QUARTER + column % QUARTER];
        f32::from_bits(if (column / QUARTER).is_multiple_of(2) { word << 16 } else { word & UPPER_HALF })
    }

    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, at: usize) -> [S::f32s; 4] {
        let (words, _) = S::as_simd_u32s(&self.0);
        let (first, second) = (words[at], words[at + QUARTER / S::F32_LANES]);
        [lower(simd, first), upper(simd, first), lower(simd, second), upper(simd, second)]
    }
}

// Functions rather than closures: a closure is not always compiled into its caller, and then has not its
// instructions.

#[inline(always)]
fn lower<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
    simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(16)))
}

#[inline(always)]
fn upper<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
    simd.transmute_f32s_u32s(simd.and_u32s(words, simd.splat_u32s(UPPER_HALF)))
}

/// Where a byte goes in the mantissa of 1.0 to give 1 + byte / 256.
const BYTE_OF_MANTISSA: u32 = 0xff << 15;

impl Strip for StripI8 {
    const EMPTY: Self = Self([0x8080_8080; QUARTER]);

    const OFFSET: f32 = 1.5;

    fn set(&mut self, column: usize, value: f32) {
        // Not a number becomes 0.
        let byte = (value.round_ties_even().clamp(-I8_MAX, I8_MAX) as i32 + 128) as u32;
        let shift = column / QUARTER * 8;
        let word = &mut self.0[column % QUARTER];
        *word = *word & !(0xff << shift) | byte << shift;
    }

    fn get(&self, column: usize) -> f32 {
        let byte = self.0[column % QUARTER] >> (column / QUARTER * 8) & 0xff;
        (byte as f32 - 128.0) * I8_LOADED
    }

    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, at: usize) -> [S::f32s; 4] {
        let (words, _) = S::as_simd_u32s(&self.0);
        let word = words[at];
        [
            byte(simd, simd.wrapping_dyn_shl_u32s(word, simd.splat_u32s(15))),
            byte(simd, simd.wrapping_dyn_shl_u32s(word, simd.splat_u32s(7))),
            byte(simd, simd.wrapping_dyn_shr_u32s(word, simd.splat_u32s(1))),
            byte(simd, simd.wrapping_dyn_shr_u32s(word, simd.splat_u32s(9))),
        ]
    }
}

#[inline(always)]
fn byte<S: Simd>(simd: S, bits: S::u32s) -> S::f32s {
    let byte = simd.and_u32s(bits, simd.splat_u32s(BYTE_OF_MANTISSA));
    simd.transmute_f32s_u32s(simd.or_u32s(byte, simd.splat_u32s(1f32.to_bits())))
}
