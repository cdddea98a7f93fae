//! Training checkpoints: everything a run needs to go on, in one file.
//!
//! A checkpoint is a safetensors file whose tensors are opaque bytes (a module record, an
//! optimiser record) and whose metadata holds the run's own state as JSON and a SHA-256 over it
//! all. One file, written to a temporary name and renamed, so that a run killed at any moment
//! leaves either the checkpoint before or the one after.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor};
use burn_pack::{DType, Reader};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::WeightsError;
use crate::weights::{check_size, read_limited, serialize, unless_they_overlap, write_atomically};

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
        self.tensors(name)?;
        let record = ModuleRecord::from_bytes(self.part(name)?).map_err(WeightsError::malformed)?;
        module.try_load_record(record).map_err(|e| WeightsError::Mismatch(e.to_string()))
    }

    /// Loads the state of the optimiser of `module`, which [`module`](Self::module) gave.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Malformed`] if the part is missing or damaged, [`WeightsError::Mismatch`] if it is of other
    /// parameters.
    pub fn optimizer<M: Module>(
        &self,
        name: &str,
        optimizer: ModuleOptimizer,
        module: &M,
    ) -> Result<ModuleOptimizer, WeightsError> {
        let mut shapes = Shapes::default();
        module.visit(&mut shapes);
        let shape_of = |id: u64| {
            shapes.0.get(&id).ok_or_else(|| {
                WeightsError::Mismatch(format!(
                    "`{name}` has a state of parameter {id}, which the network has not"
                ))
            })
        };
        // burn panics where these do not hold.
        for tensor in self.tensors(name)? {
            let own = tensor.name.split_once('.').and_then(|(id, _)| id.parse().ok());
            let id = tensor.param_id.filter(|id| own == Some(*id)).ok_or_else(|| {
                WeightsError::malformed(format!(
                    "`{}` in `{name}` does not say whose state it is",
                    tensor.name
                ))
            })?;
            let (theirs, ours) = (tensor.shape.to_vec(), shape_of(id)?);
            if theirs != *ours {
                let what = format!("`{}` in `{name}` is {theirs:?}, its parameter {ours:?}", tensor.name);
                return Err(WeightsError::Mismatch(what));
            }
        }
        let reader = Reader::from_bytes(self.part(name)?).map_err(WeightsError::malformed)?;
        for (key, rank) in reader.scalars() {
            let Some(id) = key.strip_suffix(".__rank").and_then(|id| id.parse().ok()) else { continue };
            if usize::try_from(*rank).ok() != Some(shape_of(id)?.len()) {
                return Err(WeightsError::Mismatch(format!(
                    "`{key}` in `{name}` is not its parameter's rank"
                )));
            }
        }
        optimizer.from_bytes(self.part(name)?).map_err(WeightsError::malformed)
    }

    /// The tensors of a part that burn wrote: 32-bit floats, none of which lies over another.
    fn tensors(&self, name: &str) -> Result<Vec<burn_pack::Tensor>, WeightsError> {
        let part = self.part(name)?;
        let length = part.len();
        let reader = Reader::from_bytes(part).map_err(WeightsError::malformed)?;
        let tensors = reader.into_tensors().map_err(WeightsError::malformed)?;
        unless_they_overlap(&tensors, length)?;
        match tensors.iter().find(|tensor| tensor.dtype != DType::F32) {
            None => Ok(tensors),
            Some(tensor) => Err(WeightsError::Unsupported {
                what: "tensor type",
                found: format!("{:?} ({} in `{name}`)", tensor.dtype, tensor.name),
                accepted: "F32".to_owned(),
            }),
        }
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

/// The shape of every parameter, by its identity.
#[derive(Default)]
struct Shapes(HashMap<u64, Vec<usize>>);

impl ModuleVisitor for Shapes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id.val(), param.val().dims().to_vec());
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
