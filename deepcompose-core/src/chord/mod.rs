//! [`Chord`]: major and minor triads; [`ChordSheet`]: those of a song.

mod sheet;

pub use sheet::{ChordSheet, ChordSheetError};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::error::ScoreError;
use crate::meter::Mode;

/// A major or minor triad on one of the twelve pitch classes.
///
/// In print it is the root, with a sharp or none, and `m` for minor: `C`, `F#m`. Read from text, the root may have
/// a flat too, and minor may be `min` or `-`, major `maj`.
///
/// ```
/// use deepcompose_core::{Chord, Mode};
///
/// let chord: Chord = "Bbm".parse()?;
/// assert_eq!((chord.root(), chord.mode()), (10, Mode::Minor));
/// assert_eq!(chord.pitch_classes(), [10, 1, 5]);
/// assert_eq!(chord.transposed(3).to_string(), "C#m");
/// # Ok::<(), deepcompose_core::UnknownChord>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chord {
    root: u8,
    mode: Mode,
}

/// A text that names no [`Chord`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no major or minor triad: a root A to G with # or b or neither, and m for minor, is accepted"
)]
pub struct UnknownChord(pub String);

/// Of the twelve pitch classes, C first.
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

impl Chord {
    /// How many there are.
    pub const COUNT: usize = 24;

    /// A triad on a pitch class, 0 for C to 11 for B.
    ///
    /// # Errors
    ///
    /// [`ScoreError::OutOfRange`] for a root over 11.
    pub const fn new(root: u8, mode: Mode) -> Result<Self, ScoreError> {
        if root < 12 {
            Ok(Self { root, mode })
        } else {
            Err(ScoreError::OutOfRange { field: "root", value: root as i64, min: 0, max: 11 })
        }
    }

    /// The root's pitch class, 0 for C to 11 for B.
    #[must_use]
    pub const fn root(self) -> u8 {
        self.root
    }

    /// Major or minor.
    #[must_use]
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// The pitch classes of root, third and fifth, 0 for C.
    #[must_use]
    pub const fn pitch_classes(self) -> [u8; 3] {
        let third = match self.mode {
            Mode::Major => 4,
            Mode::Minor => 3,
        };
        [self.root, (self.root + third) % 12, (self.root + 7) % 12]
    }

    /// Its number, 0..24: C, C minor, C sharp, C sharp minor and so on.
    #[must_use]
    pub const fn index(self) -> usize {
        2 * self.root as usize
            + match self.mode {
                Mode::Major => 0,
                Mode::Minor => 1,
            }
    }

    /// The triad with a number; `None` for one over 23.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        let mode = if index.is_multiple_of(2) { Mode::Major } else { Mode::Minor };
        (index < Self::COUNT).then_some(Self { root: (index / 2) as u8, mode })
    }

    /// The triad so many semitones up.
    #[must_use]
    pub const fn transposed(self, semitones: i32) -> Self {
        let root = (self.root as i32 + semitones.rem_euclid(12)) % 12;
        Self { root: root as u8, mode: self.mode }
    }

    /// The triad that fits best what sounds; `None` for silence.
    ///
    /// `chroma` says how much of each pitch class sounds, C first; 1 is a note held throughout. As in Pardo and
    /// Birmingham 2002, "Algorithms for chordal analysis", a triad scores what sounds of it, less what else
    /// sounds, less one for each of its notes that does not; of equals the one whose root sounds most is taken,
    /// then the lower [`index`](Self::index).
    ///
    /// ```
    /// use deepcompose_core::Chord;
    ///
    /// let mut chroma = [0.0; 12];
    /// (chroma[9], chroma[0], chroma[4], chroma[7]) = (2.0, 1.0, 1.0, 0.5);
    /// assert_eq!(Chord::of_chroma(&chroma).map(|chord| chord.to_string()), Some("Am".to_owned()));
    /// ```
    #[must_use]
    pub fn of_chroma(chroma: &[f64; 12]) -> Option<Self> {
        let all: f64 = chroma.iter().sum();
        if all.is_nan() || all <= 0.0 {
            return None;
        }
        let fit = |chord: Self| {
            let notes = chord.pitch_classes().map(|class| chroma[usize::from(class)]);
            let heard: f64 = notes.iter().sum();
            let missing = notes.iter().filter(|note| **note <= 0.0).count();
            (heard - (all - heard) - missing as f64, notes[0])
        };
        let mut best: Option<(Self, (f64, f64))> = None;
        for chord in (0..Self::COUNT).filter_map(Self::from_index) {
            let fit = fit(chord);
            let is_better = |than: (f64, f64)| {
                fit.0 > than.0 + 1e-9 || ((fit.0 - than.0).abs() <= 1e-9 && fit.1 > than.1 + 1e-9)
            };
            if best.is_none_or(|(_, so_far)| is_better(so_far)) {
                best = Some((chord, fit));
            }
        }
        best.map(|(chord, _)| chord)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minor = if self.mode == Mode::Minor { "m" } else { "" };
        f.pad(&format!("{}{minor}", NAMES[usize::from(self.root % 12)]))
    }
}

