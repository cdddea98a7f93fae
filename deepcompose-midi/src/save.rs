//! Puts bytes on disk, whole or not at all.

use std::fs::Metadata;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

/// Puts a file with these bytes in the place of `path`, with the permissions of the file that was
/// there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let target = path.canonicalize().or_else(|error| {
        // One that points to nothing yet is followed a step.
        let to = std::fs::read_link(path).map_err(|_| error)?;
        Ok::<_, Error>(path.parent().unwrap_or(Path::new("")).join(to))
    });
    let target = target.unwrap_or_else(|_| path.to_owned());
    let existing = target.metadata().ok();
    if existing.as_ref().is_some_and(|m| !m.is_file() && !m.is_dir()) {
        // A pipe or a device is written to, not replaced.
        return std::fs::write(target, bytes);
    }
    let permissions = existing.as_ref().map(Metadata::permissions);
    if permissions.as_ref().is_some_and(std::fs::Permissions::readonly) {
        return Err(Error::new(ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".deepcompose-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private by default; the umask still applies to this.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|e| e.error)?;
    Ok(())
}
