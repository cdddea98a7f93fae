//! Training the Transformer-XL: it learns, resumes exactly, and both gradient engines and any number of
//! workers agree.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use deepcompose_models::training::Decay;
use deepcompose_models::transformer::{
    GradientEngine, Piece, TokenDataset, TokenLayout, TransformerError, TransformerEvent, TransformerTrainer,
    TransformerTraining, TransformerXl, TransformerXlConfig, Vocabulary, evaluate,
};

fn sizes(dropout: f64) -> TransformerXlConfig {
    TransformerXlConfig {
        layers: 2,
        heads: 2,
        d_model: 32,
        d_head: 16,
        d_inner: 48,
        vocabulary: 310,
        tokenizer: Some(Vocabulary::Performance),
        segment: 16,
        memory: 24,
        dropout,
        pre_norm: true,
    }
}

fn network(dropout: f64) -> TransformerXl {
    TransformerXl::new(&sizes(dropout), 3, &Device::default()).unwrap()
}

/// Broken chords: after its first notes, a piece is determined.
fn data() -> TokenDataset {
    let piece = |root: u32| {
        let notes = [0, 4, 7, 4].map(|step| [30 + root + step, 200, 118 + root + step]);
        Piece::new(notes.as_flattened().repeat(5))
    };
    TokenDataset::new((0..9).map(piece).collect(), TokenLayout::performance()).unwrap()
}

fn config(workers: usize) -> TransformerTraining {
    TransformerTraining {
        steps: 8,
        lanes: 6,
        learning_rate: 3e-3,
        warmup: 4,
        decay: Decay::Cosine,
        transpose: 2,
        workers,
        seed: 5,
        validate_every: 3,
        ..TransformerTraining::default()
    }
}

fn trainer(dropout: f64, config: TransformerTraining) -> TransformerTrainer {
    TransformerTrainer::new(network(dropout), data(), data(), config).unwrap()
}

fn weights(network: &TransformerXl) -> Vec<u8> {
    network.clone().into_record().into_bytes().unwrap().to_vec()
}

/// Logits on a fixed input: unlike records, they hold no parameter ids.
fn fingerprint(network: &TransformerXl) -> Vec<f32> {
    let network = network.valid();
    let tokens = Tensor::<2, Int>::from_data([[308, 40, 200, 128, 44]], &Device::default());
    network.forward(tokens, None).unwrap().0.into_data().try_into_vec().unwrap()
}

#[test]
fn it_learns_what_the_context_determines() {
    let config = TransformerTraining { steps: 400, lanes: 9, validate_every: 100, ..config(2) };
    let mut trainer = trainer(0.0, config);
    let untrained = trainer.validate();
    // Logits of deviation about 1 that know nothing cost half a nat more than the uniform distribution.
    assert!((untrained - 310f64.ln() - 0.5).abs() < 0.4, "{untrained}");
    let mut validations = Vec::new();
    let mut observer = |event: &TransformerEvent| {
        if let TransformerEvent::Validated { steps, loss, best } = event {
            validations.push((*steps, *loss, *best));
        }
        ControlFlow::Continue(())
    };
    trainer.run(None, &mut observer).unwrap();
    assert_eq!(validations.iter().map(|(steps, ..)| *steps).collect::<Vec<_>>(), [100, 200, 300, 400]);
    let (loss, step) = trainer.best_loss().unwrap();
    // Knowing the kinds of tokens and how often each pitch comes, but no context, costs two tokens in three
    // about ln 12: 1.6 nats. Nine roots to be learnt once in 60 tokens would cost 0.04.
    assert!(loss < 0.5, "{validations:?}");
    assert!(validations.contains(&(step, loss, true)));
    let best = trainer.into_best();
    assert!((evaluate(&best, &data(), 1).unwrap() - loss).abs() < 1e-6);
}

#[test]
fn evaluation_is_the_mean_over_whole_pieces() {
    let network = network(0.1);
    let (mut sum, mut count) = (0.0, 0);
    let device = Device::default();
    for piece in data().pieces() {
        let tokens = piece.renditions[0].to_vec();
        let fed: Vec<i64> = std::iter::once(308).chain(tokens.iter().map(|t| i64::from(*t))).collect();
        let input = Tensor::<1, Int>::from_data(&fed[..tokens.len()], &device).unsqueeze::<2>();
        // One segment for the whole piece, which training cuts into four.
        let (logits, _) = network.forward(input, None).unwrap();
        let log = log_softmax(logits, 2).into_data();
        let log = log.as_slice::<f32>().unwrap();
        for (row, token) in tokens.iter().enumerate() {
            sum -= f64::from(log[row * 310 + *token as usize]);
            count += 1;
        }
    }
    for workers in [1, 2] {
        let loss = evaluate(&network, &data(), workers).unwrap();
        assert!((loss - sum / f64::from(count)).abs() < 1e-5, "{loss}");
    }
}

