//! Weights files: one file holds a model's parameters, its configuration, its vocabulary and a hash.
//!
//! [`save`] and [`load`] take a path, [`to_bytes_in`] and [`from_bytes`] work in memory, [`inspect`] reads what a
//! file says of itself. There are two [`Format`]s, safetensors and burnpack, with the same contents; the loaders
//! tell them apart by themselves.
//!
//! ```
//! use deepcompose_models::Device;
//! use deepcompose_models::ar_cnn::{ArCnn, ArCnnConfig};
//! use deepcompose_models::weights::{self, Model, Precision};
//!
//! let config = ArCnnConfig { steps: 16, pitches: 16, filters: 2, levels: 2, ..ArCnnConfig::compact() };
//! let model = ArCnn::build(&config, &Device::default())?;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("model.bpk"); // burnpack; any other extension is safetensors
//! weights::save(&model, &path, Precision::Half)?;
//! let again: ArCnn = weights::load(&path, &Device::default())?;
//! assert_eq!(again.config(), &config);
//! assert_eq!(weights::inspect(&path)?.model, "ar-cnn");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! The parameters are tensors under their burn path (`encoder.0.convs.conv1.weight`), in row-major order and little-endian.
//! The metadata, a table of strings, holds
//!
//! | key | value |
//! |---|---|
//! | `format` | `deepcompose` |
//! | `version` | [`VERSION`], as a decimal number |
//! | `model` | [`Model::KIND`] |
//! | `config` | the configuration as JSON |
//! | `vocabulary` | a JSON list of the tokens' names, in order of their ids; only for a [`Model::vocabulary`] |
//! | `sha256` | the hash of the tensors |
//! | `metadata_sha256` | the hash of the other metadata; may be missing |
//!
//! A file whose `vocabulary` is not the one that its configuration names is refused. One without is read.
//!
//! # Precision
//!
//! Both formats hold all three. [`Precision::Full`] writes `F32` tensors, [`Precision::Half`] `F16` ones, but
//! `F32` for a tensor with a number beyond 65,504.
//! [`Precision::Int8`] keeps each matrix or kernel `w` of 1024 numbers or more as an `I8` tensor and a `F32` tensor
//! `w.scale` of one scale for each index of the first dimension, so that row `i` is
//! `scale[i] * w[i]`; other tensors are `F16`. In burnpack that pair is this library's own convention, which burn's
//! `ModuleRecord` does not undo, whereas it loads files of the other two precisions.
//!
//! # Hashes
//!
//! A hash is the SHA-256, as 64 lower-case hex digits, over a list of byte strings, each preceded by its length as a
//! 64-bit little-endian number. The list is
//!
//! - for `sha256`, three strings a tensor, the tensors (`.scale` ones too) in bytewise order of their names: the name; the type followed by
//!   the shape, such as `F32[3, 16]` (`, ` between dimensions, `F32[]` for a scalar); the data, as in the file;
//! - for `metadata_sha256`, two strings a key, in bytewise order of the keys: the key and its value.
//!
//! `examples/interop/load_in_pytorch.py` computes both.
//!
//! Reading checks the version, the kind, the hashes and every shape before anything is used.
//! Writing goes to a temporary file that is then renamed.

mod burnpack_file;
mod codec;
mod collect;
mod files;
mod format;
mod info;
mod safetensors_file;

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::WeightsError;
use format::Contents;

#[cfg(feature = "train")]
pub(crate) use burnpack_file::unless_they_overlap;
pub(crate) use files::{check_size, read_limited, write_atomically};
pub use format::Format;
pub use info::{Info, inspect, inspect_bytes};
#[cfg(feature = "train")]
pub(crate) use safetensors_file::serialize;

/// The version of the file format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// Files larger than this are refused: 2 GiB.
pub const MAX_BYTES: u64 = 2 << 30;

/// A network that can be kept in a weights file.
pub trait Model: Module {
    /// The name of the kind of network, as the file's `model` says it.
    const KIND: &'static str;

    /// Why a configuration is refused.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Everything needed to build the network before its weights are loaded.
    type Config: Serialize + DeserializeOwned;

    /// The configuration the network was built from.
    fn config(&self) -> &Self::Config;

    /// A network with fresh weights.
    ///
    /// # Errors
    ///
    /// [`Model::Error`] if the configuration is not valid.
    fn build(config: &Self::Config, device: &Device) -> Result<Self, Self::Error>;

    /// Whether all of the network is on the CPU, where the network prepared for an engine
    /// ([`ArCnn::prepare`](crate::ar_cnn::ArCnn), [`TransformerXl::prepare`](crate::transformer::TransformerXl::prepare),
    /// [`Generator::prepare`](crate::gan::Generator::prepare)) is faster.
    fn is_on_cpu(&self) -> bool {
        self.devices().iter().all(crate::device::is_cpu)
    }

    /// The names of the tokens that the network reads and writes, in order of their ids. `None`, the default, for
    /// a network that has nothing to do with tokens or does not know whose they are.
    fn vocabulary(&self) -> Option<Vec<String>> {
        None
    }

    /// Completes the configuration of a file that was written before all fields were known, where its network is not what
    /// the defaults say. By default nothing is done.
    fn complete(config: &mut serde_json::Map<String, serde_json::Value>) {
        let _ = config;
    }

    /// How many numbers a network of this configuration has, running statistics included, where that is known
    /// without building it. A file with another count is refused before memory is taken for the network, which
    /// matters where [`build`](Self::build) draws or fills all weights at once. `None` is the default.
    fn numbers(config: &Self::Config) -> Option<usize> {
        let _ = config;
        None
    }
}

