//! Prepared corpora: shards on disk that are mapped into memory.
//!
//! A folder holds, for each part `i` of `n` (see [`PartOf`]), a manifest `part-iii-of-nnn.json` and shards. A manifest has
//! the version, the representation and the other settings, and for every shard its length, its SHA-256, a hash of what
//! went into it, and its pieces: id, content hash, split, and where in the shard they are. It has a SHA-256 of its own.
//! Nothing in it depends on when or where it was made.

mod files;
mod manifest;
pub(crate) mod map;
mod part;
mod prepare;
mod shard;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use part::PartOf;
pub use prepare::{PrepareOptions, PrepareReport, prepare};

use super::column::{Column, Item};
use super::{ContentHash, CorpusError, CorpusReport, Representation, Split};
use crate::ar_cnn::RollWindows;
use crate::gan::{BAR_STEPS, BandStep, GanDataset, GanPiece, Genre, RoleSet};
use crate::transformer::{Piece, TokenDataset, Tokens, Vocabulary};
use files::hash_file;
use manifest::{ColumnRecord, Manifest, PieceRecord, Settings, ShardRecord};
use map::Map;

/// A piece of a prepared corpus.
#[derive(Debug, Clone)]
pub struct PreparedPiece {
    /// The file's path from the corpus's folder on.
    pub id: String,
    /// What it is, whatever it is called.
    pub content: ContentHash,
    /// What it is used for.
    pub split: Split,
    /// Its genre.
    pub genre: Genre,
    roles: Option<RoleSet>,
    columns: Vec<ColumnRecord>,
    shard: usize,
}

/// A prepared corpus, mapped into memory: what is not used is not read. Its datasets go on reading from the files after it is
/// dropped.
///
/// ```
/// # use std::ops::ControlFlow;
/// use deepcompose_core::InputTrack;
/// use deepcompose_models::data::{PrepareOptions, Prepared, Representation, Split, prepare};
/// use deepcompose_models::transformer::Vocabulary;
///
/// # let folder = tempfile::tempdir()?;
/// # let (midi, out) = (folder.path().join("midi"), folder.path().join("prepared"));
/// # std::fs::create_dir(&midi)?;
/// # for track in InputTrack::ALL {
/// #     deepcompose_midi::write(midi.join(format!("{}.mid", track.slug())), &track.score())?;
/// # }
/// let options = PrepareOptions::new(Representation::tokens(Vocabulary::Performance));
/// prepare(&midi, &out, &options, &mut |_| ControlFlow::Continue(()))?;
///
/// let prepared = Prepared::open(&out)?;
/// let train = prepared.token_dataset(Split::Train)?;
/// assert_eq!(train.pieces().len(), prepared.count(Split::Train));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    settings: Settings,
    shards: Vec<(Arc<Map>, ShardRecord)>,
    pieces: Vec<PreparedPiece>,
    report: CorpusReport,
}

impl Prepared {
    /// Whether a folder holds a prepared corpus, or a part of one, rather than MIDI files.
    #[must_use]
    pub fn is_at(folder: impl AsRef<Path>) -> bool {
        manifests(folder.as_ref()).is_ok_and(|parts| !parts.is_empty())
    }

