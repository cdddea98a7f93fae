//! The pieces to measure on.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use deepcompose::models::ar_cnn::RollWindows;
use deepcompose::models::data::{Corpus, CorpusError, CorpusOptions, Prepared, Split};
use deepcompose::models::gan::{GanDataset, GanPiece};
use deepcompose::models::transformer::{TokenDataset, Vocabulary};
use deepcompose::models::velocity::{VelocityDataset, VelocityPiece};
use deepcompose::prelude::Score;

use crate::arguments::Task;
use crate::manifest::{Manifest, TRAINING};
use crate::stdout::say;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The last part of a path: what is said of it in a report.
pub(crate) fn last_component(path: &Path) -> String {
    let whole = || path.display().to_string();
    path.file_name().map_or_else(whole, |name| name.to_string_lossy().into_owned())
}

/// What `--data` names.
enum Input {
    Corpus(Corpus),
    Prepared(Box<Prepared>),
}

impl Input {
    fn open(task: &Task<'_>) -> Result<Self> {
        if Prepared::is_at(task.data) {
            return Ok(Self::Prepared(Box::new(Prepared::open(task.data)?)));
        }
        let options = CorpusOptions { genre: task.genre, ..CorpusOptions::default() };
        let (corpus, report) = Corpus::open_with(task.data, &options, &mut |_| ControlFlow::Continue(()))?;
        if !report.skipped.is_empty() {
            say!("{report}");
        }
        Ok(Self::Corpus(corpus))
    }
}

/// Tokens, a piece in one rendition each.
pub(crate) fn tokens(task: &Task<'_>, vocabulary: Vocabulary) -> Result<TokenDataset> {
    let split: Split = task.split.parse()?;
    let data = match Input::open(task)? {
        Input::Corpus(corpus) => corpus.token_dataset(&vocabulary, split)?,
        Input::Prepared(prepared) => {
            prepared.require_vocabulary(vocabulary)?;
            prepared.token_dataset(split)?
        }
    };
    let pieces = data.pieces().iter().take(task.limit).cloned().collect();
    Ok(TokenDataset::new(pieces, data.layout().clone())?)
}

/// Windows of rolls, and the number of pieces that they are of.
pub(crate) fn windows(task: &Task<'_>, steps: usize, hop: usize) -> Result<(RollWindows, usize)> {
    let split: Split = task.split.parse()?;
    match Input::open(task)? {
        Input::Corpus(corpus) if task.limit < corpus.count(split) => {
            let scores = corpus.split(split).take(task.limit).map(|p| &p.score);
            Ok((RollWindows::from_scores(scores, steps, hop)?, task.limit))
        }
        Input::Corpus(corpus) => Ok((corpus.roll_windows(split, steps, hop)?, corpus.count(split))),
        Input::Prepared(prepared) if task.limit < prepared.count(split) => {
            Err("a prepared corpus of rolls is measured whole: leave --limit out".into())
        }
        Input::Prepared(prepared) => Ok((prepared.roll_windows(split, steps, hop)?, prepared.count(split))),
    }
}

/// Pieces to sample from, evenly spaced over the split; none of a prepared corpus, which keeps rolls only.
pub(crate) fn scores(task: &Task<'_>) -> Result<Vec<Score>> {
    let split: Split = task.split.parse()?;
    let Input::Corpus(corpus) = Input::open(task)? else { return Ok(Vec::new()) };
    let all = corpus.count(split).min(task.limit);
    let some = task.pieces.min(all);
    // Of `some` pieces spread over all, the next one is here.
    let is_taken = |index: &usize| index * some % all.max(1) < some;
    let scores = corpus.split(split).take(all).enumerate().filter(|(index, _)| is_taken(index));
    Ok(scores.map(|(_, piece)| piece.score.clone()).collect())
}

/// Bands of the split, and those of the training split if that is another: the pieces, genres and splits of a
/// `manifest.json` in the folder if it has one.
pub(crate) fn bands(task: &Task<'_>) -> Result<(GanDataset, Option<GanDataset>)> {
    if let Some(manifest) = manifest(task)? {
        let of = |split| {
            let piece = |score: &Score, genre| GanPiece::from_score(score, genre, None).ok();
            manifest.pieces(split, task.limit, piece)
        };
        let measured = some(of(task.split)?, task, &manifest)?;
        let training = if task.split == TRAINING { Vec::new() } else { of(TRAINING)? };
        return Ok((GanDataset::new(measured), Some(GanDataset::new(training)).filter(|d| !d.is_empty())));
    }
    let input = Input::open(task)?;
    let of = |split: Split| -> std::result::Result<GanDataset, CorpusError> {
        let data = match &input {
            Input::Corpus(corpus) => corpus.gan_dataset(split)?,
            Input::Prepared(prepared) => prepared.gan_dataset(split)?,
        };
        Ok(GanDataset::new(data.pieces().iter().take(task.limit).cloned().collect()))
    };
    let split: Split = task.split.parse()?;
    let training = match of(Split::Train) {
        _ if split == Split::Train => None,
        Err(CorpusError::EmptySplit { .. }) => None,
        other => Some(other?),
    };
    Ok((of(split)?, training))
}

/// Bands with their velocities.
pub(crate) fn velocities(task: &Task<'_>) -> Result<VelocityDataset> {
    if let Some(manifest) = manifest(task)? {
        let piece = |score: &Score, genre| VelocityPiece::from_score(score, genre, None).ok();
        let pieces = manifest.pieces(task.split, task.limit, piece)?;
        return Ok(VelocityDataset::new(some(pieces, task, &manifest)?));
    }
    let Input::Corpus(corpus) = Input::open(task)? else {
        return Err("a prepared corpus has no velocities of bands".into());
    };
    let data = corpus.velocity_dataset(task.split.parse()?)?;
    Ok(VelocityDataset::new(data.pieces().iter().take(task.limit).cloned().collect()))
}

/// The manifest of a folder that is not prepared.
fn manifest(task: &Task<'_>) -> Result<Option<Manifest>> {
    if Prepared::is_at(task.data) { Ok(None) } else { Manifest::read(task.data) }
}

fn some<T>(pieces: Vec<T>, task: &Task<'_>, manifest: &Manifest) -> Result<Vec<T>> {
    if pieces.is_empty() {
        let text = format!("no piece of the split `{}` has a melody and a band", task.split);
        return Err(format!("{}: {text}", manifest.path.display()).into());
    }
    Ok(pieces)
}
