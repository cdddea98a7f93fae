//! Whole files: read up to a limit, written all or nothing.

use std::io::Read;
use std::path::Path;

use super::MAX_BYTES;
use crate::error::WeightsError;

/// Reads a whole file of at most [`MAX_BYTES`].
pub(crate) fn read_limited(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let io = |source| WeightsError::Io { path: path.display().to_string(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    if bytes > MAX_BYTES {
        return Err(WeightsError::Limit { bytes, limit: MAX_BYTES });
    }
    // What is no regular file has no size that could be known before.
    let mut read = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    file.take(MAX_BYTES + 1).read_to_end(&mut read).map_err(io)?;
    match read.len() as u64 {
        bytes if bytes > MAX_BYTES => Err(WeightsError::Limit { bytes, limit: MAX_BYTES }),
        _ => Ok(read),
    }
}

/// Refuses to write what could not be read again.
pub(crate) fn check_size(bytes: &[u8]) -> Result<(), WeightsError> {
    match bytes.len() as u64 {
        bytes if bytes > MAX_BYTES => Err(WeightsError::Limit { bytes, limit: MAX_BYTES }),
        _ => Ok(()),
    }
}

/// Writes a file that appears whole or not at all: see [`deepcompose_files`].
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    let io = |source| WeightsError::Io { path: path.display().to_string(), source };
    deepcompose_files::write(path, bytes).map_err(io)
}
