//! Weights packed for the tile kernel.

use super::tile::BLOCK;

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
    pub(crate) fn panel(&self, term: usize, block: usize) -> &[f32] {
        let length = self.depth * BLOCK;
        let start = (block * self.terms + term) * length;
        &self.data[start..start + length]
    }
}
