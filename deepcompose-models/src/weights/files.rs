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

/// Writes to a temporary file beside `path`, syncs it, renames it over `path`, and syncs the folder. A link stays a link,
/// and the permissions of the file that was there stay; a pipe or a device is written to.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    use std::io::Write;
    let io = |source| WeightsError::Io { path: path.display().to_string(), source };
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
    let folder = match target.parent() {
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
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions).map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(&target).map_err(|e| io(e.error))?;
    #[cfg(unix)]
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_devices_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        // A link to nothing yet, by a path from its own folder, and then to a file.
        symlink("file", &link).unwrap();
        for bytes in [b"one", b"two"] {
            write_atomically(&link, bytes).unwrap();
            assert!(link.is_symlink() && !file.is_symlink());
            assert_eq!(std::fs::read(&file).unwrap(), bytes);
        }
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&file, mode(0o640)).unwrap();
        write_atomically(&file, b"three").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        std::fs::set_permissions(&file, mode(0o440)).unwrap();
        assert!(matches!(write_atomically(&link, b"four"), Err(WeightsError::Io { .. })));
        assert_eq!(std::fs::read(&file).unwrap(), b"three");
        let device = folder.path().join("device");
        symlink("/dev/null", &device).unwrap();
        write_atomically(&device, b"five").unwrap();
        assert!(device.is_symlink() && device.metadata().unwrap().file_type().is_char_device());
        // Nothing is left beside them.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
