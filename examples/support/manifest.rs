//! Pieces of a folder with a `manifest.json`, which tells the genre and the split of each.

use std::error::Error;
use std::path::{Path, PathBuf};

use deepcompose::midi;
use deepcompose::prelude::{Genre, Score};
use serde::Deserialize;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The split of a manifest that models are trained on.
pub(crate) const TRAINING: &str = "train";

/// A piece of a manifest; what else is said of it is not looked at.
#[derive(Deserialize)]
struct Entry {
    file: String,
    genre: Genre,
    split: String,
}

pub(crate) struct Manifest {
    pub(crate) path: PathBuf,
    entries: Vec<Entry>,
}

impl Manifest {
    /// The manifest of a folder, if it has one.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("manifest.json");
        if !path.is_file() {
            return Ok(None);
        }
        let about = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|e| about(&e))?;
        let entries = serde_json::from_str(&text).map_err(|e| about(&e))?;
        Ok(Some(Self { path, entries }))
    }

    /// The first `limit` pieces of a split that `piece` makes something of.
    pub(crate) fn pieces<T>(
        &self,
        split: &str,
        limit: usize,
        piece: impl Fn(&Score, Genre) -> Option<T>,
    ) -> Result<Vec<T>> {
        let mut pieces = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.split == split) {
            let path = self.path.with_file_name(&entry.file);
            let (score, _) = midi::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            pieces.extend(piece(&score, entry.genre));
            if pieces.len() == limit {
                break;
            }
        }
        Ok(pieces)
    }
}
