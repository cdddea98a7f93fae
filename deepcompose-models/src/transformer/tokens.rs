//! [`Tokens`]: the tokens of a piece, in memory or in a prepared corpus.

use std::fmt;

use crate::data::column::{Column, digest};
use crate::data::content::ContentHash;

/// A list of tokens: in memory, or a region of a prepared corpus that is read from disk as it is needed.
///
/// ```
/// use deepcompose_models::transformer::Tokens;
///
/// let tokens = Tokens::from(vec![276, 39, 200, 127]);
/// assert_eq!((tokens.len(), tokens.get(1), tokens.get(4)), (4, Some(39), None));
/// ```
#[derive(Clone)]
pub struct Tokens(Stored);

#[derive(Clone)]
enum Stored {
    Memory(Column<u32>),
    Shard(Column<u16>),
}

impl Tokens {
    /// Tokens of a shard, whose digest is that of [`Tokens::digest`].
    pub(crate) const fn shard(column: Column<u16>) -> Self {
        Self(Stored::Shard(column))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Stored::Memory(column) => column.len(),
            Stored::Shard(column) => column.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them; `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<u32> {
        match &self.0 {
            Stored::Memory(column) => column.get(index),
            Stored::Shard(column) => column.get(index).map(u32::from),
        }
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// All of them in memory.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u32> {
        self.iter().collect()
    }

    /// A hash of the tokens, the same in memory and in a shard.
    pub(crate) fn digest(&self) -> ContentHash {
        match &self.0 {
            Stored::Memory(column) => column.digest(),
            Stored::Shard(column) => column.digest(),
        }
    }

    /// [`Tokens::digest`] of the tokens as they are on disk now.
    pub(crate) fn computed_digest(&self) -> ContentHash {
        digest(self.iter())
    }
}

impl From<Vec<u32>> for Tokens {
    fn from(tokens: Vec<u32>) -> Self {
        Self(Stored::Memory(Column::from(tokens)))
    }
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
