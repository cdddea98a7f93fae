//! Key finding.

use crate::meter::{KeySignature, Mode};
use crate::score::Note;

/// How well each pitch class above the tonic fits a major key, as listeners rated them (Krumhansl and Kessler 1982).
const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
/// And a minor key.
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];

/// The key, major or minor, whose profile correlates best with the time that each pitch class sounds, and the
/// correlation (Krumhansl and Schmuckler's algorithm: Krumhansl 1990, *Cognitive Foundations of Musical Pitch*,
/// chapter 4). Of equals the first of C, C sharp and so on, major before minor. `None` without notes, or where all
/// pitch classes sound alike.
///
/// ```
/// use deepcompose_core::metrics::estimate_key;
/// use deepcompose_core::{InputTrack, Mode};
///
/// let melody = InputTrack::OdeToJoy.score();
/// let key = estimate_key(melody.tracks()[0].notes()).map(|(key, _)| (key.tonic(), key.mode()));
/// assert_eq!(key, Some((2, Mode::Major)));
/// ```
#[must_use]
pub fn estimate_key(notes: &[Note]) -> Option<(KeySignature, f64)> {
    let mut time = [0.0; 12];
    for note in notes {
        if let Some(time) = time.get_mut(usize::from(note.pitch.get() % 12)) {
            *time += f64::from(note.duration.get());
        }
    }
    key_of_chroma(&time)
}

/// As [`estimate_key`], from the weight of each pitch class, C first.
#[must_use]
pub fn key_of_chroma(time: &[f64; 12]) -> Option<(KeySignature, f64)> {
    let mut best: Option<(KeySignature, f64)> = None;
    for tonic in 0..12_usize {
        for (mode, profile) in [(Mode::Major, &MAJOR), (Mode::Minor, &MINOR)] {
            let sounding: [f64; 12] = std::array::from_fn(|class| time[(class + tonic) % 12]);
            let fit = correlation(&sounding, profile)?;
            if best.is_none_or(|(_, so_far)| fit > so_far + 1e-12) {
                best = Some((signature(tonic as u8, mode)?, fit));
            }
        }
    }
    best
}

/// The signature with the fewest accidentals, sharps before flats.
fn signature(tonic: u8, mode: Mode) -> Option<KeySignature> {
    [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6]
        .into_iter()
        .filter_map(|sharps| KeySignature::new(sharps, mode).ok())
        .find(|key| key.tonic() == tonic)
}

/// Pearson's; `None` where one of them does not vary.
pub(super) fn correlation(a: &[f64; 12], b: &[f64; 12]) -> Option<f64> {
    let centred = |x: &[f64; 12]| {
        let mean = x.iter().sum::<f64>() / 12.0;
        x.map(|value| value - mean)
    };
    let (a, b) = (centred(a), centred(b));
    let product = |x: &[f64; 12], y: &[f64; 12]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let norm = (product(&a, &a) * product(&b, &b)).sqrt();
    (norm > 1e-9).then(|| product(&a, &b) / norm)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::units::{Pitch, Tick, Velocity};

    fn notes(lengths: [(u32, u32); 7]) -> Vec<Note> {
        let note = |(pitch, duration)| Note {
            start: Tick::ZERO,
            duration: Tick::new(duration).unwrap(),
            pitch: Pitch::new(pitch).unwrap(),
            velocity: Velocity::saturating(64),
        };
        lengths.into_iter().filter(|(_, duration)| *duration > 0).map(note).collect()
    }

    #[test]
    fn scales_are_heard_in_their_keys() {
        // The correlations are NumPy's (`corrcoef` of the lengths by pitch class with each rotated profile).
        // The scale of D major with a long tonic, third and fifth.
        let major = notes([(62, 3), (64, 1), (66, 2), (67, 1), (69, 2), (71, 1), (73, 1)]);
        let (key, fit) = estimate_key(&major).unwrap();
        assert_eq!((key.tonic(), key.mode(), key.sharps()), (2, Mode::Major, 2));
        assert!((fit - 0.9679).abs() < 1e-4, "{fit}");
        // The harmonic minor of A.
        let minor = notes([(69, 3), (71, 1), (72, 2), (74, 1), (76, 2), (77, 1), (80, 1)]);
        let (key, fit) = estimate_key(&minor).unwrap();
        assert_eq!((key.tonic(), key.mode(), key.sharps()), (9, Mode::Minor, 0));
        assert!((fit - 0.9569).abs() < 1e-4, "{fit}");
        assert_eq!(estimate_key(&[]), None);
    }

    #[test]
    fn every_profile_is_its_own_key() {
        for tonic in 0..12_usize {
            for (mode, profile) in [(Mode::Major, MAJOR), (Mode::Minor, MINOR)] {
                let rated: Vec<Note> = (0..12)
                    .map(|class| Note {
                        start: Tick::ZERO,
                        duration: Tick::new((profile[class] * 100.0).round() as u32).unwrap(),
                        pitch: Pitch::new((48 + (class + tonic) % 12) as u32).unwrap(),
                        velocity: Velocity::saturating(64),
                    })
                    .collect();
                let (key, fit) = estimate_key(&rated).unwrap();
                assert_eq!((usize::from(key.tonic()), key.mode()), (tonic, mode));
                assert!((fit - 1.0).abs() < 1e-12);
            }
        }
    }
}
