//! The direct convolution against a plain one in `f64`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use deepcompose_engines::EngineError;
use deepcompose_engines::kernels::{
    CompactConv, Conv, ConvCall, Epilogue, Instructions, Map, MapMut, Placement, Rect, Start, Tap,
};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn numbers(rng: &mut impl Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()
}

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    input: [usize; 3],
    channels_out: usize,
    taps: Vec<(isize, isize)>,
    stride: usize,
    place: Placement,
    outputs: Rect,
    start: u8,
    epilogue: u8,
}

fn cases() -> impl Strategy<Value = Case> {
    let input = (1..8_usize, 1..8_usize, prop_oneof![1..6_usize, 14..19_usize]);
    let taps = proptest::collection::vec((-2..3_isize, -2..3_isize), 1..10);
    let place = (1..3_usize, 1..3_usize, 0..2_usize, 0..2_usize, 0..4_usize);
    let outputs = (0..4_usize, 0..4_usize, 0..6_usize, 1..6_usize);
    let channels_out = prop_oneof![1..5_usize, Just(16), Just(32), 30..50_usize];
    (any::<u64>(), input, channels_out, taps, 1..3_usize, place, outputs, 0..3_u8, 0..5_u8).prop_map(
        |(seed, (height, width, channels), channels_out, taps, stride, place, rect, start, epilogue)| Case {
            seed,
            input: [height, width, channels],
            channels_out,
            taps,
            stride,
            place: Placement {
                row_step: place.0,
                column_step: place.1,
                row: place.2,
                column: place.3,
                channel: place.4,
            },
            outputs: Rect { top: rect.0, left: rect.1, height: rect.2, width: rect.3 },
            start,
            epilogue,
        },
    )
}

/// The size of the map that the outputs go to: one pixel and one channel more than there must be.
fn target(case: &Case) -> [usize; 3] {
    let Case { place, outputs, .. } = case;
    [
        outputs.bottom() * place.row_step + place.row + 1,
        outputs.right() * place.column_step + place.column + 1,
        place.channel + case.channels_out + 1,
    ]
}

struct Lists {
    input: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    before: Vec<f32>,
}

fn lists(case: &Case) -> Lists {
    let rng = &mut ChaCha8Rng::seed_from_u64(case.seed);
    Lists {
        input: numbers(rng, case.input.iter().product()),
        weights: numbers(rng, case.taps.len() * case.input[2] * case.channels_out),
        bias: numbers(rng, case.channels_out),
        scale: numbers(rng, case.channels_out),
        shift: numbers(rng, case.channels_out),
        before: numbers(rng, target(case).iter().product()),
    }
}

