//! [`Noise`]: white noise, the same every time.

/// Marsaglia's xorshift, 32 bits: enough for noise, and quick.
#[derive(Debug, Clone)]
pub(super) struct Noise(u32);

impl Noise {
    pub(super) fn new(seed: u32) -> Self {
        // Spread, so that neighbouring seeds have nothing in common; never zero.
        Self(seed.wrapping_mul(0x9E37_79B9).rotate_left(15).wrapping_mul(0x85EB_CA6B) | 1)
    }

    /// Uniform in −1..1.
    pub(super) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as i32 as f32 * (1.0 / 2_147_483_648.0)
    }
}
