//! Which earlier positions each query may attend to.

use burn::tensor::{Device, Tensor, TensorData};

/// Additive score of a position that may not be attended to. Finite, so that it survives subtraction of a
/// row's maximum on every device; `exp` of it is zero.
const HIDDEN: f32 = -1e30;

/// For every lane and query, the first key that it may attend to; the last is always the query itself.
///
/// Keys are numbered from the oldest remembered position: `memory` remembered ones, then `time` new ones,
/// so query `i` is key `memory + i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visibility {
    /// Remembered positions.
    pub(crate) memory: usize,
    /// New positions.
    pub(crate) time: usize,
    /// First visible key, by lane and then by query. One lane stands for all where all are alike.
    pub(crate) first: Vec<usize>,
}

impl Visibility {
    /// The usual rule: a query attends to itself and to at most `span` positions before it.
    pub(crate) fn banded(memory: usize, time: usize, span: usize) -> Self {
        let first = (0..time).map(|query| (memory + query).saturating_sub(span)).collect();
        Self { memory, time, first }
    }

    /// As [`banded`](Self::banded), with in each lane only the newest `visible` remembered positions, and
    /// nothing before the latest position of `starts` that is not after the query.
    ///
    /// `starts` are rising query numbers, one list a lane.
    pub(crate) fn packed(
        memory: usize,
        time: usize,
        span: usize,
        visible: &[usize],
        starts: &[Vec<usize>],
    ) -> Self {
        let mut first = Vec::with_capacity(visible.len() * time);
        for (visible, starts) in visible.iter().zip(starts) {
            let mut earliest = memory - visible.min(&memory);
            let mut next = starts.iter().copied().peekable();
            for query in 0..time {
                while let Some(start) = next.next_if(|start| *start <= query) {
                    earliest = memory + start;
                }
                first.push((memory + query).saturating_sub(span).max(earliest));
            }
        }
        Self { memory, time, first }
    }

    /// The number of lanes: one where all lanes are alike.
    pub(crate) fn lanes(&self) -> usize {
        self.first.len() / self.time.max(1)
    }

    /// Zero where a key is visible and a very negative number where it is not, `[lanes, 1, time, keys]`.
    pub(crate) fn additive(&self, device: &Device) -> Tensor<4> {
        let keys = self.memory + self.time;
        let mut mask = vec![HIDDEN; self.first.len() * keys];
        for (row, (first, mask)) in self.first.iter().zip(mask.chunks_exact_mut(keys)).enumerate() {
            mask[*first..=self.memory + row % self.time].fill(0.0);
        }
        Tensor::from_data(TensorData::new(mask, [self.lanes(), 1, self.time, keys]), device)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_band_reaches_span_positions_back() {
        assert_eq!(Visibility::banded(3, 4, 2).first, [1, 2, 3, 4]);
        assert_eq!(Visibility::banded(0, 4, 2).first, [0, 0, 0, 1]);
    }

    #[test]
    fn a_start_hides_what_came_before_it() {
        let packed = Visibility::packed(3, 4, 3, &[3, 1], &[vec![2], vec![0, 3]]);
        assert_eq!(packed.first, [0, 1, 5, 5, 3, 3, 3, 6]);
    }

    #[test]
    fn the_additive_mask_shows_exactly_first_to_self() {
        let mask = Visibility::banded(1, 2, 1).additive(&Device::default());
        assert_eq!(mask.dims(), [1, 1, 2, 3]);
        let visible: Vec<bool> = mask.into_data().iter::<f32>().map(|score| score == 0.0).collect();
        assert_eq!(visible, [true, true, false, false, true, true]);
    }
}
