//! Files that appear whole or not at all.

use std::error::Error;
use std::io::Write;
use std::path::Path;

/// Writes to a temporary file beside `path` and renames it.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let about = |e: std::io::Error| format!("{}: {e}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Readable for others as files are, not only for us as temporary ones.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(about)?;
    file.write_all(bytes).map_err(about)?;
    file.as_file().sync_all().map_err(about)?;
    file.persist(path).map_err(|e| about(e.error))?;
    Ok(())
}
