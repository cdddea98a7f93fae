//! [`Filter`]: one band or one side of the spectrum.

use std::f32::consts::PI;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Low,
    Band,
    High,
}

/// A state variable filter of two poles (Zavalishin, *The Art of VA Filter Design*, 2012, chapter 4). The band has a
/// gain of 1 at its centre.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    kind: Kind,
    g: f32,
    k: f32,
    s1: f32,
    s2: f32,
}

impl Filter {
    /// With its corner or centre at `hertz`, which is held within what the sample rate allows.
    pub(super) fn new(kind: Kind, hertz: f32, q: f32, sample_rate: f32) -> Self {
        let ratio = (hertz / sample_rate).clamp(1e-4, 0.45);
        Self { kind, g: (PI * ratio).tan(), k: 1.0 / q.max(0.1), s1: 0.0, s2: 0.0 }
    }

    pub(super) fn next(&mut self, x: f32) -> f32 {
        let high = (x - (self.g + self.k) * self.s1 - self.s2) / (1.0 + self.g * (self.g + self.k));
        let band = self.g * high + self.s1;
        self.s1 = self.g * high + band;
        let low = self.g * band + self.s2;
        self.s2 = self.g * band + low;
        match self.kind {
            Kind::Low => low,
            Kind::Band => band * self.k,
            Kind::High => high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gain for a sine, measured over whole periods once it has settled.
    fn gain(kind: Kind, hertz: f32) -> f32 {
        let mut filter = Filter::new(kind, 1000.0, std::f32::consts::FRAC_1_SQRT_2, 48_000.0);
        let sine = |i: usize| (2.0 * PI * hertz * i as f32 / 48_000.0).sin();
        let out: Vec<f32> = (0..24_000).map(|i| filter.next(sine(i))).collect();
        (out[14_400..].iter().map(|x| x * x).sum::<f32>() / 9600.0 * 2.0).sqrt()
    }

    #[test]
    fn a_butterworth_filter_is_3_db_down_at_its_corner() {
        for kind in [Kind::Low, Kind::High] {
            assert!((gain(kind, 1000.0) - std::f32::consts::FRAC_1_SQRT_2).abs() < 2e-3);
        }
        assert!((gain(Kind::Band, 1000.0) - 1.0).abs() < 2e-3);
        assert!(gain(Kind::Low, 100.0) > 0.99 && gain(Kind::High, 10_000.0) > 0.99);
        // 12 dB an octave: a decade off is about a hundredth.
        assert!((gain(Kind::High, 100.0) - 0.01).abs() < 1e-3);
    }
}
