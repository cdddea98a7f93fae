//! Corpora made of the built-in tunes, for a first try without data.

use std::collections::BTreeMap;

use deepcompose_core::augment::transpose;
use deepcompose_core::{InputTrack, Mode, Note, Pitch, Score, Tick, Track, Velocity};

use super::{ContentHash, Corpus, CorpusPiece, Split};
use crate::gan::{Genre, TrackRole};

/// The tunes that are validated on.
const HELD_OUT: [InputTrack; 2] = [InputTrack::FrereJacques, InputTrack::AuldLangSyne];

/// Semitones by which the tunes to train on are moved.
const KEYS: [i32; 5] = [0, -4, -2, 2, 4];

/// The genre of the bands.
const GENRE: Genre = Genre::Pop;

impl Corpus {
    /// A tiny corpus: every [`InputTrack`] as it is, and those that are not held out in four more keys. Two tunes are
    /// held out for validation. Enough to see a loss fall, not to make a model of.
    ///
    /// ```
    /// use deepcompose_models::data::{Corpus, Split};
    ///
    /// let corpus = Corpus::builtin();
    /// assert_eq!((corpus.count(Split::Train), corpus.count(Split::Valid)), (50, 2));
    /// ```
    #[must_use]
    pub fn builtin() -> Self {
        Self::of(tunes(|score| score))
    }

    /// [`Corpus::builtin`] with a band made by rule under each tune: in every bar the triad of the key that holds most
    /// of the melody, as long notes on the keys and strums on the guitar, its root on the bass, and a plain beat.
    #[must_use]
    pub fn builtin_bands() -> Self {
        Self::of(tunes(with_band))
    }
}

fn tunes(arrange: impl Fn(Score) -> Score) -> Vec<CorpusPiece> {
    let mut pieces = Vec::new();
    for track in InputTrack::ALL {
        let held_out = HELD_OUT.contains(&track);
        let keys = if held_out { &KEYS[..1] } else { &KEYS[..] };
        for semitones in keys {
            let Some(tune) = transpose(&track.score(), *semitones, Pitch::MIN..=Pitch::MAX) else { continue };
            let score = arrange(tune);
            pieces.push(CorpusPiece {
                id: format!("{}{semitones:+}", track.slug()),
                content: ContentHash::of(&score),
                split: if held_out { Split::Valid } else { Split::Train },
                genre: GENRE,
                score,
            });
        }
    }
    pieces.sort_by(|a, b| a.id.cmp(&b.id));
    pieces
}

/// Semitones above the tonic of the roots of I, IV, V and vi, and of i, iv, V and VI, in order of preference.
const MAJOR: [(i64, [i64; 3]); 4] = [(0, [0, 4, 7]), (7, [0, 4, 7]), (5, [0, 4, 7]), (9, [0, 3, 7])];
const MINOR: [(i64, [i64; 3]); 4] = [(0, [0, 3, 7]), (7, [0, 4, 7]), (5, [0, 3, 7]), (8, [0, 4, 7])];

fn with_band(mut score: Score) -> Score {
    let melody: Vec<Note> = score.tracks().iter().flat_map(Track::notes).copied().collect();
    let (tonic, mode) =
        score.key_signatures().first().map_or((0, Mode::Major), |k| (k.value.tonic(), k.value.mode()));
    let quarter = i64::from(score.ticks_per_quarter().get());
    let mut parts: BTreeMap<TrackRole, Vec<Note>> = BTreeMap::new();
    let end = score.end();
    for bar in score.bars().take_while(|bar| bar.start < end) {
        let (from, to) = (i64::from(bar.start.get()), i64::from(bar.end.get()));
        let (root, triad) = best_triad(&melody, (bar.start, bar.end), i64::from(tonic), mode);
        // A beat is a quarter note, or a dotted one where the metre counts eighths by threes.
        let signature = bar.time_signature;
        let compound = signature.denominator() == 8 && signature.numerator() % 3 == 0;
        let beat = if compound { quarter * 3 / 2 } else { quarter };
        let mut add = |role, start: i64, length: i64, pitch: i64, velocity: i64| {
            parts.entry(role).or_default().push(Note {
                start: Tick::saturating(start),
                pitch: Pitch::saturating(pitch),
                duration: Tick::saturating(length.min(to - start)),
                velocity: Velocity::saturating(velocity),
            });
        };
        for step in &triad {
            add(TrackRole::Keys, from, to - from, 48 + (root + step) % 12, 64);
        }
        for (number, start) in (from..to).step_by(beat.max(1) as usize).enumerate() {
            let strong = number % 2 == 0;
            add(TrackRole::Bass, start, beat, 36 + root % 12, 90);
            for step in &triad {
                add(TrackRole::Guitar, start, beat / 2, 55 + (root + step + 5) % 12, 70);
            }
            // Bass drum and snare in turn, closed hi-hat on eighths.
            add(TrackRole::Drums, start, quarter / 4, if strong { 36 } else { 38 }, 100);
            for hat in (start..(start + beat).min(to)).step_by((quarter / 2).max(1) as usize) {
                add(TrackRole::Drums, hat, quarter / 4, 42, 70);
            }
        }
    }
    for track in GENRE.tracks() {
        let empty = if track.is_drum {
            Track::drums(track.name, track.program())
        } else {
            Track::new(track.name, track.program())
        };
        score.push_track(empty.with_notes(parts.remove(&track.role).unwrap_or_default()));
    }
    score
}

