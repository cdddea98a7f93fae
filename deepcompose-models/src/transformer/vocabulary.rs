//! [`Vocabulary`]: which tokenizer a network's tokens are of.

use std::fmt;
use std::str::FromStr;

use deepcompose_core::{PerformanceClock, PerformanceTokenizer, SatbTokenizer, Score, TokenId, Tokenizer};
use serde::{Deserialize, Serialize};

use super::config::config_error;
use super::error::TransformerError;

/// The tokenizer that a Transformer's tokens are of, as its configuration and its weights file name it.
///
/// | value | tokenizer | tokens |
/// |---|---|---|
/// | `performance` | [`PerformanceTokenizer`] on the metric clock, 48 units a quarter note | 310 |
/// | `satb` | [`SatbTokenizer`]: four voices on a grid of sixteenths | 131 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Vocabulary {
    /// Performance tokens on the metric clock.
    #[default]
    Performance,
    /// Four voices on a grid of sixteenths.
    Satb,
}

impl Vocabulary {
    /// Every vocabulary.
    pub const ALL: [Self; 2] = [Self::Performance, Self::Satb];

    /// The tokenizer.
    #[must_use]
    pub fn tokenizer(self) -> Box<dyn Tokenizer> {
        match self {
            Self::Performance => Box::new(PerformanceTokenizer::new(PerformanceClock::Metric)),
            Self::Satb => Box::new(SatbTokenizer),
        }
    }

    /// How many tokens there are.
    #[must_use]
    pub fn size(self) -> usize {
        self.tokenizer().vocabulary_size()
    }

    /// The tokens of a score, without a start token.
    #[must_use]
    pub fn encode(self, score: &Score) -> Vec<TokenId> {
        self.tokenizer().encode(score).split_off(1)
    }

    /// Which of the tokens name pitches, start a piece and fill up.
    #[cfg(feature = "train")]
    #[must_use]
    pub fn layout(self) -> super::TokenLayout {
        match self {
            Self::Performance => super::TokenLayout::performance(),
            Self::Satb => super::TokenLayout::satb(),
        }
    }

    /// The name of every token, in order of their ids.
    #[must_use]
    pub fn token_names(self) -> Vec<String> {
        let tokenizer = self.tokenizer();
        (0..tokenizer.vocabulary_size() as TokenId).filter_map(|id| tokenizer.token_name(id)).collect()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Performance => "performance",
            Self::Satb => "satb",
        }
    }
}

impl fmt::Display for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Vocabulary {
    type Err = TransformerError;

    fn from_str(text: &str) -> Result<Self, TransformerError> {
        let found = Self::ALL.into_iter().find(|v| v.name() == text);
        found.ok_or_else(|| config_error("tokenizer", text, "performance or satb"))
    }
}

/// A vocabulary by its name, or `"none"`: TOML has no null.
pub(super) mod or_none {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Vocabulary;

    const NONE: &str = "none";

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Vocabulary>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.map_or(NONE, Vocabulary::name))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vocabulary>, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == NONE { Ok(None) } else { name.parse().map(Some).map_err(D::Error::custom) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use deepcompose_core::InputTrack;

    use super::*;

    #[test]
    fn every_token_has_a_name_and_every_vocabulary_survives_text_and_json() {
        for vocabulary in Vocabulary::ALL {
            assert_eq!(vocabulary.token_names().len(), vocabulary.size());
            assert_eq!(vocabulary.to_string().parse::<Vocabulary>().unwrap(), vocabulary);
            let json = serde_json::to_string(&vocabulary).unwrap();
            assert_eq!(json, format!("\"{vocabulary}\""));
            assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary);
        }
        assert_eq!((Vocabulary::Performance.size(), Vocabulary::Satb.size()), (310, 131));
        let message = "remi".parse::<Vocabulary>().unwrap_err().to_string();
        assert_eq!(message, "tokenizer is remi: performance or satb is accepted");
    }

    #[test]
    fn encoding_has_no_start_token() {
        let score = InputTrack::OdeToJoy.score();
        assert!(!Vocabulary::Performance.encode(&score).contains(&308));
        let cells = Vocabulary::Satb.encode(&score);
        assert!(!cells.contains(&SatbTokenizer::START_ID));
        assert_eq!(cells.len() % 4, 0);
    }
}
