//! Files that appear whole or not at all, and what is wrong in a line.

// Each example uses a part of it.
#![allow(dead_code)]

use std::error::Error;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Refuses a path at which no file can be written, before anything is made that would be lost.
pub(crate) fn check_writable(path: &Path) -> Result<()> {
    deepcompose_files::check_writable(path).map_err(|e| about(path, &e))
}

/// Writes a file that appears whole or not at all.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    deepcompose_files::write(path, bytes).map_err(|e| about(path, &e))
}

fn about(path: &Path, error: &std::io::Error) -> Box<dyn Error> {
    format!("{}: {error}", path.display()).into()
}