    /// Opens a prepared corpus: reads the manifests of all parts, maps all shards, and checks their lengths and headers and
    /// that every piece lies inside its shard. Of pieces with equal content over all parts one is kept. The bytes of shards are
    /// checked by [`Prepared::verify`].
    ///
    /// # Errors
    ///
    /// [`CorpusError::Form`] if no prepared corpus is there, [`CorpusError::MissingPart`] if a part is not there or not
    /// finished, [`CorpusError::Mixed`] for parts of different preparations, [`CorpusError::Version`],
    /// [`CorpusError::Malformed`] and [`CorpusError::Damaged`] for files that are not what [`prepare`] writes,
    /// [`CorpusError::Locked`] if another process has locked a shard, [`CorpusError::Io`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, CorpusError> {
        let folder = folder.as_ref();
        let mut shards = Vec::new();
        let settings = whole(folder, &mut shards)?;
        let mut pieces = Vec::new();
        for (index, (_, record)) in shards.iter().enumerate() {
            pieces.extend(record.pieces.iter().map(|piece| PreparedPiece::of(piece, index)));
        }
        pieces.sort_by(|a, b| a.id.cmp(&b.id));
        let keys: Vec<_> = pieces.iter().map(|piece| (piece.content, piece.split)).collect();
        let mut duplicate = super::source::duplicates(&keys).into_iter();
        pieces.retain(|_| duplicate.next().flatten().is_none());
        let report = prepare::report(shards.iter().map(|(_, record)| record));
        Ok(Self { folder: folder.to_owned(), settings, shards, pieces, report })
    }

    /// Checks every shard and every piece in it against the hashes in the manifest; this reads all of them.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Damaged`] with the file, [`CorpusError::Io`].
    pub fn verify(&self) -> Result<(), CorpusError> {
        for (_, record) in &self.shards {
            let path = self.folder.join(&record.file);
            let (found, _) = hash_file(&path).map_err(|e| CorpusError::io(&path, e))?;
            if found != record.sha256 {
                return Err(CorpusError::hashes(&path, found, record.sha256));
            }
        }
        for piece in &self.pieces {
            for column in &piece.columns {
                let found = match self.settings.representation {
                    Representation::Tokens { .. } => {
                        Tokens::shard(self.column(piece, column)?).computed_digest()
                    }
                    Representation::Rolls => self.column::<u128>(piece, column)?.computed_digest(),
                    Representation::Bands => self.column::<BandStep>(piece, column)?.computed_digest(),
                };
                if found != column.digest {
                    let what = format!("piece {} does not have the hash that the manifest gives", piece.id);
                    return Err(CorpusError::damaged(&self.folder, what));
                }
            }
        }
        Ok(())
    }

    /// What the pieces are prepared as.
    #[must_use]
    pub const fn representation(&self) -> &Representation {
        &self.settings.representation
    }

    /// The tokenizer, of a corpus prepared as tokens.
    #[must_use]
    pub const fn vocabulary(&self) -> Option<Vocabulary> {
        match &self.settings.representation {
            Representation::Tokens { vocabulary, .. } => Some(*vocabulary),
            _ => None,
        }
    }

    /// Checks that the corpus is prepared as tokens of this vocabulary.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Representation`] if it is not.
    pub fn require_vocabulary(&self, vocabulary: Vocabulary) -> Result<(), CorpusError> {
        if self.vocabulary() == Some(vocabulary) {
            Ok(())
        } else {
            Err(self.not(&Representation::tokens(vocabulary).to_string()))
        }
    }

    /// The pieces, in order of id, duplicates left out.
    #[must_use]
    pub fn pieces(&self) -> &[PreparedPiece] {
        &self.pieces
    }

    /// The pieces of one split.
    pub fn split(&self, split: Split) -> impl Iterator<Item = &PreparedPiece> {
        self.pieces.iter().filter(move |piece| piece.split == split)
    }

    /// How many pieces a split has.
    #[must_use]
    pub fn count(&self, split: Split) -> usize {
        self.split(split).count()
    }

    /// What was read and what was skipped when it was prepared, over all parts, duplicates included.
    #[must_use]
    pub const fn report(&self) -> &CorpusReport {
        &self.report
    }

    /// Tokens for the Transformer.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Representation`] if the corpus is not prepared as tokens, [`CorpusError::EmptySplit`] if the split has no
    /// piece, [`CorpusError::Tokens`] if a shard holds what is no token.
    pub fn token_dataset(&self, split: Split) -> Result<TokenDataset, CorpusError> {
        let vocabulary = self.vocabulary().ok_or_else(|| self.not("tokens"))?;
        let piece = |piece: &PreparedPiece| {
            let column = |column| self.column(piece, column).map(Tokens::shard);
            let renditions = piece.columns.iter().map(column).collect::<Result<_, _>>()?;
            Ok(Piece { renditions, weight: 1.0 })
        };
        Ok(TokenDataset::new(self.dataset(split, piece)?, vocabulary.layout())?)
    }

    /// Windows of `steps` sixteenths every `hop` for the AR-CNN; see [`RollWindows::new`].
    ///
    /// # Errors
    ///
    /// [`CorpusError::Representation`] if the corpus is not prepared as rolls, [`CorpusError::EmptySplit`] if the split has no
    /// piece.
    pub fn roll_windows(&self, split: Split, steps: usize, hop: usize) -> Result<RollWindows, CorpusError> {
        if self.settings.representation != Representation::Rolls {
            return Err(self.not("rolls"));
        }
        let pieces = self.dataset(split, |piece| self.only_column(piece))?;
        Ok(RollWindows::from_columns(pieces, steps, hop))
    }

    /// Windows of two bars for the GAN. Every window is looked at once, to find those in which nothing accompanies.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Representation`] if the corpus is not prepared as bands, [`CorpusError::EmptySplit`] if the split has no
    /// piece, [`CorpusError::Damaged`] if a piece is no whole number of bars.
    pub fn gan_dataset(&self, split: Split) -> Result<GanDataset, CorpusError> {
        if self.settings.representation != Representation::Bands {
            return Err(self.not("bands"));
        }
        let piece = |piece: &PreparedPiece| {
            let steps: Column<BandStep> = self.only_column(piece)?;
            if !steps.len().is_multiple_of(BAR_STEPS) {
                let what = format!("piece {} is no whole number of bars", piece.id);
                return Err(CorpusError::damaged(&self.folder, what));
            }
            Ok(GanPiece::from_column(piece.genre, piece.roles.unwrap_or_default(), steps))
        };
        Ok(GanDataset::new(self.dataset(split, piece)?))
    }

    fn dataset<T>(
        &self,
        split: Split,
        piece: impl Fn(&PreparedPiece) -> Result<T, CorpusError>,
    ) -> Result<Vec<T>, CorpusError> {
        let pieces: Vec<T> = self.split(split).map(piece).collect::<Result<_, _>>()?;
        if pieces.is_empty() {
            return Err(CorpusError::EmptySplit { split, pieces: self.pieces.len(), skipped: Vec::new() });
        }
        Ok(pieces)
    }

    fn only_column<T: Item>(&self, piece: &PreparedPiece) -> Result<Column<T>, CorpusError> {
        match piece.columns.as_slice() {
            [column] => self.column(piece, column),
            _ => Err(self.outside(piece)),
        }
    }

    fn column<T: Item>(&self, piece: &PreparedPiece, at: &ColumnRecord) -> Result<Column<T>, CorpusError> {
        let column = self.shards.get(piece.shard).and_then(|(map, _)| {
            let start = at.start.checked_mul(T::BYTES)?.checked_add(shard::HEADER)?;
            Column::mapped(map, start, at.len, at.digest)
        });
        column.ok_or_else(|| self.outside(piece))
    }

    fn outside(&self, piece: &PreparedPiece) -> CorpusError {
        CorpusError::damaged(&self.folder, format!("piece {} does not lie inside its shard", piece.id))
    }

    fn not(&self, wanted: &str) -> CorpusError {
        CorpusError::Representation {
            folder: self.folder.display().to_string(),
            found: self.settings.representation.to_string(),
            wanted: wanted.to_owned(),
        }
    }
}

