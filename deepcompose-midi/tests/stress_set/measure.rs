//! What work costs, and how that grows.
//!
//! Time is the thread's own CPU time, so other programs count little; the smallest of some runs is
//! taken. Memory is the most that was allocated at once beyond what was there before, as the
//! allocator of this test counts it. Cases are run one after the other.

use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cpu_time::ThreadTime;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits for other cases. Held while a case runs, so that allocations counted are its own.
pub fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What work took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub time: Duration,
    /// Bytes.
    pub peak: usize,
}

/// Runs `work` and says what it took.
pub fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let start = ThreadTime::now();
    let out = black_box(work());
    let time = start.elapsed();
    let peak = ALLOCATED.peak_usage().saturating_sub(before);
    (out, Cost { time, peak })
}

/// How many times longer work on twice as much may take. Linear work takes 2 times as long, work
/// that sorts a little more, quadratic work 4 times. It is the mean over three doublings, because
/// one of them may be the one at which a cache is full or the allocator asks for pages.
const MOST_FOR_DOUBLE: f64 = 3.0;

/// Three doublings.
const SMALLER: usize = 8;

/// Times below this are taken as this: a clock can hardly tell them.
const TOO_SHORT: Duration = Duration::from_millis(1);

/// Does `work` on what `make` gives for `size / 8` and for `size`. Fails if time grows by a factor
/// of 3 or more for each doubling, or if either run needs more than `bytes_each` bytes for each of
/// its `size`, and a mebibyte.
pub fn grows_linearly<I, T>(
    name: &str,
    size: usize,
    bytes_each: usize,
    make: impl Fn(usize) -> I,
    work: impl Fn(&I) -> T,
) {
    let mut ratio = f64::INFINITY;
    // Another program can be in the way for a while: a second and a third chance.
    for _ in 0..3 {
        let part = smallest(size / SMALLER, bytes_each, &make, &work, name);
        let whole = smallest(size, bytes_each, &make, &work, name);
        ratio = (whole.time.as_secs_f64() / part.time.max(TOO_SHORT).as_secs_f64()).cbrt();
        println!(
            "{name}: {size} in {:.3} s, {ratio:.2} times as long for twice as much, {} bytes each",
            whole.time.as_secs_f64(),
            whole.peak / size.max(1)
        );
        if ratio < MOST_FOR_DOUBLE {
            return;
        }
    }
    panic!("{name}: twice as much takes {ratio:.2} times as long");
}

fn smallest<I, T>(
    size: usize,
    bytes_each: usize,
    make: &impl Fn(usize) -> I,
    work: &impl Fn(&I) -> T,
    name: &str,
) -> Cost {
    let input = make(size);
    let once = || {
        let (out, cost) = cost(|| work(&input));
        drop(out);
        assert!(
            cost.peak <= size * bytes_each + (1 << 20),
            "{name}: {} bytes for {size}, at most {bytes_each} each",
            cost.peak
        );
        cost
    };
    (0..2).map(|_| once()).min_by_key(|c| c.time).expect("two runs")
}
