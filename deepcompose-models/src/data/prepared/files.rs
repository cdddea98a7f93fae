//! Files that are either not there or complete.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::data::content::Hasher;
use crate::data::{ContentHash, CorpusError};

/// How the names of files that are not finished begin.
const UNFINISHED: &str = ".unfinished-";

/// A file under a temporary name, in the folder where it will be. `stem` tells the files of one part from others'.
pub(crate) fn temporary(folder: &Path, stem: &str) -> Result<NamedTempFile, CorpusError> {
    let prefix = format!("{UNFINISHED}{stem}-");
    let mut builder = Builder::new();
    builder.prefix(&prefix);
    // As readable as any other new file: parts come together from several users and machines.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|e| CorpusError::io(folder, e))
}

/// Whether a name is that of a file that a process left when it was killed.
pub(crate) fn is_left_over(name: &str, stem: &str) -> bool {
    name.strip_prefix(UNFINISHED)
        .and_then(|rest| rest.strip_prefix(stem))
        .is_some_and(|rest| rest.starts_with('-'))
}

/// Writes a temporary file to disk for good and gives it its name.
pub(crate) fn finish(file: NamedTempFile, path: &Path) -> Result<(), CorpusError> {
    file.as_file().sync_all().map_err(|e| CorpusError::io(path, e))?;
    file.persist(path).map_err(|e| CorpusError::io(path, e.error))?;
    // The name, too, is only safe once the folder is. Where folders cannot be opened, the system sees to it.
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), CorpusError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let stem = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut file = temporary(folder, stem.split('.').next().unwrap_or_default())?;
    file.write_all(bytes).map_err(|e| CorpusError::io(path, e))?;
    finish(file, path)
}

/// SHA-256 of a file, as other tools compute it, and its length.
pub(crate) fn hash_file(path: &Path) -> std::io::Result<(ContentHash, u64)> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut hash = Hasher::plain();
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok((hash.finish(), length)),
            read => {
                hash.bytes(buffer.get(..read).unwrap_or_default());
                length += read as u64;
            }
        }
    }
}