/// The root, as a pitch class, and the steps of the triad that holds most of a bar's melody; of equals the one that
/// comes first.
fn best_triad(melody: &[Note], (from, to): (Tick, Tick), tonic: i64, mode: Mode) -> (i64, [i64; 3]) {
    let triads = if mode == Mode::Major { MAJOR } else { MINOR };
    let mut best = (0, (tonic % 12, triads[0].1));
    for (above, triad) in triads {
        let root = (tonic + above) % 12;
        let inside =
            |note: &&Note| triad.iter().any(|step| (root + step) % 12 == i64::from(note.pitch.class()));
        let held = |note: &Note| u64::from(note.end().min(to).saturating_sub(note.start.max(from)).get());
        let time: u64 = melody.iter().filter(inside).map(held).sum();
        if time > best.0 {
            best = (time, (root, triad));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::gan::RoleSet;

    #[test]
    fn tunes_are_in_one_split_in_all_keys_and_no_two_are_alike() {
        let corpus = Corpus::builtin();
        let mut hashes: Vec<_> = corpus.pieces().iter().map(|p| p.content).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 52);
        for piece in corpus.split(Split::Valid) {
            let tune = piece.id.trim_end_matches("+0");
            assert!(corpus.split(Split::Train).all(|other| !other.id.starts_with(tune)), "{tune}");
        }
    }

    #[test]
    fn a_bar_gets_the_triad_that_holds_its_melody() {
        let corpus = Corpus::builtin_bands();
        let piece = |id: &str| corpus.pieces().iter().find(|p| p.id == id).unwrap();
        // "Twinkle" in C: its first bar is C C G G (I), its second A A G (F A C holds 2 beats of A, C E G 2 of G:
        // I comes first), its third F F E E (I holds 2 beats of E; IV holds 2 of F: I again), its fourth D D C
        // (V holds 2 beats of D, I 2 of C: I).
        let score = &piece("twinkle-twinkle+0").score;
        let names: Vec<&str> = score.tracks().iter().map(Track::name).collect();
        assert_eq!(names.len(), 5);
        let bass = &score.tracks()[2];
        assert!(bass.notes().iter().take(8).all(|n| n.pitch.class() == 0));
        let keys: Vec<u8> = score.tracks()[4].notes().iter().take(3).map(|n| n.pitch.get()).collect();
        assert_eq!(keys, [48, 52, 55]);
        // "Greensleeves" is in A minor: A C E under its first full bar.
        let minor = &piece("greensleeves+0").score;
        assert!(minor.tracks()[4].notes().iter().take(3).any(|n| n.pitch.class() == 9));
        // In 6/8 there are two beats a bar.
        let bar = minor.bars().nth(1).unwrap();
        let beats =
            minor.tracks()[2].notes().iter().filter(|n| n.start >= bar.start && n.start < bar.end).count();
        assert_eq!(beats, 2);
    }

    #[test]
    fn every_band_has_all_roles() {
        let corpus = Corpus::builtin_bands();
        for split in [Split::Train, Split::Valid] {
            let data = corpus.gan_dataset(split).unwrap();
            assert_eq!(data.pieces().len(), corpus.count(split));
            assert!(data.pieces().iter().all(|piece| piece.roles() == RoleSet::ALL));
        }
    }
}
