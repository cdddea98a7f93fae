//! Weights files: round trips in both formats, precision, vocabulary, damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor, TensorData};
use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
use deepcompose_models::transformer::{TransformerXl, TransformerXlConfig};
use deepcompose_models::weights::{self, Format, Model, Precision};
use deepcompose_models::{Device, WeightsError};
use proptest::prelude::*;
use safetensors::SafeTensors;

fn config() -> ArCnnConfig {
    ArCnnConfig { steps: 16, lowest_pitch: 0, pitches: 16, filters: 8, levels: 2, dropout: 0.0 }
}

fn logits(model: &ArCnn, device: &Device) -> Vec<f32> {
    let roll: Vec<f32> = (0..256).map(|i| f32::from(u8::from(i % 7 == 0))).collect();
    let roll = Tensor::<3>::from_data(TensorData::new(roll, [1, 16, 16]), device);
    model.forward(roll).unwrap().into_data().try_to_vec().unwrap()
}

const FORMATS: [Format; 2] = [Format::Safetensors, Format::Burnpack];
const PRECISIONS: [Precision; 3] = [Precision::Full, Precision::Half, Precision::Int8];

/// The same weights in every test and every run.
static DRAWN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let drawn = drawn::drawn(ArCnn::build(&config(), &Device::default()).unwrap(), 1);
    weights::to_bytes(&drawn, Precision::Full).unwrap()
});

fn model() -> ArCnn {
    weights::from_bytes(&DRAWN, &Device::default()).unwrap()
}

/// The file with other metadata, as a program that does not know our hashes would write it.
fn rewritten(bytes: &[u8], edit: impl FnOnce(&mut BTreeMap<String, String>)) -> Vec<u8> {
    match Format::of_bytes(bytes) {
        Format::Safetensors => {
            let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
            let mut metadata = header.metadata().clone().unwrap().into_iter().collect();
            edit(&mut metadata);
            metadata.remove("metadata_sha256");
            let file = SafeTensors::deserialize(bytes).unwrap();
            safetensors::serialize(file.tensors(), Some(metadata.into_iter().collect())).unwrap()
        }
        Format::Burnpack => {
            let reader = burn_pack::Reader::from_bytes(Bytes::from_bytes_vec(bytes.to_vec())).unwrap();
            let mut metadata = reader.metadata().clone();
            edit(&mut metadata);
            metadata.remove("metadata_sha256");
            let writer = burn_pack::Writer::new(reader.into_tensors().unwrap());
            metadata.iter().fold(writer, |w, (k, v)| w.with_metadata(k, v)).into_bytes().unwrap().to_vec()
        }
    }
}

#[test]
fn every_precision_gives_the_logits_back() {
    let device = Device::default();
    let model = model();
    let exact = logits(&model, &device);
    let scale = exact.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for format in FORMATS {
        let mut sizes = Vec::new();
        for (precision, tolerance) in PRECISIONS.into_iter().zip([0.0, 2e-3, 5e-2]) {
            let bytes = weights::to_bytes_in(&model, format, precision).unwrap();
            assert_eq!(Format::of_bytes(&bytes), format);
            let again: ArCnn = weights::from_bytes(&bytes, &device).unwrap();
            assert_eq!(again.config(), &config());
            let worst =
                logits(&again, &device).iter().zip(&exact).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
            assert!(worst <= tolerance * scale, "{precision:?}: {worst} of {scale}");
            sizes.push(bytes.len());
        }
        // Burnpack begins each tensor at a multiple of 256 bytes, which shows in so small a network.
        let [half, int8] = if format == Format::Safetensors { [6, 4] } else { [7, 6] };
        assert!(sizes[1] < sizes[0] * half / 10 && sizes[2] < sizes[0] * int8 / 10, "{sizes:?}");
    }
}