/// The outputs by the definition, number by number, in `f64`.
fn plain(case: &Case, lists: &Lists) -> Vec<f64> {
    let [height, width, channels] = case.input;
    let [_, to_width, to_channels] = target(case);
    let mut to: Vec<f64> = lists.before.iter().map(|&x| f64::from(x)).collect();
    let rect = case.outputs;
    for (y, x) in (rect.top..rect.bottom()).flat_map(|y| (rect.left..rect.right()).map(move |x| (y, x))) {
        for out in 0..case.channels_out {
            let row = y * case.place.row_step + case.place.row;
            let column = x * case.place.column_step + case.place.column;
            let at = (row * to_width + column) * to_channels + case.place.channel + out;
            let mut sum = [0.0, f64::from(lists.bias[out]), to[at]][usize::from(case.start)];
            for (tap, (dy, dx)) in case.taps.iter().enumerate() {
                let (y, x) = ((y * case.stride) as isize + dy, (x * case.stride) as isize + dx);
                if !(0..height as isize).contains(&y) || !(0..width as isize).contains(&x) {
                    continue;
                }
                for from in 0..channels {
                    let input = lists.input[(y as usize * width + x as usize) * channels + from];
                    let weight = lists.weights[(tap * channels + from) * case.channels_out + out];
                    sum += f64::from(input) * f64::from(weight);
                }
            }
            let (scale, shift) = (f64::from(lists.scale[out]), f64::from(lists.shift[out]));
            to[at] = match case.epilogue {
                0 => sum,
                1 => sum.max(0.0),
                2 if sum < 0.0 => sum * 0.25,
                2 => sum,
                3 => sum * scale + shift,
                _ => sum.max(0.0) * scale + shift,
            };
        }
    }
    to
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Threads {
    One,
    ByRows,
    ByChannels,
}

fn run(case: &Case, lists: &Lists, instructions: Instructions, threads: Threads) -> Vec<f32> {
    let [height, width, channels] = case.input;
    let taps: Vec<Tap> = case.taps.iter().map(|&(dy, dx)| Tap { dy, dx }).collect();
    let conv = Conv::new(&taps, case.stride, channels, case.channels_out, |tap, from, to| {
        lists.weights[(tap * channels + from) * case.channels_out + to]
    })
    .unwrap();
    let start = [Start::Zero, Start::Bias(&lists.bias), Start::Sums][usize::from(case.start)];
    let (scale, shift) = (&lists.scale[..], &lists.shift[..]);
    let epilogue = match case.epilogue {
        0 => Epilogue::None,
        1 => Epilogue::Relu,
        2 => Epilogue::LeakyRelu(0.25),
        3 => Epilogue::Affine { scale, shift },
        _ => Epilogue::ReluAffine { scale, shift },
    };
    let mut to = lists.before.clone();
    let [to_height, to_width, to_channels] = target(case);
    let map = MapMut::new(&mut to, to_height, to_width, to_channels).unwrap().placed(case.place);
    let input = Map::new(&lists.input, height, width, channels).unwrap();
    let call = ConvCall { instructions, input, begin: start, epilogue, outputs: case.outputs };
    match threads {
        Threads::One => conv.run(call, map),
        Threads::ByRows => conv.run_parallel(call, map),
        Threads::ByChannels => conv.run_by_channels(call, map, &mut Vec::new()),
    }
    .unwrap();
    to
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #[test]
    fn equals_the_definition_with_all_instructions_and_threads(case in cases()) {
        let lists = lists(&case);
        let expected = plain(&case, &lists);
        let widest = run(&case, &lists, Instructions::detect(), Threads::One);
        // All numbers are below 1, so a sum is at most as large as it has terms.
        let scale = 2.0 + (case.taps.len() * case.input[2]) as f64;
        for (found, expected) in widest.iter().zip(&expected) {
            prop_assert!((f64::from(*found) - expected).abs() < 1e-6 * scale, "{found} {expected}");
        }
        for instructions in Instructions::available() {
            for threads in [Threads::One, Threads::ByRows] {
                let found = run(&case, &lists, instructions, threads);
                prop_assert_eq!(bits(&found), bits(&widest), "{} {:?}", instructions.name(), threads);
            }
        }
        let by_channels = |instructions| run(&case, &lists, instructions, Threads::ByChannels);
        let widest = by_channels(Instructions::detect());
        for (found, expected) in widest.iter().zip(&expected) {
            prop_assert!((f64::from(*found) - expected).abs() < 1e-6 * scale, "{found} {expected}");
        }
        for instructions in Instructions::available() {
            prop_assert_eq!(bits(&by_channels(instructions)), bits(&widest), "{}", instructions.name());
        }
    }
}

#[test]
fn equals_the_definition_where_weights_are_read_in_parts() {
    // 9 × 700 × 32 weights of 4 bytes are more than are kept at once.
    let case = Case {
        seed: 1,
        input: [3, 4, 700],
        channels_out: 40,
        taps: Tap::SQUARE.iter().map(|tap| (tap.dy, tap.dx)).collect(),
        stride: 1,
        place: Placement::default(),
        outputs: Rect::whole(3, 4),
        start: 1,
        epilogue: 4,
    };
    let lists = lists(&case);
    let widest = run(&case, &lists, Instructions::detect(), Threads::One);
    for (found, expected) in widest.iter().zip(plain(&case, &lists)) {
        assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
    }
    for instructions in Instructions::available() {
        let found = run(&case, &lists, instructions, Threads::ByRows);
        assert_eq!(bits(&found), bits(&widest), "{}", instructions.name());
    }
}

#[test]
fn weights_of_16_bits_are_steps_of_a_scale_of_their_channel() {
    for (from, to, seed) in [(5, 1, 1), (16, 32, 2), (40, 48, 3), (33, 50, 4)] {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let weights = numbers(rng, to * from * 9);
        // The same rounding by its definition; the sums of the rounded weights then are the plain ones.
        let mut rounded = weights.clone();
        for channel in rounded.chunks_exact_mut(from * 9) {
            let scale = channel.iter().fold(0.0_f32, |largest, x| largest.max(x.abs())) / 32_767.0;
            channel.iter_mut().for_each(|x| *x = (*x / scale).round() * scale);
            assert!(channel.iter().any(|x| (x / scale).abs() > 32_766.0));
        }
        let case = Case {
            seed,
            input: [3, 5, from],
            channels_out: to,
            taps: Tap::SQUARE.iter().map(|tap| (tap.dy, tap.dx)).collect(),
            stride: 1,
            place: Placement::default(),
            outputs: Rect { top: 1, left: 0, height: 2, width: 4 },
            start: 1,
            epilogue: 1,
        };
        let mut lists = lists(&case);
        lists.weights = (0..9 * from * to)
            .map(|i| rounded[(i % to * from + i / to % from) * 9 + i / to / from])
            .collect();
        let conv = CompactConv::square(&weights, from, to).unwrap();
        let run = |instructions| {
            let [height, width, channels] = target(&case);
            let mut map = lists.before.clone();
            let call = ConvCall {
                instructions,
                input: Map::new(&lists.input, 3, 5, from).unwrap(),
                begin: Start::Bias(&lists.bias),
                epilogue: Epilogue::Relu,
                outputs: case.outputs,
            };
            let to = MapMut::new(&mut map, height, width, channels).unwrap();
            conv.run(call, to, &mut Vec::new()).unwrap();
            map
        };
        let widest = run(Instructions::detect());
        for (found, expected) in widest.iter().zip(plain(&case, &lists)) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
        }
        assert!(Instructions::available().into_iter().all(|one| bits(&run(one)) == bits(&widest)));
    }
    assert!(CompactConv::square(&[0.0; 8], 1, 1).is_err());
    assert!(CompactConv::square(&[], 0, 1).is_err());
}

