//! Convolutions with fewer multiplications against a plain one in `f64`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use deepcompose_engines::EngineError;
use deepcompose_engines::kernels::{
    Addend, ConvCall, Epilogue, Filtering, Instructions, Map, MapMut, Placement, Rect, Winograd,
};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn numbers(rng: &mut impl Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()
}

#[derive(Debug, Clone)]
struct Case {
    filtering: Filtering,
    height: usize,
    width: usize,
    from: usize,
    to: usize,
    is_compact: bool,
    outputs: [usize; 4],
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let filtering = prop_oneof![Just(Filtering::Two), Just(Filtering::Four), Just(Filtering::Doubled)];
    let sizes = (1..14_usize, 1..14_usize, 1..4_usize, 1..4_usize);
    (filtering, sizes, any::<bool>(), any::<[u8; 4]>(), any::<u64>()).prop_map(
        |(filtering, (height, width, from, to), is_compact, outputs, seed)| {
            let is_compact = is_compact && filtering != Filtering::Four;
            let (from, to) = (16 * from, 16 * to);
            Case { filtering, height, width, from, to, is_compact, outputs: outputs.map(usize::from), seed }
        },
    )
}

impl Case {
    fn growth(&self) -> usize {
        if self.filtering == Filtering::Doubled { 2 } else { 1 }
    }

    fn size(&self) -> [usize; 2] {
        [self.height * self.growth(), self.width * self.growth()]
    }

    /// Some rectangle inside of the output.
    fn rect(&self) -> Rect {
        let [height, width] = self.size();
        let [top, left, bottom, right] = self.outputs;
        let (top, left) = (top % height, left % width);
        Rect { top, left, height: bottom % (height - top) + 1, width: right % (width - left) + 1 }
    }

    fn weights(&self) -> Vec<f32> {
        numbers(&mut ChaCha8Rng::seed_from_u64(self.seed), self.to * self.from * 9)
    }

    fn input(&self) -> Vec<f32> {
        numbers(&mut ChaCha8Rng::seed_from_u64(self.seed ^ 1), self.height * self.width * self.from)
    }

    fn addend(&self) -> Vec<f32> {
        numbers(
            &mut ChaCha8Rng::seed_from_u64(self.seed ^ 2),
            self.size().iter().product::<usize>() * self.to,
        )
    }

    /// By the definition: the input doubled first if it is to be, then nine taps. With each sum, that of the sizes of
    /// its terms.
    fn plain(&self) -> Vec<(f64, f64)> {
        let ([height, width], growth) = (self.size(), self.growth());
        let (weights, input) = (self.weights(), self.input());
        let mut sums: Vec<(f64, f64)> =
            self.addend().iter().map(|&x| (f64::from(x), f64::from(x.abs()))).collect();
        for (index, (sum, sizes)) in sums.iter_mut().enumerate() {
            let (y, x, to) = (index / self.to / width, index / self.to % width, index % self.to);
            for tap in 0..9 {
                let (y, x) = (y + tap / 3, x + tap % 3);
                if y == 0 || x == 0 || y > height || x > width {
                    continue;
                }
                let pixel = ((y - 1) / growth * self.width + (x - 1) / growth) * self.from;
                for from in 0..self.from {
                    let weight = weights[(to * self.from + from) * 9 + tap];
                    let term = f64::from(weight) * f64::from(input[pixel + from]);
                    *sum += term;
                    *sizes += term.abs();
                }
            }
            *sum = sum.max(0.0);
        }
        sums
    }

