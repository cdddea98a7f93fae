//! How alike two sets of numbers are.

/// Places at which densities are compared.
const PLACES: usize = 1024;

/// The overlapping area of the densities of two samples, 0 to 1: the integral of the smaller of the two (Yang and
/// Lerch 2020, *On the evaluation of generative models in music*, section 3.2.3). Densities are sums of Gaussian
/// kernels with Scott's bandwidth, σ·n^(−1/5) of each sample, and at least a hundredth of the range of both, so that
/// a sample of one value has a density too.
///
/// Samples whose numbers are all the same to twelve digits, and may differ by rounding alone, overlap wholly. `None` if
/// a sample is empty or holds a number that is not finite, or if the range of both is not.
///
/// ```
/// use deepcompose_core::metrics::overlapping_area;
///
/// let rates = [0.1, 0.2, 0.2, 0.3];
/// assert!((overlapping_area(&rates, &rates).unwrap() - 1.0).abs() < 1e-3);
/// assert!(overlapping_area(&rates, &[5.0, 5.1]).unwrap() < 1e-3);
/// ```
#[must_use]
pub fn overlapping_area(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|x| !x.is_finite()) {
        return None;
    }
    let low = a.iter().chain(b).copied().fold(f64::INFINITY, f64::min);
    let high = a.iter().chain(b).copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    if !range.is_finite() {
        return None;
    }
    if range <= 1e-12 * low.abs().max(high.abs()) {
        return Some(1.0);
    }
    // The area is the same at any scale; at this one no square is too large or too small.
    let scaled = |sample: &[f64]| -> Vec<f64> { sample.iter().map(|x| (x - low) / range).collect() };
    let (a, b) = (scaled(a), scaled(b));
    let [first, second] = [&a, &b].map(|sample| Density::of(sample, 0.01));
    // Beyond four bandwidths a kernel has a few hundred-thousandths of its weight.
    let margin = 4.0 * first.bandwidth.max(second.bandwidth);
    let (from, width) = (-margin, (1.0 + 2.0 * margin) / PLACES as f64);
    let places = (0..PLACES).map(|i| from + (i as f64 + 0.5) * width);
    Some(places.map(|x| first.at(x).min(second.at(x))).sum::<f64>() * width)
}

struct Density<'a> {
    sample: &'a [f64],
    bandwidth: f64,
}

impl<'a> Density<'a> {
    fn of(sample: &'a [f64], least: f64) -> Self {
        let n = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / n;
        let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        Self { sample, bandwidth: (variance.sqrt() * n.powf(-0.2)).max(least) }
    }

    fn at(&self, x: f64) -> f64 {
        let kernel = |mean: &f64| (-0.5 * ((x - mean) / self.bandwidth).powi(2)).exp();
        let norm = self.bandwidth * (2.0 * std::f64::consts::PI).sqrt() * self.sample.len() as f64;
        self.sample.iter().map(kernel).sum::<f64>() / norm
    }
}
