//! Measures of which pitches are used.

use super::ratio;
use crate::meter::{KeySignature, Mode};
use crate::score::Note;

/// The share of notes of each pitch class, C first; a note counts once whatever its length. `None`
/// without notes.
#[must_use]
pub fn pitch_class_histogram(notes: &[Note]) -> Option<[f64; 12]> {
    let counts = class_counts(notes);
    (!notes.is_empty()).then(|| counts.map(|count| count as f64 / notes.len() as f64))
}

/// The Shannon entropy of [`pitch_class_histogram`] in bits: 0 for one pitch class, log₂ 12 ≈
/// 3.585 for all alike. Low values mean a clear tonality (Wu and Yang 2020, section 4.1, there over
/// windows of 1 or 4 bars). `None` without notes.
#[must_use]
pub fn pitch_class_entropy(notes: &[Note]) -> Option<f64> {
    let shares = pitch_class_histogram(notes)?;
    // A sum, not its negative: one class gives 0, not -0.
    Some(shares.iter().filter(|share| **share > 0.0).map(|share| share * share.recip().log2()).sum())
}

/// How many pitches are used, 0..=128.
#[must_use]
pub fn pitch_count(notes: &[Note]) -> usize {
    let used = notes.iter().fold(0_u128, |used, n| used | 1 << n.pitch.get());
    used.count_ones() as usize
}

/// How many pitch classes are used, 0..=12.
#[must_use]
pub fn pitch_class_count(notes: &[Note]) -> usize {
    class_counts(notes).iter().filter(|count| **count > 0).count()
}

/// The share of notes in the scale of a key: the major scale, or the natural minor one. `None`
/// without notes.
#[must_use]
pub fn in_scale_rate(notes: &[Note], key: KeySignature) -> Option<f64> {
    // The major scale from its tonic: C D E F G A B. The relative minor has the same notes.
    const MAJOR: [u8; 7] = [0, 2, 4, 5, 7, 9, 11];
    let major_tonic = match key.mode() {
        Mode::Major => key.tonic(),
        Mode::Minor => (key.tonic() + 3) % 12,
    };
    let counts = class_counts(notes);
    let inside: u64 = MAJOR.iter().map(|degree| counts[usize::from((major_tonic + degree) % 12)]).sum();
    ratio(inside, notes.len() as u64)
}

/// The major key whose scale holds the most notes, and the share it holds (MusPy's scale
/// consistency). The relative minor has the same scale, so it is never given. Of equals the key
/// with the fewest accidentals, sharps before flats. `None` without notes.
#[must_use]
pub fn best_key(notes: &[Note]) -> Option<(KeySignature, f64)> {
    // Fewest accidentals first; six sharps and six flats sound the same.
    const SHARPS: [i8; 12] = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6];
    let mut best: Option<(KeySignature, f64)> = None;
    for key in SHARPS.into_iter().filter_map(|sharps| KeySignature::new(sharps, Mode::Major).ok()) {
        let rate = in_scale_rate(notes, key)?;
        if best.is_none_or(|(_, highest)| rate > highest) {
            best = Some((key, rate));
        }
    }
    best
}

fn class_counts(notes: &[Note]) -> [u64; 12] {
    let mut counts = [0; 12];
    for note in notes {
        counts[usize::from(note.pitch.class())] += 1;
    }
    counts
}
