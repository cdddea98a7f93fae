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