#[test]
fn the_formats_hold_the_same_and_turn_into_each_other() {
    let device = Device::default();
    for precision in PRECISIONS {
        let [safetensors, burnpack] =
            FORMATS.map(|format| weights::to_bytes_in(&model(), format, precision).unwrap());
        assert_eq!(safetensors, weights::to_bytes(&model(), precision).unwrap());
        let [a, b] = [&safetensors, &burnpack].map(|bytes| weights::inspect_bytes(bytes).unwrap());
        assert_eq!((a.format, b.format), (Format::Safetensors, Format::Burnpack));
        assert_eq!(
            (&a.model, &a.config, &a.sha256, a.precision),
            (&b.model, &b.config, &b.sha256, precision)
        );
        assert_eq!((a.parameters, b.parameters), (numbers(), numbers()));
        assert_eq!((a.bytes, b.bytes), (safetensors.len() as u64, burnpack.len() as u64));
        assert_eq!(a.vocabulary, None);
        assert!(b.holds::<ArCnn>() && !b.holds::<TransformerXl>());
        assert_eq!(serde_json::from_str::<ArCnnConfig>(&a.config).unwrap(), config());
        // What was rounded once stays as it is, so converting there and back changes no byte.
        let from_burnpack: ArCnn = weights::from_bytes(&burnpack, &device).unwrap();
        if precision != Precision::Int8 {
            assert_eq!(weights::to_bytes(&from_burnpack, precision).unwrap(), safetensors);
        }
        let from_safetensors: ArCnn = weights::from_bytes(&safetensors, &device).unwrap();
        assert_eq!(logits(&from_burnpack, &device), logits(&from_safetensors, &device));
    }
}

/// Counted by hand: kernels of 9, biases, four numbers a channel of a batch norm, the head.
fn numbers() -> usize {
    let convs = |from: usize, to: usize| 9 * (from * to + to * to) + 2 * to;
    convs(1, 8) + convs(8, 16) + convs(16, 32) + convs(48, 16) + convs(24, 8) + 4 * (8 + 48) + (8 + 1)
}

#[test]
fn burn_reads_our_burnpack_files() {
    let device = Device::default();
    let exact = logits(&model(), &device);
    let scale = exact.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (precision, tolerance) in [(Precision::Full, 0.0), (Precision::Half, 2e-3)] {
        let bytes = weights::to_bytes_in(&model(), Format::Burnpack, precision).unwrap();
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap().cast_to_module_dtype();
        let fresh = ArCnn::build(&config(), &device).unwrap();
        let loaded = fresh.try_load_record(record).unwrap();
        let worst =
            logits(&loaded, &device).iter().zip(&exact).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(worst <= tolerance * scale, "{precision:?}: {worst}");
    }
    // A record of burn's own has no configuration, and says so.
    let plain = model().into_record().into_bytes().unwrap();
    let message = weights::from_bytes::<ArCnn>(&plain, &device).unwrap_err().to_string();
    assert_eq!(message, "malformed weights: the metadata has no `format`");
}

#[test]
fn the_extension_chooses_when_writing_and_the_content_when_reading() {
    let device = Device::default();
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [
        ("a.bpk", Format::Burnpack),
        ("a.BPK", Format::Burnpack),
        ("a.safetensors", Format::Safetensors),
        ("a.bpk.old", Format::Safetensors),
        ("a", Format::Safetensors),
    ] {
        let path = folder.path().join(name);
        weights::save(&model(), &path, Precision::Full).unwrap();
        assert_eq!(weights::inspect(&path).unwrap().format, format, "{name}");
        let moved = folder.path().join("moved.onnx");
        std::fs::rename(&path, &moved).unwrap();
        let again: ArCnn = weights::load(&moved, &device).unwrap();
        assert_eq!(logits(&again, &device), logits(&model(), &device));
    }
}

#[test]
fn damage_is_found_or_changes_nothing() {
    let device = Device::default();
    let whole = weights::to_bytes(&model(), Precision::Full).unwrap();
    for format in FORMATS {
        let bytes = weights::to_bytes_in(&model(), format, Precision::Full).unwrap();
        let header = header(&bytes);
        for length in (0..header + 300).chain([bytes.len() / 2, bytes.len() - 1]) {
            let cut = &bytes[..length];
            let error = weights::from_bytes::<ArCnn>(cut, &device).unwrap_err();
            assert!(matches!(error, WeightsError::Malformed { .. }), "{format} cut to {length}: {error}");
            assert!(weights::inspect_bytes(cut).is_err());
        }
        let mut unnoticed = 0;
        for at in (0..header).chain((header..bytes.len()).step_by(211)) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            if let Ok(model) = weights::from_bytes::<ArCnn>(&flipped, &device) {
                assert_eq!(weights::to_bytes(&model, Precision::Full).unwrap(), whole, "{format} at {at}");
                unnoticed += 1;
            }
        }
        // Padding, the name of the hash of the metadata, and CBOR that says the same in another way.
        assert!(unnoticed < 140, "{format}: {unnoticed}");
    }
}

