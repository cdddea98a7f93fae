//! Weights files: one safetensors file holds a model's parameters, its configuration, and a hash.
//!
//! The parameters are safetensors tensors under their burn path (`encoder.0.conv1.weight`). The
//! metadata table holds
//!
//! | key | value |
//! |---|---|
//! | `format` | `deepcompose` |
//! | `version` | [`VERSION`], as a decimal number |
//! | `model` | [`Model::KIND`] |
//! | `config` | the configuration as JSON |
//! | `sha256` | SHA-256, in hex, over every tensor's name, type, shape and bytes in order of name |
//!
//! [`Precision::Int8`] keeps each large matrix or kernel `w` as an `I8` tensor and a `F32` tensor
//! `w.scale` of one scale for each index of the first dimension, so that row `i` is
//! `scale[i] * w[i]`; small tensors stay `F16`.
//!
//! Reading checks the version, the kind, the hash and every shape before anything is used.
//! Writing goes to a temporary file that is then renamed.

mod codec;
mod collect;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::WeightsError;
use codec::Entry;

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
}

/// How the numbers of a weights file are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32-bit floats: exact.
    #[default]
    Full,
    /// 16-bit IEEE floats: relative error at most 2⁻¹¹.
    Half,
    /// 8-bit integers with one scale a row; the error is at most half a 127th of the row's
    /// largest magnitude.
    Int8,
}

/// A model as the bytes of a weights file.
///
/// # Errors
///
/// [`WeightsError::Malformed`] if the parameters cannot be read back from the device or the
/// configuration cannot be written as JSON.
pub fn to_bytes<M: Model>(model: &M, precision: Precision) -> Result<Vec<u8>, WeightsError> {
    let mut entries = Vec::new();
    for tensor in collect::tensors(model)? {
        entries.extend(codec::encode(tensor, precision));
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let config = serde_json::to_string(model.config()).map_err(WeightsError::malformed)?;
    let metadata = HashMap::from([
        ("format".to_owned(), "deepcompose".to_owned()),
        ("version".to_owned(), VERSION.to_string()),
        ("model".to_owned(), M::KIND.to_owned()),
        ("config".to_owned(), config),
        ("sha256".to_owned(), codec::hash(&entries)),
    ]);
    let views = entries
        .iter()
        .map(|e| e.view().map(|view| (e.name.as_str(), view)))
        .collect::<Result<Vec<_>, WeightsError>>()?;
    serialize(views, metadata)
}

/// A safetensors file whose bytes depend on its contents alone. The metadata is a hash map, so its order in the
/// header is not; the header is written again in order of name, padded to the length it had.
pub(crate) fn serialize(
    views: Vec<(&str, TensorView<'_>)>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let mut bytes = safetensors::serialize(views, Some(metadata)).map_err(WeightsError::malformed)?;
    let (length, rest) =
        bytes.split_first_chunk_mut::<8>().ok_or_else(|| WeightsError::malformed("no header"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(WeightsError::malformed)?;
    let header = rest.get_mut(..length).ok_or_else(|| WeightsError::malformed("a short header"))?;
    let entries: BTreeMap<String, BTreeMap<String, serde_json::Value>> =
        serde_json::from_slice(header).map_err(WeightsError::malformed)?;
    let sorted = serde_json::to_vec(&entries).map_err(WeightsError::malformed)?;
    let (text, padding) = header
        .split_at_mut_checked(sorted.len())
        .ok_or_else(|| WeightsError::malformed("a header that grew when it was sorted"))?;
    text.copy_from_slice(&sorted);
    padding.fill(b' ');
    Ok(bytes)
}

/// Builds a model from the bytes of a weights file.
///
/// # Errors
///
/// [`WeightsError::Malformed`] for anything that is not a whole, undamaged weights file,
/// [`WeightsError::Unsupported`] for another version or another kind of model,
/// [`WeightsError::Config`] and [`WeightsError::Mismatch`] if configuration and tensors do not
/// describe one network.
pub fn from_bytes<M: Model>(bytes: &[u8], device: &Device) -> Result<M, WeightsError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(WeightsError::malformed)?;
    let table = metadata.metadata().as_ref().ok_or_else(|| WeightsError::malformed("no metadata table"))?;
    let get = |key: &str| {
        table.get(key).ok_or_else(|| WeightsError::malformed(format!("the metadata has no `{key}`")))
    };
    let expect = |what: &'static str, accepted: String| {
        let found = get(what)?;
        if *found == accepted {
            Ok(())
        } else {
            Err(WeightsError::Unsupported { what, found: found.clone(), accepted })
        }
    };
    expect("format", "deepcompose".to_owned())?;
    expect("version", VERSION.to_string())?;
    expect("model", M::KIND.to_owned())?;

    let file = SafeTensors::deserialize(bytes).map_err(WeightsError::malformed)?;
    let mut entries = file
        .iter()
        .map(|(name, view)| Entry {
            name: name.to_owned(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect::<Vec<_>>();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    if codec::hash(&entries) != *get("sha256")? {
        return Err(WeightsError::malformed("the tensors do not have the hash that the file gives"));
    }

    let config: M::Config = serde_json::from_str(get("config")?)
        .map_err(|e| WeightsError::malformed(format!("the configuration: {e}")))?;
    let tensors = codec::decode(entries)?;
    let model = M::build(&config, device).map_err(|e| WeightsError::Config(Box::new(e)))?;
    collect::load(model, tensors)
}

/// Writes a model to a file, all or nothing.
///
/// # Errors
///
/// As [`to_bytes`], and [`WeightsError::Io`].
pub fn save<M: Model>(model: &M, path: impl AsRef<Path>, precision: Precision) -> Result<(), WeightsError> {
    write_atomically(path.as_ref(), &to_bytes(model, precision)?)
}

/// Reads a model from a file.
///
/// # Errors
///
/// As [`from_bytes`], and [`WeightsError::Io`], and [`WeightsError::Limit`] over [`MAX_BYTES`].
pub fn load<M: Model>(path: impl AsRef<Path>, device: &Device) -> Result<M, WeightsError> {
    from_bytes(&read_limited(path.as_ref())?, device)
}

/// Reads a whole file of at most [`MAX_BYTES`].
pub(crate) fn read_limited(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let io = |source| WeightsError::Io { path: path.display().to_string(), source };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MAX_BYTES {
        return Err(WeightsError::Limit { bytes, limit: MAX_BYTES });
    }
    std::fs::read(path).map_err(io)
}

/// What the names of files that are still being written begin with.
pub(crate) const PARTIAL: &str = ".partial-";

/// Writes to a temporary file beside `path`, syncs it, renames it over `path`, and syncs the folder.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    use std::io::Write;
    let io = |source| WeightsError::Io { path: path.display().to_string(), source };
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: what the umask leaves of it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    #[cfg(unix)]
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(())
}
