//! The network that predicts one voice of a step.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::silu;
use burn::tensor::module::embedding;
use burn::tensor::{Int, Tensor};

use super::dropout::Dropout;
use super::history::{Outlook, REST};
use super::key::DEGREES;

/// Cells that a voice can have: 128 pitches and a rest.
pub(crate) const CELLS: usize = 129;
/// Intervals from the voice's last pitch that have an output of their own: up to so many semitones.
const REACH: i32 = 36;
const INTERVALS: i32 = 2 * REACH + 1;

/// Where the outputs of the two echoes begin, of the known tunes, of the degrees, and of the voices above.
const ECHOES: i32 = INTERVALS + 1;
const KNOWN: i32 = ECHOES + 2;
const DEGREE: i32 = KNOWN + 1;
const ABOVE: i32 = DEGREE + DEGREES as i32;

/// Outputs that say a cell by what it is to others: its interval from the voice's last pitch, whether it is the last
/// cell held, whether it is what came the last time, whether the soprano's tune has it on the next beat, its degree in the local key, and its pitch class above that of each
/// voice over it.
pub(crate) const fn relations(voice: usize) -> usize {
    ABOVE as usize + 12 * voice
}

/// The relations' biases before training: most cells are held.
pub(crate) fn first_bias(voice: usize) -> Vec<f32> {
    let mut bias = vec![0.0; relations(voice)];
    bias[INTERVALS as usize] = 3.0;
    bias
}

/// How many of them each cell of a voice sums.
pub(crate) const fn terms(voice: usize) -> usize {
    6 + voice
}

/// Appends, for each of the [`CELLS`], which [`terms`] of the relations' outputs it sums; `relations(voice)` is a term
/// that is zero. `above` are the cells over it in this step.
pub(crate) fn relate(outlook: Outlook<'_>, above: &[u8], to: &mut Vec<i32>) {
    let Outlook { last, echoes, known, key } = outlook;
    let zero = relations(above.len()) as i32;
    for cell in 0..CELLS as u8 {
        let interval = i32::from(cell) - i32::from(last);
        let is_near = cell < REST && last < REST && interval.abs() <= REACH;
        to.push(if is_near { interval + REACH } else { zero });
        to.push(if cell == last { INTERVALS } else { zero });
        for (number, echo) in (0..).zip(echoes) {
            to.push(if echo == Some(cell) { ECHOES + number } else { zero });
        }
        to.push(if known == Some(cell) { KNOWN } else { zero });
        to.push(key.degree(cell).map_or(zero, |degree| DEGREE + degree as i32));
        for (number, other) in (0..).zip(above) {
            let class = (i32::from(cell) - i32::from(*other)).rem_euclid(12);
            let is_interval = cell < REST && *other < REST;
            to.push(if is_interval { ABOVE + 12 * number + class } else { zero });
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
    use crate::chorale::key::LocalKey;

    #[test]
    fn a_cell_is_related_to_its_past_and_to_the_voices_above() {
        let mut key = LocalKey::default();
        key.push([72, 67, 64, 48]);
        let outlook = |last, echoes, known| Outlook { last, echoes, known, key: &key };
        let mut to = Vec::new();
        relate(outlook(60, [Some(59), Some(60)], Some(67)), &[72, REST], &mut to);
        assert_eq!(to.len(), CELLS * terms(2));
        let of = |cell: usize| &to[cell * 8..][..8];
        let zero = relations(2) as i32;
        assert_eq!(relations(2), 73 + 1 + 2 + 1 + 24 + 24);
        // Held: no interval; what came the last time after its own past; C, the first degree; the octave below the soprano;
        // the alto rests.
        assert_eq!(of(60), [36, 73, zero, 75, zero, 77, 101, zero]);
        // What a known tune has.
        assert_eq!(of(67), [43, zero, zero, zero, 76, 77 + 7, 101 + 7, zero]);
        assert_eq!(of(59), [35, zero, 74, zero, zero, 77 + 11, 101 + 11, zero]);
        // Too far away for an interval.
        assert_eq!(of(100), [zero, zero, zero, zero, zero, 77 + 4, 101 + 4, zero]);
        assert_eq!(of(128), [zero; 8]);
        to.clear();
        relate(outlook(REST, [None, Some(REST)], None), &[], &mut to);
        let zero = relations(0) as i32;
        assert_eq!(to[..6], [zero, zero, zero, zero, zero, 77]);
        assert_eq!(to[6 * 128..], [zero, 73, zero, 75, zero, zero]);
    }
}