/// Where the header ends.
fn header(bytes: &[u8]) -> usize {
    match Format::of_bytes(bytes) {
        Format::Safetensors => 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize,
        Format::Burnpack => 10 + u32::from_le_bytes(bytes[6..10].try_into().unwrap()) as usize,
    }
}

/// As the weights were written that were shipped until there were onsets.
#[test]
fn a_generator_of_before_there_were_onsets_has_none() {
    use deepcompose_models::gan::{GanConfig, Generator};
    let device = Device::default();
    let config = GanConfig::accompaniment().to_builder().filters(2).latent_channels(1).onsets(false).build();
    let model = Generator::build(&config.unwrap(), &device).unwrap();
    let bytes = weights::to_bytes(&model, Precision::Full).unwrap();
    let before = rewritten(&bytes, |m| {
        let config = m.get_mut("config").unwrap();
        assert!(config.contains(",\"onsets\":false"));
        *config = config.replace(",\"onsets\":false", "");
    });
    assert_eq!(weights::from_bytes::<Generator>(&before, &device).unwrap().config(), model.config());
}

#[test]
fn another_kind_or_version_or_shape_is_refused() {
    let device = Device::default();
    for format in FORMATS {
        let bytes = weights::to_bytes_in(&model(), format, Precision::Full).unwrap();
        let load = |bytes: &[u8]| weights::from_bytes::<ArCnn>(bytes, &device);
        assert!(load(&rewritten(&bytes, |_| ())).is_ok());
        let with = |key: &str, value: &str| {
            let edited = rewritten(&bytes, |m| drop(m.insert(key.to_owned(), value.to_owned())));
            load(&edited).unwrap_err()
        };
        let config = |from: &str, to: &str| {
            let edited = rewritten(&bytes, |m| {
                let config = m.get_mut("config").unwrap();
                *config = config.replace(from, to);
            });
            load(&edited).unwrap_err()
        };
        assert!(matches!(with("format", "other"), WeightsError::Unsupported { what: "format", .. }));
        assert!(matches!(with("version", "2"), WeightsError::Unsupported { what: "version", .. }));
        assert!(matches!(with("model", "ra-cnn"), WeightsError::Unsupported { what: "model", .. }));
        assert!(matches!(with("sha256", "0"), WeightsError::Malformed { .. }));
        assert!(matches!(with("config", "{"), WeightsError::Malformed { .. }));
        assert!(matches!(
            with("vocabulary", "[\"a\"]"),
            WeightsError::Unsupported { what: "vocabulary", .. }
        ));
        assert!(matches!(with("vocabulary", "a"), WeightsError::Malformed { .. }));
        assert!(matches!(config("\"filters\":8", "\"filters\":4"), WeightsError::Mismatch(_)));
        assert!(matches!(config("\"levels\":2", "\"levels\":9"), WeightsError::Config(_)));
        assert!(matches!(config("\"levels\":2", "\"lovels\":2"), WeightsError::Malformed { .. }));
        for key in ["format", "version", "model", "config", "sha256"] {
            let missing = load(&rewritten(&bytes, |m| drop(m.remove(key)))).unwrap_err();
            assert!(matches!(missing, WeightsError::Malformed { .. }), "{key}");
        }
    }
}

fn transformer() -> TransformerXlConfig {
    TransformerXlConfig {
        layers: 1,
        heads: 1,
        d_model: 4,
        d_head: 2,
        d_inner: 4,
        ..TransformerXlConfig::reference()
    }
}