#[test]
fn a_square_kernel_has_burns_layout() {
    // The weight above the middle is 1 from channel 1 to channel 0, so the output is the input shifted down.
    let mut weights = vec![0.0; 2 * 9];
    weights[9 + 1] = 1.0;
    let conv = Conv::square(&weights, 2, 1).unwrap();
    let input: Vec<f32> = (0..12_u8).map(f32::from).collect();
    let mut to = [9.0; 6];
    let call = ConvCall {
        instructions: Instructions::detect(),
        input: Map::new(&input, 2, 3, 2).unwrap(),
        begin: Start::Zero,
        epilogue: Epilogue::None,
        outputs: Rect::whole(2, 3),
    };
    conv.run(call, MapMut::new(&mut to, 2, 3, 1).unwrap()).unwrap();
    assert_eq!(to, [0.0, 0.0, 0.0, 1.0, 3.0, 5.0]);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let conv = |taps: &[Tap], stride, from, to| Conv::new(taps, stride, from, to, |_, _, _| 1.0);
    let one = [Tap { dy: 0, dx: 0 }];
    assert!(matches!(conv(&[], 1, 1, 1), Err(EngineError::OutOfRange { field: "taps", .. })));
    assert!(matches!(conv(&one, 0, 1, 1), Err(EngineError::OutOfRange { field: "stride", .. })));
    assert!(matches!(conv(&one, 1, 0, 1), Err(EngineError::OutOfRange { field: "channels_in", .. })));
    assert!(matches!(conv(&one, 1, 1, 0), Err(EngineError::OutOfRange { field: "channels_out", .. })));
    assert!(matches!(
        conv(&one, 1, usize::MAX, 1),
        Err(EngineError::OutOfRange { field: "channels_in", .. })
    ));
    let far = [Tap { dy: isize::MIN, dx: 0 }];
    assert!(matches!(conv(&far, 1, 1, 1), Err(EngineError::OutOfRange { field: "tap", .. })));
    assert!(Conv::square(&[0.0; 10], 1, 1).is_err());
    assert!(Map::new(&[0.0; 3], 2, 2, 1).is_err());
    assert!(Map::new(&[], usize::MAX, 2, 1).is_err());

    let conv = conv(&one, 1, 1, 1).unwrap();
    let run = |input: &[f32], start: Start<'_>, epilogue: Epilogue<'_>, place, outputs| {
        let mut to = [0.0; 4];
        let map = MapMut::new(&mut to, 2, 2, 1).unwrap().placed(place);
        let (instructions, input) = (Instructions::detect(), Map::new(input, 1, 1, input.len())?);
        conv.run(ConvCall { instructions, input, begin: start, epilogue, outputs }, map)
    };
    let (place, whole) = (Placement::default(), Rect::whole(2, 2));
    assert!(run(&[1.0], Start::Zero, Epilogue::None, place, whole).is_ok());
    assert!(run(&[1.0; 2], Start::Zero, Epilogue::None, place, whole).is_err());
    assert!(run(&[1.0], Start::Bias(&[]), Epilogue::None, place, whole).is_err());
    let affine = Epilogue::Affine { scale: &[1.0], shift: &[] };
    assert!(run(&[1.0], Start::Zero, affine, place, whole).is_err());
    assert!(run(&[1.0], Start::Zero, Epilogue::None, place, Rect::whole(3, 2)).is_err());
    assert!(run(&[1.0], Start::Zero, Epilogue::None, place, Rect::whole(2, 3)).is_err());
    assert!(run(&[1.0], Start::Zero, Epilogue::None, Placement { channel: 1, ..place }, whole).is_err());
    assert!(run(&[1.0], Start::Zero, Epilogue::None, Placement { row_step: 2, ..place }, whole).is_err());
    assert!(run(&[1.0], Start::Zero, Epilogue::None, Placement { row_step: 0, ..place }, whole).is_err());
    let far = Rect { top: usize::MAX, left: 0, height: 1, width: 1 };
    assert!(run(&[1.0], Start::Zero, Epilogue::None, place, far).is_err());
    let nothing = Rect { top: 9, left: 9, height: 0, width: 5 };
    assert!(run(&[1.0], Start::Zero, Epilogue::None, place, nothing).is_ok());
}

