//! Puts bytes on disk, whole or not at all.

use std::io::Write;
use std::path::Path;

use crate::error::PictureError;

pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), PictureError> {
    let io = |source| PictureError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".deepcompose-");
    // Readable for others as files are, not only for us as temporary ones; the umask still applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}
