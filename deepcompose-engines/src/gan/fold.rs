//! The generator's layers, packed: batch norm folded into convolutions, doubling into the taps.

use std::ops::Range;

use crate::kernels::gan_map::{LANES, Lanes};
use crate::kernels::gan_pack::{Packed, Phase, Plain, Taps};
use crate::weights::{ConvWeights, NormWeights};

/// Side of every kernel.
const SIDE: usize = 4;
/// Which row of the small map, counted from the one before its own, each of the four doubled rows under the
/// kernel is a copy of: for output rows 2r, which see the doubled rows 2r − 1 to 2r + 2, and 2r + 1.
const SOURCE: [[usize; SIDE]; 2] = [[0, 1, 1, 2], [1, 1, 2, 2]];

/// A convolution of stride 2 of a map with a row of zeros all around.
pub(crate) fn halving(conv: &ConvWeights, [inputs, outputs]: [usize; 2]) -> Packed {
    Packed::new(&Plain {
        step: 2,
        inputs: &[inputs],
        outputs,
        phases: &[Phase { place: [0, 0], taps: Taps { rows: 0..SIDE, columns: 0..SIDE } }],
        weight: &|_, output, input, tap| at(conv, inputs, output, input, tap),
        bias: &|output| conv.bias[output].into(),
    })
}

/// The same of [rolls whose squares of 2 × 2 cells are channels](square): 2 × 2 taps of them.
pub(crate) fn halving_squares(conv: &ConvWeights, [inputs, outputs]: [usize; 2]) -> Packed {
    Packed::new(&Plain {
        step: 1,
        inputs: &[4 * inputs],
        outputs,
        phases: &[Phase { place: [0, 0], taps: Taps { rows: 0..2, columns: 0..2 } }],
        weight: &|_, output, channel, [row, column]| {
            let (input, [below, beside]) = square(channel, inputs);
            at(conv, inputs, output, input, [2 * row + below, 2 * column + beside])
        },
        bias: &|output| conv.bias[output].into(),
    })
}

/// Of a channel of squares: the roll, and the row and column in the square.
pub(crate) const fn square(channel: usize, rolls: usize) -> (usize, [usize; 2]) {
    let place = channel / rolls;
    (channel % rolls, [place / 2, place % 2])
}

/// The part of a convolution of a doubled map that some of its inputs have, given as the channels of each map.
pub(crate) fn doubling(
    conv: &ConvWeights,
    norm: Option<&NormWeights>,
    [inputs, outputs]: [usize; 2],
    part: Range<usize>,
    maps: &[usize],
) -> Packed {
    let affine: Vec<[f64; 2]> = match norm {
        Some(norm) => (0..outputs).map(|channel| norm.affine(channel)).collect(),
        None => vec![[1.0, 0.0]; outputs],
    };
    let taps = |phase: usize| phase..3;
    let phases = [[0, 0], [0, 1], [1, 0], [1, 1]]
        .map(|place| Phase { place, taps: Taps { rows: taps(place[0]), columns: taps(place[1]) } });
    Packed::new(&Plain {
        step: 1,
        inputs: maps,
        outputs,
        phases: &phases,
        weight: &|phase, output, input, tap| {
            affine[output][0] * phase_tap(conv, inputs, output, part.start + input, phases[phase].place, tap)
        },
        bias: &|output| {
            let [scale, shift] = affine[output];
            f64::from(conv.bias[output]).mul_add(scale, shift)
        },
    })
}

/// The tap of a phase: the sum of the kernel's numbers over the copies of one cell.
fn phase_tap(
    conv: &ConvWeights,
    inputs: usize,
    output: usize,
    input: usize,
    phase: [usize; 2],
    tap: [usize; 2],
) -> f64 {
    let copies = |side: usize| (0..SIDE).filter(move |k| SOURCE[phase[side]][*k] == tap[side]);
    copies(0)
        .flat_map(|row| copies(1).map(move |column| [row, column]))
        .map(|k| at(conv, inputs, output, input, k))
        .sum()
}

fn at(conv: &ConvWeights, inputs: usize, output: usize, input: usize, [row, column]: [usize; 2]) -> f64 {
    conv.weight[((output * inputs + input) * SIDE + row) * SIDE + column].into()
}

/// A norm by block and lane: factors and summands.
pub(crate) fn affine_lanes(norm: &NormWeights, channels: usize) -> Vec<[Lanes; 2]> {
    let lanes = |block: usize, which: usize| {
        Lanes(std::array::from_fn(|lane| {
            let channel = block * LANES + lane;
            if channel < channels { norm.affine(channel)[which] as f32 } else { 0.0 }
        }))
    };
    (0..channels.div_ceil(LANES)).map(|block| [lanes(block, 0), lanes(block, 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel of `16` numbers, one input, one output.
    fn conv(weight: Vec<f32>) -> ConvWeights {
        ConvWeights { weight, bias: vec![0.0] }
    }

    fn taps(conv: &ConvWeights, phase: [usize; 2]) -> Vec<f64> {
        (0..9).map(|tap| phase_tap(conv, 1, 0, 0, phase, [tap / 3, tap % 3])).collect()
    }

    // Worked by hand: rows 2r − 1, 2r, 2r + 1, 2r + 2 of the doubled map are copies of rows r − 1, r, r, r + 1.
    #[test]
    fn phases_gather_the_copies_of_a_cell() {
        let counted = conv((0..16).map(|n| n as f32).collect());
        assert_eq!(taps(&counted, [0, 0]), [0.0, 3.0, 3.0, 12.0, 30.0, 18.0, 12.0, 27.0, 15.0]);
        assert_eq!(taps(&counted, [0, 1]), [0.0, 1.0, 5.0, 0.0, 26.0, 34.0, 0.0, 25.0, 29.0]);
        assert_eq!(taps(&counted, [1, 1]), [0.0, 0.0, 0.0, 0.0, 10.0, 18.0, 0.0, 42.0, 50.0]);
    }

    // 9 + 6 + 6 + 4 products a cell and channel instead of 4 × 16.
    #[test]
    fn taps_that_are_nothing_are_left_out() {
        let products = |outputs: usize| {
            let conv = ConvWeights { weight: vec![1.0; outputs * 16], bias: vec![0.0; outputs] };
            let packed = doubling(&conv, None, [1, outputs], 0..1, &[1]);
            packed.passes.iter().map(|pass| pass.weights.len()).collect::<Vec<_>>()
        };
        assert_eq!(products(16), [9, 6, 6, 4]);
        // Eight outputs of two phases, four of all, share the lanes.
        assert_eq!(products(24), [9, 6, 6, 4, 9, 6]);
        assert_eq!(products(4), [9]);
    }

    // y = (x − 3) / √(4 + 0) · 6 + 1 = 3x − 8.
    #[test]
    fn norms_are_affine() {
        let norm = NormWeights {
            gamma: vec![6.0],
            beta: vec![1.0],
            mean: vec![3.0],
            variance: vec![4.0],
            epsilon: f64::MIN_POSITIVE,
        };
        assert_eq!(norm.affine(0), [3.0, -8.0]);
        let [factors, summands] = affine_lanes(&norm, 1)[0];
        assert_eq!((factors.0[0], summands.0[0], factors.0[1]), (3.0, -8.0, 0.0));
    }
}
