//! Times training steps of the AR-CNN and of the Transformer through their trainers.
//!
//! ```sh
//! cargo build --release --example train_step
//! echo 3 | target/release/examples/train_step ar-cnn
//! ```
//!
//! Each line of the input is a number of steps to take; for each, a line with their mean time comes back.
//! `benches/peers/train_step.py` drives it beside PyTorch.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use deepcompose::models::Device;
use deepcompose::models::ar_cnn::{ArCnnConfig, ArCnnTrainConfig, ArCnnTrainer, ArCnnTraining, RollWindows};
use deepcompose::models::training::Trainer;
use deepcompose::models::transformer::{
    Piece, TokenDataset, TokenLayout, TransformerTrainConfig, TransformerTrainer, TransformerTraining,
    TransformerXlConfig,
};
use ndarray::Array2;

/// Windows of 128 by 128, 16 filters, 4 levels, 8 windows a step.
fn ar_cnn() -> Result<ArCnnTrainer, Box<dyn Error>> {
    let piece = |key: usize| {
        Array2::from_shape_fn((512, 128), |(step, pitch)| pitch == 40 + key + [0, 4, 7, 12, 16][step / 2 % 5])
    };
    let windows = RollWindows::new((0..8).map(piece).collect(), 128, 16);
    let config = ArCnnTrainConfig {
        model: ArCnnConfig { filters: 16, levels: 4, ..ArCnnConfig::reference() },
        training: ArCnnTraining { batch_size: 8, steps: 1_000_000, ..ArCnnTraining::reference() },
        ..ArCnnTrainConfig::default()
    };
    Ok(ArCnnTrainer::new(&config, windows.clone(), windows, &Device::default())?)
}

/// Width 256, 6 layers with 8 heads of 32, 16 lanes of 128 tokens that remember 128 more.
fn transformer() -> Result<TransformerTrainer, Box<dyn Error>> {
    let piece = |lane: u32| {
        Piece::new((0..100_000_u32).map(|i| (i * 7 + i.wrapping_mul(i) % 13 + lane) % 300).collect())
    };
    let data = TokenDataset::new((0..16).map(piece).collect(), TokenLayout::performance())?;
    let config = TransformerTrainConfig {
        model: TransformerXlConfig {
            layers: 6,
            heads: 8,
            d_model: 256,
            d_head: 32,
            d_inner: 1024,
            segment: 128,
            memory: 128,
            pre_norm: true,
            ..TransformerXlConfig::reference()
        },
        training: TransformerTraining {
            lanes: 16,
            workers: 2,
            transpose: 0,
            ..TransformerTraining::default()
        },
        ..TransformerTrainConfig::default()
    };
    Ok(TransformerTrainer::new(&config, data.clone(), data, &Device::default())?)
}

fn serve(trainer: &mut impl Trainer) -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lines() {
        let steps: u32 = line?.trim().parse()?;
        let begun = Instant::now();
        let mut loss = 0.0;
        for _ in 0..steps {
            loss = trainer.train_step()?.loss;
        }
        let seconds = begun.elapsed().as_secs_f64() / f64::from(steps.max(1));
        println!("seconds={seconds:.5} loss={loss:.4}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("ar-cnn") => serve(&mut ar_cnn()?),
        Some("transformer") => serve(&mut transformer()?),
        _ => Err("usage: train_step ar-cnn|transformer < NUMBERS_OF_STEPS".into()),
    }
}
