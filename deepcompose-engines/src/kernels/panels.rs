//! Weights packed for the tile kernel.

use pulp::Simd;

use super::tile::{BLOCK, Lines, Place, Weights};

/// Matrices `[channels in, channels out]`, one a term, packed: `[block of 16 outputs][term][channel in][16]`.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    data: Vec<f32>,
    terms: usize,
    depth: usize,
    channels: usize,
}

impl Panels {
    /// Packs `weight(term, channel in, channel out)`; the last block is filled up with zeros.
    pub(crate) fn pack(
        terms: usize,
        depth: usize,
        channels: usize,
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let mut data = vec![0.0; channels.div_ceil(BLOCK) * terms * depth * BLOCK];
        if terms * depth > 0 {
            for (block, panel) in data.chunks_exact_mut(terms * depth * BLOCK).enumerate() {
                for (line, numbers) in panel.chunks_exact_mut(BLOCK).enumerate() {
                    for (number, channel) in numbers.iter_mut().zip(block * BLOCK..channels) {
                        *number = weight(line / depth, line % depth, channel);
                    }
                }
            }
        }
        Self { data, terms, depth, channels }
    }

    pub(crate) const fn terms(&self) -> usize {
        self.terms
    }

    /// Channels that go in.
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// Channels that come out.
    pub(crate) const fn channels(&self) -> usize {
        self.channels
    }

    pub(crate) const fn blocks(&self) -> usize {
        self.channels.div_ceil(BLOCK)
    }

    /// The weights of one block in one term.
    #[inline(always)]
    fn panel(&self, term: usize, block: usize) -> &[[f32; BLOCK]] {
        let start = (block * self.terms + term) * self.depth;
        &self.data.as_chunks().0[start..start + self.depth]
    }
}

impl Weights for Panels {
    const ARE_PAIRED: bool = false;

    #[inline(always)]
    fn lines<S: Simd, const VECTORS: usize>(
        &self,
        term: usize,
        places: [Place; VECTORS],
    ) -> impl Lines<S, VECTORS> {
        let mut lines = PanelLines { panels: [&[][..]; VECTORS], within: [0; VECTORS] };
        for (v, Place { block, within }) in places.into_iter().enumerate() {
            (lines.panels[v], lines.within[v]) = (self.panel(term, block), within);
        }
        lines
    }
}

#[derive(Clone, Copy)]
struct PanelLines<'a, const VECTORS: usize> {
    panels: [&'a [[f32; BLOCK]]; VECTORS],
    within: [usize; VECTORS],
}

impl<S: Simd, const VECTORS: usize> Lines<S, VECTORS> for PanelLines<'_, VECTORS> {
    #[inline(always)]
    fn depth(self) -> usize {
        self.panels[0].len()
    }

    #[inline(always)]
    fn part(mut self, from: usize, count: usize) -> Self {
        for panel in &mut self.panels {
            *panel = &panel[from..from + count];
        }
        self
    }

    #[inline(always)]
    fn line(self, simd: S, index: usize) -> [S::f32s; VECTORS] {
        let mut vectors = [simd.splat_f32s(0.0); VECTORS];
        for (v, vector) in vectors.iter_mut().enumerate() {
            // The whole block where a vector is one: no bound to check then.
            let start = if S::F32_LANES == BLOCK { 0 } else { self.within[v] };
            *vector = S::as_simd_f32s(&self.panels[v][index][start..start + S::F32_LANES]).0[0];
        }
        vectors
    }
}