#[test]
fn an_interrupted_run_goes_on_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let mut whole = trainer(0.1, config(2));
    whole.run(None, &mut |_| ControlFlow::Continue(())).unwrap();

    let mut cut = trainer(0.1, config(2));
    let mut steps = 0;
    let mut stop_after_five = |event: &TransformerEvent| {
        steps += u32::from(matches!(event, TransformerEvent::Step(_)));
        if steps == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    cut.run(Some(&path), &mut stop_after_five).unwrap();
    assert_eq!(cut.steps(), 5);
    // The file is that of the validation after step 3.
    let mut resumed = TransformerTrainer::resume(&path, data(), data(), &Device::default()).unwrap();
    assert_eq!((resumed.steps(), resumed.best_loss().unwrap().1), (3, 3));
    resumed.run(None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(resumed.steps(), 8);
    assert_eq!(fingerprint(resumed.network()), fingerprint(whole.network()));
    assert_eq!(resumed.best_loss(), whole.best_loss());

    // And from a file written by hand, in the middle of everything.
    cut.save(&path).unwrap();
    let resumed = TransformerTrainer::resume(&path, data(), data(), &Device::default()).unwrap();
    assert_eq!(weights(resumed.network()), weights(cut.network()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let mut trainer = trainer(0.1, config(1));
    trainer.step().unwrap();
    trainer.save(&path).unwrap();
    let good = std::fs::read(&path).unwrap();
    let resume =
        |data: TokenDataset| TransformerTrainer::resume(&path, data.clone(), data, &Device::default());
    let message = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        match resume(data()).unwrap_err() {
            TransformerError::Checkpoint(message) => message,
            other => panic!("{other}"),
        }
    };
    for damaged in [&b""[..], b"not a checkpoint", &good[..100], &good[..good.len() - 1]] {
        let message = message(damaged);
        assert!(message.starts_with("malformed weights"), "{message}");
    }
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert!(message(&flipped).contains("hash"));
    std::fs::write(&path, &good).unwrap();
    let short = TokenDataset::new(vec![Piece::new(vec![30, 31])], TokenLayout::performance()).unwrap();
    assert!(resume(short).unwrap_err().to_string().contains("other training data"));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(resume(data()).unwrap_err(), TransformerError::Io { .. }));
}

#[test]
fn engines_and_numbers_of_workers_agree() {
    let run = |config: TransformerTraining| {
        let mut trainer = trainer(0.0, config);
        let steps: Vec<_> = (0..6).map(|_| trainer.step().unwrap()).collect();
        (steps, fingerprint(trainer.network()))
    };
    let (steps, logits) = run(config(1));
    for other in [config(2), config(4), TransformerTraining { engine: GradientEngine::Autodiff, ..config(1) }]
    {
        let what = format!("{:?}, {} workers", other.engine, other.workers);
        let (other_steps, other_logits) = run(other);
        for (step, other) in steps.iter().zip(&other_steps) {
            assert_eq!((step.step, step.tokens, step.epoch), (other.step, other.tokens, other.epoch));
            assert!((step.loss - other.loss).abs() < 1e-4 * step.loss, "{what}: {step:?} {other:?}");
            let norms = (step.gradient_norm, other.gradient_norm);
            assert!((norms.0 - norms.1).abs() < 1e-3 * norms.0, "{what}: {norms:?}");
        }
        // Adam turns tiny gradients into full steps, so rounding shows more in the weights.
        let largest = logits.iter().fold(0f32, |most, value| most.max(value.abs()));
        for (ours, theirs) in logits.iter().zip(&other_logits) {
            assert!((ours - theirs).abs() < 0.01 * largest, "{what}: {ours} {theirs}");
        }
    }
}

#[test]
fn the_same_seed_trains_the_same_weights() {
    let run = |seed: u64| {
        let mut trainer = trainer(0.2, TransformerTraining { seed, ..config(2) });
        for _ in 0..3 {
            trainer.step().unwrap();
        }
        fingerprint(trainer.network())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn data_of_another_vocabulary_is_refused() {
    let layout = TokenLayout { vocabulary: 311, ..TokenLayout::performance() };
    let other = TokenDataset::new(vec![Piece::new(vec![1, 2])], layout).unwrap();
    let error = TransformerTrainer::new(network(0.0), other.clone(), data(), config(1)).unwrap_err();
    assert!(error.to_string().contains("vocabulary"), "{error}");
    assert!(evaluate(&network(0.0), &other, 1).is_err());
    assert!(evaluate(&network(0.0), &data(), 0).is_err());
}
