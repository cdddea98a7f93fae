//! A device on another machine, which here is this one: the network trains there as it does at home.
//!
//! `cargo test -p deepcompose-models --features train,remote --test remote`
#![cfg(all(feature = "flex", feature = "remote", feature = "train"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;
mod small;

use std::net::TcpListener;
use std::ops::ControlFlow;

use burn::optim::{AdamConfig, GradientsParams};
use burn::remote::RemoteHost;
use burn::server::{RemoteServer, WebSocketTransport};
use burn::tensor::{Tensor, TensorData};
use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig, ArCnnTrainer, edit_loss};
use deepcompose_models::training::{Run, Trainer};
use deepcompose_models::weights::{self, Model, Precision};
use deepcompose_models::{Device, device};

/// Serves this machine's CPU on a port of its choice, for as long as the test runs, and gives its address.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let server = RemoteServer::new([Device::flex()]);
    std::thread::spawn(move || server.serve(WebSocketTransport::from_listener(listener)).unwrap());
    address
}

fn rolls(every: usize, device: &Device) -> Tensor<3> {
    let cells: Vec<f32> = (0..2 * 256).map(|i| f32::from(u8::from(i % every == 0))).collect();
    Tensor::from_data(TensorData::new(cells, [2, 16, 16]), device)
}

/// The loss before each step, and the file of what came out.
fn train(start: &[u8], device: &Device) -> (Vec<f32>, Vec<u8>) {
    let device = device.clone().autodiff();
    let mut model: ArCnn = weights::from_bytes(start, &device).unwrap();
    let mut optimizer = AdamConfig::new().init();
    let mut losses = Vec::new();
    for _ in 0..5 {
        let logits = model.forward(rolls(7, &device)).unwrap();
        let loss = edit_loss(logits, rolls(11, &device));
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-2, model, gradients);
    }
    (losses, weights::to_bytes(&model, Precision::Full).unwrap())
}

#[test]
fn a_network_trains_on_a_remote_device_as_on_the_local_one() {
    let config = ArCnnConfig { steps: 16, lowest_pitch: 0, pitches: 16, filters: 4, levels: 2, dropout: 0.0 };
    let start = drawn::drawn(ArCnn::build(&config, &Device::flex()).unwrap(), 3);
    let start = weights::to_bytes(&start, Precision::Full).unwrap();
    let remote = Device::remote_options(&RemoteHost::websocket(&serve())).init().unwrap();
    assert_ne!(remote, Device::flex());

    let (local_losses, local) = train(&start, &Device::flex());
    let (remote_losses, trained) = train(&start, &remote);
    assert!(local_losses[4] < local_losses[0], "{local_losses:?}");
    for (step, (local, remote)) in local_losses.iter().zip(&remote_losses).enumerate() {
        assert!((local - remote).abs() <= 1e-5 * local.abs(), "step {step}: {local} here, {remote} there");
    }
    // What was trained there computes the same here.
    let logits = |bytes: &[u8]| {
        let model: ArCnn = weights::from_bytes(bytes, &Device::flex()).unwrap();
        let logits = model.forward(rolls(7, &Device::flex())).unwrap();
        logits.into_data().try_into_vec::<f32>().unwrap()
    };
    let (here, there) = (logits(&local), logits(&trained));
    let largest = here.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (here, there) in here.iter().zip(there) {
        assert!((here - there).abs() <= 1e-4 * largest, "{here} here, {there} there, of {largest}");
    }
}

#[test]
fn a_run_trains_on_a_device_named_by_its_address() {
    let remote = device(&serve()).unwrap();
    let config = small::ar_cnn_config(20);
    let mut trainer = ArCnnTrainer::new(&config, small::scales(), small::scales(), &remote).unwrap();
    let before = trainer.validate().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::create(folder.path(), &config.run).unwrap();
    let outcome = run.train(&mut trainer, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert!(outcome.best.unwrap().loss < before, "{outcome:?}, {before} before");
    // Its weights are used here.
    let model: ArCnn = weights::load(run.best_weights(), &Device::flex()).unwrap();
    assert_eq!(model.config(), &config.model);
    let nobody = device("ws://127.0.0.1:9").unwrap_err().to_string();
    assert!(nobody.contains("ws://127.0.0.1:9"), "{nobody}");
}
