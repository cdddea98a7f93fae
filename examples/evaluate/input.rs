//! The pieces to measure on.

use std::error::Error;
use std::io::Read;
use std::path::Path;

use deepcompose::midi;
use deepcompose::models::data::{Piece, chorales, leads, pop, split_by_id};
use deepcompose::models::gan::{GanDataset, GanPiece};
use deepcompose::prelude::Genre;
use serde::Deserialize;

use crate::arguments::Task;

/// Share of pieces that are `valid` where a corpus has no splits of its own.
const VALID: f64 = 0.1;

/// The last part of a path: what is said of it in a report.
pub(crate) fn last_component(path: &Path) -> String {
    let whole = || path.display().to_string();
    path.file_name().map_or_else(whole, |name| name.to_string_lossy().into_owned())
}

/// The pieces of the task's split.
pub(crate) fn pieces(task: &Task<'_>) -> Result<Vec<Piece>, Box<dyn Error>> {
    let mut pieces = if task.data.is_dir() {
        split(midi_folder(task.data)?, task.split)?
    } else {
        match first_bytes(task.data)? {
            start if start.trim_start().starts_with('{') => chorales(task.data, task.split)?,
            start if start.contains("\"mel\"") => split(leads(task.data)?, task.split)?,
            _ => split(pop(task.data)?, task.split)?,
        }
    };
    pieces.retain(|piece| !piece.score.is_empty());
    pieces.truncate(task.limit);
    if pieces.is_empty() {
        let (path, split) = (task.data.display(), task.split);
        return Err(format!("{path}: there is no piece with notes in its split `{split}`").into());
    }
    Ok(pieces)
}

/// The pieces of the task's split with their genres: as `manifest.json` in the folder says, or the task's.
pub(crate) fn bands(task: &Task<'_>) -> Result<GanDataset, Box<dyn Error>> {
    let manifest = task.data.join("manifest.json");
    let mut found: Vec<GanPiece> = Vec::new();
    if manifest.is_file() {
        let about = |e: &dyn std::fmt::Display| format!("{}: {e}", manifest.display());
        let text = std::fs::read_to_string(&manifest).map_err(|e| about(&e))?;
        let entries: Vec<Entry> = serde_json::from_str(&text).map_err(|e| about(&e))?;
        for entry in entries.iter().filter(|e| e.split == task.split) {
            let path = task.data.join(&entry.file);
            let score = midi::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            found.extend(GanPiece::from_score(&score, entry.genre, None));
            if found.len() == task.limit {
                break;
            }
        }
    } else {
        let bands = pieces(task)?.into_iter().map(|p| GanPiece::from_score(&p.score, task.genre, None));
        found.extend(bands.filter_map(Result::ok));
    }
    if found.is_empty() {
        let (path, split) = (task.data.display(), task.split);
        return Err(format!("{path}: no piece of its split `{split}` has a melody and a band").into());
    }
    Ok(GanDataset::new(found))
}

/// A piece of a manifest; what else is said of it is not looked at.
#[derive(Deserialize)]
struct Entry {
    file: String,
    genre: Genre,
    split: String,
}

fn first_bytes(path: &Path) -> Result<String, Box<dyn Error>> {
    let about = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(about)?.take(4096).read_to_end(&mut start).map_err(about)?;
    Ok(String::from_utf8_lossy(&start).into_owned())
}

fn midi_folder(folder: &Path) -> Result<Vec<Piece>, Box<dyn Error>> {
    let about = |e: std::io::Error| format!("{}: {e}", folder.display());
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).map_err(about)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|p| p.extension().is_some_and(|x| x.eq_ignore_ascii_case("mid")));
    paths.sort();
    let read =
        |path: &std::path::PathBuf| Some(Piece { id: last_component(path), score: midi::read(path).ok()? });
    Ok(paths.iter().filter_map(read).collect())
}

fn split(pieces: Vec<Piece>, name: &str) -> Result<Vec<Piece>, Box<dyn Error>> {
    let (train, valid) = split_by_id(pieces, VALID);
    match name {
        "train" => Ok(train),
        "valid" => Ok(valid),
        other => Err(format!("there is no split `{other}`; accepted: train, valid").into()),
    }
}
