//! The key that the music has been in of late.

use deepcompose_core::Mode;
use deepcompose_core::metrics::key_of_chroma;

use super::history::Cells;

/// What a sixteenth weighs beside the one after it: half after three bars of four quarters.
const DECAY: f64 = 0.985_663_198_640_187_6;

/// Degrees of the twelve pitch classes in a major and in a minor key.
pub(crate) const DEGREES: usize = 24;

/// How long each pitch class has sounded of late, and the key that this is heard in.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LocalKey {
    chroma: [f64; 12],
    /// Pitch class of the tonic, and 12 in minor.
    key: Option<(u8, u8)>,
}

impl LocalKey {
    pub(crate) fn push(&mut self, cells: Cells) {
        self.chroma = self.chroma.map(|weight| weight * DECAY);
        for cell in cells.into_iter().filter(|cell| *cell < super::history::REST) {
            if let Some(weight) = self.chroma.get_mut(usize::from(cell % 12)) {
                *weight += 1.0;
            }
        }
        self.key = key_of_chroma(&self.chroma)
            .map(|(key, _)| (key.tonic(), if key.mode() == Mode::Minor { 12 } else { 0 }));
    }

    /// Which of the [`DEGREES`] a pitch is; `None` for a rest, and before there is a key.
    pub(crate) fn degree(&self, cell: u8) -> Option<usize> {
        let (tonic, mode) = self.key.filter(|_| cell < super::history::REST)?;
        Some(usize::from((cell % 12 + 12 - tonic) % 12 + mode))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_modulation_is_heard_after_a_while() {
        assert!((DECAY.powi(48) - 0.5).abs() < 1e-12);
        let mut key = LocalKey::default();
        assert_eq!(key.degree(60), None);
        let play = |key: &mut LocalKey, chords: [Cells; 4], times: usize| {
            (0..times).flat_map(|_| chords).for_each(|cells| (0..4).for_each(|_| key.push(cells)));
        };
        // I, IV, V, I of C major.
        let c = [[72, 67, 64, 48], [72, 69, 65, 53], [71, 67, 62, 55], [72, 67, 64, 48]];
        play(&mut key, c, 3);
        assert_eq!((key.degree(60), key.degree(67), key.degree(128)), (Some(0), Some(7), None));
        // i, iv, V, i of E minor.
        let e = [[71, 67, 64, 52], [72, 69, 64, 57], [71, 66, 63, 59], [71, 67, 64, 52]];
        play(&mut key, e, 8);
        assert_eq!((key.degree(64), key.degree(63)), (Some(12), Some(23)));
    }
}
