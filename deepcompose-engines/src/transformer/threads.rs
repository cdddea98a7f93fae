//! Work for several threads, split the same way whatever their number.

/// Fewer multiply-adds than this are not worth a second thread.
pub(super) const WORTH_A_THREAD: usize = 200_000;

/// Runs `run` on each item, on several threads if `parallel`; it gets the item's index.
pub(super) fn each<T: Send>(items: &mut [T], parallel: bool, run: &(impl Fn(usize, &mut T) + Sync)) {
    match parallel {
        true => halves(items, 0, run),
        false => items.iter_mut().enumerate().for_each(|(index, item)| run(index, item)),
    }
}

fn halves<T: Send>(items: &mut [T], first: usize, run: &(impl Fn(usize, &mut T) + Sync)) {
    match items {
        [] => {}
        [item] => run(first, item),
        _ => {
            let middle = items.len().div_ceil(2);
            let (lower, upper) = items.split_at_mut(middle);
            rayon::join(|| halves(lower, first, run), || halves(upper, first + middle, run));
        }
    }
}

/// The part number `index` of `count` things cut into `parts` parts that differ by at most one.
pub(super) fn part(count: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    index * count / parts..(index + 1) * count / parts
}

/// Into how many parts a sublayer of this width is cut, each with sums of its own: two, or four from 1024 on.
pub(super) fn parts(width: usize, most: usize) -> usize {
    let parts = if width < 1024 { 2 } else { 4 };
    parts.min(most)
}

/// Runs `run` on chunks of `length` items, on several threads if `parallel`; it gets the chunk's index.
pub(super) fn chunks<T: Send>(
    items: &mut [T],
    length: usize,
    parallel: bool,
    run: &(impl Fn(usize, &mut [T]) + Sync),
) {
    match parallel {
        true => chunk_halves(items, length, 0, run),
        false => items.chunks_mut(length).enumerate().for_each(|(index, chunk)| run(index, chunk)),
    }
}

fn chunk_halves<T: Send>(
    items: &mut [T],
    length: usize,
    first: usize,
    run: &(impl Fn(usize, &mut [T]) + Sync),
) {
    let count = items.len().div_ceil(length);
    match count {
        0 => {}
        1 => run(first, items),
        _ => {
            let middle = count.div_ceil(2);
            let (lower, upper) = items.split_at_mut(middle * length);
            rayon::join(
                || chunk_halves(lower, length, first, run),
                || chunk_halves(upper, length, first + middle, run),
            );
        }
    }
}

/// Runs `run` in the current pool of threads, and tells it whether that has more than one.
pub(super) fn in_pool<R: Send>(run: impl FnOnce(bool) -> R + Send) -> R {
    match (rayon::current_num_threads() > 1, rayon::current_thread_index()) {
        (false, _) => run(false),
        (true, Some(_)) => run(true),
        // One change of threads for the whole pass instead of one for each part of it.
        (true, None) => rayon::scope(|_| run(true)),
    }
}
