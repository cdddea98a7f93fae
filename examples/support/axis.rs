//! Round numbers for axes.

/// About `count` round numbers, 1, 2 or 5 times a power of ten apart, within `low..=high`.
pub(crate) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return vec![low];
    }
    let rough = span / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let unit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= rough * 0.75).unwrap_or(10.0) * power;
    let (first, last) = ((low / unit - 1e-6).ceil() as i64, (high / unit + 1e-6).floor() as i64);
    (first..=last).map(|i| i as f64 * unit).collect()
}

/// A number with as many decimals as its neighbours at distance `step` need.
pub(crate) fn label(value: f64, step: f64) -> String {
    let decimals = if step > 0.0 { (-step.log10().floor()).clamp(0.0, 6.0) as usize } else { 2 };
    let text = format!("{value:.decimals$}");
    // No minus zero; thousands apart.
    let text =
        text.strip_prefix('-').filter(|t| t.chars().all(|c| "0.".contains(c))).unwrap_or(&text).to_owned();
    if decimals == 0 && value.abs() >= 10_000.0 { grouped(&text) } else { text }
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, c) in digits.chars().enumerate() {
        let rest = digits.len() - index;
        if index > 0 && rest.is_multiple_of(3) && !out.ends_with('-') {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// The step between ticks.
pub(crate) fn step(ticks: &[f64]) -> f64 {
    match ticks {
        [a, b, ..] => b - a,
        _ => 0.0,
    }
}
