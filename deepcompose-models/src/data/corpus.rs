//! [`Corpus`]: pieces in memory, each in a split.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use deepcompose_core::Score;
use rayon::prelude::*;

use super::report::{CorpusProgress, CorpusReport, SkipReason, Skipped};
use super::representation::Encoded;
use super::source::{Entry, Music, Source, duplicates, list};
use super::{
    ContentHash, CorpusError, CorpusOptions, Piece, Representation, Split, SplitShares, TokenAugmentation,
};
use crate::ar_cnn::RollWindows;
use crate::gan::{GanDataset, Genre};
use crate::transformer::{self, TokenDataset, Vocabulary};
use crate::velocity::{VelocityDataset, VelocityPiece};

/// Files read at a time: enough for any number of cores, few in memory beside the corpus.
pub(super) const BATCH: usize = 64;

/// A piece of a corpus, in its split.
#[derive(Debug, Clone)]
pub struct CorpusPiece {
    /// The file's path from the corpus's folder on, with `/` between names; or what a JSON file calls it.
    pub id: String,
    /// What it is, whatever it is called.
    pub content: ContentHash,
    /// What it is used for.
    pub split: Split,
    /// The genre of the innermost folder that is named after one, else [`CorpusOptions::genre`].
    pub genre: Genre,
    /// The music.
    pub score: Score,
}

/// Pieces in memory, each in a split, no two alike.
///
/// ```
/// use deepcompose_models::data::{Corpus, Split};
/// use deepcompose_models::transformer::Vocabulary;
///
/// let corpus = Corpus::builtin();
/// let train = corpus.token_dataset(&Vocabulary::Performance, Split::Train)?;
/// assert_eq!(train.pieces().len(), corpus.count(Split::Train));
/// # Ok::<(), deepcompose_models::data::CorpusError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    pieces: Vec<CorpusPiece>,
}

impl Corpus {
    /// The MIDI files of a folder and its folders (`.mid`, `.midi`, `.kar`, `.rmi` in any case), read in parallel with
    /// the default [`CorpusOptions`], in order of path; and a report of what was skipped and mended.
    ///
    /// ```no_run
    /// use deepcompose_models::data::Corpus;
    ///
    /// let (corpus, report) = Corpus::from_dir("my-midi")?;
    /// println!("{report}");
    /// report.skipped.iter().take(10).for_each(|skipped| println!("  {skipped}"));
    /// # Ok::<(), deepcompose_models::data::CorpusError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CorpusError::Io`] if the folder cannot be read, [`CorpusError::Nothing`] if no piece is found in it.
    pub fn from_dir(path: impl AsRef<Path>) -> Result<(Self, CorpusReport), CorpusError> {
        Self::from_dir_with(path, &CorpusOptions::default(), &mut |_| ControlFlow::Continue(()))
    }

    /// [`Corpus::from_dir`] with options, and an observer that is called after every file and may stop the reading.
    ///
    /// # Errors
    ///
    /// As [`Corpus::from_dir`]; [`CorpusError::Option`] for options out of range, [`CorpusError::Stopped`] if the
    /// observer says so, [`CorpusError::Form`] for a path that is no folder.
    pub fn from_dir_with(
        path: impl AsRef<Path>,
        options: &CorpusOptions,
        observer: &mut dyn FnMut(CorpusProgress) -> ControlFlow<()>,
    ) -> Result<(Self, CorpusReport), CorpusError> {
        let path = path.as_ref();
        if path.is_file() {
            return Err(CorpusError::Form { path: path.display().to_string(), accepted: "a folder" });
        }
        Self::open_with(path, options, observer)
    }

    /// A folder of MIDI files as [`Corpus::from_dir`], or a JSON file in one of the forms that the [module](super) lists.
    ///
    /// # Errors
    ///
    /// As [`Corpus::from_dir`]; for a JSON file also [`CorpusError::Malformed`], [`CorpusError::Value`] and
    /// [`CorpusError::Form`].
    pub fn open(path: impl AsRef<Path>) -> Result<(Self, CorpusReport), CorpusError> {
        Self::open_with(path, &CorpusOptions::default(), &mut |_| ControlFlow::Continue(()))
    }

