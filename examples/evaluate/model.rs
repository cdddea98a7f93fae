//! The network to measure: from a file, or the embedded one.

use std::error::Error;
use std::path::Path;

use deepcompose::models::Device;
use deepcompose::models::weights::{self, MAX_BYTES, Model};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::arguments::Task;

/// Where weights come from.
#[derive(Serialize)]
pub(crate) struct Source {
    /// The file's name, or `embedded`.
    pub(crate) file: String,
    /// SHA-256 of the whole file, in hex.
    pub(crate) sha256: String,
    /// To what they were rounded after loading.
    pub(crate) rounded_to: Option<&'static str>,
}

pub(crate) fn load<M: Model>(task: &Task<'_>, embedded: &[u8]) -> Result<(M, Source), Box<dyn Error>> {
    match task.weights {
        None => of_bytes(task, "embedded".to_owned(), embedded),
        Some(path) => of_file(task, path),
    }
}

pub(crate) fn of_file<M: Model>(task: &Task<'_>, path: &Path) -> Result<(M, Source), Box<dyn Error>> {
    let about = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let size = std::fs::metadata(path).map_err(|e| about(&e))?.len();
    if size > MAX_BYTES {
        return Err(about(&format!("{size} bytes are over the limit of {MAX_BYTES}")).into());
    }
    let bytes = std::fs::read(path).map_err(|e| about(&e))?;
    of_bytes(task, crate::input::last_component(path), &bytes)
}

fn of_bytes<M: Model>(task: &Task<'_>, file: String, bytes: &[u8]) -> Result<(M, Source), Box<dyn Error>> {
    let device = Device::default();
    let mut model: M = weights::from_bytes(bytes, &device).map_err(|e| format!("{file}: {e}"))?;
    if let Some(bits) = task.precision {
        model = weights::from_bytes(&weights::to_bytes(&model, bits.precision())?, &device)?;
    }
    let sha256 = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    Ok((model, Source { file, sha256, rounded_to: task.precision.map(|bits| bits.name()) }))
}
