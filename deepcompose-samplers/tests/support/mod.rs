//! Statistics for the sampler tests.

/// The natural logarithm of Γ(x) for x > 0: Stirling's series after the recurrence has brought x
/// over 20 (Abramowitz & Stegun 6.1.15 and 6.1.41).
fn ln_gamma(x: f64) -> f64 {
    let mut x = x;
    let mut shift = 0.0;
    while x < 20.0 {
        shift += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

/// The probability that a chi-square variable of `freedom` degrees exceeds `statistic`: one minus
/// the regularised lower incomplete gamma function P(freedom/2, statistic/2), by its power series
/// (Abramowitz & Stegun 6.5.29), whose terms are all positive.
pub(crate) fn chi_square_p_value(statistic: f64, freedom: usize) -> f64 {
    let (a, x) = (freedom as f64 / 2.0, statistic / 2.0);
    if x <= 0.0 {
        return 1.0;
    }
    let mut term = (a * x.ln() - x - ln_gamma(a + 1.0)).exp();
    let mut sum = term;
    let mut n = a;
    while term > sum * 1e-16 {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    (1.0 - sum).max(0.0)
}

/// Pearson's test of counts against probabilities. Outcomes expected fewer than five times are
/// taken together (Cochran's rule), and one of probability 0 must not have come at all.
pub(crate) fn chi_square_test(counts: &[usize], probabilities: &[f64]) -> f64 {
    assert_eq!(counts.len(), probabilities.len());
    let n: usize = counts.iter().sum();
    let (mut statistic, mut outcomes) = (0.0, 0_usize);
    let (mut rare_count, mut rare_expected) = (0.0, 0.0);
    let mut add = |count: f64, expected: f64| {
        statistic += (count - expected).powi(2) / expected;
        outcomes += 1;
    };
    for (index, (&count, &p)) in counts.iter().zip(probabilities).enumerate() {
        let expected = p * n as f64;
        if p == 0.0 {
            assert_eq!(count, 0, "outcome {index} has probability 0");
        } else if expected < 5.0 {
            rare_count += count as f64;
            rare_expected += expected;
        } else {
            add(count as f64, expected);
        }
    }
    if rare_expected >= 1.0 {
        add(rare_count, rare_expected);
    }
    if outcomes < 2 {
        return 1.0;
    }
    chi_square_p_value(statistic, outcomes - 1)
}
