//! The network that predicts one voice of a step.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::silu;
use burn::tensor::module::embedding;
use burn::tensor::{Int, Tensor};

use super::dropout::Dropout;
use super::history::REST;

/// Cells that a voice can have: 128 pitches and a rest.
pub(crate) const CELLS: usize = 129;
/// Intervals from the voice's last pitch that have an output of their own: up to so many semitones.
const REACH: i32 = 36;
const INTERVALS: i32 = 2 * REACH + 1;

/// Outputs that say a cell by what it is to others: its interval from the voice's last pitch, whether it is the last
/// cell held, and its pitch class above that of each voice over it.
pub(crate) const fn relations(voice: usize) -> usize {
    INTERVALS as usize + 1 + 12 * voice
}

/// The relations' biases before training: most cells are held.
pub(crate) fn first_bias(voice: usize) -> Vec<f32> {
    let mut bias = vec![0.0; relations(voice)];
    bias[INTERVALS as usize] = 3.0;
    bias
}

/// How many of them each cell of a voice sums.
pub(crate) const fn terms(voice: usize) -> usize {
    2 + voice
}

/// Appends, for each of the [`CELLS`], which [`terms`] of the relations' outputs it sums; `relations(voice)` is a term
/// that is zero. `last` is the voice's cell in the step before, `above` are the cells over it in this one.
pub(crate) fn relate(last: u8, above: &[u8], to: &mut Vec<i32>) {
    let zero = relations(above.len()) as i32;
    for cell in 0..CELLS as u8 {
        let interval = i32::from(cell) - i32::from(last);
        let is_near = cell < REST && last < REST && interval.abs() <= REACH;
        to.push(if is_near { interval + REACH } else { zero });
        to.push(if cell == last { INTERVALS } else { zero });
        for (number, other) in (0..).zip(above) {
            let class = (i32::from(cell) - i32::from(*other)).rem_euclid(12);
            let is_interval = cell < REST && *other < REST;
            to.push(if is_interval { INTERVALS + 1 + 12 * number + class } else { zero });
        }
    }
}

/// Predicts a voice from the state of the step, the voice's own past and the voices above it.
#[derive(Module, Debug)]
pub(crate) struct VoiceNetwork {
    /// `[voice_rows, d_voice]`.
    pub(crate) table: Param<Tensor<2>>,
    pub(crate) state: Linear,
    pub(crate) hidden: Linear,
    /// To the cells, `[d_voice, CELLS]`.
    pub(crate) absolute: Linear,
    /// To the [`relations`].
    pub(crate) relative: Linear,
}

impl VoiceNetwork {
    /// Logits of the cells, `[steps, CELLS]`. `state` is `[steps, d_model]`, `rows` `[steps, voice_inputs]` and
    /// `relations` `[steps, CELLS * terms]`.
    pub(crate) fn forward(
        &self,
        state: Tensor<2>,
        rows: Tensor<2, Int>,
        relations: Tensor<2, Int>,
        dropout: &mut Dropout<'_>,
    ) -> Tensor<2> {
        let steps = state.dims()[0];
        let terms = relations.dims()[1] / CELLS;
        let told = embedding(self.table.val(), rows).sum_dim(1).squeeze_dim::<2>(1);
        let z = dropout.voice(silu(self.state.forward(state) + told));
        let z = z.clone() + silu(self.hidden.forward(z));
        let z = dropout.voice(z);
        let relative = self.relative.forward(z.clone());
        let zero = Tensor::zeros([steps, 1], &relative.device());
        let relative = Tensor::cat(vec![relative, zero], 1).gather(1, relations);
        let relative = relative.reshape([steps, CELLS, terms]).sum_dim(2).squeeze_dim::<2>(2);
        self.absolute.forward(z) + relative
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_cell_is_related_to_its_past_and_to_the_voices_above() {
        let mut to = Vec::new();
        relate(60, &[72, REST], &mut to);
        assert_eq!(to.len(), CELLS * terms(2));
        let of = |cell: usize| &to[cell * 4..][..4];
        let zero = relations(2) as i32;
        assert_eq!(relations(2), 73 + 1 + 24);
        // Held: no interval; the octave below the soprano; the alto rests.
        assert_eq!(of(60), [36, 73, 74, zero]);
        assert_eq!(of(67), [43, zero, 74 + 7, zero]);
        assert_eq!(of(59), [35, zero, 74 + 11, zero]);
        // Too far away for an interval.
        assert_eq!(of(100), [zero, zero, 74 + 4, zero]);
        assert_eq!(of(128), [zero; 4]);
        to.clear();
        relate(REST, &[], &mut to);
        assert_eq!((&to[..2], &to[256..]), (&[74, 74][..], &[74, 73][..]));
    }
}
