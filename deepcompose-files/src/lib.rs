//! Files that appear whole or not at all.
//!
//! [`write()`] puts a file in the place of another: it writes to a temporary file beside it, syncs it and renames it, so that a
//! program that is killed, or a disk that is full, leaves the file that was there. What a user would expect stays as it was:
//!
//! | what is there | what happens |
//! |---|---|
//! | a link, to something or to nothing yet | it stays a link; what it points to is written |
//! | a file | its permissions stay; one that is read-only is refused |
//! | nothing | a file with the permissions of any new file |
//! | a pipe or a device | it is written to |
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("song.mid");
//! deepcompose_files::write(&path, b"MThd")?;
//! assert_eq!(std::fs::read(&path)?, b"MThd");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::{File, Metadata, Permissions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

/// What the names of files that are still being written begin with: a process that was killed may leave one.
pub const PARTIAL: &str = ".partial-";

/// Puts a file with these bytes in the place of `path`.
///
/// # Errors
///
/// What the system says; [`ErrorKind::PermissionDenied`] for a file that is read-only.
pub fn write(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    write_with(path, |mut file| file.write_all(bytes))
}

/// Puts a file in the place of `path` that holds what is written to the one that is lent: that cannot be sought in where
/// [`is_stream`] says so.
///
/// # Errors
///
/// As [`write()`], and the first error of `contents`.
pub fn write_with(path: impl AsRef<Path>, contents: impl FnOnce(&File) -> Result<()>) -> Result<()> {
    let Place { target, there } = Place::of(path.as_ref());
    if there.as_ref().is_some_and(is_streamed) {
        return contents(&File::create(&target)?);
    }
    let permissions = there.filter(Metadata::is_file).map(|there| there.permissions());
    if permissions.as_ref().is_some_and(Permissions::readonly) {
        return Err(read_only());
    }
    let folder = folder(&target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL);
    // Readable for others as files are, not only for us as temporary ones; the umask still applies.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder)?;
    contents(file.as_file())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|e| e.error)?;
    // The name, too, is only safe once the folder is. Where folders cannot be opened, the system sees to it.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Whether `path` is a pipe or a device.
#[must_use]
pub fn is_stream(path: impl AsRef<Path>) -> bool {
    Place::of(path.as_ref()).there.as_ref().is_some_and(is_streamed)
}

/// Refuses a path at which no file can be written, before anything is made that would be lost.
///
/// # Errors
///
/// What [`write()`] would say: for a folder, a file that is read-only, and a place in a folder that is not there or that
/// nothing can be written in.
pub fn check_writable(path: impl AsRef<Path>) -> Result<()> {
    let Place { target, there } = Place::of(path.as_ref());
    let folder = folder(&target);
    match there {
        Some(there) if there.is_dir() => Err(Error::new(ErrorKind::IsADirectory, "a folder, not a file")),
        Some(there) if !there.is_file() => Ok(()),
        Some(there) if there.permissions().readonly() => Err(read_only()),
        _ if !folder.is_dir() => Err(Error::new(ErrorKind::NotFound, "there is no such folder")),
        _ => tempfile::tempfile_in(folder).map(drop),
    }
}

/// Where a path leads.
struct Place {
    target: PathBuf,
    there: Option<Metadata>,
}

impl Place {
    fn of(path: &Path) -> Self {
        let target = path.canonicalize().unwrap_or_else(|_| match std::fs::read_link(path) {
            // A link that points to nothing yet is followed a step.
            Ok(to) => path.parent().unwrap_or(Path::new("")).join(to),
            Err(_) => path.to_owned(),
        });
        Self { there: target.metadata().ok(), target }
    }
}

fn is_streamed(there: &Metadata) -> bool {
    !there.is_file() && !there.is_dir()
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn read_only() -> Error {
    Error::new(ErrorKind::PermissionDenied, "the file is read-only")
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
        write(&link, b"one").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        write(&link, b"two").unwrap();
        assert!(link.is_symlink() && std::fs::read(&file).unwrap() == b"two");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let device = folder.path().join("device");
        symlink("/dev/null", &device).unwrap();
        assert!(is_stream(&device) && !is_stream(&file) && !is_stream(folder.path()));
        write(&device, b"three").unwrap();
        assert!(device.is_symlink() && device.metadata().unwrap().file_type().is_char_device());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_fails_half_way_leaves_the_file_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"one").unwrap();
        let error = write_with(&path, |mut file| {
            file.write_all(b"tw")?;
            Err(ErrorKind::StorageFull.into())
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_refused_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let refused = |path: &Path| check_writable(path).unwrap_err().to_string();
        assert_eq!(refused(folder.path()), "a folder, not a file");
        assert_eq!(refused(&path("none/file")), "there is no such folder");
        write(path("kept"), b"one").unwrap();
        check_writable(path("kept")).unwrap();
        std::fs::set_permissions(path("kept"), Permissions::from_mode(0o444)).unwrap();
        assert_eq!(refused(&path("kept")), "the file is read-only");
        assert_eq!(write(path("kept"), b"two").unwrap_err().kind(), ErrorKind::PermissionDenied);
        check_writable(path("new")).unwrap();
        check_writable("/dev/null").unwrap();
        // Nothing is left of the tries.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
