//! Numbers to bytes and back, at each precision, and the hash over them.

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use sha2::{Digest, Sha256};

use super::Precision;
use super::collect::Named;
use crate::error::WeightsError;

/// Tensors with fewer elements than this, and vectors, are never kept in 8 bits.
const INT8_MIN_ELEMENTS: usize = 1024;

/// What the name of a tensor's scales ends with.
const SCALE: &str = ".scale";

/// One tensor as the file holds it.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Entry {
    pub(super) fn view(&self) -> Result<TensorView<'_>, WeightsError> {
        TensorView::new(self.dtype, self.shape.clone(), &self.bytes).map_err(WeightsError::malformed)
    }
}

pub(super) fn encode(tensor: Named, precision: Precision) -> Vec<Entry> {
    let Named { name, shape, values } = tensor;
    match precision {
        Precision::Full => vec![full(name, shape, &values)],
        Precision::Int8 if shape.len() >= 2 && values.len() >= INT8_MIN_ELEMENTS => {
            int8(name, shape, &values)
        }
        // Such as the variance of a layer whose inputs are large.
        _ if values.iter().any(|v| v.is_finite() && f16::from_f32(*v).is_infinite()) => {
            vec![full(name, shape, &values)]
        }
        Precision::Half | Precision::Int8 => {
            let bytes = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
            vec![Entry { name, dtype: Dtype::F16, shape, bytes }]
        }
    }
}

fn full(name: String, shape: Vec<usize>, values: &[f32]) -> Entry {
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Entry { name, dtype: Dtype::F32, shape, bytes }
}

fn int8(name: String, shape: Vec<usize>, values: &[f32]) -> Vec<Entry> {
    let rows = shape.first().copied().unwrap_or(1).max(1);
    let mut scales = Vec::with_capacity(rows);
    let mut bytes = Vec::with_capacity(values.len());
    for row in values.chunks(values.len() / rows) {
        let largest = row.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        scales.push(scale);
        bytes.extend(row.iter().map(|v| (v / scale).round().clamp(-127.0, 127.0) as i8 as u8));
    }
    let scale = full(format!("{name}{SCALE}"), vec![rows], &scales);
    vec![Entry { name, dtype: Dtype::I8, shape, bytes }, scale]
}

/// The entries that are parameters: all but the scales of 8-bit ones. `entries` are in order of their names.
fn parameters(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let is_scale_of_int8 = |e: &Entry| {
        e.name.strip_suffix(SCALE).and_then(|of| find(entries, of)).is_some_and(|w| w.dtype == Dtype::I8)
    };
    entries.iter().filter(move |e| !is_scale_of_int8(e))
}

fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.binary_search_by(|e| e.name.as_str().cmp(name)).ok().and_then(|at| entries.get(at))
}

/// How many numbers the parameters have. `entries` are in order of their names.
pub(super) fn count(entries: &[Entry]) -> usize {
    parameters(entries).map(|e| e.shape.iter().product::<usize>()).sum()
}

/// Back to 32-bit floats. `entries` are in order of their names.
pub(super) fn decode(entries: &[Entry]) -> Result<Vec<Named>, WeightsError> {
    let mut out = Vec::new();
    for entry in parameters(entries) {
        let values = match entry.dtype {
            Dtype::F32 => floats(&entry.bytes),
            Dtype::F16 => {
                entry.bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
            }
            Dtype::I8 => rescaled(entry, entries)?,
            other => {
                return Err(WeightsError::Unsupported {
                    what: "tensor type",
                    found: format!("{other:?} ({})", entry.name),
                    accepted: "F32, F16 or I8".to_owned(),
                });
            }
        };
        out.push(Named { name: entry.name.clone(), shape: entry.shape.clone(), values });
    }
    Ok(out)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn rescaled(entry: &Entry, entries: &[Entry]) -> Result<Vec<f32>, WeightsError> {
    let name = format!("{}{SCALE}", entry.name);
    let rows = entry.shape.first().copied().unwrap_or(0);
    let scales = find(entries, &name)
        .filter(|e| e.dtype == Dtype::F32 && e.shape == [rows])
        .map(|e| floats(&e.bytes))
        .filter(|s| !s.is_empty() && !entry.bytes.is_empty())
        .ok_or_else(|| WeightsError::malformed(format!("`{}` has no scale for each row", entry.name)))?;
    Ok(entry
        .bytes
        .chunks(entry.bytes.len() / rows)
        .zip(scales)
        .flat_map(|(row, scale)| row.iter().map(move |b| f32::from(*b as i8) * scale))
        .collect())
}

/// SHA-256 over name, type, shape and bytes of each entry.
pub(super) fn hash(entries: &[Entry]) -> String {
    let kinds: Vec<String> = entries.iter().map(|e| format!("{:?}{:?}", e.dtype, e.shape)).collect();
    hash_parts(
        entries.iter().zip(&kinds).flat_map(|(e, kind)| [e.name.as_bytes(), kind.as_bytes(), &e.bytes]),
    )
}

/// SHA-256, in hex, over the parts. Their lengths are hashed too, so that no two lists of parts hash alike by
/// running into each other.
pub(super) fn hash_parts<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn what_16_bits_cannot_hold_is_kept_in_32() {
        // The largest 16-bit float is 65504, and 65520 is the first number that rounds to infinity.
        for (largest, dtype) in [(65_519.0, Dtype::F16), (65_520.0, Dtype::F32), (f32::MAX, Dtype::F32)] {
            for precision in [Precision::Half, Precision::Int8] {
                let values = vec![1.5, -largest];
                let tensor = Named { name: "variance".to_owned(), shape: vec![2], values };
                let entries = encode(tensor, precision);
                assert_eq!(entries[0].dtype, dtype, "{largest}");
                let back = decode(&entries).unwrap().remove(0).values;
                assert!(back[0] == 1.5 && (back[1] / -largest - 1.0).abs() < 1e-3);
            }
        }
    }
}
