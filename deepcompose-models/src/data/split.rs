//! [`Split`]: what a piece is used for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ContentHash, CorpusError};

/// What a piece is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// To learn from.
    Train,
    /// To tell how training goes, and when to stop.
    Valid,
    /// For a last figure, never looked at before.
    Test,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name, as [`FromStr`] reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Split {
    type Err = CorpusError;

    fn from_str(text: &str) -> Result<Self, CorpusError> {
        Self::ALL.into_iter().find(|split| split.name() == text).ok_or_else(|| CorpusError::Option {
            field: "split",
            value: text.chars().take(64).collect(),
            accepted: "train, valid or test",
        })
    }
}

/// The shares of pieces that are held out, each 0 to 1, together under 1. A piece's split follows from its
/// [`ContentHash`] alone, so adding pieces moves none, and raising a share moves pieces out of the training split only.
///
/// ```
/// use deepcompose_models::data::SplitShares;
///
/// assert!(SplitShares::new(0.1, 0.1).is_ok());
/// let error = SplitShares::new(0.5, 0.5).unwrap_err().to_string();
/// assert_eq!(error, "valid + test is 1: 0 to under 1 is accepted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Shares", into = "Shares")]
pub struct SplitShares {
    valid: f64,
    test: f64,
}

/// The shares as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shares {
    valid: f64,
    test: f64,
}

impl SplitShares {
    /// Checks shares.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Option`] for a share outside 0 to 1, or shares of 1 and more together.
    pub fn new(valid: f64, test: f64) -> Result<Self, CorpusError> {
        for (field, value, most, accepted) in [
            ("valid", valid, 1.0, "0 to 1"),
            ("test", test, 1.0, "0 to 1"),
            ("valid + test", valid + test, 0.999_999, "0 to under 1"),
        ] {
            if !(0.0..=most).contains(&value) {
                return Err(CorpusError::Option { field, value: value.to_string(), accepted });
            }
        }
        Ok(Self { valid, test })
    }

    /// The share that is validated on.
    #[must_use]
    pub const fn valid(self) -> f64 {
        self.valid
    }

    /// The share that is tested on.
    #[must_use]
    pub const fn test(self) -> f64 {
        self.test
    }

    /// The split of a piece.
    #[must_use]
    pub fn split(self, content: &ContentHash) -> Split {
        let place = content.fraction();
        if place < self.valid {
            Split::Valid
        } else if place >= 1.0 - self.test {
            Split::Test
        } else {
            Split::Train
        }
    }
}

impl Default for SplitShares {
    /// A tenth for validation, nothing for tests.
    fn default() -> Self {
        Self { valid: 0.1, test: 0.0 }
    }
}

impl TryFrom<Shares> for SplitShares {
    type Error = CorpusError;

    fn try_from(shares: Shares) -> Result<Self, CorpusError> {
        Self::new(shares.valid, shares.test)
    }
}

impl From<SplitShares> for Shares {
    fn from(shares: SplitShares) -> Self {
        Self { valid: shares.valid, test: shares.test }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::data::content::sha256;

    #[test]
    fn shares_are_met_and_a_larger_share_moves_pieces_out_of_training_only() {
        let hashes: Vec<ContentHash> = (0..4000_u32).map(|i| sha256(&i.to_le_bytes())).collect();
        let splits = |shares: SplitShares| hashes.iter().map(|h| shares.split(h)).collect::<Vec<_>>();
        let (small, large) =
            (splits(SplitShares::new(0.1, 0.2).unwrap()), splits(SplitShares::new(0.2, 0.3).unwrap()));
        let count = |splits: &[Split], split| splits.iter().filter(|s| **s == split).count() as f64;
        // Five standard deviations of a binomial.
        for (split, share) in [(Split::Valid, 0.1), (Split::Test, 0.2), (Split::Train, 0.7)] {
            let deviation = f64::sqrt(4000.0 * share * (1.0 - share));
            assert!((count(&small, split) - 4000.0 * share).abs() < 5.0 * deviation);
        }
        assert!(small.iter().zip(&large).all(|(a, b)| a == b || *a == Split::Train));
        assert!(splits(SplitShares::new(0.0, 0.0).unwrap()).iter().all(|s| *s == Split::Train));
    }

    #[test]
    fn shares_and_splits_out_of_range_are_refused() {
        for (valid, test) in [(-0.1, 0.0), (0.0, 1.1), (f64::NAN, 0.0), (0.0, f64::INFINITY), (0.6, 0.4)] {
            assert!(
                matches!(SplitShares::new(valid, test), Err(CorpusError::Option { .. })),
                "{valid} {test}"
            );
        }
        assert!(serde_json::from_str::<SplitShares>(r#"{"valid":0.9,"test":0.9}"#).is_err());
        for split in Split::ALL {
            assert_eq!(split.to_string().parse::<Split>().unwrap(), split);
            assert_eq!(serde_json::to_string(&split).unwrap(), format!("\"{split}\""));
        }
        assert!("dev".parse::<Split>().is_err());
    }
}
