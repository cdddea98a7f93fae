//! Speed of training and decoding, printed. Run with
//! `cargo test --release -p deepcompose-models -F train --test transformer_speed -- --ignored --nocapture`.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use burn::tensor::{Device, Int, Tensor, TensorData};
use deepcompose_models::transformer::{TransformerXl, TransformerXlConfig, cross_entropy_sum};

fn config(d: usize, layers: usize, inner: usize, segment: usize, memory: usize) -> TransformerXlConfig {
    TransformerXlConfig {
        layers,
        heads: d / 32,
        d_model: d,
        d_head: 32,
        d_inner: inner,
        vocabulary: 310,
        tokenizer: None,
        segment,
        memory,
        dropout: 0.1,
        pre_norm: true,
    }
}

#[test]
#[ignore = "measures"]
fn autodiff_training_speed() {
    for (d, layers, inner, segment, memory, batch) in
        [(192, 5, 768, 128, 256, 8), (256, 4, 1024, 128, 256, 8)]
    {
        let config = config(d, layers, inner, segment, memory);
        let device = Device::default().autodiff();
        let network = TransformerXl::new(&config, 1, &device).unwrap();
        let tokens: Vec<i64> = (0..batch * segment).map(|i| (i * 7 % 300) as i64).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [batch, segment]), &device);
        let mut memory = None;
        let (mut start, mut steps, mut forward) = (Instant::now(), 0, 0.0);
        for step in 0..7 {
            if step == 3 {
                (start, steps, forward) = (Instant::now(), 0, 0.0);
            }
            let begun = Instant::now();
            let (logits, next) = network.forward(tokens.clone(), memory).unwrap();
            memory = Some(next);
            let (sum, counted) = cross_entropy_sum(logits, tokens.clone(), None).unwrap();
            forward += begun.elapsed().as_secs_f64();
            let _ = (sum / counted as f32).backward();
            steps += 1;
        }
        let elapsed = start.elapsed().as_secs_f64();
        let rate = (steps * batch * segment) as f64 / elapsed;
        println!(
            "d {d} x {layers}, {} parameters: {rate:.0} tokens/s, forward {:.0} % of it",
            config.parameters(),
            100.0 * forward / elapsed
        );
    }
}
