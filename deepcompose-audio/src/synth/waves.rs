//! [`Waves`]: single cycles with no harmonic above half the sample rate.

use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples of a cycle.
const SIZE: usize = 2048;
/// How many harmonics the tables of a spectrum hold.
const HARMONICS: [usize; 16] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

/// The strength of the harmonics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spectrum {
    /// The fundamental alone.
    Sine,
    /// Odd ones, falling with the square.
    Triangle,
    /// All, falling with the number.
    Saw,
    /// All, falling a little faster: bowed strings, pads.
    SoftSaw,
    /// All, falling with the square.
    Mellow,
    /// Odd ones, falling with the number.
    Square,
    /// A pulse of a quarter of the cycle.
    Pulse,
    /// Odd ones strong, even ones weak: clarinet.
    Clarinet,
    /// A bump about the third: oboe, bassoon, harmonica.
    Nasal,
    /// Strong up to about the tenth, then steep: brass.
    Brass,
    /// Drawbars of 8′, 4′, 2⅔′, 2′ and 1′.
    Organ,
    /// Drawbars of 8′ and 4′, with little else.
    SoftOrgan,
    /// A bump about the second and one about the sixth: voices.
    Voice,
}

impl Spectrum {
    const COUNT: usize = 13;

    fn amplitude(self, harmonic: usize) -> f64 {
        let k = harmonic as f64;
        let odd = !harmonic.is_multiple_of(2);
        let bump = |centre: f64, width: f64| (-((k - centre) / width).powi(2)).exp();
        match self {
            Self::Sine => f64::from(u8::from(harmonic == 1)),
            Self::Triangle if odd => k.powi(-2) * if harmonic % 4 == 1 { 1.0 } else { -1.0 },
            Self::Square if odd => 1.0 / k,
            Self::Triangle | Self::Square => 0.0,
            Self::Saw => 1.0 / k,
            Self::SoftSaw => k.powf(-1.4),
            Self::Mellow => k.powi(-2),
            Self::Pulse => (k * TAU / 8.0).sin() / k,
            Self::Clarinet => k.powf(-1.2) * if odd { 1.0 } else { 0.12 },
            Self::Nasal => (0.5 / k + bump(3.0, 1.6)) * (-k / 14.0).exp(),
            Self::Brass => k.powf(-0.6) * (-k / 9.0).exp(),
            Self::Organ => match harmonic {
                1 => 1.0,
                2 => 0.7,
                3 => 0.45,
                4 => 0.4,
                8 => 0.2,
                _ => 0.0,
            },
            Self::SoftOrgan => match harmonic {
                1 => 1.0,
                2 => 0.35,
                4 => 0.12,
                _ => 0.0,
            },
            Self::Voice => k.powf(-1.8) + 0.35 * bump(2.0, 1.0) + 0.12 * bump(6.0, 1.5),
        }
    }
}

/// Tables, made when they are first needed.
#[derive(Debug)]
pub(super) struct Waves {
    tables: Vec<Option<Arc<[f32]>>>,
    sine: Vec<f64>,
    sample_rate: f32,
}

impl Waves {
    pub(super) fn new(sample_rate: f32) -> Self {
        let sine = (0..SIZE).map(|i| (i as f64 / SIZE as f64 * TAU).sin()).collect();
        Self { tables: vec![None; Spectrum::COUNT * HARMONICS.len()], sine, sample_rate }
    }

    /// The fullest table that may be played at `hertz`: its highest harmonic is at most 0.45 of the sample rate. With
    /// a root mean square of 0.35, but for harmonics that are left out. There is none above that.
    pub(super) fn table(&mut self, spectrum: Spectrum, hertz: f32) -> Option<Arc<[f32]>> {
        let most = (0.45 * self.sample_rate / hertz.max(1.0)) as usize;
        let band = HARMONICS.iter().rposition(|h| *h <= most)?;
        let at = spectrum as usize * HARMONICS.len() + band;
        if let Some(made) = self.tables.get(at).and_then(Option::as_ref) {
            return Some(Arc::clone(made));
        }
        let all: f64 = (1..=256).map(|k| spectrum.amplitude(k).powi(2)).sum();
        let scale = 0.35 / (all / 2.0).sqrt();
        let mut cycle = vec![0.0; SIZE];
        for k in 1..=*HARMONICS.get(band)? {
            let amplitude = spectrum.amplitude(k) * scale;
            if amplitude.abs() > 1e-9 {
                for (i, x) in cycle.iter_mut().enumerate() {
                    *x += amplitude * self.sine.get((i * k) % SIZE).copied().unwrap_or_default();
                }
            }
        }
        let made: Arc<[f32]> = cycle.into_iter().map(|x| x as f32).collect();
        *self.tables.get_mut(at)? = Some(Arc::clone(&made));
        Some(made)
    }
}

/// The value at a phase, where a cycle is 2^32, on a line between two samples.
pub(super) fn at(table: &[f32], phase: u32) -> f32 {
    let (index, part) = ((phase >> 21) as usize, (phase & 0x1F_FFFF) as f32 * (1.0 / 2_097_152.0));
    let a = table.get(index).copied().unwrap_or_default();
    let b = table.get((index + 1) % SIZE).copied().unwrap_or_default();
    a + (b - a) * part
}

/// How far the phase moves in a frame.
pub(super) fn step(hertz: f32, sample_rate: f32) -> u32 {
    (f64::from(hertz) / f64::from(sample_rate) * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn tables_hold_the_harmonics_of_the_textbook_and_none_too_high() {
        let mut waves = Waves::new(48_000.0);
        // 0.45 × 48 kHz / 1 kHz allows 21 harmonics; the next lower table has 16.
        let table = waves.table(Spectrum::Saw, 1000.0).unwrap();
        let strength = |k: usize| {
            let part = |f: fn(f64) -> f64| -> f64 {
                let of = |(i, x): (usize, &f32)| f64::from(*x) * f((i * k) as f64 / SIZE as f64 * TAU);
                table.iter().enumerate().map(of).sum::<f64>() / (SIZE as f64 / 2.0)
            };
            part(f64::sin).hypot(part(f64::cos))
        };
        for k in 2..=16 {
            assert!((strength(1) / strength(k) - k as f64).abs() < 1e-3, "{k}");
        }
        assert!(strength(17) < 1e-6);
        assert!(waves.table(Spectrum::Saw, 21_000.0).is_some());
        assert!(waves.table(Spectrum::Saw, 22_000.0).is_none());
    }

    #[test]
    fn a_phase_between_two_samples_is_between_their_values() {
        let table: Vec<f32> = (0..SIZE).map(|i| i as f32).collect();
        assert_eq!(at(&table, 0), 0.0);
        assert_eq!(at(&table, (5 << 21) + (1 << 20)), 5.5);
        assert_eq!(step(12_000.0, 48_000.0), 1 << 30);
    }
}
