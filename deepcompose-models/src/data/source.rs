//! Files and pieces to read, listed and then read one by one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use deepcompose_core::Score;
use deepcompose_midi::Reader;
use walkdir::WalkDir;

use super::content::{ContentHash, Hasher, sha256};
use super::report::SkipReason;
use super::{CorpusError, CorpusOptions, Split, json};
use crate::gan::Genre;

/// What may become a piece.
#[derive(Debug)]
pub(super) struct Entry {
    /// The path from the folder on, with `/` between names; or the piece's id.
    pub(super) id: String,
    /// The genre of the innermost folder that is named after one.
    pub(super) genre: Option<Genre>,
    /// The split that the corpus itself gives.
    pub(super) split: Option<Split>,
    what: What,
}

#[derive(Debug)]
enum What {
    File(PathBuf),
    Score(Box<Score>),
    Skip(SkipReason),
}

/// A listed corpus.
#[derive(Debug)]
pub(super) struct Source {
    /// In order of id.
    pub(super) entries: Vec<Entry>,
    pub(super) other_files: usize,
}

/// Lists a folder of MIDI files, or the pieces of a JSON file.
pub(super) fn list(path: &Path, options: &CorpusOptions) -> Result<Source, CorpusError> {
    options.validate()?;
    let kind = std::fs::metadata(path).map_err(|e| CorpusError::io(path, e))?;
    let mut source = if kind.is_dir() {
        walk(path, options)?
    } else if has_extension(path, &["json"]) {
        let entry = |(piece, split): (super::Piece, _)| Entry {
            id: piece.id,
            genre: None,
            split,
            what: What::Score(Box::new(piece.score)),
        };
        Source { entries: json::any(path)?.into_iter().map(entry).collect(), other_files: 0 }
    } else {
        return Err(CorpusError::Form {
            path: path.display().to_string(),
            accepted: "a folder of MIDI files or a .json file",
        });
    };
    source.entries.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(source)
}

fn has_extension(path: &Path, accepted: &[&str]) -> bool {
    path.extension().is_some_and(|found| accepted.iter().any(|a| found.eq_ignore_ascii_case(a)))
}

fn walk(folder: &Path, options: &CorpusOptions) -> Result<Source, CorpusError> {
    let named = folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<Genre>().ok());
    let mut source = Source { entries: Vec::new(), other_files: 0 };
    let walk = WalkDir::new(folder).follow_links(false).max_depth(options.depth);
    for found in walk.sort_by_file_name() {
        let (path, what) = match found {
            Ok(entry) if entry.file_type().is_dir() && entry.depth() == options.depth => {
                let deep = format!("a folder {} deep: its files are not read", options.depth);
                (entry.into_path(), What::Skip(SkipReason::OverLimit(deep)))
            }
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) if !has_extension(entry.path(), &["mid", "midi", "kar", "rmi"]) => {
                source.other_files += 1;
                continue;
            }
            Ok(entry) if entry.file_type().is_symlink() => (entry.into_path(), What::Skip(SkipReason::Link)),
            Ok(entry) if entry.file_type().is_file() => {
                let path = entry.into_path();
                (path.clone(), What::File(path))
            }
            Ok(entry) => {
                let other = "neither a file nor a folder".to_owned();
                (entry.into_path(), What::Skip(SkipReason::Unreadable(other)))
            }
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                let text = error.to_string();
                let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other(text));
                if path == folder {
                    return Err(CorpusError::io(folder, source));
                }
                (path, What::Skip(SkipReason::Unreadable(source.to_string())))
            }
        };
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        let names: Vec<String> =
            relative.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        let folders = names.split_last().map_or(&[][..], |(_, folders)| folders);
        let genre = folders.iter().rev().find_map(|name| name.parse().ok()).or(named);
        source.entries.push(Entry { id: names.join("/"), genre, split: None, what });
    }
    Ok(source)
}

/// An entry's bytes or score, not yet looked into.
pub(super) enum Loaded<'a> {
    Bytes(Vec<u8>),
    Score(&'a Score),
    Skip(SkipReason),
}

/// A score that may be used, and what the reader mended.
pub(super) struct Music {
    pub(super) score: Score,
    pub(super) repairs: Vec<(String, u64)>,
}

impl Entry {
    /// Reads the file.
    pub(super) fn load(&self, options: &CorpusOptions) -> Loaded<'_> {
        match &self.what {
            What::Score(score) => Loaded::Score(score),
            What::Skip(reason) => Loaded::Skip(reason.clone()),
            What::File(path) => {
                let limit = options.limits.bytes;
                let mut bytes = Vec::new();
                let read = File::open(path)
                    .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes));
                match read {
                    Err(error) => Loaded::Skip(SkipReason::Unreadable(error.to_string())),
                    Ok(_) if bytes.len() as u64 > limit => {
                        Loaded::Skip(SkipReason::OverLimit(format!("a file of over {limit} bytes")))
                    }
                    Ok(_) => Loaded::Bytes(bytes),
                }
            }
        }
    }
}

impl Loaded<'_> {
    /// A hash of all that the music depends on.
    pub(super) fn digest(&self) -> ContentHash {
        match self {
            Self::Bytes(bytes) => sha256(bytes),
            Self::Score(score) => {
                let mut hash = Hasher::new("listed score");
                hash.hash(&ContentHash::of(score));
                // Also what is no content: velocities, names, metre.
                hash.text(&format!("{score:?}"));
                hash.finish()
            }
            Self::Skip(reason) => sha256(reason.to_string().as_bytes()),
        }
    }

    /// The music, if it is long enough.
    pub(super) fn music(self, options: &CorpusOptions) -> Result<Music, SkipReason> {
        let music = match self {
            Self::Bytes(bytes) => {
                let reader = Reader::new().limits(options.limits);
                let (score, report) = reader.read_bytes(&bytes)?;
                let repairs = report.repairs().map(|(kind, tally)| (format!("{kind:?}"), tally.count()));
                Music { score, repairs: repairs.collect() }
            }
            Self::Score(score) => Music { score: score.clone(), repairs: Vec::new() },
            Self::Skip(reason) => return Err(reason),
        };
        match music.score.note_count() {
            0 => Err(SkipReason::NoNotes),
            notes if notes < options.min_notes => {
                Err(SkipReason::TooShort { notes, least: options.min_notes })
            }
            _ => Ok(music),
        }
    }
}

/// For each piece, in order, the piece that is kept instead of it if it is a duplicate. Of equal pieces a held-out one
/// is kept before one to train on, so that a corpus's own validation pieces stay; else the first is kept.
pub(super) fn duplicates(pieces: &[(ContentHash, Split)]) -> Vec<Option<usize>> {
    let mut kept = std::collections::HashMap::new();
    for (index, (content, split)) in pieces.iter().enumerate() {
        let keeper = kept.entry(content).or_insert((*split, index));
        if *split > keeper.0 {
            *keeper = (*split, index);
        }
    }
    let keeper = |content| kept.get(content).map(|(_, index)| *index);
    pieces.iter().enumerate().map(|(i, (content, _))| keeper(content).filter(|kept| *kept != i)).collect()
}
