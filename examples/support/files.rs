//! Files that appear whole or not at all.

// Each example uses a part of it.
#![allow(dead_code)]

use std::error::Error;
use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What is written for a path: a link stays a link.
fn target(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match std::fs::read_link(path) {
        // One that points to nothing yet is followed a step.
        Ok(to) => path.parent().unwrap_or(Path::new("")).join(to),
        Err(_) => path.to_owned(),
    })
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses a path at which no file can be written, before anything is made that would be lost.
pub(crate) fn check_writable(path: &Path) -> Result<(), Box<dyn Error>> {
    let refused = |path: &Path, what: &str| -> Result<(), Box<dyn Error>> {
        Err(format!("{}: {what}", path.display()).into())
    };
    let target = target(path);
    let folder = folder(&target);
    match target.metadata() {
        Ok(there) if there.is_dir() => return refused(path, "a folder, not a file"),
        // A pipe or a device is written to as it is.
        Ok(there) if !there.is_file() => return Ok(()),
        Ok(there) if there.permissions().readonly() => return refused(path, "the file is read-only"),
        _ if !folder.is_dir() => return refused(folder, "no such folder"),
        _ => {}
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(e) => refused(path, &e.to_string()),
    }
}

/// Writes to a temporary file beside `path` and renames it. The permissions of the file that was there stay; a pipe or a
/// device is written to.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let about = |e: std::io::Error| format!("{}: {e}", path.display());
    let target = target(path);
    let there = target.metadata().ok().filter(|there| !there.is_dir());
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return Ok(std::fs::write(&target, bytes).map_err(about)?);
    }
    let permissions = there.map(|there| there.permissions());
    if permissions.as_ref().is_some_and(Permissions::readonly) {
        return Err(about(ErrorKind::PermissionDenied.into()).into());
    }
    let mut builder = tempfile::Builder::new();
    // Readable for others as files are, not only for us as temporary ones.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder(&target)).map_err(about)?;
    file.write_all(bytes).map_err(about)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions).map_err(about)?;
    }
    file.as_file().sync_all().map_err(about)?;
    file.persist(&target).map_err(|e| about(e.error))?;
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
        // To nothing yet, and then to a file.
        symlink("file", &link).unwrap();
        write_atomically(&link, b"one").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        write_atomically(&link, b"two").unwrap();
        assert!(link.is_symlink() && std::fs::read(&file).unwrap() == b"two");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let device = folder.path().join("device");
        symlink("/dev/null", &device).unwrap();
        write_atomically(&device, b"three").unwrap();
        assert!(device.is_symlink() && device.metadata().unwrap().file_type().is_char_device());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_cannot_be_written_is_refused_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let refused = |path: &Path| check_writable(path).unwrap_err().to_string();
        assert!(refused(folder.path()).ends_with("a folder, not a file"));
        assert!(refused(&path("none/file")).ends_with("no such folder"));
        symlink("none/file", path("link")).unwrap();
        assert!(refused(&path("link")).ends_with("no such folder"));
        std::fs::write(path("kept"), "kept").unwrap();
        check_writable(&path("kept")).unwrap();
        std::fs::set_permissions(path("kept"), Permissions::from_mode(0o440)).unwrap();
        assert!(refused(&path("kept")).ends_with("the file is read-only"));
        check_writable(&path("new")).unwrap();
        check_writable(Path::new("/dev/null")).unwrap();
        // Nothing was made or changed.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(std::fs::read(path("kept")).unwrap(), b"kept");
    }
}
