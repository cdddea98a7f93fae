//! The order in which examples are visited.

use std::sync::{Mutex, PoisonError};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// An endless walk over `0..len`: every epoch is a permutation of its own, drawn from the seed and the epoch's
/// number, so that any place of the walk can be found again from its number alone.
#[derive(Debug)]
pub(crate) struct Shuffle {
    len: usize,
    seed: u64,
    /// The last epoch asked for, and its permutation.
    epoch: Mutex<Option<(u64, Vec<u32>)>>,
}

impl Shuffle {
    /// A walk over `0..len`; `len` is at least 1.
    pub(crate) fn new(len: usize, seed: u64) -> Self {
        Self { len: len.max(1), seed, epoch: Mutex::new(None) }
    }

    /// The `count` places from number `from` on.
    pub(crate) fn take(&self, from: u64, count: usize) -> Vec<usize> {
        let mut cached = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        (from..from + count as u64)
            .map(|number| {
                let (epoch, place) = (number / self.len as u64, (number % self.len as u64) as usize);
                if cached.as_ref().is_none_or(|(cached, _)| *cached != epoch) {
                    *cached = Some((epoch, self.permutation(epoch)));
                }
                cached.as_ref().map_or(0, |(_, order)| order[place] as usize)
            })
            .collect()
    }

    fn permutation(&self, epoch: u64) -> Vec<u32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch);
        let mut order: Vec<u32> = (0..self.len as u32).collect();
        order.shuffle(&mut rng);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_visits_everything_once_in_an_order_of_its_own() {
        let walk = Shuffle::new(10, 3);
        let (first, second) = (walk.take(0, 10), walk.take(10, 10));
        for epoch in [&first, &second] {
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(first, second);
        // A place is found from its number, whatever was asked before, also across the end of an epoch.
        let joined: Vec<usize> = first.iter().chain(&second).copied().collect();
        assert_eq!(Shuffle::new(10, 3).take(7, 6), joined[7..13]);
        assert_ne!(Shuffle::new(10, 4).take(0, 10), first);
    }
}