/// How the numbers of a weights file are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats: exact.
    #[default]
    Full,
    /// 16-bit IEEE floats: relative error at most 2⁻¹¹. Tensors with larger numbers than these hold stay in 32 bits.
    Half,
    /// 8-bit integers with one scale a row; the error is at most half a 127th of the row's
    /// largest magnitude.
    Int8,
}

/// A model as the bytes of a weights file, in safetensors.
///
/// # Errors
///
/// [`WeightsError::Malformed`] if the parameters cannot be read back from the device, are not all finite, or the
/// configuration cannot be written as JSON.
pub fn to_bytes<M: Model>(model: &M, precision: Precision) -> Result<Vec<u8>, WeightsError> {
    to_bytes_in(model, Format::Safetensors, precision)
}

/// As [`to_bytes`], in the format that is asked for. The same model gives the same bytes each time.
///
/// # Errors
///
/// As [`to_bytes`].
pub fn to_bytes_in<M: Model>(
    model: &M,
    format: Format,
    precision: Precision,
) -> Result<Vec<u8>, WeightsError> {
    let mut entries = Vec::new();
    for tensor in collect::tensors(model)? {
        unless_spoilt(&tensor)?;
        entries.extend(codec::encode(tensor, precision));
    }
    let config = serde_json::to_string(model.config()).map_err(WeightsError::malformed)?;
    let mut metadata = BTreeMap::from([
        ("format".to_owned(), "deepcompose".to_owned()),
        ("version".to_owned(), VERSION.to_string()),
        ("model".to_owned(), M::KIND.to_owned()),
        ("config".to_owned(), config),
    ]);
    if let Some(names) = model.vocabulary() {
        let names = serde_json::to_string(&names).map_err(WeightsError::malformed)?;
        metadata.insert("vocabulary".to_owned(), names);
    }
    Contents::new(metadata, entries).to_bytes(format)
}

/// Builds a model from the bytes of a weights file of either format.
///
/// # Errors
///
/// [`WeightsError::Malformed`] for anything that is not a whole, undamaged weights file of finite numbers,
/// [`WeightsError::Unsupported`] for another version, another kind of model or another vocabulary,
/// [`WeightsError::Config`] and [`WeightsError::Mismatch`] if configuration and tensors do not
/// describe one network.
pub fn from_bytes<M: Model>(bytes: &[u8], device: &Device) -> Result<M, WeightsError> {
    let contents = Contents::read(bytes, Some(M::KIND))?;
    let malformed = |e| WeightsError::malformed(format!("the configuration: {e}"));
    let mut fields: serde_json::Map<_, _> =
        serde_json::from_str(contents.get("config")?).map_err(malformed)?;
    M::complete(&mut fields);
    let config: M::Config = serde_json::from_value(fields.into()).map_err(malformed)?;
    let vocabulary = contents.vocabulary()?;
    let found = codec::count(&contents.entries);
    if let Some(wanted) = M::numbers(&config).filter(|wanted| *wanted != found) {
        return Err(WeightsError::Mismatch(format!("{found} numbers, the network has {wanted}")));
    }
    let tensors = codec::decode(&contents.entries)?;
    drop(contents);
    tensors.iter().try_for_each(unless_spoilt)?;
    let model = M::build(&config, device).map_err(|e| WeightsError::Config(Box::new(e)))?;
    if let Some(found) = vocabulary {
        check_vocabulary(&found, model.vocabulary().as_deref())?;
    }
    collect::load(model, tensors)
}

fn unless_spoilt(tensor: &collect::Named) -> Result<(), WeightsError> {
    match tensor.values.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(WeightsError::malformed(format!("`{}` has a number that is not finite", tensor.name))),
    }
}

fn check_vocabulary(found: &[String], accepted: Option<&[String]>) -> Result<(), WeightsError> {
    let Some(accepted) = accepted else {
        let found = format!("{} names", found.len());
        return Err(WeightsError::Unsupported { what: "vocabulary", found, accepted: "none".to_owned() });
    };
    if found == accepted {
        return Ok(());
    }
    let differ = found.iter().zip(accepted).position(|(f, a)| f != a);
    let (found, accepted) = match differ {
        Some(id) => (format!("`{}` at {id}", found[id]), format!("`{}`", accepted[id])),
        None => (format!("{} names", found.len()), format!("{}", accepted.len())),
    };
    Err(WeightsError::Unsupported { what: "vocabulary", found, accepted })
}

/// Writes a model to a file, all or nothing. [`Format::of_path`] says in which format: burnpack for `.bpk`,
/// safetensors for all else.
///
/// # Errors
///
/// As [`to_bytes`], and [`WeightsError::Io`], and [`WeightsError::Limit`] for what [`load`] would refuse.
pub fn save<M: Model>(model: &M, path: impl AsRef<Path>, precision: Precision) -> Result<(), WeightsError> {
    let path = path.as_ref();
    let bytes = to_bytes_in(model, Format::of_path(path), precision)?;
    check_size(&bytes)?;
    write_atomically(path, &bytes)
}

/// Reads a model from a file of either format, whatever its name.
///
/// # Errors
///
/// As [`from_bytes`], and [`WeightsError::Io`], and [`WeightsError::Limit`] over [`MAX_BYTES`].
pub fn load<M: Model>(path: impl AsRef<Path>, device: &Device) -> Result<M, WeightsError> {
    from_bytes(&read_limited(path.as_ref())?, device)
}
