//! [`Map`]: a file as bytes, read from disk as they are needed.
//!
//! The only `unsafe` of the workspace is here.

#![expect(unsafe_code, reason = "mapping a file is unsafe: see `Map::open`")]

use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A mapped file, under a shared advisory lock for as long as it is mapped.
pub(crate) struct Map {
    map: Mmap,
    /// Holds the lock.
    _file: File,
}

impl Map {
    /// Maps a whole file. An error of kind [`io::ErrorKind::WouldBlock`] says that another process has it locked for
    /// writing. Where the file system knows no locks, none is taken.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // SAFETY: the bytes of a mapped file must not change while they are borrowed, and the file must not be cut
        // short. This library writes a shard under another name, complete, and renames it; it never opens one for
        // writing again, and removing or replacing one leaves the mapped file as it is until it is unmapped. Programs that
        // respect advisory locks are kept from changing it by the shared lock, which is held as long as the map (the
        // fields are dropped together). A program that writes to the file all the same could change bytes under a
        // borrow: none is kept, since `Column` decodes numbers by value from short-lived slices of plain bytes, for
        // which every bit pattern is valid, and checks every index it makes from them. One that cuts the file short
        // can end this process with SIGBUS, as with any map; no memory outside the map is touched.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { map, _file: file })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("bytes", &self.map.len()).finish()
    }
}
