//! The pieces that an example trains on: a folder of MIDI, a JSON corpus, a prepared corpus, or the built-in tracks.

// Each example uses a part of it.
#![allow(dead_code)]

use std::ops::ControlFlow;
use std::path::Path;

use deepcompose::models::ar_cnn::RollWindows;
use deepcompose::models::data::{Corpus, CorpusError, CorpusOptions, Prepared, Split};
use deepcompose::models::gan::GanDataset;
use deepcompose::models::transformer::{TokenDataset, Vocabulary};
use indicatif::ProgressBar;

use crate::training::{Result, say};

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
        say!("{report}");
        report.skipped.iter().take(10).for_each(|skipped| say!("  {skipped}"));
        Ok(Self::Corpus(corpus))
    }

    /// A dataset of the pieces to train on and one of those to validate on. Where a small corpus has pieces in one of
    /// the splits only, they serve as both.
    fn both<D>(dataset: impl Fn(Split) -> std::result::Result<D, CorpusError>) -> Result<(D, D)> {
        let only = |split| {
            say!("all pieces fall into the split `{split}`: they are trained on and measured on");
            dataset(split)
        };
        match (dataset(Split::Train), dataset(Split::Valid)) {
            (Ok(train), Err(CorpusError::EmptySplit { .. })) => Ok((train, only(Split::Train)?)),
            (Err(CorpusError::EmptySplit { .. }), Ok(valid)) => Ok((only(Split::Valid)?, valid)),
            (train, valid) => Ok((train?, valid?)),
        }
    }

    /// Windows that begin at every bar to train on, and at every fourth to validate on.
    pub(crate) fn windows(&self, steps: usize) -> Result<(RollWindows, RollWindows)> {
        Self::both(|split| {
            let hop = if split == Split::Train { 16 } else { 64 };
            match self {
                Self::Corpus(corpus) => corpus.roll_windows(split, steps, hop),
                Self::Prepared(prepared) => prepared.roll_windows(split, steps, hop),
            }
        })
    }

    /// Pieces as tokens.
    pub(crate) fn tokens(&self, vocabulary: Vocabulary) -> Result<(TokenDataset, TokenDataset)> {
        Self::both(|split| match self {
            Self::Corpus(corpus) => corpus.token_dataset(&vocabulary, split),
            Self::Prepared(prepared) => {
                prepared.require_vocabulary(vocabulary)?;
                prepared.token_dataset(split)
            }
        })
    }

    /// Windows of bands.
    pub(crate) fn bands(&self) -> Result<(GanDataset, GanDataset)> {
        Self::both(|split| match self {
            Self::Corpus(corpus) => corpus.gan_dataset(split),
            Self::Prepared(prepared) => prepared.gan_dataset(split),
        })
    }
}
