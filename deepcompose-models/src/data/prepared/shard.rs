//! The binary file of a shard: a header of 64 bytes, then items, little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `DCSHARD` and a zero |
//! | 8..12 | version |
//! | 12..16 | bytes an item: 2 (a token), 16 (the pitches of a step), 128 (those of a band) |
//! | 16..24 | number of items |
//! | 24..32 | number of pieces |
//! | 32..64 | zeros |

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::files;
use super::manifest::{ColumnRecord, ShardRecord, VERSION};
use super::map::Map;
use crate::data::column::{Item, digest};
use crate::data::representation::Encoded;
use crate::data::{CorpusError, Representation};
use crate::gan::BandStep;

pub(crate) const HEADER: usize = 64;
const MAGIC: [u8; 8] = *b"DCSHARD\0";

/// Bytes of an item of a representation.
pub(crate) const fn item_bytes(representation: &Representation) -> usize {
    match representation {
        Representation::Tokens { .. } => <u16 as Item>::BYTES,
        Representation::Rolls => <u128 as Item>::BYTES,
        Representation::Bands => <BandStep as Item>::BYTES,
    }
}

fn header(item_bytes: usize, items: usize, pieces: usize) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend((item_bytes as u32).to_le_bytes());
    out.extend((items as u64).to_le_bytes());
    out.extend((pieces as u64).to_le_bytes());
    out.resize(HEADER, 0);
    out
}

/// A score's items as bytes, and for each column its length and digest. A token must fit two bytes, as those of every
/// vocabulary do; others become the largest that does, which no vocabulary has.
pub(crate) fn to_bytes(encoded: &Encoded) -> (Vec<u8>, Vec<(usize, crate::data::ContentHash)>) {
    let mut bytes = Vec::new();
    let columns = match encoded {
        Encoded::Tokens(renditions) => renditions
            .iter()
            .map(|tokens| {
                let narrow = |token: u32| u16::try_from(token).unwrap_or(u16::MAX);
                tokens.iter().for_each(|token| narrow(*token).write(&mut bytes));
                (tokens.len(), digest(tokens.iter().copied()))
            })
            .collect(),
        Encoded::Rolls(steps) => {
            steps.iter().for_each(|step| step.write(&mut bytes));
            vec![(steps.len(), digest(steps.iter().copied()))]
        }
        Encoded::Bands(piece) => {
            piece.steps().iter().for_each(|step| step.write(&mut bytes));
            vec![(piece.steps().len(), piece.steps().digest())]
        }
    };
    (bytes, columns)
}

/// A shard that is being written, under a temporary name.
pub(crate) struct Writer<'a> {
    file: NamedTempFile,
    folder: &'a Path,
    item_bytes: usize,
    items: usize,
    pieces: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        folder: &'a Path,
        stem: &str,
        representation: &Representation,
    ) -> Result<Self, CorpusError> {
        let mut file = files::temporary(folder, stem)?;
        file.write_all(&[0; HEADER]).map_err(|e| CorpusError::io(folder, e))?;
        Ok(Self { file, folder, item_bytes: item_bytes(representation), items: 0, pieces: 0 })
    }

    /// Adds a piece, and says where its columns are.
    pub(crate) fn add(
        &mut self,
        bytes: &[u8],
        columns: &[(usize, crate::data::ContentHash)],
    ) -> Result<Vec<ColumnRecord>, CorpusError> {
        self.file.write_all(bytes).map_err(|e| CorpusError::io(self.folder, e))?;
        self.pieces += 1;
        let mut records = Vec::with_capacity(columns.len());
        for (len, digest) in columns {
            records.push(ColumnRecord { start: self.items, len: *len, digest: *digest });
            self.items += len;
        }
        Ok(records)
    }

    /// Writes the header and gives the file a name that begins with `stem` and ends with its hash. Fills in the name, the length
    /// and the hash of `record`.
    pub(crate) fn finish(mut self, stem: &str, record: &mut ShardRecord) -> Result<(), CorpusError> {
        let io = |e| CorpusError::io(self.folder, e);
        self.file.seek(SeekFrom::Start(0)).map_err(io)?;
        self.file.write_all(&header(self.item_bytes, self.items, self.pieces)).map_err(io)?;
        self.file.flush().map_err(io)?;
        let (hash, bytes) = files::hash_file(self.file.path()).map_err(io)?;
        let short: String = hash.to_string().chars().take(16).collect();
        record.file = format!("{stem}.{short}.shard");
        record.sha256 = hash;
        record.bytes = bytes;
        files::finish(self.file, &self.folder.join(&record.file))
    }
}

/// Maps a shard and checks its length, its header, and that every column lies inside it.
pub(crate) fn open(
    path: &Path,
    record: &ShardRecord,
    representation: &Representation,
) -> Result<Arc<Map>, CorpusError> {
    let damaged = |what: String| Err(CorpusError::damaged(path, what));
    let length = std::fs::metadata(path).map_err(|e| CorpusError::io(path, e))?.len();
    if length != record.bytes || length < HEADER as u64 {
        return damaged(format!("it has {length} bytes, the manifest has {}", record.bytes));
    }
    let map = Map::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::WouldBlock => CorpusError::Locked { path: path.display().to_string() },
        _ => CorpusError::io(path, e),
    })?;
    let size = item_bytes(representation);
    let found = map.bytes().get(..HEADER).unwrap_or_default();
    if found.get(..8) != Some(&MAGIC) {
        return damaged("it does not begin as a shard does".to_owned());
    }
    let version = found.get(8..12).and_then(u32::read).unwrap_or_default();
    if version != VERSION {
        let path = path.display().to_string();
        return Err(CorpusError::Version { path, found: version.into(), accepted: VERSION });
    }
    let items = (map.bytes().len() - HEADER) / size;
    if found != header(size, items, record.pieces.len()) || items * size + HEADER != map.bytes().len() {
        return damaged("its header does not fit its length or the manifest".to_owned());
    }
    // No cell is of two pieces.
    let all = record
        .pieces
        .iter()
        .flat_map(|piece| &piece.columns)
        .fold(0, |all: usize, c| all.saturating_add(c.len));
    if all > items {
        return damaged(format!("its pieces have {all} items, and it has {items}"));
    }
    for piece in &record.pieces {
        let inside = |column: &ColumnRecord| {
            column.start.checked_add(column.len).is_some_and(|end| end <= items) && column.len > 0
        };
        let count = match representation {
            Representation::Tokens { .. } => !piece.columns.is_empty(),
            Representation::Rolls => piece.columns.len() == 1,
            Representation::Bands => piece.columns.len() == 1 && piece.roles.is_some(),
        };
        if !count || !piece.columns.iter().all(inside) {
            return damaged(format!("piece {} does not lie inside it", piece.id));
        }
    }
    Ok(Arc::new(map))
}
