//! [`PartOf`]: one machine's part of a preparation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::CorpusError;
use crate::data::content::sha256;

/// One machine's part of a preparation that is shared among several: part `index` of `count`, written `index/count`.
///
/// A file belongs to the part that a hash of its path, from the corpus's folder on, says. So every machine needs the
/// same folder, and nothing else from the others.
///
/// ```
/// use deepcompose_models::data::PartOf;
///
/// let part: PartOf = "2/4".parse()?;
/// assert_eq!((part.index(), part.count()), (2, 4));
/// assert!("4/4".parse::<PartOf>().is_err()); // parts are counted from zero
/// # Ok::<(), deepcompose_models::data::CorpusError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartOf {
    index: usize,
    count: usize,
}

impl PartOf {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };
    /// The most parts of a preparation.
    pub const MAX: usize = 999;

    /// Part `index` of `count`, counted from zero.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Option`] for no such part, or more than [`PartOf::MAX`] of them.
    pub fn new(index: usize, count: usize) -> Result<Self, CorpusError> {
        if index < count && count <= Self::MAX {
            Ok(Self { index, count })
        } else {
            Err(wrong(format!("{index}/{count}")))
        }
    }

    /// Which part, from zero.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// How many parts there are.
    #[must_use]
    pub const fn count(self) -> usize {
        self.count
    }

    /// Whether a file belongs to this part.
    pub(crate) fn takes(self, id: &str) -> bool {
        let [a, b, c, d, e, f, g, h, ..] = *sha256(id.as_bytes()).bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) % self.count as u64 == self.index as u64
    }

    /// How the names of the part's files begin.
    pub(crate) fn stem(self) -> String {
        format!("part-{:03}-of-{:03}", self.index, self.count)
    }

    /// The part whose manifest has this name.
    pub(crate) fn of_manifest(name: &str) -> Option<Self> {
        let (index, count) = name.strip_prefix("part-")?.strip_suffix(".json")?.split_once("-of-")?;
        let part = Self::new(index.parse().ok()?, count.parse().ok()?).ok()?;
        (format!("{}.json", part.stem()) == name).then_some(part)
    }
}

impl Default for PartOf {
    fn default() -> Self {
        Self::WHOLE
    }
}

fn wrong(value: String) -> CorpusError {
    CorpusError::Option { field: "shard", value, accepted: "i/n with i from 0 to n - 1 and n up to 999" }
}

impl fmt::Display for PartOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for PartOf {
    type Err = CorpusError;

    fn from_str(text: &str) -> Result<Self, CorpusError> {
        let shown = || text.chars().take(64).collect::<String>();
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (index, count) = numbers.ok_or_else(|| wrong(shown()))?;
        Self::new(index, count)
    }
}

impl TryFrom<String> for PartOf {
    type Error = CorpusError;

    fn try_from(text: String) -> Result<Self, CorpusError> {
        text.parse()
    }
}

impl From<PartOf> for String {
    fn from(part: PartOf) -> Self {
        part.to_string()
    }
}
