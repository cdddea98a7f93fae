//! The JSON manifest of a part: what its shards hold.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files::write_atomically;
use super::part::PartOf;
use crate::data::content::sha256;
use crate::data::{ContentHash, CorpusError, CorpusOptions, Representation, Skipped, Split, SplitShares};
use crate::gan::{Genre, RoleSet};

/// The version of prepared corpora that is written, and the only one that is read.
pub(crate) const VERSION: u32 = 2;

const FORMAT: &str = "deepcompose prepared corpus";

/// What stands for the manifest's own hash while it is computed.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What the shards of all parts were made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) representation: Representation,
    pub(crate) shares: SplitShares,
    pub(crate) genre: Genre,
    pub(crate) min_notes: usize,
}

impl Settings {
    pub(crate) fn of(representation: &Representation, corpus: &CorpusOptions) -> Self {
        let CorpusOptions { shares, genre, min_notes, .. } = *corpus;
        Self { representation: representation.clone(), shares, genre, min_notes }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: String,
    pub(crate) version: u32,
    /// Of the manifest's text, with zeros in this place.
    pub(crate) sha256: String,
    pub(crate) part: PartOf,
    pub(crate) settings: Settings,
    /// Pieces in all shards.
    pub(crate) pieces: usize,
    pub(crate) shards: Vec<ShardRecord>,
}

/// One shard and what went into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardRecord {
    /// Its name in the folder.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: ContentHash,
    /// A hash of the settings and of every file that went in, skipped ones too.
    pub(crate) inputs: ContentHash,
    /// How many files that was.
    pub(crate) files: usize,
    pub(crate) pieces: Vec<PieceRecord>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) repaired_files: usize,
    pub(crate) repairs: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PieceRecord {
    pub(crate) id: String,
    pub(crate) content: ContentHash,
    pub(crate) split: Split,
    pub(crate) genre: Genre,
    /// The roles of a band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<RoleSet>,
    /// The renditions of tokens; one column otherwise.
    pub(crate) columns: Vec<ColumnRecord>,
}

/// Where a column is in its shard, in items.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnRecord {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) digest: ContentHash,
}

impl Manifest {
    pub(crate) fn new(part: PartOf, settings: Settings, shards: Vec<ShardRecord>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            sha256: NO_HASH.to_owned(),
            part,
            settings,
            pieces: shards.iter().map(|shard| shard.pieces.len()).sum(),
            shards,
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), CorpusError> {
        let plain = Self { sha256: NO_HASH.to_owned(), ..self.clone() };
        let text = to_json(path, &plain)?;
        let hash = sha256(text.as_bytes()).to_string();
        // The first run of zeros is the hash's place: what comes before it is fixed.
        write_atomically(path, text.replacen(NO_HASH, &hash, 1).as_bytes())
    }

    /// Reads and checks a manifest.
    pub(crate) fn read(path: &Path) -> Result<Self, CorpusError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u64,
        }
        let text = read_text(path)?;
        let head: Head = parse(path, &text)?;
        if head.format != FORMAT {
            return Err(CorpusError::damaged(path, format!("it does not say that it is a {FORMAT}")));
        }
        if head.version != u64::from(VERSION) {
            return Err(CorpusError::Version {
                path: path.display().to_string(),
                found: head.version,
                accepted: VERSION,
            });
        }
        let manifest: Self = parse(path, &text)?;
        let plain = text.replacen(&manifest.sha256, NO_HASH, 1);
        if manifest.sha256.len() != NO_HASH.len() || sha256(plain.as_bytes()).to_string() != manifest.sha256 {
            return Err(CorpusError::damaged(path, "its text does not have the SHA-256 that it gives"));
        }
        Ok(manifest)
    }
}

/// Most bytes of a manifest: 256 MiB, of over a million pieces.
const MAX_BYTES: u64 = 1 << 28;

/// The text of a manifest, or of what becomes a part of one.
pub(crate) fn read_text(path: &Path) -> Result<String, CorpusError> {
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| CorpusError::io(path, e))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => CorpusError::damaged(path, "it is no text"),
        _ => CorpusError::io(path, e),
    })?;
    match text.len() as u64 {
        bytes if bytes > MAX_BYTES => {
            Err(CorpusError::damaged(path, format!("it has over {MAX_BYTES} bytes")))
        }
        _ => Ok(text),
    }
}

pub(crate) fn to_json<T: Serialize>(path: &Path, value: &T) -> Result<String, CorpusError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|source| CorpusError::Malformed { path: path.display().to_string(), source })?;
    text.push('\n');
    Ok(text)
}

pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, CorpusError> {
    serde_json::from_str(text)
        .map_err(|source| CorpusError::Malformed { path: path.display().to_string(), source })
}
