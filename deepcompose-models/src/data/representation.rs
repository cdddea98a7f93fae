//! [`Representation`]: what a model learns a score as.

use std::fmt;

use deepcompose_core::Score;
use serde::{Deserialize, Serialize};

use super::{CorpusError, Split, TokenAugmentation};
use crate::ar_cnn::sounding;
use crate::gan::{GanPiece, Genre};
use crate::transformer::Vocabulary;

/// What a model learns a score as.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Representation {
    /// Tokens, for the Transformer.
    Tokens {
        /// The tokenizer.
        vocabulary: Vocabulary,
        /// Further renditions of pieces to train on.
        #[serde(default)]
        augmentation: TokenAugmentation,
    },
    /// The pitches that sound in each sixteenth, all melodic tracks merged, for the AR-CNN.
    Rolls,
    /// The pitches of the melody and of each role of a band in each sixteenth, for the GAN.
    Bands,
}

impl Representation {
    /// Tokens without further renditions.
    #[must_use]
    pub fn tokens(vocabulary: Vocabulary) -> Self {
        Self::Tokens { vocabulary, augmentation: TokenAugmentation::default() }
    }

    pub(super) fn validate(&self) -> Result<(), CorpusError> {
        match self {
            Self::Tokens { vocabulary, augmentation } => augmentation.validate(*vocabulary),
            Self::Rolls | Self::Bands => Ok(()),
        }
    }

    /// The score in this representation, or why it has none.
    pub(super) fn encode(&self, score: &Score, genre: Genre, split: Split) -> Result<Encoded, String> {
        match self {
            Self::Tokens { vocabulary, augmentation } => {
                let plain = TokenAugmentation::default();
                let augmentation = if split == Split::Train { augmentation } else { &plain };
                let scores = augmentation.scores(score);
                let renditions: Vec<Vec<u32>> = scores.iter().map(|s| vocabulary.encode(s)).collect();
                if renditions.is_empty() || renditions.iter().any(Vec::is_empty) {
                    return Err(format!("no note that the tokenizer {vocabulary} can write"));
                }
                Ok(Encoded::Tokens(renditions))
            }
            Self::Rolls => match sounding(score) {
                Ok(steps) if steps.is_empty() => Err("no pitched notes".to_owned()),
                Ok(steps) => Ok(Encoded::Rolls(steps)),
                Err(error) => Err(error.to_string()),
            },
            Self::Bands => GanPiece::from_score(score, genre, None)
                .map(Encoded::Bands)
                .map_err(|error| error.to_string()),
        }
    }
}

impl fmt::Display for Representation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens { vocabulary, .. } => write!(f, "tokens ({vocabulary})"),
            Self::Rolls => f.write_str("rolls"),
            Self::Bands => f.write_str("bands"),
        }
    }
}

/// A score in a [`Representation`].
pub(super) enum Encoded {
    /// The renditions.
    Tokens(Vec<Vec<u32>>),
    Rolls(Vec<u128>),
    Bands(GanPiece),
}
