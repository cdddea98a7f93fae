//! One track into several.

use crate::error::ScoreError;
use crate::ops::{hands, voices};
use crate::score::{Note, Track};
use crate::units::Pitch;

/// Part of a drum kit: groups of General MIDI percussion keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrumPiece {
    /// Bass drums: 35, 36.
    Kick,
    /// Snare drums, side stick and hand clap: 37 to 40.
    Snare,
    /// Toms: 41, 43, 45, 47, 48, 50.
    Toms,
    /// Hi-hat, closed, with the pedal, and open: 42, 44, 46.
    HiHat,
    /// Ride, crash, splash and Chinese cymbals: 49, 51, 52, 53, 55, 57, 59.
    Cymbals,
    /// All other keys: cowbell, congas, shakers and the like.
    Percussion,
}

impl DrumPiece {
    /// The piece that a percussion key plays.
    #[must_use]
    pub const fn of(key: Pitch) -> Self {
        match key.get() {
            35 | 36 => Self::Kick,
            37..=40 => Self::Snare,
            41 | 43 | 45 | 47 | 48 | 50 => Self::Toms,
            42 | 44 | 46 => Self::HiHat,
            49 | 51 | 52 | 53 | 55 | 57 | 59 => Self::Cymbals,
            _ => Self::Percussion,
        }
    }

    /// The name in print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kick => "kick",
            Self::Snare => "snare",
            Self::Toms => "toms",
            Self::HiHat => "hi-hat",
            Self::Cymbals => "cymbals",
            Self::Percussion => "percussion",
        }
    }
}

/// Each part has the track's program, its controls, bends and aftertouch, so that it sounds as it
/// did; texts and raw events go to the first part only. The part's name is the track's with a word
/// added. Put the parts back with [`Score::replace_track`](crate::Score::replace_track) or
/// [`Score::merge_tracks`](crate::Score::merge_tracks).
impl Track {
    /// The notes from `pitch` up, and those below.
    #[must_use]
    pub fn split_at_pitch(&self, pitch: Pitch) -> [Self; 2] {
        let (upper, lower) = self.notes_as_given().partition(|note| note.pitch >= pitch);
        [self.part("upper", upper, true), self.part("lower", lower, false)]
    }

    /// The right hand and the left, at a split point that follows the music.
    ///
    /// The split point of each onset is chosen so that, over the whole track, both hands can play what
    /// they are given (a span over an octave costs), chords are split at their widest gap, and the
    /// point moves little and stays near middle C: the least sum of these costs, by dynamic
    /// programming (Viterbi). Time is in proportion to the number of notes.
    #[must_use]
    pub fn split_hands(&self) -> [Self; 2] {
        let notes: Vec<Note> = self.notes_as_given().copied().collect();
        let right = hands::right_hand(&notes);
        let mut hands = [Vec::new(), Vec::new()];
        for (note, right) in notes.iter().zip(right) {
            hands[usize::from(!right)].push(*note);
        }
        let [right, left] = hands;
        [self.part("right", right, true), self.part("left", left, false)]
    }

    /// Streams of one note at a time, the highest first: as many as notes sound at once.
    ///
    /// After Chew and Wu 2004 (*Separating voices in polyphonic music: a contig mapping approach*): a
    /// place where all voices sound tells them apart by height; from there on, and backwards from
    /// there, each note goes to the free voice that is nearest in pitch, and voices do not cross as
    /// long as they need not. Ours starts from the first such place only, and goes note by note rather
    /// than contig by contig.
    ///
    /// ```
    /// use deepcompose_core::{Note, Pitch, Program, Tick, Track, Velocity};
    ///
    /// let note = |start, duration, pitch| Note {
    ///     start: Tick::saturating(start),
    ///     duration: Tick::saturating(duration),
    ///     pitch: Pitch::saturating(pitch),
    ///     velocity: Velocity::DEFAULT,
    /// };
    /// let notes = vec![note(0, 4, 48), note(0, 2, 64), note(2, 2, 65), note(4, 4, 64)];
    /// let voices = Track::new("organ", Program::MIN).with_notes(notes).split_voices()?;
    /// let lengths: Vec<usize> = voices.iter().map(|voice| voice.notes().len()).collect();
    /// assert_eq!(lengths, [3, 1]);
    /// # Ok::<(), deepcompose_core::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::Limit`] if more than 32 notes sound at once.
    pub fn split_voices(&self) -> Result<Vec<Self>, ScoreError> {
        let voices = voices::separate(self.notes())?.into_iter().enumerate();
        Ok(voices.map(|(i, notes)| self.part(&(i + 1).to_string(), notes, i == 0)).collect())
    }

    /// One track for each piece of the kit that is played, in the order of [`DrumPiece`].
    #[must_use]
    pub fn split_drums(&self) -> Vec<(DrumPiece, Self)> {
        let mut pieces = std::collections::BTreeMap::<DrumPiece, Vec<Note>>::new();
        for note in self.notes_as_given() {
            pieces.entry(DrumPiece::of(note.pitch)).or_default().push(*note);
        }
        let pieces = pieces.into_iter().enumerate();
        pieces.map(|(i, (piece, notes))| (piece, self.part(piece.name(), notes, i == 0))).collect()
    }

    fn part(&self, word: &str, notes: Vec<Note>, is_first: bool) -> Self {
        let mut out = self.clone();
        out.set_name(if self.name().is_empty() {
            word.to_owned()
        } else {
            format!("{} {word}", self.name())
        });
        out.set_notes(notes);
        if !is_first {
            out.set_texts(Vec::new());
            out.set_raw_events(Vec::new());
        }
        out
    }
}
