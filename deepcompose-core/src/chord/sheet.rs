//! [`ChordSheet`]: the chords of a song, bar by bar.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Chord;

/// Chords, one or two a bar, from a piece's first bar on.
///
/// As text, bars are separated by `|`: `Am F | C | G`. Of two chords each has half of the bar, which is two beats
/// of 4/4; what plays over a sheet may divide other metres otherwise. `%` is the bar before once more.
///
/// ```
/// use deepcompose_core::ChordSheet;
///
/// let sheet: ChordSheet = "| Am F | C | % | G |".parse()?;
/// assert_eq!(sheet.bars().len(), 4);
/// assert_eq!(sheet.half_bars().map(|chord| chord.to_string()).collect::<Vec<_>>().join(" "), "Am F C C C C G G");
/// assert_eq!(sheet.to_string(), "Am F | C | C | G");
/// # Ok::<(), deepcompose_core::ChordSheetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChordSheet {
    bars: Vec<[Chord; 2]>,
}

/// A text that is no [`ChordSheet`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChordSheetError {
    /// A chord that is none.
    #[error(
        "bar {bar}: {text:?} is no chord: major and minor triads such as C, F#m or Bb are accepted, and % for the bar before"
    )]
    Chord {
        /// The bar, from 1.
        bar: usize,
        /// What stands there.
        text: String,
    },
    /// A bar of no chord, or of more than two.
    #[error("bar {bar} has {found} chords: 1 or 2 are accepted, with | between bars")]
    Count {
        /// The bar, from 1.
        bar: usize,
        /// How many there are.
        found: usize,
    },
    /// More bars than [`ChordSheet::MAX_BARS`].
    #[error("{found} bars are over the limit of {limit}")]
    Limit {
        /// How many there are.
        found: usize,
        /// [`ChordSheet::MAX_BARS`].
        limit: usize,
    },
}

impl ChordSheet {
    /// Most bars of a sheet.
    pub const MAX_BARS: usize = 8192;

    /// No bars.
    pub const EMPTY: Self = Self { bars: Vec::new() };

    /// A sheet of the chords of each bar's halves.
    ///
    /// # Errors
    ///
    /// [`ChordSheetError::Limit`] for more than [`MAX_BARS`](Self::MAX_BARS) bars.
    pub fn new(bars: Vec<[Chord; 2]>) -> Result<Self, ChordSheetError> {
        if bars.len() > Self::MAX_BARS {
            return Err(ChordSheetError::Limit { found: bars.len(), limit: Self::MAX_BARS });
        }
        Ok(Self { bars })
    }

    /// The chords of each bar's halves.
    #[must_use]
    pub fn bars(&self) -> &[[Chord; 2]] {
        &self.bars
    }

    /// The chord of every half bar.
    pub fn half_bars(&self) -> impl Iterator<Item = Chord> {
        self.bars.iter().flatten().copied()
    }

    /// Whether there are no bars.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }
}

impl FromStr for ChordSheet {
    type Err = ChordSheetError;

    fn from_str(text: &str) -> Result<Self, ChordSheetError> {
        let text = text.trim();
        let text = text.strip_prefix('|').unwrap_or(text);
        let text = text.strip_suffix('|').unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut bars: Vec<[Chord; 2]> = Vec::new();
        for (index, bar) in text.split('|').enumerate() {
            let number = index + 1;
            let words: Vec<&str> = bar.split_whitespace().collect();
            let chord = |text: &str| {
                text.parse().map_err(|_| ChordSheetError::Chord { bar: number, text: text.to_owned() })
            };
            let halves = match (words.as_slice(), bars.last()) {
                (["%"], Some(before)) => *before,
                ([one], _) => [chord(one)?; 2],
                ([first, second], _) => [chord(first)?, chord(second)?],
                _ => return Err(ChordSheetError::Count { bar: number, found: words.len() }),
            };
            bars.push(halves);
        }
        Self::new(bars)
    }
}

impl fmt::Display for ChordSheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, [first, second]) in self.bars.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{first}")?;
            if second != first {
                write!(f, " {second}")?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for ChordSheet {
    type Error = ChordSheetError;

    fn try_from(text: String) -> Result<Self, ChordSheetError> {
        text.parse()
    }
}

impl From<ChordSheet> for String {
    fn from(sheet: ChordSheet) -> Self {
        sheet.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

        #[test]
        fn sheets_round_trip(bars in prop::collection::vec((0_usize..24, 0_usize..24), 0..40)) {
            let chord = |index| Chord::from_index(index).unwrap();
            let sheet = ChordSheet::new(bars.iter().map(|(a, b)| [chord(*a), chord(*b)]).collect()).unwrap();
            prop_assert_eq!(&sheet.to_string().parse::<ChordSheet>().unwrap(), &sheet);
            let json = serde_json::to_string(&sheet).unwrap();
            prop_assert_eq!(serde_json::from_str::<ChordSheet>(&json).unwrap(), sheet);
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<ChordSheet>();
            let _ = text.parse::<Chord>();
        }
    }

    #[test]
    fn texts_that_are_no_sheet_say_where() {
        let refused = |text: &str| text.parse::<ChordSheet>().unwrap_err();
        let chord = |bar, text: &str| ChordSheetError::Chord { bar, text: text.to_owned() };
        assert_eq!(refused("C | X"), chord(2, "X"));
        assert_eq!(refused("% | C"), chord(1, "%"));
        assert_eq!(refused("C | % C"), chord(2, "%"));
        assert_eq!(refused("C | F G C"), ChordSheetError::Count { bar: 2, found: 3 });
        assert_eq!(refused("C | | G"), ChordSheetError::Count { bar: 2, found: 0 });
        let long = vec!["C"; ChordSheet::MAX_BARS + 1].join("|");
        assert_eq!(refused(&long), ChordSheetError::Limit { found: 8193, limit: 8192 });
        assert!(["", " ", "|", "||"].iter().all(|text| text.parse::<ChordSheet>().unwrap().is_empty()));
    }
}
