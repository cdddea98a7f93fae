//! Time signatures on bar lines.

/// Ticks of a note of `1/lower`, rounded down.
pub(super) fn ticks_per_beat(lower: u8, ticks_per_quarter: i64) -> i64 {
    ticks_per_quarter * 4 / i64::from(lower.max(1))
}

/// Ticks of a bar, at least 1.
pub(super) fn ticks_per_bar(upper: u8, lower: u8, ticks_per_quarter: i64) -> i64 {
    (ticks_per_beat(lower, ticks_per_quarter) * i64::from(upper)).max(1)
}

/// Moves time signatures `(tick, upper, lower)` on to the next bar line. Of those on one bar line the last counts; one
/// that equals the one before goes.
pub(super) fn preprocess_signatures(
    signatures: &[(i64, u8, u8)],
    ticks_per_quarter: i64,
) -> Vec<(i64, u8, u8)> {
    let bar = |s: &(i64, u8, u8)| ticks_per_bar(s.1, s.2, ticks_per_quarter);
    let is_equal = |a: &(i64, u8, u8), b: &(i64, u8, u8)| (a.1, a.2) == (b.1, b.2);
    let mut out: Vec<(i64, u8, u8)> = Vec::with_capacity(signatures.len());
    let mut bar_ticks = signatures.first().map_or(1, bar);
    let mut previous = 0;
    for &(tick, upper, lower) in signatures {
        let mut new = (tick, upper, lower);
        if let Some(last) = out.last() {
            if is_equal(last, &new) {
                continue;
            }
            new.0 = tick.max(last.0);
        }
        let bars = (new.0 - previous).div_euclid(bar_ticks);
        if (new.0 - previous).rem_euclid(bar_ticks) > 0 {
            new.0 = previous + (bars + 1) * bar_ticks;
        }
        bar_ticks = bar(&new);
        previous = new.0;
        if out.last().is_some_and(|last| last.0 == new.0) {
            out.pop();
            if let Some(last) = out.last().filter(|last| is_equal(last, &new)) {
                bar_ticks = bar(last);
                previous = last.0;
                continue;
            }
        }
        out.push(new);
    }
    out
}