impl FromStr for Chord {
    type Err = UnknownChord;

    fn from_str(text: &str) -> Result<Self, UnknownChord> {
        let unknown = || UnknownChord(text.to_owned());
        let mut rest = text.trim().chars();
        let natural = match rest.next().map(|letter| letter.to_ascii_uppercase()) {
            Some('C') => 0,
            Some('D') => 2,
            Some('E') => 4,
            Some('F') => 5,
            Some('G') => 7,
            Some('A') => 9,
            Some('B') => 11,
            _ => return Err(unknown()),
        };
        let rest = rest.as_str();
        let (root, quality) = match rest.strip_prefix(['#', '♯']) {
            Some(quality) => (natural + 1, quality),
            None => match rest.strip_prefix(['b', '♭']) {
                Some(quality) => (natural + 11, quality),
                None => (natural, rest),
            },
        };
        let mode = match quality {
            "" | "maj" | "M" => Mode::Major,
            "m" | "min" | "-" => Mode::Minor,
            _ => return Err(unknown()),
        };
        Ok(Self { root: root % 12, mode })
    }
}

impl TryFrom<String> for Chord {
    type Error = UnknownChord;

    fn try_from(text: String) -> Result<Self, UnknownChord> {
        text.parse()
    }
}

impl From<Chord> for String {
    fn from(chord: Chord) -> Self {
        chord.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn all() -> impl Iterator<Item = Chord> {
        (0..Chord::COUNT).map(|index| Chord::from_index(index).unwrap())
    }

    /// What sounds, as pitch classes and how much.
    fn named(sounding: &[(usize, f64)]) -> Option<String> {
        let mut chroma = [0.0; 12];
        for (class, weight) in sounding {
            chroma[*class] += weight;
        }
        Chord::of_chroma(&chroma).map(|chord| chord.to_string())
    }

    #[test]
    fn names_and_numbers_round_trip() {
        for (index, chord) in all().enumerate() {
            assert_eq!(chord.index(), index);
            assert_eq!(chord.to_string().parse(), Ok(chord));
            assert_eq!(Chord::new(chord.root(), chord.mode()), Ok(chord));
            let json = serde_json::to_string(&chord).unwrap();
            assert_eq!(serde_json::from_str::<Chord>(&json).unwrap(), chord);
            for up in -25..25 {
                let moved = chord.transposed(up);
                assert_eq!(moved.transposed(-up), chord);
                assert_eq!(i32::from(moved.root()), (i32::from(chord.root()) + up).rem_euclid(12));
            }
        }
        assert_eq!(Chord::from_index(24), None);
        assert!(Chord::new(12, Mode::Major).is_err());
    }

    #[test]
    fn texts_are_read_as_they_are_written() {
        for (text, root, mode) in [
            ("C", 0, Mode::Major),
            (" ebm ", 3, Mode::Minor),
            ("Cb", 11, Mode::Major),
            ("B#", 0, Mode::Major),
            ("F♯min", 6, Mode::Minor),
            ("A-", 9, Mode::Minor),
            ("Gmaj", 7, Mode::Major),
        ] {
            assert_eq!(
                text.parse(),
                Chord::new(root, mode).map_err(|_| UnknownChord(text.to_owned())),
                "{text}"
            );
        }
        for text in ["", "H", "C7", "Cdim", "C##", "m", "é"] {
            assert_eq!(text.parse::<Chord>(), Err(UnknownChord(text.to_owned())));
        }
        assert!(serde_json::from_str::<Chord>("\"H\"").is_err());
    }

    #[test]
    fn every_triad_is_heard_as_itself() {
        for chord in all() {
            let mut chroma = [0.0; 12];
            chord.pitch_classes().iter().for_each(|class| chroma[usize::from(*class)] = 1.0);
            assert_eq!(Chord::of_chroma(&chroma), Some(chord));
        }
    }

    // Worked by hand: what sounds of the triad, less what else sounds, less its silent notes.
    #[test]
    fn what_sounds_is_named() {
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[(0, f64::NAN)]), None);
        // A dominant seventh on G: G major has 3 − 1, B minor (B, D) 2 − 2 − 1.
        assert_eq!(named(&[(7, 1.0), (11, 1.0), (2, 1.0), (5, 1.0)]).as_deref(), Some("G"));
        // C, E, G and A are C major or A minor, both 3 − 1: the bass, which counts twice, says which.
        assert_eq!(named(&[(0, 2.0), (4, 1.0), (7, 1.0), (9, 1.0)]).as_deref(), Some("C"));
        assert_eq!(named(&[(0, 1.0), (4, 1.0), (7, 1.0), (9, 2.0)]).as_deref(), Some("Am"));
        // A bare fifth is as much minor as major: the lower number.
        assert_eq!(named(&[(2, 1.0), (9, 1.0)]).as_deref(), Some("D"));
        // One note is the root of a triad, not its third or fifth: 1 − 2 each, and the root sounds.
        assert_eq!(named(&[(6, 0.5)]).as_deref(), Some("F#"));
    }
}
