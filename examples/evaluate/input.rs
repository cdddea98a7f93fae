//! The pieces to measure on.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;

use deepcompose::midi;
use deepcompose::models::ar_cnn::RollWindows;
use deepcompose::models::data::{Corpus, CorpusError, CorpusOptions, Prepared, Split};
use deepcompose::models::gan::{GanDataset, GanPiece};
use deepcompose::models::transformer::{TokenDataset, Vocabulary};
use deepcompose::prelude::{Genre, Score};
use serde::Deserialize;

use crate::arguments::Task;

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
            println!("{report}");
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
    let manifest = task.data.join("manifest.json");
    if manifest.is_file() && !Prepared::is_at(task.data) {
        let measured = listed(task, &manifest, task.split)?;
        if measured.is_empty() {
            let text = format!("no piece of the split `{}` has a melody and a band", task.split);
            return Err(format!("{}: {text}", manifest.display()).into());
        }
        let training = if task.split == TRAINING { Vec::new() } else { listed(task, &manifest, TRAINING)? };
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

/// The split of a manifest that models are trained on.
const TRAINING: &str = "train";

/// A piece of a manifest; what else is said of it is not looked at.
#[derive(Deserialize)]
struct Entry {
    file: String,
    genre: Genre,
    split: String,
}

fn listed(task: &Task<'_>, manifest: &Path, split: &str) -> Result<Vec<GanPiece>> {
    let about = |e: &dyn std::fmt::Display| format!("{}: {e}", manifest.display());
    let text = std::fs::read_to_string(manifest).map_err(|e| about(&e))?;
    let entries: Vec<Entry> = serde_json::from_str(&text).map_err(|e| about(&e))?;
    let mut pieces = Vec::new();
    for entry in entries.iter().filter(|e| e.split == split) {
        let path = task.data.join(&entry.file);
        let (score, _) = midi::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        pieces.extend(GanPiece::from_score(&score, entry.genre, None));
        if pieces.len() == task.limit {
            break;
        }
    }
    Ok(pieces)
}
