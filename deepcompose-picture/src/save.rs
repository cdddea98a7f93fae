//! Puts bytes on disk, whole or not at all.

use std::io::Write;
use std::path::Path;

use crate::error::PictureError;

/// Puts a file with these bytes in the place of `path`, with the permissions of the one that was there. A link stays
/// a link; a pipe or a device is written to.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), PictureError> {
    let io = |source| PictureError::Io { path: path.to_owned(), source };
    let target = path.canonicalize().unwrap_or_else(|_| match std::fs::read_link(path) {
        // A link that points to nothing yet is followed a step.
        Ok(to) => path.parent().unwrap_or(Path::new("")).join(to),
        Err(_) => path.to_owned(),
    });
    let there = target.metadata().ok().filter(|there| !there.is_dir());
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return std::fs::write(&target, bytes).map_err(io);
    }
    let permissions = there.map(|there| there.permissions());
    if permissions.as_ref().is_some_and(std::fs::Permissions::readonly) {
        return Err(io(std::io::ErrorKind::PermissionDenied.into()));
    }
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".deepcompose-");
    // Readable for others as files are, not only for us as temporary ones; the umask still applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    permissions.map_or(Ok(()), |permissions| file.as_file().set_permissions(permissions)).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(&target).map_err(|e| io(e.error))?;
    Ok(())
}