impl PreparedPiece {
    fn of(record: &PieceRecord, shard: usize) -> Self {
        let PieceRecord { id, content, split, genre, roles, columns } = record.clone();
        Self { id, content, split, genre, roles, columns, shard }
    }
}

/// The manifests in a folder.
fn manifests(folder: &Path) -> Result<Vec<(PartOf, PathBuf)>, CorpusError> {
    let io = |e| CorpusError::io(folder, e);
    let mut parts = Vec::new();
    for found in std::fs::read_dir(folder).map_err(io)? {
        let found = found.map_err(io)?;
        if let Some(part) = found.file_name().to_str().and_then(PartOf::of_manifest) {
            parts.push((part, found.path()));
        }
    }
    parts.sort_by_key(|(part, _)| (part.count(), part.index()));
    Ok(parts)
}

/// Opens the shards of all parts; the settings that they share.
fn whole(folder: &Path, shards: &mut Vec<(Arc<Map>, ShardRecord)>) -> Result<Settings, CorpusError> {
    let parts = manifests(folder)?;
    let missing =
        |part, parts| Err(CorpusError::MissingPart { folder: folder.display().to_string(), part, parts });
    let mixed = |what: String| Err(CorpusError::Mixed { folder: folder.display().to_string(), what });
    let Some((first, _)) = parts.first() else {
        return Err(CorpusError::Form {
            path: folder.display().to_string(),
            accepted: "a folder with the finished manifests that `prepare` writes, part-000-of-001.json and so on,",
        });
    };
    if let Some((other, _)) = parts.iter().find(|(part, _)| part.count() != first.count()) {
        return mixed(format!("parts {first} and {other}"));
    }
    if let Some(part) =
        (0..first.count()).find(|index| parts.get(*index).is_none_or(|(p, _)| p.index() != *index))
    {
        return missing(part, first.count());
    }
    let mut settings: Option<Settings> = None;
    for (part, path) in &parts {
        let manifest = Manifest::read(path)?;
        if manifest.part != *part {
            return Err(CorpusError::damaged(path, format!("it says that it is part {}", manifest.part)));
        }
        match &settings {
            Some(settings) if *settings != manifest.settings => {
                return mixed(format!("parts {first} and {part} were prepared with different options"));
            }
            Some(_) => {}
            None => settings = Some(manifest.settings.clone()),
        }
        for record in manifest.shards {
            if Path::new(&record.file).file_name().is_none_or(|name| *name != *record.file) {
                return Err(CorpusError::damaged(path, format!("{:?} is no name of a file", record.file)));
            }
            let map = shard::open(&folder.join(&record.file), &record, &manifest.settings.representation)?;
            shards.push((map, record));
        }
    }
    // There is a first part, so there are settings.
    settings.map_or_else(|| missing(0, 1), Ok)
}
