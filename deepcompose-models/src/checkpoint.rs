//! Training checkpoints: everything a run needs to go on, in one file.
//!
//! A checkpoint is a safetensors file whose tensors are opaque bytes (a module record, an
//! optimiser record) and whose metadata holds the run's own state as JSON and a SHA-256 over it
//! all. One file, written to a temporary name and renamed, so that a run killed at any moment
//! leaves either the checkpoint before or the one after.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::WeightsError;
use crate::weights::{check_size, read_limited, serialize, write_atomically};

/// The version of the checkpoint format that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// The parts of a checkpoint, by name.
#[derive(Debug, Default)]
pub struct Checkpoint {
    parts: BTreeMap<String, Vec<u8>>,
}

impl Checkpoint {
    /// A checkpoint with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a module's parameters.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Malformed`] if they cannot be read from the device.
    pub fn with_module<M: Module>(mut self, name: &str, module: &M) -> Result<Self, WeightsError> {
        let bytes = module.clone().into_record().into_bytes().map_err(WeightsError::malformed)?;
        self.parts.insert(name.to_owned(), bytes.to_vec());
        Ok(self)
    }

    /// Adds an optimiser's state.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Malformed`] if it cannot be read from the device.
    pub fn with_optimizer(mut self, name: &str, optimizer: &ModuleOptimizer) -> Result<Self, WeightsError> {
        let bytes = optimizer.into_bytes().map_err(WeightsError::malformed)?;
        self.parts.insert(name.to_owned(), bytes.to_vec());
        Ok(self)
    }

    /// Adds bytes that the trainer understands.
    #[must_use]
    pub fn with_bytes(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.parts.insert(name.to_owned(), bytes);
        self
    }

    /// The bytes of a part, if it is there.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.parts.get(name).map(Vec::as_slice)
    }

    /// Loads a module's parameters (and their identities, which the optimiser's state refers to).
    ///
    /// # Errors
    ///
    /// [`WeightsError::Malformed`] if the part is missing or damaged, [`WeightsError::Mismatch`]
    /// if it belongs to another network.
    pub fn module<M: Module>(&self, name: &str, module: M) -> Result<M, WeightsError> {
        let record = ModuleRecord::from_bytes(self.part(name)?).map_err(WeightsError::malformed)?;
        module.try_load_record(record).map_err(|e| WeightsError::Mismatch(e.to_string()))
    }

    /// Loads an optimiser's state.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Malformed`] if the part is missing or damaged.
    pub fn optimizer(&self, name: &str, optimizer: ModuleOptimizer) -> Result<ModuleOptimizer, WeightsError> {
        optimizer.from_bytes(self.part(name)?).map_err(WeightsError::malformed)
    }

    fn part(&self, name: &str) -> Result<Bytes, WeightsError> {
        let part = self
            .parts
            .get(name)
            .ok_or_else(|| WeightsError::malformed(format!("the checkpoint has no part `{name}`")))?;
        Ok(Bytes::from_bytes_vec(part.clone()))
    }

    /// Writes the checkpoint, all or nothing. `kind` names the trainer, `state` is its own state.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Io`], [`WeightsError::Limit`] for what [`read`](Self::read) would refuse, and
    /// [`WeightsError::Malformed`] if `state` is not valid JSON.
    pub fn write<S: Serialize>(
        &self,
        path: impl AsRef<Path>,
        kind: &str,
        state: &S,
    ) -> Result<(), WeightsError> {
        let state = serde_json::to_string(state).map_err(WeightsError::malformed)?;
        let metadata = HashMap::from([
            ("format".to_owned(), "deepcompose checkpoint".to_owned()),
            ("version".to_owned(), VERSION.to_string()),
            ("trainer".to_owned(), kind.to_owned()),
            ("sha256".to_owned(), hash(&state, &self.parts)),
            ("state".to_owned(), state),
        ]);
        let views = self
            .parts
            .iter()
            .map(|(name, bytes)| {
                TensorView::new(Dtype::U8, vec![bytes.len()], bytes)
                    .map(|view| (name.as_str(), view))
                    .map_err(WeightsError::malformed)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let bytes = serialize(views, metadata)?;
        check_size(&bytes)?;
        write_atomically(path.as_ref(), &bytes)
    }

    /// Reads a checkpoint of the trainer `kind`, and that trainer's state.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Io`], [`WeightsError::Limit`], [`WeightsError::Malformed`] for a damaged
    /// file, [`WeightsError::Unsupported`] for another version or another trainer.
    pub fn read<S: DeserializeOwned>(path: impl AsRef<Path>, kind: &str) -> Result<(Self, S), WeightsError> {
        let bytes = read_limited(path.as_ref())?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(WeightsError::malformed)?;
        let table = metadata.metadata().as_ref();
        let get = |key: &str| {
            table
                .and_then(|t| t.get(key))
                .ok_or_else(|| WeightsError::malformed(format!("the metadata has no `{key}`")))
        };
        for (what, accepted) in
            [("format", "deepcompose checkpoint"), ("version", &VERSION.to_string()), ("trainer", kind)]
        {
            let found = get(what)?;
            if found != accepted {
                return Err(WeightsError::Unsupported {
                    what,
                    found: found.clone(),
                    accepted: accepted.to_owned(),
                });
            }
        }
        let file = SafeTensors::deserialize(&bytes).map_err(WeightsError::malformed)?;
        let parts: BTreeMap<_, _> =
            file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect();
        let state = get("state")?;
        if hash(state, &parts) != *get("sha256")? {
            return Err(WeightsError::malformed("the checkpoint does not have the hash that it gives"));
        }
        let state = serde_json::from_str(state).map_err(WeightsError::malformed)?;
        Ok((Self { parts }, state))
    }
}

fn hash(state: &str, parts: &BTreeMap<String, Vec<u8>>) -> String {
    let mut sha = Sha256::new();
    let named = parts.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]);
    for part in std::iter::once(state.as_bytes()).chain(named) {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
