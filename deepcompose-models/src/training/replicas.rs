//! Parts of a batch computed at once on threads of their own.

use super::TrainError;
use crate::error::ModelError;

/// Threads for data-parallel training on the CPU, each with a rayon pool of one thread, so that nothing in one part
/// waits for another.
#[derive(Debug)]
pub(crate) struct Replicas {
    pools: Vec<rayon::ThreadPool>,
}

impl Replicas {
    /// `workers` threads; for one there is none, and the work is done where it is asked for.
    pub(crate) fn new(workers: usize) -> Result<Self, TrainError> {
        let pool = |_| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            pool.map_err(|e| ModelError::Device(format!("no thread for training: {e}")))
        };
        let pools = if workers > 1 { (0..workers).map(pool).collect::<Result<_, _>>()? } else { Vec::new() };
        Ok(Self { pools })
    }

    /// `f` of every part, in order. There are at most as many parts as workers.
    pub(crate) fn map<P: Send, T: Send>(&self, parts: Vec<P>, f: impl Fn(usize, P) -> T + Sync) -> Vec<T> {
        if self.pools.is_empty() {
            return parts.into_iter().enumerate().map(|(index, part)| f(index, part)).collect();
        }
        let mut results: Vec<Option<T>> = parts.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            for (index, ((part, pool), result)) in
                parts.into_iter().zip(&self.pools).zip(&mut results).enumerate()
            {
                let f = &f;
                scope.spawn(move || *result = Some(pool.install(|| f(index, part))));
            }
        });
        results.into_iter().flatten().collect()
    }
}
