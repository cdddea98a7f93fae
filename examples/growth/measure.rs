//! Seconds and bytes of a work, and the power that fits them.

use std::time::{Duration, Instant};

use super::Outcome;

/// A point of a line.
pub(crate) struct Point {
    pub(crate) value: usize,
    pub(crate) seconds: f64,
    pub(crate) peak_bytes: u64,
}

/// What a point's process prints.
pub(crate) struct Measured {
    seconds: f64,
    peak_bytes: u64,
}

impl Measured {
    pub(crate) fn line(&self) -> String {
        format!("{:e} {}", self.seconds, self.peak_bytes)
    }
}

impl Point {
    pub(crate) fn parse(value: usize, line: &str) -> Outcome<Self> {
        let (seconds, bytes) = line.trim().split_once(' ').ok_or("a point without two numbers")?;
        Ok(Self { value, seconds: seconds.parse()?, peak_bytes: bytes.parse()? })
    }
}

/// Once unmeasured if that is short, then for half a second; the median.
pub(crate) fn measure(work: &mut dyn FnMut() -> Outcome<()>) -> Outcome<Measured> {
    let mut times = vec![time(work, 1)?];
    if times[0] < 2.0 {
        // Short work many times in a row: a clock has its limits.
        let row = (1e-3 / times[0].max(1e-9)).ceil() as u32;
        times.clear();
        let start = Instant::now();
        while times.len() < 3 || start.elapsed() < Duration::from_millis(500) {
            times.push(time(work, row)?);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(Measured { seconds: times[times.len() / 2], peak_bytes: peak().unwrap_or(0) })
}

/// Seconds of one of so many.
fn time(work: &mut dyn FnMut() -> Outcome<()>, count: u32) -> Outcome<f64> {
    let start = Instant::now();
    for _ in 0..count {
        work()?;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(count))
}

/// The largest resident set of this process so far (Linux only).
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The slope of the logarithms by least squares, over the larger half of the points: below, what does not grow
/// would flatten it.
pub(crate) fn exponent(points: &[Point]) -> Option<f64> {
    let larger = &points[points.len().saturating_sub(points.len().div_ceil(2).max(2))..];
    let logs = larger.iter().map(|p| ((p.value as f64).ln(), p.seconds.ln()));
    let count = larger.len() as f64;
    let (x, y) = logs.clone().fold((0.0, 0.0), |(x, y), (a, b)| (x + a / count, y + b / count));
    let (above, below) = logs
        .fold((0.0, 0.0), |(above, below), (a, b)| (above + (a - x) * (b - y), below + (a - x) * (a - x)));
    (below > 0.0).then(|| above / below)
}