    /// [`Corpus::open`] with options and an observer.
    ///
    /// # Errors
    ///
    /// As [`Corpus::open`] and [`Corpus::from_dir_with`].
    pub fn open_with(
        path: impl AsRef<Path>,
        options: &CorpusOptions,
        observer: &mut dyn FnMut(CorpusProgress) -> ControlFlow<()>,
    ) -> Result<(Self, CorpusReport), CorpusError> {
        let path = path.as_ref();
        let Source { entries, other_files } = list(path, options)?;
        let mut report = CorpusReport { files: entries.len(), other_files, ..CorpusReport::default() };
        let mut pieces = Vec::new();
        let read = |entry: &Entry| {
            entry.load(options).music(options).map(|music| (ContentHash::of(&music.score), music))
        };
        for batch in entries.chunks(BATCH) {
            let scores: Vec<Result<(ContentHash, Music), SkipReason>> = batch.par_iter().map(read).collect();
            for (entry, score) in batch.iter().zip(scores) {
                match score {
                    Err(reason) => report.skipped.push(Skipped { path: entry.id.clone(), reason }),
                    Ok((content, music)) => {
                        report.add_repairs(music.repairs);
                        pieces.push(CorpusPiece {
                            id: entry.id.clone(),
                            content,
                            split: entry.split.unwrap_or_else(|| options.shares.split(&content)),
                            genre: entry.genre.unwrap_or(options.genre),
                            score: music.score,
                        });
                    }
                }
                let done = pieces.len() + report.skipped.len();
                let progress = CorpusProgress { done, files: report.files, skipped: report.skipped.len() };
                if observer(progress).is_break() {
                    return Err(CorpusError::Stopped);
                }
            }
        }
        let corpus = Self::without_duplicates(pieces, &mut report);
        if corpus.is_empty() {
            return Err(CorpusError::Nothing { path: path.display().to_string(), report: Box::new(report) });
        }
        Ok((corpus, report))
    }

    /// A corpus of pieces that are in memory already, in the default genre, without duplicates.
    #[must_use]
    pub fn from_pieces(pieces: Vec<Piece>, shares: SplitShares) -> Self {
        let piece = |Piece { id, score }| {
            let content = ContentHash::of(&score);
            let split = shares.split(&content);
            CorpusPiece { id, content, split, genre: CorpusOptions::default().genre, score }
        };
        Self::without_duplicates(pieces.into_iter().map(piece).collect(), &mut CorpusReport::default())
    }

    /// Pieces whose splits are given.
    pub(super) const fn of(pieces: Vec<CorpusPiece>) -> Self {
        Self { pieces }
    }

    fn without_duplicates(pieces: Vec<CorpusPiece>, report: &mut CorpusReport) -> Self {
        let keys: Vec<_> = pieces.iter().map(|piece| (piece.content, piece.split)).collect();
        let of = duplicates(&keys);
        let name = |index: usize| pieces.get(index).map(|p| p.id.clone()).unwrap_or_default();
        for (piece, of) in pieces.iter().zip(&of) {
            if let Some(of) = of {
                let reason = SkipReason::Duplicate { of: name(*of) };
                report.skipped.push(Skipped { path: piece.id.clone(), reason });
            }
        }
        report.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        let kept: Vec<_> =
            pieces.into_iter().zip(of).filter(|(_, of)| of.is_none()).map(|(p, _)| p).collect();
        report.pieces = kept.len();
        Self { pieces: kept }
    }

    /// The pieces, in order of id.
    #[must_use]
    pub fn pieces(&self) -> &[CorpusPiece] {
        &self.pieces
    }

    /// The pieces of one split.
    pub fn split(&self, split: Split) -> impl Iterator<Item = &CorpusPiece> {
        self.pieces.iter().filter(move |piece| piece.split == split)
    }

    /// How many pieces a split has.
    #[must_use]
    pub fn count(&self, split: Split) -> usize {
        self.split(split).count()
    }

    /// How many pieces there are in all splits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The pieces, of all splits, that cannot be learnt in a representation, and why. The datasets below leave them out.
    #[must_use]
    pub fn unfit(&self, representation: &Representation) -> Vec<Skipped> {
        let pieces: Vec<_> = self.pieces.iter().collect();
        encode(&pieces, representation).1
    }

    /// Tokens for the Transformer, a piece in one rendition each.
    ///
    /// # Errors
    ///
    /// [`CorpusError::EmptySplit`] if the split has no piece that can be encoded.
    pub fn token_dataset(&self, vocabulary: &Vocabulary, split: Split) -> Result<TokenDataset, CorpusError> {
        self.token_dataset_with(vocabulary, split, &TokenAugmentation::default())
    }