#[test]
fn a_vocabulary_is_kept_and_checked() {
    let device = Device::default();
    let named = transformer();
    let unnamed = TransformerXlConfig { tokenizer: None, vocabulary: 7, ..named.clone() };
    for format in FORMATS {
        let bytes = |config: &TransformerXlConfig| {
            let model = TransformerXl::new(config, 1, &device).unwrap();
            weights::to_bytes_in(&model, format, Precision::Half).unwrap()
        };
        let load = |bytes: &[u8]| weights::from_bytes::<TransformerXl>(bytes, &device);
        let names = weights::inspect_bytes(&bytes(&named)).unwrap().vocabulary.unwrap();
        // The reference's layout: the 88 keys of a piano pressed, then released.
        assert_eq!(names.len(), 310);
        assert_eq!((names[0].as_str(), names[88].as_str()), ("NOTE_ON_21", "NOTE_OFF_21"));
        assert_eq!(load(&bytes(&named)).unwrap().config(), &named);
        assert_eq!(weights::inspect_bytes(&bytes(&unnamed)).unwrap().vocabulary, None);
        assert!(load(&bytes(&unnamed)).is_ok());

        let without = rewritten(&bytes(&named), |m| drop(m.remove("vocabulary")));
        assert!(load(&without).is_ok());
        for edit in
            [|names: &mut Vec<String>| names.swap(3, 4), |names: &mut Vec<String>| names.truncate(309)]
        {
            let mut names = names.clone();
            edit(&mut names);
            let json = serde_json::to_string(&names).unwrap();
            let other = rewritten(&bytes(&named), |m| drop(m.insert("vocabulary".to_owned(), json)));
            let error = load(&other).unwrap_err();
            assert!(matches!(error, WeightsError::Unsupported { what: "vocabulary", .. }), "{error}");
        }
    }
}

#[test]
fn a_small_file_cannot_ask_for_a_large_network() {
    let device = Device::default();
    let model = TransformerXl::new(&transformer(), 1, &device).unwrap();
    for format in FORMATS {
        let bytes = weights::to_bytes_in(&model, format, Precision::Half).unwrap();
        let asking_for = |huge: TransformerXlConfig| {
            let json = serde_json::to_string(&huge).unwrap();
            let bytes = rewritten(&bytes, |m| drop(m.insert("config".to_owned(), json)));
            weights::from_bytes::<TransformerXl>(&bytes, &device).unwrap_err()
        };
        // 3 GB of weights, which a network may have, but not from this file.
        let large = TransformerXlConfig { layers: 12, d_model: 4096, d_inner: 8192, ..transformer() };
        assert!(large.validate().is_ok());
        let error = asking_for(large);
        assert!(matches!(error, WeightsError::Mismatch(_)), "{error}");
        // 140 GB, which none may have.
        let error =
            asking_for(TransformerXlConfig { layers: 64, d_model: 8192, d_inner: 32_768, ..transformer() });
        assert!(matches!(error, WeightsError::Config(_)), "{error}");
    }
    // Two tensors over the same bytes, in the one format that allows them.
    let tensor = |name: &str| {
        let bytes = Bytes::from_bytes_vec(vec![0; 4096]);
        burn_pack::Tensor::new(name.to_owned(), burn_pack::DType::F32, vec![1024], None, bytes)
    };
    let bytes = burn_pack::Writer::new(vec![tensor("a"), tensor("b")]).into_bytes().unwrap();
    // The second begins at 4096 = 0x1000, CBOR 19 1000, and ends at 8192 = 0x2000.
    let from: [u8; 6] = [0x19, 0x10, 0x00, 0x19, 0x20, 0x00];
    let at = bytes.windows(6).position(|w| w == from).unwrap();
    let mut shared = bytes[..bytes.len() - 4096].to_vec();
    shared[at..at + 6].copy_from_slice(&[0x19, 0x00, 0x00, 0x19, 0x10, 0x00]);
    let message = weights::inspect_bytes(&shared).unwrap_err().to_string();
    assert_eq!(message, "malformed weights: the tensors overlap");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_errors(bytes in proptest::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        let start: &[u8] = if magic { b"NRUB\x01\x00" } else { b"" };
        let bytes = [start, bytes.as_slice()].concat();
        prop_assert!(weights::inspect_bytes(&bytes).is_err());
        prop_assert!(weights::from_bytes::<ArCnn>(&bytes, &Device::default()).is_err());
    }

    #[test]
    fn mutations_do_not_panic(
        which in 0..6usize,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<bool>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let model = TransformerXl::new(&transformer(), 1, &Device::default()).unwrap();
        let mut bytes = weights::to_bytes_in(&model, FORMATS[which % 2], PRECISIONS[which / 2]).unwrap();
        let header = header(&bytes);
        for (at, in_header, value) in edits {
            let at = at.index(if in_header { header } else { bytes.len() });
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Any answer will do, as long as both agree on what is damaged.
        let info = weights::inspect_bytes(&bytes);
        let loaded = weights::from_bytes::<TransformerXl>(&bytes, &Device::default());
        prop_assert!(info.is_ok() || loaded.is_err());
    }
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
