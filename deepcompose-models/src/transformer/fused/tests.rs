//! The hand-written pass against recorded differentiation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::TensorData;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::transformer::TransformerXlConfig;
use crate::transformer::network::TransformerXl;
use crate::transformer::recorded::{StepGradient, recorded_gradient};

fn config(pre_norm: bool) -> TransformerXlConfig {
    TransformerXlConfig {
        layers: 2,
        heads: 3,
        d_model: 10,
        d_head: 4,
        d_inner: 14,
        vocabulary: 13,
        tokenizer: None,
        segment: 150,
        memory: 40,
        dropout: 0.0,
        pre_norm,
    }
}

/// A network whose every parameter is far from its initial value.
fn network(pre_norm: bool, device: &Device) -> TransformerXl {
    struct Shake(ChaCha8Rng);
    impl burn::module::ModuleMapper for Shake {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|old| {
                let noise: Vec<f32> =
                    (0..old.shape().num_elements()).map(|_| self.0.random_range(-0.4..0.4)).collect();
                let noise = Tensor::from_data(TensorData::new(noise, old.shape()), &old.device());
                let shaken = (old.clone().inner() + noise.inner()).detach();
                if old.is_autodiff() { Tensor::from_inner(shaken).require_grad() } else { shaken }
            })
        }
    }
    let network = TransformerXl::new(&config(pre_norm), 3, device).unwrap();
    network.map(&mut Shake(ChaCha8Rng::seed_from_u64(5)))
}

fn segments(lanes: usize, times: &[usize]) -> Vec<Segment> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    times
        .iter()
        .map(|&time| Segment {
            tokens: (0..lanes * time).map(|_| rng.random_range(0..13)).collect(),
            targets: (0..lanes * time)
                .map(|_| rng.random_bool(0.9).then(|| rng.random_range(0..13)))
                .collect(),
            starts: (0..lanes)
                .map(|lane| if lane % 2 == 1 { vec![time / 3, time / 2] } else { vec![] })
                .collect(),
            time,
        })
        .collect()
}

struct Compare<'a> {
    path: Vec<String>,
    ours: &'a GradientsParams,
    theirs: &'a GradientsParams,
    compared: usize,
}

impl ModuleVisitor for Compare<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let ours = numbers(self.ours.get::<D>(param.id).unwrap());
        let theirs = numbers(self.theirs.get::<D>(param.id).unwrap());
        let largest = theirs.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(largest > 1e-5, "{path} has no gradient to compare");
        assert_eq!(ours.len(), theirs.len(), "{path}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() < 2e-5 * largest, "{path}: {ours}, recorded {theirs}");
        }
        self.compared += 1;
    }
}

#[test]
fn loss_gradient_and_memory_are_those_of_recorded_differentiation() {
    for pre_norm in [false, true] {
        let device = Device::default().autodiff();
        let network = network(pre_norm, &device);
        let weights = Weights::of(&network);
        let (mut memory, mut their_memory) = (LaneMemory::default(), LaneMemory::default());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        // Shorter and longer than the memory and than a block of queries.
        for segment in segments(3, &[7, 25, 150, 20]) {
            let factor = 0.01;
            let (loss, gradient) = loss_and_gradient(&weights, &segment, &mut memory, factor, &mut rng);
            let (theirs, gradients) = recorded_gradient(&network, &segment, &mut their_memory, factor);
            assert!((loss - theirs).abs() < 1e-5 * theirs, "{loss} {theirs}");
            let (mut ours, mut theirs) = (StepGradient::Fused(gradient), StepGradient::Recorded(gradients));
            for (gradient, factor) in [(&mut ours, 0.5), (&mut theirs, 0.5)] {
                gradient.scale(&network, factor);
            }
            let (norm, their_norm) = (ours.norm(&network), theirs.norm(&network));
            assert!((norm - their_norm).abs() < 1e-5 * norm, "{norm} {their_norm}");
            let (ours, theirs) = (ours.into_params(&network), theirs.into_params(&network));
            let mut compare = Compare { path: Vec::new(), ours: &ours, theirs: &theirs, compared: 0 };
            network.visit(&mut compare);
            assert_eq!(compare.compared, ours.len());

            assert_eq!(memory.visible, their_memory.visible);
            assert_eq!(memory.positions, their_memory.positions);
            for (ours, theirs) in memory.layers.iter().zip(&their_memory.layers) {
                assert_eq!(ours.len(), 3 * memory.positions * 10);
                assert_eq!(ours.len(), theirs.len());
                assert!(ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-4), "pre-norm {pre_norm}");
            }
        }
    }
}

