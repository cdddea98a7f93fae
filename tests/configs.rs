//! The configuration files beside the examples say what their names say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../examples/chain/steps.rs"]
mod steps;

use std::path::Path;

use deepcompose::models::ar_cnn::{ArCnnConfig, ArCnnTrainConfig, ArCnnTraining};
use deepcompose::models::chorale::ChoraleTrainConfig;
use deepcompose::models::gan::{GanConfig, GanTrainConfig, GanTraining};
use deepcompose::models::transformer::{TransformerTrainConfig, TransformerTraining, TransformerXlConfig};

fn examples(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file)
}

#[test]
fn the_reference_files_are_the_reference() {
    let ar_cnn = ArCnnTrainConfig::read(examples("configs/ar_cnn_reference.toml")).unwrap();
    assert_eq!(ar_cnn.model, ArCnnConfig::reference());
    assert_eq!(ar_cnn.training, ArCnnTraining { steps: 31_000, ..ArCnnTraining::reference() });
    ar_cnn.training.validate(&ar_cnn.model).unwrap();

    let transformer = TransformerTrainConfig::read(examples("configs/transformer_reference.toml")).unwrap();
    assert_eq!(transformer.model, TransformerXlConfig::reference());
    assert_eq!(transformer.training, TransformerTraining::reference());

    let gan = GanTrainConfig::read(examples("configs/gan_reference.toml")).unwrap();
    assert_eq!(gan.model, GanConfig::accompaniment().to_builder().styles(0).build().unwrap());
    assert_eq!(gan.training, GanTraining::reference());
}

#[test]
fn the_chorale_file_is_of_four_voices() {
    let config = TransformerTrainConfig::read(examples("configs/chorales_satb.toml")).unwrap();
    assert_eq!(config.model.tokenizer, Some(deepcompose::models::transformer::Vocabulary::Satb));
    config.model.validate().unwrap();
    config.training.validate().unwrap();
}

#[test]
fn the_files_of_the_shipped_weights_are_valid() {
    let chorale = ChoraleTrainConfig::read(examples("configs/chorales.toml")).unwrap();
    chorale.model.validate().unwrap();
    chorale.training.validate().unwrap();
    let transformer = TransformerTrainConfig::read(examples("shipped/transformer.toml")).unwrap();
    assert_eq!(transformer.model, TransformerXlConfig::compact());
    transformer.training.validate().unwrap();
    let more = TransformerTrainConfig::read(examples("shipped/transformer_on.toml")).unwrap();
    let steps = more.training.steps;
    assert!(steps > transformer.training.steps);
    let training = TransformerTraining { steps, ..transformer.training.clone() };
    assert_eq!(more, TransformerTrainConfig { training, ..transformer });
    let gan = GanTrainConfig::read(examples("shipped/gan.toml")).unwrap();
    let before_onsets = GanTraining {
        reconstruction_weight: 1000.0,
        divergence_weight: 250.0,
        ..GanTraining::accompaniment()
    };
    assert_eq!(gan.training, GanTraining { steps: 8000, ..before_onsets });
    assert_eq!(gan.model, GanConfig::accompaniment().to_builder().onsets(false).build().unwrap());
    gan.training.validate().unwrap();
    let more = GanTrainConfig::read(examples("shipped/gan_on.toml")).unwrap();
    assert!(more.training.steps > gan.training.steps && more.training.freeze.matches("harmony"));
    assert_eq!(more.model, gan.model);
    more.training.validate().unwrap();
    let onsets = GanTrainConfig::read(examples("shipped/gan_onsets.toml")).unwrap();
    let on = GanTrainConfig::read(examples("shipped/gan_onsets_on.toml")).unwrap();
    assert!(on.training.steps > onsets.training.steps && onsets.training.freeze.matches("harmony"));
    for config in [onsets, on] {
        assert_eq!(config.model, GanConfig::accompaniment());
        config.training.validate().unwrap();
    }
}

#[test]
fn the_chain_extends_and_accompanies_in_rock() {
    use deepcompose::prelude::{GanParams, Genre, Technique, TransformerParams};

    let extend = TransformerParams { track_extension_duration: 12.0, ..TransformerParams::default() };
    let rock = GanParams { seed: Some(7), ..GanParams::new(Genre::Rock) };
    let read = steps::read(&examples("configs/extend_then_rock.json")).unwrap();
    assert_eq!(read, [Technique::Transformer(extend), Technique::Gan(rock)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steps.json");
    for (text, what) in [("[]", "0 steps"), ("{}", "steps.json"), ("[{\"technique\":\"polka\"}]", "polka")] {
        std::fs::write(&path, text).unwrap();
        let error = steps::read(&path).unwrap_err();
        assert!(error.contains(what) && error.contains("steps.json"), "{error}");
    }
    assert!(steps::read(&folder.path().join("none.json")).unwrap_err().contains("none.json"));
}
