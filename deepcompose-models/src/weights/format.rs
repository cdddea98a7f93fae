//! [`Format`], and what a weights file of either format holds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::codec::{self, Entry};
use super::{VERSION, burnpack_file, safetensors_file};
use crate::error::WeightsError;

/// The container that a weights file is written in. Both hold the same tensors and the same metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// [safetensors](https://docs.rs/safetensors), which PyTorch, JAX and others read.
    #[default]
    Safetensors,
    /// burnpack, burn's own format. At [`Precision::Full`](super::Precision::Full) and
    /// [`Precision::Half`](super::Precision::Half) burn's `ModuleRecord` loads it too.
    Burnpack,
}

impl Format {
    /// What [`save`](super::save) writes to a path: burnpack where the extension is `bpk`, in any case, and
    /// safetensors for every other one and for none.
    ///
    /// ```
    /// use deepcompose_models::weights::Format;
    ///
    /// assert_eq!(Format::of_path("model.bpk"), Format::Burnpack);
    /// assert_eq!(Format::of_path("model.safetensors"), Format::Safetensors);
    /// assert_eq!(Format::of_path("model"), Format::Safetensors);
    /// ```
    #[must_use]
    pub fn of_path(path: impl AsRef<Path>) -> Self {
        match path.as_ref().extension() {
            Some(extension) if extension.eq_ignore_ascii_case(burnpack_file::EXTENSION) => Self::Burnpack,
            _ => Self::Safetensors,
        }
    }

    /// What a file's first bytes say: burnpack begins with `NRUB`, and anything else is taken for safetensors
    /// (in which these bytes would announce a header longer than safetensors allows).
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        if burnpack_file::begins(bytes) { Self::Burnpack } else { Self::Safetensors }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::Burnpack => "burnpack",
        })
    }
}

/// The metadata and the tensors of a weights file, in order of their names.
pub(super) struct Contents {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) entries: Vec<Entry>,
}

impl Contents {
    /// Both hashes are added to `metadata`.
    pub(super) fn new(mut metadata: BTreeMap<String, String>, mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        metadata.insert("sha256".to_owned(), codec::hash(&entries));
        metadata.insert(METADATA_HASH.to_owned(), hash_metadata(&metadata));
        Self { metadata, entries }
    }

    pub(super) fn to_bytes(&self, format: Format) -> Result<Vec<u8>, WeightsError> {
        match format {
            Format::Safetensors => safetensors_file::write(self),
            Format::Burnpack => burnpack_file::write(self),
        }
    }

    /// Reads a file and checks all that can be checked without a network: `format`, `version`, `model` if one is
    /// expected, and the hashes.
    pub(super) fn read(bytes: &[u8], model: Option<&str>) -> Result<Self, WeightsError> {
        let mut contents = match Format::of_bytes(bytes) {
            Format::Safetensors => safetensors_file::read(bytes)?,
            Format::Burnpack => burnpack_file::read(bytes)?,
        };
        contents.expect("format", "deepcompose")?;
        contents.expect("version", &VERSION.to_string())?;
        if let Some(model) = model {
            contents.expect("model", model)?;
        }
        contents.entries.sort_by(|a, b| a.name.cmp(&b.name));
        if codec::hash(&contents.entries) != contents.get("sha256")? {
            return Err(WeightsError::malformed("the tensors do not have the hash that the file gives"));
        }
        match contents.metadata.get(METADATA_HASH) {
            Some(hash) if *hash != hash_metadata(&contents.metadata) => {
                Err(WeightsError::malformed("the metadata does not have the hash that the file gives"))
            }
            _ => Ok(contents),
        }
    }

    pub(super) fn get(&self, key: &str) -> Result<&str, WeightsError> {
        self.metadata
            .get(key)
            .map(String::as_str)
            .ok_or_else(|| WeightsError::malformed(format!("the metadata has no `{key}`")))
    }

    fn expect(&self, what: &'static str, accepted: &str) -> Result<(), WeightsError> {
        let found = self.get(what)?;
        if found == accepted {
            return Ok(());
        }
        Err(WeightsError::Unsupported { what, found: found.to_owned(), accepted: accepted.to_owned() })
    }

    /// The names of the tokens, if the file has them.
    pub(super) fn vocabulary(&self) -> Result<Option<Vec<String>>, WeightsError> {
        let parse = |json: &String| {
            serde_json::from_str(json).map_err(|e| WeightsError::malformed(format!("the vocabulary: {e}")))
        };
        self.metadata.get("vocabulary").map(parse).transpose()
    }
}

const METADATA_HASH: &str = "metadata_sha256";

/// SHA-256 over every other key and value, in order of the keys.
fn hash_metadata(metadata: &BTreeMap<String, String>) -> String {
    let others = metadata.iter().filter(|(key, _)| *key != METADATA_HASH);
    codec::hash_parts(others.flat_map(|(key, value)| [key.as_bytes(), value.as_bytes()]))
}