    /// [`Corpus::token_dataset`] with further renditions of pieces to train on.
    ///
    /// # Errors
    ///
    /// As [`Corpus::token_dataset`]; [`CorpusError::Option`] for factors out of range.
    pub fn token_dataset_with(
        &self,
        vocabulary: &Vocabulary,
        split: Split,
        augmentation: &TokenAugmentation,
    ) -> Result<TokenDataset, CorpusError> {
        let representation =
            Representation::Tokens { vocabulary: *vocabulary, augmentation: augmentation.clone() };
        let pieces = self.encoded(split, &representation)?.into_iter().filter_map(|encoded| match encoded {
            Encoded::Tokens(renditions) => Some(transformer::Piece {
                renditions: renditions.into_iter().map(Into::into).collect(),
                weight: 1.0,
            }),
            _ => None,
        });
        Ok(TokenDataset::new(pieces.collect(), vocabulary.layout())?)
    }

    /// Windows of `steps` sixteenths every `hop` for the AR-CNN; see [`RollWindows::new`].
    ///
    /// # Errors
    ///
    /// [`CorpusError::EmptySplit`] if the split has no piece with pitched notes.
    pub fn roll_windows(&self, split: Split, steps: usize, hop: usize) -> Result<RollWindows, CorpusError> {
        let pieces =
            self.encoded(split, &Representation::Rolls)?.into_iter().filter_map(|encoded| match encoded {
                Encoded::Rolls(steps) => Some(steps.into()),
                _ => None,
            });
        Ok(RollWindows::from_columns(pieces.collect(), steps, hop))
    }

    /// Windows of two bars for the GAN.
    ///
    /// # Errors
    ///
    /// [`CorpusError::EmptySplit`] if the split has no piece with a melody and a band.
    pub fn gan_dataset(&self, split: Split) -> Result<GanDataset, CorpusError> {
        let pieces =
            self.encoded(split, &Representation::Bands)?.into_iter().filter_map(|encoded| match encoded {
                Encoded::Bands(piece) => Some(piece),
                _ => None,
            });
        Ok(GanDataset::new(pieces.collect()))
    }

    /// Bands with their velocities.
    ///
    /// # Errors
    ///
    /// [`CorpusError::EmptySplit`] if the split has no piece with a melody and a band.
    pub fn velocity_dataset(&self, split: Split) -> Result<VelocityDataset, CorpusError> {
        let (mut pieces, mut skipped) = (Vec::new(), Vec::new());
        for piece in self.split(split) {
            match VelocityPiece::from_score(&piece.score, piece.genre, None) {
                Ok(piece) => pieces.push(piece),
                Err(why) => {
                    let reason = SkipReason::Unfit(why.to_string());
                    skipped.push(Skipped { path: piece.id.clone(), reason });
                }
            }
        }
        if pieces.is_empty() {
            return Err(CorpusError::EmptySplit { split, pieces: self.len(), skipped });
        }
        Ok(VelocityDataset::new(pieces))
    }

    fn encoded(&self, split: Split, representation: &Representation) -> Result<Vec<Encoded>, CorpusError> {
        representation.validate()?;
        let pieces: Vec<_> = self.split(split).collect();
        let (encoded, skipped) = encode(&pieces, representation);
        if encoded.is_empty() {
            return Err(CorpusError::EmptySplit { split, pieces: self.len(), skipped });
        }
        Ok(encoded)
    }
}

fn encode(pieces: &[&CorpusPiece], representation: &Representation) -> (Vec<Encoded>, Vec<Skipped>) {
    let results: Vec<_> =
        pieces.par_iter().map(|p| representation.encode(&p.score, p.genre, p.split)).collect();
    let (mut encoded, mut skipped) = (Vec::new(), Vec::new());
    for (piece, result) in pieces.iter().zip(results) {
        match result {
            Ok(one) => encoded.push(one),
            Err(why) => {
                skipped.push(Skipped { path: piece.id.clone(), reason: SkipReason::Unfit(why) });
            }
        }
    }
    (encoded, skipped)
}

impl CorpusReport {
    /// Counts what was mended in one file.
    pub(super) fn add_repairs(&mut self, repairs: Vec<(String, u64)>) {
        self.repaired_files += usize::from(!repairs.is_empty());
        add_up(&mut self.repairs, repairs);
    }
}

pub(super) fn add_up(into: &mut BTreeMap<String, u64>, counts: impl IntoIterator<Item = (String, u64)>) {
    for (name, count) in counts {
        *into.entry(name).or_default() += count;
    }
}