#[test]
fn rectangles_of_no_pixels_are_nothing_to_do() {
    const FAR: usize = usize::MAX;
    let conv = Conv::square(&[1.0; 9], 1, 1).unwrap();
    let compact = CompactConv::square(&[1.0; 9], 1, 1).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    for (top, height, width) in [(0, FAR, 0), (FAR, 5, 0), (FAR, FAR, 0), (FAR, 0, FAR), (7, 0, 0)] {
        let outputs = Rect { top, left: 0, height, width };
        let mut to = [9.0; 4];
        for kind in 0..4 {
            let call = ConvCall {
                instructions: Instructions::detect(),
                input: Map::new(&[1.0; 4], 2, 2, 1).unwrap(),
                begin: Start::Zero,
                epilogue: Epilogue::Relu,
                outputs,
            };
            let map = MapMut::new(&mut to, 2, 2, 1).unwrap();
            let scratch = &mut Vec::new();
            let done = pool.install(|| match kind {
                0 => conv.run(call, map),
                1 => conv.run_parallel(call, map),
                2 => conv.run_by_channels(call, map, scratch),
                _ => compact.run(call, map, scratch),
            });
            assert_eq!(done, Ok(()), "{kind} {outputs:?}");
        }
        assert_eq!(to, [9.0; 4]);
    }
}
