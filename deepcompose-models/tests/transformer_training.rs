//! Training the Transformer-XL: it learns, resumes exactly, and both gradient engines and any number of
//! workers agree.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod small;

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use deepcompose_models::training::Trainer;
use deepcompose_models::transformer::{
    GradientEngine, Piece, TokenDataset, TokenLayout, TransformerTrainer, TransformerTraining, TransformerXl,
    TransformerXlConfig, evaluate,
};
use small::chords;

fn network(dropout: f64) -> TransformerXl {
    let sizes = TransformerXlConfig { dropout, ..small::transformer_config(1).model };
    TransformerXl::new(&sizes, 3, &Device::default()).unwrap()
}

fn config(workers: usize) -> TransformerTraining {
    TransformerTraining { workers, ..small::transformer_config(8).training }
}

fn trainer(dropout: f64, config: TransformerTraining) -> TransformerTrainer {
    TransformerTrainer::fine_tune(network(dropout), &config, chords(), chords()).unwrap()
}

/// Logits on a fixed input: unlike records, they hold no parameter ids.
fn fingerprint(network: &TransformerXl) -> Vec<f32> {
    let network = network.valid();
    let tokens = Tensor::<2, Int>::from_data([[308, 40, 200, 128, 44]], &Device::default());
    network.forward(tokens, None).unwrap().0.into_data().try_into_vec().unwrap()
}

#[test]
fn it_learns_what_the_context_determines() {
    let mut trainer = trainer(0.0, TransformerTraining { steps: 400, lanes: 9, ..config(2) });
    let untrained = trainer.validate().unwrap();
    // Logits of deviation about 1 that know nothing cost half a nat more than the uniform distribution.
    assert!((untrained - 310f64.ln() - 0.5).abs() < 0.4, "{untrained}");
    let mut lowest = f64::INFINITY;
    while !trainer.is_done() {
        trainer.train_step().unwrap();
        if trainer.step().is_multiple_of(100) {
            lowest = lowest.min(trainer.validate().unwrap());
        }
    }
    // Knowing the kinds of tokens and how often each pitch comes, but no context, costs two tokens in three
    // about ln 12: 1.6 nats. Nine roots to be learnt once in 60 tokens would cost 0.04.
    assert!(lowest < 0.5, "{lowest}");
    let last = evaluate(&trainer.model(), &chords(), 1).unwrap();
    assert!((last - trainer.validate().unwrap()).abs() < 1e-6);
}

#[test]
fn evaluation_is_the_mean_over_whole_pieces() {
    let network = network(0.1);
    let (mut sum, mut count) = (0.0, 0);
    let device = Device::default();
    for piece in chords().pieces() {
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
        let loss = evaluate(&network, &chords(), workers).unwrap();
        assert!((loss - sum / f64::from(count)).abs() < 1e-5, "{loss}");
    }
}

#[test]
fn a_checkpoint_of_other_data_is_refused() {
    let mut trainer = trainer(0.1, config(1));
    trainer.train_step().unwrap();
    let (checkpoint, state) = trainer.save().unwrap();
    let short = TokenDataset::new(vec![Piece::new(vec![30, 31])], TokenLayout::performance()).unwrap();
    let mut other = TransformerTrainer::fine_tune(network(0.1), &config(1), short.clone(), short).unwrap();
    let error = other.restore(&checkpoint, state).unwrap_err();
    assert!(error.to_string().contains("another training corpus"), "{error}");
    assert_eq!(other.step(), 0);
}

#[test]
fn engines_and_numbers_of_workers_agree() {
    let run = |config: TransformerTraining| {
        let mut trainer = trainer(0.0, config);
        let steps: Vec<_> = (0..6).map(|_| trainer.train_step().unwrap()).collect();
        (steps, fingerprint(&trainer.model()))
    };
    let (steps, logits) = run(config(1));
    for other in [config(2), config(4), TransformerTraining { engine: GradientEngine::Autodiff, ..config(1) }]
    {
        let what = format!("{:?}, {} workers", other.engine, other.workers);
        let (other_steps, other_logits) = run(other);
        for (step, other) in steps.iter().zip(&other_steps) {
            // The gradient's norm comes first, then tokens and epoch.
            assert_eq!(step.measures[1..], other.measures[1..]);
            assert!((step.loss - other.loss).abs() < 1e-4 * step.loss, "{what}: {step:?} {other:?}");
            let norms = (step.measures[0].1, other.measures[0].1);
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
            trainer.train_step().unwrap();
        }
        fingerprint(&trainer.model())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn data_of_another_vocabulary_is_refused() {
    let layout = TokenLayout { vocabulary: 311, ..TokenLayout::performance() };
    let other = TokenDataset::new(vec![Piece::new(vec![1, 2])], layout).unwrap();
    let error = TransformerTrainer::fine_tune(network(0.0), &config(1), other.clone(), chords()).unwrap_err();
    assert!(error.to_string().contains("vocabulary"), "{error}");
    assert!(evaluate(&network(0.0), &other, 1).is_err());
    assert!(evaluate(&network(0.0), &chords(), 0).is_err());
}