    fn run(&self, instructions: Instructions, outputs: Rect) -> (Vec<f32>, Rect) {
        let [height, width] = self.size();
        let mut to = vec![f32::NAN; height * width * self.to];
        let (input, addend) = (self.input(), self.addend());
        let new = if self.is_compact { Winograd::compact } else { Winograd::new };
        let conv = new(self.filtering, &self.weights(), self.from, self.to).unwrap();
        let call = ConvCall {
            instructions,
            input: Map::new(&input, self.height, self.width, self.from).unwrap(),
            begin: Addend::Map(&addend),
            epilogue: Epilogue::Relu,
            outputs,
        };
        let map = MapMut::new(&mut to, height, width, self.to).unwrap();
        let written = conv.run(call, map, &mut Vec::new()).unwrap();
        (to, written)
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

fn is_inside(rect: Rect, row: usize, column: usize) -> bool {
    (rect.top..rect.bottom()).contains(&row) && (rect.left..rect.right()).contains(&column)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_the_definition_with_all_instructions(case in cases()) {
        let [height, width] = case.size();
        let (widest, _) = case.run(Instructions::detect(), Rect::whole(height, width));
        // A single precision rounds by up to 2⁻²⁴ of the terms' sizes, and F(4×4, 3×3) loses up to two digits of it.
        // With 16 bits each of the weights at the points is off by up to 1/65 534 of the largest, so that the errors of the
        // 9 times `from` products below 1 add up as their root.
        let of_weights = if case.is_compact { 2e-4 * (9.0 * case.from as f64).sqrt() } else { 0.0 };
        for (found, (expected, sizes)) in widest.iter().zip(case.plain()) {
            let allowed = 100.0 * 2f64.powi(-24) * sizes + of_weights;
            prop_assert!((f64::from(*found) - expected).abs() < allowed, "{found} {expected}, {allowed}");
        }
        for instructions in Instructions::available() {
            let (found, _) = case.run(instructions, Rect::whole(height, width));
            prop_assert_eq!(bits(&found), bits(&widest), "{}", instructions.name());
        }
    }

    #[test]
    fn a_part_is_to_the_bit_what_it_is_in_the_whole(case in cases()) {
        let [height, width] = case.size();
        let (whole, _) = case.run(Instructions::detect(), Rect::whole(height, width));
        let (part, written) = case.run(Instructions::detect(), case.rect());
        let pixels = part.chunks_exact(case.to).zip(whole.chunks_exact(case.to)).enumerate();
        for (index, (part, whole)) in pixels {
            let (row, column) = (index / width, index % width);
            if is_inside(written, row, column) {
                prop_assert_eq!(bits(part), bits(whole));
            } else {
                prop_assert!(part.iter().all(|x| x.is_nan()), "written outside at {row}, {column}");
            }
            prop_assert!(is_inside(written, row, column) || !is_inside(case.rect(), row, column));
        }
    }
}

#[test]
fn weights_shared_among_threads_change_no_bit() {
    // 9 × 176 × 176 numbers of 4 bytes are more than are read by every thread.
    for (filtering, is_compact) in [
        (Filtering::Two, false),
        (Filtering::Four, false),
        (Filtering::Two, true),
        (Filtering::Doubled, true),
        (Filtering::Doubled, false),
    ] {
        let case = Case {
            filtering,
            height: 10,
            width: 9,
            from: 176,
            to: 176,
            is_compact,
            outputs: [0; 4],
            seed: 5,
        };
        let [height, width] = case.size();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(&case.run(Instructions::detect(), Rect::whole(height, width)).0))
        };
        let one = run(1);
        assert!([2, 3, 5].into_iter().all(|threads| run(threads) == one));
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let new = |weights: usize, from, to| Winograd::new(Filtering::Two, &vec![0.0; weights], from, to);
    assert!(matches!(new(9 * 16 * 8, 8, 16), Err(EngineError::OutOfRange { field: "channels_in", .. })));
    assert!(matches!(new(0, 16, 0), Err(EngineError::OutOfRange { field: "channels_out", .. })));
    assert!(matches!(new(9, 16, 16), Err(EngineError::Length { .. })));
    assert!(Winograd::compact(Filtering::Four, &vec![0.0; 9 * 256], 16, 16).is_err());
    for (filtering, growth) in [(Filtering::Two, 1), (Filtering::Doubled, 2)] {
        let conv = Winograd::new(filtering, &vec![0.0; 9 * 256], 16, 16).unwrap();
        let run = |channels, [height, width]: [usize; 2], bias: &[f32], place, outputs| {
            let input = vec![0.0; 4 * channels];
            let mut to = vec![0.0; height * width * 16];
            let to = MapMut::new(&mut to, height, width, 16).unwrap().placed(place);
            let input = Map::new(&input, 2, 2, channels).unwrap();
            let (begin, epilogue) = (Addend::Bias(bias), Epilogue::None);
            let instructions = Instructions::detect();
            conv.run(ConvCall { instructions, input, begin, epilogue, outputs }, to, &mut Vec::new())
        };
        let (size, place) = ([2 * growth; 2], Placement::default());
        let whole = Rect::whole(2 * growth, 2 * growth);
        assert_eq!(run(16, size, &[0.0; 16], place, whole), Ok(whole));
        assert!(run(32, size, &[0.0; 16], place, whole).is_err());
        assert!(run(16, [3, 2], &[0.0; 16], place, Rect::whole(1, 1)).is_err());
        assert!(run(16, size, &[0.0; 15], place, whole).is_err());
        assert!(run(16, size, &[0.0; 16], Placement { row: 1, ..place }, Rect::whole(1, 1)).is_err());
        assert!(run(16, size, &[0.0; 16], place, Rect::whole(2 * growth + 1, 1)).is_err());
    }
}

#[test]
fn maps_of_no_pixels_may_have_any_number_of_rows() {
    for filtering in [Filtering::Two, Filtering::Four, Filtering::Doubled] {
        let conv = Winograd::new(filtering, &vec![0.0; 9 * 256], 16, 16).unwrap();
        let run = |outputs| {
            let call = ConvCall {
                instructions: Instructions::detect(),
                input: Map::new(&[], usize::MAX, 0, 16).unwrap(),
                begin: Addend::Bias(&[0.0; 16]),
                epilogue: Epilogue::None,
                outputs,
            };
            conv.run(call, MapMut::new(&mut [], usize::MAX, 0, 16).unwrap(), &mut Vec::new())
        };
        let nothing = Rect { top: usize::MAX, left: 0, height: usize::MAX, width: 0 };
        assert_eq!(run(nothing), Ok(nothing));
        assert!(run(Rect::whole(1, 1)).is_err());
    }
}