#[test]
fn a_piece_gets_the_same_loss_wherever_it_is_packed() {
    let network = network(true, &Device::default());
    let weights = Weights::of(&network);
    let piece: Vec<u32> = (0..60).map(|i| (i * i % 12) as u32 + 1).collect();
    let targets = |tokens: &[u32]| tokens.iter().map(|token| Some(*token)).collect::<Vec<_>>();
    let alone = Segment {
        tokens: piece[..59].to_vec(),
        targets: targets(&piece[1..]),
        starts: vec![vec![0]],
        time: 59,
    };
    let expected = loss(&weights, &alone, &mut LaneMemory::default());

    // After 31 tokens of something else that does not count, in segments of 18.
    let tokens = [vec![5; 31], piece[..59].to_vec()].concat();
    let following = [vec![None; 31], targets(&piece[1..])].concat();
    let mut memory = LaneMemory::default();
    let mut total = 0.0;
    for (index, (tokens, targets)) in tokens.chunks(18).zip(following.chunks(18)).enumerate() {
        let starts = vec![if index == 1 { vec![31 - 18] } else { vec![] }];
        let segment =
            Segment { tokens: tokens.to_vec(), targets: targets.to_vec(), starts, time: tokens.len() };
        total += loss(&weights, &segment, &mut memory);
    }
    assert!((total - expected).abs() < 1e-5 * expected, "{total} {expected}");
}

#[test]
fn dropout_while_training_keeps_the_gradient_that_of_the_loss() {
    // Along a direction, the change of the loss under the same masks is the gradient's product with it.
    let device = Device::default();
    let mut weights = Weights::of(&network(false, &device));
    weights.config.dropout = 0.3;
    let segment = segments(2, &[30]).remove(0);
    let at = |weights: &Weights| {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        loss_and_gradient(weights, &segment, &mut LaneMemory::default(), 1.0, &mut rng)
    };
    let (_, gradient) = at(&weights);
    let step = 1e-3;
    let shifted = |sign: f32| {
        let mut weights = weights.clone();
        weights.output_bias[3] += sign * step;
        weights.layers[0].expand_bias[2] += sign * step;
        weights.layers[1].attention_norm.gamma[4] += sign * step;
        at(&weights).0
    };
    let change = (shifted(1.0) - shifted(-1.0)) / (2.0 * f64::from(step));
    let layers = &gradient.layers;
    let product = gradient.output_bias[3] + layers[0].expand_bias[2] + layers[1].attention_norm.gamma[4];
    assert!((change - f64::from(product)).abs() < 0.01 * change.abs().max(1.0), "{change} {product}");
    weights.config.dropout = 0.0;
    assert!((at(&weights).1.output_bias[3] - gradient.output_bias[3]).abs() > 1e-4);
}

#[test]
#[ignore = "measures"]
fn speed() {
    for (d, layers, heads, inner, time, mem, lanes) in [
        (192, 5, 6, 768, 128, 256, 8),
        (192, 5, 3, 768, 128, 256, 8),
        (192, 5, 3, 768, 256, 256, 4),
        (192, 5, 3, 768, 256, 256, 8),
        (256, 4, 4, 1024, 256, 256, 8),
    ] {
        let config = TransformerXlConfig {
            layers,
            heads,
            d_model: d,
            d_head: d / heads,
            d_inner: inner,
            vocabulary: 310,
            tokenizer: None,
            segment: time,
            memory: mem,
            dropout: 0.1,
            pre_norm: true,
        };
        let device = Device::default();
        let network = TransformerXl::new(&config, 3, &device).unwrap();
        for threads in [1, 2] {
            let begun = std::time::Instant::now();
            std::thread::scope(|scope| {
                for worker in 0..threads {
                    let network = &network;
                    scope.spawn(move || {
                        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
                        pool.install(|| {
                            let weights = Weights::of(network);
                            let mut memory = LaneMemory::default();
                            let mut rng = ChaCha8Rng::seed_from_u64(worker);
                            let segment = Segment {
                                tokens: (0..lanes * time).map(|i| (i * 7 % 300) as u32).collect(),
                                targets: (0..lanes * time).map(|i| Some((i * 7 % 300) as u32)).collect(),
                                starts: vec![vec![]; lanes],
                                time,
                            };
                            for _ in 0..6 {
                                loss_and_gradient(&weights, &segment, &mut memory, 1.0, &mut rng);
                            }
                        });
                    });
                }
            });
            let elapsed = begun.elapsed().as_secs_f64();
            println!(
                "d {d} x {layers} heads {heads} time {time} memory {mem} lanes {lanes}, {} parameters, {threads} threads: {:.0} tokens/s",
                config.parameters(),
                (6 * threads as usize * lanes * time) as f64 / elapsed
            );
        }
    }
}
