//! The network against a plain one in `f64`, and what must hold of any such network.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::tensor::Tensor;
use deepcompose_samplers::TokenModel;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::history::{History, REST};
use super::voice::{CELLS, relate, relations, terms};
use super::*;
use crate::Device;

fn config() -> ChoraleConfig {
    ChoraleConfig {
        layers: 2,
        heads: 2,
        d_model: 8,
        d_inner: 6,
        d_voice: 10,
        distances: 20,
        tunes: 1000,
        ..ChoraleConfig::default()
    }
}

/// Pieces that begin alike.
fn pieces() -> Vec<Vec<Cells>> {
    (3..9).map(|part| piece(part * 12)).collect()
}

/// A network none of whose numbers are at rest: biases and scales too. It knows the tunes of the pieces.
fn network() -> ChoraleTransformer {
    stirred().knowing(&pieces()).unwrap()
}

fn stirred() -> ChoraleTransformer {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut network = ChoraleTransformer::new(&config(), 3, &Device::default()).unwrap();
    let mut draws = ChaCha8Rng::seed_from_u64(5);
    let mut stir = |param: &mut burn::module::Param<Tensor<1>>| {
        let numbers: Vec<f32> =
            values(&param.val()).iter().map(|n| *n as f32 + rng.random_range(-0.3..0.3)).collect();
        *param = burn::module::Param::from_data(numbers.as_slice(), &Device::default());
    };
    for layer in &mut network.layers {
        for norm in [&mut layer.attention_norm, &mut layer.feed_forward_norm] {
            stir(&mut norm.gamma);
            stir(norm.beta.as_mut().unwrap());
        }
        stir(layer.expand.bias.as_mut().unwrap());
        stir(layer.contract.bias.as_mut().unwrap());
        let bias: Vec<f32> = (0..40).map(|_| draws.random_range(-1.0..1.0)).collect();
        let bias = burn::tensor::TensorData::new(bias, [2, 20]);
        layer.attention.bias = burn::module::Param::from_data(bias, &Device::default());
    }
    network
}

fn piece(steps: usize) -> Vec<Cells> {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut cells = [70, 65, 60, 50];
    (0..steps)
        .map(|_| {
            for (voice, cell) in cells.iter_mut().enumerate() {
                match rng.random_range(0..6) {
                    // The soprano sings what could be a tune.
                    0 if voice == 0 => *cell = rng.random_range(65..72),
                    0 => *cell = rng.random_range(40..80),
                    1 if voice > 0 || rng.random_bool(0.05) => *cell = REST,
                    _ => {}
                }
            }
            cells
        })
        .collect()
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.to_data().iter::<f32>().map(f64::from).collect()
}

