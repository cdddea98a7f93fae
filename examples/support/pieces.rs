//! The pieces that an example trains on: a folder of MIDI, a JSON corpus, a prepared corpus, or the built-in tracks.

// Each example uses a part of it.
#![allow(dead_code)]

use std::ops::ControlFlow;
use std::path::Path;

use deepcompose::models::ar_cnn::RollWindows;
use deepcompose::models::data::{Corpus, CorpusOptions, Prepared, Split};
use deepcompose::models::gan::GanDataset;
use deepcompose::models::transformer::{TokenDataset, Vocabulary};
use indicatif::ProgressBar;

use crate::training::Result;

pub(crate) enum Pieces {
    Corpus(Corpus),
    Prepared(Box<Prepared>),
}

impl Pieces {
    /// Opens what `--data` names, or takes `builtin`, and says what was skipped.
    pub(crate) fn open(data: Option<&Path>, builtin: fn() -> Corpus) -> Result<Self> {
        let Some(path) = data else { return Ok(Self::Corpus(builtin())) };
        if Prepared::is_at(path) {
            return Ok(Self::Prepared(Box::new(Prepared::open(path)?)));
        }
        let bar = ProgressBar::new(0);
        let (corpus, report) = Corpus::open_with(path, &CorpusOptions::default(), &mut |progress| {
            bar.set_length(progress.files as u64);
            bar.set_position(progress.done as u64);
            ControlFlow::Continue(())
        })?;
        bar.finish_and_clear();
        println!("{report}");
        report.skipped.iter().take(10).for_each(|skipped| println!("  {skipped}"));
        Ok(Self::Corpus(corpus))
    }

    /// A dataset of the pieces to train on and one of those to validate on: the former again, where a small corpus
    /// has no piece in its `valid` split.
    fn both<D>(dataset: impl Fn(Split) -> Result<D>, is_empty: impl Fn(&D) -> bool) -> Result<(D, D)> {
        let train = dataset(Split::Train)?;
        let valid = dataset(Split::Valid)?;
        if !is_empty(&valid) {
            return Ok((train, valid));
        }
        println!("no piece falls into the split `valid`: the loss is measured on the training pieces");
        Ok((train, dataset(Split::Train)?))
    }

    /// Windows that begin at every bar to train on, and at every fourth to validate on.
    pub(crate) fn windows(&self, steps: usize) -> Result<(RollWindows, RollWindows)> {
        let windows = |split| {
            let hop = if split == Split::Train { 16 } else { 64 };
            Ok(match self {
                Self::Corpus(corpus) => corpus.roll_windows(split, steps, hop)?,
                Self::Prepared(prepared) => prepared.roll_windows(split, steps, hop)?,
            })
        };
        Self::both(windows, RollWindows::is_empty)
    }

    /// Pieces as tokens.
    pub(crate) fn tokens(&self, vocabulary: Vocabulary) -> Result<(TokenDataset, TokenDataset)> {
        let tokens = |split| {
            Ok(match self {
                Self::Corpus(corpus) => corpus.token_dataset(&vocabulary, split)?,
                Self::Prepared(prepared) => {
                    prepared.require_vocabulary(vocabulary)?;
                    prepared.token_dataset(split)?
                }
            })
        };
        Self::both(tokens, |data| data.pieces().is_empty())
    }

    /// Windows of bands.
    pub(crate) fn bands(&self) -> Result<(GanDataset, GanDataset)> {
        let bands = |split| {
            Ok(match self {
                Self::Corpus(corpus) => corpus.gan_dataset(split)?,
                Self::Prepared(prepared) => prepared.gan_dataset(split)?,
            })
        };
        Self::both(bands, GanDataset::is_empty)
    }
}
