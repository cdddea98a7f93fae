//! Weights as a safetensors file.

use std::collections::{BTreeMap, HashMap};

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::codec::Entry;
use super::format::Contents;
use crate::error::WeightsError;

pub(super) fn write(contents: &Contents) -> Result<Vec<u8>, WeightsError> {
    let views = contents
        .entries
        .iter()
        .map(|e| e.view().map(|view| (e.name.as_str(), view)))
        .collect::<Result<Vec<_>, WeightsError>>()?;
    serialize(views, contents.metadata.clone().into_iter().collect())
}

pub(super) fn read(bytes: &[u8]) -> Result<Contents, WeightsError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(WeightsError::malformed)?;
    let table = metadata.metadata().as_ref().ok_or_else(|| WeightsError::malformed("no metadata table"))?;
    let file = SafeTensors::deserialize(bytes).map_err(WeightsError::malformed)?;
    let entries = file.iter().map(|(name, view)| Entry {
        name: name.to_owned(),
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        bytes: view.data().to_vec(),
    });
    let metadata = table.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(Contents { metadata, entries: entries.collect() })
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
