//! [`Column`]: a list of numbers, in memory or in a mapped file.

use std::fmt;
use std::sync::Arc;

use super::content::{ContentHash, Hasher};
use super::prepared::map::Map;

/// What a column can hold: written in a fixed number of bytes, little-endian.
pub(crate) trait Item: Copy + fmt::Debug + PartialEq {
    /// Bytes of one item.
    const BYTES: usize;

    /// An item of [`Item::BYTES`] bytes; `None` for any other number of them.
    fn read(bytes: &[u8]) -> Option<Self>;

    fn write(self, out: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Item for $number {
            const BYTES: usize = size_of::<$number>();

            fn read(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(bytes.try_into().ok()?))
            }

            fn write(self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
        }
    )*};
}

numbers!(u16, u32, u128);

impl<const N: usize> Item for [u128; N] {
    const BYTES: usize = 16 * N;

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut out = [0; N];
        if bytes.len() != Self::BYTES {
            return None;
        }
        for (number, bytes) in out.iter_mut().zip(bytes.chunks_exact(16)) {
            *number = u128::read(bytes)?;
        }
        Some(out)
    }

    fn write(self, out: &mut Vec<u8>) {
        self.into_iter().for_each(|number| number.write(out));
    }
}

/// A list of items, owned or a region of a mapped shard. Either way it is read through [`Column::get`].
#[derive(Clone)]
pub(crate) struct Column<T>(Storage<T>);

#[derive(Clone)]
enum Storage<T> {
    Owned(Vec<T>),
    Mapped { map: Arc<Map>, start: usize, items: usize, digest: ContentHash },
}

impl<T: Item> Column<T> {
    /// `items` items from byte `start` of a mapped file on; `None` if the file ends before them. `digest` is what
    /// [`Column::digest`] gave when they were written.
    pub(crate) fn mapped(map: &Arc<Map>, start: usize, items: usize, digest: ContentHash) -> Option<Self> {
        let end = items.checked_mul(T::BYTES)?.checked_add(start)?;
        map.bytes().get(start..end)?;
        Some(Self(Storage::Mapped { map: Arc::clone(map), start, items, digest }))
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Storage::Owned(items) => items.len(),
            Storage::Mapped { items, .. } => *items,
        }
    }

    /// One item; `None` past the end.
    pub(crate) fn get(&self, index: usize) -> Option<T> {
        match &self.0 {
            Storage::Owned(items) => items.get(index).copied(),
            Storage::Mapped { map, start, items, .. } => {
                let at = (index < *items).then(|| start + index * T::BYTES)?;
                T::read(map.bytes().get(at..at + T::BYTES)?)
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// A hash of the items, which a mapped column knows without reading them.
    pub(crate) fn digest(&self) -> ContentHash {
        match &self.0 {
            Storage::Owned(_) => self.computed_digest(),
            Storage::Mapped { digest, .. } => *digest,
        }
    }

    /// A hash of the items as they are now.
    pub(crate) fn computed_digest(&self) -> ContentHash {
        digest(self.iter())
    }
}

/// What [`Column::digest`] is for these items.
pub(crate) fn digest<T: Item>(items: impl Iterator<Item = T>) -> ContentHash {
    let mut hash = Hasher::new("column");
    let mut buffer = Vec::with_capacity(1 << 14);
    for item in items {
        if buffer.len() + T::BYTES > buffer.capacity() {
            hash.bytes(&buffer);
            buffer.clear();
        }
        item.write(&mut buffer);
    }
    hash.bytes(&buffer);
    hash.finish()
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(items: Vec<T>) -> Self {
        Self(Storage::Owned(items))
    }
}

impl<T: Item> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Item> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    /// The same items, owned and mapped, the latter after `before` other bytes.
    fn both<T: Item>(items: &[T], before: usize) -> (Column<T>, Column<T>) {
        let mut bytes = vec![0xAA; before];
        items.iter().for_each(|item| item.write(&mut bytes));
        assert_eq!(bytes.len(), before + items.len() * T::BYTES);
        bytes.push(0xBB);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("column");
        std::fs::write(&path, bytes).unwrap();
        let map = Arc::new(Map::open(&path).unwrap());
        let owned = Column::from(items.to_vec());
        let mapped = Column::mapped(&map, before, items.len(), owned.digest()).unwrap();
        // One byte more is there, one item more is not.
        assert!(
            T::BYTES == 1 || Column::<T>::mapped(&map, before, items.len() + 1, owned.digest()).is_none()
        );
        assert!(Column::<T>::mapped(&map, usize::MAX, 1, owned.digest()).is_none());
        assert!(Column::<T>::mapped(&map, 0, usize::MAX, owned.digest()).is_none());
        (owned, mapped)
    }

    fn same<T: Item>(items: Vec<T>, before: usize) {
        let (owned, mapped) = both(&items, before);
        assert_eq!((owned.len(), mapped.len()), (items.len(), items.len()));
        assert_eq!(mapped.iter().collect::<Vec<_>>(), items);
        assert_eq!(owned, mapped);
        assert_eq!(mapped.get(items.len()), None);
        assert_eq!(mapped.computed_digest(), owned.digest());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn mapped_and_owned_columns_hold_the_same(
            narrow in proptest::collection::vec(any::<u16>(), 0..50),
            wide in proptest::collection::vec(any::<u32>(), 0..50),
            sets in proptest::collection::vec(any::<u128>(), 0..50),
            bands in proptest::collection::vec(any::<[u128; 5]>(), 0..20),
            before in 0_usize..9,
        ) {
            same(narrow, before);
            same(wide, before);
            same(sets, before);
            same(bands, before);
        }
    }

    #[test]
    fn items_are_little_endian_and_the_digest_is_of_their_bytes() {
        let mut bytes = Vec::new();
        0x0102_u16.write(&mut bytes);
        [1_u128, 2].write(&mut bytes);
        let mut expected = vec![2, 1, 1];
        expected.extend([0; 15]);
        expected.push(2);
        expected.extend([0; 15]);
        assert_eq!(bytes, expected);
        // Long enough for several buffers.
        let items: Vec<u32> = (0..20_000).collect();
        let mut hash = Hasher::new("column");
        items.iter().for_each(|item| hash.bytes(&item.to_le_bytes()));
        assert_eq!(Column::from(items).digest(), hash.finish());
        assert_ne!(Column::from(vec![1_u32, 2]).digest(), Column::from(vec![2_u32, 1]).digest());
    }
}
