//! Half bars moved to a common root: what an encoder hears that is to learn how a band plays, but not which chords.

use deepcompose_core::Chord;

use super::rolls::{Window, is_pitched};
use super::tune::HALF_BAR;

/// The window with its pitched tracks transposed half bar by half bar, by −6..=5 semitones, so that the root of
/// every chord is a C.
pub(super) fn without_roots(window: &Window, chords: &[Chord]) -> Window {
    let mut moved = *window;
    for (half, chord) in chords.iter().enumerate() {
        let up = 12 - u32::from(chord.root());
        for (_, roll) in moved.iter_mut().enumerate().filter(|(roll, _)| is_pitched(*roll)) {
            for set in roll.iter_mut().skip(half * HALF_BAR).take(HALF_BAR) {
                *set = if up <= 5 { *set << up } else { *set >> (12 - up) };
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::rolls::SILENCE;
    use super::*;

    #[test]
    fn every_half_bar_stands_on_c() {
        let mut window = SILENCE;
        let [drums, bass, guitar, keys, onsets, ..] = &mut window;
        drums[0] = 1 << 36;
        (bass[2], bass[8]) = (1 << 43, 1 << 50);
        guitar[4] = 1 << 55 | 1 << 59 | 1 << 62;
        keys[31] = 1 << 66;
        onsets[2] = 1 << 43;
        let chords = ["G", "Dm", "C", "F#"].map(|name| name.parse().unwrap());
        let [drums, bass, guitar, keys, onsets, ..] = without_roots(&window, &chords);
        assert_eq!(drums[0], 1 << 36);
        // G goes five up, D two down, F sharp six down, though six up would do as well.
        assert_eq!((bass[2], bass[8]), (1 << 48, 1 << 48));
        assert_eq!(guitar[4], 1 << 60 | 1 << 64 | 1 << 67);
        assert_eq!(keys[31], 1 << 60);
        assert_eq!(onsets[2], 1 << 48);
    }
}
