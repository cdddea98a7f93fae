//! Inputs that both sides make for themselves: `benches/peers/networks/inputs.py` draws the same.

/// Numbers of 24 bits: the top of a linear congruential generator (Knuth's MMIX constants) that begins at a seed.
pub(crate) struct Inputs(u64);

impl Inputs {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 40
    }

    /// A whole number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((self.bits() * end as u64) >> 24) as usize
    }

    /// Whether an event of this many per cent has come to pass.
    pub(crate) fn is_in(&mut self, per_cent: usize) -> bool {
        self.below(100) < per_cent
    }

    /// So many numbers from −2 up to 2.
    pub(crate) fn latent(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.bits() as f32 / 4_194_304.0 - 2.0).collect()
    }

    /// So many cells, +1 for the fifth of them that sounds and −1 for the others.
    pub(crate) fn cells(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| if self.is_in(20) { 1.0 } else { -1.0 }).collect()
    }
}
