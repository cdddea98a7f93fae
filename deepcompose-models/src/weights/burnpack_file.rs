//! Weights as a burnpack file, through `burn-pack`, which burn itself uses for its records.

use burn_pack::{Bytes, DType, Reader, Writer};
use safetensors::Dtype;

use super::codec::Entry;
use super::format::Contents;
use crate::error::WeightsError;

pub(super) const EXTENSION: &str = burn_pack::EXTENSION;

/// Whether the bytes begin as every burnpack file does.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&burn_pack::MAGIC_NUMBER.to_le_bytes())
}

pub(super) fn write(contents: &Contents) -> Result<Vec<u8>, WeightsError> {
    let tensors = contents
        .entries
        .iter()
        .map(|e| {
            let bytes = Bytes::from_bytes_vec(e.bytes.clone());
            Ok(burn_pack::Tensor::new(e.name.clone(), to_burn(e)?, e.shape.clone(), None, bytes))
        })
        .collect::<Result<Vec<_>, WeightsError>>()?;
    let writer = contents.metadata.iter().fold(Writer::new(tensors), |w, (k, v)| w.with_metadata(k, v));
    Ok(writer.into_bytes().map_err(WeightsError::malformed)?.to_vec())
}

pub(super) fn read(bytes: &[u8]) -> Result<Contents, WeightsError> {
    let length = bytes.len();
    let reader =
        Reader::from_bytes(Bytes::from_bytes_vec(bytes.to_vec())).map_err(WeightsError::malformed)?;
    let metadata = reader.metadata().clone();
    let tensors = reader.into_tensors().map_err(WeightsError::malformed)?;
    unless_they_overlap(&tensors, length)?;
    let entries = tensors
        .into_iter()
        .map(|tensor| {
            let (name, dtype, shape, _, bytes) = tensor.into_parts().map_err(WeightsError::malformed)?;
            let dtype = from_burn(dtype, &name)?;
            Ok(Entry { name, dtype, shape: shape.to_vec(), bytes: bytes.to_vec() })
        })
        .collect::<Result<Vec<_>, WeightsError>>()?;
    Ok(Contents { metadata, entries })
}

/// The format lets tensors share bytes; a small file must not ask for much memory that way.
pub(crate) fn unless_they_overlap(tensors: &[burn_pack::Tensor], length: usize) -> Result<(), WeightsError> {
    let wanted = tensors.iter().try_fold(0usize, |sum, t| sum.checked_add(t.byte_len()));
    match wanted.is_some_and(|wanted| wanted <= length) {
        true => Ok(()),
        false => Err(WeightsError::malformed("the tensors overlap")),
    }
}

fn to_burn(entry: &Entry) -> Result<DType, WeightsError> {
    match entry.dtype {
        Dtype::F32 => Ok(DType::F32),
        Dtype::F16 => Ok(DType::F16),
        Dtype::I8 => Ok(DType::I8),
        other => Err(unsupported(&other, &entry.name)),
    }
}

fn from_burn(dtype: DType, name: &str) -> Result<Dtype, WeightsError> {
    match dtype {
        DType::F32 => Ok(Dtype::F32),
        DType::F16 => Ok(Dtype::F16),
        DType::I8 => Ok(Dtype::I8),
        other => Err(unsupported(&other, name)),
    }
}

fn unsupported(dtype: &dyn std::fmt::Debug, name: &str) -> WeightsError {
    WeightsError::Unsupported {
        what: "tensor type",
        found: format!("{dtype:?} ({name})"),
        accepted: "F32, F16 or I8".to_owned(),
    }
}