/// `x` (rows of `inputs`) times a matrix, plus a bias.
fn linear(x: &[f64], layer: &burn::nn::Linear) -> Vec<f64> {
    let [inputs, outputs] = layer.weight.dims();
    let weight = values(&layer.weight.val());
    let bias = layer.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| values(&bias.val()));
    x.chunks(inputs)
        .flat_map(|row| {
            (0..outputs)
                .map(|o| bias[o] + (0..inputs).map(|i| row[i] * weight[i * outputs + o]).sum::<f64>())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn norm(x: &[f64], norm: &burn::nn::LayerNorm) -> Vec<f64> {
    let (gamma, beta) = (values(&norm.gamma.val()), values(&norm.beta.as_ref().unwrap().val()));
    x.chunks(gamma.len())
        .flat_map(|row| {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / row.len() as f64;
            (0..row.len())
                .map(|i| (row[i] - mean) / (variance + 1e-5).sqrt() * gamma[i] + beta[i])
                .collect::<Vec<_>>()
        })
        .collect()
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

/// The logarithms of the probabilities of every cell that each voice could have, `[steps][4][CELLS]`.
fn plain(network: &ChoraleTransformer, piece: &[Cells]) -> Vec<[Vec<f64>; 4]> {
    let ChoraleConfig { heads, d_model: d, d_inner, distances, .. } = network.config;
    let d_head = d / heads;
    let table = values(&network.table.val());
    let sum = |table: &[f64], rows: &[usize], width: usize| -> Vec<f64> {
        (0..width).map(|k| rows.iter().map(|row| table[row * width + k]).sum()).collect()
    };
    let mut histories = vec![History::new(network.tunes().unwrap())];
    for cells in piece {
        let mut next = histories.last().unwrap().clone();
        next.push(*cells);
        histories.push(next);
    }
    let mut x: Vec<f64> = histories[..piece.len()]
        .iter()
        .flat_map(|history| sum(&table, &history.inputs([true; 4]).map(usize::from), d))
        .collect();
    for layer in &network.layers {
        let qkv = linear(&norm(&x, &layer.attention_norm), &layer.attention.qkv);
        let bias = values(&layer.attention.bias.val());
        let mut context = vec![0.0; x.len()];
        for query in 0..piece.len() {
            for head in 0..heads {
                let at =
                    |step: usize, part: usize, k: usize| qkv[step * 3 * d + part * d + head * d_head + k];
                let scores: Vec<f64> = (0..=query)
                    .map(|key| {
                        let content: f64 = (0..d_head).map(|k| at(query, 0, k) * at(key, 1, k)).sum();
                        let distance = (query - key).min(distances - 1);
                        content / (d_head as f64).sqrt() + bias[head * distances + distance]
                    })
                    .collect();
                let total: f64 = scores.iter().map(|score| score.exp()).sum();
                for k in 0..d_head {
                    let attended = (0..=query).map(|key| scores[key].exp() / total * at(key, 2, k)).sum();
                    context[query * d + head * d_head + k] = attended;
                }
            }
        }
        let attended = linear(&context, &layer.attention.output);
        x.iter_mut().zip(attended).for_each(|(x, a)| *x += a);
        let wide = linear(&norm(&x, &layer.feed_forward_norm), &layer.expand);
        let inner: Vec<f64> = wide
            .chunks(2 * d_inner)
            .flat_map(|row| (0..d_inner).map(|k| silu(row[k]) * row[d_inner + k]).collect::<Vec<_>>())
            .collect();
        x.iter_mut().zip(linear(&inner, &layer.contract)).for_each(|(x, f)| *x += f);
    }
    let states = norm(&x, &network.norm);
    (0..piece.len())
        .map(|step| {
            [0, 1, 2, 3].map(|voice| {
                let (own, above) = (&network.voices[voice], &piece[step][..voice]);
                let (mut rows, mut related) = (Vec::new(), Vec::new());
                histories[step].voice_inputs(above, &mut rows);
                relate(histories[step].outlook(above), above, &mut related);
                let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
                let told = sum(&values(&own.table.val()), &rows, network.config.d_voice);
                let state = linear(&states[step * d..(step + 1) * d], &own.state);
                let z: Vec<f64> = state.iter().zip(told).map(|(s, t)| silu(s + t)).collect();
                let deeper = linear(&z, &own.hidden);
                let z: Vec<f64> = z.iter().zip(deeper).map(|(z, h)| z + silu(h)).collect();
                let (absolute, mut relative) = (linear(&z, &own.absolute), linear(&z, &own.relative));
                relative.push(0.0);
                assert_eq!(relative.len(), relations(voice) + 1);
                let logits: Vec<f64> = (0..CELLS)
                    .map(|cell| {
                        let terms = &related[cell * terms(voice)..][..terms(voice)];
                        absolute[cell] + terms.iter().map(|term| relative[*term as usize]).sum::<f64>()
                    })
                    .collect();
                let total = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
                logits.iter().map(|logit| logit - total).collect()
            })
        })
        .collect()
}

#[test]
fn the_network_is_the_plain_one() {
    let (network, piece) = (network(), piece(40));
    let expected = plain(&network, &piece);
    let found = network.log_probabilities(&piece).unwrap();
    for (step, cells) in piece.iter().enumerate() {
        for voice in 0..4 {
            let expected = expected[step][voice][usize::from(cells[voice])];
            let found = found[step][voice];
            assert!((found - expected).abs() < 1e-4, "step {step}, voice {voice}: {found}, {expected}");
        }
    }
}

#[test]
fn a_decoder_gives_what_the_whole_piece_gives() {
    // Longer than a block, and with the start of another piece before it.
    let (network, piece) = (network(), piece(300));
    let whole = network.log_probabilities(&piece).unwrap();
    let mut decoder = ChoraleDecoder::new(&network).unwrap();
    decoder.push(&[129, 60, 128, 50]).unwrap();
    let mut next = vec![129];
    for (step, cells) in piece.iter().enumerate() {
        for voice in 0..4 {
            let logits = decoder.push(&next).unwrap();
            let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum::<f64>().ln();
            let found = f64::from(logits[usize::from(cells[voice])]) - total;
            assert!((found - whole[step][voice]).abs() < 1e-4, "step {step}, voice {voice}");
            next = vec![cells[voice].into()];
        }
        assert_eq!(decoder.steps(), step);
    }
    assert!(decoder.push(&[131]).is_err());
    assert!(decoder.push(&[]).is_err());
}

#[test]
fn nothing_is_known_of_what_comes_later() {
    let (network, mut piece) = (network(), piece(30));
    let before = network.log_probabilities(&piece).unwrap();
    // The tenor of step 20.
    piece[20][2] = 41;
    let after = network.log_probabilities(&piece).unwrap();
    assert_eq!(before[..20], after[..20]);
    assert_eq!(before[20][..2], after[20][..2]);
    assert!(before[20][2..].iter().zip(&after[20][2..]).all(|(a, b)| a != b));
    assert_ne!(before[21], after[21]);
    assert!(network.log_probabilities(&[[0, 0, 0, 129]]).is_err());
    assert_eq!(network.log_probabilities(&[]).unwrap(), Vec::<[f64; 4]>::new());
}

#[test]
fn the_parameters_are_counted() {
    use burn::module::Module;
    assert_eq!(network().num_params(), config().parameters());
    let default = ChoraleConfig::default();
    let network = ChoraleTransformer::new(&default, 1, &Device::default()).unwrap();
    assert_eq!(network.num_params(), default.parameters());
}

/// Networks that differ.
fn ensemble() -> ChoraleEnsemble {
    ensemble_knowing(&pieces())
}

fn ensemble_knowing(pieces: &[Vec<Cells>]) -> ChoraleEnsemble {
    let fresh = |seed| ChoraleTransformer::new(&config(), seed, &Device::default()).unwrap();
    let networks = [stirred(), fresh(8), fresh(9)].map(|network| network.knowing(pieces).unwrap());
    ChoraleEnsemble::new(networks.to_vec()).unwrap()
}

fn transposed(piece: &[Cells], semitones: i16) -> Vec<Cells> {
    let cell = |cell: u8| if cell < REST { (i16::from(cell) + semitones).clamp(0, 127) as u8 } else { cell };
    piece.iter().map(|cells| cells.map(cell)).collect()
}

#[test]
fn an_ensemble_is_the_mean_of_probabilities_in_every_key() {
    let piece = piece(30);
    let both = ensemble().in_keys(&[0, 3]).unwrap();
    let mut mean = vec![[0.0; 4]; 30];
    for network in both.networks() {
        for heard in [piece.clone(), transposed(&piece, 3)] {
            for (mean, logs) in mean.iter_mut().zip(network.log_probabilities(&heard).unwrap()) {
                mean.iter_mut().zip(logs).for_each(|(mean, log)| *mean += log.exp() / 6.0);
            }
        }
    }
    for (found, mean) in both.log_probabilities(&piece).unwrap().into_iter().zip(mean) {
        for (found, mean) in found.into_iter().zip(mean) {
            assert!((found.exp() - mean).abs() < 1e-12);
        }
    }
    // All that a pitch can be is one event: what is out of reach in a key adds nothing.
    let high = ensemble().in_keys(&[5]).unwrap();
    let all: f64 =
        (0..=REST).map(|cell| high.log_probabilities(&[[cell, 60, 55, 40]]).unwrap()[0][0].exp()).sum();
    let lost: f64 = ensemble()
        .networks()
        .iter()
        .flat_map(|network| {
            (0..5).map(|cell| network.log_probabilities(&[[cell, 1, 1, 1]]).unwrap()[0][0].exp())
        })
        .sum();
    assert!((all + lost / 3.0 - 1.0).abs() < 1e-5 && lost > 0.0, "{all}, {lost}");
    assert!(ChoraleEnsemble::new(Vec::new()).is_err());
    assert!(ChoraleEnsemble::new(vec![network(), stirred()]).is_err());
    assert!(ensemble().in_keys(&[]).is_err() && ensemble().in_keys(&[25]).is_err());
}

#[test]
fn one_network_invents_what_its_decoder_does() {
    use deepcompose_samplers::{SamplingTechnique, TokenSampler, Unconstrained, generate_tokens};
    let sampler = TokenSampler::new(SamplingTechnique::Nucleus, 0.9, 1.1).unwrap();
    let invented = ChoraleEnsemble::new(vec![network()])
        .unwrap()
        .invent(1, 25, &sampler, &mut ChaCha8Rng::seed_from_u64(6))
        .unwrap();
    let mut decoder = ChoraleDecoder::new(&network()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut go_on = |_| std::ops::ControlFlow::Continue(());
    let generated =
        generate_tokens(&mut decoder, &[129], &sampler, &mut Unconstrained, 100, &mut rng, &mut go_on)
            .unwrap();
    let tokens: Vec<u32> = invented[0].iter().flatten().map(|cell| u32::from(*cell)).collect();
    assert_eq!(tokens, generated.tokens[generated.tokens.len() - 100..]);
}

#[test]
fn what_is_invented_has_the_mixtures_probabilities() {
    use deepcompose_samplers::{SamplingTechnique, TokenSampler};
    let sampler = TokenSampler::new(SamplingTechnique::Random, 1.0, 1.0).unwrap();
    let ensemble = ensemble().in_keys(&[0, -2]).unwrap();
    let pieces = ensemble.invent(4000, 1, &sampler, &mut ChaCha8Rng::seed_from_u64(7)).unwrap();
    // Pearson's statistic of the soprano over 16 groups of cells.
    let (mut expected, mut found) = ([0.0; 16], [0.0; 16]);
    for cell in 0..=REST {
        let logs = ensemble.log_probabilities(&[[cell, 60, 60, 60]]).unwrap();
        expected[usize::from(cell) / 8 % 16] += 4000.0 * logs[0][0].exp();
    }
    pieces.iter().for_each(|piece| found[usize::from(piece[0][0]) / 8 % 16] += 1.0);
    let statistic: f64 = expected.iter().zip(&found).map(|(e, f): (&f64, &f64)| (f - e).powi(2) / e).sum();
    // The 0.999 quantile of the chi-square distribution with 15 degrees of freedom is 37.7.
    assert!(statistic < 37.7, "{statistic}");
    assert!(ensemble.invent(1 << 20, 1 << 20, &sampler, &mut ChaCha8Rng::seed_from_u64(7)).is_err());
}

#[cfg(feature = "train")]
mod training {
    use super::*;
    use crate::training::{Run, RunSettings, Trainer};

    fn trainer(workers: usize) -> ChoraleTrainer {
        let data = ChoraleDataset::new(pieces()).unwrap();
        let training = ChoraleTraining {
            steps: 12,
            batch_size: 4,
            window: 24,
            warmup: 2,
            learning_rate: 1e-2,
            workers,
            ..ChoraleTraining::default()
        };
        let config = ChoraleTrainConfig { model: config(), training, run: RunSettings::default() };
        ChoraleTrainer::new(&config, data.clone(), data, &Device::default()).unwrap()
    }

    #[test]
    fn validation_is_of_the_validation_pieces() {
        let [train, valid] = [3..6, 6..9].map(|parts: std::ops::Range<usize>| {
            ChoraleDataset::new(parts.map(|part| piece(part * 12)).collect()).unwrap()
        });
        let config = ChoraleTrainConfig { model: config(), ..ChoraleTrainConfig::default() };
        let trainer = ChoraleTrainer::new(&config, train.clone(), valid.clone(), &Device::default()).unwrap();
        let of = |data| evaluate(&trainer.model(), data).unwrap().nats_per_note();
        assert_eq!(trainer.validate().unwrap(), of(&valid));
        assert_ne!(of(&train), of(&valid));
    }

    #[test]
    fn training_goes_on_where_it_stopped() {
        for workers in [1, 2] {
            let folder = tempfile::tempdir().unwrap();
            let settings = RunSettings { checkpoint_every: 5, ..RunSettings::default() };
            let mut whole = trainer(workers);
            let first = whole.validate().unwrap();
            for _ in 0..12 {
                whole.train_step().unwrap();
            }
            assert!(whole.validate().unwrap() < first - 0.5);
            let mut part = trainer(workers);
            for _ in 0..5 {
                part.train_step().unwrap();
            }
            let (checkpoint, state) = part.save().unwrap();
            let mut rest = trainer(workers);
            rest.restore(&checkpoint, state).unwrap();
            while !rest.is_done() {
                rest.train_step().unwrap();
            }
            let bytes = |trainer: &ChoraleTrainer| {
                crate::weights::to_bytes(&trainer.model(), crate::weights::Precision::Full).unwrap()
            };
            assert_eq!(bytes(&rest), bytes(&whole));
            // And through the files of a run.
            let mut run = Run::create(folder.path(), &settings).unwrap();
            let mut filed = trainer(workers);
            run.train(&mut filed, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
            assert_eq!(bytes(&filed), bytes(&whole));
        }
    }

    // Whole pieces as they are: each is told what the others sing, and what was invented is told of all.
    #[test]
    fn a_piece_in_training_is_not_told_of_itself() {
        let real = ChoraleDataset::new(pieces()).unwrap();
        let invented = piece(50);
        let data = real.with_invented(&ChoraleDataset::new(vec![invented.clone()]).unwrap());
        let training = ChoraleTraining {
            window: 96,
            transpose: 0,
            hide: 0.0,
            forget: 0.0,
            ..ChoraleTraining::default()
        };
        let tunes = network().tunes().unwrap();
        let expected = |piece: &[Cells], known: &[Vec<Cells>]| {
            let mut steps = steps::Steps::default();
            let mut history = History::new(stirred().knowing(known).unwrap().tunes().unwrap());
            for cells in piece {
                steps.push(&history, [true; 4], *cells);
                history.push(*cells);
            }
            (piece.len()..96).for_each(|_| steps.pad());
            steps
        };
        let mut all: Vec<_> = (0..6)
            .map(|number| {
                let mut others = pieces();
                let piece = others.remove(number);
                expected(&piece, &others)
            })
            .collect();
        all.push(expected(&invented, &pieces()));
        let mut seen = [0; 7];
        for seed in 0..60 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let batch = data.windows(&training, 1, &mut rng, false, &tunes);
            seen[all.iter().position(|steps| *steps == batch.steps).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    }

    #[test]
    fn a_teachers_share_is_the_cross_entropy_with_it() {
        let data = ChoraleDataset::new(vec![piece(20)]).unwrap();
        let training = ChoraleTraining { window: 24, transpose: 0, hide: 0.0, ..ChoraleTraining::default() };
        // Nothing is known: the decoders would know the piece itself.
        let ensemble = ensemble_knowing(&[]);
        let student = stirred();
        let tunes = student.tunes().unwrap();
        let batch = data.windows(&training, 1, &mut ChaCha8Rng::seed_from_u64(2), true, &tunes);
        let teacher = |share| loss::Teacher { ensemble: ensemble.clone(), share, fingerprint: String::new() };
        let loss =
            |share| -> f64 { loss::loss_sum(&student, &batch, Some(&teacher(share)), None).into_scalar() };
        // Cell by cell, from what the decoders say.
        let decoders: Result<Vec<_>, _> = ensemble.networks().iter().map(ChoraleDecoder::new).collect();
        let mut decoders = decoders.unwrap();
        let mut own = ChoraleDecoder::new(&student).unwrap();
        let softmax = |logits: &[f32]| {
            let weights: Vec<f64> = logits.iter().map(|logit| f64::from(*logit).exp()).collect();
            let total: f64 = weights.iter().sum();
            weights.into_iter().map(|weight| weight / total).collect::<Vec<f64>>()
        };
        let (mut soft, mut hard, mut next) = (0.0, 0.0, vec![129]);
        for cell in data.pieces()[0].iter().flatten() {
            let told: Vec<_> =
                decoders.iter_mut().map(|decoder| softmax(decoder.push(&next).unwrap())).collect();
            let guess = softmax(own.push(&next).unwrap());
            for (number, guess) in guess.iter().enumerate().filter(|(_, guess)| **guess > 0.0) {
                soft -= told.iter().map(|told| told[number]).sum::<f64>() / 3.0 * guess.ln();
            }
            hard -= guess[usize::from(*cell)].ln();
            next = vec![u32::from(*cell)];
        }
        for (share, expected) in [(1.0, soft), (0.0, hard), (0.25, 0.25 * soft + 0.75 * hard)] {
            assert!((loss(share) / expected - 1.0).abs() < 1e-5, "{share}: {}, {expected}", loss(share));
        }
        let plain: f64 = loss::loss_sum(&student, &batch, None, None).into_scalar();
        assert!((plain / hard - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_pupil_comes_closer_to_its_teacher() {
        let teacher = ChoraleEnsemble::new(vec![network()]).unwrap();
        let mut pupil = trainer(2).taught_by(teacher.clone()).unwrap();
        let apart = |pupil: &ChoraleTrainer| -> f64 {
            let (ours, theirs) = (pupil.model(), &teacher.networks()[0]);
            let (ours, theirs) =
                (ours.log_probabilities(&piece(40)).unwrap(), theirs.log_probabilities(&piece(40)).unwrap());
            ours.iter().flatten().zip(theirs.iter().flatten()).map(|(a, b)| (a - b).abs()).sum::<f64>()
                / 160.0
        };
        let before = apart(&pupil);
        while !pupil.is_done() {
            pupil.train_step().unwrap();
        }
        assert!(apart(&pupil) < 0.8 * before, "{before}, {}", apart(&pupil));
        // A run goes on with the teacher that it had.
        let (checkpoint, state) = pupil.save().unwrap();
        let mut same = trainer(2).taught_by(teacher.clone()).unwrap();
        assert!(same.restore(&checkpoint, state.clone()).is_ok());
        for mut other in [trainer(2), trainer(2).taught_by(ensemble()).unwrap()] {
            let error = other.restore(&checkpoint, state.clone()).unwrap_err().to_string();
            assert!(error.contains("teacher"), "{error}");
        }
        assert!(trainer(1).taught_by(teacher.in_keys(&[0, 1]).unwrap()).is_err());
        let error = trainer(1).taught_by(ensemble_knowing(&pieces()[1..])).unwrap_err().to_string();
        assert!(error.starts_with("tunes of a teacher"), "{error}");
    }

    #[test]
    fn the_evaluation_is_the_mean_over_all_cells() {
        let pieces = vec![piece(10), piece(33)];
        let data = ChoraleDataset::new(pieces.clone()).unwrap();
        let network = network();
        let evaluation = evaluate(&network, &data).unwrap();
        let logs =
            |piece: &Vec<Cells>| -> f64 { network.log_probabilities(piece).unwrap().iter().flatten().sum() };
        let sums: Vec<f64> = pieces.iter().map(logs).collect();
        assert!((evaluation.nats_per_note() + (sums[0] + sums[1]) / 172.0).abs() < 1e-12);
        assert!((evaluation.pieces[1] + sums[1] / 132.0).abs() < 1e-12);
        let alone = ChoraleEnsemble::new(vec![network.clone()]).unwrap();
        let again = evaluate_ensemble(&alone, &data).unwrap();
        assert!((again.nats_per_note() - evaluation.nats_per_note()).abs() < 1e-9);
        assert!((evaluation.voices().iter().sum::<f64>() / 4.0 - evaluation.nats_per_note()).abs() < 1e-12);
    }
}

#[test]
fn tunes_outlive_eight_bits() {
    let network = network();
    let bytes = crate::weights::to_bytes(&network, crate::weights::Precision::Int8).unwrap();
    let again: ChoraleTransformer = crate::weights::from_bytes(&bytes, &Device::default()).unwrap();
    assert_eq!(again.tunes().unwrap(), network.tunes().unwrap());
}

/// Each number of the table as the file has it, before it is rounded: a scale of more than one number a step would leave halves.
#[test]
#[cfg(feature = "pretrained")]
fn the_shipped_network_knows_its_tunes() {
    let network = crate::pretrained::chorale(&Device::default()).unwrap();
    let numbers = network.tunes.as_ref().unwrap().val().into_data().try_into_vec::<f32>().unwrap();
    let is_plain = |number: &f32| number.abs() < 127.1 && (number - number.round()).abs() < 0.3;
    assert!(numbers.iter().all(is_plain), "{:?}", numbers.iter().find(|number| !is_plain(number)));
}
