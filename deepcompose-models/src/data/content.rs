//! [`ContentHash`]: what a piece is, whatever its file is called.

use std::fmt;
use std::str::FromStr;

use deepcompose_core::Score;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 over the music of a score, as 64 hex digits in text.
///
/// What counts is every note's onset and length in quarter notes, its pitch, and its track's program (or that it is
/// percussion). What does not: file and track names, how notes are spread over tracks of one program, resolution, tempo,
/// metre, velocity, controls. So two files of one piece that differ only in those are duplicates.
///
/// ```
/// use deepcompose_core::{InputTrack, Tempo};
/// use deepcompose_models::data::ContentHash;
///
/// let mut score = InputTrack::OdeToJoy.score();
/// let hash = ContentHash::of(&score);
/// score.set_tempo(Tempo::from_bpm(60.0)?);
/// score.tracks_mut()[0].set_name("Freude");
/// assert_eq!(ContentHash::of(&score), hash);
/// assert_ne!(ContentHash::of(&InputTrack::DeckTheHalls.score()), hash);
/// # Ok::<(), deepcompose_core::ScoreError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of a score.
    #[must_use]
    pub fn of(score: &Score) -> Self {
        let quarter = u32::from(score.ticks_per_quarter().get());
        let quarters = |ticks: u32| {
            let divisor = gcd(ticks, quarter);
            [ticks / divisor, quarter / divisor]
        };
        let mut notes: Vec<[u32; 7]> = Vec::with_capacity(score.note_count());
        for track in score.tracks() {
            for note in track.notes() {
                let [start, start_over] = quarters(note.start.get());
                let [length, length_over] = quarters(note.duration.get());
                let (drum, program) = (u32::from(track.is_drum()), u32::from(track.program().get()));
                let pitch = u32::from(note.pitch.get());
                notes.push([start, start_over, length, length_over, pitch, drum, program]);
            }
        }
        notes.sort_unstable();
        let mut hash = Hasher::new("score");
        notes.iter().flatten().for_each(|number| hash.number(u64::from(*number)));
        hash.finish()
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Where the hash lies between all zeros (0) and all ones (1).
    pub(crate) fn fraction(&self) -> f64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) as f64 / u64::MAX as f64
    }
}

/// Greatest common divisor; `b` is over 0.
const fn gcd(mut a: u32, mut b: u32) -> u32 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ContentHash {
    type Err = String;

    /// Reads 64 hex digits.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{:?} is no hash: 64 hex digits are accepted", text.chars().take(70).collect::<String>())
        };
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
        let digits = digits.filter(|d| d.len() == 64).ok_or_else(wrong)?;
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |high, low| high << 4 | low);
        }
        Ok(Self(out))
    }
}

/// SHA-256 over labelled parts.
#[derive(Debug, Clone)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    /// A hash of a kind of thing: equal parts of two kinds do not hash alike.
    pub(crate) fn new(kind: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.text(kind);
        hash
    }

    /// Of bytes alone, as other tools compute it.
    pub(crate) fn plain() -> Self {
        Self(Sha256::new())
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    pub(crate) fn hash(&mut self, hash: &ContentHash) {
        self.0.update(hash.bytes());
    }

    /// Bytes as they are, without their length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> ContentHash {
        ContentHash(self.0.finalize().into())
    }

    /// The first 16 hex digits.
    pub(crate) fn fingerprint(self) -> String {
        self.finish().to_string().chars().take(16).collect()
    }
}

/// Plain SHA-256 of bytes, as other tools compute it.
pub(crate) fn sha256(bytes: &[u8]) -> ContentHash {
    ContentHash(Sha256::digest(bytes).into())
}
