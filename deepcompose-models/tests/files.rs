//! Weights files and checkpoints: round trips, precision, damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use burn::tensor::{Tensor, TensorData};
use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
use deepcompose_models::weights::{self, Model, Precision};
use deepcompose_models::{Device, WeightsError};

fn config() -> ArCnnConfig {
    ArCnnConfig { steps: 16, lowest_pitch: 0, pitches: 16, filters: 8, levels: 2, dropout: 0.0 }
}

fn logits(model: &ArCnn, device: &Device) -> Vec<f32> {
    let roll: Vec<f32> = (0..256).map(|i| f32::from(u8::from(i % 7 == 0))).collect();
    let roll = Tensor::<3>::from_data(TensorData::new(roll, [1, 16, 16]), device);
    model.forward(roll).unwrap().into_data().try_to_vec().unwrap()
}

#[test]
fn every_precision_gives_the_logits_back() {
    let device = Device::default();
    device.seed(5);
    let model = ArCnn::build(&config(), &device).unwrap();
    let exact = logits(&model, &device);
    let scale = exact.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let mut sizes = Vec::new();
    for (precision, tolerance) in [(Precision::Full, 0.0), (Precision::Half, 2e-3), (Precision::Int8, 5e-2)] {
        let bytes = weights::to_bytes(&model, precision).unwrap();
        let again: ArCnn = weights::from_bytes(&bytes, &device).unwrap();
        assert_eq!(again.config(), &config());
        let worst = logits(&again, &device).iter().zip(&exact).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(worst <= tolerance * scale, "{precision:?}: {worst} of {scale}");
        sizes.push(bytes.len());
    }
    assert!(sizes[1] < sizes[0] * 6 / 10 && sizes[2] < sizes[0] * 4 / 10, "{sizes:?}");
}

#[test]
fn damage_is_found_wherever_it_is() {
    let device = Device::default();
    let model = ArCnn::build(&config(), &device).unwrap();
    let bytes = weights::to_bytes(&model, Precision::Half).unwrap();
    for length in [0, 1, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        let cut = weights::from_bytes::<ArCnn>(&bytes[..length], &device);
        assert!(matches!(cut, Err(WeightsError::Malformed { .. })), "cut to {length}");
    }
    for at in (0..bytes.len()).step_by(211) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(weights::from_bytes::<ArCnn>(&flipped, &device).is_err(), "bit flipped at {at}");
    }
}

#[test]
fn another_kind_or_version_or_shape_is_refused() {
    let device = Device::default();
    let model = ArCnn::build(&config(), &device).unwrap();
    let bytes = weights::to_bytes(&model, Precision::Full).unwrap();
    // A change that keeps the length keeps the header readable.
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut out = bytes.clone();
        out[at..at + to.len()].copy_from_slice(to.as_bytes());
        weights::from_bytes::<ArCnn>(&out, &device).unwrap_err()
    };
    assert!(matches!(replaced("\"ar-cnn\"", "\"ra-cnn\""), WeightsError::Unsupported { what: "model", .. }));
    assert!(matches!(
        replaced("\"version\":\"1\"", "\"version\":\"2\""),
        WeightsError::Unsupported { what: "version", .. }
    ));
    assert!(matches!(replaced("\\\"filters\\\":8", "\\\"filters\\\":4"), WeightsError::Mismatch(_)));
    assert!(matches!(replaced("\\\"levels\\\":2", "\\\"levels\\\":9"), WeightsError::Config(_)));
}

#[test]
fn a_failed_save_leaves_what_was_there() {
    let device = Device::default();
    let model = ArCnn::build(&config(), &device).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    weights::save(&model, &path, Precision::Full).unwrap();
    let before = std::fs::read(&path).unwrap();
    // A folder of the file's name cannot be written over; the file beside it stays.
    let blocked = folder.path().join("folder");
    std::fs::create_dir(&blocked).unwrap();
    assert!(matches!(weights::save(&model, &blocked, Precision::Full), Err(WeightsError::Io { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file was left");
    let missing = weights::load::<ArCnn>(folder.path().join("none"), &device);
    assert!(matches!(missing, Err(WeightsError::Io { .. })));
}
