//! Several devices by burn-train's own strategies: two of the CPU here.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod small;

use deepcompose_models::training::{Sharing, TrainError};
use deepcompose_models::weights::Model;
use deepcompose_models::{Device, ar_cnn, training, transformer, weights};

#[test]
fn two_devices_train_an_ar_cnn_for_whole_epochs() {
    let config = small::ar_cnn_config(24);
    let devices = [Device::flex(), Device::flex()];
    for sharing in [Sharing::Multi, Sharing::MultiSharded] {
        let folder = tempfile::tempdir().unwrap();
        let train = || {
            let (train, valid) = (small::scales(), small::scales());
            ar_cnn::train_on_devices(&config, train, valid, &devices, sharing, 3, folder.path())
        };
        let model = train().unwrap();
        assert!(matches!(train(), Err(TrainError::RunExists { .. })));
        // What they would pass over is refused.
        for (clip, freeze) in [(Some(1.0), vec![]), (None, vec!["encoder"])] {
            let mut config = config.clone();
            config.training.clip = clip;
            config.training.freeze = training::Freeze::new(freeze);
            let (train, valid, nowhere) = (small::scales(), small::scales(), folder.path().join("none"));
            let refused = ar_cnn::train_on_devices(&config, train, valid, &devices, sharing, 3, &nowhere);
            assert!(matches!(refused, Err(TrainError::Config(_))) && !nowhere.exists());
        }
        assert_eq!(model.config(), &config.model);
        // burn-train's validation losses, one folder an epoch: they fall.
        let loss = |epoch: usize| -> f64 {
            let path = folder.path().join(format!("valid/epoch-{epoch}/Loss.log"));
            let lines = std::fs::read_to_string(path).unwrap();
            let values = lines.lines().map(|l| l.split(',').next().unwrap().parse::<f64>().unwrap());
            let values: Vec<f64> = values.collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        assert!(loss(3) < loss(1), "{} {}", loss(1), loss(3));
        let saved: ar_cnn::ArCnn =
            weights::load(folder.path().join("last.safetensors"), &Device::flex()).unwrap();
        assert_eq!(saved.config(), &config.model);
    }
}

#[test]
fn two_devices_train_a_transformer() {
    let folder = tempfile::tempdir().unwrap();
    let config = small::transformer_config(40);
    let before =
        transformer::TransformerXl::new(&config.model, config.training.seed, &Device::flex()).unwrap();
    let model = transformer::train_on_devices(
        &config,
        small::chords(),
        small::chords(),
        &[Device::flex(), Device::flex()],
        Sharing::Multi,
        5,
        folder.path(),
    )
    .unwrap();
    let loss = |model| transformer::evaluate(model, &small::chords(), 1).unwrap();
    assert!(loss(&model) < 0.9 * loss(&before), "{} {}", loss(&before), loss(&model));
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let train = |devices: &[Device], sharing| {
        let (config, windows) = (small::ar_cnn_config(1), small::scales());
        ar_cnn::train_on_devices(&config, windows.clone(), windows, devices, sharing, 1, folder.path())
    };
    let error = train(&[Device::flex(), Device::flex()], Sharing::Ddp).unwrap_err().to_string();
    assert_eq!(error, "sharing ddp is out of range: multi on the CPU is accepted");
    assert!(matches!(train(&[], Sharing::Multi), Err(TrainError::Config(_))));
}
